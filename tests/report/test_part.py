"""What is compared with what, by which measure, and what its settings are called."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deconvgen import config, sweep
from deconvgen.core.errors import UserError
from deconvgen.metrics.measures import asked, legend
from deconvgen.report import text as report_text
from deconvgen.report import verdict as report_verdict
from deconvgen.report.names import labels, shorts
from deconvgen.report.part import parts, under
from deconvgen.report.results import Result
from deconvgen.report.tables import rows
from deconvgen.sweep import matching
from deconvgen.sweep import plan as experiment
from deconvgen.sweep.design import Design
from deconvgen.sweep.plan import Plan, Trial

NAN = float("nan")


def result(setting, figures, state="finished", **more):
    """A run with these figures at its last and only evaluation."""
    trial = Trial(sweep.name(setting), setting, setting.get("config", "x"), [])
    evals = [{"step": 9, "kind": "eval", **figures}]
    empty = {"error": "", "step": 9, "steps": 9, "best": figures, "best_step": 9}
    empty |= {"cost": {}, "seconds": 1.0, "monitor": ("loss", "min"), "collapsed": []}
    values = empty | {"evals": evals, "last": figures} | more
    return Result(trial=trial, place=Path(), state=state, **values)


def part_of(measures, *results, design=None):
    """The one part of some runs."""
    trials = [r.trial for r in results]
    plan = Plan("mine", "Which?", measures, "full", [], trials, design)
    (found,) = parts(plan, results)
    return found


def test_a_key_is_called_by_the_fewest_words_that_tell_it():
    assert shorts(["model.norm", "seed"]) == {"model.norm": "norm", "seed": "seed"}
    keys = ["optimizer.learning_rate", "critic_optimizer.learning_rate", "a.norm"]
    assert list(shorts(keys).values()) == [*keys[:2], "norm"]
    assert list(shorts(["norm", "model.norm"]).values()) == ["norm", "model.norm"]


def test_settings_of_two_keys_with_the_same_values_stay_apart():
    found = [{"model.norm": "none"}, {"model.norm": "group"}]
    found += [{"model.critic_norm": "none"}, {}]
    keys = ["model.norm", "model.critic_norm"]
    want = ["norm none", "norm group", "critic_norm none", "as configured"]
    assert labels(found, keys) == want
    rates = [{"optimizer.learning_rate": 0.1}, {"critic_optimizer.learning_rate": 0.1}]
    assert len(set(labels(rates, [k for s in rates for k in s]))) == 2


def test_words_that_tell_themselves_go_without_their_key():
    found = [{"model.upsampler": u, "model.residual": True} for u in ("carafe", "x")]
    assert labels(found, ["model.upsampler"]) == ["carafe", "x"]
    found = [{"model.upsampler": "x", "model.last_upsampler": v} for v in ("", "y")]
    keys = ["model.upsampler", "model.last_upsampler"]
    assert labels(found, keys) == ["x, last_upsampler -", "x, last_upsampler y"]


KEYS = st.sampled_from(["a.x", "b.x", "a.y", "c"])
VALUES = st.sampled_from(["", "none", "p", "q", "p, q", 1, True])


@given(st.lists(st.dictionaries(KEYS, VALUES, max_size=3), min_size=2, max_size=6))
@settings(max_examples=150, deadline=None)
def test_unlike_settings_have_unlike_labels(found):
    given = labels(found, sweep.varying(found))
    told = {}
    for setting, label in zip(found, given, strict=True):
        exact = {k: sweep.text(v) for k, v in setting.items()}
        assert told.setdefault(label, exact) == exact


def test_two_runs_of_one_setting_and_seed_are_not_silently_one():
    runs = [result({}, {"psnr": 1.0}), result({"seed": 0}, {"psnr": 2.0})]
    with pytest.raises(UserError, match="base and seed=0 of x are both seed 0"):
        part_of({"psnr": "max"}, *runs).table("psnr")


MAIN = {
    "segmentation": ("miou", ["miou", "boundary_iou", "loss"]),
    "superres": ("psnr_y", ["psnr", "psnr_y", "frechet_random"]),
    "autoencoder": ("psnr", ["frechet_classifier", "psnr", "ssim"]),
    "gan": ("frechet_classifier", ["frechet_classifier"]),
    "dcgan": ("frechet_classifier", ["frechet_classifier"]),
    "vae": ("elbo_bits_per_dim", ["elbo_nats", "elbo_bits_per_dim", "psnr"]),
}
IMAGES = {"phase_detail_ratio_s2", "high_band_slope", "spectrum_distance_db"}
"""What experiments on artefacts ask for, of any task."""


@pytest.mark.parametrize("name", config.names("experiments"))
def test_each_task_is_answered_by_its_own_main_figure(name):
    plan = experiment.load(name)
    for task in {t.config for t in plan.trials}:
        main, figures = MAIN[task.partition(":")[0]]
        primary = plan.design.measure(task)
        found = matching(primary, [*figures, *IMAGES])
        assert under(found) == main or under(found) in IMAGES, (name, task)


@pytest.mark.parametrize("name", config.names("experiments"))
def test_each_measure_is_explained(name):
    for measure in experiment.load(name).measures:
        assert asked(measure), measure


def test_inception_s_figures_match_too():
    names = ["loss", "fid", "kid_inception_mean", "kid_inception_std"]
    assert matching("frechet_*", names) == "fid"
    assert matching("frechet_random", names) is None
    assert matching("kid_*_mean", names) == "kid_inception_mean"
    assert matching("kid_*", names) == "kid_inception_mean"
    assert matching("fid", ["frechet_random"]) is None


def seeds(key, values, name="psnr"):
    """Runs of one setting with a value for each seed."""
    setting = lambda seed: {"model.upsampler": key, "seed": seed}
    return [result(setting(s), {name: v}) for s, v in enumerate(values)]


def test_a_figure_that_is_not_finite_is_told_and_a_lucky_seed_does_not_win():
    runs = [*seeds("good", [9.0, 9.1, 9.3, 9.2, 9.1])]
    runs += seeds("bad", [1.0, 1.1, 1.2, 1.3, 1.1])
    runs += seeds("lucky", ["nan", 99.0, "nan", "nan", "nan"])
    part = part_of({"psnr": "max"}, *runs)
    text = report_verdict.answer(part)
    assert text.startswith("“good” has the highest PSNR: 9.140 (5 seeds, 9 steps)")
    assert "better than 1 of the 2 other settings by more than chance" in text
    assert "No verdict on “lucky”, with fewer than 5 seeds" in text
    assert "What this design tells with 80 % power is 0." in text
    assert text.endswith(report_verdict.UNNAMED)
    said = " ".join(report_text.remarks(part))
    assert "4 finished runs without a finite PSNR" in said
    assert "“lucky, seed 0”, “lucky, seed 2”" in said
    assert "1 setting with fewer seeds than others, ranked after them: “lucky”" in said


def test_a_measure_that_is_finite_nowhere_leaves_the_answer_to_the_next():
    nothing = {"frechet_random": "nan"}
    runs = [result({"a": a, "seed": 0}, nothing | {"psnr": float(a)}) for a in (1, 2)]
    part = part_of({"frechet_*": "min", "psnr": "max"}, *runs)
    assert list(part.measures) == ["psnr"] and part.never == ["frechet_random"]
    assert "No verdict: that takes 5 seeds of each" in report_verdict.answer(part)
    told = report_text.remarks(part)
    assert "Not finite in any finished run: Frechet distance (random)." in told


def test_the_measures_of_real_images_are_won_by_who_comes_nearest():
    runs = []
    for a, values in {"under": [0.2, 0.1], "near": [1.1, 1.3], "over": [4, 5]}.items():
        for seed, value in enumerate(values):
            figures = {"replica_db_s2": value, "replica_db_s2_real": 1.25}
            runs.append(result({"a": a, "seed": seed}, figures))
    part = part_of({"replica_db_s2": "real"}, *runs)
    assert part.order("replica_db_s2") == ["near", "under", "over"]
    assert part.real("replica_db_s2") == 1.25
    assert (
        "comes nearest to the real images' replicas of the spectrum (period 2) of 1.250"
        in (report_verdict.answer(part).replace("0.1000", "0.100"))
    )
    alone = part_of({"replica_db_s2": "real", "x": "min"}, result({}, {"x": 1.0}))
    assert alone.missing == ["replica_db_s2"]


def test_equal_differences_are_said_to_be_no_test():
    values = [0.5, 0.6, 0.7, 0.8, 0.9]
    runs = [*seeds("a", values), *seeds("b", [v - 0.125 for v in values])]
    text = report_verdict.answer(part_of({"psnr": "max"}, *runs))
    assert "differences from “b” are equal for all seeds" in text
    assert "better" not in text and "What this design tells" not in text


def test_where_nothing_is_told_it_is_not_called_equal():
    rng = np.random.default_rng(0)
    runs = [r for key in "abc" for r in seeds(key, rng.normal(size=6).tolist())]
    text = report_verdict.answer(part_of({"psnr": "max"}, *runs))
    assert "Chance may have put it first: none of the 2 others is told from it" in text
    assert "which does not say that they are equal" in text and "better" not in text


def test_few_seeds_have_no_verdict_and_the_seeds_that_it_takes():
    runs = [*seeds("a", [1.0, 1.2, 1.1]), *seeds("b", [0.9, 1.15, 1.0])]
    text = report_verdict.answer(part_of({"psnr": "max"}, *runs))
    assert "The other, “b”, has -0.0833. No verdict: that takes 5 seeds" in text
    assert re.search(r"to tell the first two apart, .* would take \d+ seeds", text)
    assert "chance" not in text and "better" not in text


def designed(test="tukey", **primary):
    return Design(primary or {"": "psnr"}, test, 6, {}, 0.8)


def test_the_primary_measure_answers_and_the_others_describe():
    rng = np.random.default_rng(0)
    figures = lambda k: {"psnr": rng.normal(), "ssim": 9.0 * k + rng.normal()}
    runs = [result({"a": k, "seed": s}, figures(k)) for k in range(3) for s in range(6)]
    part = part_of({"ssim": "max", "psnr": "max"}, *runs, design=designed())
    assert list(part.measures) == ["psnr", "ssim"] and part.primary == "psnr"
    assert part.analysis("psnr").judged and not part.analysis("ssim").judged
    assert not any(gap.told for gap in part.analysis("ssim").against.values())
    assert not any(cell.worse for row in rows(part) for cell in row.cells)
    lacking = part_of({"psnr": "max", "fid": "min"}, *runs, design=designed(x="fid"))
    assert lacking.primary == ""
    assert "finite FID, the primary measure: no answer" in report_verdict.answer(
        lacking
    )


def test_a_test_of_a_key_compares_its_values():
    """A layer that is better beside every start, where no setting alone is told."""
    rng = np.random.default_rng(1)
    runs = [
        result(
            {"model.upsampler": layer, "start": start, "seed": s},
            {"psnr": 1.5 * (layer == "p") + 3 * start + rng.normal()},
        )
        for layer in "pq" for start in range(4) for s in range(6)
    ]  # fmt: skip
    design = designed("tukey(model.upsampler)")
    part = part_of({"psnr": "max"}, *runs, design=design)
    text = report_verdict.answer(part)
    assert text.startswith("“upsampler p” has the highest PSNR")
    assert "in the mean over 4 settings, 6 seeds" in text
    assert "better than every other value" in text
    assert not part.analysis("psnr").judged  # the settings are described


def test_the_area_under_a_curve_answers():
    evals = lambda end: [{"step": 10 * i, "miou": i * end} for i in range(1, 4)]
    runs = [
        result({"a": a, "seed": 0}, {"miou": 3.0 * a}, evals=evals(a)) for a in (1, 2)
    ]
    part = part_of({"area(miou)": "max"}, *runs)
    assert part.table("area(miou)") == {"a 1": {0: 2.0}, "a 2": {0: 4.0}}
    assert legend([("area(miou)", "max")])[0][1].startswith("mean over the steps")


def test_the_area_of_a_curve_can_be_held_against_the_real_images():
    evals = lambda end: [{"step": i, "x": end * i, "x_real": 2.0} for i in (1, 2, 3)]
    figures = {"x": 0.0, "x_real": 2.0}
    runs = [result({"a": a, "seed": 0}, figures, evals=evals(a)) for a in (1, 2)]
    part = part_of({"area(x)": "real"}, *runs)
    assert part.scored("area(x)") == ({"a 1": {0: 0.0}, "a 2": {0: 2.0}}, "min")
    lacks = part_of({"area(y)": "real"}, result({"seed": 0}, {"y": 1.0}))
    assert lacks.missing == ["area(y)"]


def test_collapses_are_told():
    part = part_of({"x": "min"}, result({"seed": 0}, {"x": 1.0}, collapsed=[20, 40]))
    (told,) = report_text.remarks(part)
    assert told.startswith("1 run warned of a mode collapse: “as configured, seed 0, ")
    assert told.endswith("first at step 20”.")
    assert math.isnan(part.real("x"))
