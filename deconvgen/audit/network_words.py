"""What the audit of a network says, and what it prescribes, for JAX and for PyTorch."""

import math
from typing import NamedTuple

from deconvgen.audit.black_box import NetworkAudit, Stage
from deconvgen.audit.probe import audit

GAP = 0.02
"""DC gap above which a constant comes out with a grid that is seen."""
UNEVEN = 1.7
"""Phase variance above which kernels overlap unevenly: 1.78 of 7 taps at stride 2."""
RANGE = 4.4
"""What the range of four deviates is below in 99 of 100 draws, in their deviations."""
TAPS = 4
REPLICA_DB = -20.0


class Remedy(NamedTuple):
    """A change, the reason for it, and how it is written down."""

    change: str
    why: str
    jax: str
    torch: str


def uneven_above(channels: tuple[int, int]) -> float:
    """The phase variance that channels in and out do not have by chance.

    Each phase has weights of its own, of `TAPS` pixels at least: where channels are
    few, random ones differ in their squares whatever the kernel's size is.
    """
    weights = TAPS * channels[0] * channels[1]
    return max(UNEVEN, math.exp(RANGE * math.sqrt(2 / weights)))


def gridded(found: NetworkAudit | Stage, channels: tuple[int, int]) -> bool:
    """Whether constants or noise come out with a grid; a replica alone is none."""
    return found.dc_gap > GAP or found.phase_variance > uneven_above(channels)


def culprit(found: NetworkAudit) -> Stage | None:
    """The first stage after which there is a grid; None where none is known to."""
    before = found.channels[0]
    for stage in found.stages:
        if gridded(stage, (before, stage.channels)):
            return stage
        before = stage.channels
    return None


def sentences(found: NetworkAudit) -> list[str]:
    """What was measured, a sentence each."""
    r, s = found.factor
    by = f"{r}" if r == s else f"{r} x {s}"
    said = [
        f"It enlarges by {by}, {found.channels[0]} to {found.channels[1]} channels."
    ]
    if found.strides:
        own = ", ".join(f"{d} ({share:.0%})" for d, share in found.strides.items())
        said.append(f"Periods with a grid of their own: {own} of the mean answer.")
    if math.isnan(found.phase_variance):
        return [*said, "Nothing varies: whatever goes in, one flat image comes out."]
    if math.isnan(found.dc_gap):
        said.append("Constants all come out as the answer to 0: no grid is seen in it.")
    elif found.dc_gap > GAP:
        said.append(
            f"A constant comes out with a grid: DC gap {found.dc_gap:.3f}, "
            f"{found.off_dc:.0%} of the spectrum's magnitude is off 0."
        )
    else:
        said.append("A constant comes out constant.")
    if found.phase_variance > uneven_above(found.channels):
        said.append(
            f"Uneven: some output pixels vary {found.phase_variance:.2f} times as much "
            "as others."
        )
    elif found.phase_variance > UNEVEN:
        said.append(
            f"Some output pixels vary {found.phase_variance:.2f} times as much as "
            "others: with so few channels, random weights of an even kernel may, too."
        )
    else:
        said.append(f"Even: output pixels vary alike ({found.phase_variance:.2f}).")
    said.append(
        f"Shifts: EQ-T {found.eq_t:.1f} dB by whole input pixels, "
        f"{found.eq_t_frac:.1f} dB by one output pixel; a wave's strongest "
        f"replica is at {found.alias_db:.1f} dB."
    )
    if found.eq_t < 60:
        said.append(
            "It does not even follow shifts by whole input pixels: something in it "
            "knows positions (an inner stride, a positional code, a far border)."
        )
    reach = "x".join(map(str, found.receptive_field))
    said.append(f"An output pixel sees about {reach} input pixels.")
    if found.border:
        said.append(f"Borders reach {found.border} output pixels deep.")
    stage = culprit(found)
    if stage is not None:
        said.append(f"The grid comes in at the stage {stage.name!r}.")
    elif found.stages and gridded(found, found.channels):
        said.append("The grid comes in at the last stage.")
    return said


def remedies(found: NetworkAudit) -> list[Remedy]:
    """What would mend it, the smallest change first; none where nothing is wrong."""
    uneven = found.phase_variance > uneven_above(found.channels)
    if not (uneven or found.dc_gap > GAP or found.alias_db > REPLICA_DB):
        return []
    factors = [d for d in found.strides if d > 1] or [max(found.factor)]
    s = min(factors)
    made = []
    if uneven:
        made.append(
            Remedy(
                f"of a transposed convolution, a kernel that its stride divides: "
                f"{2 * s} for stride {s}",
                "the overlap is uneven: the kernel is no multiple of the stride",
                f"nn.ConvTranspose(features, ({2 * s}, {2 * s}), ({s}, {s}))",
                f"nn.ConvTranspose2d(i, o, {2 * s}, stride={s}, padding={s // 2}"
                f"{', output_padding=1' if s % 2 else ''})",
            )
        )
    if found.dc_gap > GAP:
        made.append(
            Remedy(
                "a start whose phases are alike (before training; a trained grid goes "
                "with what follows)",
                "the phases' gains of a constant differ",
                "deconvgen.nn.ConvTranspose with the start 'bilinear' or "
                "'nearest_equivalent'; 'icnr' for depth_to_space",
                "deconvgen audit --weights=model.safetensors --init=bilinear "
                "--out=DIR, then load_state_dict",
            )
        )
        made.append(
            Remedy(
                f"a box filter of {s} x {s} behind the layer",
                "it has a zero at every replica, whatever the weights (Sugawara, "
                "Shiota and Kiya 2018): also for a trained network",
                f"deconvgen.nn.make_upsampler(..., box_filter=True), or nn.avg_pool(y, "
                f"({s}, {s}), (1, 1), 'SAME')",
                f"nn.Sequential(up, nn.ReplicationPad2d((0, {s - 1}, 0, {s - 1})), "
                f"nn.AvgPool2d({s}, stride=1))",
            )
        )
        made.append(
            Remedy(
                "enlarge first, then convolve at stride 1",
                "no weights can make a grid of a constant then (Odena et al. 2016)",
                "deconvgen.nn.make_upsampler('nearest_conv', features, "
                f"{s}), or jax.image.resize and nn.Conv",
                f"nn.Sequential(nn.Upsample(scale_factor={s}, mode='nearest'), "
                "nn.Conv2d(i, o, 3, padding=1))",
            )
        )
    if found.alias_db > REPLICA_DB:
        made.append(
            Remedy(
                "interpolation by a filter: bilinear, or [1, 2, 1] behind the layer",
                f"a replica of a wave stands at {found.alias_db:.1f} dB",
                f"deconvgen.nn.make_upsampler('bilinear_conv', features, {s})",
                f"nn.Upsample(scale_factor={s}, mode='bilinear', align_corners=False), "
                "then nn.Conv2d",
            )
        )
    stage = culprit(found)
    if found.stages and stage is None and gridded(found, found.channels):
        made.insert(
            0,
            Remedy(
                "end in a convolution of stride 1",
                "the grid comes in at the last stage, which nothing smooths",
                "nn.Conv(channels, (3, 3)) behind the last upsampling",
                "nn.Conv2d(c, c, 3, padding=1) behind the last upsampling",
            ),
        )
    return made


ATLAS = (
    ("conv_transpose", 3, "default", False),
    ("conv_transpose", 4, "default", False),
    ("conv_transpose", 4, "bilinear", False),
    ("conv_transpose", 4, "default", True),
    ("depth_to_space", None, "icnr", False),
    ("nearest_conv", None, "default", False),
    ("bilinear_conv", None, "default", False),
)


def evidence(features: int = 16) -> list[str]:
    """The same figures of our layers at stride 2, measured now: what a change gives."""
    lines = []
    for name, kernel, start, box in ATLAS:
        found = audit(name, 2, kernel, start, features, size=8, box_filter=box)
        options = f", {start}" if start != "default" else ""
        options += ", box filter" if box else ""
        lines.append(
            f"{name} {found.kernel_size[0]}{options}: DC gap {found.dc_gap:.3f}, phase "
            f"variance {found.phase_variance:.2f}, shift error {found.shift_error:.2f}"
        )
    return lines


def told(found: NetworkAudit) -> list[str]:
    """Sentences, then each remedy in the words of both libraries."""
    lines = sentences(found)
    for i, remedy in enumerate(remedies(found), 1):
        lines += [
            f"{i}. {remedy.change}: {remedy.why}.",
            f"   JAX      {remedy.jax}",
            f"   PyTorch  {remedy.torch}",
        ]
    return lines
