"""Pictures of which it is known what is in them; see `audit_cases.py`."""

import tempfile
from pathlib import Path
from typing import Any

import jax
import numpy as np
from PIL import Image
from scipy import ndimage

from deconvgen.data import photographs
from deconvgen.nn.upsample import make_upsampler

SIZE, NUM = 96, 48
RNG = np.random.default_rng(0)


def levels(x: np.ndarray) -> np.ndarray:
    """Pictures in [-1, 1] as a file keeps them."""
    return np.rint(np.clip(x, -1, 1) * 127.5 + 127.5).astype(np.uint8)


def patches(size: int = SIZE, num: int = NUM, only: str = "", seed: int = 0):
    """[n, size, size, 3] in [-1, 1], of photographs that were never JPEG."""
    rng = np.random.default_rng(seed)
    kept = photographs("train") | photographs("test")
    kept = {k: x for k, x in kept.items() if k.endswith(".png") and k.startswith(only)}
    found = []
    for i in range(num):
        x = [*kept.values()][i % len(kept)]
        top, left = (int(rng.integers(n - size + 1)) for n in x.shape[:2])
        found.append(x[top : top + size, left : left + size])
    return np.stack(found) / np.float32(127.5) - 1


def resized(x: np.ndarray, size: int, method: str) -> np.ndarray:
    """Enlarged or made smaller by JAX."""
    return np.asarray(jax.image.resize(x, (len(x), size, size, x.shape[3]), method))


def decoded(upsampler: str, kernel: int | None, start: str = "default") -> np.ndarray:
    """What an untrained decoder of two layers draws: 24 to 96 pixels, one of noise."""
    x = RNG.normal(size=(NUM, SIZE // 4, SIZE // 4, 16)).astype(np.float32)
    for i, features in enumerate((16, 3)):
        layer = make_upsampler(upsampler, features, 2, kernel, start)
        made = layer.apply(layer.init(jax.random.key(i), x[:1]), x)
        x = np.asarray(made)
        x = np.maximum(x, 0) if i == 0 else np.tanh(x / x.std())
    return x


def clouds(shape: tuple[int, ...]) -> np.ndarray:
    """Noise whose amplitude falls as 1/f, as that of photographs."""
    f = np.hypot(np.fft.fftfreq(shape[1])[:, None], np.fft.fftfreq(shape[2]))
    white = np.fft.fft2(RNG.normal(size=(shape[0], *shape[1:3])))
    made = np.fft.ifft2(white / (f + 1 / shape[1])).real
    return np.repeat(0.3 * (made / made.std())[..., None], shape[3], 3)


def by_pillow(x: np.ndarray, how: str) -> np.ndarray:
    """What Pillow makes of each picture."""
    made = []
    for pixels in levels(x):
        picture = Image.fromarray(pixels)
        if how == "1.5":
            small = picture.crop((0, 0, SIZE * 2 // 3, SIZE * 2 // 3))
            picture = small.resize((SIZE, SIZE), Image.Resampling.BILINEAR)
        elif how == "gif":
            picture = picture.quantize(16, dither=Image.Dither.NONE)
        else:
            picture = picture.convert("1")
        made.append(np.asarray(picture.convert("RGB")))
    return np.stack(made) / np.float32(127.5) - 1


def as_files(x: np.ndarray, ending: str, **options: Any) -> Path:
    """A folder of them, which is left to the system to empty."""
    folder = Path(tempfile.mkdtemp())
    for i, pixels in enumerate(levels(x)):
        Image.fromarray(pixels).save(folder / f"{i}.{ending}", **options)
    return folder


def mosaic(x: np.ndarray) -> np.ndarray:
    """One colour a pixel, as a camera's sensor sees, and the others interpolated."""
    rows, columns = np.indices(x.shape[1:3]) % 2
    seen = np.stack([(rows == 0) & (columns == 0), rows != columns, rows & columns], -1)
    kernel = np.outer([1, 2, 1], [1, 2, 1])[None, ..., None] / 4
    near = lambda y: ndimage.convolve(y, kernel, mode="mirror")
    return near(x * seen) / near(np.broadcast_to(seen, x.shape) * 1.0)


def blended(x: np.ndarray) -> np.ndarray:
    """Tiles of 32, 24 apart, each from elsewhere and linear where two overlap."""
    ramp = np.minimum(1, np.minimum(np.arange(32) + 0.5, 31.5 - np.arange(32)) / 8)
    total = np.zeros((len(x), x.shape[1] + 8, *x.shape[2:]))
    for i in range(x.shape[1] // 24):
        tile = np.roll(x, 17 * i, 1)[np.roll(np.arange(len(x)), i), :32]
        total[:, 24 * i : 24 * i + 32] += tile * ramp[:, None, None]
    return total[:, : x.shape[1]]
