"""The wheel holds all that a user needs, wherever they stand."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile

import numpy as np
import pytest

from deconvgen import config
from tests.tiny import TINY


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder)]
    done = subprocess.run(
        command, cwd=config.HERE.parent, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_configs_experiments_and_licences(wheel):
    files = set(zipfile.ZipFile(wheel).namelist())
    for kind in ("configs", "experiments", "results"):
        folder = config.folder(kind)
        for path in (each for each in folder.rglob("*.*") if each.is_file()):
            if "__pycache__" not in path.parts:
                name = path.relative_to(folder).as_posix()
                assert f"deconvgen/{kind}/{name}" in files
    assert {"deconvgen/py.typed", "deconvgen/audit/page.html"} < files
    for path in config.HERE.rglob("*"):
        if (
            path.is_file() and "__pycache__" not in path.parts
        ):  # pages and weights no less than modules
            assert str(path.relative_to(config.HERE.parent)) in files
    assert any(name.endswith("licenses/LICENSE") for name in files)
    assert any("FASHION_MNIST_LICENSE" in name for name in files)
    assert not any(name.startswith(("tests/", "benchmarks/")) for name in files)


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The folder that holds what pip made of the wheel."""
    target = tmp_path_factory.mktemp("site")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run([*install, "--target", str(target), str(wheel)], check=True)
    return target


DONE = """
import json, pathlib, deconvgen
from deconvgen.cli import main
print(deconvgen.__file__)
for kind in ("configs", "experiments", "upsamplers", "initializers", "measures"):
    main.run(["list", kind, "--json"])
main.run(["list", "keys", "--config=segmentation"])
shipped = "--workdir=pretrained:dcgan-fashion"
main.run(["sample", shipped, "--num=4", "--out=images.npz"])
main.run(["train", "--config=dcgan:smoke", "--workdir=run", "--quiet", *TINY])
for line in pathlib.Path("run/metrics.jsonl").read_text().splitlines():
    told = json.loads(line)
    print(*(told.get(name) for name in ("step", "d_loss", "g_loss")))
"""


@pytest.mark.slow  # and `.ci/run` trains, evaluates and draws with an installed one
def test_an_installed_wheel_does_from_any_folder_what_the_checkout_does(
    installed, tmp_path
):
    """Lists, shipped weights, a training: the same words and the same numbers."""
    said, images = {}, {}
    flags = [f"--config.{value}" for value in TINY]
    for place in (installed, config.HERE.parent):
        folder = tmp_path / f"from-{place.name}"
        folder.mkdir()
        done = subprocess.run(
            [sys.executable, "-c", f"TINY = {flags}\n{DONE}"],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(place)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        where, *said[place] = done.stdout.replace(str(place), "").splitlines()
        assert where == "/deconvgen/__init__.py"
        images[place] = np.load(folder / "images.npz")["images"]
    here, there = said.values()
    assert here == there
    assert any(re.fullmatch(r"6 -?[\d.e-]+ -?[\d.e-]+", line) for line in here)
    assert (images[installed] == images[config.HERE.parent]).all()


def test_checkpoints_are_not_written_by_a_library_with_another_format():
    told = tomllib.loads((config.HERE.parent / "pyproject.toml").read_text())
    required = told["project"]["dependencies"]
    (orbax,) = (name for name in required if name.startswith("orbax-checkpoint"))
    assert orbax.endswith(",<1")


def test_the_extras_that_are_tried_are_those_that_there_are():
    extras = config.module(config.HERE.parent / "tools" / "extras.py")
    assert {*extras.SKIPPED} < {*extras.EXTRAS}
    assert {"statsmodels", "jupytext"} < {*extras.required("notebooks")}
    for name in extras.EXTRAS:  # names alone, of packages and not of extras
        found = extras.required(name)
        assert found and not [n for n in found if re.search(r"[<>=!~\[\];, ]", n)]


def test_the_light_install_imports_neither_tensorflow_nor_pytorch():
    script = (
        "import sys, deconvgen.cli.main, deconvgen.runs.train, deconvgen.runs.sampling;"
        "print([m for m in ('tensorflow', 'torch') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]", done.stderr
