"""What upsampling layers do before any training, and what grid pictures have."""

from pathlib import Path
from typing import Any

import jax
from rich.console import Console
from rich.text import Text

from deconvgen.audit.bare import layer
from deconvgen.audit.costs import Cost, cost
from deconvgen.audit.probe import Answer, Audit, audit
from deconvgen.audit.terminal import legend, tables, title
from deconvgen.core import files
from deconvgen.core.clock import gemm_gflops
from deconvgen.core.errors import UserError
from deconvgen.core.lazy import lazy
from deconvgen.core.terminal import Terminal
from deconvgen.nn.upsample import fits, upsamplers

__all__ = [
    "Answer",
    "Audit",
    "Cost",
    "audit",
    "audit_pictures",
    "compare",
    "cost",
    "layer",
    "legend",
    "network",
    "page",
    "run",
    "tables",
]

PLACES = {
    "page": "deconvgen.audit.html:page",  # Matplotlib starts slowly
    "audit_pictures": "deconvgen.audit.picture_audit:audit_pictures",
    "compare": "deconvgen.audit.comparison:compare",
    "network": "deconvgen.audit.black_box:network",
}
__getattr__, __dir__ = lazy(__name__, PLACES)


def run(
    upsampler: str | None = None,
    kernel_size: Any = None,
    factor: Any = 2,
    initializer: str | None = None,
    features: int = 64,
    out: str | Path | None = None,
    timed: bool = True,
    console: Console | None = None,
    **options: Any,
) -> list[Audit]:
    """Audit an upsampler, or all that the initializer fits; print a table.

    `upsampler` may list several with commas, each with a kernel and an initializer of
    its own behind colons: `"conv_transpose:3,depth_to_space::icnr,nearest_conv"`.
    `options` are those of `audit`: channels, size, residual, box_filter, extra_conv.
    With `out`, a folder, audit.png and audit.html go there. Each layer is `timed` on
    this device, beside matrix products. Returns the records;
    raises `UserError` for names and numbers that make no sense.

    >>> quiet = Console(quiet=True)
    >>> run("nearest_conv", features=4, size=4, console=quiet)[0].upsampler
    'nearest_conv'
    """
    console = console or Terminal()
    if out is not None:
        files.writable(Path(out))
    initializer = initializer or "default"
    fitting = [name for name in upsamplers if fits(initializer, name)]
    audits, rates = [], []
    with console.status("") as status:
        for entry in upsampler.split(",") if upsampler else fitting:
            status.update(Text(f"auditing {entry}"))
            name, own, start = parse(entry)
            kernel, start = own or kernel_size, start or initializer
            given = (name, factor, kernel, start, features)
            audits.append(audit(*given, timed=timed, **options))
            rates += [gemm_gflops()] if timed else []
    where = "--out=DIR writes a page with pictures of what each layer does"
    if out is not None:  # before any printing, which a closed pipe ends
        from deconvgen.audit.html import page, picture  # Matplotlib starts slowly

        picture(audits, Path(out) / "audit.png")
        page(audits, Path(out) / "audit.html")
        where = f"{Path(out) / 'audit.png'} and {Path(out) / 'audit.html'}"
    console.print(f"Upsampling layers before training: {title(audits)}")
    for table in tables(audits, console):
        console.print(table)
    console.print(legend(), style="dim")
    if rates:
        console.print(
            f"float32 matrix products in the same moments: {min(rates):.0f} to "
            f"{max(rates):.0f} GFLOP/s on {jax.devices()[0].device_kind}"
        )
    console.print(where)
    return audits


def parse(entry: str) -> tuple[str, int, str]:
    """`NAME[:KERNEL[:INITIALIZER]]` -> (name, kernel, initializer); 0 and "": none."""
    parts = entry.strip().split(":")
    if len(parts) > 3:
        raise UserError(f"{entry.strip()!r} should read NAME:KERNEL:INITIALIZER")
    name, kernel, start = (*parts, "", "")[:3]
    if kernel and not kernel.isdecimal():
        raise UserError(
            f"a kernel size is a whole number, not {kernel!r} (in {entry.strip()!r}; "
            "an initializer comes behind a second colon)"
        )
    return name, int(kernel or 0), start
