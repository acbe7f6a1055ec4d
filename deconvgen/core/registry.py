"""Names for function-sized things: a dict with a decorator and a helpful KeyError."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar, cast

from deconvgen.core import plugins
from deconvgen.core.errors import unknown

T = TypeVar("T")
known: dict[str, Mapping[str, Any]] = {}
"""Every registry by what its names are of, as far as its module is imported."""


class Registry(Mapping[str, T], Generic[T]):
    """What there is of one kind, by name, in the order of registration.

    Plugins are imported (see `core.plugins`) when a name is not there, or all are
    listed.

    >>> losses = Registry("loss")
    >>> @losses.register
    ... def hinge(x): ...
    >>> losses["hing"]
    Traceback (most recent call last):
    deconvgen.core.errors.UnknownName: unknown loss 'hing'; did you mean 'hinge'? ...
    """

    def __init__(self, kind: str):
        self.kind = kind
        self._things: dict[str, T] = {}
        known.setdefault(kind, self)

    def register(self, thing: T | None = None, *, name: str = "") -> T | Callable:
        """Decorate a function or class; its own name is the default name."""
        if thing is None:
            return lambda thing: self.register(thing, name=name)
        key = name or cast(Any, thing).__name__
        if key in self._things:
            raise ValueError(f"{self.kind} {key!r} is registered already")
        self._things[key] = thing
        return thing

    def __getitem__(self, name: str) -> T:
        if name not in self:
            raise unknown(self.kind, name, self._things)
        return self._things[name]

    def __contains__(self, name: object) -> bool:
        if name not in self._things:
            plugins.discover()
        return name in self._things

    def __iter__(self) -> Iterator[str]:
        plugins.discover()
        return iter(self._things)

    def __len__(self) -> int:
        plugins.discover()
        return len(self._things)

    def summary(self, name: str) -> str:
        """The first line of the thing's docstring."""
        doc = (self[name].__doc__ or "").strip()
        return doc.splitlines()[0] if doc else ""
