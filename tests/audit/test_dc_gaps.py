"""DC gaps of the layers inside a network, against those of their kernels."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.audit.dc_gaps import dc_gaps
from deconvgen.metrics.artifacts import polyphase_dc_gap
from deconvgen.nn.upsample import make_upsampler


class Network(nn.Module):
    """An upsampling layer and something behind it."""

    upsampler: str
    options: tuple = ()

    @nn.compact
    def __call__(self, x):
        options = dict(self.options)
        return nn.relu(
            make_upsampler(self.upsampler, 4, module_name="up", **options)(x)
        )


def gaps(name, **options):
    net, x = Network(name, tuple(options.items())), jnp.ones((1, 6, 6, 3))
    variables = net.init(jax.random.key(0), x)
    return jax.jit(dc_gaps(net.apply))(variables, x), variables["params"]


@pytest.mark.parametrize("k", [3, 4])
def test_a_deconvolutions_gap_is_that_of_its_kernel(k):
    found, params = gaps("conv_transpose", kernel_size=k)
    assert list(found) == ["up"]
    expected = polyphase_dc_gap(params["up"]["deconv"]["kernel"], 2)
    np.testing.assert_allclose(found["up"], expected, rtol=1e-4)


def test_a_layer_counts_with_what_is_wrapped_around_it():
    assert gaps("conv_transpose", box_filter=True)[0]["up"] < 1e-5
    assert gaps("depth_to_space", initializer="icnr", factor=(2, 3))[0]["up"] < 1e-5
