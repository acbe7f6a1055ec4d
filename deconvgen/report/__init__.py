"""The answer of a sweep: tables, figures, words, one page.

>>> report(["runs/sweep"])  # doctest: +SKIP
"""

from typing import TYPE_CHECKING

from deconvgen.core.lazy import lazy

if TYPE_CHECKING:
    from deconvgen.report.study import Study, studies
    from deconvgen.report.write import report

PLACES = {
    "Study": "deconvgen.report.study:Study",
    "report": "deconvgen.report.write:report",
    "studies": "deconvgen.report.study:studies",
}

__all__ = ["Study", "report", "studies"]

__getattr__, __dir__ = lazy(__name__, PLACES)
