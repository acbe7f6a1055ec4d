"""`deconvgen compare` and `deconvgen audit --images`: JSON, thresholds, mistakes."""

import json

import numpy as np
import pytest

from deconvgen.cli import main as cli
from deconvgen.cli.thresholds import hold
from deconvgen.core import images
from deconvgen.core.errors import Above, UserError

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """The same kind of pictures as a folder and as a file, and some with a grid."""
    folder = tmp_path_factory.mktemp("pictures")
    real, fake = RNG.integers(0, 200, (2, 24, 24, 24, 3)).astype(np.uint8)
    for i, pixels in enumerate(real):
        images.save(pixels, folder / "real" / f"{i:02}.png")
    np.savez(folder / "fake.npz", images=fake)
    uneven = np.where(np.arange(24) % 2, 1.0, 0.5)[:, None]
    np.save(folder / "grid.npy", (fake * uneven).astype(np.uint8).transpose(0, 3, 1, 2))
    return folder


def test_compare_answers_in_json_and_draws_a_page(places, tmp_path, capsys):
    sets = [str(places / name) for name in ("real", "fake.npz", "grid.npy")]
    cli.run(["compare", *sets, "--json", f"--out={tmp_path}"])
    found = json.loads(capsys.readouterr().out)
    assert found["extractor"] == "random" and found["real"]["name"] == sets[0]
    fake, grid = (found[name] for name in sets[1:])
    assert fake["frechet_random"] < grid["frechet_random"]
    assert fake["period"] == 0 and grid["periods"].startswith("2")
    assert "[n, c, h, w]" in grid["notes"][0]
    assert found["real"]["notes"] == ["24 files"]
    assert (tmp_path / "compare.html").exists()


def test_a_threshold_ends_with_3(places, capsys):
    grid = f"--images={places / 'grid.npy'}"
    cli.run(["audit", f"--images={places / 'fake.npz'}", "--fail-above=period_db=3"])
    assert "no grid found" in capsys.readouterr().out
    with pytest.raises(
        Above, match=r"period_db of .*grid\.npy is .*, above 3"
    ) as found:
        cli.run(
            ["audit", grid, f"--real={places / 'real'}", "--fail-above=period_db=3"]
        )
    assert found.value.code == 3
    assert "Period 2:" in capsys.readouterr().out
    with pytest.raises(UserError, match="did you mean 'period_db'"):
        cli.run(["audit", grid, "--fail-above=periods_db=3"])
    with pytest.raises(UserError, match="KEY=NUMBER"):
        cli.run(["audit", grid, "--fail-above=period_db"])


def test_data_sets_and_runs_are_sets_of_pictures(capsys):
    words = ["compare", "fashion_mnist_small", "pretrained:dcgan-fashion", "--num=40"]
    cli.run([*words, "--extractor=classifier", "--dataset=fashion_mnist_small"])
    said = capsys.readouterr().out
    assert "40 real pictures of fashion_mnist_small; features of classifier" in said
    assert "pretrained:dcgan-fashion (40 pictures)" in said and "[" in said


def test_what_is_no_set_of_pictures(places):
    with pytest.raises(UserError, match="wants REAL and FAKE"):
        cli.run(["compare", str(places)])
    with pytest.raises(UserError, match="there is no"):
        cli.run(["compare", str(places / "none.npz"), str(places)])
    with pytest.raises(UserError, match="did you mean 'fashion_mnist_small'"):
        cli.run(["compare", "fashion_mnist_smal", str(places / "real")])


def test_anybodys_network_is_audited_and_held_to_a_threshold(tmp_path, capsys):
    (tmp_path / "mine.py").write_text(
        "import numpy as np\n"
        "def board(x):\n"
        "    y = np.repeat(np.repeat(x, 2, 1), 2, 2)\n"
        "    return y * (1 + np.indices(y.shape[1:3]).sum(0) % 2)[..., None]\n"
    )
    words = ["audit", f"--model={tmp_path / 'mine.py'}:board", "--input=8,8,3"]
    with pytest.raises(Above, match=r"dc_gap of .*board is 0\.3"):
        cli.run([*words, "--json", "--fail-above=dc_gap=0.1,border=0"])
    found = json.loads(capsys.readouterr().out)
    assert found["factor"] == "2x2" and found["strides"] == "2"
    assert found["remedies"] and "nn.Upsample" in json.dumps(found["remedies"])
    with pytest.raises(UserError, match=r"say what .*board takes"):
        cli.run(words[:-1])


def test_a_threshold_holds_for_numbers_of_any_kind_and_for_nothing_else():
    """A text was below every threshold: a check in CI that could not fail."""
    for value in (2, np.float32(2.5), np.int64(2), float("nan")):
        with pytest.raises(Above):
            hold({"a": 1.0}, {"one": {"a": 0.5}, "other": {"a": value}, "none": {}})
    with pytest.raises(UserError, match="periods is no number but '2, 4'"):
        hold({"periods": 1.0}, {"one": {"periods": "2, 4"}})


def test_one_thing_is_audited_at_a_time(places):
    """What was named second was left aside without a word."""
    grid = f"--images={places / 'grid.npy'}"
    with pytest.raises(UserError, match="--images and --upsampler are audited one"):
        cli.run(["audit", grid, "--upsampler=nearest_conv"])
    with pytest.raises(UserError, match="--real goes with --images"):
        cli.run(["audit", f"--real={places / 'real'}"])
