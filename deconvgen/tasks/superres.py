"""Super-resolution: photographs from their antialiased bicubic reductions."""

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from deconvgen.config import Config
from deconvgen.core.errors import UserError
from deconvgen.core.types import State, Task
from deconvgen.losses.reconstruction import reconstruction_losses
from deconvgen.losses.terms import mixture
from deconvgen.metrics.artifacts import input_gradient, shift_inconsistency
from deconvgen.metrics.edges import edge_positions, edge_sums, step_edges
from deconvgen.metrics.image import image_metrics
from deconvgen.metrics.sums import Mean
from deconvgen.models.superres import SuperResolution, trunks
from deconvgen.ops import resize
from deconvgen.ops.image import crop, luma, quantize, shrink
from deconvgen.tasks import dtype, measuring, optimizer, probed, upsampling
from deconvgen.training.steps import forward, infer, reduce, start, supervised

Images = Float[Array, "b h w c"]
MODIFIERS = ("residual", "reduction", "box_filter", "shortcut", "smoothing")
SHARED = ("upsampler", "initializer", "kernel_size", *MODIFIERS)


def network(config: Config, axis: str | None) -> SuperResolution:
    """Trunk and head from plain config values."""
    model, settings = config.model, upsampling(config, axis)
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
    trunk = trunks[model.trunk](
        features=model.features,
        depth=model.depth,
        norm=model.norm,
        dropout=model.dropout,
        axis_name=axis,
        dtype=dtype(config),
    )
    return SuperResolution(
        trunk,
        model.factor,
        bicubic=model.bicubic,
        extra_conv=model.extra_conv,
        dtype=dtype(config),
        **{key: settings[key] for key in SHARED},
    )


def whole(images: Images, factor: int) -> Float[Array, "b h2 w2 c"]:
    """Without the rows and columns that fill no low-resolution pixel."""
    _, h, w, _ = images.shape
    return images[:, : h - h % factor, : w - w % factor]


def figures(made: Images, images: Images, factor: int) -> dict[str, Float[Array, " b"]]:
    """PSNR in dB and SSIM of Y in 8-bit levels, `factor` pixels of border cropped.

    As in the MATLAB scripts of the field, Y spans 16 to 235 for an image in colour; a
    grey one (channels all equal, or one alone) is scored on its own 0 to 255.
    """
    levels = lambda x: quantize(jnp.broadcast_to(x, (*x.shape[:-1], 3)))
    truth = levels(images)
    grey = jnp.all(truth == truth[..., :1], axis=(1, 2, 3), keepdims=True)

    def y(x):
        studio = luma(x)
        full = (studio + 1 - 16 / 127.5) * (255 / 219) - 1
        return crop(jnp.where(grey, full, studio), factor)

    made, truth = y(levels(made)), y(truth)
    return {name: image_metrics[name](made, truth) for name in ("psnr", "ssim")}


def compared(
    made: Images, bicubic: Images, images: Images, factor: int
) -> dict[str, Float[Array, " b"]]:
    """`figures` of the model and of the bicubic enlargement, and the gain in dB."""
    ours, theirs = figures(made, images, factor), figures(bicubic, images, factor)
    return {
        **{f"{k}_y": v for k, v in ours.items()},
        **{f"{k}_y_bicubic": v for k, v in theirs.items()},
        "gain_db": ours["psnr"] - theirs["psnr"],
    }


def make(config: Config, axis: str | None) -> Task:
    """A network that minimizes `loss.name` between enlarged and original patches."""
    net, measure = network(config, axis), measuring(config)
    model, factor = config.model, config.model.factor
    scales = {"head": model.head_rate} | ({"trunk": 0.0} if model.freeze_trunk else {})
    tx = optimizer(config.optimizer, config.steps, scales)
    distance = mixture(reconstruction_losses, config.loss.name)
    detail = image_metrics["high_frequency_energy_kept"]

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
        """Of `lowres`, where the batch has it, else of the reduced image."""
        lowres = batch["lowres"] if "lowres" in batch else pair(batch)[0]
        return infer(net, state.ema, lowres)

    def eval_step(state, batch, keys):
        (lowres, images), mask = pair(batch), batch["mask"]
        made = infer(net, state.ema, lowres)
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
        return edge_sums(infer(net, state.ema, lowres), places, mask)

    def probe(state, batch, keys):
        lowres, images = pair(batch)
        run = lambda lowres: infer(net, state.ema, lowres)
        slope = input_gradient(lambda lowres: distance(run(lowres), images), lowres)
        shift = shift_inconsistency(run, lowres, 1 / factor)
        return probed(images, run(lowres), slope, shift, batch["mask"])

    def sample(state, batch, keys):
        lowres, images = pair(batch)
        made = infer(net, state.ema, lowres)
        enlarged = (resize.nearest(lowres, factor), resize.bicubic(lowres, factor))
        return jnp.clip(jnp.concatenate([*enlarged, made, images], axis=2), -1, 1)

    train_step = supervised(loss, tx, config.ema, axis)
    return Task(
        init, train_step, eval_step, sample, reconstruct=reconstruct, probe=probe
    )
