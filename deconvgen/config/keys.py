"""The table of config keys: default, range, meaning, and what another value changes.

A task of one's own adds rows of its own: `@tasks.register(keys={...})`, or `declare`.
"""

from collections.abc import Mapping

from deconvgen.config.key import Key
from deconvgen.core.numbers import SEEDS

FEW, SOME, SHARE = "0 or more", "1 or more", "0 or more, below 1"


def _all(changes: str, resume: str, rows: dict[str, Key]) -> dict[str, Key]:
    same = dict(changes=changes, resume=resume)
    return {key: row._replace(**same) for key, row in rows.items()}


def _optimizer(group: str) -> dict[str, Key]:
    rows = dict(
        name=Key("adam", "optimizer", "how gradients become steps"),
        learning_rate=Key(1e-3, FEW, "the peak of the schedule"),
        b1=Key(0.9, SHARE, "decay of the gradients' average (adam, adamw)"),
        b2=Key(0.999, SHARE, "decay of their squares' (adam, adamw, rmsprop)"),
        momentum=Key(0.9, SHARE, "of sgd and rmsprop"),
        weight_decay=Key(0.0, FEW, "of kernels; decoupled in adamw"),
        clip=Key(0.0, FEW, "largest norm of all gradients together; 0: any"),
        schedule=Key("constant", "schedule", "of the learning rate"),
        warmup_steps=Key(0, FEW, "in which the rate rises from 0 to its peak"),
        rate_end=Key(0.0, SHARE, "share of the rate at the end of cosine or linear"),
        b2_end=Key(0.0, SHARE, "to which b2 goes half a cosine (adam); 0: stays"),
        step_every=Key(1000, SOME, "steps between factors (schedule step)"),
        step_factor=Key(0.5, FEW, "on the rate (schedule step)"),
    )
    return {f"{group}.{name}": row for name, row in rows.items()}


SHARED = {
    "task": Key("", "", "what is trained: see deconvgen list tasks"),
    "seed": Key(
        0, f"0 to {SEEDS - 1}", "of the start, the order and every draw", "start"
    ),
    "steps": Key(1000, f"1 to {10**8 - 1}", "training steps", "numbers", ""),
    "batch_size": Key(64, SOME, "examples in a step, of all devices together"),
    "dtype": Key(
        "float32",
        ("float32", "bfloat16"),
        "of the computation; parameters stay float32",
    ),
    "imports": Key(
        (),
        "files",
        "one's own files and modules, imported first",
        resume="what they register may be another thing than before",
    ),
    "init_from": Key("", "path", "a run, or pretrained:NAME, to start as", "start"),
    "data.name": Key("fashion_mnist_small", "", "a listed data set, or one of TFDS"),
    "data.folder": Key(
        "",
        "path",
        "of one's own images, instead of data.name",
        resume="the images are the same",
    ),
    "data.image_size": Key(0, FEW, "side of the square images; 0: as stored"),
    "data.channels": Key(0, (0, 1, 3), "1: grey, 3: colour, 0: as stored"),
    "data.crop": Key("center", "crop", "how images become square"),
    "data.flip": Key(False, "", "mirror half of the training images"),
    "data.num_classes": Key(0, FEW, "of labels or masks; 0: as many as data have"),
    "data.clusters": Key(0, FEW, "to be told as classes, by k-means; 0: own classes"),
    "data.ignore_label": Key(255, "-1 or more", "of pixels not to count; -1: none"),
    "data.mask_values": Key((), FEW, "of each class in masks; (): 0, 1, 2, ..."),
    "data.validation": Key(
        0.1, SHARE, "of training images held out, where data have no such split"
    ),
    "model.upsampler": Key("conv_transpose", "upsampler,", "of all blocks, or a,b,c"),
    "model.last_upsampler": Key("", "upsampler", "of the last block alone"),
    "model.initializer": Key(
        "default", "initializer,", "of the upsampling layers, all or each", "start"
    ),
    "model.kernel_size": Key(0, f"{FEW},", "of upsampling layers; 0: each one's own"),
    "model.residual": Key(False, "", "add the input, upsampled by bilinear_additive"),
    "model.reduction": Key("sum", ("sum", "mean"), "of channels in bilinear_additive"),
    "model.box_filter": Key(False, "", "zero-order hold behind upsampling layers"),
    "model.shortcut": Key(
        "bilinear_additive",
        ("bilinear_additive", "channel_repeat"),
        "added by residual",
    ),
    "model.smoothing": Key(
        0, "0 to 9", "order of box_filter: 2 is [1, 2, 1]; 0: its own"
    ),
    "model.extra_conv": Key(False, "", "one more stride-1 convolution a block"),
    "model.norm": Key("batch", "norm", "normalization of the blocks"),
    "model.dropout": Key(0.0, SHARE, "share of the features to drop"),
    "model.equal": Key(
        "widths",
        ("widths", "multiply_adds"),
        "as given, or solved to cost what conv_transpose does",
    ),
    **_optimizer("optimizer"),
    "ema": Key(0.999, SHARE, "decay of the averaged parameters; 0: none", "numbers"),
    "steps_per_call": Key(
        0,
        FEW,
        "train steps in one program; 0: what suits the device",
        resume="the same to rounding",
    ),
    **_all(
        "nothing",
        "",
        {
            "log_every": Key(50, SOME, "steps between lines of metrics.jsonl"),
            "sample_every": Key(500, SOME, "steps between sample grids"),
            "eval_every": Key(500, SOME, "steps between evaluations and checkpoints"),
            "checkpoint_every": Key(250, SOME, "steps between further checkpoints"),
            "num_samples": Key(64, f"1 to {10**5}", "in a sample grid"),
        },
    ),
    **_all(
        "figures",
        "figures before and after it are of different evaluations",
        {
            "eval.num_examples": Key(2000, SOME, "examples of an evaluation, at most"),
            "eval.batch_size": Key(100, SOME, "examples of an evaluation at once"),
            "eval.extractor": Key(
                "auto", "feature extractor", "auto: classifier, or random without one"
            ),
            "eval.weights": Key("", "path", "of an extractor's weights, not its own"),
            "eval.batch_norm": Key(
                "running",
                ("running", "batch", "re-estimated"),
                "statistics that deconvgen evaluate normalizes by",
            ),
        },
    ),
    **_all(
        "figures",
        "the best step is looked for anew among all",
        {
            "monitor.metric": Key("loss", "", "the figure that tells the best step"),
            "monitor.mode": Key(
                "auto", ("min", "max"), "its best; auto: see deconvgen list measures"
            ),
            "monitor.patience": Key(
                0, FEW, "evaluations without a new best, then stop; 0: go on"
            ),
        },
    ),
}
"""The rows of every config, whatever its task."""

_ACTIVATION = Key(
    "relu",
    ("relu", "leaky_relu", "filtered_leaky_relu", "elu", "selu", "gelu", "silu"),
    "of the upsampling blocks; filtered: alias-free",
)
_CODE = {
    "model.activation": _ACTIVATION,
    "model.latent": Key(32, SOME, "numbers in the code"),
    "model.hidden": Key(0, FEW, "width of a layer on its both sides; 0: none"),
    "model.features": Key((32, 64), SOME, "behind each block of the encoder"),
    "model.decoder_features": Key((), SOME, "of the decoder's blocks; (): reversed"),
    "model.factors": Key((2, 2), SOME, "by which each block shrinks"),
    "model.encoder_kernel_size": Key(4, SOME, "of the strided convolutions"),
    "model.convs": Key(1, SOME, "convolutions in a block of the encoder"),
    "model.pool": Key(False, "", "max-pool and keep the indices, not strides"),
}
_DISTANCE = Key(
    "l1", "reconstruction loss+", "minimized; a sum reads l1 + 0.1 azimuthal"
)

OWN: dict[str, dict[str, Key]] = {
    "autoencoder": _CODE
    | {
        "loss.name": _DISTANCE._replace(default="log_l2"),
        "corruption.name": Key("none", "corruption", "what is to be undone"),
        "corruption.amount": Key(0.0, FEW, "a deviation, or a share of the image"),
    },
    "vae": _CODE
    | {
        "loss.likelihood": Key("logistic", "likelihood", "of 8-bit levels"),
        "loss.components": Key(0, FEW, "laws in each pixel; 0: one scale for all"),
        "loss.beta": Key(1.0, FEW, "weight of the KL divergence"),
        "loss.free_bits": Key(0.0, FEW, "nats that each dimension has for nothing"),
        "eval.importance_samples": SHARED["eval.num_examples"]._replace(
            default=10, about="draws of the importance-weighted bound"
        ),
        "model.latent": Key(16, SOME, "dimensions of the latent"),
    },
    "gan": _optimizer("critic_optimizer")
    | {
        "critic_steps": Key(1, SOME, "critic updates for each of the generator"),
        "loss.name": Key("non_saturating", "GAN loss", "of both networks"),
        "loss.smoothing": Key(0.0, SHARE, "the real label becomes 1 - smoothing"),
        "loss.gradient_penalty": Key(0.0, FEW, "weight; 10 in WGAN-GP"),
        "loss.r1": Key(0.0, FEW, "weight of the penalty at real images"),
        "loss.r2": Key(0.0, FEW, "weight of the penalty at generated ones"),
        "loss.spectral": Key(0.0, FEW, "weight of the spectra's azimuthal divergence"),
        "loss.penalty_every": Key(1, SOME, "steps; lazy ones count as many times"),
        "loss.penalty_end": Key(1.0, FEW, "share of the weights at a cosine's end"),
        "augment.policy": Key("", "augmentation,", "of what the critic sees; or none"),
        "augment.p": Key(1.0, "0 to 1", "how likely each of them is"),
        "augment.target": Key(
            0.0, "", "mean sign of real logits that p follows; 0: none"
        ),
        "augment.ramp_images": Key(500_000, SOME, "in which p can go from 0 to 1"),
        "ema_half_life": Key(0, FEW, "in images; 0: ema is the decay", "numbers"),
        "model.activation": _ACTIVATION,
        "model.latent": Key(100, SOME, "dimensions of the latent"),
        "model.features": Key((128, 64), SOME, "of the seed and all blocks but one"),
        "model.factors": Key((2, 2), SOME, "by which each block enlarges"),
        "model.conditional": Key(False, "", "generate and judge by the label"),
        "model.class_gains": Key(False, "", "and biases behind the generator's norms"),
        "model.critic_condition": Key(
            "projection",
            ("projection", "features", "one_hot"),
            "on the features' mean, on all of them, or maps beside the image",
        ),
        "model.start": Key(
            "projected", ("projected", "learned"), "a map scaled by the latent, or made"
        ),
        "model.depth": Key(0, FEW, "residual blocks before each upsampling, no norms"),
        "model.critic_depth": Key(0, FEW, "and behind each stride of the critic"),
        "model.group_width": Key(0, FEW, "of their inverted bottleneck; 0: without"),
        "model.critic_features": Key((), SOME, "of the critic's blocks; (): reversed"),
        "model.critic_kernel_size": Key(4, SOME, "of the critic's convolutions"),
        "model.critic_norm": Key(
            "batch", "norm", "normalization of the critic's blocks"
        ),
        "model.critic_dropout": Key(
            0.0, SHARE, "share of the features to drop in the critic"
        ),
        "model.critic_initializer": Key(
            "dcgan", "initializer", "of the critic", "start"
        ),
        "model.critic_deviation": Key(False, "", "minibatch standard deviation, of 4"),
        "model.spectral_norm": Key(False, "", "spectral normalization in the critic"),
    },
    "segmentation": {
        "loss.name": Key("cross_entropy + dice", "segmentation loss+", "minimized"),
        "loss.class_weights": Key((), FEW, "one number a class; (): all alike"),
        "model.name": Key("unet", "segmentation model", "the network"),
        "model.features": Key((16, 32, 64, 64), SOME, "of resolutions, finest first"),
        "model.convs": Key(3, SOME, "3x3 convolutions in a block of the encoder"),
        "model.decoder_convs": Key(1, SOME, "and in those behind it"),
        "model.join": Key("add", "model.join", "of a unet's encoder and decoder"),
        "model.fuse": Key(2, FEW, "resolutions that an fcn adds to its coarsest"),
        "model.freeze_upsampling": Key(False, "", "leave these layers as they start"),
    },
    "superres": {
        "loss.name": _DISTANCE,
        "model.factor": Key(2, "2 to 8", "by which images are enlarged"),
        "model.trunk": Key("residual", "trunk", "the network before the upsampler"),
        "model.features": Key(32, SOME, "channels of the trunk"),
        "model.depth": Key(4, SOME, "blocks of the trunk"),
        "model.bicubic": Key(True, "", "add to the bicubic enlargement"),
        "model.head_rate": Key(1.0, FEW, "of the last layer, times the learning rate"),
        "model.freeze_trunk": Key(False, "", "train the last layer alone"),
    },
}
"""And those of each task alone."""


def declare(task: str, keys: Mapping[str, Key]) -> None:
    """Add the rows of a task of one's own.

    >>> width = config.Key(32, "1 or more", "channels")
    >>> config.declare("inpainting", {"model.width": width})
    >>> config.defaults("inpainting").model.width
    32
    """
    OWN[task] = OWN.get(task, {}) | dict(keys)


def rows(task: str) -> dict[str, Key]:
    """Every row of a task's configs, by key.

    >>> config.rows("gan")["critic_steps"].about
    'critic updates for each of the generator'
    """
    return SHARED | OWN.get(task, {})


def row(task: str, key: str) -> Key:
    """The row of a key; of one that the table lacks, what is safe.

    It is then taken to change what is trained, unless it is in a group of which every
    row says the same (`eval`, `monitor`).

    >>> config.row("gan", "ema").expected()
    '0 or more, below 1'
    """
    table = rows(task)
    group = f"{key.partition('.')[0]}."
    alike = {r[3:] for k, r in table.items() if k.startswith(group)}
    if key in table or len(alike) != 1:
        return table.get(key, Key(None, "", ""))
    changes, resume = alike.pop()
    return Key(None, "", "", changes, resume)
