"""The commands that take a trained checkpoint: draw, take along, explore."""

from deconvgen.cli.parser import (
    CHECKPOINT,
    WORKDIR,
    Flag,
    Values,
    command,
    place,
    whole,
)
from deconvgen.core.numbers import SEEDS
from deconvgen.core.terminal import say


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
        "out", "FILE.stablehlo; FILE.safetensors goes beside.", "", place, needed=True
    ),
)
def export(values: Values) -> None:
    """A checkpoint to take along: StableHLO for any platform, and safetensors."""
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
    """A local page with sliders on the latent: `deconvgen explore --workdir=A B`."""
    from deconvgen.runs.explore import serve

    workdirs = [values.workdir, *values.words]
    serve(workdirs, values.checkpoint, values.host, values.port)
