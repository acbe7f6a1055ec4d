"""A small experiment, trials without training, and a worker that only notes them."""

import time
from pathlib import Path

from deconvgen.sweep import local as launch
from deconvgen.sweep import worker
from deconvgen.sweep.plan import Trial

FILE = """
from deconvgen.sweep import chain, choose, product, seeds
QUESTION = "Which layer?"
BASE = "autoencoder:smoke"
RUNS = chain(
    seeds(choose("model.upsampler", ["nearest_conv", "conv_transpose"]), 2),
    choose("optimizer.learning_rate", [1e30]),
)
MEASURES = {"psnr": "max"}
SIZES = {"smoke": [{
    "steps": 30, "log_every": 1, "eval_every": 10, "checkpoint_every": 5,
    "batch_size": 4, "model.features": (4, 4), "model.latent": 4, "num_samples": 4,
    "model.encoder_kernel_size": 2, "model.kernel_size": 2, "eval.num_examples": 20,
    "eval.batch_size": 10, "sample_every": 30,
}]}
"""


def trials(count, groups):
    """Trials without anything to train."""
    settings = [{"g": i % groups, "seed": i // groups} for i in range(count)]
    return [Trial(f"{s['g']}.{s['seed']}", s, "", []) for s in settings]


class Fake(launch.Worker):
    """Notes who ran what, and dies when told to."""

    log: list = []
    dies: set = set()
    started = 0

    def __init__(self, index, count):
        self.index, self.process = index, self
        Fake.started += 1
        self.returncode, self.stderr, self.stdin = 0, self, self

    def run(self, specs):
        names = [spec["name"] for spec in specs]
        Fake.log += [(self.index, name) for name in names]
        time.sleep(0.02)
        if Fake.dies & set(names):
            self.returncode = -9
            return []
        outcome = {"state": "finished", "seconds": 0.0}
        for spec in specs:
            worker.record(Path(spec["workdir"]), outcome)
        return [outcome] * len(specs)

    def read(self):
        return "first line\nlast words\n"

    def close(self):
        pass

    kill = close

    def stop(self, patience=0.0):
        pass


def wait_for(condition, seconds=240):
    until = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.05)
    return found
