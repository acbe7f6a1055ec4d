"""Flax layers: convolutions, norms, starts, and upsampling layers by name.

>>> from deconvgen import nn
>>> up = nn.ConvTranspose(64, (4, 4), strides=(2, 2))  # Flax's, and faster on the CPU
>>> up = nn.make_upsampler("depth_to_space", features=64, initializer="icnr")
"""

from deconvgen.nn import convert, initializers
from deconvgen.nn.blocks import ClassGains, Dropout, PReLU, activation, activations
from deconvgen.nn.conv import Conv, ConvTranspose
from deconvgen.nn.norm import Norm, SpectralNorm, norms
from deconvgen.nn.upsample import (
    BoxFilter,
    ExtraConv,
    Residual,
    Upsampler,
    fits,
    make_upsampler,
    upsamplers,
)
from deconvgen.nn.upsample.dynamic import (
    Carafe,
    CarafeHamming,
    DySample,
    DySamplePl,
    DySamplePlPlus,
    DySamplePlus,
)
from deconvgen.nn.upsample.guided import Fade, IndexUnpool, Sapa
from deconvgen.nn.upsample.resized import (
    BicubicConv,
    BilinearAdditive,
    BilinearConv,
    BilinearSeparableConv,
    ConvFir,
    Eucb,
    MaxUnpool,
    NearestConv,
)
from deconvgen.nn.upsample.subpixel import DcUp, Haar, PhaseMlp
from deconvgen.nn.upsample.transposed import (
    ConvTransposeUp,
    DecomposedConvTranspose,
    DepthToSpace,
    FirConvTranspose,
    LargeKernelConvTranspose,
    SeparableConvTranspose,
)

__all__ = [
    "BicubicConv",
    "BilinearAdditive",
    "BilinearConv",
    "BilinearSeparableConv",
    "BoxFilter",
    "Carafe",
    "CarafeHamming",
    "ClassGains",
    "Conv",
    "ConvFir",
    "ConvTranspose",
    "ConvTransposeUp",
    "DcUp",
    "DecomposedConvTranspose",
    "DepthToSpace",
    "Dropout",
    "DySample",
    "DySamplePl",
    "DySamplePlPlus",
    "DySamplePlus",
    "Eucb",
    "ExtraConv",
    "Fade",
    "FirConvTranspose",
    "Haar",
    "IndexUnpool",
    "LargeKernelConvTranspose",
    "MaxUnpool",
    "NearestConv",
    "Norm",
    "PReLU",
    "PhaseMlp",
    "Residual",
    "Sapa",
    "SeparableConvTranspose",
    "SpectralNorm",
    "Upsampler",
    "activation",
    "activations",
    "convert",
    "fits",
    "initializers",
    "make_upsampler",
    "norms",
    "upsamplers",
]
