"""The command line: one sentence for what does not work."""

import os
import subprocess
import sys

import pytest

from deconvgen.cli import main as cli
from deconvgen.core.errors import UserError

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
