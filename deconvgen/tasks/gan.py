"""Generative adversarial networks: DCGAN and its kin."""

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from deconvgen.audit.decoder_shift import decoder_shift
from deconvgen.config import Config, data_name
from deconvgen.core.errors import UserError
from deconvgen.core.numbers import on
from deconvgen.core.types import Images, Scalar, State, Task
from deconvgen.losses.gan import SMOOTHED, gan_losses, gradient_penalty, r1
from deconvgen.metrics.artifacts import input_gradient
from deconvgen.metrics.sums import Mean
from deconvgen.tasks import measuring, optimizer, probed
from deconvgen.tasks._adversarial import Fines, Shown, penalties, spectral
from deconvgen.tasks._gan_networks import check_networks, networks
from deconvgen.training.steps import (
    average,
    descend,
    fold,
    forward,
    infer,
    mean_across,
    prior,
    reduce,
    start,
)

# What an example's key is folded with.
DROP_G, DROP_D, BETWEEN, OF_REAL, OF_FAKE, OF_DRAWN, OF_BESIDE = range(1, 8)


def check(config: Config) -> None:
    """Refuse what changes nothing, and a penalty on a critic of whole batches.

    Its gradient at one image is then not the penalty's (Gulrajani et al. 2017, section
    4). In training alone, so that what older runs have learned can be drawn from.
    """
    check_networks(config)
    if config.critic_steps > config.steps:
        raise UserError(
            f"critic_steps={config.critic_steps} is more than steps={config.steps}: "
            "the generator would not be trained at all"
        )
    if on(config.augment.target) and not config.augment.policy:
        raise UserError(
            "augment.target moves how likely each augmentation is: say which in "
            "augment.policy, as color,translation,cutout"
        )
    used = list(penalties(config))
    if used and config.model.critic_norm == "batch":
        raise UserError(
            f"loss.{used[0]} wants a critic that judges each image by itself: "
            "set model.critic_norm to none, instance or group"
        )


def knobs(config: Config) -> str:
    """What to try after a mode collapse, of what this config allows."""
    loss = config.loss
    found = ["a smaller critic_optimizer.learning_rate"]
    if not penalties(config):
        joint = config.model.critic_norm == "batch"
        norm = " with model.critic_norm=group" if joint else ""
        found.append(f"loss.r1=0.1{norm}")
    if not loss.smoothing and loss.name in SMOOTHED:
        found.append("loss.smoothing=0.1")
    return ", ".join([*found, "another loss"])


def decay_of(config: Config) -> Scalar:
    """The decay of the average at a step; `ema_half_life` counts images."""
    half_life = config.ema_half_life
    return 0.5 ** (config.batch_size / half_life) if on(half_life) else config.ema


def drawn(loss: Any, fake: Array, real: Callable[[], Array]) -> Array:
    """What the generator minimizes; a paired loss asks for the real logits as well."""
    paired = getattr(loss, "paired", False)
    return loss.generator(fake, real()) if paired else loss.generator(fake)


def variety(
    images: Images, mask: Float[Array, " b"], axis: str | None
) -> Float[Array, ""]:
    """How much a batch (of all devices) varies: the mean over pixels of its deviation.

    Its share of the real images' falls towards 0 when the generator collapses.
    """
    over = lambda x: mean_across(reduce(x, mask, axis), axis)
    mean, square = over(images), over(jnp.square(images))
    return jnp.sqrt(jnp.maximum(square - jnp.square(mean), 0.0)).mean()


def make(config: Config, axis: str | None) -> Task:
    """A GAN; the step updates the critic, and the generator at each n-th step.

    One generator pass serves both: its images train the critic, and their gradient
    under the updated critic is pulled back through it.
    """
    g_net, d_net = networks(config, axis)
    # The generator's schedule counts its own updates.
    g_tx = optimizer(config.optimizer, max(1, config.steps // config.critic_steps))
    d_tx = optimizer(config.critic_optimizer, config.steps)
    loss = gan_losses[config.loss.name]
    measure = measuring(config)
    size, every = config.model.latent, config.critic_steps
    seen, fines, decay = Shown.of(config), Fines.of(config), decay_of(config)

    def init(key, batch):
        g_key, d_key = jax.random.split(key)
        label = batch.get("label")
        if config.model.conditional and label is None:
            raise UserError(
                f"model.conditional needs a class for each image; {data_name(config)} "
                "has classes of pixels alone"
            )
        z = jnp.zeros((len(batch["image"]), size))
        g = start(g_net, g_tx, g_key, z, label=label)
        d = start(d_net, d_tx, d_key, batch["image"], label=label)
        d = d._replace(stats=seen.begin(d.stats))
        ema = {"params": g.params, "batch_stats": g.stats}
        return State(jnp.zeros((), jnp.int32), {"generator": g, "critic": d}, ema)

    def judge(params, stats, batch, keys, images, salt):
        """Logits of the images as the critic is shown them, and its statistics."""
        images, drop = seen(images, fold(keys, salt), stats), fold(keys, DROP_D)
        label = batch.get("label")
        return forward(d_net, params, stats, images, label=label, keys=drop)

    def critic_loss(params, stats, batch, fake, keys, step, fine):
        real = batch["image"]
        mean = lambda values: reduce(values, batch["mask"], axis)
        real_logits, stats = judge(params, stats, batch, keys, real, OF_REAL)
        fake_logits, stats = judge(params, stats, batch, keys, fake, OF_FAKE)
        value = mean(loss.critic(real_logits, fake_logits, config.loss.smoothing))
        at = lambda salt: (
            lambda images: judge(params, stats, batch, keys, images, salt)[0]
        )
        between = fold(keys, BETWEEN)
        terms = {
            "gradient_penalty": lambda: mean(
                gradient_penalty(at(OF_FAKE), real, fake, between)
            ),
            "r1": lambda: mean(r1(at(OF_REAL), real)),
            "r2": lambda: mean(r1(at(OF_FAKE), fake)),
        }
        value += fines(step, fine, terms)
        stats = seen.adapted(stats, mean_across(mean(jnp.sign(real_logits)), axis))
        return value, (stats, mean(real_logits), mean(fake_logits))

    def train_step(state, batch, keys, turn=True if every == 1 else None, fine=None):
        """The generator's `turn`, and whether there is a `fine` for the critic, follow
        from the state's step, or are said beforehand.
        """
        check(config)
        g, d = state.nets["generator"], state.nets["critic"]
        label = batch.get("label")
        generate = lambda params: forward(
            g_net,
            params,
            g.stats,
            prior(keys, size),
            label=label,
            keys=fold(keys, DROP_G),
        )
        fake, pull, g_stats = jax.vjp(generate, g.params, has_aux=True)

        on_critic = jax.value_and_grad(critic_loss, has_aux=True)
        (d_loss, (d_stats, real_logit, fake_logit)), grads = on_critic(
            d.params, d.stats, batch, fake, keys, state.step, fine
        )
        d = descend(d, d_tx, grads, d_stats, axis)

        def generator_loss(fake):
            judged = lambda *of: judge(d.params, d.stats, batch, keys, *of)[0]
            beside = lambda: judged(batch["image"], OF_BESIDE)
            values = drawn(loss, judged(fake, OF_DRAWN), beside)
            mean = lambda values: reduce(values, batch["mask"], axis)
            if on(weight := config.loss.spectral):
                across = lambda values: mean_across(mean(values), axis)
                values += spectral(weight, fake, batch["image"], across)
            return mean(values)

        def update(g):
            g_loss, slope = jax.value_and_grad(generator_loss)(fake)
            return descend(g, g_tx, pull(slope)[0], g_stats, axis), g_loss

        skip = lambda g: (g, generator_loss(fake))
        if turn is None:
            g, g_loss = jax.lax.cond(state.step % every == every - 1, update, skip, g)
        else:
            g, g_loss = update(g) if turn else skip(g)
        ema = average(state.ema, g, decay, state.step)
        varies = lambda images: variety(images, batch["mask"], axis)
        scalars = {
            "d_loss": d_loss,
            "g_loss": g_loss,
            "real_logit": real_logit,
            "fake_logit": fake_logit,
            "diversity": varies(fake) / (varies(batch["image"]) + 1e-6),
        }
        nets = {"generator": g, "critic": d}
        return State(state.step + 1, nets, ema), mean_across(scalars, axis)

    def decode(state, latent, batch):
        return infer(g_net, state.ema, latent, label=batch.get("label"))

    def sample(state, batch, keys):
        return decode(state, prior(keys, size), batch)

    def judging(state, batch):
        d = state.nets["critic"]
        variables = {"params": d.params, "batch_stats": d.stats}
        return partial(infer, d_net, variables, label=batch.get("label"))

    def eval_step(state, batch, keys):
        fake = sample(state, batch, keys)
        judge = judging(state, batch)
        real_logits, fake_logits = judge(batch["image"]), judge(fake)
        mask = batch["mask"]
        return {
            "d_loss": Mean.of(loss.critic(real_logits, fake_logits, 0.0), mask),
            "g_loss": Mean.of(drawn(loss, fake_logits, lambda: real_logits), mask),
            **measure(batch["image"], fake, mask, batch),
        }

    def probe(state, batch, keys):
        fake = sample(state, batch, keys)
        slope = input_gradient(judging(state, batch), fake)
        shift = decoder_shift(lambda: sample(state, batch, keys), batch["mask"])
        return probed(batch["image"], fake, slope, shift, batch["mask"])

    turns = [(n, turn) for n, turn in ((1 / every, True), (1 - 1 / every, False)) if n]
    kinds = [
        (n * m, partial(train_step, turn=turn, fine=fine))
        for (n, turn), (m, fine) in product(turns, fines.turns)
    ]
    task = Task(init, train_step, eval_step, sample, decode, size, probe=probe)
    return task._replace(kinds=tuple(kinds), looks=True)
