"""The audit of anybody's network against what is known of its layers."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.audit import network_words
from deconvgen.audit.answers import phase_ratio, root_ratio
from deconvgen.audit.black_box import network
from deconvgen.audit.network_files import found as network_of
from deconvgen.audit.network_files import of_object
from deconvgen.audit.network_page import write_page
from deconvgen.audit.network_words import (
    UNEVEN,
    culprit,
    remedies,
    sentences,
    uneven_above,
)
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
        "a kernel that its stride divides: 4" in r.change for r in remedies(uneven)
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


def test_few_channels_are_not_uneven_by_chance():
    """8 pixels and one channel: a phase has 4 weights there, which are no kernel's."""
    even = network(deconvolution(4, 2, 16, 1), (8, 8, 16))
    assert even.phase_variance < uneven_above((16, 1)) > 2
    assert not any("a kernel that its stride" in r.change for r in remedies(even))
    assert uneven_above((64, 64)) == UNEVEN
    flat = network(lambda x: doubled(x[..., :1]), (8, 8, 1))
    assert flat.phase_variance == pytest.approx(1, abs=0.02)


def test_stages_of_what_is_jitted_or_exported_are_in_order(tmp_path):
    """JAX sorts the keys: 'image' and 'up' come before the stage that they follow."""
    pytest.importorskip("flatbuffers")
    uneven = deconvolution(3, 2, 4, 3)

    @jax.jit
    def net(x):
        y = jnp.repeat(jnp.repeat(x, 2, 1), 2, 2)
        z = uneven(y)
        return {"nearest": y, "kernel 3": z, "image": jnp.tanh(z)}

    shape = jax.ShapeDtypeStruct((3, 8, 9, 4), jnp.float32)  # 3 does not divide 8
    file = tmp_path / "net.stablehlo"
    file.write_bytes(jax.export.export(net)(shape).serialize())
    for function in (net, network_of(str(file)).function):
        made = network(function, (8, 9, 4))
        assert [stage.name for stage in made.stages] == ["nearest", "kernel 3"]
        assert made.factor == (4, 4) and culprit(made).name == "kernel 3"
    listed = network(lambda x: list(net(x).values())[1:][::-1], (8, 9, 4))
    assert [stage.name for stage in listed.stages] == ["stage 1"]


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


def test_a_file_of_another_number_of_arrays_is_told(tmp_path):
    pytest.importorskip("flatbuffers")
    shape = jax.ShapeDtypeStruct((1, 8, 8, 3), "float32")
    path = tmp_path / "net.stablehlo"
    for given in ((), (shape, shape)):
        program = jax.jit(lambda *x: jnp.ones((1, 16, 16, 3)))
        path.write_bytes(jax.export.export(program)(*given).serialize())
        with pytest.raises(UserError, match=f"takes {len(given)} arrays"):
            network_of(str(path))


def test_what_never_varies_is_neither_even_nor_equivariant():
    """A dead network has no figures, rather than the best ones."""
    dead = network(lambda x: 0 * doubled(x), (16, 16, 3))
    assert np.isnan([dead.phase_variance, dead.dc_gap, dead.eq_t, dead.off_dc]).all()
    assert "Nothing varies" in sentences(dead)[-1] and remedies(dead) == []
    centred = network(lambda x: doubled(x - x.mean((1, 2), keepdims=True)), (16, 16, 3))
    assert np.isnan(centred.dc_gap) and centred.phase_variance < 1.05
    assert any("answer to 0" in said for said in sentences(centred))
    assert np.isnan([phase_ratio(np.full((2, 2), np.nan)), root_ratio(0, 0)]).all()


def test_an_onnx_file_says_which_stage_brings_the_grid_in(tmp_path):
    """Where onnx and onnxruntime are installed; kernel 3 of stride 2 is the second."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    make, kind = onnx.helper, onnx.TensorProto.FLOAT
    weights = [RNG.normal(size=(4, 4, 3, 3)), RNG.normal(size=(4, 3, 3, 3)) / 9]
    weights[0] = np.ones((1, 1, 3, 3)) * weights[0][..., :1, :1]
    names = [
        onnx.numpy_helper.from_array(w.astype(np.float32), f"w{i}")
        for i, w in enumerate(weights)
    ]
    up = dict(strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1])
    nodes = [
        make.make_node("Conv", ["x", "w0"], ["a"], name="mix", pads=[1, 1, 1, 1]),
        make.make_node("ConvTranspose", ["a", "w1"], ["y"], name="up", **up),
        make.make_node("Tanh", ["y"], ["z"]),
    ]
    value = lambda name, *shape: make.make_tensor_value_info(name, kind, [1, *shape])
    given, made = value("x", 4, 12, 12), value("z", 3, 24, 24)
    graph = make.make_graph(nodes, "decoder", [given], [made], names)
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.save(model, tmp_path / "decoder.onnx")
    program = network_of(str(tmp_path / "decoder.onnx"))
    audited = network(program.function, program.input_shape)
    assert program.input_shape == (4, 12, 12) and audited.layout == "NCHW"
    assert [s.name for s in audited.stages] == ["mix (Conv)", "up (ConvTranspose)"]
    assert culprit(audited).name == "up (ConvTranspose)"


def test_few_channels_are_not_called_uneven_by_chance():
    """An even decoder of three channels, whose 16 phases differ by chance alone."""
    mixed = RNG.normal(size=(3, 3, 16, 3)).astype(np.float32)
    dims = ("NHWC", "HWIO", "NHWC")
    smooth = lambda x: jax.lax.conv_general_dilated(
        doubled(doubled(x)), mixed, (1, 1), "SAME", dimension_numbers=dims
    )
    assert network(smooth, (16, 16, 16)).phase_variance < UNEVEN
    grid = np.tile([[1.0, -1.0], [-1.0, 1.0]], (16, 16))[..., None]
    fixed = network(lambda x: doubled(x)[..., :1] + 3 * grid, (16, 16, 8))
    assert fixed.phase_variance < 1.2 and fixed.strides == {}
