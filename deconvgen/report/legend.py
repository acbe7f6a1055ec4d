"""What each measure of a report is, in one line for who did not run the sweep."""

import fnmatch
from collections.abc import Iterable

from deconvgen.report.part import under

EXPLAINED = {
    "miou": "mean over the classes of overlap / union of predicted and true pixels",
    "boundary_iou": "mean over the classes of overlap / union of the pixels next to "
    "outlines",
    "pixel_accuracy": "share of the pixels whose class is right",
    "psnr_y": "peak signal-to-noise ratio of the brightness, in dB, border cropped: "
    "how near to the original, pixel by pixel",
    "psnr": "peak signal-to-noise ratio, in dB: how near to the original, pixel by "
    "pixel",
    "ssim*": "structural similarity to the original in small windows; 1 is equal",
    "fid": "Frechet distance between the Inception features of real and generated "
    "images; 0 is alike. It is the larger, the fewer images there are",
    "frechet_*": "Frechet distance between features of real and generated images (by "
    "the extractor that the name ends in); 0 is alike. Comparable for equal numbers of "
    "images alone",
    "kid_*_mean": "kernel distance between features of real and generated images, "
    "unbiased for few of them; 0 is alike",
    "precision_*": "share of the generated images that lie among the real ones: "
    "fidelity",
    "recall_*": "share of the real images that lie among the generated ones: variety",
    "spectrum_distance_db": "gap between the mean power spectra of real and generated "
    "images, in dB",
    "spectrum_accuracy": "how often a spectrum tells generated from real; 0.5 is by "
    "chance",
    "phase_variance_ratio_s*": "the largest over the smallest variance of the pixels "
    "at the places of a grid of that period; a checkerboard makes it large",
    "phase_detail_ratio_s*": "the largest over the smallest fine detail of the pixels "
    "at the places of a grid of that period; a checkerboard makes it large",
    "replica_db_s*": "power at the frequencies where upsampling by that factor repeats "
    "the spectrum, over that around them, in dB",
    "high_band_slope": "slope of log power over log frequency in the upper octave; "
    "steeper is blurred, flatter has artefacts",
    "elbo_nats": "lower bound on the log likelihood of an image, in nats",
    "multiply_adds_*": "multiplications with additions for an image, as XLA counts "
    "them: to sample it, or to train on it once",
    "seconds": "time of a whole run, on the machine and beside the runs that it had",
}
WAYS = {
    "min": "lower is better",
    "max": "higher is better",
    "real": "the nearer to the real images' value, the better",
}
ARROWS = {"min": "↓", "max": "↑", "real": "→ real"}


def explain(measure: str) -> str:
    """A measure in words; empty for one that nobody has explained."""
    if (name := under(measure)) != measure:
        return f"mean over the steps of the learning curve of {name}: {explain(name)}"
    fits = (text for p, text in EXPLAINED.items() if fnmatch.fnmatchcase(measure, p))
    return next(fits, "")


def legend(measures: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """(measure, what it is and which way it should go) for (measure, mode), each once.

    The mode of a cost is empty.
    """
    told = {m: (explain(m), WAYS.get(mode, "")) for m, mode in measures}
    return [(m, "; ".join(filter(None, words))) for m, words in told.items()]
