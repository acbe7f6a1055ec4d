"""Recorded rows, trained again."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from deconvgen import config as configs
from deconvgen.core.errors import UserError
from deconvgen.report import results
from deconvgen.report.atlas.rows import Row, digest, kind
from deconvgen.report.part import figure
from deconvgen.report.statistics import interval
from deconvgen.runs import code, pinned
from deconvgen.runs.train import train
from deconvgen.sweep.plan import Trial

FILE = "reproduced.json"
"""What `results/` has of rows that were trained again."""
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

    @property
    def alone(self) -> bool:
        """Whether there are no other seeds to judge by."""
        return math.isnan(self.low)

    def words(self) -> str:
        """In a sentence."""
        verdict = "equal" if self.equal else "within" if self.within else "OUTSIDE"
        others = f"other seeds: {self.low:.4g} to {self.high:.4g}: {verdict}"
        if self.alone:
            others = (
                "equal" if self.equal else "not equal, and no other seed to judge by"
            )
        code = "" if self.same_code else " (by another revision of the code)"
        return (
            f"{self.row}: {self.measure} {self.now:.5g}, then {self.then:.5g}{code}; "
            f"{others}"
        )


class Agains(NamedTuple):
    """Rows of one file, trained again by one code."""

    code: str
    revision: str
    rows: Sequence[Again]

    @classmethod
    def of(cls, name: str, folder: Path) -> "Agains":
        """What a folder of results has of a file; of no row where it has nothing."""
        path = folder / FILE
        found = json.loads(path.read_text("utf-8")) if path.exists() else {}
        one = found.get(name, {"code": "", "revision": "", "rows": []})
        rows = [Again(**row) for row in one["rows"]]
        return cls(one["code"], one["revision"], rows)

    def stand_for(self, rows: Sequence[Row]) -> bool:
        """Whether today's code trained one row of each config, and came near it."""
        return self.whole(rows) and all(row.within for row in self.rows)

    def whole(self, rows: Sequence[Row]) -> bool:
        """Whether today's code trained all again that it has to: see `cheapest`."""
        return self.code == code.digest() and not self.left(rows)

    def left(self, rows: Sequence[Row]) -> list[Row]:
        """What has to be trained again yet, if these are of today's code."""
        names = {row.row for row in self.rows}
        done = {_kind(row) for row in rows if row["row"] in names}
        return [row for row in cheapest(rows) if _kind(row) not in done]

    def words(self) -> str:
        """How many came out how, in a sentence; empty where there is none."""
        if not self.rows:
            return ""
        equal = sum(each.equal for each in self.rows)
        within = sum(each.within for each in self.rows) - equal
        alone = sum(each.alone and not each.equal for each in self.rows)
        counts = {
            "equal": equal,
            "within what other seeds give": within,
            "not equal, without other seeds": alone,
            "OUTSIDE": len(self.rows) - equal - within - alone,
        }
        said = ", ".join(f"{n} {kind}" for kind, n in counts.items() if n)
        return f"Trained again at {self.revision}: {said}."


def trained_again(names: Sequence[str], folder: Path) -> list[str]:
    """Of files together how many rows came out how, a sentence a revision."""
    found: dict[str, Agains] = {}
    for one in (Agains.of(name, folder) for name in names):
        before = found.get(one.revision, one._replace(rows=[]))
        found[one.revision] = one._replace(rows=[*before.rows, *one.rows])
    return [said for each in found.values() if (said := each.words())]


def cheapest(rows: Sequence[Row]) -> list[Row]:
    """Of each config and code but today's the row that took least time.

    Of those that have their figure; of a CPU where there is one.
    """
    now = code.digest()
    old = [row for row in rows if row["code"] != now and row["measure"] in row]
    order = lambda row: (kind(row["device"]) != "cpu", row["seconds"])
    return list({_kind(row): row for row in sorted(old, key=order)[::-1]}.values())


def _kind(row: Row) -> tuple[str, str]:
    return row["config"], row["code"]


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
    cell = lambda row: row["row"].rpartition("/")[0]
    own = [r[measure] for r in rows if cell(r) == cell(row) and measure in r]
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
