"""What a config can name: `deconvgen list [KIND]`."""

import ast
from collections.abc import Callable

from rich.table import Table

from deconvgen import config, tasks
from deconvgen.core.errors import unknown
from deconvgen.core.terminal import Terminal


def _registry(module: str, name: str) -> dict[str, str]:
    import importlib

    registry = getattr(importlib.import_module(module), name)
    return {key: registry.summary(key) for key in registry}


def _first_line(path) -> str:
    doc = ast.get_docstring(ast.parse(path.read_text())) or ""
    return doc.splitlines()[0] if doc else ""


def _files(kind: str) -> dict[str, str]:
    names = config.names(kind)
    return {name: _first_line(config.find(name, kind)) for name in names}


def _variants(name: str) -> str:
    known = config.variants(name)
    return f"\n:{', :'.join(known)}" if known else ""


def _tasks() -> dict[str, str]:
    docs = {name: tasks.module(name).__doc__ or "" for name in tasks.names()}
    return {name: doc.strip().splitlines()[0] for name, doc in docs.items()}


KINDS: dict[str, Callable[[], dict[str, str]]] = {
    "upsamplers": lambda: _registry("deconvgen.nn.upsample", "upsamplers"),
    "initializers": lambda: _registry("deconvgen.nn.initializers", "initializers"),
    "tasks": _tasks,
    "datasets": lambda: _registry("deconvgen.data", "datasets"),
    "configs": lambda: {k: f"{v}{_variants(k)}" for k, v in _files("configs").items()},
    "experiments": lambda: _files("experiments"),
    "optimizers": lambda: _registry("deconvgen.training.optim", "optimizers"),
    "schedules": lambda: _registry("deconvgen.training.optim", "schedules"),
    "norms": lambda: _registry("deconvgen.nn.norm", "norms"),
    "losses": lambda: _losses(),
    "samples": lambda: _registry("deconvgen.runs.sampling", "kinds"),
    "pretrained": lambda: _pretrained(),
}


def _pretrained() -> dict[str, str]:
    from deconvgen.runs import pretrained

    return {
        name: pretrained.find(name)[1].meta["command"] for name in pretrained.names()
    }


def _losses() -> dict[str, str]:
    registries = (
        ("deconvgen.losses.gan", "gan_losses"),
        ("deconvgen.losses.reconstruction", "reconstruction_losses"),
        ("deconvgen.losses.segmentation", "segmentation_losses"),
    )
    return {k: v for names in registries for k, v in _registry(*names).items()}


def print_kinds(words: list[str]) -> None:
    """One table a kind; all kinds where none is named."""
    for word in words:
        if word not in KINDS:
            raise unknown("kind", word, KINDS)
    console = Terminal()
    for kind in words or KINDS:
        table = Table(title=kind, title_justify="left", show_header=False, box=None)
        for name, summary in KINDS[kind]().items():
            table.add_row(f"  {name}", summary)
        console.print(table)
