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
from deconvgen.audit.probe import audit
from deconvgen.audit.terminal import verdict
from deconvgen.nn.upsample import upsamplers
from deconvgen.report.atlas import pictures

TEMPLATE = Template(Path(__file__).with_name("page.html").read_text("utf-8"))
FEATURES = 8


def page(atlas: Mapping[str, Any], folder: Path) -> str:
    """The page of `cells`, with what the layers made from the folder of `pictures`."""
    layers = dict.fromkeys(
        cell["upsampler"] for task in atlas["tasks"].values() for cell in task["cells"]
    )
    cards = "".join(_card(layer, atlas, folder) for layer in layers)
    data = json.dumps(atlas).replace("</", "<\\/")
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
        return f"<section><h3>{html.escape(layer)}</h3><p>{html.escape(str(error))}</p>"
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "card.png"
        picture([found], path)
        shown = _image(path, f"what {layer} makes of a pixel, a constant, the spectrum")
    return (
        f"<section id='{layer}'><h3>{layer}</h3>"
        f"<p>{html.escape(upsamplers.summary(layer))} "
        f"{html.escape(' '.join(verdict(found)))}</p>"
        f"{shown}{''.join(_standings(layer, atlas, folder))}</section>"
    )


def _image(path: Path, says: str) -> str:
    image = base64.b64encode(path.read_bytes()).decode()
    return f"<img alt='{html.escape(says)}' src='data:image/png;base64,{image}'>"


def _standings(layer: str, atlas: Mapping[str, Any], folder: Path) -> Iterator[str]:
    """Its place in each task, by its best start, and a strip of what it made there."""
    for name, task in atlas["tasks"].items():
        for rank, cell in enumerate(task["cells"], 1):
            if cell["upsampler"] == layer:
                worse = ", told worse than the best" if cell["told"] else ""
                says = (
                    f"{name}: place {rank} of {len(task['cells'])} by "
                    f"{cell['initializer']}{worse}"
                )
                path = pictures.kept(folder, name, layer)
                strip = ""
                if path is not None:
                    start, seed = path.name.split(".")[-3:-1]
                    strip = _image(path, f"{name}, {layer}, {start}, seed {seed}")
                says = f"<figcaption>{html.escape(says)}</figcaption>"
                yield f"<figure>{says}{strip}</figure>"
                break
