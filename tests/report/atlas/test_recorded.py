"""A row of results/, the cheapest one of a CPU, trained again."""

import pytest

from deconvgen.report.atlas.reproduce import reproduce
from deconvgen.report.atlas.rows import kind, recorded

ROWS = recorded()
HERE = [row for row in ROWS if kind(row["device"]) == "cpu"]


@pytest.mark.skipif(not HERE, reason="results/ has no row yet")
def test_the_cheapest_row_is_reproduced(tmp_path):
    row = min(HERE, key=lambda row: row["seconds"])
    again = reproduce(row, ROWS, tmp_path / "again")
    assert again.within, again.words()
