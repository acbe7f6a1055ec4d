"""One's own files register what configs then name, and runs import them again."""

import json
import sys

import pytest

import deconvgen
from deconvgen import config
from deconvgen.cli.main import run
from deconvgen.cli.parser import parse
from deconvgen.core.errors import UserError
from deconvgen.nn.upsample import upsamplers
from deconvgen.runs.run import load
from tests.tiny import gan

LAYER = """
import flax.linen as nn
from deconvgen.nn import Upsampler, upsamplers
from deconvgen.ops import nearest

@upsamplers.register(name="{name}")
class Mine(Upsampler):
    "Mine."
    @nn.compact
    def __call__(self, x):
        return self.conv(nearest(x, self.factors))
"""


@pytest.fixture
def forget(monkeypatch):
    """As a new process: what was imported and registered is not known any more."""
    monkeypatch.setattr(config.files, "_imported", {})
    monkeypatch.setattr(upsamplers, "_things", own := dict(upsamplers._things))

    def again():
        config.files._imported.clear()
        for name in [n for n in own if n.startswith("mine")]:
            del own[name]

    return again


@pytest.mark.slow
def test_a_run_trains_with_ones_own_layer_and_imports_it_again(
    forget, tmp_path, monkeypatch
):
    (tmp_path / "my_layers.py").write_text(LAYER.format(name="mine"))
    monkeypatch.chdir(tmp_path)
    few = {"imports": "my_layers.py", "model__upsampler": "mine", "steps": 2}
    made = deconvgen.train(gan(), tmp_path / "run", quiet=True, **few)
    kept = json.loads((tmp_path / "run" / "config.json").read_text())["imports"]
    assert kept == [str(tmp_path / "my_layers.py")]
    forget()
    assert "mine" not in upsamplers
    monkeypatch.chdir("/")
    assert load(tmp_path / "run").sample(1).shape == made.sample(1).shape


def test_the_command_line_imports_before_a_command(forget, tmp_path, capsys):
    path = tmp_path / "mine.py"
    path.write_text(LAYER.format(name="mine_too"))
    run(["list", f"--import={path}", "upsamplers"])
    assert "mine_too" in capsys.readouterr().out
    run(["list", "--import", str(path), "upsamplers"])  # once in a process
    assert config.load("dcgan:smoke", [f"imports={path}"]).imports == (str(path),)


def test_modules_and_lists(tmp_path, monkeypatch):
    (tmp_path / "a_module_of_mine.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    config.imported(["a_module_of_mine"])
    assert "a_module_of_mine" in sys.modules
    words = ["--import=a.py,b", "--import", "c.py", "--workdir=x"]
    assert parse("sample", words).imports == ["a.py", "b", "c.py"]
    assert config.load("dcgan:smoke").imports == ()
    assert config.load("dcgan:smoke", ["imports="]).imports == ()


def test_it_says_what_cannot_be_imported(tmp_path):
    (tmp_path / "bad.py").write_text("1 / 0")
    wrong = {
        "there is no file none.py": "none.py",
        "division by zero": str(tmp_path / "bad.py"),
        "No module named 'no_such_module'": "no_such_module",
    }
    for words, name in wrong.items():
        with pytest.raises(UserError, match=words):
            config.imported([name])
    with pytest.raises(UserError, match="lacks its value"):
        run(["train", "--import"])


def test_a_task_of_ones_own_is_made_by_its_name(monkeypatch):
    from deconvgen import tasks
    from deconvgen.tasks import autoencoder

    monkeypatch.setattr(tasks.registered, "_things", {})
    assert "_corruptions" not in tasks.names()
    tasks.register(autoencoder.make, name="mine")
    assert "mine" in tasks.names()
    assert tasks.entry("mine").make is autoencoder.make
    assert "learning_rate" in tasks.entry("mine").knobs(config.defaults("mine"))
    with pytest.raises(ValueError, match="there already"):
        tasks.register(autoencoder.make, name="gan")
