"""Many small runs: this tree against another, whole commands, in turns.

    python benchmarks/many_models.py --against=c93520a [--parts=demo] [--record]
    python benchmarks/many_models.py --against=../older --parts=sweep --runs=18

    demo      the training command of `make demo`, its programs compiled before
    sweep     `deconvgen sweep upsampling_x_initialization --size=smoke`, the whole
              command, with nothing compiled before; --runs=N the first N of its 90
    memory    of a population: members x what one needs, against XLA's count of it

The other tree is a folder (`git worktree add ../older c93520a`), or a revision of this
repository, which is unpacked beside for the time being. Both have caches of their own,
and do the same work: c93520a has neither validation images nor the demo's recipe of
today, so `SAME` says what its configs say, as far as a tree has the keys. Every part is
a record of its own (`--record`). Seconds are told, and the CPU's, which say more where
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
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import record
from tables import Spread
from timing import Timings

HERE = Path(__file__).resolve().parent.parent
NAME, SELF = "upsampling_x_initialization", "many_models"
DEPENDS = (*record.RUN, "deconvgen/sweep", f"experiments/{NAME}.py")
SAME = {
    "demo": {
        "model.conditional": "false",
        "model.critic_condition": "projection",
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


Trees = dict[str, Path]
Call = Callable[[str, Path, int], Cost]


def in_turns(trees: Trees, turns: int, call: Call) -> dict[str, list[Cost]]:
    """`call(name, tree, turn)`, the trees taking turns to begin."""
    costs: dict[str, list[Cost]] = {name: [] for name in trees}
    for turn in range(turns):
        order = [*trees][:: -1 if turn % 2 else 1]
        for name in order:
            costs[name].append(call(name, trees[name], turn))
    return costs


def compared(sheet: record.Sheet, costs: dict[str, list[Cost]]) -> None:
    """A table of what each tree takes, and how much faster the first is."""
    ours, _ = costs
    kinds = [
        Timings({name: [cost[i] for cost in turns] for name, turns in costs.items()})
        for i in (0, 1)
    ]
    rows = []
    for name in costs:
        row: list = [name, *(Spread.of(kind.turns[name]) for kind in kinds)]
        other = name != ours
        rows.append(row + [k.faster(ours, name) if other else "" for k in kinds])
    head = ["tree", "seconds", "CPU seconds", "here is faster by", "by CPU seconds"]
    sheet.table(head, rows)


def demo(
    sheet: record.Sheet, trees: Trees, place: Path, options: argparse.Namespace
) -> None:
    """The training command of `make demo`, warm."""
    steps = f"--config.steps={options.steps}"
    words = ["train", "--config=dcgan:demo", "--quiet", steps]
    flags = {name: same("demo", tree) for name, tree in trees.items()}

    def call(name: str, tree: Path, turn: int | str) -> Cost:
        run, cache = place / f"demo-{name}-{turn}", place / f"cache-{name}"
        return called(tree, cache, *words, *flags[name], f"--workdir={run}")

    for name, tree in trees.items():
        call(name, tree, "first")
    compared(sheet, in_turns(trees, options.turns, call))


def sweep(
    sheet: record.Sheet, trees: Trees, place: Path, options: argparse.Namespace
) -> None:
    """The whole command, cold; and what it compiled."""
    only = [f"--only=1-{options.runs}"] if options.runs else []
    words = ["sweep", NAME, "--size=smoke", "--notiming", *only]
    flags = {name: same("sweep", tree) for name, tree in trees.items()}

    def call(name: str, tree: Path, turn: int) -> Cost:
        own = place / f"sweep-{name}-{turn}"
        where = f"--workdir={own / 'sweep'}"
        return called(tree, own / "cache", *words, *flags[name], where)

    compared(sheet, in_turns(trees, options.turns, call))
    went(sheet, place / f"sweep-{next(iter(trees))}-0")


def went(sheet: record.Sheet, folder: Path) -> None:
    """Where the seconds of a sweep's runs went, and what they compiled."""
    outcomes = [json.loads(p.read_text()) for p in folder.rglob("outcome.json")]
    spent: Counter[str] = Counter()
    for outcome in outcomes:
        spent.update(outcome.get("spent", {}))
    compiled = spent.pop("compilations", 0)
    if whole := sum(spent.values()):
        shares = [f"{100 * seconds / whole:.0f} %" for seconds in spent.values()]
        sheet.table([*spent], [shares], "Where the seconds of the runs go")
    steps = {p.name for p in (folder / "cache").rglob("jit_rounds-*-cache")}
    there = len([*(folder / "cache").rglob("jit_*-cache")])
    sheet.note(
        f"{len(outcomes)} runs, train steps of {len(steps)} distinct programs; the "
        f"workers compiled {compiled:.0f} programs of all sizes, {there} distinct ones "
        "are kept."
    )


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
        "dcgan:demo",
        ["eval.extractor=random", "model.conditional=false",
         "model.critic_condition=projection"],
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


def population(
    sheet: record.Sheet, trees: Trees, place: Path, options: argparse.Namespace
) -> None:
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
    sheet.table(head, listed)


PARTS = {
    "demo": (demo, "The training command of `make demo`, compiled before"),
    "sweep": (sweep, f"The sweep {NAME}, whole command, nothing compiled before"),
    "memory": (population, "A population's memory: members x what one needs"),
}


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--against", required=True, help="a folder or a revision")
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--runs", type=int, default=0, help="of the sweep; 0: all")
    parser.add_argument("--steps", type=int, default=3500, help="of the demo")
    record.argument(parser)
    options = parser.parse_args()
    with checked_out(options.against) as other, tempfile.TemporaryDirectory() as place:
        trees = {"here": HERE, options.against: other}
        for part in options.parts.split(","):
            measure, title = PARTS[part]
            few = {"sweep": (options.runs, "runs"), "demo": (options.steps, "steps")}
            number, what = few.get(part, (0, ""))
            cut = f", {number} {what}" if number else ""
            sheet = record.Sheet(
                f"many_models.{part}", title + cut, (*DEPENDS, *record.scripts(SELF))
            )
            with record.kept(options, sheet):
                measure(sheet, trees, Path(place), options)


if __name__ == "__main__":
    main()
