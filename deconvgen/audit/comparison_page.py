"""A comparison of sets of pictures as a page that needs no other file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from deconvgen.audit import picture_page, sheet
from deconvgen.audit.comparison import Comparison, Versus
from deconvgen.metrics.measures import explained
from deconvgen.metrics.neighbours import nearest
from deconvgen.metrics.spectra import decibels

SHOWN = 8
NEIGHBOURS = 4
SIDE = 512


def write_page(found: Comparison, path: Path) -> Path:
    """Figures of each set beside its floor, and the pictures behind them."""
    columns = {v.seen.pictures.name: _shown(v.figures) for v in found.fakes}
    columns["real"] = _real(found.fakes[0].figures)
    rows = {key for column in columns.values() for key in column}
    real = found.real.pictures
    h, w, _ = real.shape
    parts = [
        sheet.paragraph(
            f"Against {real.num} real pictures of {real.name}, {h} x {w}. Features of "
            f"the extractor {found.extractor}; resizer: {found.resizer}."
        ),
        sheet.table(columns, {row: explained(row) for row in rows}),
        sheet.heading("Spectra"),
        _spectra(found),
    ]
    for versus in found.fakes:
        parts += _section(found, versus)
    notes = [f"{real.name} (real): {note}" for note in real.notes]
    for versus in found.fakes:
        pictures = versus.seen.pictures
        notes += [f"{pictures.name}: {note}" for note in pictures.notes]
    parts.append(sheet.listed(notes, "notes"))
    return sheet.write(path, "Pictures against real ones", parts)


def _shown(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Counts first, without what is in the column of the real ones."""
    own = {k: v for k, v in figures.items() if not k.startswith("real_")}
    own = {k: v for k, v in own.items() if not k.endswith("_floor")}
    return dict(sorted(own.items(), key=lambda kv: not kv[0].startswith("images")))


def _real(figures: Mapping[str, Any]) -> dict[str, Any]:
    """What real pictures have: the floors of distances, and the artefacts' figures."""
    found = {k.removeprefix("real_"): v for k, v in figures.items() if k[:5] == "real_"}
    ends = {
        k.removesuffix("_floor"): v for k, v in figures.items() if k[-6:] == "_floor"
    }
    return ends | found


def _spectra(found: Comparison) -> str:
    figure, ax = sheet.axes(7.0, 3.0)
    looks = [("real", found.real.look, sheet.INK)]
    looks += [
        (v.seen.pictures.name, v.seen.look, colour)
        for v, colour in zip(found.fakes, sheet.COLOURS * len(found.fakes))
    ]
    for name, look, colour in looks:
        profile = look.residuals.profile()
        f = np.arange(len(profile)) / min(look.residuals.side)
        ax.plot(f[1:], decibels(profile)[1:], color=colour, label=name, linewidth=1.5)
    ax.legend(fontsize=7, frameon=False)
    ax.set_xlabel("cycles a pixel, any direction", fontsize=8, color=sheet.GREY)
    ax.set_ylabel("power in dB", fontsize=8, color=sheet.GREY)
    return sheet.plot(figure, "Mean azimuthal spectra.")


def _section(found: Comparison, versus: Versus) -> list[str]:
    fake, real = versus.seen, found.real
    parts = [sheet.heading(fake.pictures.name)]
    if versus.near is not None:
        distance = versus.near.distance
        order = np.argsort(distance)
        chosen = np.linspace(0, len(order) - 1, SHOWN).astype(int)
        parts.append(
            sheet.row(
                [
                    _neighbours(fake, real, order[:SHOWN], "The nearest to a real one"),
                    _neighbours(fake, real, order[chosen], "From near to far, evenly"),
                    _neighbours(fake, real, order[::-1][:SHOWN], "The worst: farthest"),
                ]
            )
        )
    parts.append(
        sheet.row([_difference(fake, real), *picture_page.figures(versus.view)])
    )
    if versus.classes:
        names = {f"class {k}": {"frechet": v} for k, v in versus.classes.items()}
        parts.append(sheet.table(names, {"frechet": "Frechet distance of a class"}))
    return parts


def _neighbours(fake: Any, real: Any, rows: np.ndarray, caption: str) -> str:
    """A picture a line, and the real ones nearest to it by the features."""
    count = min(NEIGHBOURS, len(real.rows))
    _, closest = nearest(fake.rows[rows], real.rows, count)
    drawn = fake.pictures.picked(fake.places[rows].tolist())
    places = real.places[closest]
    known = real.pictures.picked(places.ravel().tolist())
    known = known.reshape(*places.shape, *known.shape[1:])
    lines = np.concatenate([drawn[:, None], known], axis=1)
    return sheet.grid(
        lines.reshape(-1, *drawn.shape[1:]),
        f"{caption}; the picture first in each line, then the real ones nearest to it.",
        count + 1,
        320,
    )


def _difference(fake: Any, real: Any) -> str:
    """The mean of the pictures less that of the real ones."""
    apart = fake.look.mean() - real.look.mean()
    scale = float(np.abs(apart).max()) or 1.0
    caption = (
        f"The mean picture, the real ones' mean, and their difference (grey is none; "
        f"white and black are {scale / 2:.3f} of the whole range)."
    )
    shown = np.stack([fake.look.mean(), real.look.mean(), apart / scale])
    return sheet.grid(shown, caption, 3, SIDE)
