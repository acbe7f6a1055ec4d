"""The audit of a network as a page that needs no other file."""

from pathlib import Path

import numpy as np

from deconvgen.audit import sheet
from deconvgen.audit.black_box import NetworkAudit
from deconvgen.audit.network_words import evidence, remedies, sentences

MEANINGS = {
    "factor": "rows and columns of the output over the input's",
    "strides": "periods in it that have a grid of their own",
    "phase_variance": "of noise, the strongest output phase over the weakest: 1",
    "dc_gap": "how far the phases' answers to a constant are apart: 0 is none",
    "off_dc": "share of a constant's spectrum that is off 0",
    "support": "output pixels that hold 99 % of the answer to one input pixel",
    "receptive_field": "input pixels that an output pixel sees",
    "eq_t": "equivariance to shifts by whole input pixels, dB: 100 is exact",
    "eq_t_frac": "the same by one output pixel",
    "alias_db": "a wave's strongest replica over the wave",
    "border": "output pixels from the border that differ from the inside",
}


def write_page(found: NetworkAudit, name: str, path: Path) -> Path:
    """Sentences, remedies with their evidence, figures and maps."""
    steps = [
        f"{remedy.change}: {remedy.why}. JAX: {remedy.jax}. PyTorch: {remedy.torch}."
        for remedy in remedies(found)
    ]
    parts = [sheet.paragraph(name), sheet.listed(sentences(found))]
    if steps:
        parts += [sheet.heading("What would mend it"), sheet.listed(steps)]
        parts += [
            sheet.paragraph("The same figures of layers at stride 2, measured now:"),
            sheet.listed(evidence(), "notes"),
        ]
    parts += [sheet.heading("Figures"), sheet.table({"": found.figures()}, MEANINGS)]
    if found.stages:
        columns = {
            stage.name: {
                "factor": "x".join(map(str, stage.factor)),
                "channels": stage.channels,
                "phase_variance": stage.phase_variance,
                "dc_gap": stage.dc_gap,
            }
            for stage in found.stages
        }
        parts += [sheet.heading("Stage by stage"), sheet.table(columns, MEANINGS)]
    parts += [sheet.heading("Maps"), sheet.row(_maps(found))]
    return sheet.write(path, "Audit of a network", parts)


def _maps(found: NetworkAudit) -> list[str]:
    h, w = found.impulse.shape
    high, wide = (max(2 * n, 16) for n in found.support)
    rows, columns = (slice(max(0, n // 2 - m), n // 2 + m)
                     for n, m in ((h, high), (w, wide)))  # fmt: skip
    one = found.impulse[rows, columns]
    one = 2 * one / (one.max() or 1) - 1
    constant = found.constant - found.constant.mean((0, 1))
    scale = 2 * constant.std() or 1.0
    three = constant[:48, :48, [min(i, constant.shape[2] - 1) for i in range(3)]]
    even = np.tile(found.phases, (4, 4))
    even = even / (2 * found.phases.mean() or 1) * 2 - 1
    return [
        sheet.grid(one[None, ..., None], "The answer to one pixel.", 1, 256),
        sheet.grid((three / scale)[None], "A constant in, three channels as colours, "
                   "its mean taken off: grey is no grid.", 1, 256),
        sheet.grid(even[None, ..., None], "How much each output position varies, over "
                   "four cells: grey is even.", 1, 256),
    ]  # fmt: skip
