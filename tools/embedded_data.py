"""Make the data that ship in `deconvgen/data/embedded`, from their public sources.

    python tools/embedded_data.py fashion /usr/share/datasets/fashion-mnist
    python tools/embedded_data.py photographs .venv/lib/python3.11/site-packages
    python tools/embedded_data.py avatars FOLDER

`fashion` takes the folder with the four original files of Fashion-MNIST (Debian's
package `dataset-fashion-mnist`, or github.com/zalandoresearch/fashion-mnist) and draws
1,000 training and 200 test images of each of the ten classes with a fixed seed. A split
becomes one lossless PNG mosaic of 100 images a row, class after class, so that the
place of an image is its label.

`photographs` copies, unchanged, those photographs of scikit-image and scikit-learn
whose licence lets everybody pass them on; PHOTOGRAPHS_LICENSE.txt names each one's.
`avatars` takes the folder that `tools/avatars.mjs` has filled. The last hundred faces
of each hair are the test images; a split becomes one lossless WebP mosaic (ten
minutes), hair after hair, and a table of the attributes in the same order.
"""

import argparse
import gzip
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

EMBEDDED = Path(__file__).parents[1] / "deconvgen" / "data" / "embedded"


def fashion(source: Path) -> None:
    generator = np.random.default_rng(2017)
    for split, prefix, per_class in (("train", "train", 1000), ("test", "t10k", 200)):
        images = gzip.decompress(
            (source / f"{prefix}-images-idx3-ubyte.gz").read_bytes()
        )
        labels = gzip.decompress(
            (source / f"{prefix}-labels-idx1-ubyte.gz").read_bytes()
        )
        images = np.frombuffer(images, np.uint8, offset=16).reshape(-1, 28, 28)
        labels = np.frombuffer(labels, np.uint8, offset=8)
        chosen = np.concatenate(
            [
                generator.choice(np.flatnonzero(labels == c), per_class, replace=False)
                for c in range(10)
            ]
        )
        rows = images[chosen].reshape(-1, 100, 28, 28).transpose(0, 2, 1, 3)
        mosaic = Image.fromarray(rows.reshape(-1, 2800))
        path = EMBEDDED / f"fashion_mnist_{split}.png"
        mosaic.save(path, optimize=True)
        print(f"{path.name}: {len(chosen)} images, {path.stat().st_size:,} bytes")


PHOTOGRAPHS = {
    "skimage/data": (
        "astronaut.png",
        "brick.png",
        "camera.png",
        "chelsea.png",
        "coffee.png",
        "grass.png",
        "gravel.png",
        "hubble_deep_field.jpg",
        "rocket.jpg",
    ),
    "sklearn/datasets/images": ("china.jpg", "flower.jpg"),
}


def photographs(source: Path) -> None:
    for folder, names in PHOTOGRAPHS.items():
        for name in names:
            path = EMBEDDED / "photographs" / name
            path.parent.mkdir(exist_ok=True)
            shutil.copyfile(source / folder / name, path)
            print(f"{path.name}: {path.stat().st_size:,} bytes")


def avatars(source: Path) -> None:
    lines = (source / "attributes.csv").read_text().splitlines()
    head, table = lines[0], np.array(lines[1:])
    pictures = np.fromfile(source / "pictures.rgb", np.uint8).reshape(-1, 64, 64, 3)
    place = np.arange(len(table)) % 700
    for split, chosen in (("train", place < 600), ("test", place >= 600)):
        tiles = pictures[chosen].reshape(-1, 100, 64, 64, 3).transpose(0, 2, 1, 3, 4)
        path = EMBEDDED / f"avatars_{split}.webp"
        mosaic = Image.fromarray(tiles.reshape(-1, 6400, 3))
        mosaic.save(path, lossless=True, quality=100, method=6)
        text = "\n".join([head, *table[chosen]]) + "\n"
        (EMBEDDED / f"avatars_{split}.csv").write_text(text)
        print(f"{path.name}: {chosen.sum()} images, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    makers = {"fashion": fashion, "photographs": photographs, "avatars": avatars}
    parser.add_argument("what", choices=makers)
    parser.add_argument("source", type=Path)
    arguments = parser.parse_args()
    makers[arguments.what](arguments.source)
