"""Where the seconds of runs go: starting, compiling, training, evaluating, saving.

What is done inside a phase counts for the inner one alone. Whatever JAX traces, lowers
and compiles is `compiling`, in whichever phase it happens.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax

PHASES = ("starting", "compiling", "training", "evaluating", "saving", "waiting")
EVENTS = (
    "/jax/core/compile/jaxpr_trace_duration",
    "/jax/core/compile/jaxpr_to_mlir_module_duration",
    "/jax/core/compile/backend_compile_duration",
)
"""What JAX times of a compilation; a function traced inside another has its own."""
COMPILED = "/jax/compilation_cache/cache_misses"


class Stopwatch:
    """Seconds by phase, and programs that were compiled and not found in the cache.

    It is the clock of one thread: what others do meanwhile is in the phase of this one.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = dict.fromkeys(PHASES, 0.0)
        self.compilations = 0
        self._thread = threading.get_ident()
        self._inside = [0.0]  # of each phase that is open, seconds of inner ones
        self._events: list[tuple[float, float]] = []  # from, to; none inside another

    @contextmanager
    def during(self, phase: str) -> Iterator[None]:
        """Count the seconds until the end of the block for this phase."""
        if threading.get_ident() != self._thread:
            yield
            return
        began = time.perf_counter()
        self._inside.append(0.0)
        try:
            yield
        finally:
            spent = time.perf_counter() - began
            self.seconds[phase] += spent - self._inside.pop()
            self._inside[-1] += spent

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear what JAX compiles meanwhile."""
        global _listening
        if not _heard:
            jax.monitoring.register_event_duration_secs_listener(_duration)
            jax.monitoring.register_event_listener(_event)
            _heard.append(True)
        before, _listening = _listening, self
        try:
            yield
        finally:
            _listening = before

    def compiled(self, seconds: float) -> None:
        """An event of a compilation is over, which took that long."""
        if threading.get_ident() != self._thread:
            return
        now = time.perf_counter()
        began = now - seconds
        while self._events and self._events[-1][0] >= began:
            start, end = self._events.pop()
            seconds -= end - start
        self._events.append((began, now))
        seconds = max(seconds, 0.0)
        self.seconds["compiling"] += seconds
        self._inside[-1] += seconds

    def share(self, runs: int) -> dict[str, Any]:
        """What each of so many runs that were trained together has spent."""
        spent = {phase: round(s / runs, 3) for phase, s in self.seconds.items()}
        return spent | {"compilations": self.compilations / runs}


_heard: list[bool] = []  # JAX forgets no listener, so there is one, once
_listening: Stopwatch | None = None


def _duration(event: str, duration_secs: float, **_: Any) -> None:
    if _listening is not None and event in EVENTS:
        _listening.compiled(duration_secs)


def _event(event: str, **_: Any) -> None:
    if _listening is not None and event == COMPILED:
        _listening.compilations += 1
