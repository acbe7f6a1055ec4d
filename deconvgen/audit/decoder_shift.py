"""Whether what a decoder draws moves along with the map that it starts from."""

from collections.abc import Callable

import flax.linen as nn
from jax import Array

from deconvgen.core.types import Images
from deconvgen.metrics.shifts import Shifts
from deconvgen.models.decoder import Decoder


def decoder_shift(draw: Callable[[], Images], mask: Array) -> Shifts:
    """`Shifts` of the `Decoder` that `draw` runs, by parts of one pixel of image.

    The map between latent and decoder is moved by as much less as the decoder
    enlarges it. By whole pixels of the map a convolutional decoder moves along exactly;
    in between, it does where it interpolates, and not where its phases differ.
    """
    seeds: list[Array] = []
    decodes = lambda c: isinstance(c.module, Decoder) and c.method_name == "__call__"

    def note(call, inputs, settings, context):
        if decodes(context):
            seeds.append(inputs[0])
        return call(*inputs, **settings)

    with nn.intercept_methods(note):
        width = draw().shape[2]
    (seed,) = seeds

    def drawn_from(maps: Array) -> Images:
        def swap(call, inputs, settings, context):
            if decodes(context):
                inputs = (maps.astype(seed.dtype), *inputs[1:])
            return call(*inputs, **settings)

        with nn.intercept_methods(swap):
            return draw()

    return Shifts.of(drawn_from, seed, seed.shape[2] / width, mask)
