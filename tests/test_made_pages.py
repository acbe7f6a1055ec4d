"""The pages of the site that are made: the gallery's figures, where they are known, and
the reference, which leaves out nothing.
"""

import importlib
import re

import numpy as np
import pytest

from deconvgen import config
from deconvgen.metrics.measures import find
from deconvgen.runs import pretrained

gallery = config.module(config.HERE.parent / "tools" / "gallery.py")
cards = config.module(config.HERE.parent / "tools" / "cards.py")


@pytest.mark.parametrize("start, gain", [("stride_aware", 1), ("lecun_normal", 1 / 4)])
def test_the_gain_of_a_start_is_that_of_its_fan_in(start, gain):
    """An output pixel of a deconvolution of stride 2 sees a quarter of the taps."""
    assert gallery.look("conv_transpose", start).gain == pytest.approx(gain, rel=0.1)


def test_taps_of_sub_pixels_stand_beside_each_other():
    seen = gallery.look("depth_to_space", "icnr")
    assert seen.answer.dc_gap < 1e-5
    row = gallery.taps(seen.kernel)[:3]  # of one input, to a feature's four sub-pixels
    parts = [row[:, 4 * i : 4 * i + 3] for i in range(4)]
    assert np.ptp(parts[0]) > 0
    assert all((part == parts[0]).all() for part in parts)


def test_a_page_of_a_layer_and_of_a_start(tmp_path):
    """With pictures that are there, and the same again when made again."""
    made = []
    for folder in (tmp_path / "first", tmp_path / "again"):
        folder.mkdir()
        cards = [gallery.layer_page(folder, "nearest_conv")]
        cards += [gallery.start_page(folder, "bilinear")]
        made.append({path.name: path.read_bytes() for path in folder.iterdir()})
        assert all(
            f":img-top: {name}" in "".join(cards)
            for name in made[-1]
            if "small" in name
        )
    assert made[0] == made[1]
    text = made[0]["bilinear.md"].decode()
    assert (
        "| gain | " in text and "conv_transpose" in text and "Long et al. 2015" in text
    )


def test_the_card_of_a_checkpoint_says_how_it_was_made(tmp_path):
    text = cards.card(tmp_path, "dcgan-fashion-classes")
    assert (tmp_path / "dcgan-fashion-classes.png").stat().st_size > 10_000
    assert "deconvgen train --config=dcgan:demo --config.steps=12000" in text
    assert "| Frechet distance ↓ | 0.1556 | 95 %: 0.1284 to 0.1827; real images" in text
    assert "| recall ↑ | 0.78" in text and "2000 test images" in text


@pytest.mark.parametrize("name", pretrained.names())
def test_the_figure_that_chose_a_checkpoint_lies_in_its_interval(name):
    settings, found = pretrained.find(name)
    told, metric = found.meta["figures"], settings.monitor.metric
    held = {m: against for m, _, against in cards.figures(told) if "95 %" in against}
    title = find(metric).title
    against = next(text for measure, text in held.items() if measure.startswith(title))
    low, high = re.search(r"95 %: (\S+) to (\S+?)(;|$)", against).group(1, 2)
    bounds = [float(end.replace(",", "")) for end in (low, high)]
    assert bounds[0] < told[metric] < bounds[1]


def test_examples_of_docstrings_are_code():
    text = gallery.words(gallery.upsamplers["conv_transpose"])
    assert "```python\n>>> " in text


def test_the_reference_has_every_public_name(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(config.HERE.parent / "tools"))
    site = config.module(config.HERE.parent / "tools" / "site.py")
    site.reference(tmp_path)
    for package in site.api.PACKAGES:
        module = importlib.import_module(f"deconvgen.{package}")
        text = (tmp_path / f"{package}.md").read_text()
        told = {*re.findall(r"^## (.+)", text, re.MULTILINE)}
        things = {name: getattr(module, name) for name in module.__all__}
        assert {n for n, thing in things.items() if site.api.documented(thing)} <= told
        assert " at 0x" not in text  # of a default that has no name
