"""The commands that take a trained checkpoint: draw, take along, explore."""

from deconvgen.cli.parser import (
    CHECKPOINT,
    WORKDIR,
    Flag,
    Values,
    command,
    one_of,
    place,
    whole,
)
from deconvgen.core.errors import UserError
from deconvgen.core.numbers import SEEDS


def share(text: str) -> float:
    """The kind of a weight, 0 or more."""
    if not 0 <= float(text) < float("inf"):
        raise ValueError("a number is wanted, 0 or more")
    return float(text)


@command(
    WORKDIR,
    CHECKPOINT,
    Flag("kind", "One of `deconvgen list samples`.", "grid"),
    Flag("num", "How many images.", 64, whole(1)),
    Flag("seed", "Of the latents.", 0, whole(0, SEEDS - 1)),
    Flag("out", "A .png, .gif or .npz file, or a FOLDER/ of PNG."),
    Flag("input", "A picture of one's own."),
)
def sample(values: Values) -> None:
    """Draw from a checkpoint."""
    from deconvgen.runs import sampling

    path = sampling.draw(
        values.workdir,
        values.kind,
        num=values.num,
        seed=values.seed,
        checkpoint=values.checkpoint,
        out=values.out,
        source=values.input,
    )
    print(path)


@command(
    WORKDIR,
    CHECKPOINT,
    Flag(
        "num", "Of test images, or of the pictures in a folder: at most.", 8, whole(1)
    ),
    Flag("label", "The class that a conditional generator is told; else the best."),
    Flag("steps", "Of the search.", 300, whole(1)),
    Flag("starts", "Latents that are improved for each picture.", 8, whole(1, 512)),
    Flag("perceptual", "Weight of the features beside the pixels.", 0.1, share),
    Flag("toward", "A class to move the pictures to; or a folder, with --from."),
    Flag("from", "A folder of pictures without what those of --toward have."),
    Flag("how", "A direction: mean or linear.", "mean", one_of("mean", "linear")),
    Flag("seed", "Of the starts.", 0, whole(0, SEEDS - 1)),
    Flag("out", "A folder; projection/ in the run's if none is named.", kind=place),
    words="PICTURE",
)
def project(values: Values) -> None:
    """Pictures into a generator's latent space, and what lies between them."""
    from deconvgen.core.numbers import number
    from deconvgen.runs.projection import Search
    from deconvgen.runs.projection_pictures import write

    away = getattr(values, "from")
    if away and not values.toward:
        raise UserError("--from goes with --toward=FOLDER")
    steps, starts, weight = values.steps, values.starts, values.perceptual
    search = Search(steps, starts, perceptual=weight, seed=values.seed)
    figures, written = write(
        values.workdir,
        values.words,
        num=values.num,
        label=values.label,
        toward=values.toward,
        away=away,
        how=values.how,
        out=values.out,
        checkpoint=values.checkpoint,
        search=search,
    )
    for name, value in figures.items():
        print(f"{name:16} {number(value)}")
    for path in written:
        print(path)


@command(
    WORKDIR,
    CHECKPOINT,
    Flag(
        "out", "FILE.stablehlo; FILE.safetensors goes beside.", "", place, needed=True
    ),
)
def export(values: Values) -> None:
    """A checkpoint to take along: StableHLO for any platform, and safetensors."""
    from deconvgen.core.terminal import say
    from deconvgen.runs.export import export as write
    from deconvgen.runs.export import until

    for path in write(values.workdir, values.out, values.checkpoint):
        print(path)
    say(until())


@command(
    WORKDIR,
    CHECKPOINT,
    Flag(
        "host",
        "The address to listen on; the default is seen by this machine alone.",
        "127.0.0.1",
    ),
    Flag("port", "0: any that is free.", 7860, whole(0, 65535)),
    words="FOLDER",
)
def explore(values: Values) -> None:
    """A local page: latents, runs in training: `deconvgen explore --workdir=A B`."""
    from deconvgen.runs.explore import serve

    workdirs = [values.workdir, *values.words]
    serve(workdirs, values.checkpoint, values.host, values.port)
