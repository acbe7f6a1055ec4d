"""What a config can name and hold, and what is measured: `deconvgen list [KIND]`."""

import ast
import json
import re
import sys
from collections.abc import Callable, Mapping

from rich.table import Table

from deconvgen import config as configs
from deconvgen.core.errors import UserError, unknown
from deconvgen.core.registry import Registry, known
from deconvgen.core.terminal import Terminal

Row = dict[str, str]
"""The cells of a table's row, by column."""


def everything() -> None:
    """Import whatever registers names."""
    from deconvgen import tasks
    from deconvgen.runs import sampling  # noqa: F401
    from deconvgen.training import logger  # noqa: F401

    for name in tasks.names():
        tasks.entry(name)


def _registry(*kinds: str) -> list[Row]:
    everything()
    registries = (known[kind] for kind in kinds)
    return [_row(name, each) for each in registries for name in each]


def _row(name: str, among: Mapping) -> Row:
    told = among.summary(name) if isinstance(among, Registry) else among[name]
    return {"name": name, "about": told}


def _first(doc: str | None) -> str:
    return (doc or "").strip().partition("\n")[0]


def _files(kind: str) -> list[Row]:
    """A first line each: what a file says of itself, without running it."""
    docs = {
        name: ast.get_docstring(ast.parse(configs.find(name, kind).read_bytes()))
        for name in configs.names(kind)
    }
    return [{"name": name, "about": _first(doc)} for name, doc in docs.items()]


def _configs() -> list[Row]:
    told = lambda name: ", ".join(f":{each}" for each in configs.variants(name))
    return [row | {"variants": told(row["name"])} for row in _files("configs")]


def _tasks() -> list[Row]:
    from deconvgen import tasks

    docs = {name: tasks.entry(name).about for name in tasks.names()}
    return [{"name": name, "about": _first(doc)} for name, doc in docs.items()]


def _samples() -> list[Row]:
    from deconvgen.runs import sampling

    docs = {name: draw.__doc__ for name, draw in sampling.every().items()}
    return [{"name": name, "about": _first(doc)} for name, doc in docs.items()]


def _pretrained() -> list[Row]:
    from deconvgen.runs import pretrained

    rows = []
    for name in pretrained.names():
        config, found = pretrained.find(name)
        about, command = pretrained.told(config, found), found.meta["command"]
        rows.append({"name": name, "about": about, "command": command})
    return rows


def keys(config: configs.Config = None) -> list[Row]:
    """The table of config keys; of a config alone, with the values in force."""
    from deconvgen import tasks

    everything()  # so that the ranges say the names
    if config is not None:
        flat, table = configs.flat(config), configs.rows(config.task)
        order = [key for key in (*table, *(flat.keys() - table.keys())) if key in flat]
        return [_key(k, configs.row(config.task, k), flat[k]) for k in order]
    shared = configs.rows("")
    return [_key(key, row, row.default) for key, row in shared.items()] + [
        _key(key, row, row.default) | {"task": task}
        for task in tasks.names()
        for key, row in configs.rows(task).items()
        if shared.get(key) != row
    ]


def _key(key: str, row: configs.Key, value: object) -> Row:
    allowed = row.resume is not None
    return {
        "task": "",
        "key": key,
        "value": configs.text(value) if value not in ("", ()) else "-",
        "range": row.expected(),
        "about": row.about,
        "changes": row.changes,
        "resume": f"yes{': ' * bool(row.resume)}{row.resume}" if allowed else "no",
    }


def _measures() -> list[Row]:
    from deconvgen.metrics.measures import measures

    fields = ("key", "title", "better", "unit", "about", "source")
    return [{f: getattr(m, f) for f in fields} for m in measures().values()]


KINDS: dict[str, Callable[[], list[Row]]] = {
    "upsamplers": lambda: _registry("upsampler"),
    "initializers": lambda: _registry("initializer"),
    "tasks": _tasks,
    "datasets": lambda: _registry("dataset"),
    "configs": _configs,
    "experiments": lambda: _files("experiments"),
    "optimizers": lambda: _registry("optimizer"),
    "schedules": lambda: _registry("schedule"),
    "norms": lambda: _registry("norm"),
    "losses": lambda: _registry("GAN loss", "reconstruction loss", "segmentation loss"),
    "likelihoods": lambda: _registry("likelihood"),
    "corruptions": lambda: _registry("corruption"),
    "networks": lambda: _registry("segmentation model", "trunk"),
    "extractors": lambda: _registry("feature extractor"),
    "loggers": lambda: _registry("logger"),
    "samples": _samples,
    "pretrained": _pretrained,
    "keys": keys,
    "measures": _measures,
}
HEADED = ("keys", "measures")
"""The kinds whose tables are long: asked for by name alone, with a head."""


def show(
    words: list[str], config: configs.Config = None, as_json: bool = False
) -> None:
    """One table a kind; without a word, of all kinds but the long ones."""
    for word in words:
        if word not in KINDS:
            raise unknown("kind", word, KINDS)
    if config is not None and words != ["keys"]:
        raise UserError("a config is for its keys: deconvgen list keys --config=NAME")
    found = {
        kind: KINDS[kind]() if config is None else keys(config)
        for kind in words or [kind for kind in KINDS if kind not in HEADED]
    }
    if as_json:
        print(json.dumps(found[words[0]] if len(words) == 1 else found, indent=1))
        return
    live = sys.stdout.isatty()
    console = Terminal()
    for kind, rows in found.items():
        with console.capture() as printed:
            console.print(table(kind, [_folded(r) for r in rows] if live else rows))
        print(re.sub(r" +$", "", printed.get(), flags=re.MULTILINE), end="")


def _folded(row: Row) -> Row:
    """What is a column of its own in a pipe, below the rest for a person."""
    below = [row[column] for column in ("variants", "command") if row.get(column)]
    if not below:
        return row
    return {"name": row["name"], "about": "\n".join([row["about"], *below])}


def table(kind: str, rows: list[Row]) -> Table:
    """The rows of a kind; columns that are empty throughout are left out."""
    headed = kind in HEADED
    made = Table(title=kind, title_justify="left", show_header=headed, box=None)
    columns = [c for c in rows[0] if any(row[c] for row in rows)] if rows else []
    for column in columns:
        made.add_column(f"  {column}" if column == columns[0] else column)
    for row in rows:
        first, *rest = (row[column] for column in columns)
        made.add_row(f"  {first}", *rest)
    return made
