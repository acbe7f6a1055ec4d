"""Loggers: what they are told, what a resume tells again, and that none does harm."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from deconvgen.cli import commands, parser
from deconvgen.cli import loggers as flags
from deconvgen.core.errors import UserError
from deconvgen.training import log, logger
from deconvgen.training.logger import Logger, Start, loggers

PICTURE = np.zeros((4, 8, 8, 1), np.float32)


@pytest.fixture
def heard(monkeypatch):
    """A logger `heard`, and all that it was told."""
    told = []

    def opened(start):
        told.append(("start", start.step, start.config))
        note = lambda *what: told.append(what)
        return Logger(note, lambda *what: note(*what[:2], what[2].shape), note)

    monkeypatch.setitem(loggers._things, "heard", opened)
    return told


def written(folder, steps, names=("heard",), history=b"", start=0):
    """The history of a run of these steps, told to loggers."""
    made = log.Log(folder, history, start, loggers=names, config={"seed": 3})
    for step in steps:
        values = {"loss": step / 4, "bad": float("nan")}
        made.record(step, "train", values, split="test", num_examples=5)
    made.pictures(steps[-1], "samples", PICTURE)
    made.close()
    return made.history()


def test_a_logger_is_told_figures_pictures_and_config(tmp_path, heard):
    written(tmp_path, [1, 2])
    assert heard[0] == ("start", 0, {"seed": 3})
    assert heard[1:3] == [(1, {"train/loss": 0.25}), (2, {"train/loss": 0.5})]
    assert heard[3] == (2, "samples", (17, 17, 1)) and heard[4] == ()


def test_one_that_comes_later_has_the_whole_curve(tmp_path, heard):
    history = written(tmp_path, [1, 2], names=())
    written(tmp_path, [3], history=history, start=2)
    steps = [what[0] for what in heard if what and what[0] != "start"]
    assert steps == [1, 2, 2, 3, 3]  # with the picture of step 2


@pytest.mark.parametrize("fails", ["open", "scalars", "picture", "close"])
def test_one_that_fails_is_left_out_and_nothing_is_lost(
    tmp_path, monkeypatch, capsys, fails
):
    def broken(*_):
        raise ConnectionError("no route")

    given = {} if fails == "open" else {fails: broken}
    opened = broken if fails == "open" else lambda start: Logger(**given)
    monkeypatch.setitem(loggers._things, "broken", opened)
    written(tmp_path, [1, 2, 3], names=["broken"])
    said = capsys.readouterr().err
    assert said.count("logger broken has failed") == 1 and "no route" in said
    assert [r["step"] for r in log.read(tmp_path / log.METRICS)] == [1, 2, 3]
    assert (tmp_path / "samples" / "00000003.png").exists()


def test_tensorboard_s_files_go_on_where_the_run_does(tmp_path):
    pytest.importorskip("tensorboardX")
    first = logger.tensorboard(Start(tmp_path, {}, 2))
    first.scalars(3, {"train/loss": 0.5})
    first.picture(3, "samples", np.zeros((8, 8, 1), np.uint8))
    first.close()
    (path,) = (tmp_path / "tensorboard").iterdir()
    assert b"train/loss" in path.read_bytes()
    again = logger.tensorboard(Start(tmp_path, {}, 3))
    again.close()
    assert (first.known, again.known) == (-1, 3)


def test_wandb_has_one_run_for_a_folder_however_often_it_goes_on(tmp_path, monkeypatch):
    begun, steps = [], []

    def init(**given):
        begun.append(given)
        ended = max(steps, default=-1) + 1
        note = lambda values, step: steps.append(step)
        finish = lambda: None
        resumed = len(begun) > 1
        return SimpleNamespace(log=note, finish=finish, step=ended, resumed=resumed)

    fake = SimpleNamespace(init=init, Image=np.asarray, Settings=dict)
    monkeypatch.setitem(sys.modules, "wandb", fake)
    monkeypatch.setenv("WANDB_PROJECT", "mine")
    history = written(tmp_path, [1, 2, 3], ["wandb"])
    kept = b"".join(history.splitlines(keepends=True)[:2])  # a checkpoint's, older
    written(tmp_path, [3, 4], ["wandb"], kept, 2)
    assert begun[0]["id"] == begun[1]["id"] and begun[0]["resume"] == "allow"
    assert begun[0]["project"] == "mine" and begun[0]["config"] == {"seed": 3}
    assert steps == [1, 2, 3, 3, 4, 4]  # its own pictures beside; 3 is not told again


def test_a_package_that_lacks_is_told_by_its_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(logger.NEEDS, "wandb", "no_such_package")
    with pytest.raises(UserError, match=r"pip install 'deconvgen\[wandb\]'"):
        logger.chosen(["wandb"])
    with pytest.raises(UserError, match="did you mean 'tensorboard'"):
        logger.chosen(["tensorbord"])
    (tmp_path / "only_a_folder").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(logger.NEEDS, "wandb", "only_a_folder")
    with pytest.raises(UserError, match="not installed"):
        logger.chosen(["wandb"])


def test_loggers_are_named_by_flags_and_by_the_environment(monkeypatch, heard):
    words = ["--workdir=x", "--config=dcgan", "--tensorboard", "--loggers=a,b"]
    values = parser.parse(commands.train.__name__, words)
    assert flags.asked(values) == ["tensorboard", "a", "b"]
    monkeypatch.setenv(logger.ASKED, "heard, heard")
    assert logger.chosen() == ["heard"]
