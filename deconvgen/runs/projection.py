"""One's own images in a generator's latent space: the latents that come nearest.

Zhu et al. 2016, "Generative Visual Manipulation on the Natural Image Manifold", section
3.1; Creswell and Bharath 2018, "Inverting the Generator".
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from jaxtyping import Float, Int, Num

from deconvgen import tasks
from deconvgen.core.errors import UserError, unknown
from deconvgen.core.numbers import whole
from deconvgen.metrics.image import psnr
from deconvgen.runs.handle import Handle, checked

WAYS = ("mean", "linear")
"""Kinds of directions of an attribute."""
CANDIDATES = 512
"""Latents drawn before the search; the nearest to an image are its starts."""


class Projections(NamedTuple):
    """Images and what comes nearest to them of all that a generator draws."""

    originals: Float[np.ndarray, "n h w c"]
    images: Float[np.ndarray, "n h w c"]
    latents: Float[np.ndarray, "n d"]
    labels: Int[np.ndarray, " n"] | None  # of a conditional generator
    loss: Float[np.ndarray, " n"]
    norms: Float[np.ndarray, " n"]  # |z| over the root of d: about 1 of what is drawn
    spread: Float[np.ndarray, " n"]  # of the starts' losses, over the least one

    def figures(self) -> dict[str, float]:
        """Means over the images: psnr of the projection, |z|, loss, spread."""
        found = np.asarray(psnr(self.images, self.originals))
        return {
            "psnr": float(found.mean()),
            "psnr_min": float(found.min()),
            "loss": float(self.loss.mean()),
            "latent_norm": float(self.norms.mean()),
            "start_spread": float(self.spread.mean()),
        }


class Search(NamedTuple):
    """How a latent is looked for.

    - steps, rate: of Adam, its rate down a cosine.
    - starts: latents that are improved for each image; the best one is kept.
    - perceptual: weight of the distance of the features (the run's extractor), over
      their square, beside the mean squared error of the pixels.
    - prior: weight of |z|^2 / d, which keeps the latent where the generator has
      learned.
    """

    steps: int = 300
    starts: int = 8
    rate: float = 0.05
    perceptual: float = 0.1
    prior: float = 1e-3
    seed: int = 0


def project(
    run: Handle,
    originals: Num[np.ndarray, "n h w c"],
    labels: Any = None,
    search: Search = Search(),
) -> Projections:
    """The latents whose images are nearest to `originals`, in [-1, 1] or 0 .. 255.

    Minimizes the mean squared error + perceptual |f(x) - f(G(z))|^2 / |f(x)|^2 + prior
    |z|^2 / d over z, from the `starts` best of 512 drawn latents. A conditional
    generator is told `labels` [n]; left out, the label is that of the best start.

    Raises `UserError` for a task without latents and images of another shape.
    """
    if run.task.decode is None:
        raise UserError(f"the task {run.config.task} has no latent to project into")
    whole("--steps", search.steps, 1)
    whole("--starts", search.starts, 1, CANDIDATES)
    originals = checked("images", originals, run.image_shape)
    told = bool(run.config.model.get("conditional", False))
    if labels is not None and not told:
        raise UserError("labels choose nothing: this model is not conditional")
    if labels is not None:
        labels = run.as_labels(labels, len(originals))
    distance = _distance(run, search)
    improve = _improve(run, search, distance)
    drawn = run.latents(CANDIDATES, search.seed)
    classes = np.arange(CANDIDATES) % max(run.config.data.num_classes, 1)
    made = {}
    found = []
    for i, image in enumerate(originals):
        own = classes if labels is None else np.full(CANDIDATES, labels[i])
        which = -1 if labels is None or not told else int(labels[i])
        if which not in made:
            made[which] = run.decode(drawn, own if told else None)
        far = np.asarray(distance(image, made[which]))
        best = np.argsort(far, kind="stable")[: search.starts]
        found.append(improve(image, drawn[best], own[best].astype(np.int32)))
    z, label, loss, spread = (np.stack(x) for x in zip(*found, strict=True))
    return Projections(
        originals,
        run.decode(z, label if told else None),
        z,
        label if told else None,
        loss,
        np.sqrt(np.mean(np.square(z), -1)),
        spread,
    )


def _distance(run: Handle, search: Search) -> Callable[[Any, Any], Array]:
    """(an image [h, w, c], images [k, h, w, c]) -> how far each is from it [k]."""
    features = tasks.extractor_of(run.config).features if search.perceptual else None

    @jax.jit
    def distance(image: Any, made: Any) -> Array:
        far = jnp.mean(jnp.square(made - image), (1, 2, 3))
        if features is None:
            return far
        own, others = features(image[None]), features(made)
        power = jnp.sum(jnp.square(own))
        apart = jnp.sum(jnp.square(others - own), -1) / jnp.where(power > 0, power, 1)
        return far + search.perceptual * apart

    return distance


def _improve(run: Handle, search: Search, distance: Callable) -> Callable:
    """(image, latents [k, d], labels [k]) -> the best of them after the search."""
    size, decode = run.task.latent, run.alone.decode
    rate = optax.cosine_decay_schedule(search.rate, search.steps)
    adam = optax.adam(rate)
    blank = {k: v for k, v in run.blank(search.starts).items() if k != "label"}

    def losses(z: Any, image: Any, label: Any, state: Any) -> Array:
        made = decode(state, z, blank | {"label": label})
        far = distance(image, made)
        return far + search.prior * jnp.sum(jnp.square(z), -1) / size

    @jax.jit
    def step(z: Any, opt: Any, image: Any, label: Any, state: Any) -> Any:
        slope = jax.grad(lambda z: losses(z, image, label, state).sum())(z)
        updates, opt = adam.update(slope, opt, z)
        return optax.apply_updates(z, updates), opt

    final = jax.jit(losses)

    def improve(image: np.ndarray, z: Any, label: np.ndarray) -> tuple:
        opt, state = adam.init(z), run.state
        once = partial(step, image=image, label=label, state=state)
        for _ in range(search.steps):
            z, opt = once(z, opt)
        loss = np.asarray(final(z, image, label, state))
        best = int(np.argmin(loss))
        spread = float(np.std(loss) / loss[best]) if loss[best] > 0 else 0.0
        return np.asarray(z[best]), label[best], loss[best], np.float32(spread)

    return improve


def direction(
    latents: Float[np.ndarray, "n d"], having: Any, how: str = "mean"
) -> Float[np.ndarray, " d"]:
    """A unit vector of the latent space along which an attribute grows.

    `having` [n] says of each latent whether its image has the attribute (or how much).
    "mean": the difference of the means with and without it (Radford et al. 2016,
    section 6.3.2). "linear": the normal of the plane that tells them apart, fitted by
    ridge regression (Shen et al. 2020, "InterFaceGAN"). Raises `UserError` where all
    are alike.

    >>> z = np.eye(3)
    >>> direction(z, [1, 0, 0])
    array([ 0.81649658, -0.40824829, -0.40824829])
    """
    if how not in WAYS:
        raise unknown("kind of direction", how, WAYS)
    z, y = np.asarray(latents, np.float64), np.asarray(having, np.float64)
    if y.shape != (len(z),) or not np.ptp(y) > 0:
        raise UserError(
            "a direction wants latents with an attribute and latents without: one "
            f"number for each of the {len(z)} latents, and not all the same"
        )
    y = y - y.mean()
    if how == "mean":  # of a yes or no; else each latent by how much it has of it
        found = (np.maximum(y, 0) @ z - np.maximum(-y, 0) @ z) / np.maximum(y, 0).sum()
    else:
        centred = z - z.mean(0)
        ridge = 1e-3 * len(z) * np.eye(z.shape[1])
        found = np.linalg.solve(centred.T @ centred + ridge, centred.T @ y)
    return found / np.linalg.norm(found)


def labelled(
    run: Handle, num: int, seed: int = 0
) -> tuple[Float[np.ndarray, "n d"], Int[np.ndarray, " n"]]:
    """Drawn latents, and what the classifier of the run's data takes their images for.

    Raises `UserError` where there is no classifier, and for a conditional generator,
    which is told what to draw.
    """
    if run.config.model.get("conditional", False):
        raise UserError(
            "a conditional generator is told its class and has no direction to it: see "
            "deconvgen sample --kind=classes"
        )
    logits = tasks.extractor_of(run.config).logits
    if logits is None:
        raise UserError(
            f"no classifier says which class an image of {run.folder} is: "
            "eval.extractor=classifier wants one, see deconvgen features"
        )
    classify = jax.jit(lambda x: jnp.argmax(logits(x), -1))
    z = run.latents(num, seed)
    found = [np.asarray(classify(run.decode(part))) for part in np.array_split(z, 8)]
    return z, np.concatenate(found)
