"""The audit against the known facts about overlap, variance and DC gain."""

import io
import math

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from rich.console import Console

from deconvgen.audit import audit, run
from deconvgen.audit.costs import cost
from deconvgen.audit.probe import gradient_ratio
from deconvgen.audit.terminal import ratio, short, verdict
from deconvgen.core.errors import UserError
from deconvgen.nn.upsample import make_upsampler


@pytest.fixture(scope="module")
def records():
    """The transposed convolution with kernels that the factor divides or not."""
    return {k: audit("conv_transpose", 2, k, features=24, size=8) for k in (2, 3, 4, 5)}


@pytest.mark.parametrize(("k", "expected"), [(2, 1), (3, 4), (4, 1), (5, 2.25)])
def test_phase_variance_is_the_square_of_the_taps_ratio(records, k, expected):
    assert records[k].phase_variance == pytest.approx(expected, rel=0.15)


@pytest.mark.parametrize("k", [2, 3, 4, 5])
def test_overlap_is_even_if_and_only_if_the_factor_divides_the_kernel(records, k):
    overlap = records[k].overlap
    assert (overlap.std() < 1e-5) == (k % 2 == 0)
    if k == 3:  # one, two or four weights an output pixel
        np.testing.assert_allclose(np.unique(overlap.round(4)), [0.25, 0.5, 1])


def test_random_deconvolutions_have_a_dc_gap_and_a_box_filter_closes_it(records):
    assert records[4].dc_gap == pytest.approx(0.75**0.5, abs=0.08)
    boxed = audit("conv_transpose", 2, 3, features=8, size=8, box_filter=True)
    assert boxed.modifiers == ("box_filter",)
    assert boxed.dc_gap < 1e-5
    assert boxed.response[-1] < 1e-9


def test_response_at_one_over_the_factor_is_the_checkerboard(records):
    assert records[4].response[-1] > 0.3
    assert records[4].frequencies[-1] == 0.5


def test_a_bilinear_start_follows_shifts_and_a_random_one_does_not(records):
    start = audit("conv_transpose", 2, 4, "bilinear", features=8, size=8)
    assert start.shift_error < 0.02
    assert start.dc_gap < 1e-5
    assert records[4].shift_error > 0.8
    assert start.impulse.max() == start.impulse[8:10, 8:10].max()


def test_every_phase_needs_a_weight():
    tiny = audit("conv_transpose", 3, 2, features=4, size=8)
    assert np.isinf(tiny.phase_variance)
    assert any("no weight" in words for words in verdict(tiny))


@pytest.mark.parametrize(("k", "expected"), [(4, 1), (5, 2.25)])
def test_strided_convolutions_put_the_checkerboard_into_the_gradient(k, expected):
    assert gradient_ratio((k, k), (2, 2), 24) == pytest.approx(expected, rel=0.15)


def test_cost_of_the_transposed_convolution(records):
    for k, record in records.items():
        counts = record.cost
        assert counts.parameters == k * k * 24 * 24 + 24
        assert counts.multiply_adds == 8 * 8 * k * k * 24 * 24
        assert counts.zero_insertion == 4 * counts.multiply_adds
        assert counts.activation_bytes == 4 * 24 * (8 * 8 + 16 * 16)
        assert counts.xla_bytes >= counts.activation_bytes


@pytest.mark.parametrize(
    "name", ["nearest_conv", "depth_to_space", "separable_conv_transpose", "max_unpool"]
)
def test_cost_agrees_with_xla(name):
    counts = cost(make_upsampler(name, 32, 2), 12, 32)
    # XLA leaves products with the padding out and counts additions of biases.
    assert counts.xla_flops / 2 == pytest.approx(counts.multiply_adds, rel=0.15)
    assert counts.activation_bytes <= counts.xla_bytes <= 3 * counts.activation_bytes
    variables = make_upsampler(name, 32, 2)
    x = jnp.zeros((1, 12, 12, 32))
    args = (x, x.astype(int)) if name == "max_unpool" else (x,)
    tree = jax.eval_shape(lambda *a: variables.init(jax.random.key(0), *a), *args)
    assert counts.parameters == sum(leaf.size for leaf in jax.tree.leaves(tree))
    # It reads the input and the kernels, and writes the output, once at least.
    least = 4 * (12 * 12 * 32 + 24 * 24 * 32 + counts.parameters)
    assert least <= counts.bytes_moved < 10 * least
    assert math.isnan(counts.milliseconds)  # nobody asked for a time


def test_xla_counts_no_products_with_inserted_zeros():
    x = jax.ShapeDtypeStruct((1, 16, 16, 8), jnp.float32)
    flax = nn.ConvTranspose(8, (4, 4), (2, 2), use_bias=False)
    run = lambda x: flax.init_with_output(jax.random.key(0), x)[0]
    flops = jax.jit(run).lower(x).cost_analysis()["flops"]
    ours = cost(make_upsampler("conv_transpose", 8, 2, use_bias=False), 16, 8)
    assert ours.xla_flops == pytest.approx(2 * ours.multiply_adds, rel=0.15)
    assert flops < 2 * ours.zero_insertion


def test_run_prints_the_table_and_writes_a_page_without_other_files(tmp_path):
    text = io.StringIO()
    console = Console(file=text, width=80)
    options = {"features": 4, "size": 4, "out": tmp_path, "console": console}
    (record,) = run("bilinear_conv", 3, (2, 3), "dcgan", **options)
    assert record.factor == (2, 3)
    printed = text.getvalue()
    assert "bilinear_conv" in printed and "DC gap:" in printed and "dcgan" in printed
    assert 0 < record.cost.milliseconds < 1000 and "GFLOP/s" in printed
    assert 0 < record.cost.milliseconds_train < 1000
    assert all(len(line) <= 80 for line in printed.splitlines() if "│" in line)
    assert (tmp_path / "audit.png").read_bytes().startswith(b"\x89PNG")
    page = (tmp_path / "audit.html").read_text()
    assert "data:image/png;base64," in page
    assert "http" not in page and "$title" not in page


def test_few_features_have_a_page_too(tmp_path):
    options = {"features": 2, "size": 4, "out": tmp_path}
    three, four = run("conv_transpose:3,conv_transpose:4", **options)
    assert three.constant.shape == four.constant.shape == (16, 16, 3)
    page = (tmp_path / "audit.html").read_text()
    for k in (3, 4):
        anchor = f"conv_transpose-{k}-default"
        assert page.count(f"id='{anchor}'") == page.count(f"#{anchor}") == 1
        assert f"<h3>conv_transpose, kernel {k}</h3>" in page


def test_files_are_there_before_anything_is_printed(tmp_path):
    class Closed(io.StringIO):
        def write(self, text):
            if text.strip():
                raise OSError("closed")

    options = {"features": 4, "size": 4, "console": Console(file=Closed())}
    with pytest.raises(OSError, match="closed"):
        run("bilinear_conv", out=tmp_path, **options)
    assert (tmp_path / "audit.html").exists() and (tmp_path / "audit.png").exists()


def test_without_a_folder_it_says_how_to_get_the_page(capsys):
    run("bilinear_conv", features=4, size=4)
    assert "--out=DIR" in capsys.readouterr().out


def test_few_features_take_more_draws():
    """The phase variance of k3 s2 is 4.0 (fact 9), of sixteen features as well."""
    record = audit("conv_transpose", 2, 3, features=16, size=4)
    assert record.phase_variance == pytest.approx(4, rel=0.06)


def test_the_checkerboard_of_the_rows_is_seen_too():
    rows = audit("conv_transpose", (3, 1), 4, features=8, size=4)
    columns = audit("conv_transpose", (1, 3), 4, features=8, size=4)
    third = np.argmin(np.abs(rows.frequencies - 1 / 3))
    for record in (rows, columns):
        assert record.response[third] > 0.1


def test_only_a_deconvolution_has_a_mirror_image():
    record = audit("nearest_conv", 2, 3, features=4, size=4)
    assert np.isnan(record.gradient_ratio) and ratio(record.gradient_ratio) == "-"


def test_mistakes_are_named():
    with pytest.raises(UserError, match="did you mean 'bilinear_conv'"):
        run("bilinear_con")
    with pytest.raises(UserError, match="makes no sense"):
        run("bilinear_conv", initializer="icnr")
    with pytest.raises(UserError, match="behind a second colon"):
        run("depth_to_space:icnr")
    with pytest.raises(UserError, match="NAME:KERNEL:INITIALIZER"):
        run("depth_to_space:3:icnr:4")


def test_numbers_as_a_person_reads_them():
    assert [short(n) for n in (12, 999, 65600, 16.8e6, 2e9, 999_999)] == [
        "12",
        "999",
        "65.6k",
        "16.8M",
        "2.0G",
        "1.0M",
    ]
    assert short(float("nan")) == "?"
    assert ratio(float("inf")) == "∞"


def test_one_command_shows_which_kernels_checkerboard(capsys):
    """Facts of Odena et al. 2016: uneven overlap where k % s != 0, before training."""
    from deconvgen.audit import run

    asked = "conv_transpose:3,conv_transpose:5,conv_transpose:4,nearest_conv"
    three, five, four, nearest = run(asked, features=24, size=8)  # as the records
    assert three.phase_variance > 3
    assert five.phase_variance > 1.7
    assert four.phase_variance < 1.4
    assert nearest.dc_gap < 1e-5 < three.dc_gap
    assert "nearest_conv" in capsys.readouterr().out


def test_the_same_command_shows_what_icnr_changes(capsys, tmp_path):
    """Aitken et al. 2017: sub-pixels that start alike leave no checkerboard."""
    asked = "depth_to_space:3,depth_to_space::icnr"
    options = dict(features=4, channels=16, size=8, console=Console(width=80))
    drawn, alike = run(asked, out=tmp_path, **options)
    assert (drawn.initializer, alike.initializer) == ("default", "icnr")
    assert alike.dc_gap < 1e-5 < 0.5 < drawn.dc_gap
    printed = capsys.readouterr().out
    assert "depth_to_space, default" in printed and "depth_to_space, icnr" in printed
    assert "start default" not in printed
    page = (tmp_path / "audit.html").read_text()
    for place in ("depth_to_space-3-default", "depth_to_space-3-icnr"):
        assert f"href='#{place}'" in page and f"id='{place}'" in page
