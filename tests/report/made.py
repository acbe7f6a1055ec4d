"""A sweep of runs as training would leave them, without training."""

import json

import numpy as np
from ml_collections import ConfigDict

from deconvgen import config
from deconvgen.core import images
from deconvgen.sweep import worker

FILE = """
from deconvgen.sweep import choose, product, seeds
QUESTION = "Which <layer>?"
BASE = "dcgan:smoke"
RUNS = seeds(product(
    choose("model.upsampler", ["conv_transpose", "nearest_conv", "depth_to_space"]),
    choose("model.residual", [False, True]),
), 6)
MEASURES = {"psnr": "max", "frechet_*": "min"}
PRIMARY = "frechet_*"
TEST = "tukey"
DESIGN = {"full": {"seeds": 6, "tells": 0.5}}
SIZES = {"full": []}
"""
LEVEL = {"conv_transpose": 10.0, "nearest_conv": 5.0, "depth_to_space": 5.05}


def write_run(place, trial, value, early=10.0, **figures):
    """A run folder as training would leave it, without training.

    Half way, its value is by `early` more.
    """
    images_shape = (28, 28, 1)
    place.mkdir(parents=True)
    loaded = ConfigDict(config.load(trial.config, trial.overrides).to_dict())
    loaded.data.image_shape = images_shape
    loaded.monitor.metric, loaded.monitor.mode = "frechet_random", "min"
    config.save(loaded, place / "config.json")
    evals = [
        {
            "step": s,
            "kind": "eval",
            "frechet_random": value + (early if s == 10 else 0),
            "split": "test",
            **figures,
        }
        for s in (10, 20)
    ]
    cost = {
        "step": 20,
        "kind": "cost",
        "multiply_adds_sample": 1000.0 * len(trial.group),
    }
    lines = [json.dumps(record) for record in [*evals, cost]]
    (place / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    rng = np.random.default_rng(int(trial.setting["seed"]))
    cells = rng.uniform(-1, 1, (loaded.num_samples, *images_shape))
    images.save(images.grid(cells), place / "samples" / "00000020.png", 512)
    worker.record(place, {"state": "finished", "step": 20, "seconds": 2.0})
