"""Networks by what a person has of them: an exported file, or a name in a module."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import numpy as np

from deconvgen.core.errors import UserError, first_line
from deconvgen.core.plugins import named_object


class Found(NamedTuple):
    """A network: a function or its stages, and the shape that it says it takes."""

    function: Callable[[Any], Any] | None
    stages: Mapping[str, Callable[[Any], Any]] | None
    input_shape: tuple[int, ...] = ()  # without the batch; () where it does not say


def found(spec: str) -> Found:
    """The network of FILE.stablehlo, FILE.onnx or MODULE:NAME.

    A name may stand for a function of arrays, a dict of functions (stages, in their
    order) or a pair (Flax module, its variables). Raises `UserError` for what is none.
    """
    path = Path(spec).expanduser()
    if path.suffix == ".stablehlo":
        return _stablehlo(path)
    if path.suffix == ".onnx":
        return _onnx(path)
    if ":" in spec:
        return of_object(named_object(spec), spec)
    raise UserError(f"{spec} should be FILE.stablehlo, FILE.onnx or MODULE:NAME")


def of_object(thing: Any, name: str = "the network") -> Found:
    """The network that an object stands for."""
    if isinstance(thing, Mapping) and all(map(callable, thing.values())):
        return Found(None, thing)
    if isinstance(thing, tuple) and len(thing) == 2 and isinstance(thing[0], nn.Module):
        module, variables = thing
        return Found(jax.jit(lambda x: module.apply(variables, x)), None)
    if isinstance(thing, nn.Module):
        raise UserError(f"{name} is a module: give the pair (module, variables)")
    if callable(thing):
        return Found(thing, None)
    raise UserError(
        f"{name} should be a function of arrays, a dict of functions or the pair "
        f"(module, variables), not {type(thing).__name__}"
    )


def _stablehlo(path: Path) -> Found:
    from jax import export

    if not path.is_file():
        raise UserError(f"there is no {path}")
    try:
        program = export.deserialize(bytearray(path.read_bytes()))
    except Exception as error:
        raise UserError(
            f"{path} cannot be read as jax.export wrote it: {first_line(error)}"
        ) from error
    given = _only(program.in_avals, path)
    if given.dtype != np.float32:
        raise UserError(
            f"{path} takes {given.dtype}: the audit gives it float32; "
            "export it in float32"
        )
    run = _in_batches(program.call, given.shape[0] if given.shape else 0)
    return Found(run, None, _sizes(given.shape[1:]))


def _only(inputs: Sequence[Any], path: Path) -> Any:
    """The one input; a `UserError` where there are others, or none."""
    if len(inputs) != 1:
        raise UserError(
            f"{path} takes {len(inputs)} arrays, and the audit gives it one: export it "
            "with its weights inside, as a function of what it enlarges"
        )
    return inputs[0]


def _in_batches(run: Callable[[Any], Any], size: Any) -> Callable[[Any], Any]:
    """A function of any number of inputs, of one that takes `size` at once."""
    if not isinstance(size, int) or size < 1:
        return run

    def every(x: np.ndarray) -> Any:
        more = np.zeros((-len(x) % size, *x.shape[1:]), x.dtype)
        padded = np.concatenate([x, more])
        parts = [run(padded[i : i + size]) for i in range(0, len(padded), size)]
        return _joined(parts, len(x))

    return every


def _joined(parts: list, count: int) -> Any:
    """Outputs of parts of a batch, its first `count`; keys stay in their order."""
    first = parts[0]
    if isinstance(first, Mapping):
        return {key: _joined([part[key] for part in parts], count) for key in first}
    if isinstance(first, list | tuple):
        return [_joined([*inner], count) for inner in zip(*parts, strict=True)]
    return np.concatenate([np.asarray(part) for part in parts])[:count]


def _onnx(path: Path) -> Found:
    if not path.is_file():
        raise UserError(f"there is no {path}")
    try:
        import onnxruntime  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise UserError(
            "an ONNX file needs onnxruntime: pip install 'deconvgen[onnx]'"
        ) from None
    try:
        program, stages = _with_stages(path)
        session = onnxruntime.InferenceSession(
            program, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        raise UserError(f"{path} cannot be read: {first_line(error)}") from error
    given = _only(session.get_inputs(), path)
    if given.type != "tensor(float)":
        raise UserError(
            f"{path} takes {given.name} as {given.type}: the audit gives it float32; "
            "export it in float32"
        )
    image = session.get_outputs()[0].name
    wanted = [*stages, image]

    def run(x: np.ndarray) -> dict[str, np.ndarray]:
        made = session.run(wanted, {given.name: np.asarray(x, np.float32)})
        return dict(zip([*stages.values(), "the output"], made, strict=True))

    every = _in_batches(run, given.shape[0] if given.shape else 0)
    return Found(every, None, _sizes(given.shape[1:]))


STAGES = ("Conv", "ConvTranspose", "DepthToSpace", "Resize", "Upsample")


def _with_stages(path: Path) -> tuple[Any, dict[str, str]]:
    """The program, with what comes out of its convolutions and enlargements as further
    outputs: their names, and what they are called. As it is without the package onnx,
    and where its weights are in other files."""
    try:
        import onnx  # pyright: ignore[reportMissingImports]
    except ImportError:
        return str(path), {}
    model = onnx.load(str(path), load_external_data=False)
    graph = model.graph
    other = any(w.data_location == onnx.TensorProto.EXTERNAL for w in graph.initializer)
    if other:
        return str(path), {}
    known = {value.name for value in graph.output}
    found = {}
    for i, node in enumerate(graph.node):
        if node.op_type in STAGES and node.output[0] not in known:
            found[node.output[0]] = f"{node.name or i} ({node.op_type})"
            graph.output.append(onnx.ValueInfoProto(name=node.output[0]))
    return model.SerializeToString(), found


def _sizes(shape: Any) -> tuple[int, ...]:
    """Whole numbers, or () where one is a symbol."""
    return tuple(shape) if all(isinstance(n, int) for n in shape) else ()
