"""Make the figures of README.md and docs/ from what results/ holds.

    python tools/figures.py [--accept=FILE,...]

What stands between `<!-- figures: NAME -->` and `<!-- end -->` in the pages is written
here. Results of other code than today's are refused, unless rows of them were trained
again since (`tools/reproduced.py`) or their file is named.
"""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from deconvgen.core.errors import UserError
from deconvgen.core.numbers import number
from deconvgen.report import blocks, findings, ranked
from deconvgen.report.atlas import advise
from deconvgen.report.atlas.cells import extent, measured
from deconvgen.report.atlas.reproduce import Agains, trained_again
from deconvgen.report.atlas.rows import Row, read, scored
from deconvgen.report.costs import shown
from deconvgen.report.markup import grid
from deconvgen.report.names import labels
from deconvgen.report.words import apart
from deconvgen.runs import code, origin
from deconvgen.sweep.claims import told

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "results"
PAGES = ("README.md", "docs/findings.md", "docs/choose.md")
BLOCK = re.compile(r"(<!-- figures: (\S+) -->\n).*?(<!-- end -->)", re.S)
AUDITED = ("conv_transpose:3", "conv_transpose:4", "conv_transpose:5", "nearest_conv")
AUDITED += ("depth_to_space", "depth_to_space::icnr")
STUDY = "upsampling_x_initialization"
RECIPES = "gan_recipes"
OPEN = """\
**Open**: no run of the atlas (`experiments/atlas.py`) is recorded here yet."""
SMALL = """\
By the small runs of the atlas so far (`experiments/atlas.py --size=smoke`: 600 steps,
so which layer learns fast counts; layers at their defaults and at their best-known
starts). Near: not told from the best, and no further away than so many seeds tell; the
interval, which holds for all pairs together, says how much worse it may be."""
SWEEP = "deconvgen sweep {0} --size={1} --workdir=sweeps/{0}"


def rows_of(name: str) -> list[Row]:
    """The rows of a file of results; none where it is not there yet."""
    path = RESULTS / f"{name}.csv"
    return read(path) if path.exists() else []


def behind(*names: str) -> str:
    """How many runs, of which code; how those came out that were trained again."""
    about = ranked.about([row for name in names for row in rows_of(name)])
    return " ".join([about, *trained_again(names, RESULTS)])


def atlas() -> dict[str, Any]:
    """What is in atlas.json; empty where it is not there yet."""
    path = RESULTS / "atlas.json"
    return advise.load(path) if path.exists() else {}


def audited() -> list[str]:
    """What layers do before any training."""
    found = json.loads((RESULTS / "audit.json").read_text("utf-8"))["rows"]
    lines = []
    for name, phase, gap in found:
        layer, kernel, start = (name + "::").split(":")[:3]
        label = f"`{layer}`" + (f", started by `{start}`" if start else "")
        lines.append([label, kernel or "3", f"{phase:.2f}", f"{gap:.3f}"])
    head = ["layer, factor 2", "kernel", "phase variance of noise (1: even)"]
    return grid([*head, "gap of the phases' DC gains (0: none)"], lines)


def audit() -> None:
    """Measure the layers again, where the code has changed since."""
    from deconvgen.audit.probe import audit as measure

    path, now = RESULTS / "audit.json", code.digest()
    if path.exists() and json.loads(path.read_text("utf-8"))["code"] == now:
        return
    found = []
    for name in AUDITED:
        layer, kernel, start = (name + "::").split(":")[:3]
        more: dict[str, Any] = {"kernel_size": int(kernel)} if kernel else {}
        more |= {"initializer": start} if start else {}
        done = measure(layer, features=16, **more)
        found.append([name, done.phase_variance, done.dc_gap])
    made = {"code": now, "revision": origin.revision(), "rows": found}
    path.write_text(json.dumps(made, indent=1) + "\n")


def answer() -> list[str]:
    """What the atlas recommends, a line a task."""
    made = atlas()
    if not made:
        return [OPEN]
    lines = []
    for task, about in made["tasks"].items():
        found, worse = advise.advise(task, atlas=made), advise.unjudged(about)
        best, cheap = found[0], found[-1]
        if best["judged"]:
            counts = (sum(c[of] for c in about["cells"]) for of in ("told", "judged"))
            worse = "{} of {} judged".format(*counts)
        near = "" if cheap is best or not cheap["judged"] else _cell(cheap)
        near += f"; {advise.difference(cheap, about)}" if near else ""
        lines.append([task, measured(about), _cell(best), near, worse, extent(about)])
    head = ["task", "measure", "the best judged", "the cheapest near it", "told worse"]
    shown = grid([*head, "what has run"], lines)
    return [SMALL, "", *shown, *unproved(made), "", behind("atlas")]


def unproved(made: Mapping[str, Any]) -> list[str]:
    """What is better than the best that was judged, without a verdict."""
    tasks = made["tasks"].items()
    said = [f"In {task}, {one}" for task, t in tasks for one in advise.leads(t)]
    return ["", " ".join(said)] if said else []


def _cell(cell: Mapping[str, Any]) -> str:
    return (
        f"`{cell['upsampler']}`, `{cell['initializer']}`: {number(cell['mean'])}, "
        f"{shown(advise.price(cell))} multiply-adds"
    )


def every() -> list[findings.Finding]:
    """The findings of the experiments, by what is recorded of them."""
    return [findings.finding(n, rows_of(f"{n}.study")) for n in findings.names()]


def short() -> list[str]:
    """A line a finding that was tested; the others by name."""
    found = every()
    done = [f for f in found if f.verdict != findings.NONE]
    first = lambda f: next(e for e in f.effects if e.verdict != findings.NONE).words()
    lines = [[f.says, f.source, f"**{f.verdict}**", first(f)] for f in done]
    winner, word, why = findings.single_winner(atlas())
    lines.append([winner, "Wojna et al. 2019", f"**{word}**", why])
    made = grid(["finding", "source", "here", "the first effect, 95 %"], lines)
    left = ", ".join(f"`experiments/{f.name}.py`" for f in found if f not in done)
    return [*made, "", f"Designed, and not run yet: {left}."] if left else made


def long() -> list[str]:
    """Every claim with its effect, and what it rests on."""
    lines: list[str] = []
    for found in every():
        lines += [
            f"### {found.says} ({found.source})",
            "",
            f"Here: **{found.verdict}**.",
        ]
        if found.rows:
            lines += [behind(f"{found.name}.study")]
        lines += ["", "```", SWEEP.format(found.name, found.size), "```", ""]
        done = [e for e in found.effects if e.verdict != findings.NONE]
        gap = lambda e: apart(e.difference, e.logged)
        what = lambda e: [e.config, e.claim.words(), e.measure]
        cells = [[*what(e), gap(e), f"{e.seeds}", e.verdict] for e in done]
        head = ["config", "claim", "measure", "difference (95 %)", "seeds", "verdict"]
        lines += [*grid(head, cells), ""] if cells else []
        lines += [found.remark, ""] if cells and found.remark else []
    return lines[:-1]


def study() -> list[str]:
    """Layer and start, at equal widths and at equal multiply-adds."""
    names = [f"{STUDY}.{size}" for size in ("study", "study_cost")]
    sides = [rows_of(name) for name in names]
    if not sides[0]:
        return ["Nothing is recorded yet."]
    lines: list[str] = []
    for config in dict.fromkeys(row["config"] for row in sides[0]):
        parts = [[r for r in side if r["config"] == config] for side in sides]
        found = [blocks.compare(*scored(part)) for part in parts if part]
        cells = [
            [told(ranked.own(key))] + [ranked.cell(each, key) for each in found]
            for key in found[0].order
        ]
        heads = ["equal widths", "equal multiply-adds"][: len(found)]
        lines += [f"{config}, {parts[0][0]['measure']}:", ""]
        lines += [*grid(["layer, start", *heads], cells), ""]
        lines += [ranked.legend(found, heads), ""]
    return [*lines, behind(*names)]


def recipes(size: str = "full") -> list[str]:
    """A search for the recipe of a GAN, one thing changed after the other."""
    rows = rows_of(f"{RECIPES}.{size}")
    if not rows:
        return ["Nothing is recorded yet."]
    found = blocks.compare(*scored(rows))
    seen = ("test/precision_classifier", "test/recall_classifier")
    mean = lambda key, name: fmean(
        float(row[name]) for row in rows if row["setting"] == key
    )
    settings = [ranked.own(key) for key in found.order]
    keys = list(dict.fromkeys(key for setting in settings for key in setting))
    called = dict(zip(found.order, labels(settings, keys), strict=True))
    cells = [
        [
            called[key],
            ranked.cell(found, key),
            *(f"{mean(key, name):.2f}" for name in seen),
        ]
        for key in found.order
    ]
    head = ["what is changed", rows[0]["measure"], "precision", "recall"]
    said = ranked.legend([found], ["equal cost"])
    return [*grid(head, cells), "", said, "", behind(f"{RECIPES}.{size}")]


def evidence() -> list[str]:
    """By task, the best and what is near and cheaper; which layers are told worse."""
    made = atlas()
    if not made:
        return [OPEN]
    lines = []
    for task, about in made["tasks"].items():
        if not about["cells"][0]["judged"]:
            lines.append([task, measured(about), "", advise.unjudged(about)])
            continue
        own = [c for c in about["cells"] if c["judged"]]
        found = advise.advise(task, atlas=made)
        good = [f"`{c['upsampler']}` (`{c['initializer']}`)" for c in found]
        kept = {c["upsampler"] for c in own if not c["told"]}
        layers = dict.fromkeys(c["upsampler"] for c in own)
        worse = ", ".join(f"`{layer}`" for layer in layers if layer not in kept)
        lines.append([task, measured(about), ", ".join(good), worse])
    head = ["task", "by", "the best judged, then near and cheaper", "told worse"]
    return [*grid(head, lines), *unproved(made)]


MAKERS: dict[str, Callable[[], list[str]]] = {
    "audit": audited,
    "answer": answer,
    "findings": short,
    "claims": long,
    "study": study,
    "evidence": evidence,
    "recipes": recipes,
    "untold": lambda: recipes("untold"),
    "few": lambda: recipes("few"),
}


def written(text: str) -> str:
    """A page with what stands between its markers made anew."""
    return BLOCK.sub(
        lambda m: f"{m[1]}\n{chr(10).join(MAKERS[m[2]]())}\n\n{m[3]}", text
    )


def fresh(path: Path) -> str:
    """Why a file of rows is not to be used, in a sentence; else empty."""
    found, again = read(path), Agains.of(path.stem, path.parent)
    codes = {row["code"]: row["revision"] for row in found}
    codes.pop(code.digest(), None)
    if not codes or again.stand_for(found):
        return ""
    if again.whole(found):
        return f"{path.name} does not come out as it did: {again.words()}"
    revision = next(iter(codes.values()))
    command = ["git", "-C", str(ROOT), "diff", "--name-only", revision, "--", "configs"]
    command += [f"deconvgen/{room}" for room in code.ROOMS]
    changed = subprocess.run(command, capture_output=True, text=True).stdout.split()
    since = f" ({', '.join(changed[:3])}, {len(changed)} in all)" if changed else ""
    return (
        f"{path.name} is of revision {revision or '?'}, and code that it depends on "
        f"has changed since{since}: train rows of it again by tools/reproduced.py, run "
        f"and record it anew, or say --accept={path.stem}"
    )


def main(words: Sequence[str]) -> None:
    """Write the pages; `SystemExit` with a sentence where results are of other code."""
    accepted = [n for w in words for n in w.removeprefix("--accept=").split(",")]
    for path in sorted(RESULTS.glob("*.csv")):
        if path.stem not in accepted and (why := fresh(path)):
            raise SystemExit(why)
    audit()
    for name in PAGES:
        path = ROOT / name
        path.write_text(written(path.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except UserError as error:
        raise SystemExit(str(error)) from None
