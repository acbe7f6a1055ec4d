"""The low resolution, the trunks and the head."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from deconvgen.core import images
from deconvgen.models.blocks import Blocks
from deconvgen.models.superres import SuperResolution, trunks
from deconvgen.ops import resize
from deconvgen.ops.image import shrink
from deconvgen.tasks._tiles import in_tiles


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_the_reduction_is_the_antialiased_bicubic_one_of_pillow(factor):
    draw = np.random.default_rng(0)
    coarse = draw.integers(0, 256, (6, 8, 3), np.uint8)
    pixels = np.asarray(Image.fromarray(coarse).resize((48, 36), Image.BICUBIC))
    size = (48 // factor, 36 // factor)
    expected = Image.fromarray(pixels).resize(size, Image.BICUBIC)
    found = shrink(jnp.asarray(images.to_float(pixels))[None], factor)[0]
    levels = images.to_uint8(np.asarray(found)).astype(int)
    assert np.abs(levels - np.asarray(expected)).max() <= 1


def test_the_reduction_cuts_off_what_fills_no_pixel():
    assert shrink(jnp.zeros((1, 11, 13, 3)), 4).shape == (1, 2, 3, 3)


@pytest.mark.parametrize("name", list(trunks))
def test_a_trunk_knows_nothing_of_the_factor(name):
    trunk = trunks[name](features=6, depth=2)
    x = jnp.zeros((1, 6, 7, 3))

    def shapes(factor):
        net = SuperResolution(trunk, factor)
        run = lambda key: net.init_with_output(key, x, train=False)
        made, variables = jax.eval_shape(run, jax.random.key(0))
        assert made.shape == (1, 6 * factor, 7 * factor, 3)
        return jax.tree.map(lambda x: x.shape, variables["params"]["trunk"])

    assert shapes(2) == shapes(3)


def test_without_its_head_it_is_bicubic():
    net = SuperResolution(trunks["espcn"](features=4, depth=1), 3)
    x = jax.random.uniform(jax.random.key(0), (1, 8, 8, 3))
    variables = net.init(jax.random.key(1), x, train=False)
    variables["params"]["head"] = jax.tree.map(
        jnp.zeros_like, variables["params"]["head"]
    )
    made = net.apply(variables, x, train=False)
    np.testing.assert_allclose(made, resize.bicubic(x, 3), atol=1e-6)


@pytest.mark.parametrize("name", list(trunks))
def test_its_reach_is_wide_enough_for_tiles(name):
    blocks = Blocks(kernel_size=9 if name == "fsrcnn" else 0)
    net = SuperResolution(trunks[name](features=4, depth=2), 2, blocks)
    picture = np.random.default_rng(0).uniform(-1, 1, (30, 45, 3)).astype("f4")
    start = jax.jit(lambda key, x: net.init(key, x, train=False))
    variables = start(jax.random.key(1), picture[None])
    model = jax.jit(lambda x: net.apply(variables, x, train=False))
    tiled = in_tiles(model, picture, 2, tile=2 * net.reach + 4, margin=net.reach)
    np.testing.assert_allclose(tiled, model(picture[None])[0], atol=1e-5)
