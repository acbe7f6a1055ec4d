"""What is taken along: the same images where deconvgen is not installed."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export as jax_export

from deconvgen.cli import main as cli
from deconvgen.core.errors import UserError
from deconvgen.nn.upsample import make_upsampler, upsamplers
from deconvgen.runs import export, run
from tests.tiny import untrained

ELSEWHERE = """
import sys
sys.modules["deconvgen"] = sys.modules["flax"] = None  # an import of them fails
import numpy as np
from jax import export
from safetensors import safe_open

folder = sys.argv[1]
sampler = export.deserialize(bytearray(open(f"{folder}/g.stablehlo", "rb").read()))
assert set(sampler.platforms) == {"cpu", "cuda", "tpu"}, sampler.platforms
given = np.load(f"{folder}/given.npz")
for count in (5, 2, 1):
    made = np.asarray(sampler.call(given["latents"][:count]))
    np.testing.assert_allclose(made, given["images"][:count], atol=1e-5)
with safe_open(f"{folder}/g.safetensors", "numpy") as file:
    assert file.metadata()["task"] == "gan" and file.metadata()["jax"]
    kernel = file.get_tensor("params/project/kernel")
    np.testing.assert_array_equal(kernel, given["kernel"])
print("the same")
"""


def test_another_process_without_deconvgen_gets_the_same_images(tmp_path, capsys):
    name = "pretrained:dcgan-fashion"
    cli.run(["export", f"--workdir={name}", f"--out={tmp_path}/g.stablehlo"])
    paths, said = capsys.readouterr()
    assert f"by version {jax.__version__} and those" in said and "six months" in said
    assert paths.split() == [f"{tmp_path}/g.stablehlo", f"{tmp_path}/g.safetensors"]
    loaded = run.load(name)
    z = loaded.latents(5, 0)
    kernel = loaded.variables["params"]["project"]["kernel"]
    np.savez(tmp_path / "given.npz", latents=z, images=loaded.decode(z), kernel=kernel)
    command = [sys.executable, "-I", "-c", ELSEWHERE, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "the same"


TASKS = {
    "gan": ((4,), (16, 16, 1)),
    "autoencoder": ((16, 16, 1), (16, 16, 1)),
    "superres": ((8, 8, 1), (16, 16, 1)),
    "segmentation": ((16, 16, 1), (16, 16, 3)),
}
"""What goes in and what comes out."""


@pytest.mark.parametrize("task", TASKS)
def test_every_task_can_be_exported(task):
    given, made = TASKS[task]
    exported = export.sampler(untrained(task, classes=3 * (task == "segmentation")))
    shapes = [
        tuple(map(str, x.shape)) for x in (*exported.in_avals, *exported.out_avals)
    ]
    assert shapes == [("b", *map(str, given)), ("b", *map(str, made))]
    assert exported.call(np.zeros((2, *given), "f4")).shape == (2, *made)


@pytest.mark.slow
@pytest.mark.parametrize("name", upsamplers)
def test_every_upsampler_can_be_exported(name):
    if upsamplers[name].needs_indices or upsamplers[name].needs_guide:
        pytest.skip("has no decoder of latents")
    layer = make_upsampler(name, 3, 2)
    x = jax.random.normal(jax.random.key(0), (2, 5, 5, 4))
    variables = layer.init(jax.random.key(1), x)
    (b,) = jax_export.symbolic_shape("b")
    shape = jax.ShapeDtypeStruct((b, 5, 5, 4), jnp.float32)
    function = jax.jit(lambda x: layer.apply(variables, x))
    exported = jax_export.export(function, platforms=export.PLATFORMS)(shape)
    again = jax_export.deserialize(exported.serialize())
    np.testing.assert_allclose(again.call(x), function(x), atol=1e-5)


def test_without_safetensors_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(UserError, match=r"pip install 'deconvgen\[export\]'"):
        export.export("pretrained:dcgan-fashion", tmp_path / "a")


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"should end in \.stablehlo"):
        export.export("pretrained:dcgan-fashion", tmp_path / "a.onnx")
