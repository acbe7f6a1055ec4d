"""One table says of every config key what it takes and what another value does."""

import pytest
from ml_collections import ConfigDict

from deconvgen import config, tasks
from deconvgen.config.key import BOUNDS
from deconvgen.core.errors import UserError
from deconvgen.core.registry import known
from deconvgen.runs import pinned, rehearsal
from deconvgen.runs import setup as runs

TASKS = ("autoencoder", "gan", "segmentation", "superres", "vae")
SAME = ("start", "numbers", "nothing")
"""What `changes` of keys that make no other program."""


@pytest.mark.parametrize("name", config.names())
def test_every_key_of_a_config_has_a_row(name):
    made = config.load(name)
    assert config.flat(made).keys() == config.rows(made.task).keys()


@pytest.mark.parametrize("task", TASKS)
def test_every_row_is_whole(task):
    """A kind that no registry is of would let every name pass."""
    tasks.entry(task)
    for key, row in config.rows(task).items():
        kind = row.range if isinstance(row.range, str) else ""
        named = kind and not BOUNDS.match(kind) and not row.is_place
        assert not named or kind.rstrip(",+") in known, key
        assert row.about and row.expected(), key
        assert row.changes in (*SAME, "training", "figures"), key
        assert row.changes != "nothing" or row.resume is not None, key
        names = row.names()
        assert not names or {*row._parts(row.default)} <= {*names, "auto", ""}, key


@pytest.mark.parametrize(
    ("name", "key", "value", "words"),
    [
        ("dcgan", "model.norm", "bach", "unknown model.norm 'bach'; did you mean 'bat"),
        ("dcgan", "model.upsampler", "carafe,carrafe", "'carrafe'; did you mean 'cara"),
        ("dcgan", "data.crop", "centre", "unknown data.crop 'centre'; did you mean"),
        ("dcgan", "data.channels", 2, "'data.channels' should be 0, 1 or 3, not 2"),
        ("dcgan", "optimizer.learning_rate", -0.1, "should be 0 or more, not -0.1"),
        ("dcgan", "ema", float("nan"), "'ema' should be 0 or more, below 1, not nan"),
        ("dcgan", "model.features", (8, "a"), "should be a whole number, not .8, 'a'"),
        ("dcgan", "model.features", (8, True), "should be a whole number, not .8, Tr"),
        ("dcgan", "dtype", "float61", "unknown dtype 'float61'; did you mean"),
        ("superres", "loss.name", "l1 + 0.1 azimutal", "'azimutal'; did you mean 'azi"),
        ("superres", "model.factor", 9, "'model.factor' should be 2 to 8, not 9"),
        ("vae", "loss.likelihood", "logistics", "did you mean 'logistic'"),
        ("autoencoder", "corruption.name", "gausian", "did you mean 'gaussian'"),
    ],
)
def test_a_value_out_of_range_is_told_in_a_sentence(name, key, value, words):
    made = config.load(f"{name}:smoke")
    runs.check(made)
    *groups, last = key.split(".")
    place = made[groups[0]] if groups else made
    with place.ignore_type():
        place[last] = value
    with pytest.raises(UserError, match=words):
        runs.check(made)


def test_a_list_for_what_is_one_number_is_told():
    made = config.load("superres:smoke")
    made.model = made.model.to_dict() | {"features": (8, 8), "kernel_size": (3,)}
    with pytest.raises(UserError, match=r"'model.features' should be 1 or more, not"):
        config.check(made)
    made.model = made.model.to_dict() | {"features": 8}
    config.check(made)  # a kernel size may be one a block


def test_what_may_change_on_resume_and_what_makes_another_program():
    made = config.load("vae:smoke", ["imports=os"])
    for key in config.flat(made):
        other = ConfigDict(made.to_dict())
        config.put(other, key, None) if key != "task" else None
        row = config.row(made.task, key)
        same = rehearsal.program(other) == rehearsal.program(made)
        assert same == (row.changes in SAME or key == "task"), key
    loose = {k for k, r in config.rows("vae").items() if r.resume is not None}
    assert loose - {k for k in loose if k.startswith(("eval.", "monitor."))} == {
        *("steps", "log_every", "sample_every", "eval_every", "checkpoint_every"),
        *("num_samples", "steps_per_call", "data.folder", "imports"),
    }
    assert {"eval.importance_samples", "monitor.metric"} <= loose


def test_a_key_that_the_table_lacks_is_safe():
    assert config.row("gan", "model.own").resume is None
    assert config.row("gan", "own").changes == "training"
    assert config.row("gan", "eval.own") == config.row("gan", "eval.own")
    old, new = (config.load("dcgan:smoke") for _ in range(2))
    old.data.image_shape = new.data.image_shape = (28, 28, 1)
    new.eval.own, new.model.own = 1, 2
    wrong, fine = pinned.sorted_changes(old, new)
    assert wrong == ["model.own: 'absent' -> 2"] and [*fine] == ["eval.own"]


TASK = """
from deconvgen import tasks
from deconvgen.config import Key
from deconvgen.tasks.autoencoder import make

tasks.register(make, name="mine", keys={
    "model.width": Key(32, "1 or more", "channels"),
    "loss.name": Key("l1", ("l1", "l2"), "how it is told"),
})
"""
OWN = """
from deconvgen.config import defaults

def get_config(variant):
    config = defaults("mine", imports=("my_task.py",))
    config.extra = 3
    return config
"""


def test_a_task_of_ones_own_has_rows_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(tasks.registered, "_things", {})
    monkeypatch.setattr(config.keys, "OWN", dict(config.keys.OWN))
    monkeypatch.setattr(config.files, "_imported", {})
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_task.py").write_text(TASK)
    (tmp_path / "mine.py").write_text(OWN)
    made = config.load("mine.py", ["model.width=8", "extra=4"])
    assert (made.model.width, made.extra, made.loss.name) == (8, 4, "l1")
    runs.check(made)
    for change, words in {
        "model.width=0": "'model.width' should be 1 or more, not 0",
        "loss.name=l3": "unknown loss.name 'l3'",
    }.items():
        with pytest.raises(UserError, match=words):
            runs.check(config.load("mine.py", [change]))
    with pytest.raises(UserError, match="did you mean 'model"):
        config.load("mine.py", ["model.widht=8"])


def test_a_config_file_from_before_the_table_keeps_working(tmp_path):
    """It made its groups itself; a locked one is no hindrance."""
    (tmp_path / "old.py").write_text(
        "from ml_collections import ConfigDict\n"
        "from deconvgen.config import defaults\n"
        "def get_config(variant):\n"
        "    config = defaults('gan', steps=7)\n"
        "    config.loss = dict(name='hinge', own=1)\n"
        "    config.model.update(features=(8, 4), own=2)\n"
        "    return config.lock()\n"
    )
    made = config.load(f"{tmp_path}/old.py", ["model.own=5"])
    assert made.loss.to_dict() | {"name": "hinge", "own": 1} == made.loss.to_dict()
    assert (made.model.own, made.model.features, made.loss.r1) == (5, (8, 4), 0.0)
    runs.check(made)


def test_a_misspelt_key_of_an_optimizer_is_told():
    with pytest.raises(UserError, match="did you mean 'learning_rate'"):
        config.optimizer(lerning_rate=1)


def test_an_initializer_may_have_a_strength_and_a_scale():
    load = lambda start: config.load("autoencoder", [f"model.initializer={start}"])
    config.check(load("icnr@0.3+unit,default"))
    with pytest.raises(UserError, match=r"unknown model\.initializer 'icnr@3'"):
        config.check(load("icnr@3"))
