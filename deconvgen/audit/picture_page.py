"""The audit of pictures as a page that needs no other file."""

from pathlib import Path

import numpy as np

from deconvgen.audit import sheet
from deconvgen.audit.picture_audit import PictureAudit
from deconvgen.audit.picture_look import View
from deconvgen.audit.picture_words import SHOWN as FIGURES
from deconvgen.metrics.measures import explained
from deconvgen.metrics.periods import SPECTRA, grey
from deconvgen.metrics.spectra import decibels

SHOWN = 12
LARGEST = 128


def write_page(audit: PictureAudit, path: Path) -> Path:
    """Sentences, figures beside the real ones, and the pictures that convince."""
    first = next(iter(audit.views.values()))
    columns = _columns(audit)
    parts = [
        sheet.paragraph(_about(audit)),
        sheet.listed(audit.said),
        sheet.heading("Figures"),
        sheet.table(columns, {key: explained(key) for key in FIGURES}),
        sheet.heading("Where it repeats"),
        sheet.row([*figures(first), _spectrum(first)]),
        sheet.heading("The pictures"),
        sheet.row(_samples(first)),
    ]
    notes = [f"{audit.pictures.name}: {note}" for note in audit.pictures.notes]
    if audit.real is not None:
        notes += [f"{audit.real.name} (real): {note}" for note in audit.real.notes]
    parts.append(sheet.listed(notes, "notes"))
    return sheet.write(path, "Audit of pictures", parts)


def _about(audit: PictureAudit) -> str:
    h, w, _ = audit.pictures.shape
    real = f" beside {audit.real.num} of {audit.real.name}" if audit.real else ""
    return f"{audit.pictures.num} pictures of {audit.pictures.name}, {h} x {w}{real}."


def _columns(audit: PictureAudit) -> dict[str, dict]:
    """A column for each change, of the pictures and of the real ones."""
    columns: dict[str, dict] = {}
    for name in audit.views:
        start = "" if name == "as they are" else name.replace("-", "_") + "_"
        start = start.replace(" ", "_")
        for title, inner in ((name, start), (f"real, {name}", f"{start}real_")):
            column = {
                key: audit.figures[f"{inner}{key}"]
                for key in FIGURES
                if f"{inner}{key}" in audit.figures
            }
            if column:
                columns[title] = column
    return columns


def figures(view: View) -> list[str]:
    """Lines, autocorrelation and steps of one set beside the real one."""
    return [_lines(view), _correlations(view), _steps(view)]


def _lines(view: View) -> str:
    """The level of every line looked at, clear ones with their periods."""
    figure, ax = sheet.axes(6.2, 3.0)
    for spectrum, colour in zip(SPECTRA, sheet.COLOURS):
        mine = sorted(
            ((line.share, line.level) for line in view.lines if line[0] == spectrum),
        )
        ax.plot(*np.transpose(mine), ".", markersize=3, color=colour, label=spectrum)
        for line in view.lines:
            if line.spectrum == spectrum and line.clear:
                ax.plot([line.share] * 2, [0, line.level], color=colour, linewidth=1)
    for period, line in view.periods.items():
        at = (line.share, line.level)
        ax.annotate(str(period), at, fontsize=9, weight="bold", color=sheet.INK)
    ax.axhline(0, color="#dde2e8", linewidth=0.8, zorder=0)
    ax.set_xlabel("cycles a pixel", fontsize=8, color=sheet.GREY)
    ax.set_ylabel("dB over neighbours", fontsize=8, color=sheet.GREY)
    ax.legend(fontsize=7, frameon=False)
    over = " over the real pictures'" if view.real is not None else ""
    return sheet.plot(
        figure,
        f"Lines of the three spectra{over}: each dot is a multiple of 1 / period, "
        "numbers are the periods that chance does not make.",
    )


def _correlations(view: View) -> str:
    """The autocorrelation of the residual, and the real pictures' own."""
    looks = [("the pictures", view.look), ("real", view.real)]
    looks = [(name, found) for name, found in looks if found is not None]
    figure = sheet.Figure(figsize=(2.9 * len(looks) + 0.3, 3.0), layout="constrained")
    for i, (name, found) in enumerate(looks):
        ax = figure.add_subplot(1, len(looks), i + 1)
        whole = found.residuals.autocorrelation()
        lags = len(whole) // 2
        rest = np.abs(whole).copy()
        rest[lags - 1 : lags + 2, lags - 1 : lags + 2] = 0
        top = max(float(np.quantile(rest, 0.995)), 0.02)
        edge = lags + 0.5
        reach = (-edge, edge, edge, -edge)
        ax.imshow(whole, cmap="RdBu_r", vmin=-top, vmax=top, extent=reach)
        ax.set_title(name, fontsize=9, color=sheet.INK)
        ax.tick_params(labelsize=7, colors=sheet.GREY)
    return sheet.plot(
        figure,
        "Autocorrelation of the residual, by lag in pixels (red positive, blue "
        "negative): a grid repeats in it, contents do not.",
    )


def _spectrum(view: View) -> str:
    figure, ax = sheet.axes()
    for name, found, colour in (
        ("the pictures", view.look, sheet.ACCENT),
        ("real", view.real, sheet.GREY),
    ):
        if found is None:
            continue
        profile = found.residuals.profile()
        f = np.arange(len(profile)) / min(found.residuals.side)
        ax.plot(f[1:], decibels(profile)[1:], color=colour, label=name, linewidth=1.5)
    for period in view.periods:
        ax.axvline(1 / period, color=sheet.WARM, linewidth=0.8, linestyle=":")
    ax.legend(fontsize=7, frameon=False)
    ax.set_xlabel("cycles a pixel, any direction", fontsize=8, color=sheet.GREY)
    ax.set_ylabel("power in dB", fontsize=8, color=sheet.GREY)
    return sheet.plot(figure, "Mean azimuthal spectrum; dotted at 1 / period.")


def _steps(view: View) -> str:
    figure, ax = sheet.axes()
    for axis, name in ((1, "columns"), (0, "rows")):
        steps = view.look.periods.profile(axis)[:-1]
        ax.plot(np.arange(1, len(steps) + 1), 40 * np.log10(np.maximum(steps, 1e-3)),
                linewidth=0.9, color=sheet.COLOURS[1 - axis], label=name)  # fmt: skip
    ax.legend(fontsize=7, frameon=False)
    ax.set_xlabel("position in pixels", fontsize=8, color=sheet.GREY)
    ax.set_ylabel("step in dB", fontsize=8, color=sheet.GREY)
    return sheet.plot(figure, "The step to the next column or row: seams are spikes.")


def _samples(view: View) -> list[str]:
    """Some pictures, and what is left of them without their contents."""
    kept = view.look.kept[:SHOWN, :LARGEST, :LARGEST]
    light = grey(kept)
    residual = (
        light
        - (
            np.roll(light, 1, 1)
            + np.roll(light, -1, 1)
            + np.roll(light, 1, 2)
            + np.roll(light, -1, 2)
        )
        / 4
    )
    scale = 3 * residual.std((1, 2), keepdims=True) + 1e-9
    shown = [
        sheet.grid(kept, "The first pictures, the upper left of each.", 4, 512),
        sheet.grid((residual / scale)[..., None], "What stands out from its "
                   "neighbours in them.", 4, 512),
    ]  # fmt: skip
    if view.real is not None:
        real = view.real.kept[:SHOWN, :LARGEST, :LARGEST]
        shown.append(sheet.grid(real, "Real ones.", 4, 512))
    return shown
