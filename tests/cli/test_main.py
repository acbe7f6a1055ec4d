"""The command line: what works, and one sentence for what does not."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import deconvgen
from deconvgen.cli import completion, parser
from deconvgen.cli import main as cli
from deconvgen.core.errors import UserError
from tests.tiny import TINY


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """Trained from the command line."""
    workdir = tmp_path_factory.mktemp("run")
    values = [f"--config.{value}" for value in TINY]
    cli.run(
        ["train", "--config=dcgan:smoke", f"--workdir={workdir}", *values, "--quiet"]
    )
    return workdir


def test_train_names_the_run_folder_the_pictures_and_the_figures(run_folder, capsys):
    cli.run(
        ["train", "--config=dcgan:smoke", f"--workdir={run_folder}", "--quiet"]
        + [f"--config.{value}" for value in TINY]
    )
    said = capsys.readouterr().out
    assert str(run_folder) in said
    assert "00000006.png" in said
    assert "g_loss" in said


def test_evaluate_prints_a_table_and_writes_json(run_folder, capsys, monkeypatch):
    monkeypatch.setattr("deconvgen.runs.trusted.TRAINING", 16)
    cli.run(["evaluate", f"--workdir={run_folder}", "--checkpoint=latest"])
    said = capsys.readouterr().out
    written = json.loads((run_folder / "evaluation.json").read_text())
    assert "g_loss" in said
    assert written["latest"]["checkpoint"] == 6
    assert np.isfinite(written["latest"]["g_loss"])


@pytest.fixture(scope="module")
def found(run_folder):
    """An evaluation, for the tests of what becomes of its figures."""
    from deconvgen.runs.evaluation import evaluation
    from deconvgen.runs.run import load

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("deconvgen.runs.trusted.TRAINING", 16)
        return evaluation(load(run_folder, "latest"))


@pytest.fixture
def evaluated(found, monkeypatch):
    """`deconvgen evaluate` finds what was found before, at once."""
    monkeypatch.setattr("deconvgen.runs.evaluation.evaluation", lambda *_, **__: found)


def test_figures_are_printed_where_they_cannot_be_written(
    run_folder, evaluated, capsys, tmp_path
):
    """openai/gpt-oss#166: minutes of figures were lost to a read-only folder."""
    (tmp_path / "file").write_text("")
    flags = [f"--workdir={run_folder}", "--checkpoint=latest"]
    with pytest.raises(UserError, match=r"could not be written .*folder as --out"):
        cli.run(["evaluate", *flags, f"--out={tmp_path / 'file' / 'x'}"])
    assert "g_loss" in capsys.readouterr().out
    cli.run(["evaluate", *flags, f"--out={tmp_path / 'new'}"])
    assert str(tmp_path / "new" / "evaluation.json") in capsys.readouterr().out
    assert "latest" in json.loads((tmp_path / "new" / "evaluation.json").read_text())
    assert (tmp_path / "new" / "evaluation" / "worst.png").exists()


def test_figures_are_written_whoever_stops_reading(
    run_folder, evaluated, monkeypatch, tmp_path
):
    def gone(*_, **__):
        raise BrokenPipeError

    monkeypatch.setattr("deconvgen.core.terminal.Terminal.print", gone)
    with pytest.raises(BrokenPipeError):
        flags = [f"--workdir={run_folder}", "--checkpoint=latest"]
        cli.run(["evaluate", *flags, f"--out={tmp_path}"])
    assert (tmp_path / "evaluation.json").exists()


def test_sample_writes_a_picture_or_arrays(run_folder, capsys):
    cli.run(["sample", f"--workdir={run_folder}", "--num=5"])
    picture = capsys.readouterr().out.strip()
    assert picture.endswith(".png")
    out = run_folder / "five.npz"
    cli.run(["sample", f"--workdir={run_folder}", "--num=5", f"--out={out}"])
    images = np.load(out)["images"]
    assert images.shape == (5, 28, 28, 1)
    assert images.dtype == np.uint8


def test_interpolation_begins_and_ends_at_its_latents(run_folder, tmp_path):
    from deconvgen.core import images
    from deconvgen.runs import run, sampling

    loaded = run.load(run_folder)
    sheet = sampling.kinds["interpolation"](loaded, 16, 3, "")
    start = loaded.decode(sampling.latents(loaded, 2, 3), np.arange(2))
    np.testing.assert_allclose(sheet[:28, :28], images.to_uint8(start)[0], atol=1)


@pytest.mark.parametrize("kind", ["", "upsamplers", "configs", "datasets", "tasks"])
def test_list_names_what_there_is(kind, capsys):
    cli.run(["list", kind] if kind else ["list"])
    said = capsys.readouterr().out
    expected = {"upsamplers": "depth_to_space", "configs": "dcgan", "tasks": "gan"}
    assert expected.get(kind, "fashion_mnist_small") in said


def solid(text):
    """Without the spaces and ends of lines."""
    return "".join(text.split())


def test_help_is_said(capsys):
    cli.run([])
    said = capsys.readouterr().out
    assert "usage: deconvgen COMMAND" in said
    for name, own in cli.COMMANDS.items():
        assert own.about[:40] in said
        cli.run([name, "--help"])
        text = capsys.readouterr().out
        assert text.startswith(f"usage: deconvgen {name}") and "--import" in text
        for flag in own.flags:
            assert f"--{flag.name}" in text and solid(flag.about) in solid(text)
        cli.run(["help", name])
        assert capsys.readouterr().out == text


def test_the_version_is_said(capsys):
    cli.run(["--version"])
    assert capsys.readouterr().out == f"deconvgen {deconvgen.__version__}\n"


def test_help_starts_no_jax():
    script = "import sys; from deconvgen.cli.main import run; run(['train', '-h']);"
    script += "print({'jax', 'numpy', 'ml_collections', 'rich'} & {*sys.modules})"
    said = subprocess.check_output([sys.executable, "-c", script], text=True)
    assert said.endswith("set()\n")


@pytest.mark.parametrize(
    "words",
    [
        ["--jobs=3", "--notiming", "--dry", "x", "--slurm.gpus=2"],
        ["x", "-jobs", "3", "--timing=false", "--dry=True", "--slurm.gpus", "2"],
    ],
)
def test_flags_are_spelt_in_many_ways_and_words_stand_anywhere(words):
    given = ["--workdir=w", "--config.seed", "-1", "--config.a.b=c d"]
    values = parser.parse("sweep", [*given, *words])
    assert values.words == ["x"] and values.jobs == 3
    assert values.dry and not values.timing and values.together == "auto"
    assert vars(values)["slurm.gpus"] == 2 and vars(values)["slurm.qos"] == ""
    assert values.overrides == ["seed=-1", "a.b=c d"]


def test_a_flag_that_may_do_without_a_value_takes_no_word_for_one():
    said = {"--together": "all", "--notogether": "none", "--together=8": "8"}
    for word, meant in said.items():
        values = parser.parse("sweep", ["--workdir=w", word, "x"])
        assert values.together == meant and values.words == ["x"]


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_a_shell_is_told_how_to_complete(shell, capsys):
    pytest.importorskip("argcomplete")
    cli.run(["completion", shell])
    assert "deconvgen" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("deconvgen ev", ["evaluate "]),
        ("deconvgen train --dist", ["--distributed "]),
        ("deconvgen train --config=seg", ["--config=segmentation"]),
        ("deconvgen train --config=autoencoder:sm", ["--config=autoencoder:smoke"]),
        ("deconvgen sweep last", ["last_layer "]),
        ("deconvgen completion f", ["fish "]),
        ("deconvgen list mea", ["measures "]),
        ("deconvgen train --config.model.lat", ["--config.model.latent "]),
        ("deconvgen train --config.dtype=bf", ["--config.dtype=bfloat16"]),
    ],
)
def test_tab_completes(line, wanted, tmp_path):
    pytest.importorskip("argcomplete")
    told = {"_ARGCOMPLETE": "1", "COMP_LINE": line, "COMP_POINT": str(len(line))}
    out = tmp_path / "out"
    told |= {"_ARGCOMPLETE_STDOUT_FILENAME": str(out), "_ARGCOMPLETE_IFS": "|"}
    command = [sys.executable, "-m", "deconvgen.cli"]
    subprocess.run(command, env=os.environ | told, check=True)
    found = out.read_text().split("|")
    for word in wanted:
        assert any(text.startswith(word) for text in found), found


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--checkpoint=99"], "has no checkpoint of step 99 (it has 4, 6)"),
        (["--checkpoint=newest"], "best, latest or a step"),
        (["--kind=grd"], "unknown kind of sample 'grd'; did you mean 'grid'"),
        (["--num=0"], "flag --num=0: a whole number is wanted, 1 or more"),
        (["--seed=-1"], "flag --seed=-1"),
        (["--kind=reconstruction"], "does not reconstruct"),
        (["--out=a.xyz"], "picture format's ending"),
    ],
)
def test_a_mistake_in_sampling_gets_one_sentence(run_folder, argv, message):
    with pytest.raises(UserError) as told:
        cli.run(["sample", f"--workdir={run_folder}", *argv])
    assert message in str(told.value)
