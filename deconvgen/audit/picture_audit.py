"""The audit of pictures alone: what grid is in them, and whose it may be."""

from typing import Any, NamedTuple

from deconvgen.audit.picture_codecs import Codec, codecs
from deconvgen.audit.picture_look import CHANGES, View, look
from deconvgen.audit.picture_words import figures, sentences
from deconvgen.core.errors import UserError
from deconvgen.core.numbers import whole
from deconvgen.data.picture_files import picture_set
from deconvgen.data.picture_sets import PictureSet
from deconvgen.metrics import jpeg
from deconvgen.metrics.lines import lines
from deconvgen.metrics.periods import grey
from deconvgen.metrics.seams import seams

SMALLEST = 16


class PictureAudit(NamedTuple):
    """What pictures show; `figures` is flat, for JSON and thresholds."""

    pictures: PictureSet
    real: PictureSet | None
    views: dict[str, View]
    saved_as: list[Codec]
    figures: dict[str, Any]
    said: list[str]


def audit_pictures(
    pictures: Any,
    real: Any = None,
    *,
    num: int = 1000,
    longest: int = 64,
    changes: tuple[str, ...] = tuple(CHANGES),
) -> PictureAudit:
    """Which periods, cells and seams pictures have, beside what real ones have.

    Args:
      pictures: a folder of pictures, an array [n, h, w, c], a .npy or .npz file. Of
        pictures of several sizes the upper left part that all have is taken: nothing
        is resized.
      real: the same of real pictures; figures of theirs are the floor, and lines are
        measured over theirs.
      num: how many of either are looked at, the first ones.
      longest: the longest period in pixels, at most a quarter of the pictures.
      changes: names of `CHANGES`: what is done to the pictures before they are looked
        at again.

    >>> uneven = np.where(np.arange(32) % 2, 1.0, 0.5)[:, None]
    >>> pictures = np.random.default_rng(0).random((16, 32, 32, 1)) * uneven
    >>> audit_pictures(pictures, changes=("as they are",)).figures["periods"]
    '2'

    Raises `UserError` for what is no set of pictures, or of pictures below 16 pixels.
    """
    num, longest = whole("num", num, 1), whole("longest", longest, 2, 256)
    one = _taken(pictures, num)
    other = None if real is None else _taken(real, num)
    if other is not None and other.shape[:2] != one.shape[:2]:
        h, w = (min(a, b) for a, b in zip(one.shape[:2], other.shape[:2]))
        one, other = (_cut(found, h, w) for found in (one, other))
    views: dict[str, View] = {}
    looks = {name: look(one, CHANGES[name], longest) for name in changes}
    traces = jpeg.traces(grey(looks[changes[0]].kept))
    saved_as = codecs(one.files, traces)
    of_jpeg = [codec.offset for codec in saved_as if codec.name == "JPEG"]
    for name, mine in looks.items():
        theirs = None if other is None else look(other, CHANGES[name], longest)
        floor = None if theirs is None else theirs.periods
        sums = mine.periods
        blocks = (
            (0, 0) if CHANGES[name] is jpeg.compressed else next(iter(of_jpeg), None)
        )
        found = seams(sums, floor, blocks)
        views[name] = View(mine, theirs, lines(sums, floor), found)
    numbers = figures(views, traces, saved_as)
    said = sentences(views, saved_as, one, other)
    return PictureAudit(one, other, views, saved_as, numbers, said)


def _taken(source: Any, num: int) -> PictureSet:
    found = picture_set(source, crop=True).limited(num)
    if min(found.shape[:2]) < SMALLEST:
        h, w = found.shape[:2]
        raise UserError(
            f"{found.name}: pictures of {h} x {w} pixels have no periods to look for "
            f"({SMALLEST} x {SMALLEST} at least)"
        )
    return found


def _cut(found: PictureSet, h: int, w: int) -> PictureSet:
    if found.shape[:2] == (h, w):
        return found
    note = f"the upper left {h} x {w} of each"
    return found.mapped(lambda x: x[:, :h, :w])._replace(notes=(*found.notes, note))
