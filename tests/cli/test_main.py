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


FILES = {
    "fails.py": "def get_config(variant):\n    return 1 / 0\n",
    "exits.py": "raise SystemExit(3)\n",
    "none.py": "def get_config():\n    return None\n",
    "dict.py": "def get_config(variant):\n    return {}\n",
}
CONFIG, X = "--config=dcgan:smoke", "--workdir={tmp}/x"
MISTAKES = {
    "a misspelt command": (["trian"], "did you mean 'train'"),
    "a misspelt flag": (
        ["train", "--wrkdir=x"],
        "no flag --wrkdir; did you mean",
    ),
    "a misspelt flag of a key": (
        ["train", X, CONFIG, "--confg.model.latent=3"],
        "no flag --confg.model.latent; did you mean '--config.model.latent'",
    ),
    "a misspelt flag before the command": (["--versoin"], "did you mean '--version'"),
    "a word too many": (["train", "dcgan"], "does not know what to do with 'dcgan'"),
    "no config": (["train", X], "--config is missing"),
    "a config that fails": (["train", "--config={tmp}/fails.py", X], "(line 2)"),
    "a config that exits": (["train", "--config={tmp}/exits.py", X], "SystemExit: 3"),
    "a config without argument": (
        ["train", "--config={tmp}/none.py", X],
        "takes 0 positional arguments",
    ),
    "a config of another kind": (
        ["train", "--config={tmp}/dict.py", X],
        "should give a ConfigDict, not a dict",
    ),
    "a run folder with an empty config": (
        ["sample", "--workdir={tmp}/empty"],
        "holds no config",
    ),
    "no features": (["train", CONFIG, X, "--config.model.features=()"], "not ()"),
    "too few critic features": (
        ["train", CONFIG, X, "--config.model.critic_features=8"],
        "one number for each of the 2 blocks",
    ),
    "critic features that are no numbers": (
        ["train", CONFIG, X, "--config.model.critic_features=a"],
        "'model.critic_features' should be a number, not",
    ),
    "a huge seed": (
        ["train", CONFIG, X, f"--config.seed={10**20}"],
        "should be 0 to 4294967295",
    ),
    "a home that nobody has": (
        ["train", CONFIG, "--workdir=~nobodyx/runs"],
        "~nobodyx has no home",
    ),
    "several hosts without the first": (
        ["train", CONFIG, X, "--num_processes=2"],
        "--num_processes wants --coordinator",
    ),
    "fewer than no steps": (["features", CONFIG, "--steps=-4"], "--steps=-4"),
    "a coordinator without a port": (
        ["train", CONFIG, X, "--coordinator=nonsense"],
        "HOST:PORT, not 'nonsense'",
    ),
    "a config's value that is left out": (
        ["train", CONFIG, "--config.data.flip", X],
        "--config.data.flip lacks its value: --config.data.flip=VALUE",
    ),
    "a config's value that is left out at the end": (
        ["train", CONFIG, X, "--config.seed"],
        "--config.seed lacks its value",
    ),
    "a value below 0 behind its key": (
        ["train", CONFIG, X, "--config.seed", "-1"],
        "config key 'seed' should be 0 to 4294967295, not -1",
    ),
    "a place that takes no classifier": (
        ["features", CONFIG, "--out=/dev/null/x"],
        "/dev/null/x cannot be written to",
    ),
    "a flag without its value": (
        ["train", CONFIG, "--workdir"],
        "--workdir lacks its value: --workdir=VALUE",
    ),
    "a switch with a value": (["sweep", "x", X, "--dry=maybe"], "--dry"),
    "half a flag": (["train", CONFIG, X, "--qui"], "no flag --qui; did you mean"),
    "a count of Slurm's": (
        ["sweep", "x", X, "--slurm.gpus=all"],
        "flag --slurm.gpus=all: a whole number is wanted, 0 or more",
    ),
    "a size of rows and columns": (["audit", "--factor=2;3"], "2 or 2,3"),
    "a shell": (["completion", "bsh"], "did you mean 'bash'"),
    "no workdir": (["train", CONFIG], "--workdir is missing"),
    "a flag's value": (["sample", X, "--num=many"], "--num"),
    "a config": (["train", X, "--config=dcgn"], "did you mean 'dcgan'"),
    "a variant": (["train", X, "--config=dcgan:smke"], "did you mean 'smoke'"),
    "a config file": (["train", X, "--config=a/b.py"], "no config file 'a/b.py'"),
    "a key": (["train", X, CONFIG, "--config.modl.latent=3"], "'model.latent'"),
    "a value": (["train", X, CONFIG, "--config.steps=few"], "wants a whole number"),
    "a number of steps": (["train", X, CONFIG, "--config.steps=0"], "99999999, not 0"),
    "a decay": (["train", X, CONFIG, "--config.ema=1.5"], "'ema' should be 0 or more"),
    "a data set": (
        ["train", X, CONFIG, "--config.data.name=fashion_mnist_smal"],
        "did you mean 'fashion_mnist_small'",
    ),
    "a folder": (["train", X, CONFIG, "--config.data.folder={tmp}/none"], "{tmp}/none"),
    "an upsampler": (
        ["train", X, CONFIG, "--config.model.upsampler=conv_transposed"],
        "did you mean 'conv_transpose'",
    ),
    "an initializer": (
        ["train", X, CONFIG, "--config.model.initializer=icnr"],
        "'icnr' makes no sense for conv_transpose; it fits depth_to_space",
    ),
    "factors": (
        ["train", X, CONFIG, "--config.model.factors=3,2"],
        "does not divide the image size 28x28",
    ),
    "as many features as factors": (
        ["train", X, CONFIG, "--config.model.features=8,8,8"],
        "factors",
    ),
    "an optimizer": (
        ["train", X, CONFIG, "--config.optimizer.name=adma"],
        "did you mean 'adam'",
    ),
    "a loss": (["train", X, CONFIG, "--config.loss.name=hing"], "did you mean 'hinge'"),
    "a penalty on a critic of whole batches": (
        ["train", X, CONFIG, "--config.loss.gradient_penalty=10"],
        "set model.critic_norm to none",
    ),
    "a norm": (
        ["train", X, CONFIG, "--config.model.norm=bach"],
        "did you mean 'batch'",
    ),
    "a dtype": (["train", X, CONFIG, "--config.dtype=float23"], "mean 'float32'"),
    "a workdir that is a file": (
        ["train", "--workdir={tmp}/file", CONFIG],
        "cannot be used",
    ),
    "no run folder": (["sample", X], "is no run folder"),
    "a damaged config": (["sample", "--workdir={tmp}/bad"], "not readable as JSON"),
    "a part of a config": (["sample", "--workdir={tmp}/part"], "is not whole"),
    "an override where there is no config": (
        ["sample", X, "--config.seed=3"],
        "takes no --config.seed=3",
    ),
    "a kind to list": (["list", "upsampler"], "did you mean 'upsamplers'"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_gets_one_sentence(mistake, tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "config.json").write_text("{")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "config.json").write_text("{}")
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "config.json").write_text('{"task": "gan"}')
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    argv, message = MISTAKES[mistake]
    with pytest.raises(UserError) as told:
        cli.run([word.replace("{tmp}", str(tmp_path)) for word in argv])
    assert message.replace("{tmp}", str(tmp_path)) in str(told.value)
    assert "\n" not in str(told.value)


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


def test_the_process_exits_with_2_and_no_traceback():
    command = [
        sys.executable,
        "-m",
        "deconvgen.cli",
        "train",
        "--config=dcgann",
        "--workdir=x",
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("deconvgen: unknown config 'dcgann'")
    assert len(done.stderr.splitlines()) == 1


def test_a_backend_that_is_not_there_is_told():
    command = [
        sys.executable,
        "-m",
        "deconvgen.cli",
        "train",
        "--config=dcgan:smoke",
    ]
    environment = os.environ | {"JAX_PLATFORMS": "gpx"}
    done = subprocess.run(
        [*command, "--workdir=unused"], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 2
    assert done.stderr.startswith("deconvgen: Unable to initialize backend 'gpx'")
    assert len(done.stderr.splitlines()) == 1
