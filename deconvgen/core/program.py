"""What XLA counts of a program that is lowered and not yet compiled."""

from collections.abc import Mapping
from typing import Any

import jax


def counts(lowered: Any) -> Mapping[str, float]:
    """XLA's counts of a lowered program, `flops` among them; empty where it has none.

    What stands behind a plugin, as GPUs do, does not count what is not compiled; the
    CPU's client, which JAX has beside it, counts any program.
    """
    found = lowered.cost_analysis()
    return _by_cpu(lowered) if found is None else found


def _by_cpu(lowered: Any) -> Mapping[str, float]:
    try:
        from jaxlib import xla_client

        client: Any = jax.devices("cpu")[0].client
        module = lowered.compiler_ir("hlo").as_hlo_module()
        inside: Any = xla_client._xla  # pyright: ignore[reportPrivateImportUsage]
        return inside.hlo_module_cost_analysis(client, module)
    except (
        ImportError,
        AttributeError,
        RuntimeError,
    ):  # without one, or of another JAX
        return {}
