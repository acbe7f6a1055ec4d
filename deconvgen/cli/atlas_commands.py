"""The commands of what is recorded: keep it, make the atlas, ask it, train it again."""

import math
from pathlib import Path

from deconvgen.cli.parser import Flag, Values, command, place
from deconvgen.core.errors import Exit, UserError


class Outside(Exit):
    """A row's figure is not what the atlas says."""

    code = 3


def multiply_adds(text: str) -> float:
    """The kind of a number of multiply-adds, as 2.5M or 300k."""
    scale = {"k": 1e3, "m": 1e6, "g": 1e9}.get(text[-1:].lower(), 1.0)
    try:
        value = float(text[:-1] if scale != 1 else text) * scale
    except ValueError:
        value = math.nan
    if not value >= 0:
        raise ValueError("it is written 2500000, 300k, 2.5M or 1G")
    return value


@command(
    Flag("out", "A folder for atlas.csv, .json, .html, .pictures.", ".", place),
    words="FOLDER",
)
def atlas(values: Values) -> None:
    """Make the atlas of sweep folders: `deconvgen atlas sweeps/atlas --out=results`.

    Rows that `atlas.csv` has there already are kept, so that sweeps can follow each
    other. Without folders, the page of the atlas that comes along.
    """
    import json

    from deconvgen.core import files
    from deconvgen.report.atlas import pictures
    from deconvgen.report.atlas.advise import load
    from deconvgen.report.atlas.cells import cells
    from deconvgen.report.atlas.page import page
    from deconvgen.report.atlas.rows import HERE, merged, read, rows, write
    from deconvgen.report.study import studies

    out = Path(values.out).expanduser()
    files.writable(out)
    drawn = (out if values.words else HERE) / pictures.FOLDER
    if values.words:
        told = studies(values.words)
        found = rows(told)
        if not found:
            raise UserError("no run of these folders is finished: there is no row yet")
        with files.alone(out / files.LOCK):
            if (out / "atlas.csv").exists():
                found = merged(read(out / "atlas.csv"), found)
            made = cells(found)
            write(found, out / "atlas.csv")
            files.write(out / "atlas.json", json.dumps(made, indent=1) + "\n")
            pictures.keep(told, made, drawn)
        print(f"{len(found)} rows: {out / 'atlas.csv'}, {out / 'atlas.json'}")
    else:
        made = load()
    files.write(out / "atlas.html", page(made, drawn))
    print(out / "atlas.html")


@command(
    Flag("out", "The folder for EXPERIMENT.SIZE.csv.", "results", place),
    words="FOLDER",
)
def record(values: Values) -> None:
    """Keep the finished runs of sweeps as rows: `deconvgen record sweeps/x`.

    The file has a row for each: setting, seed, revision and digest of the code, the
    experiment's measures, costs. Rows that it has already are kept or replaced.
    """
    from deconvgen.core import files
    from deconvgen.report.atlas.rows import merged, read, rows, write
    from deconvgen.report.study import studies

    if not values.words:
        raise UserError("deconvgen record wants a sweep folder, or several")
    out = Path(values.out).expanduser()
    files.writable(out)
    for study in studies(values.words):
        path = out / f"{study.plan.name}.{study.plan.size}.csv"
        found = rows([study], atlas=False)
        if not found:
            raise UserError(f"no run of {study.plan.name} is finished: nothing to keep")
        with files.alone(out / files.LOCK):
            found = merged(read(path) if path.exists() else [], found)
            write(found, path)
        print(f"{len(found)} rows: {path}")


@command(
    Flag("task", "gan, autoencoder, vae, superres, segmentation.", needed=True),
    Flag("budget", "Multiply-adds an image, at most: 2.5M, say.", 0.0, multiply_adds),
    Flag("device", "cpu or gpu: where the runs were; the atlas's own."),
    Flag("atlas", "An atlas.json of one's own.", kind=place),
    Flag("json", "The cells as JSON.", False),
)
def advise(values: Values) -> None:
    """Which layers and starts to take for a task, and on what evidence."""
    import json

    from deconvgen.report.atlas.advise import advise as find
    from deconvgen.report.atlas.advise import load, named, told

    made = load(values.atlas or None)
    task = named(values.task, values.device, made)
    found = find(task, values.budget, made)
    print(json.dumps(found) if values.json else told(task, found, made))


@command(
    Flag("workdir", "A new run folder.", kind=place, needed=True),
    Flag("atlas", "A file of rows of one's own.", kind=place),
    words="ROW",
)
def reproduce(values: Values) -> None:
    """Train a recorded row again; exit code 3 where it lies outside of its cell."""
    from deconvgen.report.atlas.reproduce import reproduce as run
    from deconvgen.report.atlas.rows import find, read, recorded

    if len(values.words) != 1:
        raise UserError("deconvgen reproduce wants one row: TASK/LAYER:START/SEED")
    rows = read(values.atlas) if values.atlas else recorded()
    again = run(find(rows, values.words[0]), rows, values.workdir)
    if not again.within and not again.alone:
        raise Outside(again.words())
    print(again.words())
