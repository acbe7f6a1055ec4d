"""Draw one kind from a run and write it where it belongs."""

import hashlib
from pathlib import Path

from deconvgen.core import files, images
from deconvgen.core.errors import UserError, unknown
from deconvgen.core.numbers import SEEDS, whole
from deconvgen.runs.run import load
from deconvgen.runs.sampling import store
from deconvgen.runs.sampling.base import every, own

PIXELS = 10**8
"""Of all images in a picture: about as many as a program opens without asking."""


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
    whole("--num", num, 1)
    whole("--seed", seed, 0, SEEDS - 1)
    known, take_input = every(), ["reconstruction", *own()]
    if kind not in known:
        raise unknown("kind of sample", kind, known)
    if source and kind not in take_input:
        listed = ", ".join(take_input)
        raise UserError(f"--kind={kind} takes no --input (those that do: {listed})")
    run = load(workdir, checkpoint)
    which = Path(source).stem if source else seed
    path = Path(out or run.folder / f"{kind}-{run.step:08d}-{which}").expanduser()
    many = path.suffix == ".npz" or out.endswith("/") or path.is_dir()
    if out and many:
        if kind != "grid":
            raise UserError(f"--out={out}: only --kind=grid is written as bare images")
        path.parent.mkdir(parents=True, exist_ok=True)
        write = store.write_npz if path.suffix == ".npz" else store.write_folder
        return write(run, num, seed, path)
    height, width, _ = run.image_shape
    if num * height * width > PIXELS:
        raise UserError(
            f"--num={num} images of {height} x {width} are too many for a picture; "
            "--kind=grid --out=FILE.npz or --out=FOLDER/ takes any number"
        )
    files.writable(path.parent)
    if out:
        images.format_of(path)
    drawn = known[kind](run, num, seed, source)
    moving = drawn.ndim == 4
    if not out:
        other = f"-{_contents(source)}" if source else ""
        path = path.with_name(f"{path.name}{other}{'.gif' if moving else '.png'}")
    if moving != (path.suffix == ".gif"):
        kind_of_file = "a .gif" if moving else "a .png or another still picture"
        raise UserError(f"--out={out}: --kind={kind} is written as {kind_of_file}")
    if moving:
        return images.save_animation(drawn, path)
    return images.save(drawn, path, 0 if source else 512)


def _contents(source: str) -> str:
    """Six digits of what a file holds: another of the same name has others."""
    held = Path(source).expanduser().read_bytes()
    return hashlib.sha256(held).hexdigest()[:6]
