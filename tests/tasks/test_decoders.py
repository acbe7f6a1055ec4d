"""Autoencoder, VAE, super-resolution and segmentation, as records of functions."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen import config, tasks
from deconvgen.core.errors import UserError
from deconvgen.metrics import sums as metrics
from deconvgen.nn.upsample import upsamplers
from deconvgen.ops.subpixel import space_to_depth
from deconvgen.runs.grafting import graft
from deconvgen.training import checkpoint, evaluate
from deconvgen.training import parallel as devices
from tests.decoders import NAMES, TINY, batch, keys, one_step, settings, start


class Case(NamedTuple):
    """A task with its compiled step, on two devices too, and its first three states."""

    config: object
    task: object
    step: object
    shared: object
    states: list
    scalars: dict


@pytest.fixture(scope="module", params=NAMES)
def case(request) -> Case:
    made = settings(request.param)
    task = tasks.make(made, None)
    step = jax.jit(task.train_step)
    states = [jax.jit(task.init)(jax.random.key(0), batch(made))]
    for i in range(3):
        state, scalars = step(states[-1], batch(made, seed=i), keys(4, i))
        states.append(state)
    spread = tasks.make(made, "devices").train_step
    spread = jax.vmap(spread, (None, 0, 0), axis_name="devices")
    return Case(made, task, step, jax.jit(spread), states, scalars)


def assert_equal(a, b):
    jax.tree.map(np.testing.assert_array_equal, a, b)


def test_a_step_learns_counts_and_logs(case):
    assert int(case.states[3].step) == 3
    assert all(np.isfinite(value) for value in case.scalars.values())
    first, last = (case.states[i].nets["model"].params for i in (0, 3))
    moved = jax.tree.map(lambda a, b: a.ndim < 2 or bool((a != b).any()), first, last)
    assert all(jax.tree.leaves(moved)), "every kernel has a gradient"


def test_resuming_from_disk_is_bitwise(case, tmp_path):
    host = jax.tree.map(np.asarray, case.states[2])
    saved = checkpoint.write(tmp_path, 2, host, {})
    blank = jax.eval_shape(case.task.init, jax.random.key(1), batch(case.config))
    restored = checkpoint.restore(saved, blank)
    state, _ = case.step(restored, batch(case.config, seed=2), keys(4, 2))
    assert_equal(state, case.states[3])


@pytest.mark.parametrize("mask", [[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 1, 1]])
def test_devices_that_share_a_batch_agree_with_one(case, mask):
    """`vmap` with the axis' name is what `pmap` does to each device's share.

    However the examples lie on the devices, of which one may have none.
    """
    split = lambda x: x.reshape(2, 2, *x.shape[1:])
    whole = batch(case.config, seed=2) | {"mask": jnp.array(mask, jnp.float32)}
    inputs = jax.tree.map(split, whole), split(keys(4, 2))
    states, scalars = case.shared(case.states[2], *inputs)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a[0], b, rtol=1e-4, atol=1e-5),
        (states, scalars),
        case.step(case.states[2], whole, keys(4, 2)),
    )


def test_evaluation_is_finite_and_blind_to_padding(case):
    made = case.config
    step = jax.jit(case.task.eval_step)
    found = batch(made)
    short = {k: v[:2] for k, v in found.items()}
    junk = {k: jnp.concatenate([v[:2], v[:2][::-1] * 0]) for k, v in found.items()}
    junk["mask"] = jnp.array([1.0, 1, 0, 0])
    results = metrics.results(metrics.add(None, step(case.states[3], junk, keys(4, 0))))
    plain = metrics.results(metrics.add(None, step(case.states[3], short, keys(2, 0))))
    for name, value in plain.items():
        if not name.startswith("edge"):  # its edges belong to the places in the batch
            assert value == pytest.approx(results[name], rel=1e-3, nan_ok=True), name
    assert made.monitor.metric in results
    assert np.isfinite(results[made.monitor.metric])


def test_samples_are_pictures(case):
    found = batch(case.config)
    images = jax.jit(case.task.sample)(case.states[3], found, keys(4, 0))
    h, w, c = case.config.data.image_shape
    columns = {"autoencoder": 2, "vae": 1, "superres": 4, "segmentation": 4}
    assert images.shape == (4, h, columns[case.config.task] * w, c)
    assert float(jnp.abs(images).max()) <= 1.0001
    assert bool(jnp.isfinite(images).all())


@pytest.mark.parametrize("upsampler", list(upsamplers))
@pytest.mark.parametrize("name", ["autoencoder", "superres", "segmentation"])
def test_every_upsampler_fits_every_task(name, upsampler):
    extra = {"model.kernel_size=0", f"model.upsampler={upsampler}"}
    if upsamplers[upsampler].needs_guide and name != "segmentation":
        with pytest.raises(UserError, match="needs a guide, the features of"):
            start(settings(name, *extra))
        return
    if upsamplers[upsampler].needs_indices:
        if name == "superres":
            pytest.skip("a low-resolution picture has no pooling's indices")
        extra |= {"model.pool=true"} if name == "autoencoder" else {"model.name=segnet"}
    made = settings(name, *extra)
    task = tasks.make(made, None)
    found = batch(made)
    state = jax.eval_shape(task.init, jax.random.key(0), found)
    after, _ = jax.eval_shape(task.train_step, state, found, keys(4, 0))
    assert jax.tree.structure(after) == jax.tree.structure(state)


@pytest.mark.parametrize("model", ["unet", "fcn", "segnet"])
def test_guided_layers_are_guided_by_the_encoder(model):
    """The encoder's features of the layer's own output size, in every segmentation."""
    made = settings("segmentation", f"model.name={model}", "model.upsampler=fade")
    state = jax.eval_shape(tasks.make(made, None).init, jax.random.key(0), batch(made))
    params = state.nets["model"].params
    ups = params.get("decoder", params)
    guides = [ups[up]["compress_guide"]["kernel"].shape for up in ups if "up_" in up]
    widths = {"unet": (4, 3), "fcn": (5, 4, 3), "segnet": (5, 4, 3)}[model]
    assert guides == [(1, 1, width, 64) for width in widths]


def test_a_start_of_the_images_is_given_them():
    """`pca` of the last layer: its rows are the patches of the batch."""
    made = settings(
        "autoencoder",
        "model.upsampler=depth_to_space",
        "model.initializer=default,pca",
        "model.smoothing=2",
        "model.features=3,6",
        "model.residual=true",
        "model.shortcut=channel_repeat",
    )
    images = batch(made)["image"]
    last = start(made).nets["model"].params["decoder"]["up_1"]["upsampler"]
    rows = jax.tree.leaves(last)[-1][1, 1]
    patches = np.asarray(space_to_depth(images, 2)).reshape(-1, 4)
    kept = patches @ rows.T @ rows
    _, best, _ = np.linalg.svd(patches)
    lost = ((patches - kept) ** 2).sum()
    assert lost == pytest.approx((best[3:] ** 2).sum(), rel=1e-2) and lost > 0.1


@pytest.mark.parametrize("name", NAMES)
def test_bfloat16_computes_and_keeps_float32_parameters(name):
    made = settings(name, "dtype=bfloat16")
    task = tasks.make(made, None)
    found = batch(made)
    state = jax.eval_shape(task.init, jax.random.key(0), found)
    after, scalars = jax.eval_shape(task.train_step, state, found, keys(4, 0))
    leaves = jax.tree.leaves(after.nets["model"].params)
    assert {str(leaf.dtype) for leaf in leaves} == {"float32"}
    assert scalars["loss"].dtype == jnp.float32
    text = jax.make_jaxpr(lambda s: task.train_step(s, found, keys(4, 0)))(state)
    assert "bf16" in str(text)


@pytest.mark.parametrize("variant", ["gaussian", "inpainting"])
def test_denoising_shows_what_was_done_to_the_image(variant):
    made = settings("autoencoder", *TINY["autoencoder"])
    other = config.load(f"autoencoder:{variant}")
    made.corruption = other.corruption
    task = tasks.make(made, None)
    found = batch(made)
    drawn = jax.jit(task.sample)(start(made), found, keys(4, 0))
    image, given, _ = jnp.split(drawn, 3, axis=2)
    np.testing.assert_array_equal(image, found["image"])
    assert float(jnp.abs(given - image).mean()) > 0.05


@pytest.mark.parametrize("laws", [0, 3])
def test_the_importance_weighted_bound_is_no_looser_than_the_elbo(laws):
    more = f"loss.components={laws}"
    made = settings("vae", "model.dropout=0", "eval.importance_samples=20", more)
    task = tasks.make(made, None)
    found, state = batch(made, 8), start(made)
    step = evaluate.make_step(task, devices.one(), 0)
    figures = metrics.results(metrics.add(None, step(state, found, 0, 0)))
    assert figures["iw20_bound_nats"] > figures["elbo_nats"]
    bits = -figures["elbo_nats"] / (28 * 28 * np.log(2))
    assert figures["elbo_bits_per_dim"] == pytest.approx(bits, rel=1e-5)
    total = -figures["distortion_nats"] - figures["kl_nats"]
    assert figures["elbo_nats"] == pytest.approx(total, rel=1e-5)


def test_images_of_mixtures_are_images():
    made = settings("vae", "loss.components=3")
    task, found, state = tasks.make(made, None), batch(made), start(made)
    wild = jax.tree.map(lambda p: 30 * p, state.ema["params"])
    state = state._replace(ema=state.ema | {"params": wild})
    for drawn in (
        task.sample(state, found, keys(4, 0)),
        task.reconstruct(state, found),
    ):
        assert drawn.shape == found["image"].shape
        assert 0.5 < float(jnp.abs(drawn).max()) <= 1


def test_a_frozen_trunk_stays_and_the_head_learns():
    made = settings("superres", "model.freeze_trunk=true", "model.norm=none")
    before, after = one_step(made)
    old, new = before.nets["model"].params, after.nets["model"].params
    assert_equal(old["trunk"], new["trunk"])
    old, new = (params["head"]["deconv"]["kernel"] for params in (old, new))
    assert bool((old != new).any())


def test_another_factor_takes_the_trunk_and_starts_its_own_head(tmp_path):
    two, three = (settings("superres", f"model.factor={f}") for f in (2, 3))
    old, new = start(two), start(three, seed=1)
    saved = checkpoint.write(tmp_path, 1, jax.tree.map(np.asarray, old), {})
    arrays = checkpoint.read_arrays(saved.path)
    grafted, _, kept = graft(arrays, new)
    params = grafted.nets["model"].params
    assert_equal(params["trunk"], old.nets["model"].params["trunk"])
    assert all("head" in name for name in kept) and kept
    assert_equal(params["head"], new.nets["model"].params["head"])


def test_frozen_upsampling_stays_bilinear():
    made = settings(
        "segmentation",
        "model.name=fcn",
        "model.initializer=bilinear",
        "model.kernel_size=0",
        "model.freeze_upsampling=true",
    )
    before, after = one_step(made)
    old, new = before.nets["model"].params, after.nets["model"].params
    ups = [name for name in old if name.startswith("up_")]
    assert len(ups) == 3
    for name in ups:
        assert_equal(old[name], new[name])
    assert bool((old["score"]["kernel"] != new["score"]["kernel"]).any())


def test_the_decoder_has_the_activation_of_the_config():
    """Another one than ReLU lets something through where ReLU is silent."""
    plain, leaky = (
        settings("autoencoder", f"model.activation={name}", "model.norm=none")
        for name in ("relu", "filtered_leaky_relu")
    )
    state = start(plain)
    made = [
        jax.jit(tasks.make(config, None).reconstruct)(state, batch(config))
        for config in (plain, leaky)
    ]
    assert np.isfinite(made[1]).all() and not np.allclose(*made, atol=1e-4)
