"""Pure functions of images and kernels, NHWC, with exact derivatives."""

from deconvgen.ops.convolution.strided import conv
from deconvgen.ops.convolution.transposed import conv_transpose
from deconvgen.ops.fir import upfirdn
from deconvgen.ops.image import luma, shrink
from deconvgen.ops.pooling import max_pool_with_indices, max_unpool
from deconvgen.ops.reassembly import reassemble, window_products
from deconvgen.ops.resampling import resample
from deconvgen.ops.resize import bicubic, bilinear, bilinear_additive, nearest
from deconvgen.ops.spectrum import azimuthal_average, power_spectrum
from deconvgen.ops.structure import similarity as structural_similarity
from deconvgen.ops.subpixel import depth_to_space, space_to_depth

__all__ = [
    "azimuthal_average",
    "bicubic",
    "bilinear",
    "bilinear_additive",
    "conv",
    "conv_transpose",
    "depth_to_space",
    "luma",
    "max_pool_with_indices",
    "max_unpool",
    "nearest",
    "power_spectrum",
    "reassemble",
    "resample",
    "shrink",
    "space_to_depth",
    "structural_similarity",
    "upfirdn",
    "window_products",
]
