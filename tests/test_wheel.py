"""The wheel holds all that a user needs, wherever they stand."""

import os
import subprocess
import sys
import tomllib
import zipfile

import pytest

from deconvgen import config


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
    for kind in ("configs", "experiments"):
        for path in config.folder(kind).glob("*.py"):
            assert f"deconvgen/{kind}/{path.name}" in files
    assert {"deconvgen/py.typed", "deconvgen/audit/page.html"} < files
    for path in config.HERE.rglob("*"):
        if (
            path.is_file() and "__pycache__" not in path.parts
        ):  # pages and weights no less than modules
            assert str(path.relative_to(config.HERE.parent)) in files
    assert any(name.endswith("licenses/LICENSE") for name in files)
    assert any("FASHION_MNIST_LICENSE" in name for name in files)
    assert not any(name.startswith(("tests/", "benchmarks/")) for name in files)


def test_the_installed_command_works_from_any_folder(wheel, tmp_path):
    target = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run([*install, "--target", str(target), str(wheel)], check=True)
    environment = os.environ | {"PYTHONPATH": str(target)}
    script = (
        "import deconvgen, deconvgen.cli.main as c;print(deconvgen.__file__); c.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "list", "configs"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert str(target) in done.stdout
    assert "dcgan" in done.stdout


def test_checkpoints_are_not_written_by_a_library_with_another_format():
    told = tomllib.loads((config.HERE.parent / "pyproject.toml").read_text())
    required = told["project"]["dependencies"]
    (orbax,) = (name for name in required if name.startswith("orbax-checkpoint"))
    assert orbax.endswith(",<1")


def test_the_light_install_imports_neither_tensorflow_nor_pytorch():
    script = (
        "import sys, deconvgen.cli.main, deconvgen.runs.train, deconvgen.runs.sampling;"
        "print([m for m in ('tensorflow', 'torch') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]", done.stderr
