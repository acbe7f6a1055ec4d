"""What a trained run is asked besides the sums of its test split, one function each.

A probe takes the run, the state that is evaluated and the sums that were added up, and
gives figures by name; nothing where it makes no sense for the task. Registering one is
all that `deconvgen evaluate` needs to report it.
"""

import math
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from deconvgen import tasks
from deconvgen.audit.dc_gaps import dc_gaps
from deconvgen.core.registry import Registry
from deconvgen.core.types import State
from deconvgen.metrics import sums as metrics
from deconvgen.metrics import trust
from deconvgen.metrics.neighbours import memorization_ratio
from deconvgen.metrics.sets import LEAST
from deconvgen.metrics.sums import Collection
from deconvgen.runs.handle import Handle
from deconvgen.training import evaluate
from deconvgen.training.parallel import example_keys

Figures = dict[str, float]
Probe = Callable[[Handle, State, dict[str, Any]], Figures]
probes: Registry[Probe] = Registry("probe")

TRAINING = 20_000
"""Training images that samples are compared with, at most: the first ones."""


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
    """frechet_EXTRACTOR_sd: what other generated images would change the distance by.

    One standard deviation, from halves of the generated images (`metrics.trust`).
    """
    if "fidelity" not in sums:
        return {}
    real, fake = _features(sums)
    name = _frechet(sums["fidelity"].extractor)
    few = len(real) < LEAST
    return {f"{name}_sd": math.nan if few else trust.frechet_deviation(real, fake)}


@probes.register
def memorization(run: Handle, state: State, sums: dict[str, Any]) -> Figures:
    """memorization_ratio_EXTRACTOR: how near new images come to the training images.

    Median distance of the generated images to the nearest of the (first 20,000)
    training images, over that of the test images, by the features: about 1 or more for
    new images, 0 for copies (`metrics.neighbours.memorization_ratio`). Of tasks that
    draw new images alone: a reconstruction is near what it was shown.

    And frechet_EXTRACTOR_floor: the Frechet distance of the test images to as many of
    these training images, which is what a perfect generator would have.
    """
    if run.task.decode is None:
        return {}
    extractor = tasks.extractor_of(run.config)

    def features(state, batch, keys):
        rows = Collection.of(extractor.features(batch["image"]), batch["mask"])
        return metrics.across({"training": rows}, run.spread.axis)

    training = evaluate.total(
        run.spread.run(features, jax.random.key(0)),
        run.spread,
        run.placed,
        run.train_set,
        run.config.eval.batch_size,
        TRAINING,
    )["training"].rows()
    real, fake = _features(sums)
    name, few = extractor.name, len(real) < LEAST
    return {
        f"{_frechet(name)}_floor": (
            math.nan if few else trust.frechet_floor(real, training)
        ),
        f"memorization_ratio_{name}": memorization_ratio(fake, training, real),
        f"images_training_{name}": float(len(training)),
    }


def _features(sums: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Of the real and of the generated images, a row each."""
    return sums["fidelity"].real.rows(), sums["fidelity"].fake.rows()


def _frechet(extractor: str) -> str:
    return "fid" if extractor == "inception" else f"frechet_{extractor}"


@probes.register
def own(run: Handle, state: State, sums: dict[str, Any]) -> Figures:
    """What the task alone is asked, of the run as it was loaded: `tasks.Entry.figures`.

    Of super-resolution PSNR and SSIM of whole photographs, always on running batch
    statistics, since a tile is no batch of the data.
    """
    return tasks.entry(run.config.task).figures(run)
