"""Norms by name, the spectral norm, and dropout that belongs to the example."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.core.errors import UserError
from deconvgen.nn.blocks import Dropout, PReLU, activation, activations
from deconvgen.nn.conv import ConvTranspose
from deconvgen.nn.norm import Norm, SpectralNorm, norms


@pytest.fixture(scope="module")
def x():
    rng = np.random.default_rng(0)
    return jnp.asarray(3 + 2 * rng.normal(size=(4, 5, 6, 8)), jnp.float32)


AXES = {"batch": (0, 1, 2), "group": (1, 2, 4), "instance": (1, 2)}


@pytest.mark.parametrize("kind", AXES)
def test_takes_mean_and_variance_over_its_axes(x, kind):
    norm = Norm(kind, groups=4)
    variables = norm.init(jax.random.key(0), x, False)
    y, _ = norm.apply(variables, x, True, mutable=["batch_stats"])
    y = y.reshape(4, 5, 6, 4, 2) if kind == "group" else y
    np.testing.assert_allclose(y.mean(AXES[kind]), 0, atol=1e-4)
    np.testing.assert_allclose(y.var(AXES[kind]), 1, atol=1e-3)


def test_none_is_the_identity(x):
    y, variables = Norm("none").init_with_output(jax.random.key(0), x, True)
    assert variables == {}
    np.testing.assert_array_equal(x, y)


def test_running_averages_are_used_when_not_training(x):
    norm = Norm("batch", momentum=0.0)
    variables = norm.init(jax.random.key(0), x, False)
    trained, stats = norm.apply(variables, x, True, mutable=["batch_stats"])
    np.testing.assert_allclose(
        norm.apply({**variables, **stats}, x, False), trained, atol=1e-4
    )


def test_padding_stays_out_of_the_statistics(x):
    norm = Norm("batch")
    variables = norm.init(jax.random.key(0), x, False)
    mask = jnp.array([1.0, 1.0, 1.0, 0.0])
    apply = lambda *args: norm.apply(variables, *args, mutable=["batch_stats"])
    padded, stats = apply(x.at[3].set(1e3), True, mask)
    alone, expected = apply(x[:3], True)
    np.testing.assert_allclose(padded[:3], alone, atol=1e-4)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4), stats, expected
    )


def test_statistics_over_the_devices_are_those_of_the_whole_batch(x):
    norm, one = Norm("batch", axis_name="devices"), Norm("batch")
    variables = one.init(jax.random.key(0), x, False)
    apply = lambda x: norm.apply(variables, x, True, mutable=["batch_stats"])
    y, _ = jax.vmap(apply, axis_name="devices")(x.reshape(2, 2, 5, 6, 8))
    whole, _ = one.apply(variables, x, True, mutable=["batch_stats"])
    np.testing.assert_allclose(y.reshape(x.shape), whole, atol=1e-4)


def test_gain_starts_as_dcgan_draws_it():
    x = jnp.zeros((1, 1, 1, 4096))
    norm = Norm("batch", gain_stddev=0.02)
    gain = norm.init(jax.random.key(0), x, False)["params"]["BatchNorm_0"]["scale"]
    assert abs(gain.mean() - 1) < 2e-3
    assert abs(gain.std() - 0.02) < 2e-3


def test_a_norm_that_there_is_not():
    with pytest.raises(UserError, match="did you mean 'batch'"):
        Norm("bacth").init(jax.random.key(0), jnp.zeros((1, 2, 2, 1)), True)
    assert list(norms) == ["batch", "group", "instance", "none"]


def test_spectral_norm_of_the_kernel_comes_to_one():
    x = jnp.ones((1, 4, 4, 3))
    layer = SpectralNorm(nn.Conv(5, (3, 3), use_bias=False), iterations=4)
    variables = layer.init(jax.random.key(0), x, train=False)
    step = jax.jit(lambda v: layer.apply(v, x, train=True, mutable=["batch_stats"]))
    for _ in range(10):
        y, stats = step(variables)
        variables = {**variables, **stats}
    (kernel,) = jax.tree.leaves(variables["params"])
    sigma = np.linalg.norm(np.asarray(kernel).reshape(-1, 5), 2)
    plain = nn.Conv(5, (3, 3), use_bias=False)
    expected = plain.apply({"params": {"kernel": kernel / sigma}}, x)
    np.testing.assert_allclose(y, expected, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(layer.apply(variables, x, train=False), y, rtol=1e-3)


def test_every_activation_keeps_the_shape_and_is_finite(x):
    for name in activations:
        run = nn.module.compact  # prelu has parameters: call inside a module

        class Probe(nn.Module):
            kind: str

            @run
            def __call__(self, x):
                return activation(self.kind)(x)

        y, _ = Probe(name).init_with_output(jax.random.key(0), x)
        assert y.shape == x.shape
        assert np.isfinite(y).all()
    assert activation("leaky_relu")(jnp.float32(-1)) == pytest.approx(-0.2)


def test_prelu_has_a_slope_for_each_channel():
    x = -jnp.ones((1, 2, 3))
    y = PReLU().apply({"params": {"slope": jnp.array([0.0, 0.5, 2.0])}}, x)
    np.testing.assert_array_equal(y[0, 0], [0, -0.5, -2])


class Two(nn.Module):
    """Two dropouts of the same rate."""

    @nn.compact
    def __call__(self, x, keys, train):
        return Dropout(0.25)(x, keys, train), Dropout(0.25)(x, keys, train)


def test_dropout_belongs_to_the_example_and_to_the_layer():
    x = jnp.ones((4, 16, 16, 8))
    keys = jax.random.split(jax.random.key(0), 4)
    first, second = Two().apply({}, x, keys, True)
    alone, _ = Two().apply({}, x[2:], keys[2:], True)
    np.testing.assert_array_equal(first[2:], alone)
    assert not np.array_equal(first, second)
    assert abs((first == 0).mean() - 0.25) < 0.02
    np.testing.assert_allclose(first.mean(), 1, atol=0.02)
    np.testing.assert_array_equal(Two().apply({}, x, None, False)[0], x)


def test_dropout_says_what_it_needs():
    x = jnp.ones((2, 3))
    with pytest.raises(UserError, match="one key for each example"):
        Dropout(0.5).apply({}, x, None, True)
    with pytest.raises(UserError, match=r"\[0, 1\)"):
        Dropout(1.0).apply({}, x, None, False)


@pytest.mark.parametrize("devices", [1, 2, 4, 8])
@pytest.mark.parametrize(
    "kept", [[1] * 8, [1, 1, 1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 0, 0, 1, 0], [1] + [0] * 7]
)
def test_batch_statistics_are_those_of_the_kept_examples_on_any_devices(devices, kept):
    """google/flax#2417, keras#20815: a device may even have no example at all."""
    rng = np.random.default_rng(1)
    x = jnp.asarray(3 + rng.normal(size=(8, 2, 3, 4)), jnp.float32)
    mask = jnp.asarray(kept, jnp.float32)
    x = jnp.where(mask.reshape(-1, 1, 1, 1) > 0, x, jnp.nan)  # padding may be anything
    norm = Norm("batch", axis_name="devices", momentum=0.0)
    variables = Norm("batch").init(jax.random.key(0), x, False)
    apply = lambda x, mask: norm.apply(variables, x, True, mask, mutable="batch_stats")
    split = lambda a: a.reshape(devices, -1, *a.shape[1:])
    y, found = jax.vmap(apply, axis_name="devices")(split(x), split(mask))
    real = np.asarray(x, np.float64)[np.asarray(kept) > 0]
    for name, expected in (
        ("mean", real.mean((0, 1, 2))),
        ("var", real.var((0, 1, 2))),
    ):
        ours = found["batch_stats"]["BatchNorm_0"][name]
        np.testing.assert_allclose(
            ours, np.broadcast_to(expected, ours.shape), rtol=1e-5, atol=1e-6
        )
    whole = (real - real.mean((0, 1, 2))) / np.sqrt(real.var((0, 1, 2)) + 1e-5)
    ours = y.reshape(x.shape)[mask > 0]
    np.testing.assert_allclose(ours, whole, rtol=1e-4, atol=1e-4)


def test_where_everything_is_masked_the_averages_stay(x):
    norm = Norm("batch")
    variables = norm.init(jax.random.key(0), x, False)
    y, found = norm.apply(variables, x, True, jnp.zeros(4), mutable=["batch_stats"])
    jax.tree.map(
        np.testing.assert_array_equal, found["batch_stats"], variables["batch_stats"]
    )
    assert np.isfinite(y).all()


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize("far", [0.0, 1e2, 1e4])
@pytest.mark.parametrize("kind", AXES)
def test_right_far_from_zero(kind, far, dtype):
    """google/flax#1491, objax#182: E[x^2] - E[x]^2 is 26 % off at 1000."""
    rng = np.random.default_rng(2)
    x = jnp.asarray(far + rng.normal(size=(8, 8, 8, 4)), dtype)
    norm = Norm(kind, groups=2, dtype=jnp.float32)
    variables = norm.init(jax.random.key(0), x, False)
    y, _ = norm.apply(variables, x, True, mutable=["batch_stats"])
    exact = np.asarray(x.astype(jnp.float32), np.float64)
    grouped = exact.reshape(8, 8, 8, 2, 2) if kind == "group" else exact
    over = AXES[kind]
    mean, var = (f(over, keepdims=True) for f in (grouped.mean, grouped.var))
    expected = ((grouped - mean) / np.sqrt(var + 1e-5)).reshape(exact.shape)
    np.testing.assert_allclose(y, expected, atol=1e-3)


def test_the_gradient_of_a_batch_norm_is_that_of_its_formula(x):
    norm, weight = Norm("batch"), jnp.cos(jnp.arange(x.size)).reshape(x.shape)
    variables = norm.init(jax.random.key(0), x, False)

    def ours(x):
        return (norm.apply(variables, x, True, mutable="batch_stats")[0] * weight).sum()

    def formula(x):
        away = x - x.mean((0, 1, 2))
        return (away / jnp.sqrt(x.var((0, 1, 2)) + 1e-5) * weight).sum()

    np.testing.assert_allclose(jax.grad(ours)(x), jax.grad(formula)(x), atol=1e-4)


@pytest.mark.parametrize(
    ("norm", "shape"),
    [
        (Norm("batch"), (1, 1, 1, 8)),
        (Norm("instance"), (4, 1, 1, 8)),
        (Norm("group", groups=8), (4, 1, 1, 8)),
    ],
)
def test_statistics_of_one_value_are_refused(norm, shape):
    """pytorch#45687: PyTorch raises a ValueError; all that is left of it is 0."""
    with pytest.raises(UserError, match="more than one value"):
        x = jnp.ones(shape)
        variables = norm.init(jax.random.key(0), x, False)
        norm.apply(variables, x, True, mutable=["batch_stats"])


@pytest.mark.parametrize(
    ("channels", "asked", "groups"),
    [(48, 32, 24), (24, 32, 24), (33, 32, 11), (64, 6, 4), (64, 32, 32), (7, 4, 1)],
)
def test_groups_are_lowered_to_the_nearest_divisor(channels, asked, groups):
    """pytorch#74293: the largest number that fits, not above the one asked for."""
    x = jnp.asarray(np.random.default_rng(3).normal(size=(2, 4, 4, channels)))
    given = lambda groups: Norm("group", groups=groups).init_with_output(
        jax.random.key(0), x, True
    )[0]
    np.testing.assert_array_equal(given(asked), given(groups))
    apart = x.reshape(2, 4, 4, groups, -1)
    mean, var = (f((1, 2, 4), keepdims=True) for f in (apart.mean, apart.var))
    expected = ((apart - mean) / np.sqrt(var + 1e-5)).reshape(x.shape)
    np.testing.assert_allclose(given(asked), expected, atol=1e-4)


@pytest.mark.parametrize(
    "wrong", [{"groups": 0}, {"momentum": 1.5}, {"momentum": -0.1}, {"epsilon": -1e-5}]
)
def test_settings_that_make_no_sense(wrong):
    with pytest.raises(UserError, match=next(iter(wrong))):
        Norm("group", **wrong).init(jax.random.key(0), jnp.ones((2, 4, 4, 8)), True)


@pytest.mark.parametrize("transpose_kernel", [False, True])
def test_spectral_norm_is_over_the_channels_that_come_out(transpose_kernel):
    """As torch.nn.utils.spectral_norm: dim 1 of ConvTranspose2d's [in, out, kh, kw].

    So both layouts of one kernel are divided by the same number.
    """
    layer = ConvTranspose(3, (4, 4), strides=(2, 2), transpose_kernel=transpose_kernel)
    norm, x = SpectralNorm(layer, iterations=60), jnp.ones((1, 4, 4, 5))
    variables = norm.init(jax.random.key(0), x, train=True)
    (kernel,) = [k for k in jax.tree.leaves(variables["params"]) if k.ndim == 4]
    matrix = kernel if not transpose_kernel else kernel.transpose(0, 1, 3, 2)
    sigma = np.linalg.svd(matrix.reshape(-1, 3), compute_uv=False)[0]
    y, _ = norm.apply(variables, x, train=True, mutable=["batch_stats"])
    plain = {"params": {"kernel": kernel / sigma, "bias": jnp.zeros(3)}}
    np.testing.assert_allclose(y, layer.apply(plain, x), rtol=1e-4, atol=1e-5)
