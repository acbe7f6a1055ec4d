"""The flags by which a run is told to loggers."""

from deconvgen.cli.parser import Flag, Values

LOGGERS = (
    Flag("wandb", "Tell the run to Weights & Biases as well.", False),
    Flag("tensorboard", "Write TensorBoard's files as well.", False),
    Flag("loggers", "Others, with commas: `deconvgen list loggers`."),
)


def asked(values: Values) -> list[str]:
    """The loggers that the flags name."""
    switched = [name for name in ("wandb", "tensorboard") if getattr(values, name)]
    return [*switched, *filter(None, values.loggers.split(","))]
