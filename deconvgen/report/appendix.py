"""What stands around a study's answer: its state, what failed, its commands."""

import html
from collections.abc import Sequence

from deconvgen.core.terminal import clock
from deconvgen.report.results import Result
from deconvgen.report.words import plural
from deconvgen.sweep import spending
from deconvgen.sweep.plan import Plan


def status(plan: Plan, results: Sequence[Result]) -> str:
    """How far the runs are, in a line."""
    counts = {
        state: sum(r.state == state for r in results)
        for state in ("finished", "failed", "begun", "to do")
    }
    told = ", ".join(f"{n} {state}" for state, n in counts.items() if n)
    seeds = len({r.seed for r in results})
    spent = clock(sum(r.seconds for r in results))
    steps = sorted({r.steps for r in results if r.steps})
    went = spending.told(spending.total(r.spent for r in results))
    length = " or ".join(map(str, steps)) or "?"
    return (
        f"Experiment {plan.name}, {plan.size} size: {len(results)} runs ({told}), "
        f"{plural(seeds, 'seed')}, {length} steps each; {spent} of run time"
        f"{f' ({went})' if went else ''}"
    )


def failed(results: Sequence[Result]) -> str:
    """The runs that failed, with the command that shows each alone; as HTML."""
    found = [r for r in results if r.state == "failed"]
    if not found:
        return "<p>None.</p>"
    items = "".join(
        f"<li><strong>{html.escape(r.trial.name)}</strong>, at step {r.step}: "
        f"{html.escape(r.error)}<br><code>"
        f"{html.escape(r.trial.command('DIR'))}</code></li>"
        for r in found
    )
    return f"<ul>{items}</ul>"


def commands(results: Sequence[Result], said: Sequence[str]) -> str:
    """The commands that made the sweep, and each run by itself; as HTML."""
    own = "\n".join(r.trial.command(f"DIR/{r.trial.name}") for r in results)
    return (
        f"<pre>{html.escape(chr(10).join(said)) or '-'}</pre>"
        f"<details><summary>every run by itself</summary><pre>{html.escape(own)}</pre>"
        "</details>"
    )
