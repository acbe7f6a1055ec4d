"""Semantic segmentation: the class of every pixel."""

import jax
import jax.numpy as jnp

from deconvgen.config import Config, data_name
from deconvgen.core.errors import UserError
from deconvgen.core.palette import IGNORED, palette
from deconvgen.core.types import Apply, State, Task
from deconvgen.losses.segmentation import segmentation_losses
from deconvgen.losses.terms import mixture
from deconvgen.metrics.artifacts import input_gradient
from deconvgen.metrics.segmentation import Boundaries, Confusion
from deconvgen.metrics.sets import Artifacts
from deconvgen.metrics.shifts import Shifts
from deconvgen.metrics.sums import Mean
from deconvgen.models.decoder import seed_size
from deconvgen.models.segmentation import Segmenter, joins, segmenters
from deconvgen.ops.class_maps import IGNORE, in_range, most_likely
from deconvgen.tasks import _class_pictures, blocks, optimizer, probed
from deconvgen.training.steps import forward, infer, reduce, start, supervised

draws_images = False
pictures = {"segmentation": _class_pictures.picture}


def network(config: Config, axis: str | None) -> Segmenter:
    """The model that `model.name` calls for, from plain config values."""
    model = config.model
    halved = len(model.features) - (model.name == "unet")
    seed_size(config.data.image_shape, (2,) * halved)
    joins[model.join]  # a name is told from a typing error by every model
    return segmenters[model.name](
        classes=config.data.num_classes,
        features=model.features,
        convs=model.convs,
        decoder_convs=model.decoder_convs,
        join=model.join,
        fuse=model.fuse,
        blocks=blocks(config, axis),
    )


def class_weights(config: Config) -> jax.Array | None:
    """The weight of each class in the loss; None: all alike."""
    weights, k = config.loss.class_weights, config.data.num_classes
    if not weights:
        return None
    if len(weights) != k:
        raise UserError(
            f"loss.class_weights lists {len(weights)} weights for {k} classes"
        )
    return jnp.asarray(weights, jnp.float32)


def make(config: Config, axis: str | None) -> Task:
    """A network that minimizes `loss.name` between its logits and the true classes."""
    if not config.data.num_classes:
        raise UserError(
            f"data set {data_name(config)!r} has no classes of pixels: name one with "
            "masks, or a data.folder of images/ and masks/"
        )
    net = network(config, axis)
    scales = {"up_": 0.0} if config.model.freeze_upsampling else {}
    tx = optimizer(config.optimizer, config.steps, scales)
    distance = mixture(segmentation_losses, config.loss.name)
    weights = class_weights(config)
    k, names = config.data.num_classes, tuple(config.data.class_names)
    ignore = IGNORE  # whatever data.ignore_label has masks write: batches have this

    def init(key, batch):
        model = start(net, tx, key, batch["image"])
        ema = {"params": model.params, "batch_stats": model.stats}
        return State(jnp.zeros((), jnp.int32), {"model": model}, ema)

    logits_of = lambda state, images: infer(net, state.ema, images)

    def truth(batch):
        if "segmentation" not in batch:
            raise UserError(
                f"data set {data_name(config)!r} has labels, but no masks to train a "
                "segmentation with"
            )
        return batch["segmentation"]

    def loss(params, stats, batch, keys):
        logits, stats = forward(net, params, stats, batch["image"], keys=keys)
        value = reduce(
            distance(logits, truth(batch), weights, ignore), batch["mask"], axis
        )
        return value, (stats, {})

    def eval_step(state, batch, keys):
        classes, mask = truth(batch), batch["mask"]
        logits = logits_of(state, batch["image"])
        maps = (most_likely(logits), classes, mask, k, names, ignore)
        return {
            "loss": Mean.of(distance(logits, classes, weights, ignore), mask),
            "confusion": Confusion.of(*maps),
            "boundaries": Boundaries.of(*maps),
        }

    def probe(state, batch, keys):
        """The artefact measures of the classes' probabilities, next to the true maps'.

        In [-1, 1] as images are, a channel for each class: a deconvolution's pattern is
        in the probabilities before it tips a pixel into another class. `phase_` and
        `replica_` read as those of images; edges of true maps are sharp, so that the
        spectrum's own figures tell first how unsure the network is. The pictures, and
        the shift by a pixel of the image, are of the probability of any but class 0.
        """
        images, mask = batch["image"], batch["mask"]
        classes, counts = in_range(truth(batch), k, ignore)
        known = counts[..., None]
        logits = lambda x: logits_of(state, x)
        chances = lambda x: jax.nn.softmax(logits(x), -1)
        true = jax.nn.one_hot(classes, k) * known
        ideal, made = (2 * x * known - 1 for x in (true, chances(images)))
        cost = lambda x: distance(logits(x), truth(batch), weights, ignore)
        thing = lambda x: 1 - 2 * chances(x)[..., :1]
        real = (1 - 2 * true[..., :1]) * known
        shift, slope = Shifts.of(thing, images, 1, mask), input_gradient(cost, images)
        found = probed(real, thing(images) * known, slope, shift, mask)
        found["artifacts"] = Artifacts.of(ideal, made, mask)
        return found

    def sample(state, batch, keys):
        """image | mask | prediction | error, or image | prediction | both."""
        images = batch["image"]
        predicted = most_likely(logits_of(state, images))
        images = jnp.broadcast_to(images, (*images.shape[:-1], 3))
        made = painted(predicted, k)
        if "segmentation" not in batch:
            return jnp.concatenate([images, made, (images + made) / 2], axis=2)
        classes = batch["segmentation"]
        true, counts = in_range(classes, k, ignore)
        wrong = (predicted != true) & counts
        dim = 0.3 * images - 0.6
        error = jnp.where(wrong[..., None], jnp.array([1.0, -0.6, -0.6]), dim)
        return jnp.concatenate(
            [images, painted(classes, k, ignore), made, error], axis=2
        )

    train_step = supervised(loss, tx, config.ema, axis)
    shape = tuple(config.data.image_shape)
    apply = Apply(logits_of, shape)
    return Task(init, train_step, eval_step, sample, probe=probe, apply=apply)


def painted(classes: jax.Array, k: int, ignore_label: int = -1) -> jax.Array:
    """Class maps [b, h, w] in colours, [b, h, w, 3] in [-1, 1].

    Light grey where there is no class, or it does not count.
    """
    numbers, counts = in_range(classes, k, ignore_label)
    colours = jnp.asarray(palette(k))[numbers]
    return jnp.where(counts[..., None], colours, jnp.asarray(IGNORED))
