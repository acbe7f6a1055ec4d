"""Autoencoder, VAE, super-resolution and segmentation, tiny, with what they are fed."""

import jax
import jax.numpy as jnp
import numpy as np

from deconvgen import config, tasks
from deconvgen.runs import setup as runs
from deconvgen.training import parallel as devices

TINY = {
    "autoencoder": ("model.features=4,6", "model.latent=5"),
    "vae": ("model.features=4,6", "model.latent=5"),
    "superres": ("model.features=4", "model.norm=batch", "data.image_size=24"),
    "segmentation": ("model.features=3,4,5", "data.image_size=24"),
}
NAMES = list(TINY)
SHAPES = {"superres": (24, 24, 3), "segmentation": (24, 24, 3)}
CLASSES = 4


def settings(name: str, *overrides: str):
    """A tiny config, with what the data would have told."""
    tiny = (*TINY[name], "model.dropout=0.1", "optimizer.name=sgd")
    loaded = config.load(f"{name}:smoke", (*tiny, *overrides))
    shape = SHAPES.get(name, (28, 28, 1))
    if name == "segmentation":
        return runs.describe(loaded, shape, CLASSES, tuple("abcd"))
    return runs.describe(loaded, shape)


def batch(made, count: int = 4, seed: int = 0) -> dict:
    """Smooth random images, and masks for a segmentation."""
    draw = np.random.default_rng(seed)
    h, w, c = made.data.image_shape
    coarse = draw.uniform(-1, 1, (count, h // 4, w // 4, c)).astype("f4")
    images = jax.image.resize(jnp.asarray(coarse), (count, h, w, c), "linear")
    found = {"image": images, "mask": jnp.ones(count)}
    if made.task == "segmentation":
        classes = draw.integers(0, CLASSES, (count, h, w))
        classes[:, :2] = 255
        found["segmentation"] = jnp.asarray(classes, jnp.int32)
    return found


def keys(count: int, index: int) -> jax.Array:
    return devices.example_keys(jax.random.key(7), index, 0, count)


def start(made, seed: int = 0):
    return jax.jit(tasks.make(made, None).init)(jax.random.key(seed), batch(made))


def one_step(made):
    before = start(made)
    step = jax.jit(tasks.make(made, None).train_step)
    return before, step(before, batch(made), keys(4, 0))[0]
