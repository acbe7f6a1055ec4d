"""The time that a sweep will take, from a few steps of each layer."""

import json
from pathlib import Path

import pytest

from deconvgen import config, tasks
from deconvgen.sweep import estimate, worker
from deconvgen.sweep import local as launch
from deconvgen.sweep.plan import Trial
from tests.sweeps import Fake


class Timed(Fake):
    """Writes the records of a run, in which each layer has a speed of its own."""

    shares: set = set()

    def __init__(self, index, count):
        super().__init__(index, count)
        Timed.shares.add((index, count))

    def run(self, specs):
        (spec,) = specs
        place = Path(spec["workdir"])
        place.mkdir(parents=True)
        loaded = config.load(spec["config"], spec["overrides"])
        config.save(loaded, place / "config.json")
        step = 2.0 if "model.upsampler=carafe" in spec["overrides"] else 1.0
        at = lambda n, evals: {"step": n, "seconds": 5 + n * step + 3.0 * evals}
        rate = {"images_per_second": loaded.batch_size / step}
        records = [
            *(at(6, 0) | {"kind": "train"} | rate, at(6, 3) | {"kind": "cost"}),
            *(at(12, 3) | {"kind": "train"} | rate, at(12, 4) | {"kind": "cost"}),
        ]
        text = "".join(json.dumps(r) + "\n" for r in records)
        (place / "metrics.jsonl").write_text(text)
        outcome = {"state": "finished", "seconds": 5 + 12 * step + 4 * 3.0}
        worker.record(place, outcome)
        return [outcome]


def test_an_estimate_times_each_layer_on_a_job_s_cores_and_counts_evaluations(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(launch, "Worker", Timed)
    base = ["steps=100", "eval_every=10"]
    every = [
        Trial(f"{layer}{seed}", {"u": layer, "seed": seed}, "autoencoder:smoke",
              [*base, f"model.upsampler={layer}", f"seed={seed}"])
        for layer in ("carafe", "nearest_conv") for seed in (0, 1)
    ]  # fmt: skip
    found = estimate.estimate(tmp_path, every, 2)
    start = 5 + 4 * 3.0 - 2 * 3.0  # the first evaluation took two more, to compile
    want = (1 + estimate.SEED_SHARE) * 2 * start + 2 * (100 + 200) + 4 * 10 * 3.0
    assert found == estimate.Estimate(pytest.approx(want / 2), 2, 2)
    assert {count for _, count in Timed.shares} == {2}
    monkeypatch.setattr(launch, "Worker", None)  # what was timed is known from now on
    again = estimate.estimate(tmp_path, every, 2)
    assert again == found
    more = [*every, every[0]._replace(name="x", setting={"u": "x"}, overrides=base)]
    rest = estimate.estimate(tmp_path, more, 2, timing=False)
    assert (rest.known, rest.kinds) == (2, 3)
    assert estimate.estimate(tmp_path / "new", every, 2, timing=False) is None


def test_the_test_at_the_end_is_no_evaluation(tmp_path):
    """It is there once, whatever the number of evaluations."""
    loaded = config.load("autoencoder:smoke", ["steps=12", "eval_every=4"])
    config.save(loaded, tmp_path / "config.json")
    rate = {"images_per_second": loaded.batch_size / 1.0}
    ends = {4: (4, 14), 8: (18, 20), 12: (24, 33)}  # 10 with compiling, 2, 2 and 7
    records = []
    for step, (train, cost) in ends.items():
        records += [{"step": step, "kind": "train", "seconds": train} | rate]
        records += [{"step": 12, "kind": "test"}] * (2 if step == 12 else 0)
        records += [{"step": step, "kind": "cost", "seconds": cost}]
    lines = "".join(json.dumps(record) + "\n" for record in records)
    (tmp_path / "metrics.jsonl").write_text(lines)
    found = estimate.of_run(tmp_path, {"seconds": 40})
    assert found == estimate.Cost(40 - 12 - 3 * 2 - 7, 1.0, 2.0, 7.0)
    assert found.of(
        config.load("autoencoder:smoke", ["steps=100", "eval_every=10"])
    ) == (found.start + 100 + 10 * 2 + 7)
    estimate.remember(tmp_path, {"kind": found})
    assert estimate.earlier(tmp_path) == {"kind": found}


def test_a_timing_is_long_enough_for_both_networks():
    made = ["critic_steps=40", "steps=1000", "critic_optimizer.warmup_steps=200"]
    made += ["optimizer.warmup_steps=20"]
    short = estimate.short(Trial("x", {}, "dcgan", made))
    loaded = config.load("dcgan", [*made, *short])
    assert loaded.steps == 40 and loaded.critic_optimizer.warmup_steps == 0
    tasks.check(loaded)
    plain = config.load("vae", estimate.short(Trial("x", {}, "vae", [])))
    assert (plain.steps, plain.eval_every) == (estimate.TIMED, estimate.TIMED // 3)
