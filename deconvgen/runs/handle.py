"""A checkpoint with the functions of its task: sample, decode, reconstruct.

>>> run = deconvgen.load("pretrained:dcgan-fashion")  # or the folder of a run
>>> run.sample(num=4, seed=0).shape  # [n, h, w, c] in [-1, 1]
(4, 28, 28, 1)
"""

import copy
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import jax
import numpy as np

from deconvgen import data, tasks
from deconvgen.audit import activations
from deconvgen.config import Config, data_name
from deconvgen.core.errors import UserError, unknown
from deconvgen.core.images import to_float
from deconvgen.core.numbers import key, shown, whole
from deconvgen.core.types import State, Task, Tree
from deconvgen.runs import pinned
from deconvgen.runs import setup as runs
from deconvgen.training import checkpoint
from deconvgen.training import parallel as devices
from deconvgen.training.steps import prior


class Handle:
    """A checkpoint with the functions of its task, ready to be used.

    - folder, config: where it is and what it was trained with.
    - step, figures: of the checkpoint, and of the evaluation at it.
    - state: the `deconvgen.core.types.State` on the host.
    - split: of its data, that figures and pictures are of; see `on`.
    """

    split = "test"

    def __init__(
        self,
        folder: Path,
        config: Config,
        found: checkpoint.Checkpoint,
        restore: Callable[[checkpoint.Checkpoint, Tree], Tree] = checkpoint.restore,
    ):
        self.folder, self.config, self.step = folder, config, found.step
        self.figures: dict[str, Any] = found.meta.get("eval", {})
        self._sets: dict[str, data.Dataset] = {}
        self.spread = devices.all_devices()
        self.task: Task = tasks.make(config, self.spread.axis)
        self.state: State = restore(found, runs.shape(config, self.blank(1)))

    def __repr__(self) -> str:
        first = list(self._main_first().items())[:3]
        figures = ", ".join(f"{name} {shown(value)}" for name, value in first)
        where = f"{self.folder}, {self.config.task}, step {self.step}"
        return f"{type(self).__name__}({where}; {figures})"

    def _main_first(self) -> dict[str, Any]:
        first = self.config.monitor.metric
        return dict(sorted(self.figures.items(), key=lambda item: item[0] != first))

    def _repr_html_(self) -> str:
        rows = {
            "folder": self.folder,
            "task": self.config.task,
            "upsampler": self.config.model.upsampler,
            "initializer": self.config.model.initializer,
            "data": data_name(self.config),
            "step": self.step,
        }
        figures = self._main_first().items()
        rows |= {k: shown(v) for k, v in figures if isinstance(v, float)}
        cells = "".join(f"<tr><th>{k}</th><td>{v}</td></tr>" for k, v in rows.items())
        return f"<table>{cells}</table>"

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width, channels."""
        return tuple(self.config.data.image_shape)

    @property
    def variables(self) -> dict[str, Any]:
        """The averaged parameters and batch statistics that are sampled from."""
        return self.state.ema

    @cached_property
    def placed(self) -> State:
        """The state on the devices."""
        return self.spread.put_state(self.state)

    @cached_property
    def alone(self) -> Any:
        """The `Task` on one device."""
        return tasks.make(self.config, None)

    test_set: Any = property(lambda self: self.dataset("test"))
    train_set: Any = property(lambda self: self.dataset("train"))

    def on(self, split: str) -> Any:
        """The same run, whose figures and pictures are of another split of its data."""
        if split not in data.SPLITS:
            raise unknown("split", split, data.SPLITS)
        if split not in runs.splits(self.config):
            raise UserError(f"{self.folder} has no {split} images: data.validation=0")
        other = copy.copy(self)
        other.split = split
        return other

    def dataset(self, split: str) -> data.Dataset:
        """A split of its data, if these are still those it was trained on."""
        if split not in self._sets:
            found = runs.dataset(self.config, split)
            if other := pinned.other_data(self.folder, self.config, found.identity):
                raise UserError(f"{other}: figures of these would not be the run's")
            self._sets[split] = found
        return self._sets[split]

    def blank(self, num: int) -> dict[str, np.ndarray]:
        """A batch without images, its labels in their turns: what sampling needs."""
        shape = (num, *self.config.data.image_shape)
        batch = {"image": np.zeros(shape, np.float32), "mask": np.ones(num, np.float32)}
        return batch | runs.told(self.config, num)

    def turns(self, num: int) -> np.ndarray:
        """The classes that the first `num` drawn images are told: `setup.turns`."""
        return runs.turns(self.config, num)

    @property
    def columns(self) -> int:
        """Of a grid of samples: one for each class that the model is told; 0: any."""
        return runs.class_columns(self.config)

    def examples(self, num: int) -> dict[str, np.ndarray]:
        """The first `num` of its split, or all that it has, as one batch."""
        batch = next(self.dataset(self.split).eval_batches(whole("num", num, 1)))
        real = batch["mask"] > 0
        return {name: values[real] for name, values in batch.items()}

    @cached_property
    def _drawn(self) -> Any:
        """The task's samples on the devices, compiled once for all seeds."""
        return self.spread.run(self.task.sample, jax.random.key(0))

    def batches(
        self,
        num: int,
        seed: int = 0,
        batch_size: int = 0,
        labels: Any = None,
        first: int = 0,
    ) -> Iterator[np.ndarray]:
        """Samples `first` to `num - 1`, in batches: image i depends on (seed, i) alone.

        Needs a task that samples from a latent. `labels` [num] are the classes of a
        conditional model; left out, `turns`. The devices draw the next batch
        while the caller has the last one.
        """
        if self.task.decode is None:
            raise UserError(
                f"the task {self.config.task} draws no new images; try reconstruct()"
            )
        num, first = whole("num", num, 1), whole("first", first, 0)
        size = whole("batch_size", batch_size, 0) or self.config.eval.batch_size
        size = min(size, max(1, num - first))
        size = -(-size // self.spread.count) * self.spread.count
        step = self._drawn.rooted(key(seed))
        under_way = None
        if labels is not None:
            if not self.config.model.get("conditional", False):
                raise UserError("labels choose nothing: this model is not conditional")
            labels = self.as_labels(labels, num)
        start, put = first, self.spread.put_batch
        placed = put(self.blank(size))  # of its images only the shape matters
        for start in range(first, num, size):
            own = runs.told(self.config, size, start)
            if labels is not None:
                given = labels[start : start + size]
                own["label"][: len(given)] = given
            batch = {**placed, **put(own)}
            drawn = step(self.placed, batch, 0, start)
            drawn.copy_to_host_async()
            if under_way is not None:
                yield self.spread.join(under_way)
            under_way = drawn
        if under_way is not None:
            yield self.spread.join(under_way)[: num - start]

    def sample(
        self, num: int = 64, seed: int = 0, *, labels: Any = None, batch_size: int = 0
    ) -> np.ndarray:
        """New images [num, h, w, c] in [-1, 1]; on any devices the same to rounding."""
        return np.concatenate(list(self.batches(num, seed, batch_size, labels)))

    def shown(self, num: int = 16, seed: int = 0) -> np.ndarray:
        """The task's own picture of each of the first `num` images of its split."""
        num = min(whole("num", num, 1), self.dataset(self.split).num_examples)
        size = -(-num // self.spread.count) * self.spread.count
        step = self._drawn.rooted(key(seed))
        batch = self.spread.put_batch(next(self.dataset(self.split).eval_batches(size)))
        return self.spread.join(step(self.placed, batch, 0, 0))[:num]

    def decode(self, latents: np.ndarray, labels: Any = None) -> np.ndarray:
        """Images from latents [n, latent]."""
        if self.task.decode is None:
            raise UserError(f"the task {self.config.task} has no latent to decode from")
        latents = checked("latents", latents, (self.task.latent,))
        batch = self._labelled(len(latents), labels)
        return np.asarray(jax.jit(self.alone.decode)(self.state, latents, batch))

    def _labelled(self, num: int, labels: Any) -> dict[str, np.ndarray]:
        """A blank batch with these labels, or with its own where they are None."""
        own = {} if labels is None else {"label": self.as_labels(labels, num)}
        return self.blank(num) | own

    def as_labels(self, labels: Any, num: int) -> np.ndarray:
        labels, classes = np.asarray(labels), self.config.data.num_classes
        if labels.shape != (num,) or labels.dtype.kind not in "iu":
            raise UserError(
                f"labels should be {num} whole numbers, not {labels.dtype} of shape "
                f"{list(labels.shape)}"
            )
        if wrong := [label for label in labels.tolist() if not 0 <= label < classes]:
            raise UserError(f"there is no class {wrong[0]}: the data have {classes}")
        return labels.astype(np.int32)

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        """What the model makes of images [n, h, w, c] in [-1, 1]."""
        if self.task.reconstruct is None:
            raise UserError(
                f"the task {self.config.task} does not reconstruct; try sample()"
            )
        images = checked("images", images, self.image_shape)
        batch = self.blank(len(images)) | {"image": images}
        return np.asarray(jax.jit(self.alone.reconstruct)(self.state, batch))

    def feature_maps(
        self, inputs: np.ndarray | None = None, labels: Any = None
    ) -> dict[str, np.ndarray]:
        """What each layer makes of the inputs: [n, h, w, c] by name, the image last.

        `inputs` are latents [n, latent] where there is a decoder of latents, otherwise
        images [n, h, w, c]; left out, a latent of seed 0, or the first test image.
        """
        if self.task.decode is not None:
            inputs = self.latents(1, 0) if inputs is None else inputs
            inputs = checked("latents", inputs, (self.task.latent,))
            return self._watched(inputs, self._labelled(len(inputs), labels))
        batch = self.examples(1)
        if inputs is not None:
            inputs = checked("images", inputs, self.image_shape)
            shaped = lambda x: np.zeros((len(inputs), *x.shape[1:]), x.dtype)
            batch = {name: shaped(values) for name, values in batch.items()}
            batch |= self.blank(len(inputs)) | {"image": inputs}
        return self._watched(None, batch)

    @cached_property
    def _watched(self) -> Any:
        task = self.alone

        def shown(state, latents, batch):
            if task.decode is not None:
                return task.decode(state, latents, batch)
            if task.reconstruct is not None:
                return task.reconstruct(state, batch)
            keys = devices.example_keys(jax.random.key(0), 0, 0, len(batch["image"]))
            return task.sample(state, batch, keys)

        watched = jax.jit(activations.watched(shown))
        return lambda latents, batch: {
            k: np.asarray(v) for k, v in watched(self.state, latents, batch).items()
        }

    def latents(self, num: int, seed: int = 0) -> np.ndarray:
        """Standard normal latents [num, latent]: those that `sample` decodes."""
        if self.task.decode is None:
            raise UserError(f"the task {self.config.task} has no latent to decode from")
        keys = devices.example_keys(key(seed), 0, 0, whole("num", num, 1))
        return np.array(prior(keys, self.task.latent))


def checked(name: str, values: Any, shape: tuple[int, ...]) -> np.ndarray:
    """[n, *shape], n > 0, as float32, or a `UserError`; integer images are 0 .. 255."""
    try:
        found = np.asarray(values)
        levels = name == "images" and found.dtype.kind in "iu"
        found = to_float(found) if levels else found.astype(np.float32)
    except (TypeError, ValueError):
        raise UserError(f"{name} should be numbers, not {values!r:.80}") from None
    if found.shape[1:] != shape or found.ndim != 1 + len(shape) or not len(found):
        raise UserError(
            f"{name} should have shape [n, {', '.join(map(str, shape))}], "
            f"not {list(found.shape)}"
        )
    return found
