"""Train rows of results/ again by today's code, and note what came of it.

    python tools/reproduced.py [FILE,...]

Of each file, and of each config and older code in it, the row that took least time.
`results/reproduced.json` has then and now; `make figures` takes a file of other code
where all of its rows there are of today's and none is outside.
"""

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deconvgen.core import files
from deconvgen.core.errors import UserError
from deconvgen.report.atlas.reproduce import FILE, Agains, reproduce
from deconvgen.report.atlas.rows import read
from deconvgen.runs import code, origin

RESULTS = Path(__file__).parent.parent / "results"


def again(path: Path, found: dict[str, Any]) -> None:
    """Train a file's rows again, those that today's code has not trained already."""
    rows, before = read(path), Agains.of(path.stem, RESULTS)
    now = Agains(code.digest(), origin.revision(), [])
    old = {row["row"] for row in rows if row["code"] != now.code}
    if before.code == now.code:
        now = now._replace(rows=[one for one in before.rows if one.row in old])
    found.pop(path.stem, None)
    for row in now.left(rows):
        with tempfile.TemporaryDirectory() as folder:
            one = reproduce(row, rows, Path(folder) / "again")
        print(one.words(), flush=True)
        now = now._replace(rows=[*now.rows, one])
        keep(path, now, found)
    keep(path, now, found)


def keep(path: Path, now: Agains, found: dict[str, Any]) -> None:
    """Write what is known; of a file that today's code made, nothing."""
    if now.rows:
        rows = [row._asdict() for row in now.rows]
        found[path.stem] = now._asdict() | {"rows": rows}
    files.write(RESULTS / FILE, json.dumps(found, indent=1) + "\n")


def main(words: Sequence[str]) -> int:
    """1 where a row cannot be trained again."""
    path = RESULTS / FILE
    found = json.loads(path.read_text("utf-8")) if path.exists() else {}
    asked = [name for word in words for name in word.split(",")]
    failed = 0
    for each in sorted(RESULTS.glob("*.csv")):
        if asked and each.stem not in asked:
            continue
        try:
            again(each, found)
        except UserError as error:
            failed = 1
            print(error, file=sys.stderr)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
