"""`deconvgen.train`: a spec or a config, and values by keyword."""

import pytest

import deconvgen
from deconvgen.core.errors import UserError
from tests.tiny import gan


def test_a_run_comes_back_and_goes_on(tmp_path):
    few = dict(steps=2, model__upsampler="nearest_conv", quiet=True)
    run = deconvgen.train(gan(), tmp_path, **few)
    assert run.step == 2 and run.config.model.upsampler == "nearest_conv"
    assert run.sample(2).shape[0] == 2
    again = deconvgen.train(gan(), tmp_path, **few | {"steps": 3})
    assert again.config.steps == 3


def test_keys_and_values_that_there_are_not(tmp_path):
    with pytest.raises(UserError, match="upsampler"):
        deconvgen.train("dcgan:smoke", tmp_path, model__upsamplr="nearest_conv")
    with pytest.raises(UserError, match="'steps' wants a whole number"):
        deconvgen.train("dcgan:smoke", tmp_path, steps="many")
    with pytest.raises(UserError, match="a name or a ConfigDict, not 3"):
        deconvgen.train(3, tmp_path)
    assert not list(tmp_path.iterdir())
