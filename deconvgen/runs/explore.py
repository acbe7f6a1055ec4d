"""A local page: sliders on the latent, checkpoints side by side from the same latent.

Each column is a checkpoint: its image, the image's spectrum, the mean spectrum of the
checkpoint's own samples, and the feature maps of its layers.
"""

import os
import socket
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import matplotlib
import numpy as np

from deconvgen.core import images
from deconvgen.core.errors import UserError
from deconvgen.core.numbers import whole
from deconvgen.metrics.spectra import decibels
from deconvgen.ops.spectrum import power_spectrum
from deconvgen.runs.run import Run, load
from deconvgen.runs.sampling.base import slerp
from deconvgen.runs.sampling.views import sheet

SLIDERS = 8
"""Numbers of the latent that have a slider."""
SAMPLES = 64
"""Samples of the mean spectrum."""
SIDE = 280
MISSING = (
    "explore needs gradio, which is not installed: pip install 'deconvgen[explore]'"
)


class View(NamedTuple):
    """What a checkpoint shows of a latent: uint8 pictures [h, w, 1 or 3]."""

    image: np.ndarray
    spectrum: np.ndarray
    features: np.ndarray


def latent(
    run: Run, seed: int, other: int, share: float, scale: float, given: Sequence[float]
) -> np.ndarray:
    """[1, latent]: on the great circle between two seeds, scaled, and then moved.

    `given` is added to the first numbers. Latents of different lengths begin with the
    same numbers.
    """
    a, b = run.latents(1, seed), run.latents(1, other)
    z = scale * slerp(a, b, np.full((1, 1), share))
    count = min(len(given), z.shape[1])
    z[0, :count] += np.asarray(given[:count])
    return z.astype(np.float32)


def spectrum_picture(made: np.ndarray) -> np.ndarray:
    """The mean spectrum of images [n, h, w, c], frequency 0 in the middle, 60 dB."""
    power = np.fft.fftshift(np.asarray(power_spectrum(jnp.asarray(made))).mean(0))
    level = decibels(power)
    scaled = np.clip((level - level.max()) / 60 + 1, 0, 1)
    return (matplotlib.colormaps["magma"](scaled)[..., :3] * 255).astype(np.uint8)


def view(run: Run, z: np.ndarray, label: int = 0) -> View:
    """Image, spectrum and feature maps of one latent [1, latent]."""
    maps = run.feature_maps(z, [label] if run.config.data.num_classes else None)
    made = maps["image"]
    return View(images.to_uint8(made[0]), spectrum_picture(made), sheet(maps, 8))


def check(runs: Sequence[Run]) -> None:
    """Refuse what has no latent to move."""
    for run in runs:
        if run.task.decode is None:
            raise UserError(
                f"{run.folder}: the task {run.config.task} has no latent to move"
            )


def enlarged(pixels: np.ndarray, side: int = SIDE) -> Any:
    """A picture for the page, in whole factors."""
    return images.picture(pixels, side)


def page(runs: Sequence[Run]) -> Any:
    """The page of these runs, as gradio's Blocks."""
    try:
        import gradio as gr
    except ImportError:
        raise UserError(MISSING) from None
    check(runs)
    classes = max((run.config.data.num_classes for run in runs), default=0)
    conditional = any(run.config.model.get("conditional", False) for run in runs)

    def moved(seed, other, share, scale, label, *given):
        shown = []
        for run in runs:
            numbers = [float(x) for x in (share, scale, *given)]  # JSON has no 1.0
            z = latent(run, int(seed), int(other), numbers[0], numbers[1], numbers[2:])
            found = view(run, z, int(label))
            shown += [enlarged(found.image), enlarged(found.spectrum)]
            shown += [images.picture(found.features)]
        return shown

    with gr.Blocks(title="deconvgen explore", analytics_enabled=False) as blocks:
        gr.Markdown("# deconvgen explore\nMove the latent; all checkpoints follow.")
        with gr.Row():
            inputs = [
                gr.Slider(0, 999, 0, step=1, label="seed"),
                gr.Slider(0, 999, 1, step=1, label="other seed"),
                gr.Slider(0, 1, 0, step=0.01, label="way to the other seed"),
                gr.Slider(0, 2, 1, step=0.01, label="length"),
                gr.Slider(
                    0,
                    max(classes - 1, 1),
                    0,
                    step=1,
                    label="class",
                    visible=conditional,
                ),
            ]
        with gr.Accordion("numbers of the latent", open=True), gr.Row():
            inputs += [
                gr.Slider(-4, 4, 0, step=0.05, label=f"z{i}", min_width=120)
                for i in range(SLIDERS)
            ]
        outputs = []
        with gr.Row():
            for run in runs:
                with gr.Column():
                    outputs += _column(gr, run)
        for each in inputs:
            each.change(
                moved,
                inputs,
                outputs,
                show_progress="hidden",
                trigger_mode="always_last",
            )
        blocks.load(moved, inputs, outputs, api_name="draw")
    return blocks


def _column(gr: Any, run: Run) -> list[Any]:
    """A checkpoint's place on the page; returns what changes with the latent."""
    upsampler = run.config.model.upsampler
    gr.Markdown(f"### {run.folder}\n{run.config.task}, {upsampler}, step {run.step}")
    # Without the button that would publish the picture elsewhere.
    picture = lambda value=None, **look: gr.Image(
        value, buttons=["download", "fullscreen"], interactive=False, **look
    )
    with gr.Row():
        image = picture(label="image", height=SIDE)
        spectrum = picture(label="its spectrum", height=SIDE)
        mean = enlarged(spectrum_picture(run.sample(SAMPLES)))
        picture(mean, label=f"mean of {SAMPLES}", height=SIDE)
    gr.Markdown("Spectra over 60 dB. Feature maps, layer by layer:")
    return [image, spectrum, picture(show_label=False)]


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
    blocks = page([load(workdir, checkpoint) for workdir in workdirs])
    blocks.launch(
        server_name=host,
        server_port=port or None,
        share=False,
        inbrowser=False,
        quiet=not block,
        prevent_thread_lock=not block,
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
