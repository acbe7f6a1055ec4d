"""A decoder that starts as the mirror image, the adjoint, of its encoder."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
from flax.traverse_util import flatten_dict, unflatten_dict

from deconvgen.core.errors import UserError, unknown
from deconvgen.core.types import Tree
from deconvgen.nn.initializers import mirror_image


def mirror_encoder(
    decoder: Mapping,
    encoder: Mapping,
    pairs: Sequence[tuple[str, str]],
    transpose_kernel: bool = False,
) -> Tree:
    """The decoder's parameters with the encoder's kernels in its deconvolutions.

    `pairs` names the layers, `("up0/deconv", "conv3")` for example: the kernel
    [kh, kw, c, d] of the encoder's strided `SAME` convolution from c to d channels
    goes, turned round and with its channels swapped, to the decoder's `SAME`
    transposed convolution from d to c channels (as it is where the decoder's layers
    have `transpose_kernel=True`). The layer is then the encoder layer's adjoint,
    <y, conv(x)> = <deconv(y), x>, where the factor divides the size. Biases stay.

    Returns a new tree; raises `UserError` for a layer that there is not, or whose
    shape does not match.
    """
    target: dict[str, Any]
    target, source = flatten_dict(decoder, sep="/"), flatten_dict(encoder, sep="/")
    for up, down in pairs:
        taken, given = f"{up}/kernel", f"{down}/kernel"
        for what, tree, path in (
            ("decoder", target, taken),
            ("encoder", source, given),
        ):
            if path not in tree:
                kernels = [p for p in tree if p.endswith("kernel")]
                raise unknown(f"kernel of the {what}", path, kernels)
        kernel = jnp.asarray(source[given])
        kernel = kernel if transpose_kernel else mirror_image(kernel)
        if kernel.shape != target[taken].shape:
            raise UserError(
                f"the decoder's {taken} is {target[taken].shape}, but the mirror image "
                f"of the encoder's {given} is {kernel.shape}"
            )
        target[taken] = kernel.astype(target[taken].dtype)
    return unflatten_dict(target, sep="/")
