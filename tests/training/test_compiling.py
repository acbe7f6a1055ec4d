"""Two that come to the same program at once: one compiles it, the other loads it."""

import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental.compilation_cache import compilation_cache

from deconvgen.core import files
from deconvgen.training.compiling import compile_alone, once

EVENTS = {
    "/jax/compilation_cache/cache_misses": 0,
    "/jax/compilation_cache/cache_hits": 1,
}


@pytest.fixture
def counted(tmp_path):
    """[programs compiled, programs loaded], with a cache of its own."""
    names = (
        "jax_compilation_cache_dir",
        "jax_persistent_cache_min_compile_time_secs",
        "jax_persistent_cache_min_entry_size_bytes",
    )
    before = {name: getattr(jax.config, name) for name in names}
    for name, value in zip(names, (str(tmp_path), 0, -1)):
        jax.config.update(name, value)
    compilation_cache.reset_cache()
    found = [0, 0]

    def heard(event, **_):
        if event in EVENTS:
            found[EVENTS[event]] += 1

    jax.monitoring.register_event_listener(heard)
    yield found
    for name, value in before.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()


def side_by_side(count, call):
    meet = threading.Barrier(count)
    threads = [threading.Thread(target=call, args=(meet,)) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_of_those_that_meet_one_compiles(counted):
    x = jnp.eye(40)
    programs = []
    for _ in range(3):  # functions of their own, as processes have

        def program(x):
            for _ in range(20):
                x = jnp.sin(x @ x) + jnp.linalg.norm(x)
            return x

        programs.append(jax.jit(program).lower(x))
    counted[:] = [0, 0]

    def compiled(meet):
        lowered = programs.pop()
        meet.wait()
        compile_alone(lowered)

    side_by_side(3, compiled)
    assert counted == [1, 2]


def test_a_function_is_compiled_once_for_each_shape_and_gives_what_it_gave(counted):
    plain = jax.jit(lambda state, x: (state + x.sum(), x * 2))
    shared, state, x = once(plain, 0), jnp.zeros(()), jnp.ones(3)
    wide = jnp.ones(4)
    counted[:] = [0, 0]
    for _ in range(2):
        for given in (x, wide):
            found, expected = shared(state, given), plain(state, given)
            assert all(map(np.array_equal, found, expected))
    assert counted == [2, 0]


def test_who_is_inside_is_waited_for(tmp_path):
    inside, most = [], []

    def enter(meet):
        meet.wait()
        with files.alone(tmp_path / "new" / "x.lock"):
            inside.append(1)
            most.append(len(inside))
            threading.Event().wait(0.01)
            inside.pop()

    side_by_side(4, enter)
    assert most == [1, 1, 1, 1]
    (tmp_path / "file").write_text("")
    with files.alone(tmp_path / "file" / "x.lock"):
        pass  # where there can be no lock, nobody waits
