"""The names of figures by split: test/psnr, validation/psnr, and psnr of older runs."""

from collections.abc import Mapping, Sequence
from typing import Any

from deconvgen import sweep
from deconvgen.metrics.measures import plain, under
from deconvgen.training.log import figures

SPLITS = ("test/", "", "validation/")
"""What names begin with, in the order in which they are looked for."""


def named(record: dict[str, Any], tests: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    """The figures of an evaluation in training and of the test at its step, by name.

    Plain are the names of runs without validation, which have test figures alone.
    """
    if record.get("split") != "validation":
        return figures(record)
    own = {f"validation/{name}": value for name, value in figures(record).items()}
    test = figures(tests.get(record["step"], {}))
    return {f"test/{name}": value for name, value in test.items()} | own


def find(pattern: str, have: Sequence[str], mode: str = "") -> str | None:
    """The figure that a measure means, of the test images where there are such.

    A mode `real` wants that of the real images too. Learning curves are of the images
    that training looks at, whatever split that is.
    """
    if pattern.startswith("area("):
        own = [plain(name) for name in have]
        name = sweep.matching(pattern, own)
        lacks = mode == "real" and name and under(f"{name}_real") not in own
        return None if lacks else name
    for split in SPLITS:
        own = [plain(name) for name in have if name == split + plain(name)]
        name = sweep.matching(pattern, own)
        if name and (mode != "real" or f"{name}_real" in own):
            return split + name
    return None


def measured(
    measures: Mapping[str, str], have: Sequence[str]
) -> tuple[dict[str, str], list[str]]:
    """An experiment's measures as figures that runs have, and those they lack."""
    there: dict[str, str] = {}
    missing = []
    for pattern, mode in measures.items():
        name = find(pattern, have, mode)
        if name is None:
            missing.append(pattern)
        else:
            there.setdefault(name, mode)
    return there, missing
