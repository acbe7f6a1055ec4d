"""The forms stay short to compile, and those of large geometries are exact."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.ops.convolution import dispatch, forms
from deconvgen.ops.convolution.geometry import Geometry
from deconvgen.ops.convolution.strided import conv
from deconvgen.ops.convolution.transposed import conv_transpose
from deconvgen.ops.fir import upfirdn

LARGE = {
    "FCN-32s": (conv_transpose, (4, 4), 21, (64, 64, 21, 21), 32, 1),
    "depthwise 7 x 7": (conv, (8, 8), 32, (7, 7, 1, 32), 1, 32),
    "depthwise 31 x 31": (conv, (8, 8), 32, (31, 31, 1, 32), 1, 32),
    "depthwise up by 8": (conv_transpose, (4, 4), 16, (16, 16, 1, 16), 8, 16),
    "depthwise up by 4": (conv_transpose, (4, 4), 16, (8, 8, 1, 16), 4, 16),
    "volume": (conv_transpose, (4, 4, 4), 8, (7, 7, 7, 8, 8), 2, 1),
    "32 groups": (conv_transpose, (8, 8), 128, (4, 4, 4, 128), 2, 32),
    "8 groups by 8": (conv_transpose, (4, 4), 16, (16, 16, 2, 16), 8, 8),
    "line by 64": (conv_transpose, (4,), 8, (128, 8, 8), 64, 1),
}


@pytest.mark.parametrize("name", LARGE)
def test_what_is_to_be_compiled_does_not_grow_with_the_geometry(name):
    """Lines of the whole gradient; one for each phase and tap were thousands."""
    op, size, c, shape, stride, groups = LARGE[name]

    def loss(x, kernel):
        return jnp.sum(op(x, kernel, stride, feature_group_count=groups) ** 2)

    args = (jnp.zeros((2, *size, c)), jnp.zeros(shape))
    text = jax.jit(jax.grad(loss, (0, 1))).lower(*args).as_text()
    assert len(text.splitlines()) < 600


@pytest.mark.parametrize(
    ("op", "size", "c", "shape", "stride", "dilation", "groups"),
    [
        (conv_transpose, (3, 4), 18, (3, 3, 2, 18), 2, 1, 9),
        (conv_transpose, (3, 4), 18, (3, 3, 2, 18), 2, 2, 9),
        (conv_transpose, (3,), 9, (5, 1, 9), 3, 1, 9),
        (conv_transpose, (3, 4), 3, (5, 7, 1, 3), (3, 1), (1, 2), 3),
        (conv_transpose, (3, 4), 3, (2, 3, 1, 3), (3, 2), (2, 1), 3),
        (conv_transpose, (2, 2), 3, (36, 36, 3, 2), 18, 1, 1),
        (conv, (9, 9), 2, (7, 7, 1, 2), 1, 1, 2),
        (conv, (6, 7), 18, (4, 4, 2, 18), 2, 1, 9),
    ],
)
def test_forms_of_large_geometries_are_lax(
    op, size, c, shape, stride, dilation, groups
):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, *size, c)).astype(np.float32)
    kernel = rng.normal(size=shape).astype(np.float32)

    def step(impl):
        def loss(x, kernel):
            options = {"kernel_dilation": dilation, "feature_group_count": groups}
            y = op(x, kernel, stride, impl=impl, **options)
            return jnp.sum(jnp.sin(y)), y

        return jax.jit(jax.grad(loss, (0, 1), has_aux=True))(x, kernel)

    for actual, expected in zip(
        jax.tree.leaves(step("auto")), jax.tree.leaves(step("lax")), strict=True
    ):
        np.testing.assert_allclose(actual, expected, atol=2e-3)


def test_a_large_filter_is_the_outer_product_of_its_rows_and_columns():
    x = np.random.default_rng(0).normal(size=(1, 6, 5, 2))
    x = jnp.asarray(x, jnp.float32)
    taps = np.random.default_rng(1).normal(size=12).astype(np.float32)
    for up, down in ((4, 1), ((3, 2), (2, 1))):
        options = {"up": up, "down": down, "padding": ((7, 3), (5, 6)), "gain": 2}
        np.testing.assert_allclose(
            upfirdn(x, np.outer(taps, taps), **options),
            upfirdn(x, taps, **options),
            rtol=1e-4,
            atol=1e-4,
        )
    text = jax.jit(lambda x: upfirdn(x, np.outer(taps, taps), 4)).lower(x).as_text()
    assert len(text.splitlines()) < 100


def test_several_networks_are_batched_products():
    """Under vmap over kernels no convolution is left, neither forward nor backward,
    and the numbers are lax's."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 3, 4, 4, 2)).astype(np.float32)
    down = 0.2 * rng.normal(size=(2, 4, 4, 2, 3)).astype(np.float32)
    up = 0.2 * rng.normal(size=(2, 3, 3, 3, 2)).astype(np.float32)

    def loss(x, down, up, **impl):
        y = conv_transpose(conv(x, down, 2, **impl), up, 2, **impl)
        return jnp.sum(jnp.sin(conv(y, down, **impl)))

    def compiled(**impl):
        step = lambda *args: jax.value_and_grad(loss, (0, 1, 2))(*args, **impl)
        return jax.jit(jax.vmap(step)).lower(x, down, up)

    with dispatch.several():
        products = compiled()
    plain = compiled(impl="lax")
    assert "convolution" not in products.as_text() and "convolution" in plain.as_text()
    assert "convolution" in compiled().as_text()  # only inside
    args = (x, down, up)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4),
        products.compile()(*args),
        plain.compile()(*args),
    )


CASES = [
    (name, row.form, row.example) for name, rows in forms.TABLE.items() for row in rows
]


def pair(name, form, g, args):
    """The sum in that form, and directly."""
    both = [dispatch.FORMS[name][f] for f in (form, "direct")]
    return jax.device_get(jax.jit(lambda *a: [f(g, None, *a) for f in both])(*args))


@pytest.mark.parametrize("name", forms.TABLE)
def test_every_row_of_the_table_is_taken_and_every_form_wins_somewhere(name):
    rows = forms.TABLE[name]
    for row in rows:
        first = next(r for r in rows if r.holds(row.example))
        assert first is row, f"{name}: the example of {row.form} takes {first.form}"
        assert forms.can(name, row.form, row.example)
    won = {row.form for row in rows} | {forms.BATCHED[name]}
    assert won == set(dispatch.FORMS[name])


@pytest.mark.parametrize(("name", "form", "case"), CASES)
def test_forms_are_the_direct_sums_in_float64(name, form, case, float64):
    g = case.g._replace(groups=min(case.g.groups, 3))
    per = 1 if case.alone else 2
    cb, cs = per * g.groups, per * g.groups
    rng = np.random.default_rng(0)
    big, small = rng.normal(size=(2, *g.big, cb)), rng.normal(size=(2, *g.small, cs))
    kernel = rng.normal(size=(*g.kernel, cb // g.groups, cs))
    args = {"gather": (big, kernel), "taps": (big, small), "scatter": (small, kernel)}
    np.testing.assert_allclose(*pair(name, form, g, args[name]), atol=1e-10)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", forms.TABLE)
def test_cells_of_random_geometries(name, seed, float64):
    """Strides of 1 to 3, kernels of two of them, paddings that crop or go beyond."""
    rng = np.random.default_rng(seed)
    stride, half = rng.integers(1, 4, 2), rng.integers(1, 4, 2)
    kernel, small = 2 * stride, 2 * half
    low, high = rng.integers(-1, kernel), rng.integers(-1, kernel)
    full = stride * (small - 1) + kernel
    big = np.maximum(full - low - high, 1)
    whole = lambda *sides: [tuple(side.tolist()) for side in sides]
    g = Geometry(*whole(stride, np.ones(2, int), low, big, small, kernel))
    x, w = rng.normal(size=(2, *g.big, 3)), rng.normal(size=(*g.kernel, 3, 5))
    y = rng.normal(size=(2, *g.small, 5))
    args = {"gather": (x, w), "taps": (x, y), "scatter": (y, w)}[name]
    np.testing.assert_allclose(*pair(name, "cells", g, args), atol=1e-10)


@pytest.mark.parametrize("name", forms.TABLE)
def test_cells_err_in_float32_at_most_four_times_as_much_as_the_direct_sums(name):
    rng = np.random.default_rng(0)
    g = forms._case(4, 4, 2, 64, 32).g
    x, w = rng.normal(size=(4, *g.big, 32)), rng.normal(size=(*g.kernel, 32, 64))
    y = rng.normal(size=(4, *g.small, 64))
    args = {"gather": (x, w), "taps": (x, y), "scatter": (y, w)}[name]
    with jax.enable_x64(True):
        _, exact = pair(name, "direct", g, args)
    cells, direct = pair(name, "cells", g, [np.float32(a) for a in args])
    assert np.abs(cells - exact).max() < 4 * np.abs(direct - exact).max()
