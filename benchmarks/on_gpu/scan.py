"""K train steps in one call: one launch by the host instead of K."""

from on_gpu.clock import jax_call, seconds
from on_gpu.engine import Member, Program, fashion, settings
from on_gpu.record import Record


def main(record: Record) -> None:
    """K of 1, 10 and 50, for the demo's network and for the plain one."""
    small = ("model.features=8,4", "batch_size=8") if record.toy else ()
    for name in ("dcgan:demo",) if record.toy else ("dcgan:demo", "gan"):
        images = fashion(200 if record.toy else 10_000)
        member = Member(settings(name, *small), images)
        single = 0.0
        for k in (1, 2) if record.toy else (1, 10, 50):
            with record.trying(f"{name}, {k} steps a call", 0 if record.toy else 6):
                record.enough()
                run = member.steps(k)
                program = Program(run, member.data, member.root, member.state, k)
                rate = k / seconds(jax_call(program), 0.01 if record.toy else 0.3)
                single = single or rate
                record.row(
                    "train steps a second, data on the device",
                    config=name,
                    **{
                        "K": k,
                        "steps/s": rate,
                        "images/s": rate * member.batch,
                        "times K = 1": rate / single,
                        "compile s": program.compile_seconds,
                    },
                )
