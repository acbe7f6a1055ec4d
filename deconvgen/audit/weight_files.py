"""Arrays of .safetensors and of PyTorch's .pt files; nothing is ever unpickled.

A .pt file is a zip with a pickle that says which part of which file is which tensor.
Its instructions are read one by one, as data: those that place numbers, names and
tensors are followed, all others are passed over, and nothing is imported or called.
"""

import json
import pickletools
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np

from deconvgen.core.errors import UserError

TYPES = {
    "F64": np.float64,
    "F32": np.float32,
    "F16": np.float16,
    "BF16": ml_dtypes.bfloat16,
    "I64": np.int64,
    "I32": np.int32,
    "I16": np.int16,
    "I8": np.int8,
    "U8": np.uint8,
    "BOOL": np.bool_,
}
STORAGES = {
    "DoubleStorage": np.float64,
    "FloatStorage": np.float32,
    "HalfStorage": np.float16,
    "BFloat16Storage": ml_dtypes.bfloat16,
    "LongStorage": np.int64,
    "IntStorage": np.int32,
    "ShortStorage": np.int16,
    "CharStorage": np.int8,
    "ByteStorage": np.uint8,
    "BoolStorage": np.bool_,
}
REBUILDS = ("torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_tensor")


def arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a file by name, "decoder.up.0.weight", in the file's order.

    Raises `UserError` for what is no such file, and for a .pt file of before PyTorch
    1.6, which is a pickle alone.
    """
    if not path.is_file():
        raise UserError(f"there is no {path}")
    try:
        if path.suffix == ".safetensors":
            return _safetensors(path.read_bytes())
        if zipfile.is_zipfile(path):
            return _zipped(path)
    except (ValueError, LookupError, TypeError, OSError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} cannot be read as weights: {error}") from error
    raise UserError(
        f"{path} should be .safetensors, or a .pt of PyTorch 1.6 or later (a zip): "
        "save it again with torch.save(net.state_dict(), ...)"
    )


def _safetensors(content: bytes) -> dict[str, np.ndarray]:
    length = int.from_bytes(content[:8], "little")
    if not 0 < length <= len(content) - 8:
        raise ValueError("its header is longer than the file")
    head = json.loads(content[8 : 8 + length])
    found = {}
    for name, about in head.items():
        if name == "__metadata__" or about["dtype"] not in TYPES:
            continue
        first, last = about["data_offsets"]
        data = content[8 + length + first : 8 + length + last]
        found[name] = np.frombuffer(data, TYPES[about["dtype"]]).reshape(about["shape"])
    return found


class _Name(NamedTuple):
    """Something that the pickle would import."""

    name: str


class _Storage(NamedTuple):
    kind: str
    key: str


class _Tensor(NamedTuple):
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _zipped(path: Path) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(path) as archive:
        heads = [n for n in archive.namelist() if n.endswith("data.pkl")]
        if len(heads) != 1:
            raise ValueError("it is no file of torch.save")
        folder = heads[0].removesuffix("data.pkl")
        tree = _read(archive.read(heads[0]))
        known: dict[str, bytes] = {}
        found = {}
        for name, tensor in _flat(tree, ""):
            key = tensor.storage.key
            if tensor.storage.kind not in STORAGES:
                continue
            if key not in known:
                known[key] = archive.read(f"{folder}data/{key}")
            found[name] = _placed(tensor, known[key])
        inside = sum(n.startswith(f"{folder}data/") for n in archive.namelist())
        if inside and not found:
            raise ValueError(
                f"its {inside} tensors are inside pickled objects, a whole module say: "
                "torch.save(net.state_dict(), ...) saves them by name"
            )
        return found


def _placed(tensor: _Tensor, data: bytes) -> np.ndarray:
    flat = np.frombuffer(data, STORAGES[tensor.storage.kind])
    reach = sum((n - 1) * step for n, step in zip(tensor.shape, tensor.strides))
    some = all(tensor.shape)
    inside = tensor.offset >= 0 and min((0, *tensor.strides)) >= 0
    if not inside or (some and tensor.offset + reach >= len(flat)):
        raise ValueError("a tensor reaches beyond its storage")
    size = flat.dtype.itemsize
    return np.lib.stride_tricks.as_strided(
        flat[tensor.offset :], tensor.shape, [step * size for step in tensor.strides]
    ).copy()


def _flat(tree: Any, start: str) -> list[tuple[str, _Tensor]]:
    if isinstance(tree, _Tensor):
        return [(start, tree)]
    if not isinstance(tree, dict):
        return []
    join = lambda key: f"{start}.{key}" if start else str(key)
    return [pair for key, value in tree.items() for pair in _flat(value, join(key))]


MARK = object()


def _read(content: bytes) -> Any:
    """What the instructions of a pickle place, without what they would call."""
    stack: list[Any] = []
    memo: dict[int, Any] = {}

    def marked() -> list[Any]:
        at = len(stack) - 1 - stack[::-1].index(MARK)
        items = stack[at + 1 :]
        del stack[at:]
        return items

    for code, given, _ in pickletools.genops(content):
        name: str = code.name
        argument: Any = given
        if name in ("PROTO", "FRAME"):
            pass
        elif name == "STOP":
            break
        elif name == "MARK":
            stack.append(MARK)
        elif name in ("EMPTY_DICT", "EMPTY_LIST", "EMPTY_TUPLE", "EMPTY_SET"):
            stack.append({"EMPTY_DICT": dict, "EMPTY_LIST": list}.get(name, tuple)())
        elif name == "TUPLE":
            stack.append(tuple(marked()))
        elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
            n = int(name[-1])
            stack[-n:] = [tuple(stack[-n:])]
        elif name == "GLOBAL":
            stack.append(_Name(argument))
        elif name == "STACK_GLOBAL":
            stack[-2:] = [_Name(" ".join(map(str, stack[-2:])))]
        elif name in ("BINPUT", "LONG_BINPUT", "PUT"):
            memo[int(argument)] = stack[-1]
        elif name == "MEMOIZE":
            memo[len(memo)] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            stack.append(memo[int(argument)])
        elif name == "BINPERSID":
            stack.append(_storage(stack.pop()))
        elif name in ("REDUCE", "NEWOBJ"):
            handed = stack.pop()
            stack.append(_made(stack.pop(), handed))
        elif name == "BUILD":
            stack.pop()  # the state of an object: attributes, no tensors of ours
        elif name == "SETITEM":
            value, key = stack.pop(), stack.pop()
            _set(stack[-1], [key, value])
        elif name == "SETITEMS":
            items = marked()
            _set(stack[-1], items)
        elif name in ("APPEND", "APPENDS"):
            items = marked() if name == "APPENDS" else [stack.pop()]
            if isinstance(stack[-1], list):
                stack[-1].extend(items)
        elif name in ("NONE", "NEWTRUE", "NEWFALSE"):
            stack.append({"NEWTRUE": True, "NEWFALSE": False}.get(name))
        elif argument is not None and code.stack_after and not code.stack_before:
            stack.append(argument)  # a number or a text
        else:
            raise ValueError(f"its pickle has the instruction {name}")
    return stack[-1] if stack else None


def _set(target: Any, items: list[Any]) -> None:
    if isinstance(target, dict):
        target.update(zip(items[::2], items[1::2]))


def _storage(about: Any) -> Any:
    if isinstance(about, tuple) and len(about) >= 3 and about[0] == "storage":
        kind = about[1].name.split()[-1] if isinstance(about[1], _Name) else ""
        return _Storage(kind, str(about[2]))
    return None


def _made(what: Any, given: Any) -> Any:
    """A tensor, a dict, or nothing: whatever else would be called is not."""
    name = what.name if isinstance(what, _Name) else ""
    if name == "collections OrderedDict":
        return {}
    if name in REBUILDS and isinstance(given, tuple) and len(given) >= 4:
        storage, offset, shape, strides = given[:4]
        if isinstance(storage, _Storage):
            return _Tensor(storage, offset, tuple(shape), tuple(strides))
    if name == "torch._utils _rebuild_parameter" and given:
        return given[0]
    return None
