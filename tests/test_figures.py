"""The pages say what results/ says, and results of other code are refused."""

import json

import pytest

from deconvgen.core.errors import UserError
from deconvgen.report.atlas.reproduce import Again, Agains, cheapest
from deconvgen.report.atlas.rows import ABOUT, recorded, write
from deconvgen.runs import code, origin
from tools import figures, reproduced


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


def some(config, level, seconds, name="x.study"):
    """Two seeds of a setting, as a file of other code has them."""
    row = dict.fromkeys(ABOUT, "") | {"config": config, "measure": "psnr"}
    row |= {"code": "other", "revision": "0" * 12, "device": "a CPU"}
    row |= {"psnr": level, "seconds": seconds}
    return [row | {"row": f"{name}/{config}/{seed}", "seed": seed} for seed in (0, 1)]


def test_results_of_other_code_stand_where_rows_came_out_the_same(
    tmp_path, monkeypatch
):
    for tool in (figures, reproduced):
        monkeypatch.setattr(tool, "RESULTS", tmp_path)
    rows = [*some("a", 20.0, 9.0), *some("b", 10.0, 5.0)]
    rows[3]["seconds"] = 4.0
    write(rows, tmp_path / "x.study.csv")
    trained = []

    def again(now):
        def run(row, rows, folder):
            trained.append(row["row"])
            level = row["psnr"]
            return Again(row["row"], "psnr", level, now(level), 9.9, 10.1, False)

        return run

    monkeypatch.setattr(reproduced, "reproduce", again(lambda level: level))
    assert reproduced.main([]) == 0 == reproduced.main(["x.study"])
    assert sorted(trained) == ["x.study/a/0", "x.study/b/1"]
    assert figures.fresh(tmp_path / "x.study.csv") == ""
    assert figures.behind("x.study").endswith(f"at {origin.revision()}: 2 equal.")
    write([*rows, *some("c", 1.0, 1.0)], tmp_path / "x.study.csv")
    assert "train rows of it again" in figures.fresh(tmp_path / "x.study.csv")
    monkeypatch.setattr(reproduced, "reproduce", again(lambda level: level + 1))
    assert reproduced.main([]) == 0
    why = figures.fresh(tmp_path / "x.study.csv")
    assert "does not come out as it did" in why and "2 equal, 1 OUTSIDE" in why
    write(rows, tmp_path / "x.study.csv")
    with monkeypatch.context() as later:
        later.setattr(code, "digest", lambda: "next")
        assert "train rows of it again" in figures.fresh(tmp_path / "x.study.csv")
    today = [row | {"code": code.digest()} for row in rows]
    write(today, tmp_path / "x.study.csv")
    assert reproduced.main([]) == 0 and len(trained) == 3
    assert not json.loads((tmp_path / "reproduced.json").read_text())


def test_each_older_code_has_a_row_of_its_own_and_today_s_none():
    """Nor one without its figure, though it took least time."""
    rows = [*some("a", 20.0, 9.0), *some("a", 20.0, 5.0, "y.study")]
    for row, name in zip(rows, ("one", "one", "two", code.digest()), strict=True):
        row["code"] = name
    rows[0] |= {"seconds": 1.0}
    del rows[0]["psnr"]
    names = {row["row"] for row in cheapest(rows)}
    assert names == {"x.study/a/1", "y.study/a/0"}
    again = lambda *rows: Agains(
        code.digest(),
        "abc",
        [Again(r, "psnr", 1.0, 1.0, 0.0, 2.0, False) for r in rows],
    )
    assert again(*names).stand_for(rows) and again("x.study/a/1").left(rows) == [
        rows[2]
    ]
    assert not again("x.study/a/1").stand_for(rows)
    assert not again(*names)._replace(code="one").stand_for(rows)


def test_a_row_that_cannot_be_trained_again_is_told_of(tmp_path, monkeypatch, capsys):
    def refused(row, rows, folder):
        raise UserError("no longer is")

    monkeypatch.setattr(reproduced, "RESULTS", tmp_path)
    monkeypatch.setattr(reproduced, "reproduce", refused)
    write(some("a", 20.0, 9.0), tmp_path / "x.study.csv")
    assert reproduced.main([]) == 1 and "no longer is" in capsys.readouterr().err
    assert not list(tmp_path.glob("*.json"))


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
