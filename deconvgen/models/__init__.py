"""Networks: what a task trains."""

from deconvgen.models.autoencoder import Autoencoder
from deconvgen.models.blocks import Blocks, Finish
from deconvgen.models.classifier import Classifier
from deconvgen.models.dcgan import Discriminator, Generator
from deconvgen.models.decoder import Decoder
from deconvgen.models.encoder import Encoder
from deconvgen.models.residual import LearnedStart, ResidualBlock, Residuals
from deconvgen.models.segmentation import (
    Fcn,
    Segmenter,
    SegNet,
    UNet,
    joins,
    segmenters,
)
from deconvgen.models.superres import SuperResolution, trunks

__all__ = [
    "Autoencoder",
    "Blocks",
    "Classifier",
    "Decoder",
    "Discriminator",
    "Encoder",
    "Fcn",
    "Finish",
    "Generator",
    "LearnedStart",
    "ResidualBlock",
    "Residuals",
    "SegNet",
    "Segmenter",
    "SuperResolution",
    "UNet",
    "joins",
    "segmenters",
    "trunks",
]
