"""Training the classifier whose features measure a data set."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
import optax

from deconvgen.core import files
from deconvgen.core.errors import UserError
from deconvgen.core.numbers import key as key_of
from deconvgen.core.types import Tree
from deconvgen.data import Dataset
from deconvgen.metrics import features
from deconvgen.models.classifier import Classifier
from deconvgen.ops.class_maps import most_likely

Report = Callable[[int, float], None]


class Recipe(NamedTuple):
    """How long a classifier is trained, on how many images at once, and how wide."""

    steps: int = 2000
    seed: int = 0
    batch_size: int = 64
    width: int = 24


def train_classifier(
    dataset: Dataset,
    recipe: Recipe = Recipe(),
    report: Report = lambda step, loss: None,
) -> Tree:
    """{"params", "batch_stats"} of a `Classifier` of the data set's classes.

    Images are mirrored half of the time and shifted by up to a 28th of their
    size; labels are smoothed by 0.1. AdamW with weight decay 0.01 on a one-cycle
    schedule: up to 3e-3 over 30 % of the steps, then down, each along half a cosine.
    `report` hears of every hundredth step.
    """
    if not dataset.num_classes:
        raise UserError(f"the data set {dataset.name!r} has no classes to learn from")
    steps, seed, batch_size, width = recipe
    model = Classifier(dataset.num_classes, width)
    schedule = optax.cosine_onecycle_schedule(steps, 3e-3)
    optimizer = optax.adamw(schedule, weight_decay=1e-2)

    @jax.jit
    def start(key, images):
        variables = model.init(key, images)
        return variables, optimizer.init(variables["params"])

    @jax.jit
    def update(variables, state, images, labels, key):
        shift_key, flip_key, dropout_key = jax.random.split(key, 3)
        images = augment(images, shift_key, flip_key)
        targets = optax.smooth_labels(jax.nn.one_hot(labels, model.num_classes), 0.1)

        def loss(params):
            (_, logits), updated = model.apply(
                {**variables, "params": params},
                images,
                train=True,
                rngs={"dropout": dropout_key},
                mutable=["batch_stats"],
            )
            cost = optax.softmax_cross_entropy(logits, targets).mean()
            return cost, updated["batch_stats"]

        params = variables["params"]
        (cost, stats), slope = jax.value_and_grad(loss, has_aux=True)(params)
        change, state = optimizer.update(slope, state, params)
        params = optax.apply_updates(params, change)
        return {"params": params, "batch_stats": stats}, state, cost

    root = key_of(seed)
    variables, state = start(root, jnp.zeros((1, *dataset.image_shape)))
    batches = dataset.train_batches(seed, batch_size)
    for step, batch in zip(range(steps), batches, strict=False):
        key = jax.random.fold_in(root, step)
        variables, state, cost = update(
            variables, state, batch["image"], batch["label"], key
        )
        if (step + 1) % 100 == 0:
            report(step + 1, float(cost))
    return jax.tree.map(np.asarray, variables)


def augment(images: jax.Array, shift_key: jax.Array, flip_key: jax.Array) -> jax.Array:
    """Each image shifted by its own offset (the border repeated) and maybe mirrored."""
    b, h, w, c = images.shape
    most = max(h // 28, 1)
    pad = ((0, 0), (most, most), (most, most), (0, 0))
    padded = jnp.pad(images, pad, mode="edge")
    offsets = jax.random.randint(shift_key, (b, 2), 0, 2 * most + 1)
    cut = lambda x, at: jax.lax.dynamic_slice(x, (at[0], at[1], 0), (h, w, c))
    shifted = jax.vmap(cut)(padded, offsets)
    mirror = jax.random.bernoulli(flip_key, 0.5, (b, 1, 1, 1))
    return jnp.where(mirror, shifted[:, :, ::-1], shifted)


def accuracy(dataset: Dataset, variables: Tree, width: int, limit: int | None = None):
    """Share of the data set's images that get their own class, in [0, 1]."""
    model = Classifier(dataset.num_classes or 0, width)
    logits: Any = lambda images: model.apply(variables, images)[1]
    guess = jax.jit(lambda images: most_likely(logits(images)))
    right = total = 0.0
    for batch in dataset.eval_batches(500, limit=limit):
        hit = (np.asarray(guess(batch["image"])) == batch["label"]) * batch["mask"]
        right, total = right + hit.sum(), total + batch["mask"].sum()
    return float(right / total)


def train_and_save(
    sets: Mapping[str, Dataset],
    folder: str,
    recipe: Recipe = Recipe(),
    report: Report = lambda step, loss: None,
    command: str = "deconvgen features --config=dcgan --steps=2000",
) -> dict:
    """Train the data set's classifier and write it to `folder`; what is known about it.

    `sets` are the splits: "train", "test", and maybe "validation", whose accuracy is
    the one to choose settings by. Two files: classifier-NAME.npz with the weights in
    float16, and classifier-NAME.json with their SHA-256, the accuracy that they reach
    on the other splits, and how they were made.
    """
    train = sets["train"]
    variables = train_classifier(train, recipe, report)
    flat = {
        "/".join(key.key for key in path): np.asarray(leaf, np.float16)
        for path, leaf in jax.tree_util.tree_leaves_with_path(variables)
    }
    rounded = jax.tree.map(lambda x: jnp.float32(np.float16(x)), variables)
    about = {
        "dataset": train.name,
        "image_shape": list(train.image_shape),
        "num_classes": train.num_classes,
        **recipe._asdict(),
        **{f"{split}_images": each.num_examples for split, each in sets.items()},
        **{
            f"{split}_accuracy": round(accuracy(each, rounded, recipe.width), 4)
            for split, each in sets.items()
            if split != "train"
        },
        "command": command,
        "sha256": features.checksum(flat),
    }
    Path(folder).mkdir(parents=True, exist_ok=True)
    path = Path(folder) / f"classifier-{train.name}.npz"
    np.savez_compressed(path, **cast(Any, flat))
    files.write_json(path.with_suffix(".json"), about, indent=2)
    return about
