"""Runs that repeat others, and levels that stand for others."""

from ml_collections import ConfigDict

from deconvgen.report.counted import counted, spelled
from tests.report.test_part import part_of, result


def run(steps, seed=0, schedule="constant", start="default", curve=None):
    config = {"steps": steps, "seed": seed, "optimizer": {"schedule": schedule}}
    config["model"] = {"initializer": start}
    evals = [{"step": s, "miou": v} for s, v in (curve or {steps: 0.1}).items()]
    setting = {"model.initializer": start, "steps": steps, "seed": seed}
    return result(
        setting, evals[-1], config=ConfigDict(config), steps=steps, evals=evals
    )


def test_a_run_that_begins_a_longer_one_is_not_counted_again():
    short, long = run(60, curve={60: 0.1}), run(300, curve={60: 0.1, 300: 0.2})
    other = run(300, seed=1)
    kept, told = counted([short, long, other])
    assert kept == [long, other] and "the beginning of a longer run" in told[0]
    part = part_of({"miou": "max"}, short, long, other)
    assert part.keys == [] and len(part.done) == 2


def test_a_run_on_a_schedule_of_its_own_length_counts():
    curves = {60: 0.1}, {60: 0.2, 300: 0.3}
    runs = [
        run(60, 0, "cosine", curve=curves[0]),
        run(300, 0, "cosine", curve=curves[1]),
    ]
    assert counted(runs) == (runs, [])
    apart = [run(60, 0, "cosine"), run(300, 0, "cosine")]  # no step in common
    assert counted(apart) == (apart, [])
    assert counted([run(60), run(300)])[0] == [run(300)]


def test_a_run_that_is_the_same_counts_once():
    one = run(60)
    two = one._replace(trial=one.trial._replace(name="said otherwise"))
    kept, told = counted([one, two])
    assert kept == [one] and told == ["1 run not counted: the same as another."]


def layers(upsampler, last):
    setting = {"model.upsampler": upsampler, "seed": 0}
    return setting | ({} if last is None else {"model.last_upsampler": last})


def test_a_level_that_means_like_the_others_is_spelled_out():
    model = {"upsampler": "carafe", "last_upsampler": ""}
    config = ConfigDict({"model": model})
    keys = ["model.upsampler", "model.last_upsampler"]
    for setting, want in (
        (layers("x", ""), ["x", "x"]),
        (layers("x", None), ["x", "x"]),
        (layers("x", "y"), ["x", "y"]),
        (layers("x,z", ""), ["x,z", "z"]),
        ({"seed": 0}, ["carafe", "carafe"]),
    ):
        found = spelled(result(setting, {}, config=config), keys)
        assert list(found.values()) == want
    runs = [result(layers(a, b), {"x": 1.0}) for a in "pq" for b in ("", "p", "q")[:2]]
    runs = [r for r in runs if r.trial.setting != layers("p", "p")]
    part = part_of({"x": "min"}, *runs)
    names = [f"upsampler {a}, last_upsampler {b}" for a, b in ("pp", "qq", "qp")]
    assert list(part.levels) == names
    assert part.keys == ["upsampler", "last_upsampler"]
