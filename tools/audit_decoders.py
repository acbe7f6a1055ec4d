"""What the audit of networks says of the decoders in use, made for docs.

    python tools/audit_decoders.py

Each has the geometry of its paper or code at a small width, without norms but DCGAN's:
its last two enlargements, with random weights. What is seen is the architecture's,
before any training; no weights of theirs are used.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from deconvgen.audit import network
from deconvgen.audit.network_words import culprit, gridded
from deconvgen.core.runtime import prepare
from deconvgen.report import markup

PAGE = Path(__file__).parent.parent / "docs" / "audit_decoders.md"
SIDE, WIDTH = 32, 16

Function = Callable[[Any], Any]
Stages = dict[str, Function]


class Weights:
    """Layers with random weights, drawn one after the other."""

    def __init__(self, seed: int = 0, deviation: float = 0.0):
        self.rng, self.deviation = np.random.default_rng(seed), deviation

    def drawn(self, k: int, i: int, o: int, fan: float) -> Any:
        """A kernel [k, k, i, o]."""
        scale = self.deviation or np.sqrt(2 / fan)
        return jnp.asarray(scale * self.rng.normal(size=(k, k, i, o)), jnp.float32)

    def conv(self, k: int, i: int, o: int) -> Function:
        """Of stride 1, zeros at the border."""
        w, dims = self.drawn(k, i, o, k * k * i), ("NHWC", "HWIO", "NHWC")
        return lambda x: jax.lax.conv_general_dilated(
            x, w, (1, 1), "SAME", dimension_numbers=dims
        )

    def deconv(self, k: int, i: int, o: int, s: int = 2) -> Function:
        """A transposed convolution that enlarges by s."""
        w = self.drawn(k, i, o, k * k * i / s**2)
        return lambda x: jax.lax.conv_transpose(x, w, (s, s), "SAME")

    def residual(self, c: int, act: Function = jax.nn.silu) -> Function:
        """x + conv(act(conv(act(x))))."""
        one, two = self.conv(3, c, c), self.conv(3, c, c)
        return lambda x: x + 0.5 * two(act(one(act(x))))


def shuffled(x: Any, r: int = 2) -> Any:
    """Channels to r x r pixels."""
    b, h, w, c = x.shape
    x = x.reshape(b, h, w, r, r, c // r**2).transpose(0, 1, 3, 2, 4, 5)
    return x.reshape(b, h * r, w * r, c // r**2)


def doubled(x: Any) -> Any:
    """Each pixel four times."""
    return x.repeat(2, 1).repeat(2, 2)


def chain(*functions: Function) -> Function:
    """One after the other."""

    def run(x: Any) -> Any:
        for function in functions:
            x = function(x)
        return x

    return run


def vq_vae() -> Stages:
    """van den Oord et al. 2017: residual blocks, then two of kernel 4."""
    make, c, relu = Weights(1), WIDTH, jax.nn.relu
    return {
        "blocks": chain(make.conv(3, c, c), make.residual(c, relu), relu),
        "up 1": chain(make.deconv(4, c, c), relu),
        "up 2": make.deconv(4, c, 3),
    }


def sd_vae() -> Stages:
    """Rombach et al. 2022, diffusers' Upsample2D: pixels repeated, then a 3 x 3."""
    make, c = Weights(2), WIDTH
    up = lambda: chain(make.residual(c), doubled, make.conv(3, c, c))
    end = chain(make.residual(c), jax.nn.silu, make.conv(3, c, 3))
    start = chain(make.conv(3, c, c), make.residual(c))
    return {"middle": start, "up 1": up(), "up 2": up(), "end": end}


def dc_ae() -> Stages:
    """Chen et al. 2024: conv and pixel shuffle, beside repeated channels shuffled."""
    make, c = Weights(3), WIDTH

    def up() -> Function:
        conv, block = make.conv(3, c, 4 * c), make.residual(c)
        return lambda x: block(shuffled(conv(x)) + shuffled(x.repeat(4, -1)))

    end = chain(jax.nn.silu, make.conv(3, c, 3))
    return {"start": make.conv(3, c, c), "up 1": up(), "up 2": up(), "end": end}


def dcgan(kernel: int) -> Stages:
    """Radford et al. 2015 (kernel 5) and PyTorch's example (kernel 4)."""
    make, c = Weights(4, 0.02), 2 * WIDTH
    normed = lambda x: x / jnp.sqrt(jnp.mean(jnp.square(x), (0, 1, 2)) + 1e-5)
    first = chain(make.deconv(kernel, c, c), normed, jax.nn.relu)
    return {"up 1": first, "up 2": chain(make.deconv(kernel, c, 3), jnp.tanh)}


def patches() -> Stages:
    """Video decoders that end in a depth-to-space of 4 (LTX-Video): nothing smooths."""
    make, c = Weights(5), WIDTH
    end = chain(jax.nn.silu, make.conv(3, c, 48), lambda x: shuffled(x, 4))
    return {"blocks": chain(make.conv(3, c, c), make.residual(c)), "unpatch": end}


def edsr() -> Stages:
    """Lim et al. 2017: twice a conv with pixel shuffle, then a 3 x 3."""
    make, c = Weights(6), WIDTH
    up = lambda: chain(make.conv(3, c, 4 * c), shuffled)
    end = make.conv(3, c, 3)
    return {"blocks": make.residual(c), "up 1": up(), "up 2": up(), "end": end}


DECODERS: dict[str, Callable[[], Stages]] = {
    "VQ-VAE": vq_vae,
    "SD-VAE": sd_vae,
    "DC-AE": dc_ae,
    "DCGAN, kernel 5": lambda: dcgan(5),
    "DCGAN, kernel 4": lambda: dcgan(4),
    "EDSR": edsr,
    "unpatching by 4 (LTX-Video)": patches,
}


def audited(name: str) -> Any:
    """The audit of one of them, stage by stage."""
    stages = {k: jax.jit(f) for k, f in DECODERS[name]().items()}
    channels = 2 * WIDTH if name.startswith("DCGAN") else WIDTH
    return network(None, (SIDE, SIDE, channels), stages=stages)


def row(name: str) -> tuple[str, ...]:
    """The cells of a line of the table."""
    found = audited(name)
    first = culprit(found)
    last = list(DECODERS[name]())[-1]
    stage = (
        first.name if first else (last if gridded(found, found.channels) else "none")
    )
    periods = ", ".join(f"{d} ({v:.0%})" for d, v in found.strides.items()) or "none"
    reach = found.receptive_field[0]
    cells = (name, periods, f"{found.dc_gap:.2f}", f"{found.phase_variance:.2f}",
             f"{found.eq_t:.0f}", f"{found.eq_t_frac:.0f}", f"{found.alias_db:.0f}",
             f"{reach} x {reach}", str(found.border), stage)  # fmt: skip
    print(*cells, sep=" | ", flush=True)
    return cells


def page() -> str:
    """The text of the page."""
    heads = ("decoder", "periods with a grid", "DC gap", "phase variance", "EQ-T, dB",
             "EQ-T by parts, dB", "replica, dB", "receptive field", "border, px",
             "comes in at")  # fmt: skip
    return "\n".join([HEAD, *markup.grid(heads, map(row, DECODERS)), ""])


HEAD = """\
# What the audit of networks says of decoders in use

Made by `python tools/audit_decoders.py`: geometries of published decoders at a small
width, their last two enlargements (a factor of 4), with random weights and none of
theirs. So the table says what an architecture brings along and training has to take
away, not what their trained weights draw. Audit yours with
`deconvgen audit --model=FILE.onnx` or `deconvgen.audit.network`.

- DC gap: how far the phases' answers to a constant are apart; phase variance: of noise,
  the strongest phase over the weakest (1 is even).
- EQ-T: equivariance to shifts by a pixel of the input, by parts: of the output.
- Receptive field in pixels of the input; how deep borders reach, in the output's.
- Comes in at: the first stage with a grid, "none" where no stage has.
"""

if __name__ == "__main__":
    prepare()
    PAGE.write_text(page())
