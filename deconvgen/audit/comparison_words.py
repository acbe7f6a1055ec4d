"""A comparison in lines."""

from typing import Any

from deconvgen.audit.comparison import Comparison, frechet_name

BESIDE = ("_floor", "_low", "_high", "_infinity", "_std")
"""Ends of the names of figures that stand beside another."""


def told(found: Comparison) -> list[str]:
    """The figures in lines, each beside its interval and floor."""
    label = frechet_name(found.extractor)
    real = found.real.pictures
    lines = [
        f"{real.num} real pictures of {real.name}; features of {found.extractor}; "
        f"resizer: {found.resizer}"
    ]
    for versus in found.fakes:
        figures, pictures = versus.figures, versus.seen.pictures
        lines.append(f"{pictures.name} ({pictures.num} pictures)")
        lines += [f"  {note}" for note in pictures.notes]
        hidden = lambda k: k.endswith(BESIDE) or k.startswith("real_")
        shown = {k: v for k, v in figures.items() if not hidden(k)}
        for key, value in shown.items():
            low, high = (figures.get(f"{key}_{end}") for end in ("low", "high"))
            floor = figures.get(f"{key}_floor", figures.get(f"real_{key}"))
            text = f"  {key:28} {_short(value):>9}"
            text += f"  [{_short(low)}, {_short(high)}]" if low is not None else ""
            text += f"  real {_short(floor)}" if floor is not None else ""
            lines.append(text)
        infinity = figures.get(f"{label}_infinity")
        if infinity is not None:
            lines.append(f"  {label + '_infinity':28} {_short(infinity):>9}")
    return lines


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
