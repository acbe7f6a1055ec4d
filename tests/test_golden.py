"""One golden number a config: the losses of the first steps on a fixed batch."""

import json
from pathlib import Path

import jax
import numpy as np
import pytest

from deconvgen import config, tasks
from deconvgen.runs import setup as runs
from deconvgen.training import parallel as devices

GOLDEN = Path(__file__).with_name("golden.json")
SPECS = [*(f"{name}:smoke" for name in config.names()), "dcgan"]
MEANS = """
The first training steps of --config={name} give other losses than they used to. If
the model, its initialization, its loss, its optimizer or its random draws were meant
to change, write the new numbers down with `python -m tests.test_golden` and say in
the commit what changed; if not, this is a bug.
"""


def batch_for(settings):
    """A fixed batch of four in the shape that the config's data have."""
    rng = np.random.default_rng(0)
    shape = settings.data.image_shape
    return {
        "image": rng.uniform(-1, 1, (4, *shape)).astype(np.float32),
        "label": np.arange(4, dtype=np.int32),
        "segmentation": rng.integers(0, 3, (4, *shape[:2])).astype(np.int32),
        "mask": np.ones(4, np.float32),
    }


def losses(name: str) -> list[float]:
    """The first scalar loss of three steps of a config."""
    loaded = config.load(name)
    side = loaded.data.image_size or 28
    channels = loaded.data.channels or (1 if "fashion" in loaded.data.name else 3)
    loaded.eval.extractor, loaded.batch_size = "random", 4
    settings = runs.describe(loaded, (side, side, channels), 10, tuple("0123456789"))
    task, spread = tasks.make(settings, None), devices.one()
    batch = spread.put_batch(batch_for(settings))
    state = jax.jit(task.init)(jax.random.key(0), batch)
    step = spread.run(task.train_step, jax.random.key(1))
    found = []
    for index in range(3):
        state, scalars = step(state, batch, index)
        found.append(sum(float(v) for k, v in scalars.items() if "loss" in k))
    return found


@pytest.mark.parametrize("name", SPECS)
def test_the_first_losses_are_what_they_were(name):
    golden = json.loads(GOLDEN.read_text())
    assert name in golden, f"{name} has no golden numbers: python -m tests.test_golden"
    message = MEANS.format(name=name)
    np.testing.assert_allclose(losses(name), golden[name], rtol=2e-3, err_msg=message)


if __name__ == "__main__":
    numbers = {name: losses(name) for name in SPECS}
    GOLDEN.write_text(json.dumps(numbers, indent=2) + "\n")
    print(GOLDEN.read_text())
