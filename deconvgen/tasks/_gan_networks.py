"""A GAN's generator and critic, from plain config values."""

from dataclasses import replace

from deconvgen.config import Config, data_name
from deconvgen.core.errors import UserError
from deconvgen.models.dcgan import Discriminator, Generator
from deconvgen.models.decoder import Decoder, seed_size
from deconvgen.models.encoder import Encoder
from deconvgen.models.residual import Residuals
from deconvgen.tasks import blocks


def networks(config: Config, axis: str | None) -> tuple[Generator, Discriminator]:
    """Generator and discriminator from plain config values."""
    model, shape = config.model, config.data.image_shape
    shared = blocks(config, axis)
    classes = config.data.num_classes if model.conditional else 0
    if model.conditional and not classes:
        raise UserError(
            f"model.conditional needs labels, and {data_name(config)} has none: set "
            "data.clusters, as --config=dcgan:untold does; --config=gan is told nothing"
        )
    if len(model.critic_features) not in (0, len(model.factors)):
        raise UserError(
            f"model.critic_features={model.critic_features} should list one number "
            f"for each of the {len(model.factors)} blocks, or be ()"
        )
    residuals = lambda depth: Residuals(
        depth, len(model.factors), model.group_width, dtype=shared.dtype
    )
    decoder = Decoder(
        features=(*model.features[1:], shape[-1]),
        factors=model.factors,
        blocks=replace(shared, gain_stddev=0.02, classes=classes * model.class_gains),
        residuals=residuals(model.depth),
    )
    generator = Generator(
        seed_size(shape, model.factors),
        model.features[0],
        decoder,
        num_classes=classes,
        start=model.start,
    )
    encoder = Encoder(
        features=model.critic_features or tuple(reversed(model.features)),
        factors=tuple(reversed(model.factors)),
        kernel_size=model.critic_kernel_size,
        finish=replace(
            shared,
            norm=model.critic_norm,
            dropout=model.critic_dropout,
            activation="leaky_relu",
        ),
        norm_first=False,
        spectral=model.spectral_norm,
        initializer=model.critic_initializer,
        residuals=residuals(model.critic_depth),
    )
    critic = Discriminator(
        encoder,
        num_classes=classes,
        initializer=encoder.initializer,
        deviation=model.critic_deviation,
        condition=model.critic_condition,
    )
    return generator, critic


def check_networks(config: Config) -> None:
    """Refuse what would change nothing: a sentence says what it goes with."""
    model = config.model
    apart = {
        "model.class_gains": (model.class_gains, "model.conditional", True),
        "model.critic_condition": (
            model.critic_condition != "projection",
            "model.conditional",
            True,
        ),
        "model.depth": (model.depth, "model.norm", "none"),
        "model.critic_depth": (model.critic_depth, "model.critic_norm", "none"),
    }
    for key, (used, other, value) in apart.items():
        if used and model[other.removeprefix("model.")] != value:
            raise UserError(f"{key} goes with {other}={value} alone")
    if model.group_width and not (model.depth or model.critic_depth):
        raise UserError("model.group_width is of the blocks of model.depth: it is 0")
