"""The atlas as one HTML page that needs no other file: tables, scatter, cards."""

import base64
import html
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any

from deconvgen.audit.html import picture
from deconvgen.audit.probe import audit
from deconvgen.audit.terminal import verdict
from deconvgen.nn.upsample import upsamplers

TEMPLATE = Template(Path(__file__).with_name("page.html").read_text("utf-8"))
FEATURES = 8


def page(atlas: Mapping[str, Any]) -> str:
    """The page of `cells`."""
    layers = dict.fromkeys(
        cell["upsampler"] for task in atlas["tasks"].values() for cell in task["cells"]
    )
    cards = "".join(_card(layer, atlas) for layer in layers)
    data = json.dumps(atlas).replace("</", "<\\/")
    return TEMPLATE.substitute(data=data, cards=cards, count=_count(atlas))


def _count(atlas: Mapping[str, Any]) -> str:
    tasks = atlas["tasks"].values()
    runs = sum(cell["seeds"] for task in tasks for cell in task["cells"])
    return f"{runs:,} runs, {len(atlas['tasks'])} tasks"


def _card(layer: str, atlas: Mapping[str, Any]) -> str:
    """What a layer does before any training, and where it stands."""
    try:
        found = audit(layer, features=FEATURES)
    except Exception as error:  # a layer of one's own that is not imported here
        return f"<section><h3>{html.escape(layer)}</h3><p>{html.escape(str(error))}</p>"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "card.png"
        picture([found], path)
        image = base64.b64encode(path.read_bytes()).decode()
    places = "; ".join(_standings(layer, atlas))
    return (
        f"<section id='{layer}'><h3>{layer}</h3>"
        f"<p>{html.escape(upsamplers.summary(layer))} "
        f"{html.escape(' '.join(verdict(found)))}</p>"
        f"<img alt='what {layer} makes of a pixel, a constant and the spectrum' "
        f"src='data:image/png;base64,{image}'><p>{html.escape(places)}</p></section>"
    )


def _standings(layer: str, atlas: Mapping[str, Any]) -> Sequence[str]:
    """Its place in each task, by its best start."""
    found = []
    for name, task in atlas["tasks"].items():
        for rank, cell in enumerate(task["cells"], 1):
            if cell["upsampler"] == layer:
                worse = ", told worse than the best" if cell["told"] else ""
                found.append(
                    f"{name}: place {rank} of {len(task['cells'])} by "
                    f"{cell['initializer']}{worse}"
                )
                break
    return found
