"""The table of forms (`deconvgen/ops/convolution/forms.py`), row by row.

    python benchmarks/forms.py [--turns=7] [--least=0.95] [--record]

At the example of each row its form takes turns with all others that can do the sum
there (see `timing.py`); printed are its time and how many times faster it is than the
fastest of the others. Exits with 1 where that is less than `--least`: on this machine
another form should win.
"""

import argparse
import sys

from deconvgen.core import runtime

runtime.prepare()

import jax  # noqa: E402
import numpy as np  # noqa: E402
import record  # noqa: E402
from tables import Spread  # noqa: E402
from timing import interleave  # noqa: E402

from deconvgen.ops.convolution import dispatch, forms  # noqa: E402


def arrays(name: str, case: forms.Case) -> tuple:
    """The two arguments of a sum, standard normal."""
    g = case.g
    shapes = {
        "big": (case.n, *g.big, case.cb),
        "small": (case.n, *g.small, case.cs),
        "kernel": (*g.kernel, case.cb // g.groups, case.cs),
    }
    pairs = {"gather": "big kernel", "taps": "big small", "scatter": "small kernel"}
    rng = np.random.default_rng(0)
    draw = lambda shape: jax.device_put(rng.normal(size=shape).astype(np.float32))
    return tuple(draw(shapes[side]) for side in pairs[name].split())


def measured(name: str, row: forms.Row, turns: int) -> list:
    """A row of what is printed."""
    g, args = row.example.g, arrays(name, row.example)
    able = [f for f in dispatch.FORMS[name] if forms.can(name, f, row.example)]
    compiled = {
        form: jax.jit(lambda a, b, run=dispatch.FORMS[name][form]: run(g, None, a, b))
        for form in able
    }
    timings = interleave(
        {form: lambda run=run: run(*args) for form, run in compiled.items()}, turns
    )
    others = {f: timings.speedup(row.form, over=f) for f in able if f != row.form}
    rival = min(others, key=others.__getitem__, default="")
    sides = f"{'x'.join(map(str, g.small))}x{row.example.cs}"
    sides += f", {row.example.cb} of {'x'.join(map(str, g.big))}"
    sides += f", k {g.kernel[0]} s {g.stride[0]}"
    sides += f", {g.groups} groups" if g.groups > 1 else ""
    ms = timings.milliseconds(row.form)
    if not rival:  # nothing else can do it
        return [name, row.form, sides, ms, "", ""]
    return [name, row.form, sides, ms, rival, timings.faster(row.form, over=rival)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--least", type=float, default=0)
    parser.add_argument("--toy", action="store_true", help="one row alone")
    record.argument(parser)
    options = parser.parse_args()
    cases = [(name, row) for name, rows in forms.TABLE.items() for row in rows]
    sheet = record.Sheet(
        "forms",
        "The forms of a convolution, each where it is taken",
        (*record.LAYERS, *record.scripts("forms")),
    )
    with record.kept(options, sheet):
        rows = [
            measured(name, row, options.turns)
            for name, row in cases[: options.toy or None]
        ]
        head = ["sum", "form", "example (small side, big side)", "ms"]
        sheet.table([*head, "next", "times next"], rows)
    times = [row[-1].median for row in rows if isinstance(row[-1], Spread)]
    sys.exit(any(time < options.least for time in times))


if __name__ == "__main__":
    main()
