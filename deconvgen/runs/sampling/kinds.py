"""What can be drawn from a checkpoint: one function a kind.

A kind is a function `(run, num, seed, source) -> picture or frames`, uint8
[h, w, c] or [n, h, w, c]; `deconvgen sample --kind=NAME` draws it.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from deconvgen.core import images
from deconvgen.core.errors import UserError
from deconvgen.core.registry import Registry
from deconvgen.runs.run import Run, load

TAKES_INPUT = ("reconstruction", "segmentation", "superres")
COLUMNS = 8
"""Images in a row of the kinds whose rows are series."""

Kind = Callable[[Run, int, int, str], np.ndarray]
kinds: Registry[Kind] = Registry("kind of sample")


def latents(run: Run, num: int, seed: int) -> np.ndarray:
    """Standard normal latents [num, latent]."""
    if run.task.decode is None:
        raise UserError(f"the task {run.config.task} has no latent to decode from")
    return run.latents(num, seed)


def between(
    run: Run, rows: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two latents a row, [rows, 1, latent], and the shares of the way between them."""
    a, b = latents(run, rows, seed)[:, None], latents(run, rows, seed + 1)[:, None]
    return a, b, np.linspace(0, 1, COLUMNS, dtype=np.float32)[None, :, None]


def slerp(a: np.ndarray, b: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Spherical interpolation of latents [..., d]; share 0 is `a`, 1 is `b`.

    White 2016, "Sampling Generative Networks", section 2.1: along the great circle,
    so that the norm stays typical of a Gaussian.
    """
    norms = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    angle = np.arccos(np.clip((a * b).sum(-1) / norms, -1, 1))[..., None]
    sine = np.maximum(np.sin(angle), 1e-6)
    return (np.sin((1 - share) * angle) * a + np.sin(share * angle) * b) / sine


@kinds.register
def grid(run: Run, num: int, seed: int, source: str) -> np.ndarray:
    """New images; of a task without latents, its pictures of the test images."""
    if run.task.decode is None:
        return images.grid(run.shown(num, seed))
    return images.grid(run.sample(num, seed))


@kinds.register
def interpolation(run: Run, num: int, seed: int, source: str) -> np.ndarray:
    """Rows of 8 images on the great circle between two latents."""
    rows = max(1, num // COLUMNS)
    path = slerp(*between(run, rows, seed)).reshape(rows * COLUMNS, -1)
    labels = np.repeat(np.arange(rows), COLUMNS) % max(run.config.data.num_classes, 1)
    return images.grid(run.decode(path, labels), columns=COLUMNS)


@kinds.register
def reconstruction(run: Run, num: int, seed: int, source: str) -> np.ndarray:
    """A test image, or the --input, and what the model makes of it.

    Where it is trained on corrupted images, the corrupted one is between the two.
    """
    if source:
        examples = fitted(source, run.image_shape)[None]
    elif run.config.get("corruption", {}).get("name", "none") != "none":
        return images.grid(run.shown(max(1, num // 3), seed))
    else:
        examples = run.examples(max(1, num // 2))["image"]
    pairs = np.stack([examples, run.reconstruct(examples)], axis=1)
    columns = 2 * max(1, round((len(pairs) / 2) ** 0.5))
    return images.grid(pairs.reshape(-1, *run.image_shape), columns=columns)


def fitted(source: str, shape: tuple[int, int, int]) -> np.ndarray:
    """A picture file as an image of this shape: the middle of it, scaled."""
    height, width, channels = shape
    photo = images.picture(images.to_uint8(images.load(source, channels)))
    pixels = ImageOps.fit(photo, (width, height), Image.Resampling.LANCZOS)
    return images.to_float(np.asarray(pixels)).reshape(shape)


def draw(
    workdir: str,
    kind: str = "grid",
    *,
    num: int = 64,
    seed: int = 0,
    checkpoint: str = "best",
    out: str = "",
    source: str = "",
) -> Path:
    """Draw one kind from a run and write it; returns where.

    Of the kind `grid`, `out` may also end in .npz for the bare images [num, h, w, c]
    (uint8), or in a slash for a folder of PNG: any number, in batches, and what is
    there already is kept.
    """
    if num < 1:
        raise UserError(f"--num should be 1 or more, not {num}")
    function = kinds[kind]
    if source and kind not in TAKES_INPUT:
        listed = ", ".join(TAKES_INPUT)
        raise UserError(f"--kind={kind} takes no --input (those that do: {listed})")
    run = load(workdir, checkpoint)
    which = Path(source).stem if source else seed
    path = Path(out or run.folder / f"{kind}-{run.step:08d}-{which}").expanduser()
    many = path.suffix == ".npz" or out.endswith("/") or path.is_dir()
    if out and many:
        if kind != "grid":
            raise UserError(f"--out={out}: only --kind=grid is written as bare images")
        path.parent.mkdir(parents=True, exist_ok=True)
        store = sampling_store
        write = store.write_npz if path.suffix == ".npz" else store.write_folder
        return write(run, num, seed, path)
    drawn = function(run, num, seed, source)
    moving = drawn.ndim == 4
    if not out:
        path = path.with_name(path.name + (".gif" if moving else ".png"))
    if moving != (path.suffix == ".gif"):
        kind_of_file = "a .gif" if moving else "a .png or another still picture"
        raise UserError(f"--out={out}: --kind={kind} is written as {kind_of_file}")
    if moving:
        return images.save_animation(drawn, path)
    return images.save(drawn, path, 0 if source else 512)


from deconvgen.runs.sampling import store as sampling_store
