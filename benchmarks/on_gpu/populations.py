"""Many members of `dcgan:demo` in one program, against one after the other.

    one by one           our step, one member: a call each step, or a scan of K
    vmap                 the members' kernels make grouped convolutions
    products             vmap, the convolutions as batched matrix products
    lax.map              one member's scan after the other, in one program
    PyTorch one by one   eager; one step as a CUDA graph; torch.compile; both

A member-step is one step of one member at the config's batch size, critic and
generator, Adam, the average of the generator, and the batch's look-up on the device.
"""

from contextlib import nullcontext

import jax
import theirs

from deconvgen.ops.convolution import dispatch
from on_gpu.clock import jax_call, seconds, torch_call
from on_gpu.engine import Member, Program, fashion, peak_mb, settings
from on_gpu.record import Record

K = 10
TABLE = f"member-steps a second, K = {K} steps a call"
PLAN = (  # form, members, dtype; the surest first: what follows may be cut off
    ("products", 64, "float32"),
    ("products", 512, "float32"),
    ("products", 512, "bfloat16"),
    ("vmap", 64, "float32"),
    ("lax.map", 64, "float32"),
    ("products", 256, "float32"),
    ("products", 256, "bfloat16"),
    ("products", 8, "float32"),
    ("products", 64, "bfloat16"),
    ("vmap", 256, "bfloat16"),
    ("vmap", 8, "float32"),
)
TOY = (("products", 2, "float32"), ("vmap", 2, "float32"), ("lax.map", 2, "float32"))


def function(form: str, member: Member, k: int):
    """(data, roots, states, index) -> (states, scalars), the states donated."""
    run = member.steps(k)
    if form == "lax.map":
        return lambda data, roots, states, index: jax.lax.map(
            lambda one: run(data, *one, index), (roots, states)
        )
    return jax.vmap(run, in_axes=(None, 0, 0, None))


def program(form: str, member: Member, count: int, k: int) -> Program:
    """So many members, compiled in that form."""
    roots, states = member.many(count)
    with dispatch.several() if form == "products" else nullcontext():
        return Program(function(form, member, k), member.data, roots, states, k)


def main(record: Record) -> None:
    """One by one first: the ratios want it."""
    small = ("model.features=8,4", "batch_size=8") if record.toy else ()
    k, least = (2, 0.01) if record.toy else (K, 0.3)
    images = fashion(200 if record.toy else 10_000)
    loaded = settings("dcgan:demo", *small)
    member = Member(loaded, images)
    ours, best_theirs = 0.0, 0.0
    for steps in (1, k):
        with record.trying(f"one by one, {steps} a call"):
            run = member.steps(steps)
            alone = Program(run, member.data, member.root, member.state, steps)
            rate = steps / seconds(jax_call(alone), least)
            ours = max(ours, rate)
            record.row(
                TABLE,
                form=f"one by one, K = {steps}",
                members=1,
                dtype="float32",
                **{
                    "member-steps/s": rate,
                    **alone.memory(),
                    "peak MB so far": peak_mb(),
                    "compile s": alone.compile_seconds,
                },
            )
    modes = ("eager", "graph") + (() if record.toy else ("compile+graph",))
    for mode in modes[:2]:
        best_theirs = max(best_theirs, by_pytorch(record, loaded, images, mode, least))
    for form, count, dtype in TOY if record.toy else PLAN:
        with record.trying(f"{form}, {count} members, {dtype}", 0 if record.toy else 9):
            record.enough()
            one = Member(settings("dcgan:demo", *small, dtype=dtype), images)
            together = program(form, one, count, k)
            first = jax.device_get(together())
            rate = count * k / seconds(jax_call(together), least, 2)
            memory = together.memory()
            record.row(
                TABLE,
                form=form,
                members=count,
                dtype=dtype,
                **{
                    "member-steps/s": rate,
                    "times ours one by one": rate / ours if ours else "",
                    "times PyTorch one by one": rate / best_theirs
                    if best_theirs
                    else "",
                    **memory,
                    "MB a member": sum(memory.values()) / count,
                    "peak MB so far": peak_mb(),
                    "compile s": together.compile_seconds,
                    "d_loss of member 0": float(first["d_loss"][0]),
                },
            )
            del together
    for mode in modes[2:]:
        by_pytorch(record, loaded, images, mode, least)
    record.note(
        "ratios are to the faster of ours one by one (K = 1 and K = 10), and to the "
        "faster of PyTorch eager and PyTorch with each step as one CUDA graph"
    )
    record.note(
        "state and work MB are of the compiled program (donated states are counted "
        "once); the peak is the device's, of all forms so far in this process"
    )


def by_pytorch(record: Record, loaded, images, mode: str, least: float) -> float:
    """Its member-steps a second; 0 where it is missing."""
    name = f"PyTorch one by one, {mode}"
    with record.trying(name, 0 if record.toy else 12):
        record.enough()
        torch = theirs.torch
        begin = record.left()
        step = theirs.step(loaded, mode, theirs.drawing(images, loaded.batch_size))
        rate = 1 / seconds(torch_call(step), least)
        spent = begin - record.left()
        peak = 0.0
        if torch.cuda.is_available():
            peak = torch.cuda.max_memory_allocated() / 1e6
        record.row(
            TABLE,
            form=name,
            members=1,
            dtype="float32",
            **{"member-steps/s": rate, "work MB": peak, "compile s": spent},
        )
        return rate
    return 0.0
