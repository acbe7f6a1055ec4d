"""FCN, U-Net and SegNet: what goes where."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.core.errors import UserError
from deconvgen.models.blocks import Blocks
from deconvgen.models.segmentation import segmenters
from deconvgen.ops import resize

IMAGES = jnp.asarray(np.random.default_rng(0).uniform(-1, 1, (1, 16, 24, 3)), "f4")


def net(name: str, initializer: str = "default", **fields):
    upsampler = "max_unpool" if name == "segnet" else "conv_transpose"
    blocks = Blocks(upsampler=upsampler, initializer=initializer)
    return segmenters[name](classes=5, features=(3, 4, 6), blocks=blocks, **fields)


def start(model):
    init = jax.jit(lambda key: model.init(key, IMAGES, train=False))
    return init(jax.random.key(0))


@pytest.mark.parametrize("name", list(segmenters))
@pytest.mark.parametrize(
    "fields", [{}, {"convs": 2, "decoder_convs": 3}, {"join": "add"}]
)
def test_every_pixel_gets_a_number_for_each_class(name, fields):
    model = net(name, **fields)
    made, _ = jax.eval_shape(
        lambda key: model.init_with_output(key, IMAGES, train=False), jax.random.key(0)
    )
    assert made.shape == (1, 16, 24, 5) and made.dtype == jnp.float32


@pytest.mark.parametrize("fuse", [0, 1, 2])
def test_an_fcn_starts_as_the_bilinear_enlargement_of_its_scores(fuse):
    """The finer scores start at zero, and each enlargement as bilinear."""
    model = net("fcn", fuse=fuse, initializer="bilinear")
    variables = start(model)
    made, state = model.apply(
        variables, IMAGES, train=False, capture_intermediates=True, mutable=True
    )
    x = state["intermediates"]["score"]["__call__"][0]
    for factor in [2] * fuse + [2 ** (3 - fuse)]:
        x = resize.bilinear(x, factor)
    # A deconvolution fades out at the border, where a resize goes on.
    edge = 8
    inner = np.s_[:, edge:-edge, edge:-edge]
    if fuse == 0:
        inner = np.s_[:, 4:-4, 4:-4]
    np.testing.assert_allclose(made[inner], x[inner], atol=1e-5)


def test_a_unet_joins_by_concatenation_or_by_a_sum():
    """After the last join stand the features of both, or of one."""
    finest = {
        join: start(net("unet", join=join))["params"]["join_1_0"]["kernel"].shape
        for join in ("concat", "add")
    }
    assert finest == {"concat": (3, 3, 6, 3), "add": (3, 3, 3, 3)}
    with pytest.raises(UserError, match=r"model\.join 'ad'; did you mean 'add'"):
        start(net("unet", join="ad"))


def test_a_unet_sees_the_finest_features_beside_the_enlarged_ones():
    """A change of one pixel changes the logits there even with dead up-convolutions."""
    model = net("unet")
    variables = start(model)
    params = dict(variables["params"])
    for name in [name for name in params if name.startswith("up_")]:
        params[name] = jax.tree.map(jnp.zeros_like, params[name])
    run = jax.jit(
        lambda x: model.apply({**variables, "params": params}, x, train=False)
    )
    moved = jnp.abs(run(IMAGES.at[0, 8, 8].add(1)) - run(IMAGES)).max(-1)[0]
    assert float(moved[6:11, 6:11].max()) > 1e-4
    assert float(moved[:4].max()) == 0 == float(moved[:, 16:].max())


def test_an_fcn_is_told_how_many_resolutions_it_can_fuse():
    with pytest.raises(UserError, match=r"model\.fuse should be 0 to 2"):
        start(net("fcn", fuse=3))
