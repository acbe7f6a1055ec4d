"""A training set that lies on the device, where a step makes the host's batch of it.

The host sends where each example lies and how it is cut and mirrored, a few bytes; the
device has the pixels. Both make the same batch, to the bit.
"""

from typing import Any

import numpy as np

from deconvgen.data import draws, transform
from deconvgen.data.pipeline import DRAWS, Resident, places, to_float


def on_device(kept: dict[str, np.ndarray], size: int, flip: bool) -> Resident:
    """The decoded examples [n, ...], cut to `size` (0: whole) and mirrored as
    `transform.augment` does it, in the order of `pipeline.dataset`."""
    arrays = {
        key: values if key == "image" else values.astype(np.int32)
        for key, values in kept.items()
    }
    table = to_float(np.arange(256, dtype=np.uint8))  # the device may divide otherwise
    length, height, width = arrays["image"].shape[:3]
    cut = (size or height, size or width)

    def where(seed: int, positions: np.ndarray) -> dict[str, np.ndarray]:
        """Index, corner (row, column) and mirror of the examples at `positions`."""
        chance = draws.uniform(seed, 0, positions, DRAWS)
        corners, mirrored = transform.choices(
            (len(positions), height, width), size, flip, chance
        )
        index = places(seed, positions, length).astype(np.int32)
        return {"index": index, "corner": corners.astype(np.int32), "mirror": mirrored}

    def read(arrays: Any, sent: Any) -> dict[str, Any]:
        """The batch, of device arrays."""
        import jax  # which those who only read data are spared
        import jax.numpy as jnp

        def fitted(image, corner, mirror):
            starts = (*corner, *[0] * (image.ndim - 2))
            image = jax.lax.dynamic_slice(image, starts, (*cut, *image.shape[2:]))
            return jnp.where(mirror, image[:, ::-1], image)

        batch = {key: values[sent["index"]] for key, values in arrays.items()}
        for key in batch.keys() - {"label"}:
            batch[key] = jax.vmap(fitted)(batch[key], sent["corner"], sent["mirror"])
        batch["image"] = jnp.asarray(table)[batch["image"]]
        batch["mask"] = jnp.ones(sent["index"].shape, jnp.float32)
        return batch

    return Resident(arrays, where, read)
