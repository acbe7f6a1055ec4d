"""Images a second of the shipped generator, and of the same weights in PyTorch."""

import jax
import numpy as np
import theirs

from deconvgen.runs import run
from on_gpu.clock import interleave, jax_call, torch_call
from on_gpu.record import Record

NAME = "pretrained:dcgan-fashion"


def main(record: Record) -> None:
    """Latents are drawn on the device; float32 images stay there or go to the host."""
    loaded = run.load(NAME)
    for batch in (32,) if record.toy else (256, 2048):
        num = batch * (1 if record.toy else 8)
        step = loaded.spread.run(loaded.task.sample, jax.random.key(0))
        blank = loaded.spread.put_batch(loaded.blank(batch))

        def on_device(step=step, blank=blank, batch=batch, num=num):
            starts = range(0, num, batch)
            return [step(loaded.placed, blank, 0, start) for start in starts][-1]

        def to_host(batch=batch, num=num):
            for _ in loaded.batches(num, batch_size=batch):
                pass

        calls = {
            "deconvgen, to the host": jax_call(to_host),
            "deconvgen, on the device": jax_call(on_device),
        }
        with record.trying("PyTorch"):
            calls |= by_pytorch(record, loaded, batch, num)
        times = interleave(calls, 2 if record.toy else 5)
        for name in calls:
            place = name.partition(", ")[2]
            base = f"deconvgen, {place}"
            record.row(
                f"{NAME}, float32",
                batch=batch,
                sampling=name,
                **{
                    "images/s": num / times.seconds(name),
                    "deconvgen is faster by": times.speedup(base, name),
                },
            )


def by_pytorch(record: Record, loaded, batch: int, num: int) -> dict:
    """Its calls; how far its images are from ours is noted."""
    where, torch = theirs.device(), theirs.torch
    model, z = theirs.generator(loaded, True).to(where), loaded.latents(64, 0)
    with torch.inference_mode():
        made = model(torch.from_numpy(z).to(where)).cpu().numpy()
    apart = np.abs(made - loaded.decode(z).transpose(0, 3, 1, 2)).max()
    record.note(f"largest difference between PyTorch's images and ours: {apart:.2g}")

    def sample(host: bool):
        with torch.inference_mode():
            for _ in range(0, num, batch):
                images = model(torch.randn(batch, z.shape[1], device=where))
                if host:
                    images.cpu().numpy()

    return {
        "PyTorch eager, to the host": torch_call(lambda: sample(True)),
        "PyTorch eager, on the device": torch_call(lambda: sample(False)),
    }
