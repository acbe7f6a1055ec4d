"""A run on the explorer's page; its checkpoint is loaded anew when there is a newer."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import jax.numpy as jnp
import matplotlib
import numpy as np

from deconvgen import tasks
from deconvgen.core import images
from deconvgen.core.errors import UserError
from deconvgen.core.terminal import say
from deconvgen.metrics.spectra import decibels
from deconvgen.ops.spectrum import power_spectrum
from deconvgen.runs import directions, live, pinned, pretrained, projection
from deconvgen.runs.run import Run, load
from deconvgen.runs.sampling.base import slerp
from deconvgen.runs.sampling.plain import fitted
from deconvgen.runs.sampling.views import sheet
from deconvgen.training import checkpoint

WAYS = 6
"""Principal directions that have a slider."""
SLIDERS = 8
"""Numbers of the latent that have one."""
SAMPLES = 64
"""Samples of the mean spectrum."""
LABELLED = 512
"""Latents that a direction toward a class is found from."""
SEARCH = projection.Search(steps=100, starts=4)
"""For a picture of one's own: shorter than `deconvgen project` takes it."""
NO_LATENT = "The task has no latent to move."
NO_CHECKPOINT = "No checkpoint yet: it comes here by itself."


class View(NamedTuple):
    """What a checkpoint shows of a latent: uint8 pictures [h, w, 1 or 3]."""

    image: np.ndarray
    spectrum: np.ndarray
    features: np.ndarray


class Place(NamedTuple):
    """Where the sliders stand."""

    seed: int = 0
    other: int = 1
    share: float = 0.0  # of the way from seed to other
    scale: float = 1.0
    label: int = 0
    toward: float = 0.0  # along the direction to that class
    ways: Sequence[float] = ()  # along the principal directions
    numbers: Sequence[float] = ()  # added to the first numbers of the latent


class Column:
    """A run folder, or `pretrained:NAME`, as the page meets it.

    Raises `UserError` where there is no run; without a checkpoint it waits for one.
    """

    def __init__(self, workdir: str, which: str = "best"):
        self.workdir, self.which, self._lock = workdir, which, Lock()
        shipped = workdir.startswith(pretrained.PREFIX)
        folder = Path(workdir).expanduser()
        self.folder = None if shipped else folder
        self._run: Run | None = None
        self._toward: dict[int, np.ndarray] = {}
        self._seen = self.newest()
        if shipped or self._seen:
            self._run = load(workdir, which)
        self.config: Any = self._run.config if self._run else pinned.saved(folder)
        self.has_latent = tasks.make(self.config, None).decode is not None

    def newest(self) -> int:
        """The step of its newest checkpoint; 0 where there is none, or one for good."""
        return max(checkpoint.steps(self.folder), default=0) if self.folder else 0

    def run(self) -> Run | None:
        """The checkpoint that is asked for, as it is now."""
        with self._lock:
            newest = self.newest()
            if newest != self._seen:
                try:
                    self._run, self._seen = load(self.workdir, self.which), newest
                except UserError as error:  # it is just being written, or thinned out
                    say(f"{self.workdir}: {error}")
                self.__dict__.pop("mean", None)
                self.__dict__.pop("ways", None)
                self._toward = {}
            return self._run

    @cached_property
    def mean(self) -> np.ndarray:
        """The mean spectrum of its own samples."""
        assert self._run
        return spectrum_picture(self._run.sample(SAMPLES))

    @cached_property
    def ways(self) -> directions.Directions:
        """Its principal directions."""
        assert self._run
        return directions.principal(self._run, WAYS)

    def toward(self, run: Run, label: int) -> np.ndarray | None:
        """The direction to a class; None where nothing tells the classes apart."""
        if run.config.model.get("conditional", False):
            return None
        if not self._toward:
            try:
                z, found = projection.labelled(run, LABELLED)
            except UserError:
                return None
            names = range(run.config.data.num_classes)
            some = [i for i in names if 0 < (found == i).sum() < len(found)]
            self._toward = {i: projection.direction(z, found == i) for i in some}
        return self._toward.get(label)

    def latent(self, run: Run, place: Place, start: np.ndarray | None) -> np.ndarray:
        """The latent [1, d] that the sliders tell, from a start of one's own or not."""
        z = latent(run, place, start)
        for amount, way in zip(place.ways, self.ways.vectors):
            z += amount * way
        if place.toward and (way := self.toward(run, place.label)) is not None:
            z += place.toward * way
        return z.astype(np.float32)

    def pictures(self, place: Place, start: np.ndarray | None = None) -> list[Any]:
        """What is said of it, and its pictures: image, spectrum, mean spectrum,
        directions, feature maps; None for those there are none of."""
        config = self.config
        head = f"### {self.workdir}\n{config.task}, {config.model.upsampler}"
        run = self.run()
        if run is None or not self.has_latent:
            why = NO_CHECKPOINT if self.has_latent else NO_LATENT
            return [f"{head}. {why}", *[None] * 5]
        z = self.latent(run, place, start)
        found = view(run, z, place.label)
        strip = directions.strip(run, z, self.ways, place.label)
        told = ", ".join(f"{100 * share:.0f}" for share in self.ways.shares)
        said = f"{head}, step {run.step:,}. Its directions are {told} % of what varies."
        return [said, found.image, found.spectrum, self.mean, strip, found.features]

    def project(self, picture: np.ndarray, label: int = 0) -> np.ndarray | None:
        """The latent [1, d] nearest to a picture, uint8 [h, w, c], as of a class where
        the generator is told one; None without a latent."""
        run = self.run()
        if run is None or not self.has_latent:
            return None
        original = fitted(picture, run.image_shape)[None]
        told = [label] if run.config.model.get("conditional", False) else None
        return projection.project(run, original, told, SEARCH).latents

    def stamp(self) -> tuple[float | int, ...]:
        """When its folder's records changed, and its newest checkpoint."""
        return (live.stamp(self.folder), self.newest()) if self.folder else ()

    def look(self) -> live.Seen | None:
        """What its folder shows of its training; None of a shipped checkpoint."""
        return live.look(self.folder, self.config) if self.folder else None


def latent(run: Run, place: Place, start: np.ndarray | None = None) -> np.ndarray:
    """[1, latent]: on the great circle between two seeds, scaled, and then moved.

    `place.numbers` are added to the first numbers. Latents of different lengths begin
    with the same numbers. `start` takes the first seed's place.
    """
    a = run.latents(1, place.seed) if start is None else np.array(start)
    b = run.latents(1, place.other)
    z = place.scale * slerp(a, b, np.full((1, 1), place.share))
    count = min(len(place.numbers), z.shape[1])
    z[0, :count] += np.asarray(place.numbers[:count])
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
