"""Who may import whom, and the house rules that a reader cannot be asked to check."""

import ast
import re

import pytest

from deconvgen import config

ROOT = config.HERE
FILES = sorted(path for path in ROOT.rglob("*.py") if "embedded" not in path.parts)

# A module imports only from lines above its own, or from its own folder.
LAYERS = """
errors registry types sweep runtime palette tiles statistics
ops
metrics edges latent_losses likelihoods losses reconstruction_losses
segmentation_losses image_metrics segmentation_metrics spectra artifacts corruptions
mixture fidelity pace images optim devices log nn
models data
features classifier_training measures
steps audit activations dc_gaps decoder_shift batch_statistics
tasks
config
checkpoint evaluate cost
grafting
runs rehearsal experiment pretrained
run train train_seeds progress whole evaluation probes
export worker
sampling sampling_latent sampling_pictures sampling_store sampling_views
launch tables artifact_plots explore
naming results estimate slurm local_jobs
parts studies
report_legend report_pictures report_plots report_text report_words
report report_page report_tables
listing sweeping
commands checkpoint_commands sweep_commands
cli
"""


def part(module: str) -> str:
    """`ops` for `deconvgen.ops.fir`, `train` for `deconvgen.runs.train`."""
    return module.split(".")[1] if "." in module else ""


def imported(path) -> set[str]:
    """The parts of the package that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            plain = node.module == "deconvgen"
            names = [alias.name for alias in node.names] if plain else []
            found |= {f"deconvgen.{n}" for n in names} or {node.module}
    return {part(name) for name in found if name.startswith("deconvgen.")}


def layer(name: str) -> int:
    for number, line in enumerate(LAYERS.strip().splitlines()):
        if name in line.split():
            return number
    raise AssertionError(f"deconvgen/{name} has no line in LAYERS")


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_down(path):
    own = path.relative_to(ROOT).with_suffix("").parts[0]
    if own == "__init__":
        return
    for name in imported(path) - {own}:
        assert layer(name) <= layer(own), f"{own} imports {name} from above"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_are_short_and_say_what_they_are(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 300
    if text.strip():
        assert ast.get_docstring(ast.parse(text)), "a module says what it is for"
    assert not re.search(r"(utils|helpers|common|manager)\.py$", path.name)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_public_things_have_docstrings(path):
    for node in ast.parse(path.read_text()).body:
        named = isinstance(node, ast.FunctionDef | ast.ClassDef)
        if named and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{node.name} in {path.name}"


def test_configs_and_experiments_import_little():
    allowed = {"configs": {"config"}, "experiments": {"sweep"}}
    for kind, names in allowed.items():
        for path in config.folder(kind).glob("*.py"):
            assert imported(path) <= names, path.name
