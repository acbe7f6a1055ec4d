"""Files that are whole or not there, and JSON that is looked at before it is used.

Whatever may be killed writes beside and renames: the name that others look for is
never that of half a file. Whatever somebody may have cut off, edited or put in place
of ours is read here, and told of in one sentence.
"""

import csv
import fcntl
import io
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from deconvgen.core.errors import UserError

LOCK = ".lock"
KINDS = {
    dict: "an object",
    list: "a list",
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    type(None): "null",
}


class Damaged(UserError):
    """A file of ours that is not what we wrote."""


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A path of this process's own, which becomes `path` if the block gets to its end.

    Its folder is made. Its ending is .tmp, whatever that of `path`: left by a process
    that was killed, it is nobody's picture.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(".tmp", f".{path.stem[:100]}.", path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def writable(folder: Path) -> None:
    """Ask before what takes long: a `UserError` where a folder takes no files.

    It is made where it is not there.
    """
    try:
        with suppress(InterruptedError), beside(folder / "asked"):
            raise InterruptedError  # there is nothing to write yet
    except OSError as error:
        why = error.strerror or error
        raise UserError(
            f"the folder {folder} cannot be written to ({why}): give another --out"
        ) from None


@contextmanager
def locked(folder: Path, taken: str) -> Iterator[None]:
    """A folder, made where it is not there, for this process alone.

    Raises `UserError`: where another has it, with the words of `taken`.
    """
    with ExitStack() as opened:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = opened.enter_context((folder / LOCK).open("a"))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.samestat(os.fstat(lock.fileno()), (folder / LOCK).stat()):
                raise BlockingIOError  # who had it has just removed it
        except (BlockingIOError, FileNotFoundError):
            raise UserError(taken) from None
        except OSError as error:
            why = error.strerror or error
            raise UserError(f"the folder {folder} cannot be used: {why}") from None
        yield


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Wait until no other process is inside a block of the same path, a file to lock.

    Where the file system has no locks, nobody waits.
    """
    with ExitStack() as opened:
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            fcntl.flock(opened.enter_context(path.open("a")), fcntl.LOCK_EX)
        yield


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write(path: Path, content: bytes | str) -> Path:
    """Write a file, whole or not at all; text as UTF-8."""
    content = content.encode() if isinstance(content, str) else content
    with beside(path) as temporary:
        temporary.write_bytes(content)
    return path


def write_json(path: Path, value: Any, indent: int | None = None) -> Path:
    """Write JSON, whole or not at all; NaN as Python reads it again."""
    return write(path, json.dumps(value, indent=indent) + "\n")


def write_csv(path: Path, rows: Iterable[Sequence[Any]]) -> Path:
    """Write rows with commas, whole or not at all, as UTF-8."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return write(path, text.getvalue())


def read_json(path: Path, fields: Mapping[str, type] | None = None) -> dict[str, Any]:
    """The object in a JSON file, with at least these fields of these kinds.

    Raises `Damaged` for anything else that may be in it, and the `OSError` of a file
    that is not there or may not be read.
    """
    return parse(path.read_bytes(), str(path), fields)


def parse(
    content: bytes, name: str, fields: Mapping[str, type] | None = None
) -> dict[str, Any]:
    """As `read_json`, of what a file of this name holds."""
    if not content.strip():
        raise Damaged(f"{name} is empty")
    try:
        found = json.loads(content.decode())
    except UnicodeDecodeError:
        raise Damaged(f"{name} is no text in UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise Damaged(f"{name} is not readable as JSON: {error}") from None
    return shaped(found, name, fields or {})


def shaped(found: Any, name: str, fields: Mapping[str, type]) -> dict[str, Any]:
    """An object of JSON with at least these fields; raises `Damaged` for any other."""
    if not isinstance(found, dict):
        raise Damaged(f"{name} should hold an object, not {_kind(found)}")
    for field, kind in fields.items():
        if field not in found:
            raise Damaged(f"{name} is not whole: it lacks {field!r}")
        if not is_a(found[field], kind):
            raise Damaged(
                f"{name}: {field!r} should be {KINDS[kind]}, not {_kind(found[field])}"
            )
    return found


def is_a(value: Any, kind: type) -> bool:
    """Whether a value of JSON is of a kind: true is no number, 1 is a float."""
    if kind in (int, float) and isinstance(value, bool):
        return False
    return isinstance(value, (int, float) if kind is float else kind)


def _kind(value: Any) -> str:
    return KINDS[type(value)]
