"""Many small runs: this tree against another, whole commands, in turns.

    python benchmarks/many_models.py --against=c93520a
    python benchmarks/many_models.py --against=../older --parts=sweep --runs=18

    demo      the training command of `make demo`, its programs compiled before
    sweep     `deconvgen sweep upsampling_x_initialization --size=smoke`, the whole
              command, with nothing compiled before; --runs=N the first N of its 90
    memory    of a population: members x what one needs, against XLA's count of it

The other tree is a folder (`git worktree add ../older c93520a`), or a revision of this
repository, which is unpacked beside for the time being. Both have caches of their own,
and do the same work: c93520a has neither validation images nor the demo's recipe of
today, so `SAME` says what its configs say, as far as a tree has the keys. What was
measured is written to --out, a file of Markdown, after every part; a ratio is the
median of those within a turn. Seconds are told, and the CPU's, which say more where
others use the machine too: 18 runs of the sweep and 150 steps of the demo show its
fixed costs, the whole commands are for a machine that nobody else uses.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

from timing import table

HERE = Path(__file__).resolve().parent.parent
PARTS = ("demo", "sweep", "memory")
NAME = "upsampling_x_initialization"
SAME = {
    "demo": {
        "model.conditional": "false",
        "model.critic_features": "()",
        "num_samples": "64",
        **{
            f"{group}.{key}": value
            for group in ("optimizer", "critic_optimizer")
            for key, value in {"learning_rate": "2e-4", "schedule": "constant"}.items()
        },
        "data.validation": "0",
    },
    "sweep": {"data.validation": "0"},
}
"""What both trees are told, by config key."""
KEYS = """
from deconvgen import config
def keys(tree, before=""):
    for name, value in tree.items():
        yield before + name
        if hasattr(value, "items"):
            yield from keys(value, f"{before}{name}.")
print(*keys(config.load("dcgan:demo", []).to_dict()))
"""


@contextmanager
def checked_out(tree: str):
    """The folder of another tree: itself, or a revision's for the time being."""
    if Path(tree).is_dir():
        yield Path(tree).resolve()
        return
    with tempfile.TemporaryDirectory() as place:
        packed = subprocess.run(
            ["git", "archive", tree], cwd=HERE, check=True, capture_output=True
        )
        subprocess.run(["tar", "-x", "-C", place], input=packed.stdout, check=True)
        yield Path(place)


class Cost(NamedTuple):
    """Of a command."""

    seconds: float
    cpu: float  # seconds, of all its processes


def called(tree: Path, cache: Path, *words: str) -> Cost:
    """What `deconvgen WORDS` of a tree takes."""
    own = {"PYTHONPATH": str(tree), "DECONVGEN_CACHE": str(cache)}
    environment = os.environ | own | {"PYTHONSAFEPATH": "1"}
    begin, before = perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "deconvgen.cli", *words]
    done = subprocess.run(
        command, env=environment, cwd=tree, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(perf_counter() - begin, cpu)


def same(part: str, tree: Path) -> list[str]:
    """The flags of `SAME` that a tree has keys for."""
    environment = os.environ | {"PYTHONPATH": str(tree), "PYTHONSAFEPATH": "1"}
    words = [sys.executable, "-c", KEYS]
    said = subprocess.run(
        words, env=environment, cwd=tree, check=True, capture_output=True, text=True
    )
    known = said.stdout.split()
    return [f"--config.{k}={v}" for k, v in SAME[part].items() if k in known]


Call = Callable[[str, Path, int], Cost]


def in_turns(trees: dict[str, Path], turns: int, call: Call) -> dict[str, list[Cost]]:
    """`call(name, tree, turn)`, the trees taking turns to begin."""
    costs: dict[str, list[Cost]] = {name: [] for name in trees}
    for turn in range(turns):
        order = [*trees][:: -1 if turn % 2 else 1]
        for name in order:
            costs[name].append(call(name, trees[name], turn))
    return costs


def rows(costs: dict[str, list[Cost]]) -> str:
    """A table of medians, and how much faster this tree is."""
    each = lambda turns: ", ".join(f"{cost.seconds:.0f}" for cost in turns)
    listed = [
        [name, *map(median, zip(*turns, strict=True)), each(turns)]
        for name, turns in costs.items()
    ]
    ours, theirs = costs.values()
    faster, less = (
        median(b[i] / a[i] for a, b in zip(ours, theirs, strict=True)) for i in (0, 1)
    )
    head = ["tree", "seconds", "CPU seconds", "each turn"]
    told = f"faster by {faster:.2f}; by CPU seconds {less:.2f}"
    return f"{table(head, listed)}\n\n{told}"


def demo(trees: dict[str, Path], place: Path, options: argparse.Namespace) -> str:
    """The training command of `make demo`, warm."""
    steps = f"--config.steps={options.steps}"
    words = ["train", "--config=dcgan:demo", "--quiet", steps]
    flags = {name: same("demo", tree) for name, tree in trees.items()}

    def call(name: str, tree: Path, turn: int | str) -> Cost:
        run, cache = place / f"demo-{name}-{turn}", place / f"cache-{name}"
        return called(tree, cache, *words, *flags[name], f"--workdir={run}")

    for name, tree in trees.items():
        call(name, tree, "first")
    return rows(in_turns(trees, options.turns, call))


def sweep(trees: dict[str, Path], place: Path, options: argparse.Namespace) -> str:
    """The whole command, cold; and what it compiled."""
    only = [f"--only=1-{options.runs}"] if options.runs else []
    words = ["sweep", NAME, "--size=smoke", "--notiming", *only]
    flags = {name: same("sweep", tree) for name, tree in trees.items()}

    def call(name: str, tree: Path, turn: int) -> Cost:
        own = place / f"sweep-{name}-{turn}"
        where = f"--workdir={own / 'sweep'}"
        return called(tree, own / "cache", *words, *flags[name], where)

    told = [rows(in_turns(trees, options.turns, call))]
    ours = place / f"sweep-{next(iter(trees))}-0"
    outcomes = [json.loads(p.read_text()) for p in ours.rglob("outcome.json")]
    steps = {p.name for p in (ours / "cache").rglob("jit_rounds-*-cache")}
    spent: dict[str, float] = {}
    for outcome in outcomes:
        for name, value in outcome.get("spent", {}).items():
            spent[name] = spent.get(name, 0.0) + value
    whole = sum(spent.values()) - spent.get("compilations", 0.0)
    share = {k: f"{100 * v / whole:.0f} %" for k, v in spent.items() if whole}
    compiled, there = (
        spent.get("compilations", 0),
        len([*(ours / "cache").rglob("jit_*-cache")]),
    )
    told.append(
        f"{len(outcomes)} runs, train steps of {len(steps)} distinct programs; the "
        f"workers compiled {compiled:.0f} programs of all sizes, {there} distinct ones "
        "are kept"
    )
    told.append(table([*share], [[*share.values()]]))
    return "\n\n".join(told)


MEMORY = """
import gc, json, sys
from pathlib import Path
import jax, jax.numpy as jnp, numpy as np
from deconvgen import config
from deconvgen.runs import memory, population, setup
from deconvgen.training import cost, parallel
now = lambda: int(Path("/proc/self/statm").read_text().split()[1]) * 4096
loaded = setup.describe(
    config.load(
        "dcgan:demo", ["eval.extractor=random", "model.conditional=false"]
    ), (28, 28, 1))
spread, size = parallel.one(), loaded.batch_size
task = population.task(loaded, None, (), True)
example = {"image": np.zeros((1, 28, 28, 1), "f4"), "mask": np.ones(1, "f4")}
state = setup.initial(loaded, example, 0)
found = {}
for count in map(int, sys.argv[1:]):
    gc.collect()
    wide = lambda x: np.zeros((count, *x.shape), x.dtype)
    row = lambda x: np.zeros((count, 1, size, *x.shape[1:]), x.dtype)
    steps = spread.rounds(task.train_step, lambda shared, batch: batch, True)
    roots = jax.random.split(jax.random.key(0), count)
    args = (roots, jax.tree.map(wide, state), (), jax.tree.map(row, example), 0)
    stated = memory.needed(steps, *args)
    args = jax.block_until_ready(jax.tree.map(jnp.copy, jax.device_put(args)))
    given = sum(x.nbytes for x in jax.tree.leaves(args[1:4]))
    cost.begin_peak()
    before = now()
    jax.block_until_ready(steps(*args))
    peak = cost.peak_memory()["peak_memory_mib"] * 2**20
    found[count] = stated, peak - before + given
    del args
print(json.dumps(found))
"""


def population(trees: dict[str, Path], place: Path, options: argparse.Namespace) -> str:
    """A population's memory: as stated, members x what one needs; XLA's; in use."""
    words = [sys.executable, "-c", MEMORY, "1", "4", "16"]
    environment = os.environ | {"PYTHONPATH": str(next(iter(trees.values())))}
    said = subprocess.run(
        words, env=environment, check=True, capture_output=True, text=True
    )
    found = {int(k): v for k, v in json.loads(said.stdout).items()}
    one = found[1][0]
    listed = [
        [n, n * one / 2**20, counted / 2**20, used / 2**20, used / (n * one)]
        for n, (counted, used) in found.items()
    ]
    head = ["members", "stated, MiB", "XLA's count", "in use", "in use / stated"]
    return table(head, listed)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--against", required=True, help="a folder or a revision")
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--runs", type=int, default=0, help="of the sweep; 0: all")
    parser.add_argument("--steps", type=int, default=3500, help="of the demo")
    parser.add_argument("--out", default="")
    options = parser.parse_args()
    measures = {"demo": demo, "sweep": sweep, "memory": population}
    text = [f"Command: `benchmarks/many_models.py {' '.join(sys.argv[1:])}`"]
    with checked_out(options.against) as other, tempfile.TemporaryDirectory() as place:
        trees = {"here": HERE, options.against: other}
        for part in options.parts.split(","):
            head = (measures[part].__doc__ or "").splitlines()[0]
            text += [f"## {head}", measures[part](trees, Path(place), options)]
            print("\n\n".join(text[-2:]), flush=True)
            if options.out:
                Path(options.out).write_text("\n\n".join(text) + "\n")


if __name__ == "__main__":
    main()
