"""A comparison in lines, and what its figures mean."""

from typing import Any

from deconvgen.audit.comparison import Comparison, frechet_name
from deconvgen.audit.picture_words import MEANINGS

DISTANCES = {
    "frechet": "squared distance of Gaussians fitted to the features: less is nearer",
    "fid": "squared distance of Gaussians fitted to Inception's features",
    "kid": "squared MMD of the features (cubic kernel), over subsets; 0 is the same",
    "precision": "share of the pictures that lie near a real one",
    "recall": "share of the real ones that lie near a picture",
    "density": "real neighbourhoods around a picture, over 5",
    "coverage": "share of the real ones with a picture in their neighbourhood",
    "memorization": "distance to the nearest real one over that of real ones: 1 is new",
    "copies": "share of pictures that all but are a real one",
    "spectrum_distance": "rms difference of the mean azimuthal spectra",
}
ENDS = {
    "_floor": "(real against real, at the same number)",
    "_low": "(from, in 95 of 100 draws)",
    "_high": "(to)",
    "_infinity": "(of infinitely many images)",
    "_std": "(standard deviation over subsets)",
}


def meaning(name: str) -> str:
    """What a figure of a comparison says."""
    name = name.removeprefix("real_")
    if name in MEANINGS:
        return MEANINGS[name]
    end = next((words for end, words in ENDS.items() if name.endswith(end)), "")
    about = next((w for start, w in DISTANCES.items() if name.startswith(start)), "")
    return end or about


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
        hidden = lambda k: k.endswith(tuple(ENDS)) or k.startswith("real_")
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
