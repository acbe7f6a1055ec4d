"""A row of results/, the cheapest one, trained again."""

import pytest

from deconvgen.report.atlas.reproduce import reproduce
from deconvgen.report.atlas.rows import recorded

ROWS = recorded()


@pytest.mark.slow
@pytest.mark.skipif(not ROWS, reason="results/ has no row yet")
def test_the_cheapest_row_is_reproduced(tmp_path):
    row = min(ROWS, key=lambda row: row["seconds"])
    again = reproduce(row, ROWS, tmp_path / "again")
    assert again.within, again.words()
