"""Where the time of a train step goes, by kind of operation, beside PyTorch's.

    python benchmarks/where.py [--part=step] [--batch=64] [--steps=5] [--record]

The step is that of `train_step.py`, `--part` as well. Ours is profiled as XLA ran it:
each instruction of the compiled program is counted with the kind of what it computes, a
fusion with the first of the table below that is in it. PyTorch's, where it is
installed, is summed over its operators' own time. Shares are of the sum, which may
exceed the step where operations run side by side.
"""

import argparse
import re
import tempfile
from collections import Counter
from pathlib import Path

import jax
import record
import train_step  # prepares JAX
from jax.profiler import ProfileData, trace

KINDS = {  # the first whose pattern is found in the instructions of a fusion
    "convolutions": r"\bconvolution\(",
    "matrix products": r"\bdot\(|ynn_fusion|gemm",
    "random numbers": r"threefry|rng|shift-right-logical",
    "batch norm": r"BatchNorm|batch_norm|\bnorm\b",
    "sums": r"\breduce\(|reduce-window",
    "copies, transposes, pads": r"\b(copy|transpose|pad|concatenate|slice|reverse)\(",
}
OURS, THEIRS = "deconvgen", "PyTorch"
TORCH = {
    "convolutions": "convolution|mkldnn",
    "matrix products": "mm|linear",
    "random numbers": "rand|normal_",
    "batch norm": "batch_norm",
    "sums": "sum|mean",
    "copies, transposes, pads": "copy|contiguous|cat|transpose|clone|to_",
    "optimizer": "_foreach|addc|lerp|adam",
}


def instructions(text: str) -> dict[str, str]:
    """Name of each instruction of an HLO text -> its line and those it calls."""
    computation = r"^%?([\w.\-]+) \([^\n]*\{\n(.*?)^\}"
    bodies = dict(re.findall(computation, text, re.MULTILINE | re.DOTALL))
    found = {}
    one = r"^\s+(?:ROOT )?%?([\w.\-]+) = ([^\n]*)"
    for name, line in re.findall(one, text, re.MULTILINE):
        called = re.findall(r"(?:calls|to_apply)=%?([\w.\-]+)", line)
        found[name] = line + "".join(bodies.get(c, "") for c in called)
    return found


def kind(words: str, patterns: dict[str, str] = KINDS) -> str:
    """The first kind whose pattern is found."""
    found = (k for k, pattern in patterns.items() if re.search(pattern, words))
    return next(found, "element by element")


def of_ours(loaded, steps: int) -> Counter[str]:
    """Milliseconds a step of each kind."""
    task, state, batch = train_step.made(loaded)
    keys = jax.random.split(jax.random.key(1), loaded.batch_size)
    step = jax.jit(task.train_step).lower(state, batch, keys).compile()
    jax.block_until_ready(step(state, batch, keys))
    lines, spent = instructions(step.as_text() or ""), Counter()
    with tempfile.TemporaryDirectory() as folder:
        with trace(folder):
            for _ in range(steps):
                jax.block_until_ready(step(state, batch, keys))
        file = next(Path(folder).rglob("*.xplane.pb"))
        planes = list(ProfileData.from_file(str(file)).planes)
        for event in (e for p in planes for line in p.lines for e in line.events):
            name = dict(event.stats).get("hlo_op")
            if name and not event.name.startswith("end: "):
                words = lines.get(name, "") + " " + name
                spent[kind(words)] += event.duration_ns / 1e6 / steps
    return spent


def of_torch(step, steps: int) -> Counter[str]:
    """The same of PyTorch's operators."""
    from torch.profiler import ProfilerActivity, profile

    spent = Counter()
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        for _ in range(steps):
            step()
    for event in seen.key_averages():
        spent[kind(event.key, TORCH)] += event.self_cpu_time_total / 1e3 / steps
    return spent


def main() -> None:
    """Profile and print."""
    parser = argparse.ArgumentParser(description="Where a train step goes.")
    parser.add_argument("--part", default="step", choices=train_step.PARTS)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--toy", action="store_true", help="a tiny network")
    record.argument(parser)
    options = parser.parse_args()
    part, batch = options.part, options.batch
    sheet = record.Sheet(
        f"where.{part}.b{batch}",
        f"Where it goes: {train_step.PARTS[part][0]}, batch {batch}",
        (*record.STEP, *record.scripts("where", "train_step", "theirs")),
        f"A mean of {options.steps} steps, profiled.",
    )
    with record.kept(options, sheet):
        loaded = train_step.settings(part, batch, options.toy)
        columns = {OURS: of_ours(loaded, options.steps)}
        try:
            eager = train_step.torch_step(loaded, "eager")
        except ImportError:
            sheet.note("PyTorch is left out: it is not installed.")
        else:
            eager()
            columns[THEIRS] = of_torch(eager, options.steps)
        kinds = sorted(set().union(*columns.values()), key=lambda k: -columns[OURS][k])
        shares = lambda k, c: (c[k], f"{c[k] / c.total():.0%}")
        rows = [
            [k, *(v for c in columns.values() for v in shares(k, c))] for k in kinds
        ]
        head = [word for name in columns for word in (f"{name}, ms a step", "share")]
        sheet.table(["kind of operation", *head], rows)


if __name__ == "__main__":
    main()
