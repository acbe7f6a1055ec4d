"""Names that a package offers and imports only once they are asked for (PEP 562)."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def lazy(
    package: str, places: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a package, over one table of names.

    `places` says for each name its module, or its module and what it is called there:
    `{"nn": "deconvgen.nn", "load": "deconvgen.runs.run:load"}`.
    """

    def get(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, _, thing = places[name].partition(":")
        found = importlib.import_module(module)
        return getattr(found, thing) if thing else found

    def names() -> list[str]:
        module = importlib.import_module(package)
        return sorted({*vars(module), *places})

    return get, names
