"""Variational autoencoders: images from the prior, bounds on their likelihood."""

import math

import jax
import jax.numpy as jnp

from deconvgen.audit.decoder_shift import decoder_shift
from deconvgen.config import Config
from deconvgen.core.errors import UserError
from deconvgen.core.types import State, Task
from deconvgen.losses.latent import free_bits, gaussian_kl
from deconvgen.losses.likelihoods import Mixture, likelihoods, mixable
from deconvgen.metrics.artifacts import input_gradient
from deconvgen.metrics.image import image_metrics
from deconvgen.metrics.sums import Mean
from deconvgen.models.autoencoder import mirror
from deconvgen.tasks import measuring, optimizer, probed
from deconvgen.tasks.autoencoder import network
from deconvgen.training.steps import (
    fold,
    forward,
    infer,
    mean_across,
    normals,
    prior,
    reduce,
    start,
    supervised,
)

LATENT, DROP, BOUND, POSTERIOR = range(4)  # what an example's key is folded with


def make(config: Config, axis: str | None) -> Task:
    """A VAE (Kingma and Welling 2014) with beta (Higgins et al. 2017) and free bits.

    The decoder gives the mean, and a scale for each channel is learned beside it; or,
    with `loss.components`, it gives that many laws and their weights for each pixel.
    """
    if config.model.pool:
        raise UserError(
            "model.pool=True hands the decoder the places of the encoder's maxima, "
            "which a latent drawn from the prior does not have; use task autoencoder"
        )
    shape, laws = tuple(config.data.image_shape), config.loss.components
    net = network(config, axis, moments=2, numbers=laws * (1 + 2 * shape[-1]))
    measure = measuring(config)
    tx = optimizer(config.optimizer, config.steps)
    name = config.loss.likelihood
    if laws:
        mixable(name)
    beta, floor = config.loss.beta, config.loss.free_bits
    count, size = config.eval.importance_samples, config.model.latent

    def log_likelihood(made, params, images):
        if laws:
            return Mixture.of(made, laws).log_p(name, images)
        return likelihoods[name](made, params["log_scale"], images)

    def moments(code):
        mean, log_variance = jnp.split(code, 2, axis=-1)
        return mean, jnp.clip(log_variance, -10.0, 10.0)

    def draw(mean, log_variance, keys):
        return mean + jnp.exp(log_variance / 2) * normals(keys, size)

    def init(key, batch):
        model = start(net, tx, key, batch["image"])
        params = mirror(model.params, config.model.initializer)
        scale = {"log_scale": jnp.full(shape[-1], -2.0, jnp.float32)}
        params = {"net": params} | ({} if laws else scale)
        model = model._replace(params=params, opt=tx.init(params))
        ema = {"params": params, "batch_stats": model.stats}
        return State(jnp.zeros((), jnp.int32), {"model": model}, ema)

    def loss(params, stats, batch, keys):
        images, mask = batch["image"], batch["mask"]
        drop = fold(keys, DROP)
        code, stats = forward(
            net, params["net"], stats, images, keys=drop, method="encode"
        )
        mean, log_variance = moments(code.latent)
        z = draw(mean, log_variance, fold(keys, LATENT))
        made, stats = forward(net, params["net"], stats, z, keys=drop, method="decode")
        log_p = reduce(log_likelihood(made, params, images), mask, axis)
        each = gaussian_kl(mean, log_variance)
        usual = mean_across(reduce(each, mask, axis), axis)
        kl = reduce(each.sum(-1), mask, axis)
        paid = reduce(free_bits(each, floor, usual).sum(-1), mask, axis)
        value = (beta * paid - log_p) / math.prod(shape)
        return value, (stats, {"log_likelihood": log_p, "kl": kl})

    def infer_net(state, *inputs, **settings):
        variables = {**state.ema, "params": state.ema["params"]["net"]}
        return infer(net, variables, *inputs, **settings)

    def numbers(state, latent):
        return infer_net(state, latent, method="decode")

    def decode(state, latent, batch):
        made = numbers(state, latent)
        return Mixture.of(made, laws).image() if laws else made

    def encode(state, images):
        return moments(infer_net(state, images, method="encode").latent)

    def reconstruct(state, batch):
        return decode(state, encode(state, batch["image"])[0], batch)

    def sample(state, batch, keys):
        return decode(state, prior(keys, size), batch)

    def log_ratio(state, images, mean, log_variance, keys):
        """log p(x, z) - log q(z | x) at one draw z of q, and log p(x | z)."""
        noise = normals(keys, size)
        z = mean + jnp.exp(log_variance / 2) * noise
        log_p = log_likelihood(numbers(state, z), state.ema["params"], images)
        prior = -0.5 * jnp.sum(z**2, -1)
        posterior = -0.5 * jnp.sum(noise**2 + log_variance, -1)
        return log_p + prior - posterior, log_p

    def eval_step(state, batch, keys):
        images, mask = batch["image"], batch["mask"]
        mean, log_variance = encode(state, images)
        kl = gaussian_kl(mean, log_variance)
        used = jnp.where(jnp.isnan(kl), kl, kl > 0.1)

        def one(number):
            seeds = fold(fold(keys, BOUND), number)
            return log_ratio(state, images, mean, log_variance, seeds)

        ratios, log_p = jax.lax.map(one, jnp.arange(count))
        elbo = log_p.mean(0) - kl.sum(-1)
        bound = jax.nn.logsumexp(ratios, axis=0) - math.log(count)
        bits = lambda nats: -nats / (math.prod(shape) * math.log(2))
        made = decode(state, mean, batch)
        return {
            "elbo_nats": Mean.of(elbo, mask),
            "elbo_bits_per_dim": Mean.of(bits(elbo), mask),
            f"iw{count}_bound_nats": Mean.of(bound, mask),
            f"iw{count}_bound_bits_per_dim": Mean.of(bits(bound), mask),
            "kl_nats": Mean.of(kl.sum(-1), mask),
            "distortion_nats": Mean.of(-log_p.mean(0), mask),
            "latents_in_use": Mean.of(used.sum(-1), mask),
            **{k: Mean.of(f(made, images), mask) for k, f in image_metrics.items()},
            **measure(images, sample(state, batch, keys), mask, batch),
        }

    def probe(state, batch, keys):
        images = batch["image"]

        def bound(given):
            mean, log_variance = encode(state, given)
            z = draw(mean, log_variance, fold(keys, POSTERIOR))  # no sample's latent
            made, params = numbers(state, z), state.ema["params"]
            log_p = log_likelihood(made, params, images)
            return gaussian_kl(mean, log_variance).sum(-1) - log_p

        shift = decoder_shift(lambda: sample(state, batch, keys), batch["mask"])
        fake, slope = sample(state, batch, keys), input_gradient(bound, images)
        return probed(images, fake, slope, shift, batch["mask"])

    train_step = supervised(loss, tx, config.ema, axis)
    made = Task(init, train_step, eval_step, sample, decode, size, reconstruct, probe)
    return made._replace(looks=True)
