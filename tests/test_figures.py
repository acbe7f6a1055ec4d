"""The pages say what results/ says, and results of other code are refused."""

import json

import pytest

from deconvgen.report.atlas.rows import ABOUT, recorded, write
from deconvgen.runs import code
from tools import figures


@pytest.mark.parametrize("name", figures.PAGES)
def test_what_stands_between_markers_is_what_the_tool_writes(name):
    text = (figures.ROOT / name).read_text("utf-8")
    assert figures.BLOCK.search(text)
    assert figures.written(text) == text, "run: make figures"


def test_results_of_other_code_are_refused_by_name(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "RESULTS", tmp_path)
    row = dict.fromkeys(ABOUT, "") | {"row": "a", "seed": 0, "revision": "0" * 12}
    write([row | {"code": code.digest()}], tmp_path / "x.study.csv")
    assert figures.fresh(tmp_path / "x.study.csv") == ""
    write([row | {"code": "other"}], tmp_path / "x.study.csv")
    with pytest.raises(SystemExit, match=r"x\.study\.csv is of revision 0{12}, and"):
        figures.main([])


def test_the_digest_is_of_what_is_computed():
    text = "import os\ndef f(x):\n    '''Says.'''\n    return x + 1\n"
    same = "def f(x):  # why\n    if not x:\n        raise E(f'{x}')\n    return x + 1"
    found = [code.of({"a.py": t.encode()}) for t in (text, text.replace("Says", "S"))]
    assert found[0] == found[1] != code.of({"a.py": same.encode()})
    no_raise = same.replace("raise E(f'{x}')", "pass")
    assert code.of({"a.py": text.replace("1", "2").encode()}) != found[0]
    assert code.of({"a.py": no_raise.encode()}) != found[0]
    assert code.of({"a.py": b"", "b.png": b"1"}) != code.of({"a.py": b"", "b.png": b""})
    assert code.at("no such revision") == ""


def test_the_rows_that_are_recorded_are_of_one_kind():
    rows = recorded(figures.RESULTS)
    names = [row["row"] for row in rows]
    assert len({*names}) == len(names)
    assert all(row["digest"] and row["code"] for row in rows)
    assert all(isinstance(json.loads(row["setting"]), dict) for row in rows)
