"""What upsampling layers cost and do, before any training: a table and a page."""

from pathlib import Path
from typing import Any

from rich.console import Console

from deconvgen.audit.measure import Audit, audit
from deconvgen.audit.table import legend, tables, title
from deconvgen.errors import UserError
from deconvgen.nn.upsample import fits, upsamplers

__all__ = ["Audit", "audit", "legend", "run", "tables"]


def run(
    upsampler: str | None = None,
    kernel_size: Any = None,
    factor: Any = 2,
    initializer: str | None = None,
    features: int = 64,
    out: str | Path | None = None,
    console: Console | None = None,
    **options: Any,
) -> list[Audit]:
    """Audit an upsampler, or all that the initializer fits; print a table.

    `upsampler` may list several with commas, each with a kernel of its own behind a
    colon: `"conv_transpose:3,conv_transpose:4,nearest_conv"`.
    `options` are those of `audit`: channels, size, residual, box_filter, extra_conv.
    With `out`, a folder, audit.png and audit.html go there. Returns the records;
    raises `UserError` for names and numbers that make no sense.
    """
    console = console or Console()
    initializer = initializer or "default"
    fitting = [name for name in upsamplers if fits(initializer, name)]
    audits = []
    with console.status("") as status:
        for entry in upsampler.split(",") if upsampler else fitting:
            status.update(f"auditing {entry}")
            name, _, own = entry.strip().partition(":")
            if own and not own.isdigit():
                raise UserError(f"a kernel size is a whole number, not {own!r}")
            kernel = int(own) if own else kernel_size
            found = audit(name, factor, kernel, initializer, features, **options)
            audits.append(found)
    where = "--out=DIR writes a page with pictures of what each layer does"
    if out is not None:  # before any printing, which a closed pipe ends
        from deconvgen.audit.page import page, picture  # Matplotlib starts slowly

        picture(audits, Path(out) / "audit.png")
        page(audits, Path(out) / "audit.html")
        where = f"{Path(out) / 'audit.png'} and {Path(out) / 'audit.html'}"
    console.print(f"Upsampling layers before training: {title(audits)}")
    for table in tables(audits, console):
        console.print(table)
    console.print(legend(), style="dim", highlight=False)
    console.print(where)
    return audits
