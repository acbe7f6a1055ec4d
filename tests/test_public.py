"""The public interface: every name that a package offers is there, and says what it is.

A function that is not asked for is not imported: layers alone load no training.
"""

import importlib
import inspect
import re
import subprocess
import sys

import pytest

import deconvgen
from deconvgen import config

PACKAGES = ["audit", "config", "data", "losses", "metrics", "models", "nn", "ops"]
PACKAGES += ["report", "runs", "sweep", "tasks", "training"]


@pytest.mark.parametrize("package", ["deconvgen", *PACKAGES])
def test_what_is_offered_is_there_and_says_what_it_is(package):
    package = package if package == "deconvgen" else f"deconvgen.{package}"
    module = importlib.import_module(package)
    assert len(set(module.__all__)) == len(module.__all__)
    assert {*module.__all__} <= {*dir(module)}
    for name in module.__all__:
        thing = getattr(module, name)
        described = callable(thing) or inspect.ismodule(thing)
        if described and name not in ("Setting",):
            assert inspect.getdoc(thing), f"{package}.{name}"


@pytest.mark.parametrize("package", ["deconvgen", *PACKAGES])
def test_lazy_names_are_those_that_are_offered(package):
    package = package if package == "deconvgen" else f"deconvgen.{package}"
    module = importlib.import_module(package)
    assert {*getattr(module, "PLACES", ())} <= {*module.__all__}
    with pytest.raises(AttributeError, match="no_such_name"):
        module.no_such_name  # noqa: B018


def test_the_version_is_the_next_and_what_is_cited_is_released():
    """The package has its version from `__version__`."""
    root = config.HERE.parent
    heads = re.findall("^## (.*)", (root / "CHANGELOG.md").read_text(), re.MULTILINE)
    coming, *released = heads
    assert coming == f"Unreleased: {deconvgen.__version__.removesuffix('.dev0')}"
    assert deconvgen.__version__.endswith(".dev0")
    assert f"\nversion: {released[0]}\n" in (root / "CITATION.cff").read_text()


def loaded(program):
    """The modules that a program leaves loaded, of a fresh interpreter."""
    program += "; import sys; print(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(ran.stdout.split())


def test_the_package_alone_loads_no_jax():
    assert not {"jax", "numpy", "flax", "deconvgen.nn"} & loaded("import deconvgen")


def test_layers_alone_load_no_training():
    names = loaded("import deconvgen.nn")
    assert "deconvgen.ops" in names
    assert not {"optax", "orbax", "orbax.checkpoint", "grain", "matplotlib"} & names
    assert (
        not {f"deconvgen.{n}" for n in ("training", "data", "runs", "losses")} & names
    )


def test_an_experiment_file_loads_no_jax():
    assert "jax" not in loaded("from deconvgen.sweep import choose, product, seeds")


def test_names_that_readers_are_taught():
    from deconvgen.nn.conv import ConvTranspose
    from deconvgen.nn.upsample import make_upsampler
    from deconvgen.ops import resize

    assert deconvgen.nn.ConvTranspose is ConvTranspose
    assert deconvgen.nn.make_upsampler is make_upsampler
    assert deconvgen.ops.nearest is resize.nearest
    assert deconvgen.nn.initializers.initializers["icnr"]
    assert deconvgen.metrics.psnr and deconvgen.ops.conv_transpose
