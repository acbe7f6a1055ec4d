"""Ways of using devices: one with `jit`, several with `pmap`, several hosts likewise.

`sharded` is a third way, with the numbers of `pmap`, should that ever go.

Each step function takes (state, batch, keys). A `Spread` runs it on the devices: it
places the arrays and hands every example its own PRNG key, the root key folded with
the round's index and the example's number in it. So the draws are the same on one
device and on many, and need no state of their own.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from deconvgen.core.errors import UserError
from deconvgen.core.numbers import key
from deconvgen.core.types import Batch, Tree
from deconvgen.training.compiling import as_it_is

AXIS = "devices"
KEPT = 4
"""Programs of training steps that a `Spread` has at hand."""


class Spread(NamedTuple):
    """How a run lies on its devices.

    Asked again for the steps of the same function, it has the program that it had.
    """

    axis: str | None  # the name that collectives use; None on one device
    # devices over all hosts
    count: int  # pyright: ignore[reportIncompatibleMethodOverride]
    run: Callable[..., Callable]  # (fn, root, donate) -> f(state, batch, index, first)
    put_state: Callable[[Tree], Tree]
    get_state: Callable[[Tree], Tree]  # -> host arrays of its own
    put_batch: Callable[[Batch], Batch]
    join: Callable[[Any], Any]  # per-device images back to one [b, ...] host array
    local: Callable[[Tree], Tree]  # a replicated result, as one host tree
    rounds: Callable[..., Callable]  # (fn, read, many) -> several steps, see `_rounds`
    put_rounds: Callable[[Tree, bool], Tree]  # what those are sent: [k, b, ...]
    member: Callable[[Tree, int], Tree]  # the state of one of several runs


def choose(
    batch_size: int, known: Spread | None = None, compiled: Callable = as_it_is
) -> Spread:
    """All devices of all hosts; `batch_size` must divide among them.

    - known: what this gave before.
    - compiled: what becomes of jitted functions, see `deconvgen.training.compiling`.
    """
    count = jax.device_count()
    if batch_size % count:
        raise UserError(
            f"batch_size={batch_size} does not divide among {count} devices; "
            f"use {max(1, batch_size // count) * count}"
        )
    return known or all_devices(compiled)


def all_devices(compiled: Callable = as_it_is) -> Spread:
    """One device with jit, several with pmap."""
    return one(compiled) if jax.device_count() == 1 else many()


SAMPLES, TRAINING, EVALUATION, PICTURES, START, STATISTICS = range(6)
"""What the key of a seed is folded with for each purpose; no two share a draw.

`SAMPLES` is the round 0 of `example_keys` from the seed's own key. A number of its own
keeps a start apart from training too: `jax.random.split(key)[n]` is `fold_in(key, n)`.
"""


def purpose_key(seed: int, purpose: int) -> jax.Array:
    """The root of what a seed draws for a purpose."""
    return jax.random.fold_in(key(seed), purpose)


def example_keys(
    root: jax.Array, index: jax.Array | int, first: jax.Array | int, count: int
) -> jax.Array:
    """The keys of the examples `first` to `first + count - 1` of round `index`."""
    root = jax.random.fold_in(root, index)
    return jax.vmap(lambda i: jax.random.fold_in(root, i))(first + jnp.arange(count))


def _host(tree: Tree) -> Tree:
    return jax.tree.map(lambda x: np.array(x, copy=True), tree)


def _with_root(compiled: Any, root: jax.Array) -> Callable:
    # The key is an argument, so that every seed has the same compiled program.
    def plain(state: Tree, batch: Batch, index: int, first: int = 0) -> Any:
        return compiled(root, state, batch, index, first)

    run: Any = plain
    run.lower = lambda state, batch, index: compiled.lower(root, state, batch, index, 0)
    run.rooted = lambda other: _with_root(compiled, other)  # the same program
    return run


def _rounds(fn: Callable, read: Callable, axis: str | None, many: bool) -> Callable:
    """`(root, state, shared, batches [k, b, ...], index) -> (state, scalars [k])`.

    k steps of `fn` in one program, numbered from `index`; of several runs, everything
    but `shared` and `index` has a leading axis over them. A single step is not scanned:
    it is the program, and to the bit the numbers, of a step by itself.
    """

    def one(root, state, shared, batch, index):
        batch = read(shared, batch)
        size = len(batch["image"])
        first = 0 if axis is None else jax.lax.axis_index(axis) * size
        return fn(state, batch, example_keys(root, index, first, size))

    def rounds(root, state, shared, batches, index):
        count = len(jax.tree.leaves(batches)[0])
        if count == 1:
            batch = jax.tree.map(lambda x: x[0], batches)
            state, scalars = one(root, state, shared, batch, index)
            return state, jax.tree.map(lambda x: x[None], scalars)
        step = lambda state, at: one(root, state, shared, *at)
        return jax.lax.scan(step, state, (batches, index + jnp.arange(count)))

    return jax.vmap(rounds, in_axes=(0, 0, None, 0, None)) if many else rounds


def one(compiled: Callable = as_it_is) -> Spread:
    """One device, `jit`."""

    def run(fn: Callable, root: jax.Array, donate: bool = False) -> Callable:
        def stepped(root, state, batch, index, first):
            size = len(jax.tree.leaves(batch)[0])
            return fn(state, batch, example_keys(root, index, first, size))

        donated = (1,) if donate else ()
        return _with_root(compiled(jax.jit(stepped, donate_argnums=donated), 1), root)

    @lru_cache(KEPT)
    def rounds(fn: Callable, read: Callable, many: bool) -> Callable:
        steps = _rounds(fn, read, None, many)
        return compiled(jax.jit(steps, donate_argnums=(1,)), 1)

    return Spread(
        axis=None,
        count=1,
        run=run,
        put_state=jax.device_put,
        get_state=_host,
        put_batch=jax.device_put,
        join=np.asarray,
        local=jax.device_get,
        rounds=rounds,
        put_rounds=lambda batches, many: jax.device_put(batches),
        member=lambda tree, i: jax.tree.map(lambda x: x[i], tree),
    )


def many() -> Spread:
    """Every device of every host, `pmap`; state replicated, batch split."""
    here = jax.local_device_count()

    def run(fn: Callable, root: jax.Array, donate: bool = False) -> Callable:
        def stepped(root, state, batch, index, first):
            size = len(jax.tree.leaves(batch)[0])
            mine = first + jax.lax.axis_index(AXIS) * size
            return fn(state, batch, example_keys(root, index, mine, size))

        mapped = jax.pmap(
            stepped,
            AXIS,
            in_axes=(None, 0, 0, None, None),
            donate_argnums=(1,) if donate else (),
        )
        return _with_root(mapped, root)

    @lru_cache(KEPT)
    def rounds(fn: Callable, read: Callable, many: bool) -> Callable:
        axes = (None, 0, 0, 0, None)
        stepped = _rounds(fn, read, AXIS, many)
        return jax.pmap(stepped, AXIS, in_axes=axes, donate_argnums=(1,))

    def put_rounds(batches: Tree, many: bool) -> Tree:
        def split(x: np.ndarray) -> np.ndarray:
            axis = 2 if many else 1  # of the batch
            shape = (*x.shape[:axis], here, -1, *x.shape[axis + 1 :])
            return np.moveaxis(x.reshape(shape), axis, 0)

        return jax.tree.map(split, batches)

    def put_state(state: Tree) -> Tree:
        spread = lambda x: np.broadcast_to(np.asarray(x), (here, *np.shape(x)))
        return jax.pmap(lambda x: x, AXIS)(jax.tree.map(spread, state))

    def first(x: jax.Array) -> jax.Array:
        return x.addressable_shards[0].data[0]

    def put_batch(batch: Batch) -> Batch:
        return jax.tree.map(
            lambda x: x.reshape(here, x.shape[0] // here, *x.shape[1:]), batch
        )

    def join(x: jax.Array) -> np.ndarray:
        parts = [np.asarray(shard.data) for shard in x.addressable_shards]
        whole = np.concatenate(parts)
        return whole.reshape(-1, *whole.shape[2:])

    return Spread(
        axis=AXIS,
        count=jax.device_count(),
        run=run,
        put_state=put_state,
        get_state=lambda state: _host(jax.tree.map(first, state)),
        put_batch=put_batch,
        join=join,
        local=lambda tree: jax.device_get(jax.tree.map(first, tree)),
        rounds=rounds,
        put_rounds=put_rounds,
        member=lambda tree, i: jax.tree.map(lambda x: x[:, i], tree),
    )


def sharded() -> Spread:
    """Every device of every host, `shard_map`; as `many`, in arrays that span them."""
    mesh = jax.make_mesh((jax.device_count(),), (AXIS,))
    batches = {False: P(None, AXIS), True: P(None, None, AXIS)}  # of one, of several

    def mapped(fn: Callable, inside: tuple[P, ...], out: Any, donate: bool) -> Callable:
        own = jax.shard_map(
            fn, mesh=mesh, in_specs=inside, out_specs=out, check_vma=False
        )
        return jax.jit(own, donate_argnums=(1,) if donate else ())

    def run(fn: Callable, root: jax.Array, donate: bool = False) -> Callable:
        def stepped(root, state, batch, index, first):
            size = len(jax.tree.leaves(batch)[0])
            mine = first + jax.lax.axis_index(AXIS) * size
            out = fn(state, batch, example_keys(root, index, mine, size))
            return jax.tree.map(lambda x: x[None], out)

        inside = (P(), P(), P(AXIS), P(), P())
        return _with_root(mapped(stepped, inside, P(AXIS), donate), root)

    @lru_cache(KEPT)
    def rounds(fn: Callable, read: Callable, many: bool) -> Callable:
        steps = _rounds(fn, read, AXIS, many)

        def stepped(*args):
            state, scalars = steps(*args)
            return state, jax.tree.map(lambda x: x[None], scalars)

        inside = (P(), P(), P(), batches[many], P())
        return mapped(stepped, inside, (P(), P(AXIS)), True)

    def put(tree: Tree, spec: P) -> Tree:
        place = partial(
            jax.make_array_from_process_local_data, NamedSharding(mesh, spec)
        )
        return jax.tree.map(lambda x: place(np.asarray(x)), tree)

    return many()._replace(
        run=run,
        put_state=lambda state: put(state, P()),
        get_state=_host,
        put_batch=lambda batch: put(batch, P(AXIS)),
        rounds=rounds,
        put_rounds=lambda rows, many: put(rows, batches[many]),
        member=lambda tree, i: jax.tree.map(lambda x: x[i], tree),
    )


def join_hosts(coordinator: str, num_processes: int, process_id: int) -> None:
    """Start `jax.distributed`; empty values are found in the cluster's environment."""
    if coordinator and not coordinator.rpartition(":")[2].isdigit():
        raise UserError(f"--coordinator should be HOST:PORT, not {coordinator!r}")
    try:
        if coordinator:
            jax.distributed.initialize(coordinator, num_processes, process_id)
        else:
            jax.distributed.initialize()
    except (ValueError, RuntimeError) as error:
        raise UserError(f"the hosts did not come together: {error}") from error
