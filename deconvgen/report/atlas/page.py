"""The atlas as one HTML page that needs no other file: tables, scatter, cards."""

import base64
import html
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template
from typing import Any

from deconvgen.audit.html import picture
from deconvgen.audit.probe import Audit, audit
from deconvgen.audit.terminal import verdict
from deconvgen.nn.upsample import upsamplers
from deconvgen.report.atlas import pictures
from deconvgen.report.atlas.cells import extent, measured

TEMPLATE = Template(Path(__file__).with_name("page.html").read_text("utf-8"))
FEATURES = 8


def page(atlas: Mapping[str, Any], folder: Path) -> str:
    """The page of `cells`, with what the layers made from the folder of `pictures`."""
    layers = dict.fromkeys(
        cell["upsampler"] for task in atlas["tasks"].values() for cell in task["cells"]
    )
    cards = "".join(_card(layer, atlas, folder) for layer in layers)
    says = lambda task: {"extent": extent(task), "measured": measured(task)}
    tasks = {name: {**task, **says(task)} for name, task in atlas["tasks"].items()}
    data = json.dumps({**atlas, "tasks": tasks}).replace("</", "<\\/")
    return TEMPLATE.substitute(data=data, cards=cards, count=_count(atlas))


def _count(atlas: Mapping[str, Any]) -> str:
    tasks = atlas["tasks"].values()
    runs = sum(cell["seeds"] for task in tasks for cell in task["cells"])
    return f"{runs:,} runs, {len(atlas['tasks'])} tasks"


def _card(layer: str, atlas: Mapping[str, Any], folder: Path) -> str:
    """What a layer does before any training, where it stands and what it made."""
    try:
        found = audit(layer, features=FEATURES)
    except Exception as error:  # a layer of one's own that is not imported here
        about, shown = str(error), ""
    else:
        about = " ".join([upsamplers.summary(layer), *verdict(found)])
        shown = _picture(found)
    places = "".join(_standings(layer, atlas, folder))
    name, about = html.escape(layer, quote=True), html.escape(about)
    return (
        f"<section id='{name}'><h3>{name}</h3><p>{about}</p>{shown}{places}</section>"
    )


def _picture(found: Audit) -> str:
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "card.png"
        picture([found], path)
        says = f"what {found.upsampler} makes of a pixel, a constant, the spectrum"
        return _image(path, says)


def _image(path: Path, says: str) -> str:
    image = base64.b64encode(path.read_bytes()).decode()
    return f"<img alt='{html.escape(says)}' src='data:image/png;base64,{image}'>"


def _standings(layer: str, atlas: Mapping[str, Any], folder: Path) -> Iterator[str]:
    """Its place in each task, by its best start, and a strip of what it made there."""
    for name, task in atlas["tasks"].items():
        own = [cell for cell in task["cells"] if cell["upsampler"] == layer]
        if not own:
            continue
        cell, judged = own[0], sum(c["judged"] for c in task["cells"])
        place = f"place {cell['place']} of {judged}" if cell["judged"] else "not judged"
        worse = ", told worse than the best" * cell["told"]
        says = f"{name}: {place}, by {cell['initializer']}{worse}"
        strip, path = "", pictures.kept(folder, name, cell)
        if path is not None:
            strip = _image(path, f"{says}, seed {path.name.split('.')[-2]}")
        caption = f"<figcaption>{html.escape(says)}</figcaption>"
        yield f"<figure>{caption}{strip}</figure>"
