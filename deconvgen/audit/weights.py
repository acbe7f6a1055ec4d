"""The upsampling layers in PyTorch weights, found by shape and name, and audited.

PyTorch is not needed. A `ConvTranspose2d` has the weight [in, out, kh, kw], a `Conv2d`
[out, in, kh, kw]; which of them one is, its bias says, or the channels of the layers
before and behind it. A `Conv2d` whose channels the next layer takes as r * r times
fewer is one before a `PixelShuffle(r)`.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from deconvgen.core import files
from deconvgen.core.errors import UserError, unknown
from deconvgen.nn.convert import conv_to_torch, conv_transpose_to_torch
from deconvgen.nn.initializers import Use, initializers

UP = re.compile(r"deconv|transpose|convt|tconv|\bup|up_|_up|upconv|ups?\.|unpool", re.I)
KINDS = {"deconvolution": "ConvTranspose2d", "sub_pixel": "Conv2d + PixelShuffle"}


class Layer(NamedTuple):
    """An upsampling layer of the file.

    - stride: of a deconvolution, half of an even kernel, else 2, unless it was given.
    - dc_gap: how far the phases' gains of a constant are apart: 0 is no checkerboard.
    - phase_variance: the strongest phase's squared weights over the weakest's: what
      white noise becomes; 1 is even.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    stride: int
    dc_gap: float
    phase_variance: float


def layers(weights: Mapping[str, np.ndarray], stride: int = 0) -> list[Layer]:
    """The upsampling layers of a state dict of arrays, in its order."""
    kernels = [n for n, w in weights.items() if w.ndim == 4 and n.endswith("weight")]
    found, before = [], 0
    for i, name in enumerate(kernels):
        w, behind = weights[name], 0
        a, b = w.shape[:2]
        if i + 1 < len(kernels):
            behind_shape = weights[kernels[i + 1]].shape
            behind = _shuffled(a, behind_shape)
        if is_deconvolution(name, weights, before):
            kind, k = "deconvolution", w.shape[2]
            s = stride or (max(2, k // 2) if k % 2 == 0 else 2)
            found.append(_audited(name, kind, w, s))
            before = b
        elif behind:
            found.append(_audited(name, "sub_pixel", w, behind))
            before = a // behind**2
        else:
            before = a
    return found


def is_deconvolution(
    name: str, weights: Mapping[str, np.ndarray], before: int = 0
) -> bool:
    """Whether a weight of four axes is that of a `ConvTranspose2d`.

    `before` is how many channels the layer before puts out, 0 where it is not known.
    """
    w = weights[name]
    a, b, k = w.shape[:3]
    if k == 1:
        return False
    bias = weights.get(f"{name.removesuffix('weight')}bias")
    if a != b and bias is not None:
        return len(bias) == b
    if a != b and before in (a, b):
        return before == a
    if a != b and (norm := _next_norm(name, weights)) in (a, b):
        return norm == b
    return bool(UP.search(name)) if k % 2 else True  # convolutions have odd kernels


def _next_norm(name: str, weights: Mapping[str, np.ndarray]) -> int:
    """How many channels the vector right behind a weight has; 0: there is none."""
    names = list(weights)
    for other in names[names.index(name) + 1 :][:2]:
        if weights[other].ndim == 1:
            return len(weights[other])
    return 0


def _shuffled(channels: int, behind: tuple[int, ...]) -> int:
    """The r of a PixelShuffle between a layer and the one behind it; 0 for none."""
    for r in (2, 3, 4, 8):
        if channels == r * r * behind[1] and channels != behind[1]:
            return r
    return 0


def _audited(name: str, kind: str, w: np.ndarray, s: int) -> Layer:
    phases = _phases(np.asarray(w, np.float64), kind, s)  # [s, s, taps, in and out]
    gains = phases.sum(2)
    apart = gains - gains.mean((0, 1))
    power = (gains**2).mean()
    gap = float(np.sqrt((apart**2).mean() / power)) if power > 0 else 0.0
    energy = (phases**2).sum((2, 3))
    ratio = float(energy.max() / energy.min()) if energy.min() > 0 else float("inf")
    return Layer(name, KINDS[kind], w.shape, s, gap, ratio)


def _phases(w: np.ndarray, kind: str, s: int) -> np.ndarray:
    """The taps of each output position; those that it lacks are 0."""
    if kind == "sub_pixel":  # channels are (c, r, s) in PyTorch
        o, i, kh, kw = w.shape
        cells = w.reshape(o // s**2, s, s, i, kh * kw).transpose(1, 2, 4, 0, 3)
        return cells.reshape(s, s, kh * kw, -1)
    i, o, kh, kw = w.shape
    taps = -(-max(kh, kw) // s)
    full = np.zeros((i, o, taps * s, taps * s))
    full[:, :, :kh, :kw] = w
    cells = full.reshape(i, o, taps, s, taps, s).transpose(3, 5, 2, 4, 0, 1)
    return cells.reshape(s, s, taps * taps, -1)


def started(
    weights: Mapping[str, np.ndarray], name: str, stride: int = 0, seed: int = 0
) -> dict[str, np.ndarray]:
    """The weights with its upsampling layers at a start of ours, in PyTorch's layout.

    Layers of a kind that the start is not for stay as they are. Raises `UserError` for
    an unknown start, or one that fits no layer of the file.
    """
    if name not in initializers:
        raise unknown("initializer", name, initializers)
    start, made = initializers[name], dict(weights)
    changed = 0
    for i, layer in enumerate(layers(weights, stride)):
        kind = next(k for k, told in KINDS.items() if told == layer.kind)
        if kind not in start.kinds:
            continue
        w, key = weights[layer.name], jax.random.key(seed + i)
        factor = (layer.stride, layer.stride)
        a, b, *taps = w.shape
        if kind == "deconvolution":
            use = Use(kind, factor, transpose_kernel=True)
            new = conv_transpose_to_torch(start(use)(key, (*taps, b, a)))
        else:
            new = conv_to_torch(start(Use(kind, factor))(key, (*taps, b, a)))
            s = layer.stride  # ours are (r, s, c), PyTorch's (c, r, s)
            parts = np.asarray(new).reshape(s, s, a // s**2, b, *taps)
            new = parts.transpose(2, 0, 1, 3, 4, 5).reshape(w.shape)
        made[layer.name] = np.ascontiguousarray(np.asarray(new), w.dtype)
        changed += 1
    if not changed:
        raise UserError(f"the start {name} fits no upsampling layer of these weights")
    return made


def write(weights: Mapping[str, Any], path: Path) -> Path:
    """A .safetensors file, for `net.load_state_dict(safetensors.torch.load_file(f))`.

    Raises `UserError` where safetensors is not installed.
    """
    try:
        from safetensors.numpy import save_file
    except ImportError:
        raise UserError(
            "writing weights needs safetensors: pip install 'deconvgen[export]'"
        ) from None
    with files.beside(path) as temporary:
        save_file({k: np.ascontiguousarray(w) for k, w in weights.items()}, temporary)
    return path


def told(found: list[Layer]) -> list[str]:
    """A line a layer; what the file does not say, and is taken for granted."""
    lines = [
        f"{layer.name}: {layer.kind} {list(layer.shape)}, stride {layer.stride}: "
        f"DC gap {layer.dc_gap:.3f}, phase variance {layer.phase_variance:.2f}"
        for layer in found
    ]
    if not lines:
        return [
            "No ConvTranspose2d and no PixelShuffle was found in these weights. Those "
            "under weight norm are not looked for: "
            "torch.nn.utils.parametrize.remove_parametrizations puts them together."
        ]
    if any(layer.kind == KINDS["deconvolution"] for layer in found):
        lines.append(
            "Weights do not say strides: half of an even kernel is taken, else 2; "
            "--factor=S says another."
        )
    return lines
