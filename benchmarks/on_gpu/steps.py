"""The train step of DCGAN-64: ours, with Flax's own layers, and PyTorch's."""

from collections.abc import Callable
from functools import partial

import theirs
from train_step import jax_step

from deconvgen import config
from deconvgen.runs import setup as runs
from on_gpu.clock import Call, interleave, jax_call, torch_call
from on_gpu.record import Record

CASES = (("float32", 64), ("float32", 128), ("bfloat16", 128), ("bfloat16", 64))


def settings(batch: int, dtype: str, toy: bool):
    """The config of the step that is timed."""
    given = [f"batch_size={batch}", f"dtype={dtype}", "eval.extractor=random"]
    small = ["model.features=8,8", "model.factors=2,2"] if toy else []
    loaded = config.load("dcgan:64", given + small)
    return runs.describe(loaded, (16, 16, 3) if toy else (64, 64, 3))


def making(loaded, compiled: bool) -> dict[str, Callable[[], Call]]:
    """What makes each of the steps that are compared, by name; the slowest last."""
    (size, _, channels), batch = loaded.data.image_shape, loaded.batch_size

    def pytorch(mode: str) -> Call:
        draw = theirs.fixed(batch, size, channels)
        half = loaded.dtype == "bfloat16"
        return torch_call(theirs.step(loaded, mode, draw, half))

    modes = ["graph", "eager", *(["compile", "compile+graph"] if compiled else [])]
    return {
        "deconvgen": lambda: jax_call(jax_step(loaded, plain=False)),
        "plain Flax": lambda: jax_call(jax_step(loaded, plain=True)),
    } | {f"PyTorch {mode}": partial(pytorch, mode) for mode in modes}


def main(record: Record) -> None:
    """The batch lies on the device; steps are queued, as a training loop does."""
    for dtype, batch in (("float32", 4),) if record.toy else CASES:
        loaded = settings(batch, dtype, record.toy)
        makers = making(loaded, dtype == "bfloat16" and batch == 64)
        calls, took = {}, {}
        for name, make in makers.items():
            what = f"{name}, {dtype}, batch {batch}"
            needs = 40 if "compile" in name else 12
            with record.trying(what, 0 if record.toy else needs):
                record.enough()
                begin = record.left()
                made = make()
                made.wait(made.run())
                calls[name], took[name] = made, begin - record.left()
        if not calls:
            continue
        with record.trying(f"timing of {dtype}, batch {batch}"):
            times = interleave(calls, 2 if record.toy else 5)
            for name in calls:
                record.row(
                    "DCGAN-64, one step",
                    dtype=dtype,
                    batch=batch,
                    step=name,
                    **{
                        "ms": 1e3 * times.seconds(name),
                        "images/s": batch / times.seconds(name),
                        "deconvgen is faster by": times.speedup("deconvgen", name)
                        if "deconvgen" in calls
                        else "",
                        "made in s": took[name],
                    },
                )
        del calls
    record.note(
        "float32: convolutions in TF32 in both, matrix products in TF32 in JAX and in "
        "full float32 in PyTorch (each one's default); bfloat16: parameters in "
        "float32, PyTorch by autocast; graph: the step as one CUDA graph"
    )
