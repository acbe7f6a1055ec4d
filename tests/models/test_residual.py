"""Residual blocks without norms, the learned start, and how labels are told."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.core.errors import UserError
from deconvgen.models.blocks import Blocks, Finish
from deconvgen.models.dcgan import Discriminator, Generator
from deconvgen.models.decoder import Decoder
from deconvgen.models.encoder import Encoder
from deconvgen.models.residual import LEAKY, LearnedStart, ResidualBlock, Residuals
from deconvgen.nn.blocks import ClassGains
from deconvgen.nn.upsample import upsamplers
from deconvgen.runs import setup as runs
from tests.tiny import untrained

KEY = jax.random.key(0)


def normal(*shape, seed=1):
    return jax.random.normal(jax.random.key(seed), shape)


def nudged(params):
    """Parameters that are not at their start, where much is zero."""
    leaves, tree = jax.tree.flatten(params)
    drawn = [p + 0.3 * normal(*p.shape, seed=i) for i, p in enumerate(leaves)]
    return jax.tree.unflatten(tree, drawn)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize("within", [0, 4])
def test_a_residual_block_starts_as_the_identity(within, dtype):
    x = normal(2, 5, 4, 8).astype(dtype)
    y, variables = ResidualBlock(3, within, dtype=dtype).init_with_output(KEY, x)
    np.testing.assert_array_equal(y, x)
    assert y.dtype == dtype
    moved = ResidualBlock(3, within, dtype=dtype).apply(nudged(variables), x)
    assert moved.dtype == dtype and float(jnp.abs(moved - x).max()) > 0.1


@pytest.mark.parametrize("within", [0, 4])
def test_a_residual_block_is_its_definition(within):
    x = normal(2, 5, 4, 8)
    block = ResidualBlock(1, within)
    params = nudged(block.init(KEY, x))["params"]
    lines = [params[f"conv_{i}"] for i in range(3 if within else 2)]
    y = x
    for i, own in enumerate(lines):
        if i:
            y = jnp.maximum(y, 0.2 * y)
        groups = 16 // within if within and i == 1 else 1
        y = jax.lax.conv_general_dilated(
            y,
            own["kernel"],
            (1, 1),
            "SAME",
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            feature_group_count=groups,
        )
        y = y + own.get("bias", 0.0)
    assert "bias" not in lines[-1]
    np.testing.assert_allclose(block.apply({"params": params}, x), x + y, atol=1e-4)


@pytest.mark.parametrize("within, power", [(0, -1 / 2), (8, -1 / 4)])
def test_the_start_falls_with_the_depth_as_fixup_says(within, power):
    x = jnp.zeros((1, 4, 4, 64))
    for blocks in (1, 16):
        params = ResidualBlock(blocks, within).init(KEY, x)["params"]
        kernel = params["conv_0"]["kernel"]
        fan_in = np.prod(kernel.shape[:-1])
        expected = LEAKY * blocks**power / np.sqrt(fan_in)
        np.testing.assert_allclose(kernel.std(), expected, rtol=0.05)


def test_groups_that_do_not_divide_are_the_users_mistake():
    with pytest.raises(UserError, match="group_width=3 does not divide 16"):
        ResidualBlock(1, 3).init(KEY, jnp.zeros((1, 4, 4, 8)))


def test_a_learned_start_is_linear_in_the_latent():
    start, a, b = LearnedStart((3, 2), 5), normal(4, 6), normal(4, 6, seed=2)
    variables = start.init(KEY, a)
    made = lambda z: start.apply(variables, z)
    np.testing.assert_allclose(made(a + 2 * b), made(a) + 2 * made(b), atol=1e-5)
    basis = variables["params"]["basis"]
    share = made(a) / basis  # one number a channel
    np.testing.assert_allclose(share, share[:, :1, :1] + 0 * share, rtol=1e-3)


def sizes(upsampler):
    layer = upsamplers[upsampler]
    return not (layer.needs_indices or layer.needs_guide)


@pytest.mark.parametrize("name", [n for n in upsamplers if sizes(n)])
def test_every_upsampler_fits_a_residual_generator(name):
    """What its residual blocks and class gains are made for does not depend on it."""
    blocks = Blocks(norm="none", upsampler=name, classes=3)
    decoder = Decoder((8, 1), (2, 2), blocks, Residuals(1, 2, 4))
    net = Generator((3, 3), 8, decoder, num_classes=3, start="learned")
    z, label = jnp.zeros((2, 5)), jnp.zeros(2, jnp.int32)
    shape = lambda *of: net.init_with_output(*of, train=False, label=label)
    y, variables = jax.eval_shape(shape, KEY, z)
    assert y.shape == (2, 12, 12, 1) and y.dtype == jnp.float32
    names = {"residual_0_0", "residual_1_0", "class_0", "up_0", "up_1"}
    assert variables["params"]["decoder"].keys() == names
    assert variables.keys() == {"params"}


def test_class_gains_scale_and_move_each_channel():
    x, label = normal(2, 3, 3, 4), jnp.array([1, 0])
    gains = ClassGains(2)
    params = nudged(gains.init(KEY, x, label))["params"]
    gain, bias = (np.asarray(params[n])[np.array([1, 0])] for n in ("gain", "bias"))
    expected = x * (1 + gain[:, None, None]) + bias[:, None, None]
    found = gains.apply({"params": params}, x, label)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def critic(condition):
    finish = Finish(norm="none", activation="leaky_relu")
    encoder = Encoder((4, 8), (2, 2), finish=finish)
    return Discriminator(encoder, num_classes=3, condition=condition)


@pytest.mark.parametrize("condition", ["projection", "features"])
def test_a_projection_adds_the_products_with_the_labels_vector(condition):
    """Miyato and Koyama 2018, equation 3; to tell no label is to add nothing."""
    net, images = critic(condition), normal(5, 8, 8, 1)
    label = jnp.array([0, 1, 2, 0, 1])
    variables = net.init(KEY, images, False, label)
    params = nudged(variables["params"])
    judged = net.apply({"params": params}, images, False, label)
    plain = params | {"label": jax.tree.map(jnp.zeros_like, params["label"])}
    without = net.apply({"params": plain}, images, False, label)
    x = net.encoder.apply({"params": params["encoder"]}, images, False).x
    x = x.mean((1, 2)) if condition == "projection" else x.reshape(5, -1)
    table = params["label"]["embedding"]
    np.testing.assert_allclose(
        judged - without, (x * table[label]).sum(-1), rtol=1e-3, atol=1e-3
    )


def test_one_hot_maps_lie_beside_the_image():
    net, images = critic("one_hot"), normal(2, 8, 8, 1)
    label = jnp.array([2, 0])
    params = nudged(net.init(KEY, images, False, label)["params"])
    maps = jnp.broadcast_to(jax.nn.one_hot(label, 3)[:, None, None], (2, 8, 8, 3))
    told = jnp.concatenate([images, maps], -1)
    alone = Discriminator(net.encoder).apply({"params": params}, told, False)
    judged = net.apply({"params": params}, images, False, label)
    np.testing.assert_allclose(judged, alone, rtol=1e-5)
    assert "label" not in params


@pytest.mark.parametrize(
    "given, words",
    [
        (("model.class_gains=true",), "class_gains goes with model.conditional=True"),
        (("model.critic_condition=features",), "goes with model.conditional=True"),
        (("model.depth=1",), "model.depth goes with model.norm=none alone"),
        (("model.critic_depth=1",), "critic_depth goes with model.critic_norm=none"),
        (("model.group_width=4",), "is of the blocks of model.depth"),
    ],
)
def test_what_would_change_nothing_is_refused(given, words):
    with pytest.raises(UserError, match=words):
        runs.check(untrained("gan", classes=3, overrides=given).config)


@pytest.mark.parametrize("condition", ["projection", "features", "one_hot"])
def test_the_recipe_of_r3gan_trains_in_its_shapes(condition):
    run = untrained(
        "gan",
        classes=3,
        overrides=(
            *("model.norm=none", "model.critic_norm=none", "model.start=learned"),
            *("model.depth=1", "model.critic_depth=1", "model.group_width=4"),
            *("loss.name=relativistic", "loss.r1=0.1", "loss.r2=0.1"),
            *("model.conditional=true", f"model.critic_condition={condition}"),
            "optimizer.b2_end=0.99",
        ),
    )
    runs.check(run.config)
    assert run.sample(3).shape == (3, 16, 16, 1)
    keys = jax.random.split(KEY, 4)
    after, scalars = jax.eval_shape(run.task.train_step, run.state, run.blank(4), keys)
    assert {"d_loss", "g_loss"} <= scalars.keys()
    shapes = lambda tree: jax.tree.map(lambda x: (x.shape, x.dtype), tree)
    assert shapes(after.ema) == shapes(run.state.ema)
