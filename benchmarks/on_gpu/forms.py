"""What `impl="auto"` takes on this device against XLA's own and our other forms."""

from deconvgen.nn.conv import Conv, ConvTranspose
from on_gpu.clock import interleave
from on_gpu.passes import compiled, pixels
from on_gpu.record import Record

GRID = ((4, 2), (3, 1), (5, 2), (3, 2), (2, 2), (5, 1), (4, 1), (3, 3), (5, 3), (4, 3))
GRID += ((2, 1), (2, 3))
SCATTERS = ("direct", "apart", "mixed", "joint", "product")
SLOWEST = 0.95  # times XLA's own


def main(record: Record) -> None:
    """Kernels of 2 to 5 at strides of 1 to 3, 64 channels to 64, batch 64."""
    slower, seen = [], 0
    batch, side, channels = (2, 4, 4) if record.toy else (64, 16, 64)
    for k, s in GRID[:1] if record.toy else GRID:
        for layer in (ConvTranspose, Conv):
            up = layer is ConvTranspose
            what = f"{layer.__name__}, kernel {k}, stride {s}"
            with record.trying(what, 0 if record.toy else 4):
                record.enough()
                x = pixels("float32", batch, *[side if up else side * s] * 2, channels)
                names = ("auto", "lax", *(SCATTERS if up and s > 1 else ()))
                options = dict(kernel_size=(k, k), strides=(s, s))
                layers = {
                    name: layer(channels, impl=name, **options)
                    for name in (names[:3] if record.toy else names)
                }
                calls = compiled(record, layers, x, what)
                turns, least = (2, 0.01) if record.toy else (5, 0.02)
                times = interleave(calls, turns, least)
                speed = times.speedup("auto", "lax")
                if speed < SLOWEST:  # or a hiccup?
                    again = {name: calls[name] for name in ("auto", "lax")}
                    speed = interleave(again, 4 * turns, least).speedup("auto", "lax")
                seen += 1
                slower += [f"{what}: {speed:.3g}"] if speed < SLOWEST else []
                best = min(calls, key=times.seconds)
                record.row(
                    "one layer, forward and backward, float32",
                    layer=layer.__name__,
                    kernel=k,
                    stride=s,
                    **{
                        "auto, times XLA's own (lax)": speed,
                        "best form": best,
                        "best, times lax": times.speedup(best, "lax"),
                        "auto us": 1e6 * times.seconds("auto"),
                    },
                    **{
                        f"{n}, times lax": times.speedup(n, "lax")
                        for n in calls
                        if n not in ("auto", "lax")
                    },
                )
    record.note(
        f"of {seen} geometries, auto is slower than {SLOWEST} times XLA's own in "
        f"{len(slower)}" + (": " + "; ".join(slower) if slower else "")
    )
