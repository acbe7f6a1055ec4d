"""The vocabulary, with its units.

Images are float32 NHWC in [-1, 1] everywhere between `deconvgen.data` and
`deconvgen.core.images`. A batch is a dict of arrays that share their first axis:

    image         float32 [b, h, w, c]   in [-1, 1]
    label         int32   [b]            class of the image, where there is one
    segmentation  int32   [b, h, w]      class of each pixel (255: ignore), likewise
    mask          float32 [b]            1 for an example, 0 for padding
    real_features float32 [b, d]         of the images, by the extractor of an
    real_classes  int32   [b]            evaluation, where they are known
    real_certainty float32 [b]           beforehand

Losses and metrics give one number per example and are reduced in exactly one
place, under the mask.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jax import Array
from jaxtyping import Float, Int, Key

Tree = Any
"""A pytree of arrays."""

Batch = Mapping[str, Any]  # of `jax.Array`, and of NumPy's on the host
Keys = Key[Array, " b"]
"""One PRNG key per example, so that the draws do not depend on the devices."""

Scalar = float | Array
"""A setting: a number, or one that JAX traces, where runs of one program differ."""

Images = Float[Array, "b h w c"]
Scalars = dict[str, Array]


class Net(NamedTuple):
    """A network in training."""

    params: Tree
    stats: Tree  # the `batch_stats` collection
    opt: Tree  # the optimizer's state


class State(NamedTuple):
    """A run: everything that a checkpoint holds, and arrays only."""

    step: Int[Array, ""]
    nets: dict[str, Net]
    ema: Tree  # averaged {"params": ..., "batch_stats": ...} of what is sampled


@runtime_checkable
class Sums(Protocol):
    """A metric as something that can be added: over batches and over devices."""

    def __add__(self, other: "Sums") -> "Sums": ...

    def across(self, axis: str) -> "Sums":
        """The sum over the devices of a pmapped axis (inside the pmap)."""
        ...

    def result(self) -> float | dict[str, float]:
        """Finish: host floats, once everything has been added."""
        ...


class Apply(NamedTuple):
    """What a network makes of inputs alone, without a batch of the data."""

    function: Callable[[State, Array], Array]  # of inputs [b, *shape]
    shape: tuple[int, ...]
    reach: int = 0  # inputs further off have no say in a pixel; 0: all of them have


TrainStep = Callable[[State, Batch, Keys], tuple[State, Scalars]]
Picture = Callable[[Any, int, int, str], np.ndarray]
"""A kind of sample: `(run, num, seed, source) -> uint8 [h, w, c] or [n, h, w, c]`."""


class Task(NamedTuple):
    """A problem as a record of pure functions; the training loop knows nothing else."""

    init: Callable[[Array, Batch], State]  # (key, example batch) -> State
    train_step: TrainStep
    eval_step: Callable[[State, Batch, Keys], dict[str, Sums]]
    sample: Callable[[State, Batch, Keys], Images]  # what a person wants to look at
    decode: Callable[[State, Array, Batch], Images] | None = None  # from latents [b, n]
    latent: int = 0  # the size of the latent that `decode` takes
    reconstruct: Callable[[State, Batch], Images] | None = None  # the batch's images
    # what `deconvgen evaluate` adds up besides; too slow for evaluations in training
    probe: Callable[[State, Batch, Keys], dict[str, Sums]] | None = None
    # whether `eval_step` looks for the batch's `real_features`
    looks: bool = False
    # what is exported, where it is neither `decode` nor `reconstruct` of whole images
    apply: Apply | None = None
    # the kinds of train step, each with its share of the steps, where some do less
    kinds: tuple[tuple[float, TrainStep], ...] = ()
