"""A checkpoint to take along: its sampler as StableHLO, its parameters as safetensors.

The sampler runs where JAX is, without this package:

>>> program, weights = export("pretrained:dcgan-fashion", "dcgan.stablehlo")
>>> sampler = jax.export.deserialize(bytearray(program.read_bytes()))
>>> sampler.call(jnp.zeros((3, 100))).shape  # [b, n] -> [b, h, w, c], for any b
(3, 28, 28, 1)

and for a class-conditional model `sampler.call(latents, labels)` with int32 [b]. A
model without a latent takes images: an autoencoder those that it reconstructs, a
super-resolution small ones [b, h / factor, w / factor, c], a segmentation those whose
logits [b, h, w, classes] it returns.
"""

from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import export as jax_export

from deconvgen.core import files
from deconvgen.core.errors import UserError
from deconvgen.runs.run import Run, load

PLATFORMS = ("cpu", "cuda", "tpu")


def sampler(run: Run) -> jax_export.Exported:
    """The decoder of a run (or its network) for every platform and batch size.

    The averaged parameters are constants of it.
    """
    task = run.alone
    state = jax.tree.map(jnp.asarray, run.state._replace(nets={}))
    (batch,) = jax_export.symbolic_shape("b")
    floats = lambda *shape: jax.ShapeDtypeStruct((batch, *shape), jnp.float32)
    inputs: tuple[Any, ...] = (floats(*run.image_shape),)
    decode, reconstruct = task.decode, task.reconstruct
    if decode is not None:
        inputs = (floats(task.latent),)
        if run.config.model.get("conditional", False):
            inputs += (jax.ShapeDtypeStruct((batch,), jnp.int32),)
        function = lambda z, label=None: decode(state, z, {"label": label})
    elif task.apply is not None:
        inputs = (floats(*task.apply.shape),)
        function = partial(task.apply.function, state)
    elif reconstruct is not None:
        function = lambda images: reconstruct(state, {"image": images})
    else:
        raise UserError(f"the task {run.config.task} has nothing to export")
    return jax_export.export(jax.jit(function), platforms=PLATFORMS)(*inputs)


def until() -> str:
    """How long what is written now can be loaded, in a sentence: JAX's own promise.

    >>> until()[:32]
    'JAX loads the sampler by version'
    """
    return (
        f"JAX loads the sampler by version {jax.__version__} and those that come out "
        "within six months of it; after that, export again from the run folder (the "
        ".safetensors stay)"
    )


def parameters(run: Run) -> dict[str, np.ndarray]:
    """The averaged parameters and batch statistics, by "params/decoder/up_0/..."."""
    paths, _ = jax.tree_util.tree_flatten_with_path(run.variables)
    name = lambda path: "/".join(str(part.key) for part in path)
    return {name(path): np.ascontiguousarray(leaf) for path, leaf in paths}


def export(
    workdir: Path | str, out: Path | str, checkpoint: str = "best"
) -> list[Path]:
    """Write OUT.stablehlo and OUT.safetensors from a run's checkpoint.

    `out` may end in .stablehlo. Raises `UserError` where something is not installed.
    """
    try:
        import flatbuffers  # noqa: F401  (what jax.export writes with)
        from safetensors.numpy import save_file
    except ImportError as error:
        raise UserError(
            f"export needs {error.name}, which is not installed: "
            "pip install 'deconvgen[export]'"
        ) from None
    path = Path(out).expanduser()
    if path.suffix not in ("", ".stablehlo"):
        raise UserError(f"--out={out} should end in .stablehlo")
    files.writable(path.parent)
    run = load(workdir, checkpoint)
    program = bytes(sampler(run).serialize())
    path = files.write(path.with_suffix(".stablehlo"), program)
    weights = path.with_suffix(".safetensors")
    about = {"task": run.config.task, "step": str(run.step), "run": str(workdir)}
    about["jax"] = jax.__version__
    with files.beside(weights) as temporary:
        save_file(parameters(run), temporary, metadata=about)
    return [path, weights]
