"""A local page: a latent to move, runs side by side, and as they train.

Each column is a run: its image, the image's spectrum, the mean spectrum of the
checkpoint's own samples, what its principal directions do, the feature maps of its
layers, and its curves and newest samples, which follow while it trains.
"""

import os
import socket
from collections.abc import Sequence
from itertools import chain
from typing import Any

from deconvgen.core import images
from deconvgen.core.errors import UserError
from deconvgen.core.numbers import whole
from deconvgen.core.terminal import say
from deconvgen.runs.column import (
    SAMPLES,
    SLIDERS,
    WAYS,
    Column,
    Place,
)
from deconvgen.runs.directions import STEPS

MISSING = (
    "explore needs gradio, which is not installed: pip install 'deconvgen[explore]'"
)
SIDE = 280
EVERY = 3.0
"""Seconds between two looks at the run folders."""
READY = "Move the latent: every column follows."
CSS = """
.gradio-container {max-width: none !important}
"""


def page(columns: Sequence[Column]) -> Any:
    """The page of these runs, as gradio's Blocks."""
    try:
        import gradio as gr
    except ImportError:
        raise UserError(MISSING) from None
    with gr.Blocks(title="deconvgen explore", analytics_enabled=False) as blocks:
        gr.Markdown("# deconvgen explore")
        status = gr.Markdown("Starting ...")
        starts = gr.State([None] * len(columns))
        seen, steps = gr.State([]), gr.State([])
        movable = any(column.has_latent for column in columns)
        with gr.Group(visible=movable):
            inputs = _knobs(gr, columns)
        own = _own(gr) if movable else None
        shown, told = [], []
        with gr.Row():
            for column in columns:
                with gr.Column(min_width=340):
                    shown.append(_pictures(gr, column))
                    told.append(_training(gr, column))

        def moved(starts, *given):
            place = _place(given)
            for column, start, cells in zip(columns, starts, shown, strict=True):
                yield {status: f"Computing {column.workdir} ..."}
                head, *pictures = column.pictures(place, start)
                sized = [p if p is None else enlarged(p) for p in pictures]
                yield dict(zip(cells, [head, *sized], strict=True))
            yield {status: READY if movable else ""}

        def looked(seen):
            now = [column.stamp() for column in columns]
            if now == seen:
                return {seen_box: gr.skip()}
            found: dict[Any, Any] = {seen_box: now, steps: [pair[1:] for pair in now]}
            for column, cells in zip(columns, told, strict=True):
                if cells and (new := column.look()):
                    found |= dict(zip(cells, new, strict=True))
            return found

        def projected(picture, *given):
            latents: list[Any] = [None] * len(columns)
            if picture is not None:
                for i, column in enumerate(columns):
                    yield {status: f"Looking for it in {column.workdir} ..."}
                    latents[i] = column.project(picture, _place(given).label)
            yield {starts: latents}

        seen_box, timer = seen, gr.Timer(EVERY)
        quiet: dict[str, Any] = dict(show_progress="hidden")
        move = (moved, [starts, *inputs], [status, *chain(*shown)])
        for each in inputs:
            each.change(*move, **quiet, trigger_mode="always_last")
        blocks.load(*move, **quiet, api_name="draw")
        for state in (starts, steps):  # a picture of one's own; another checkpoint
            state.change(*move, **quiet)
        if own:
            own.change(projected, [own, *inputs], [status, starts], **quiet)
        if cells := [*chain(*told)]:
            look = (looked, [seen], [seen, steps, *cells])
            timer.tick(*look, **quiet)
            blocks.load(*look, **quiet)
    return blocks


def _knobs(gr: Any, columns: Sequence[Column]) -> list[Any]:
    """The sliders, in the order of `_place`."""
    names: list[str] = []
    for column in columns:
        data = column.config.data
        own = [*data.class_names] or [str(i) for i in range(data.num_classes)]
        names = own if len(own) > len(names) else names
    told = any(column.config.model.get("conditional", False) for column in columns)
    free = not all(column.config.model.get("conditional", False) for column in columns)
    slider = lambda low, high, at, step, label, **look: gr.Slider(
        low, high, at, step=step, label=label, min_width=150, **look
    )
    with gr.Row():
        inputs = [
            slider(0, 999, 0, 1, "seed"),
            slider(0, 999, 1, 1, "other seed"),
            slider(0, 1, 0, 0.01, "way to the other seed"),
            slider(0, 2, 1, 0.01, "length"),
            gr.Dropdown(
                [(name, i) for i, name in enumerate(names)] or [("-", 0)],
                value=0,
                label="class",
                visible=bool(names) and (told or free),
                min_width=150,
            ),
            slider(-4, 4, 0, 0.05, "toward the class", visible=bool(names) and free),
        ]
    with gr.Row():
        inputs += [slider(-4, 4, 0, 0.05, f"direction {i}") for i in range(1, WAYS + 1)]
    with gr.Accordion("single numbers of the latent", open=False), gr.Row():
        inputs += [slider(-4, 4, 0, 0.05, f"z{i}") for i in range(SLIDERS)]
    return inputs


def _place(given: Sequence[Any]) -> Place:
    seed, other, share, scale, label, toward, *rest = given
    rest = [float(x) for x in rest]  # JSON has no 1.0
    first = (int(seed), int(other), float(share), float(scale), int(label or 0))
    return Place(*first, float(toward), rest[:WAYS], rest[WAYS:])


def _own(gr: Any) -> Any:
    with gr.Accordion("a picture of your own, as the start", open=False):
        return gr.Image(label="looked for in each latent space", height=SIDE)


def _pictures(gr: Any, column: Column) -> list[Any]:
    """What moves with the latent: what is said, and the pictures of `Column`."""
    # Without the button that would publish the picture elsewhere.
    picture = lambda label, **look: gr.Image(
        label=label,
        buttons=["download", "fullscreen"],
        interactive=False,
        visible=column.has_latent,
        **look,
    )
    small: dict[str, Any] = dict(height=SIDE, min_width=90)
    head = gr.Markdown(f"### {column.workdir}\n...")
    with gr.Row():
        image = picture("image", **small)
        spectrum = picture("its spectrum", **small)
        mean = picture(f"mean of {SAMPLES}", **small)
    low, high = f"{STEPS[0]:g}", f"{STEPS[-1]:g}"
    text = f"Spectra over 60 dB. Below, a direction a row, from {low} to {high}:"
    gr.Markdown(text, visible=column.has_latent)
    ways = picture("directions", show_label=False)
    with gr.Accordion("feature maps, layer by layer", open=False):
        maps = picture("channels that vary most", show_label=False)
    return [head, image, spectrum, mean, ways, maps]


def _training(gr: Any, column: Column) -> list[Any]:
    """What follows the run folder: see `live.Seen`."""
    if column.folder is None:
        return []
    gr.Markdown("#### Training")
    said, curves = gr.Markdown("..."), gr.HTML("")
    grid = gr.Image(
        label="newest samples",
        buttons=["download", "fullscreen"],
        interactive=False,
        height=2 * SIDE,
    )
    return [said, curves, grid]


def enlarged(pixels: Any, side: int = SIDE) -> Any:
    """A picture for the page, in whole factors."""
    return images.picture(pixels, side)


def serve(
    workdirs: Sequence[str],
    checkpoint: str = "best",
    host: str = "127.0.0.1",
    port: int = 7860,
    block: bool = True,
) -> Any:
    """Show the page of these runs until it is interrupted; `block=False` returns it."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    whole("--port", port, 0, 65535)
    free(host, port)
    columns = []
    for workdir in map(str, workdirs):
        say(f"loading {workdir}") if block else None
        columns.append(Column(workdir, checkpoint))
    blocks = page(columns)
    blocks.launch(
        server_name=host,
        server_port=port or None,
        share=False,
        inbrowser=False,
        quiet=not block,
        prevent_thread_lock=not block,
        css=CSS,
    )
    return blocks


def free(host: str, port: int) -> None:
    """Refuse an address that cannot be listened on, before the runs are loaded."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind) as asked:
            asked.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            asked.bind(address)
    except OSError as error:
        raise UserError(
            f"--host={host} --port={port} cannot be listened on "
            f"({error.strerror or error}): give another --port, or 0 for any that is "
            "free"
        ) from None
