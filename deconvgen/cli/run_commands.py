"""The commands that take a trained checkpoint: draw, take along, explore."""

from absl import flags

from deconvgen.cli.commands import checkpoint_flags, command, required
from deconvgen.core.numbers import SEEDS


def _sample(values: flags.FlagValues) -> None:
    checkpoint_flags(values)
    flags.DEFINE_string(
        "kind", "grid", "One of `deconvgen list samples`.", flag_values=values
    )
    flags.DEFINE_integer("num", 64, "How many images.", flag_values=values)
    flags.DEFINE_integer(
        "seed",
        0,
        "Of the latents.",
        lower_bound=0,
        upper_bound=SEEDS - 1,
        flag_values=values,
    )
    flags.DEFINE_string(
        "out", "", "A .png, .gif or .npz file, or a FOLDER/ of PNG.", flag_values=values
    )
    flags.DEFINE_string("input", "", "A picture of one's own.", flag_values=values)


@command(_sample)
def sample(values: flags.FlagValues, overrides: list[str], words: list[str]) -> None:
    """Draw from a checkpoint."""
    from deconvgen.runs import sampling

    path = sampling.draw(
        required(values, "workdir"),
        values.kind,
        num=values.num,
        seed=values.seed,
        checkpoint=values.checkpoint,
        out=values.out,
        source=values.input,
    )
    print(path)


def _export(values: flags.FlagValues) -> None:
    checkpoint_flags(values)
    flags.DEFINE_string(
        "out", None, "FILE.stablehlo; FILE.safetensors goes beside.", flag_values=values
    )


@command(_export)
def export(values: flags.FlagValues, overrides: list[str], words: list[str]) -> None:
    """A checkpoint to take along: StableHLO for any platform, and safetensors."""
    from deconvgen.runs.export import export as write

    workdir, out = required(values, "workdir"), required(values, "out")
    for path in write(workdir, out, values.checkpoint):
        print(path)


def _explore(values: flags.FlagValues) -> None:
    checkpoint_flags(values)
    flags.DEFINE_string(
        "host",
        "127.0.0.1",
        "The address to listen on; the default is seen by this machine alone.",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "port",
        7860,
        "0: any that is free.",
        lower_bound=0,
        upper_bound=65535,
        flag_values=values,
    )


@command(_explore)
def explore(values: flags.FlagValues, overrides: list[str], words: list[str]) -> None:
    """A local page with sliders on the latent: `deconvgen explore --workdir=A B`."""
    from deconvgen.runs.explore import serve

    workdirs = [required(values, "workdir"), *words]
    serve(workdirs, values.checkpoint, values.host, values.port)
