"""Autoencoders: plain and denoising, through a code of a few numbers."""

from dataclasses import replace

import jax
import jax.numpy as jnp

from deconvgen.audit.decoder_shift import decoder_shift
from deconvgen.config import Config
from deconvgen.core.errors import UserError
from deconvgen.core.types import State, Task
from deconvgen.losses.reconstruction import reconstruction_losses
from deconvgen.losses.terms import mixture
from deconvgen.metrics.artifacts import input_gradient
from deconvgen.metrics.edges import edge_positions, edge_sums, step_edges
from deconvgen.metrics.image import image_metrics
from deconvgen.metrics.sums import Decibels, Mean
from deconvgen.models.autoencoder import Autoencoder, mirror
from deconvgen.models.decoder import Decoder, seed_size
from deconvgen.models.encoder import Encoder
from deconvgen.tasks import blocks, measuring, optimizer, probed
from deconvgen.tasks._corruptions import corruptions
from deconvgen.training.steps import fold, forward, infer, reduce, start, supervised

CORRUPT, DROP = range(2)  # what an example's key is folded with


def network(
    config: Config, axis: str | None, moments: int = 1, numbers: int = 0
) -> Autoencoder:
    """Encoder, code and decoder from plain config values.

    The decoder makes images, or `numbers` channels that are not bounded.
    """
    model, shape = config.model, config.data.image_shape
    shared = blocks(config, axis)
    encoder = Encoder(
        features=model.features,
        factors=model.factors,
        kernel_size=model.encoder_kernel_size,
        finish=replace(shared, activation="leaky_relu"),
        pool=model.pool,
        convs=model.convs,
    )
    widths = tuple(model.get("decoder_features", ())) or tuple(reversed(model.features))
    if len(widths) != len(model.factors):
        raise UserError(
            f"model.decoder_features={widths} should list one number for each of the "
            f"{len(model.factors)} blocks, or be ()"
        )
    decoder = Decoder(
        features=(*widths[1:], numbers or shape[-1]),
        factors=tuple(reversed(model.factors)),
        blocks=shared,
    )
    size = seed_size(shape, model.factors)
    return Autoencoder(
        encoder,
        decoder,
        size,
        model.latent,
        moments,
        hidden=model.hidden,
        seed_features=widths[0],
        bounded=not numbers,
    )


def check(config: Config) -> None:
    """Refuse a corruption without an amount, and an amount without a corruption."""
    kind, amount = config.corruption.name, config.corruption.amount
    if (kind == "none") != (not amount):
        raise UserError(
            f"corruption.name={kind} with corruption.amount={amount} leaves the images "
            "as they are: give both, or none of them (none, 0)"
        )


def make(config: Config, axis: str | None) -> Task:
    """An autoencoder that minimizes `loss.name` between image and reconstruction."""
    net = network(config, axis)
    tx = optimizer(config.optimizer, config.steps)
    distance = mixture(reconstruction_losses, config.loss.name)
    kind, amount = config.corruption.name, config.corruption.amount
    corrupt = corruptions[kind]
    measure = measuring(config)

    def damaged(batch, keys):
        one = lambda key, image: corrupt(key, image, amount)
        return jax.vmap(one)(fold(keys, CORRUPT), batch["image"])

    def init(key, batch):
        model = start(net, tx, key, batch["image"])
        params = mirror(model.params, config.model.initializer)
        model = model._replace(params=params)
        ema = {"params": params, "batch_stats": model.stats}
        return State(jnp.zeros((), jnp.int32), {"model": model}, ema)

    def loss(params, stats, batch, keys):
        images = batch["image"]
        made, stats = forward(
            net, params, stats, damaged(batch, keys), keys=fold(keys, DROP)
        )
        return reduce(distance(made, images), batch["mask"], axis), (stats, {})

    def reconstruct(state, batch):
        return infer(net, state.ema, batch["image"])

    def eval_step(state, batch, keys):
        images, mask = batch["image"], batch["mask"]
        made = infer(net, state.ema, damaged(batch, keys))
        sums = {
            "loss": Mean.of(distance(made, images), mask),
            "psnr_of_mean": Decibels.of(image_metrics["mse"](made, images), mask),
        }
        figures = {k: Mean.of(f(made, images), mask) for k, f in image_metrics.items()}
        sums |= figures | edges(state, images, mask)
        return sums | measure(images, made, mask, batch)

    def edges(state, images, mask):
        count, height, width, channels = images.shape
        places = edge_positions(width, count)
        steps = step_edges((height, width), places, channels)
        return edge_sums(infer(net, state.ema, steps), places, mask)

    def probe(state, batch, keys):
        images, given = batch["image"], damaged(batch, keys)
        run = lambda given: infer(net, state.ema, given)
        slope = input_gradient(lambda given: distance(run(given), images), given)
        # Indices of max-pooling say where things are, and would not move along.
        mask = batch["mask"]
        moves = not config.model.pool
        shift = decoder_shift(lambda: run(given), mask) if moves else None
        return probed(images, run(given), slope, shift, mask)

    def sample(state, batch, keys):
        given = damaged(batch, keys)
        made = infer(net, state.ema, given)
        columns = (
            [batch["image"], made]
            if kind == "none"
            else [batch["image"], jnp.clip(given, -1, 1), made]
        )
        return jnp.concatenate(columns, axis=2)

    train_step = supervised(loss, tx, config.ema, axis)
    return Task(
        init,
        train_step,
        eval_step,
        sample,
        reconstruct=reconstruct,
        probe=probe,
        looks=True,
    )
