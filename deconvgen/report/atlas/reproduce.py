"""One row of the atlas, trained again."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from deconvgen import config as configs
from deconvgen.core.errors import UserError
from deconvgen.report.atlas.rows import Row, digest
from deconvgen.report.splits import named
from deconvgen.report.statistics import interval
from deconvgen.runs import origin, pinned
from deconvgen.runs.train import train
from deconvgen.training.log import METRICS, read

ROUNDING = 1e-3
"""Of a figure: what another device or version may change of the same computation."""


class Again(NamedTuple):
    """A row's figure, then and now."""

    row: str
    measure: str
    then: float
    now: float
    low: float  # where a run of the same cell with another seed would lie, 95 %
    high: float
    same_code: bool

    @property
    def equal(self) -> bool:
        """To rounding."""
        return math.isclose(self.then, self.now, rel_tol=ROUNDING)

    @property
    def within(self) -> bool:
        """Equal, or no further off than runs of other seeds are."""
        return self.equal or self.low <= self.now <= self.high

    def words(self) -> str:
        """In a sentence."""
        verdict = "equal" if self.equal else "within" if self.within else "OUTSIDE"
        code = "" if self.same_code else " (by another revision of the code)"
        return (
            f"{self.row}: {self.measure} {self.now:.5g}, then {self.then:.5g}{code}; "
            f"other seeds: {self.low:.4g} to {self.high:.4g}: {verdict}"
        )


def reproduce(row: Row, rows: Sequence[Row], workdir: Path | str) -> Again:
    """Train what a row says once more, into a new run folder.

    Raises `UserError` where today's config of that name is another one.
    """
    overrides = json.loads(row["overrides"])
    config = configs.load(row["config"], overrides)
    folder = Path(workdir)
    train(config, folder)
    made = digest(pinned.saved(folder))
    if made != row["digest"]:
        raise UserError(
            f"the row {row['row']} was trained by the config {row['digest']}, which "
            f"{row['config']} with its overrides no longer is ({made})"
        )
    records = read(folder / METRICS)
    evals = [r for r in records if r["kind"] == "eval"]
    tests = {r.get("checkpoint"): r for r in records if r["kind"] == "test"}
    measure = row["measure"]
    now: Any = named(evals[-1], tests).get(measure, math.nan)
    own = [
        r[measure]
        for r in rows
        if (r["task"], r["upsampler"], r["initializer"])
        == (row["task"], row["upsampler"], row["initializer"])
        and measure in r
    ]
    found = interval(own)
    wide = found.half * math.sqrt(found.n + 1) if found.n > 1 else math.nan
    now_code = origin.revision()
    return Again(
        row["row"],
        measure,
        float(row[measure]),
        float(now),
        found.mean - wide,
        found.mean + wide,
        now_code == row["revision"],
    )
