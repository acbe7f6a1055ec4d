"""RESULTS.md is what the records say; a record says where it comes from."""

import importlib
import json
import sys

import pytest

from deconvgen import config

FOLDER = config.HERE.parent / "benchmarks"
sys.path.append(str(FOLDER))  # its scripts import each other

many_models = importlib.import_module("many_models")
process = importlib.import_module("process")
record = importlib.import_module("record")
results = importlib.import_module("results")
timing = importlib.import_module("timing")
Spread = importlib.import_module("tables").Spread

TOYS = {
    "layers.py --toy --turns=2": ["layers.grid", "layers.ladder"],
    "forms.py --toy --turns=2": ["forms"],
    "train_step.py --toy --part=wgan_gp --batch=2 --turns=2 --without=Flax": [
        "train_step.wgan_gp.b2"
    ],
    "sampling.py --num=16 --batch=8 --turns=2": ["sampling.b8"],
}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """The matrix product that tells how fast the machine is takes no time here."""
    monkeypatch.setattr(timing.gemm_probe, "__defaults__", (8,))


def recorded(monkeypatch, folder, words):
    """The records that a benchmark's command leaves, by name."""
    script, *rest = words.split()
    monkeypatch.setattr(sys, "argv", [script, *rest, f"--record={folder}"])
    try:
        importlib.import_module(script.removesuffix(".py")).main()
    except SystemExit as end:
        assert not end.code
    return {path.stem: record.read(path) for path in sorted(folder.glob("*.json"))}


def test_the_pages_are_what_the_records_say():
    assert results.page() == results.PAGE.read_text("utf-8"), results.RUN
    text = results.SPEED.read_text("utf-8")
    assert results.BLOCK.search(text)
    assert results.written(text) == text, results.RUN


@pytest.mark.parametrize("words", TOYS)
def test_a_benchmark_leaves_a_record(words, monkeypatch, tmp_path):
    found = recorded(monkeypatch, tmp_path, words)
    assert [*found] == TOYS[words]
    for kept in found.values():
        assert kept["command"] == f"python benchmarks/{words} --record"
        assert kept["versions"]["jax"] and kept["revision"] and kept["date"]
        assert kept["machine"]["processor"] and kept["machine"]["cores"] > 0
        assert kept["machine"]["others"] < 1
        assert kept["machine"]["gemm"].low <= kept["machine"]["gemm"].high
        assert kept["code"] == record.digest(kept["depends"])
        cells = [cell for t in kept["tables"] for row in t["rows"] for cell in row]
        spreads = [cell for cell in cells if isinstance(cell, Spread)]
        assert spreads and all(s.low <= s.median <= s.high for s in spreads)
    assert results.STALE.partition("{")[0] not in results.page(tmp_path)


def test_what_a_benchmark_depends_on_is_there():
    depends = {*record.STEP, *record.RUN, *many_models.DEPENDS}
    depends |= {*record.scripts("process", "stepping", "theirs")}
    configs = {name for name in depends if record.spec(name)}
    assert configs and all(config.load(record.spec(name)) for name in configs)
    assert all((record.ROOT / name).exists() for name in depends - configs)


def test_a_record_of_other_code_is_said_first(monkeypatch, tmp_path):
    monkeypatch.setattr(record, "ROOT", tmp_path)
    code = tmp_path / "room" / "code.py"
    code.parent.mkdir()
    code.write_text("def f(x):\n    return x + 1\n")
    parser = record.argparse.ArgumentParser()
    record.argument(parser)
    options = parser.parse_args([f"--record={tmp_path}"])
    with record.kept(options, record.Sheet("it", "It", ("room",))) as sheet:
        sheet.table(["what", "ms"], [["a", Spread(2.0, 1.0, 3.0)]])
    (line,) = [x for x in results.page(tmp_path).splitlines() if "revision" in x]
    assert line.startswith("`python benchmarks/")
    assert "| a | 2 (1 to 3) |" in results.page(tmp_path)

    code.write_text("def f(x):  # the same\n    return x + 1\n")
    assert line in results.page(tmp_path).splitlines()
    code.write_text("def f(x):\n    return x + 2\n")
    revision = json.loads((tmp_path / "it.json").read_text())["revision"]
    said = f"**Of revision {revision.replace('+', ' with uncommitted changes')}; "
    said += "the code that it depends on has changed since.** "
    assert said + line in results.page(tmp_path).splitlines()
    block = (
        "<!-- timings: it -->\n<!-- end -->\n<!-- timings: other -->\n<!-- end -->\n"
    )
    assert said in results.written(block, tmp_path)
    assert results.NOTHING in results.written(block, tmp_path)


def test_a_toy_is_not_among_the_records(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["forms.py", "--toy", "--record"])
    with pytest.raises(SystemExit, match="give --record=FOLDER"):
        importlib.import_module("forms").main()


def test_ratios_are_of_turns():
    """The second turn is slow for both, and their ratio is not."""
    times = timing.Timings({"a": [1.0, 4.0, 1.0], "b": [2.0, 8.0, 3.0]})
    assert times.faster("a", over="b") == Spread(2.0, 2.0, 3.0)
    assert times.milliseconds("a") == Spread(1e3, 1e3, 4e3)
    assert times.rate("b", 8) == Spread(8 / 3, 1.0, 4.0)


def test_processes_take_turns(monkeypatch, tmp_path):
    called = []

    def call(options, cache, *words):
        called.append((cache.name, *words))
        return {"first": float(len(called)), "step": 1.0, "faults": 0.0}

    monkeypatch.setattr(process, "called", call)
    options = record.argparse.Namespace(turns=2, steps=3, part="demo")
    sheet = record.Sheet("process", "", ())
    process.start(sheet, options, tmp_path)
    assert {words[1] for _, *words in called} == {"--net=demo"}
    anew = [cache for cache, who, _ in called if who == "--who=deconvgen"]
    assert [*dict.fromkeys(anew)] == ["deconvgen", "deconvgen-0", "deconvgen-1"]
    process.settings(sheet, options, tmp_path)
    assert [row[0] for row in sheet.tables[1]["rows"]] == [*process.SET]


def test_trees_are_compared_turn_by_turn():
    costs = {"here": [(1.0, 2.0), (2.0, 2.0)], "older": [(2.0, 2.0), (2.0, 3.0)]}
    costs = {k: [many_models.Cost(*c) for c in v] for k, v in costs.items()}
    sheet = record.Sheet("many_models", "", ())
    many_models.compared(sheet, costs)
    here, older = sheet.tables[0]["rows"]
    assert here[-2:] == ["", ""]
    assert older[-2:] == [Spread(1.5, 1, 2), Spread(1.25, 1, 1.5)]
