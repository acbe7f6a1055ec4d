"""Converted kernels: the values of PyTorch's layers, and of Keras's by definition."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.nn import convert
from deconvgen.nn.conv import Conv, ConvTranspose

CASES = [  # rank, kernel, stride, padding, output_padding, dilation, groups
    (1, 3, 2, 1, 1, 2, 2),
    (2, 5, 3, 2, 2, 1, 1),
    (2, 3, 2, 0, 1, 1, 4),
    (3, 3, 2, 1, 1, 1, 2),
]


def to_torch(torch, x):
    return torch.from_numpy(np.moveaxis(np.asarray(x), -1, 1).copy())


def from_torch(y):
    return np.moveaxis(y.detach().numpy(), 1, -1)


def assert_equals_torch(torch, layer, ours, x, there, back):
    """Our layer with the other's weights has its values, and gives the weights back."""
    weight = layer.weight.detach().numpy()
    params = {"kernel": there(weight), "bias": layer.bias.detach().numpy()}
    y = jax.jit(ours.apply)({"params": params}, x)
    np.testing.assert_allclose(y, from_torch(layer(to_torch(torch, x))), atol=1e-5)
    np.testing.assert_array_equal(back(params["kernel"]), weight)


@pytest.mark.parametrize("rank, k, s, p, op, dilation, groups", CASES)
def test_transposed_convolution_of_pytorch(rank, k, s, p, op, dilation, groups):
    torch = pytest.importorskip("torch")
    layer = getattr(torch.nn, f"ConvTranspose{rank}d")(
        4, 8, k, s, p, op, groups=groups, dilation=dilation
    )
    x = jax.random.normal(jax.random.key(0), (2, *(5, 4, 3)[:rank], 4))
    ours = ConvTranspose(
        8,
        (k,) * rank,
        (s,) * rank,
        p,
        kernel_dilation=(dilation,) * rank,
        transpose_kernel=True,
        use_consistent_padding=True,
        output_padding=op,
        feature_group_count=groups,
    )
    there_and_back = convert.conv_transpose_from_torch, convert.conv_transpose_to_torch
    assert_equals_torch(torch, layer, ours, x, *there_and_back)


@pytest.mark.parametrize("rank, k, s, p, _, dilation, groups", CASES)
def test_convolution_of_pytorch(rank, k, s, p, _, dilation, groups):
    torch = pytest.importorskip("torch")
    layer = getattr(torch.nn, f"Conv{rank}d")(
        4, 8, k, s, p, groups=groups, dilation=dilation
    )
    x = jax.random.normal(jax.random.key(0), (2, *(9, 8, 7)[:rank], 4))
    ours = Conv(
        8,
        (k,) * rank,
        s,
        p,
        kernel_dilation=dilation,
        feature_group_count=groups,
    )
    there_and_back = convert.conv_from_torch, convert.conv_to_torch
    assert_equals_torch(torch, layer, ours, x, *there_and_back)


@pytest.mark.parametrize("transpose_kernel", [True, False])
def test_transposed_convolution_of_keras(transpose_kernel):
    """Keras's is the gradient of its convolution by the image, "same" padding."""
    theirs = jax.random.normal(jax.random.key(0), (3, 4, 2, 5))  # features 2, c 5
    y = jax.random.normal(jax.random.key(1), (2, 4, 4, 5))

    def convolution(image):
        return jax.lax.conv_general_dilated(
            image, theirs, (2, 2), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )

    image = jnp.zeros((2, 8, 8, 2))
    expected = jax.jit(lambda y: jax.vjp(convolution, image)[1](y)[0])(y)
    kernel = convert.conv_transpose_from_keras(theirs, transpose_kernel)
    layer = ConvTranspose(
        2, (3, 4), (2, 2), transpose_kernel=transpose_kernel, use_bias=False
    )
    actual = jax.jit(layer.apply)({"params": {"kernel": kernel}}, y)
    np.testing.assert_allclose(actual, expected, atol=1e-5)
    back = convert.conv_transpose_to_keras(kernel, transpose_kernel)
    np.testing.assert_array_equal(back, theirs)


def test_convolution_of_keras_has_our_layout():
    kernel = np.arange(24.0).reshape(3, 2, 4)
    np.testing.assert_array_equal(convert.conv_from_keras(kernel), kernel)
    np.testing.assert_array_equal(convert.conv_to_keras(kernel), kernel)
