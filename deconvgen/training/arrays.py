"""Arrays by their paths in a tree, in a folder as Orbax writes it."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp

from deconvgen.core.types import Tree

MERGED = "manifest.ocdbt"
"""What Orbax writes last: without it, the arrays are there and nobody can read them."""


def leaves(tree: Tree) -> dict[str, Any]:
    """A flat dict by path: readable by anyone, whatever the optimizer's classes."""
    flat, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in flat}


def save(folder: Path, arrays: dict[str, Any]) -> None:
    """Write arrays into a folder that is not there yet; raises what Orbax raises."""
    with _plainly(folder.parent) as link:
        _checkpointer().save(link / folder.name, arrays)
    if not (folder / MERGED).is_file():
        raise OSError("Orbax left the arrays unreadable")


def load(folder: Path) -> dict[str, np.ndarray]:
    """The arrays of a folder; raises what Orbax raises."""
    handler, as_numpy = _checkpointer(), ocp.RestoreArgs(restore_type=np.ndarray)
    with _plainly(folder.parent) as link:
        metadata: Any = handler.metadata(link / folder.name).item_metadata
        names = list(metadata.tree if hasattr(metadata, "tree") else metadata)
        args = ocp.args.PyTreeRestore(restore_args=dict.fromkeys(names, as_numpy))
        return handler.restore(link / folder.name, args=args)


def _checkpointer() -> ocp.Checkpointer:
    # Every host reads by itself and host 0 alone writes: the state is replicated.
    me = jax.process_index()
    options = ocp.options.MultiprocessingOptions(
        primary_host=me, active_processes={me}, barrier_sync_key_prefix=f"host{me}"
    )
    handler = ocp.PyTreeCheckpointHandler(multiprocessing_options=options)
    return ocp.Checkpointer(handler, multiprocessing_options=options)


@contextmanager
def _plainly(folder: Path) -> Iterator[Path]:
    """A folder by another name, of plain letters: a link in the place for such things.

    Orbax takes its paths for patterns. In a folder `lr=[1,2]` it finds nothing, leaves
    out what makes the arrays readable, and is content.
    """
    usual = tempfile.gettempdir()
    here = usual if re.fullmatch(r"[\w./-]+", usual) else "/tmp"
    with tempfile.TemporaryDirectory("", "deconvgen-checkpoint-", here) as place:
        link = Path(place) / "link"
        link.symlink_to(folder.absolute(), target_is_directory=True)
        yield link
