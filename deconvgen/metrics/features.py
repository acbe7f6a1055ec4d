"""Feature extractors by name: in what space sets of images are compared.

`extractors[name](dataset=..., folder=..., weights=...)` gives an `Extractor`, whose
name goes into every figure that is made of its features. Only Inception-v3 of
2015-12-05 makes figures that compare with the literature's FID and KID.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from deconvgen.core import files
from deconvgen.core.errors import UserError, first_line
from deconvgen.core.plugins import named_object
from deconvgen.core.registry import Registry
from deconvgen.core.types import Images, Tree
from deconvgen.models.classifier import Classifier

SHIPPED = Path(__file__).parent.parent / "runs" / "pretrained"


def cache_folder() -> Path:
    """Where classifiers of the user's own data sets are kept between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "deconvgen" / "features"


def has_classifier(dataset: str) -> bool:
    """Whether a classifier of the data set is shipped, or was trained here."""
    name = f"classifier-{dataset}.npz"
    return any((place / name).is_file() for place in (SHIPPED, cache_folder()))


class Extractor(NamedTuple):
    """Images in [-1, 1] to features, inside jit or outside.

    >>> extractors["random"]().features(images).shape
    (8, 224)
    """

    name: str
    features: Callable[[Images], Float[Array, "b d"]]
    logits: Callable[[Images], Float[Array, "b k"]] | None = None  # a classifier's
    digest: str = ""  # of what it computes with; "": what it computes cannot be kept


extractors: Registry[Callable[..., Extractor]] = Registry("feature extractor")


def named(given: Any, dataset: str = "", weights: str = "") -> Extractor:
    """The extractor that is meant.

    By an `Extractor`, a function from images [b, h, w, c] in [-1, 1] to features
    [b, d], "MODULE:FUNCTION", or the name of one of `extractors`, which is made with
    `dataset` and `weights`.
    """
    if isinstance(given, Extractor):
        return given
    if callable(given):
        own: Any = given
        return Extractor(getattr(own, "__name__", type(own).__name__), own)
    if ":" in given:
        return Extractor(given.rpartition(":")[2], named_object(given))
    folder = str(cache_folder())
    return extractors[given](dataset=dataset, folder=folder, weights=weights)


def compiled(extractor: Extractor) -> Callable[[Any], np.ndarray]:
    """Its features on the host, float32; under jit where JAX can trace it.

    Else, of NumPy or PyTorch say, it is called with NumPy arrays as it is. Raises
    `UserError` where it fails, or gives no row for each image.
    """
    known: dict[str, Callable[..., Any]] = {}

    def run(images: Any) -> np.ndarray:
        x = np.asarray(images, np.float32)
        if not known:
            function: Any = extractor.features
            known["features"] = function
            try:
                jax.eval_shape(function, jax.ShapeDtypeStruct(x.shape, x.dtype))
                known["features"] = jax.jit(function)
            except Exception:
                pass  # what is wrong with it, if anything, the call itself will say
        try:
            rows = np.asarray(known["features"](x), np.float32)
        except UserError:
            raise
        except Exception as error:
            raise UserError(
                f"the extractor {extractor.name} fails on images {list(x.shape)} in "
                f"[-1, 1]: {first_line(error)}"
            ) from error
        if rows.ndim != 2 or len(rows) != len(x):
            raise UserError(
                f"the extractor {extractor.name} should give features [n, d], it makes "
                f"{list(rows.shape)} of {len(x)} images"
            )
        return rows

    return run


@extractors.register
def classifier(dataset: str = "", folder: str = "", weights: str = "") -> Extractor:
    """A small network trained on the data set's own classes (`deconvgen features`).

    From the file `weights`, or `folder`'s for the data set, or the package's. Images
    of another size or number of channels are converted to those it was trained on.
    """
    names = [Path(weights)] if weights else []
    if not weights:
        places = [Path(folder), SHIPPED] if folder else [SHIPPED]
        names = [place / f"classifier-{dataset}.npz" for place in places]
    path = next((name for name in names if name.exists()), None)
    if path is None:
        raise UserError(
            f"no classifier for the data set {dataset!r}, looked for as "
            f"{' and '.join(map(str, names))}: train one with `deconvgen features "
            "--config=...`, or take the extractor 'random'"
        )
    variables, about = read_weights(path)
    model = Classifier(about["num_classes"], about["width"])

    h, w, c = about["image_shape"]

    def both(images: Images) -> Any:
        with jax.default_matmul_precision("float32"):
            return model.apply(variables, fit(images, (h, w, c)))

    return Extractor(
        "classifier", lambda x: both(x)[0], lambda x: both(x)[1], about["sha256"]
    )


@extractors.register
def random(dataset: str = "", folder: str = "", weights: str = "") -> Extractor:
    """A fixed random network: no training, any images, cruder figures.

    Three 3 x 3 convolutions of 16, 32 and 64 features, stride 2 but for the first,
    leaky ReLU, He's scale; the mean and standard deviation over space of each layer.
    """
    rng = np.random.RandomState(0)  # whose numbers are the same in every release
    shapes = [(3, 3, 3, 16), (3, 3, 16, 32), (3, 3, 32, 64)]
    scale = [np.sqrt(2 / np.prod(shape[:3])) for shape in shapes]
    kernels = [
        jnp.asarray(rng.normal(size=shape) * s, jnp.float32)
        for shape, s in zip(shapes, scale, strict=True)
    ]

    def features(images: Images) -> Float[Array, "b d"]:
        x = fit(images, (images.shape[1], images.shape[2], 3))
        found = []
        for kernel, stride in zip(kernels, (1, 2, 2), strict=True):
            x = jax.lax.conv_general_dilated(
                x,
                kernel,
                (stride, stride),
                "SAME",
                dimension_numbers=("NHWC", "HWIO", "NHWC"),
                precision="highest",
            )
            x = jax.nn.leaky_relu(x, 0.2)
            found += [jnp.mean(x, (1, 2)), jnp.std(x, (1, 2))]
        return jnp.concatenate(found, axis=-1)

    return Extractor("random", features, digest="RandomState(0)")


@extractors.register
def inception(dataset: str = "", folder: str = "", weights: str = "") -> Extractor:
    """Inception-v3 of 2015-12-05, 2048 pool3 features, on the host (extra [fid]).

    Through torch-fidelity, with its bilinear resizer to 299 pixels; the weights from
    the file `weights` or from its own download.
    """
    try:
        import torch
        from torch_fidelity.feature_extractor_inceptionv3 import (
            FeatureExtractorInceptionV3,
        )
    except ImportError as error:
        raise UserError(
            f"the extractor 'inception' needs torch-fidelity ({error}): "
            "pip install 'deconvgen[fid]', or take the extractor 'classifier'"
        ) from error
    if weights and not Path(weights).exists():
        raise UserError(f"no weights of Inception-v3 at {weights}")
    try:
        network = FeatureExtractorInceptionV3(
            "inception-v3-compat",
            ["2048"],
            feature_extractor_weights_path=weights or None,
        )
    except (OSError, RuntimeError) as error:
        raise UserError(
            f"could not {'read' if weights else 'download'} the weights of "
            f"Inception-v3: {error}; name a file that holds them"
        ) from error

    def on_host(images) -> np.ndarray:
        pixels = np.rint((np.clip(np.asarray(images), -1, 1) + 1) * 127.5)
        batch = torch.from_numpy(pixels.astype(np.uint8).transpose(0, 3, 1, 2).copy())
        return network(batch)[0].numpy().astype(np.float32)

    def features(images: Images) -> Float[Array, "b d"]:
        images = fit(images, (images.shape[1], images.shape[2], 3))
        shape = jax.ShapeDtypeStruct((images.shape[0], 2048), jnp.float32)
        return jax.pure_callback(on_host, shape, images, vmap_method="sequential")

    digest = hashlib.sha256(Path(weights).read_bytes() if weights else b"").hexdigest()
    return Extractor("inception", features, digest=digest)


def fit(images: Images, shape: tuple[int, int, int]) -> Float[Array, "b h2 w2 c2"]:
    """Images of another size (antialiased bilinear) and number of channels (1 or 3)."""
    images = images.astype(jnp.float32)
    if images.shape[-1] != shape[-1]:
        images = jnp.mean(images, axis=-1, keepdims=True)
    if images.shape[1:3] != shape[:2]:
        size = (images.shape[0], *shape[:2], images.shape[-1])
        images = jax.image.resize(images, size, "bilinear")
    return jnp.broadcast_to(images, (images.shape[0], *shape))


def read_weights(path: Path) -> tuple[Tree, dict]:
    """What `train_and_save` wrote: variables in float32, and what is known of them."""
    try:
        about = files.read_json(path.with_suffix(".json"), {"sha256": str})
        with path.open("rb") as file:
            flat = dict(np.load(file))
    except (OSError, ValueError, UserError, BadZipFile) as error:
        raise UserError(f"cannot read the classifier {path}: {error}") from error
    if checksum(flat) != about.get("sha256"):
        raise UserError(
            f"the classifier {path} is not the one that {path.stem}.json describes "
            "(another checksum): train it again with `deconvgen features`"
        )
    variables: dict = {}
    for name, leaf in flat.items():
        *folders, last = name.split("/")
        place = variables
        for key in folders:
            place = place.setdefault(key, {})
        place[last] = jnp.asarray(leaf, jnp.float32)
    return variables, about


def checksum(flat: dict[str, np.ndarray]) -> str:
    """SHA-256 of names, shapes and contents, whatever the file's compression."""
    digest = hashlib.sha256()
    for name in sorted(flat):
        digest.update(f"{name} {flat[name].dtype} {flat[name].shape} ".encode())
        digest.update(np.ascontiguousarray(flat[name]).tobytes())
    return digest.hexdigest()
