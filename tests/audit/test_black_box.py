"""The audit of anybody's network against what is known of its layers."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.audit import network_words
from deconvgen.audit.black_box import network
from deconvgen.audit.network_files import found as network_of
from deconvgen.audit.network_files import of_object
from deconvgen.audit.network_page import write_page
from deconvgen.audit.network_words import culprit, remedies, sentences
from deconvgen.core.errors import UserError

RNG = np.random.default_rng(0)


def deconvolution(k, s, i, o):
    w = RNG.normal(size=(k, k, i, o)).astype(np.float32) * s / (k * np.sqrt(i))
    return jax.jit(lambda x: jax.lax.conv_transpose(x, w, (s, s), "SAME"))


def doubled(x):
    return np.repeat(np.repeat(x, 2, 1), 2, 2)


@pytest.fixture(scope="module")
def uneven():
    return network(deconvolution(3, 2, 16, 24), (16, 12, 16))


def test_uneven_overlap_is_seen_from_outside(uneven):
    assert uneven.factor == (2, 2) and uneven.channels == (16, 24)
    assert uneven.phase_variance == pytest.approx(4, rel=0.2)
    assert uneven.dc_gap > 0.7 and [*uneven.strides] == [2]
    assert uneven.support == (3, 3) and uneven.receptive_field == (2, 2)
    assert uneven.eq_t == 100 and uneven.eq_t_frac < 25
    assert any(
        "a kernel that the stride divides: 4" in r.change for r in remedies(uneven)
    )


def test_either_layout_gives_the_same(uneven):
    net = deconvolution(4, 2, 6, 3)
    turned = lambda x: np.asarray(net(x.transpose(0, 2, 3, 1))).transpose(0, 3, 1, 2)
    one, other = network(net, (16, 12, 6)), network(turned, (6, 16, 12))
    assert (one.layout, other.layout) == ("NHWC", "NCHW")
    assert other.dc_gap == pytest.approx(one.dc_gap, rel=0.3)


def test_nearest_is_even_and_a_filter_follows_shifts():
    even = network(doubled, (16, 16, 3))
    assert even.dc_gap < 1e-6 and even.phase_variance == pytest.approx(1, abs=0.05)
    assert even.border == 0 and even.support == (2, 2)
    smooth = network(
        lambda x: jax.image.resize(x, (len(x), 32, 32, 3), "bicubic"), (16, 16, 3)
    )
    assert smooth.eq_t_frac > even.eq_t_frac + 20
    assert smooth.alias_db < even.alias_db - 15
    assert remedies(smooth) == [] and "A constant comes out constant." in sentences(
        smooth
    )


def test_the_stage_that_brings_the_grid_in_is_named(tmp_path, monkeypatch):
    stages = {
        "first": lambda x: jnp.tanh(doubled(x)),
        "second": deconvolution(3, 2, 4, 8),
        "last": lambda x: jnp.tanh(x[..., :3]),
    }
    made = network(None, (8, 8, 4), stages=stages)
    assert made.factor == (4, 4) and [s.name for s in made.stages] == [
        "first",
        "second",
    ]
    assert culprit(made).name == "second" and made.stages[0].dc_gap < 1e-6
    assert 4 not in made.strides or made.strides[2] > made.strides[4]
    monkeypatch.setattr(network_words, "ATLAS", network_words.ATLAS[-1:])
    page = write_page(made, "mine", tmp_path / "page.html").read_text()
    assert "nearest_conv" in page and "bilinear_conv 3: DC gap" in page
    assert "What would mend it" in page and "second" in page and "://" not in page
    named = network(lambda x: {"a": doubled(x), "b": doubled(doubled(x))}, (8, 8, 3))
    assert [stage.name for stage in named.stages] == ["a"]


def test_networks_from_files_and_modules(tmp_path, monkeypatch):
    pytest.importorskip("flatbuffers")
    net = deconvolution(4, 2, 5, 3)
    shape = jax.ShapeDtypeStruct((8, 8, 9, 5), jnp.float32)
    (tmp_path / "net.stablehlo").write_bytes(jax.export.export(net)(shape).serialize())
    given = network_of(str(tmp_path / "net.stablehlo"))
    assert given.input_shape == (8, 9, 5)
    assert network(given.function, given.input_shape).factor == (2, 2)
    (tmp_path / "mine.py").write_text("import numpy as np\ntwice = lambda x: x + x\n")
    monkeypatch.chdir(tmp_path)
    assert network_of("mine.py:twice").function(2) == 4
    with pytest.raises(UserError, match="has no twic; did you mean 'twice'"):
        network_of("mine.py:twic")
    layer = nn.ConvTranspose(3, (4, 4), (2, 2))
    variables = layer.init(jax.random.key(0), jnp.zeros((1, 8, 8, 2)))
    of_flax = of_object((layer, variables)).function
    assert network(of_flax, (8, 8, 2)).factor == (2, 2)
    with pytest.raises(UserError, match="give the pair"):
        of_object(layer)
    (tmp_path / "net.onnx").write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"onnxruntime|cannot be read"):
        network_of("net.onnx")


def test_what_is_no_network():
    for function, shape, words in (
        (doubled, (16,), "from latents"),
        (doubled, (4, 4, 3), "8 or more pixels"),
        (lambda x: x[:, :5], (16, 16, 3), "neither"),
        (lambda x: x.mean((1, 2)), (16, 16, 3), "four axes"),
        (lambda x: doubled(x) / 0, (16, 16, 3), "NaN or infinities"),
        (lambda x: x @ np.ones((7, 7)), (16, 16, 3), "takes no array"),
        (3, (16, 16, 3), "a function of arrays"),
    ):
        with np.errstate(all="ignore"), pytest.raises(UserError, match=words):
            network(function, shape)
