"""One recorded row, trained again."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from deconvgen import config as configs
from deconvgen.core.errors import UserError
from deconvgen.report import results
from deconvgen.report.atlas.rows import Row, digest
from deconvgen.report.part import figure
from deconvgen.report.statistics import interval
from deconvgen.runs import code, pinned
from deconvgen.runs.train import train
from deconvgen.sweep.plan import Trial

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

    Raises `UserError` for a row without its figure, and where today's config of that
    name is another one.
    """
    measure = row["measure"]
    if measure not in row:
        raise UserError(f"the row {row['row']} has no finite figure to come near to")
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
    trial = Trial(row["row"], {}, row["config"], overrides)
    now = figure(results.result(folder, trial), measure)
    cell = row["row"].rpartition("/")[0]
    alike = [r for r in rows if r["row"].rpartition("/")[0] == cell]
    own = [r[measure] for r in alike if measure in r]
    found = interval(own)
    wide = found.half * math.sqrt(found.n + 1) if found.n > 1 else math.nan
    return Again(
        row["row"],
        measure,
        float(row[measure]),
        float(now),
        found.mean - wide,
        found.mean + wide,
        row["code"] == code.digest(),
    )
