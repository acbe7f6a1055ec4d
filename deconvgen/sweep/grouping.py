"""Which runs of a sweep share a program, and which are trained in it at once."""

from deconvgen import config as configs
from deconvgen.core.errors import UserError
from deconvgen.core.numbers import whole
from deconvgen.runs import population
from deconvgen.sweep import settings
from deconvgen.sweep.plan import Trial

WORDS = {"all": 0, "true": 0, "none": 1, "false": 1}
"""What `--together` may say, as the most runs of a piece."""


def most(asked: str | int | bool, accelerated: bool) -> int:
    """The most runs that are trained in one program, for `auto`, `none`, `all` or N.

    0 is as many as the device's memory holds, which `auto` takes where the workers have
    an accelerator; a CPU trains runs faster one by one, each on a core of its own.
    Raises `UserError` for anything else.
    """
    text = str(asked).lower()
    if text == "auto":
        return 0 if accelerated else 1
    if text in WORDS:
        return WORDS[text]
    if not text.isdecimal():
        words = "auto, none, all or a number of runs"
        raise UserError(f"together should be {words}, not {asked!r}")
    return whole("together", int(text), 1)


def programs(trials: list[Trial], together: bool) -> dict[str, list[Trial]]:
    """The trials by the program that trains them, in their order.

    Seeds and starts share one in any case, and with `together` other numbers as well.
    """
    found: dict[str, list[Trial]] = {}
    known: dict[str, str] = {}
    for trial in trials:
        if trial.group not in known:
            config = configs.load(trial.config, trial.overrides)
            known[trial.group] = repr(population.program(config, together))
        found.setdefault(known[trial.group], []).append(trial)
    return found


def kin(trial: Trial) -> str:
    """What trials of one program have in common, as their settings tell."""
    own = {k: v for k, v in trial.setting.items() if not population.free(k)}
    return settings.name(own)


def pieces(trials: list[Trial], most: int, workers: int) -> list[list[Trial]]:
    """The trials in pieces that a worker trains at once, of at most `most` (0: any).

    Of equal size where a program has several, and no larger than gives each of the
    workers a piece.
    """
    if most == 1:
        return [[trial] for trial in trials]
    share = -(-len(trials) // max(workers, 1))
    size = min(most or share, share)
    found = []
    for group in programs(trials, True).values():
        count = -(-len(group) // size)
        found += [group[i::count] for i in range(count)]
    return found


def told(trials: list[Trial], most: int) -> str:
    """How many programs there are to compile, in words."""
    count = len(programs(trials, most != 1))
    told = f"{count} distinct program{'s' if count != 1 else ''}"
    return told if most == 1 else f"{told} of many runs each"
