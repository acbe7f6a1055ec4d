"""`deconvgen list`, and the pages that are made of the same tables."""

import json

import pytest

from deconvgen import config
from deconvgen.cli.listing import KINDS
from deconvgen.cli.main import run
from deconvgen.core.errors import UserError
from deconvgen.core.registry import known

ROOT = config.HERE.parent


def listed(capsys, *words):
    run(["list", *words])
    return capsys.readouterr().out


def test_every_kind_has_rows_and_all_are_json(capsys):
    for kind, rows in KINDS.items():
        first, *others = rows()
        assert all(row.keys() == first.keys() for row in others), kind
    found = json.loads(listed(capsys, "--json", "norms", "keys"))
    assert {row["name"] for row in found["norms"]} == {*known["norm"]}
    own = json.loads(listed(capsys, "keys", "--json", "--config=dcgan:smoke"))
    made = config.load("dcgan:smoke")
    values = {k: config.text(v) for k, v in config.flat(made).items()}
    assert {r["key"]: r["value"].removeprefix("-") for r in own} == values


def test_what_is_piped_is_not_wrapped(capsys):
    lines = listed(capsys, "keys").splitlines()
    (line,) = (line for line in lines if " monitor.patience " in line)
    assert line.rstrip().endswith("yes: the best step is looked for anew among all")
    assert " 0 or more " in line
    (line,) = (
        line for line in listed(capsys, "configs").splitlines() if "DCGAN" in line
    )
    assert line.endswith(f":{', :'.join(config.variants('dcgan'))}")
    assert json.loads(listed(capsys, "configs", "--json"))[0]["variants"]


@pytest.mark.parametrize("command", ["train", "features", "list"])
def test_a_config_s_help_is_its_keys_with_the_values_in_force(capsys, command):
    run([command, "--config=vae:smoke", "--config.steps=7", "--config.help"])
    lines = capsys.readouterr().out.splitlines()[2:]
    words = {line.split()[0]: line.split()[1] for line in lines}
    assert words["steps"] == "7" and words["batch_size"] == "16"
    assert "eval.importance_samples" in words and "critic_steps" not in words


def test_help_on_keys_without_a_config_is_that_of_all(capsys):
    run(["evaluate", "--config.help"])
    assert "critic_steps" in capsys.readouterr().out


def test_a_config_beside_another_kind_is_told():
    with pytest.raises(UserError, match="a config is for its keys"):
        run(["list", "norms", "--config=dcgan"])


def test_the_pages_are_made_of_the_tables():
    for name, text in config.module(ROOT / "tools" / "tables.py").pages().items():
        told = "python tools/tables.py makes the pages from the tables"
        assert (ROOT / "docs" / name).read_text() == text, told
