"""What a run writes down, and reads again."""

import json

import pytest

from deconvgen.core import terminal
from deconvgen.training import log


@pytest.mark.parametrize("line", [b"{", b"null", b"{}", b"[1]", b"\xff\xfe"])
def test_records_are_read_up_to_a_line_that_is_none(tmp_path, line):
    good = {"step": 1, "kind": "train", "loss": 0.5}
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(json.dumps(good).encode() + b"\n" + line + b"\n")
    assert log.read(path) == [good]
    assert log.read(tmp_path) == log.read(tmp_path / "none") == []


def test_a_rate_takes_some_steps_to_tell(capsys, monkeypatch):
    """By hand: 4 images a step and a step a second, whose scalars may come at once."""
    now = iter([0.0, 1.0, 1.001, 3.0, 4.0, 5.0])
    monkeypatch.setattr("time.monotonic", lambda: next(now))
    bar = terminal.Bar(0, 100, 4)
    assert [bar.rate(step) for step in (1, 2, 3, 4, 5)] == [0.0, 0.0, 0.0, 4.0, 4.0]


def test_the_time_left_is_said_once_it_is_known(capsys, monkeypatch):
    now = iter(range(0, 1000, 20))
    monkeypatch.setattr("time.monotonic", lambda: float(next(now)))
    bar = terminal.Bar(0, 100, 4)
    bar.live = False
    bar.update(1, {"loss": 0.5})
    bar.update(4, {"loss": 0.5})
    first, second = capsys.readouterr().err.splitlines()
    assert "s left" not in first
    assert second.endswith("s left")
