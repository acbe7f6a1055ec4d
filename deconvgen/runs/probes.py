"""What a trained run is asked besides the sums of its split, one function each.

A probe takes the run, the state that is evaluated and the sums that were added up, and
gives figures by name; nothing where it makes no sense for the task. Registering one is
all that `deconvgen evaluate` needs to report it.
"""

from collections.abc import Callable
from typing import Any

import jax

from deconvgen import tasks
from deconvgen.audit.dc_gaps import dc_gaps
from deconvgen.core.registry import Registry
from deconvgen.core.types import State
from deconvgen.runs import trusted
from deconvgen.runs.handle import Handle
from deconvgen.training.parallel import example_keys

Figures = dict[str, float]
Probe = Callable[[Handle, State, dict[str, Any]], Figures]
probes: Registry[Probe] = Registry("probe")


@probes.register
def dc_gap(run: Handle, state: State, sums: dict[str, Any]) -> Figures:
    """dc_gap_LAYER: the polyphase DC gap of each upsampling layer's trained weights.

    0 if and only if the layer makes no checkerboard of a constant (Sugawara, Shiota and
    Kiya 2018), at most 1; see `deconvgen.metrics.artifacts.polyphase_dc_gap`.
    """
    batch, keys = run.examples(1), example_keys(jax.random.key(0), 0, 0, 1)
    gaps = jax.jit(dc_gaps(run.alone.sample))(state, batch, keys)
    return {f"dc_gap_{name}": float(gap) for name, gap in gaps.items()}


@probes.register
def frechet_spread(run: Handle, state: State, sums: dict[str, Any]) -> Figures:
    """frechet_EXTRACTOR_sd: see `deconvgen.runs.trusted.deviation`."""
    return trusted.deviation(sums)


@probes.register
def memorization(run: Handle, state: State, sums: dict[str, Any]) -> Figures:
    """memorization_ratio_EXTRACTOR: how near new images come to the training images.

    Median distance of the generated images to the nearest of the (first 20,000)
    training images, over that of the real images, by the features: about 1 or more for
    new images, 0 for copies (`metrics.neighbours.memorization_ratio`). Of tasks that
    draw new images alone: a reconstruction is near what it was shown.

    And frechet_EXTRACTOR_floor: see `deconvgen.runs.trusted.floor`.
    """
    if run.task.decode is None:
        return {}
    training = trusted.training_rows(run.config, run.spread, run.placed, run.train_set)
    return trusted.floor(sums, training) | trusted.copied(sums, training)


@probes.register
def own(run: Handle, state: State, sums: dict[str, Any]) -> Figures:
    """What the task alone is asked, of the run as it was loaded: `tasks.Entry.figures`.

    Of super-resolution PSNR and SSIM of whole photographs, always on running batch
    statistics, since a tile is no batch of the data.
    """
    return tasks.entry(run.config.task).figures(run)
