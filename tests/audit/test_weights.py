"""PyTorch's weights without PyTorch: read, recognized, audited, started anew."""

import io
import pickle
import zipfile
from collections import OrderedDict

import numpy as np
import pytest

from deconvgen.audit.weight_files import arrays
from deconvgen.audit.weights import layers, started, write
from deconvgen.cli import main as cli
from deconvgen.core.errors import UserError

RNG = np.random.default_rng(0)
draw = lambda *shape: RNG.normal(size=shape).astype(np.float32)

DCGAN = {
    "main.0.weight": draw(32, 24, 4, 4),  # ConvTranspose2d(32, 24, 4), no bias
    "main.1.weight": draw(24),
    "main.3.weight": draw(24, 12, 3, 3),  # uneven
    "main.4.weight": draw(12),
    "out.weight": draw(3, 12, 3, 3),  # Conv2d(12, 3, 3)
    "out.bias": draw(3),
}
SHUFFLE = {
    "body.weight": draw(16, 3, 3, 3),
    "body.bias": draw(16),
    "up.weight": draw(64, 16, 3, 3),  # before PixelShuffle(2)
    "up.bias": draw(64),
    "tail.weight": draw(3, 16, 3, 3),
    "tail.bias": draw(3),
}


class Tensor:
    """What torch.save writes of a tensor."""

    def __init__(self, key, array):
        self.key, self.array = key, array

    def __reduce__(self):
        steps = [n // 4 for n in self.array.strides]
        about = (self.key, 0, self.array.shape, tuple(steps), False, OrderedDict())
        return _rebuild_tensor_v2, about


def _rebuild_tensor_v2(*about):
    raise AssertionError("nothing is called")


class FloatStorage:
    """The name of a storage."""


def saved(path, weights, bad=None):
    """A file as torch.save has it."""

    class Pickler(pickle.Pickler):
        def persistent_id(self, thing):
            if isinstance(thing, str) and thing.startswith("key "):
                return ("storage", FloatStorage, thing[4:], "cpu", 1)
            return None

    _rebuild_tensor_v2.__module__ = "torch._utils"
    FloatStorage.__module__ = "torch"
    state = OrderedDict(
        (name, Tensor(f"key {i}", w)) for i, (name, w) in enumerate(weights.items())
    )
    held = io.BytesIO()
    import sys
    import types

    made = {"torch": types.ModuleType("torch"), "torch._utils": types.ModuleType("u")}
    made["torch"].FloatStorage = FloatStorage
    made["torch._utils"]._rebuild_tensor_v2 = _rebuild_tensor_v2
    before = {name: sys.modules.get(name) for name in made}
    sys.modules.update(made)
    try:
        Pickler(held, 2).dump({"state_dict": state, "epoch": 3, "bad": bad})
    finally:
        for name, module in before.items():
            sys.modules.pop(name)
            if module is not None:
                sys.modules[name] = module
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/data.pkl", held.getvalue())
        for i, w in enumerate(weights.values()):
            archive.writestr(f"net/data/{i}", w.tobytes())


def test_layers_are_recognized_and_audited():
    first, second = layers(DCGAN)
    assert (first.name, first.kind, first.stride) == (
        "main.0.weight",
        "ConvTranspose2d",
        2,
    )
    assert first.phase_variance == pytest.approx(1, abs=0.1)
    assert first.dc_gap == pytest.approx(0.75**0.5, abs=0.03)
    assert second.phase_variance == pytest.approx(4, rel=0.2)
    (shuffled,) = layers(SHUFFLE)
    assert (shuffled.name, shuffled.kind) == ("up.weight", "Conv2d + PixelShuffle")
    assert shuffled.dc_gap == pytest.approx(0.75**0.5, abs=0.03)
    assert layers({"conv.weight": draw(8, 4, 3, 3), "conv.bias": draw(8)}) == []


def test_starts_are_written_in_pytorchs_layout():
    for weights, start in ((DCGAN, "nearest_equivalent"), (SHUFFLE, "icnr")):
        made = started(weights, start)
        assert {k: w.shape for k, w in made.items()} == {
            k: w.shape for k, w in weights.items()
        }
        assert all(layer.dc_gap < 1e-5 for layer in layers(made))
    kernel = started(SHUFFLE, "icnr")["up.weight"]
    np.testing.assert_array_equal(kernel[0], kernel[3])  # (c, r, s): four in a row
    assert not np.allclose(kernel[0], kernel[4])
    with pytest.raises(UserError, match="fits no upsampling layer"):
        started(DCGAN, "icnr")
    with pytest.raises(UserError, match="did you mean 'icnr'"):
        started(DCGAN, "icnrr")


def test_files_of_both_kinds_are_the_same_weights(tmp_path, capsys):
    pytest.importorskip("safetensors")
    write(DCGAN, tmp_path / "net.safetensors")
    saved(tmp_path / "net.pt", DCGAN)
    for name, start in (("net.safetensors", ""), ("net.pt", "state_dict.")):
        found = arrays(tmp_path / name)
        assert {*found} == {start + key for key in DCGAN}
        for key, w in DCGAN.items():
            np.testing.assert_array_equal(found[start + key], w)
    words = ["audit", f"--weights={tmp_path / 'net.pt'}", "--init=bilinear"]
    cli.run([*words, f"--out={tmp_path}"])
    said = capsys.readouterr().out
    assert "state_dict.main.3.weight: ConvTranspose2d [24, 12, 3, 3], stride 2" in said
    again = arrays(tmp_path / "bilinear.safetensors")
    assert layers(again)[0].dc_gap < 1e-5
    with pytest.raises(UserError, match="--out=FOLDER"):
        cli.run(words)


class Bad:
    """What would run a program when it is unpickled."""

    def __reduce__(self):
        return exec, ("raise AssertionError('it was run')",)


def test_nothing_is_run_that_a_file_asks_for(tmp_path):
    saved(tmp_path / "bad.pt", DCGAN, Bad())
    assert len(arrays(tmp_path / "bad.pt")) == len(DCGAN)
    (tmp_path / "old.pt").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(UserError, match=r"torch\.save\(net\.state_dict"):
        arrays(tmp_path / "old.pt")
    short = dict(DCGAN, **{"out.bias": draw(3)[::2]})  # says more than it has
    saved(tmp_path / "short.pt", short)
    with pytest.raises(UserError, match="reaches beyond its storage"):
        arrays(tmp_path / "short.pt")
    (tmp_path / "x.safetensors").write_bytes(b"\xff" * 20)
    with pytest.raises(UserError, match="longer than the file"):
        arrays(tmp_path / "x.safetensors")
