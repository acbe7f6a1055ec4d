"""The mirrored start, and the code between encoder and decoder."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.models.autoencoder import Autoencoder, mirror
from deconvgen.models.blocks import Blocks
from deconvgen.models.decoder import Decoder
from deconvgen.models.encoder import Encoder
from deconvgen.nn.conv import Conv, ConvTranspose

IMAGES = jnp.asarray(np.random.default_rng(0).uniform(-1, 1, (2, 8, 8, 1)), "f4")


def model(initializer="mirrored", pool=False, **fields) -> Autoencoder:
    encoder = Encoder((3, 5), (2, 2), pool=pool)
    upsampler = "max_unpool" if pool else "conv_transpose"
    start = "default" if pool else initializer
    blocks = Blocks(upsampler=upsampler, initializer=start, **fields)
    decoder = Decoder((3, 1), (2, 2), blocks)
    return Autoencoder(encoder, decoder, (2, 2), latent=4)


def params_of(net: Autoencoder) -> dict:
    return jax.jit(lambda key: net.init(key, IMAGES, train=False))(jax.random.key(0))


def test_every_deconvolution_starts_as_the_adjoint_of_its_convolution():
    params = mirror(params_of(model())["params"], "mirrored")
    draw = np.random.default_rng(1)
    for i, (size, c, d) in enumerate([(8, 1, 3), (4, 3, 5)]):
        x = jnp.asarray(draw.normal(size=(1, size, size, c)), "f4")
        y = jnp.asarray(draw.normal(size=(1, size // 2, size // 2, d)), "f4")
        down = Conv(d, (4, 4), strides=2, use_bias=False)
        up = ConvTranspose(c, (4, 4), strides=(2, 2), padding="SAME", use_bias=False)
        kernels = params["encoder"][f"down_{i}"], params["decoder"][f"up_{1 - i}"]
        a, b = kernels[0]["kernel"], kernels[1]["deconv"]["kernel"]
        left = jnp.vdot(y, down.apply({"params": {"kernel": a}}, x))
        right = jnp.vdot(up.apply({"params": {"kernel": b}}, y), x)
        assert float(left) == pytest.approx(float(right), rel=1e-4)
    to_code, from_code = params["to_code"], params["from_code"]
    np.testing.assert_array_equal(from_code["kernel"], to_code["kernel"].T)


@pytest.mark.parametrize("fields", [{"residual": True}, {"box_filter": True}])
def test_it_finds_the_deconvolution_inside_its_modifiers(fields):
    net = model(**fields)
    before = params_of(net)["params"]
    after = mirror(before, "mirrored")
    assert jax.tree.structure(before) == jax.tree.structure(after)
    changed = jax.tree.map(lambda a, b: (a != b).any(), before, after)
    assert all(map(any, map(jax.tree.leaves, changed["decoder"].values()))) or all(
        any(jax.tree.leaves(changed["decoder"][f"up_{i}"])) for i in (0, 1)
    )


def test_only_the_blocks_that_ask_are_mirrored():
    starts = ("default", "mirrored")
    before = params_of(model(starts))["params"]
    after = mirror(before, starts)
    same = lambda name: jax.tree.all(
        jax.tree.map(
            lambda a, b: bool((a == b).all()),
            before["decoder"][name],
            after["decoder"][name],
        )
    )
    assert same("up_0") and not same("up_1")
    np.testing.assert_array_equal(
        before["from_code"]["kernel"], after["from_code"]["kernel"]
    )


def test_what_is_not_a_deconvolution_is_left_alone():
    before = params_of(model(pool=True))["params"]
    assert mirror(before, "mirrored") is before


def test_a_pooling_encoder_hands_its_indices_to_the_decoder():
    net = model(pool=True)
    variables = params_of(net)
    code = net.apply(variables, IMAGES, train=False, method="encode")
    assert [i.shape for i in code.indices] == [(2, 2, 2, 5), (2, 4, 4, 3)]
    here = net.apply(
        variables, code.latent, train=False, indices=code.indices, method="decode"
    )
    np.testing.assert_allclose(here, net.apply(variables, IMAGES, train=False), 1e-5)
    turned = tuple((i + 1) % 4 for i in code.indices)
    there = net.apply(
        variables, code.latent, train=False, indices=turned, method="decode"
    )
    assert float(jnp.abs(here - there).max()) > 1e-3
