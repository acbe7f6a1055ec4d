"""The commands that measure what anybody has: pictures, networks, layers."""

from pathlib import Path

from deconvgen.cli.parser import Flag, Values, command, place, whole
from deconvgen.cli.thresholds import MEASURES, hold, tell
from deconvgen.core.errors import UserError

NUM = Flag("num", "How many pictures of each at most; 0: all.", 0, whole(0))


@command(
    Flag(
        "extractor",
        "The space of the features: random, classifier, inception, MODULE:FUNCTION.",
        "random",
    ),
    Flag("dataset", "The data set whose classifier it is."),
    Flag("weights", "A file of the extractor's weights.", kind=place),
    NUM,
    Flag("by_class", "Figures of each class as well, where both have labels.", False),
    *MEASURES,
    words="REAL FAKE",
)
def compare(values: Values) -> None:
    """Pictures against real ones: fidelity, artefacts, copies, with intervals."""
    from deconvgen.audit import comparison, comparison_words
    from deconvgen.core import files
    from deconvgen.runs.picture_sources import opened

    if len(values.words) < 2:
        raise UserError(
            "deconvgen compare wants REAL and FAKE: folders, .npz or .npy files, run "
            "folders or names of data sets"
        )
    out = Path(values.out).expanduser() if values.out else None
    if out is not None:
        files.writable(out)
    first, *others = values.words
    real = opened(first, values.num)
    fakes = [opened(name, values.num or real.num) for name in others]
    found = comparison.compare(
        real,
        *fakes,
        extractor=values.extractor,
        dataset=values.dataset,
        weights=values.weights,
        num=values.num,
        by_class=values.by_class,
    )
    lines = comparison_words.told(found)
    if out is not None:
        from deconvgen.audit.comparison_page import (
            write_page,
        )  # Matplotlib starts slowly

        lines.append(f"page  {write_page(found, out / 'compare.html')}")
    tell(found.record(), values.json, lines)
    figures = {v.seen.pictures.name: v.figures for v in found.fakes}
    hold(getattr(values, "fail-above"), figures)


MODIFIERS = (
    Flag("residual", "Add bilinear additive upsampling of the input.", False),
    Flag("box_filter", "A zero-order hold behind the layer.", False),
    Flag("smoothing", "Order of the box filter: 2 is [1, 2, 1].", 0, whole(0, 9)),
    Flag("extra_conv", "One more stride-1 convolution.", False),
)


LOOKED_AT = ("images", "model", "weights", "upsampler")


def sizes(text: str) -> int | tuple[int, ...]:
    """The kind of rows and columns: `4` -> 4, `3,5` -> (3, 5)."""
    try:
        values = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ValueError("2 or 2,3, say") from None
    first, *more = values
    return values if more else first


@command(
    Flag(
        "images", "A folder, .npz or .npy file, run or data set to look at.", kind=place
    ),
    Flag("real", "The same of real pictures: the floor.", kind=place),
    Flag("num", "Of pictures: how many are looked at.", 1000, whole(1)),
    Flag("longest", "Of pictures: the longest period, in pixels.", 64, whole(2, 256)),
    Flag("model", "A network: FILE.stablehlo, FILE.onnx or MODULE:NAME.", kind=place),
    Flag("input", "Of a network: what goes in, as 16,16,64.", None, sizes),
    Flag("layout", "Of a network: NHWC or NCHW, where it cannot be told."),
    Flag(
        "weights",
        "PyTorch's: FILE.safetensors or FILE.pt, never unpickled.",
        kind=place,
    ),
    Flag("upsampler", "NAME[:KERNEL[:INIT]],...; all if none is named."),
    Flag(
        "kernel_size",
        "Rows and columns: 4, or 3,5; the upsampler's own if none is given.",
        None,
        sizes,
    ),
    Flag(
        "factor",
        "Of rows and columns: 2, or 2,3; of --weights, as the kernels say if none.",
        None,
        sizes,
    ),
    Flag("init", "One of `deconvgen list initializers`."),
    Flag("features", "Channels that come out.", 64, whole(1)),
    *MODIFIERS,
    *MEASURES,
)
def audit(values: Values) -> None:
    """What grid pictures have (--images), a network (--model), or our own layers."""
    if len(asked := [n for n in LOOKED_AT if getattr(values, n)]) > 1:
        raise UserError(f"--{asked[0]} and --{asked[1]} are audited one by one")
    if values.real and not values.images:
        raise UserError("--real goes with --images: the pictures to look at")
    if values.images:
        _pictures(values)
        return
    if values.weights:
        _weights(values)
        return
    if values.model:
        _network(values)
        return
    if values.json or getattr(values, "fail-above"):
        raise UserError(
            "--json and --fail-above go with --images, --model or --weights"
        )
    from deconvgen import audit as page

    page.run(
        values.upsampler or None,
        values.kernel_size,
        values.factor or 2,
        values.init or None,
        values.features,
        values.out or None,
        **{flag.name: getattr(values, flag.name) for flag in MODIFIERS},
    )


def _pictures(values: Values) -> None:
    from deconvgen.audit.picture_audit import audit_pictures
    from deconvgen.core import files
    from deconvgen.runs.picture_sources import opened

    out = Path(values.out).expanduser() if values.out else None
    if out is not None:
        files.writable(out)
    one, other = (
        opened(name, values.num, crop=True) if name else None
        for name in (values.images, values.real)
    )
    found = audit_pictures(one, other, num=values.num, longest=values.longest)
    looked = (found.pictures, found.real)
    lines = [f"{x.name}: {'; '.join(x.notes)}" for x in looked if x and x.notes]
    lines += found.said
    if out is not None:
        from deconvgen.audit.picture_page import write_page  # Matplotlib starts slowly

        lines.append(f"page  {write_page(found, out / 'pictures.html')}")
    record = {**found.figures, "said": found.said, "notes": found.pictures.notes}
    tell(record, values.json, lines)
    hold(getattr(values, "fail-above"), {found.pictures.name: found.figures})


def _weights(values: Values) -> None:
    from deconvgen.audit import weights
    from deconvgen.audit.weight_files import arrays

    given = arrays(Path(values.weights).expanduser())
    stride = values.factor if isinstance(values.factor, int) else 0
    found = weights.layers(given, stride)
    lines = weights.told(found)
    if values.init:
        if not values.out:
            raise UserError("say where the start goes: --out=FOLDER")
        made = weights.started(given, values.init, stride)
        out = Path(values.out).expanduser() / f"{values.init}.safetensors"
        lines += [
            f"start  {weights.write(made, out)}",
            *weights.told(weights.layers(made, stride)),
        ]
    records = {layer.name: layer._asdict() for layer in found}
    tell(records, values.json, lines)
    hold(getattr(values, "fail-above"), records)


def _network(values: Values) -> None:
    from deconvgen.audit import network_words
    from deconvgen.audit.black_box import network
    from deconvgen.audit.network_files import found
    from deconvgen.core import files

    out = Path(values.out).expanduser() if values.out else None
    if out is not None:
        files.writable(out)
    given = found(values.model)
    shape = values.input or given.input_shape
    if not isinstance(shape, tuple) or len(shape) < 2:
        raise UserError(f"say what {values.model} takes: --input=16,16,64, say")
    made = network(given.function, shape, layout=values.layout, stages=given.stages)
    lines = network_words.told(made)
    if out is not None:
        from deconvgen.audit.network_page import write_page  # Matplotlib starts slowly

        lines.append(f"page  {write_page(made, values.model, out / 'network.html')}")
    record = {
        **made.figures(),
        "stages": [stage._asdict() for stage in made.stages],
        "said": network_words.sentences(made),
        "remedies": [remedy._asdict() for remedy in network_words.remedies(made)],
    }
    tell(record, values.json, lines)
    hold(getattr(values, "fail-above"), {values.model: made.figures()})
