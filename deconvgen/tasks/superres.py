"""Super-resolution: photographs from their antialiased bicubic reductions."""

import jax.numpy as jnp

from deconvgen.config import Config
from deconvgen.core.errors import UserError
from deconvgen.core.types import Apply, State, Task
from deconvgen.losses.reconstruction import reconstruction_losses
from deconvgen.losses.terms import mixture
from deconvgen.metrics.artifacts import input_gradient
from deconvgen.metrics.edges import edge_positions, edge_sums, step_edges
from deconvgen.metrics.enlargement import compared, whole
from deconvgen.metrics.image import image_metrics
from deconvgen.metrics.shifts import Shifts
from deconvgen.metrics.sums import Mean
from deconvgen.models.superres import SuperResolution, trunks
from deconvgen.ops import resize
from deconvgen.ops.image import shrink
from deconvgen.tasks import _photographs, blocks, measuring, optimizer, probed
from deconvgen.training.steps import forward, infer, reduce, start, supervised

figures = _photographs.figures
pictures = {"superres": _photographs.picture}


def network(config: Config, axis: str | None) -> SuperResolution:
    """Trunk and head from plain config values."""
    model, shared = config.model, blocks(config, axis)
    if min(size := config.data.image_shape[:2]) < 3 * model.factor:
        raise UserError(
            f"images of {size} have nothing inside the border of {model.factor} pixels "
            f"that figures leave out: data.image_size should be {3 * model.factor} or "
            "more"
        )
    if model.last_upsampler:
        raise UserError(
            f"model.last_upsampler={model.last_upsampler}: superres has one upsampler "
            "alone, model.upsampler"
        )
    trunk = trunks[model.trunk](model.features, model.depth, shared)
    return SuperResolution(trunk, model.factor, shared, bicubic=model.bicubic)


def make(config: Config, axis: str | None) -> Task:
    """A network that minimizes `loss.name` between enlarged and original patches."""
    net, measure = network(config, axis), measuring(config)
    model, factor = config.model, config.model.factor
    scales = {"head": model.head_rate} | ({"trunk": 0.0} if model.freeze_trunk else {})
    tx = optimizer(config.optimizer, config.steps, scales)
    distance = mixture(reconstruction_losses, config.loss.name)
    detail = image_metrics["high_frequency_energy_kept"]

    enlarge = lambda state, lowres: infer(net, state.ema, lowres)

    def pair(batch):
        """(low resolution, high resolution); both from the image, on the device."""
        images = whole(batch["image"], factor)
        return shrink(images, factor), images

    def init(key, batch):
        model = start(net, tx, key, pair(batch)[0])
        ema = {"params": model.params, "batch_stats": model.stats}
        return State(jnp.zeros((), jnp.int32), {"model": model}, ema)

    def loss(params, stats, batch, keys):
        lowres, images = pair(batch)
        made, stats = forward(net, params, stats, lowres, keys=keys)
        return reduce(distance(made, images), batch["mask"], axis), (stats, {})

    def reconstruct(state, batch):
        return enlarge(state, pair(batch)[0])

    def eval_step(state, batch, keys):
        (lowres, images), mask = pair(batch), batch["mask"]
        made = enlarge(state, lowres)
        bicubic = resize.bicubic(lowres, factor)
        values = compared(made, bicubic, images, factor) | {
            "loss": distance(made, images),
            "high_frequency_energy_kept": detail(made, images),
            "high_frequency_energy_kept_bicubic": detail(bicubic, images),
        }
        sums = {name: Mean.of(value, mask) for name, value in values.items()}
        sums |= edges(state, images, mask)
        return sums | measure(images, made, mask)

    def edges(state, images, mask):
        count, height, width, channels = images.shape
        places = edge_positions(width, count)
        steps = step_edges((height, width), places, channels)
        lowres = shrink(steps, factor)
        return edge_sums(enlarge(state, lowres), places, mask)

    def probe(state, batch, keys):
        lowres, images = pair(batch)
        run = lambda lowres: enlarge(state, lowres)
        slope = input_gradient(lambda lowres: distance(run(lowres), images), lowres)
        mask = batch["mask"]
        shift = Shifts.of(run, lowres, 1 / factor, mask)
        return probed(images, run(lowres), slope, shift, mask)

    def sample(state, batch, keys):
        lowres, images = pair(batch)
        made = enlarge(state, lowres)
        enlarged = (resize.nearest(lowres, factor), resize.bicubic(lowres, factor))
        return jnp.clip(jnp.concatenate([*enlarged, made, images], axis=2), -1, 1)

    train_step = supervised(loss, tx, config.ema, axis)
    height, width, channels = config.data.image_shape
    small = (height // factor, width // factor, channels)
    return Task(
        init,
        train_step,
        eval_step,
        sample,
        reconstruct=reconstruct,
        probe=probe,
        apply=Apply(enlarge, small, net.reach),
    )
