"""Configs are found by name or path, overridden by key, and come back as saved."""

import json

import pytest

from deconvgen import config
from deconvgen.core.errors import UserError


def test_every_config_has_the_common_keys_and_a_smoke_variant():
    common = set(config.paths(config.defaults("any")))
    assert "dcgan" in config.names()
    for name in config.names():
        for variant in ("", "smoke"):
            assert common <= set(config.paths(config.load(f"{name}:{variant}"))), name


def test_every_config_says_its_command():
    for name in config.names():
        doc = config.module(config.find(name)).__doc__
        assert f"deconvgen train --config={name}" in doc


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("seed=3", "seed", 3),
        ("model.factors=2,4", "factors", (2, 4)),
        ("model.factors=(4,)", "factors", (4,)),
        ("model.factors=7", "factors", (7,)),
        ("ema=0", "ema", 0.0),
        ("model.upsampler=depth_to_space,nearest_conv", "upsampler", None),
        ("data.flip=true", "flip", True),
    ],
)
def test_an_override_takes_the_type_of_the_old_value(text, key, value):
    new = config.load("dcgan", [text])
    group = text.partition("=")[0].split(".")[:-1]
    for part in group:
        new = new[part]
    expected = text.partition("=")[2] if value is None else value
    assert new[key] == expected
    assert type(new[key]) is type(expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed=x", "'seed' wants a whole number like 0, not 'x'"),
        ("steps=1.5", "'steps' wants a whole number"),
        ("data.flip=perhaps", "'data.flip' wants true or false"),
        ("model.factors=a,b", "'model.factors' wants"),
        ("modle.upsampler=x", "did you mean 'model.upsampler'"),
        ("model.wdith=3", "no key 'model.wdith'"),
        ("model=3", "'model' is a group"),
        ("seed", "should read key=value"),
    ],
)
def test_a_wrong_override_is_told_in_a_sentence(text, message):
    with pytest.raises(UserError, match=message.replace("(", r"\(")):
        config.load("dcgan", [text])


def test_a_config_is_found_by_path_as_well(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(config.find("dcgan").read_text())
    assert config.load(f"{path}:smoke") == config.load("dcgan:smoke")
    assert config.load("configs/dcgan.py:smoke") == config.load("dcgan:smoke")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("dcgann", "unknown config 'dcgann'; did you mean 'dcgan'"),
        ("dcgan:smok", "unknown variant 'smok'; did you mean 'smoke'"),
        ("nowhere/dcgan.py", "there is no config file"),
    ],
)
def test_a_config_that_is_not_there(spec, message):
    with pytest.raises(UserError, match=message):
        config.load(spec)


def test_a_saved_config_comes_back_with_its_tuples(tmp_path):
    old = config.load("dcgan:64")
    config.save(old, tmp_path / "config.json")
    new = config.read(tmp_path / "config.json")
    assert config.differences(old, new) == []
    assert isinstance(new.model.features, tuple)


def test_a_key_younger_than_a_run_folder_has_its_default(tmp_path):
    saved = config.load("dcgan:smoke").to_dict()
    saved["data"]["image_shape"] = (28, 28, 1)
    del saved["eval"]["batch_norm"], saved["dtype"]
    (tmp_path / "config.json").write_text(json.dumps(saved))
    read = config.read(tmp_path / "config.json")
    assert read.eval.batch_norm == "running"
    assert read.dtype == "float32"
    assert read.optimizer.b1 == saved["optimizer"]["b1"]


@pytest.mark.parametrize(
    ("used", "reduction"),
    [
        ({"residual": True}, "mean"),
        ({"upsampler": "nearest_conv,bilinear_additive"}, "mean"),
        ({"last_upsampler": "bilinear_additive"}, "mean"),
        ({"residual": True, "reduction": "sum"}, "sum"),
        ({}, "sum"),
    ],
)
def test_a_run_from_before_channels_were_summed_keeps_the_mean(
    tmp_path, used, reduction
):
    """It was trained with it; where nothing is reduced, nothing has changed."""
    saved = config.load("dcgan:smoke").to_dict()
    del saved["model"]["reduction"]
    saved["model"] |= used
    (tmp_path / "config.json").write_text(json.dumps(saved))
    assert config.read(tmp_path / "config.json").model.reduction == reduction


def test_a_misspelt_key_in_a_config_file_is_told():
    with pytest.raises(UserError, match="'stepz'; did you mean 'steps'"):
        config.defaults("gan", stepz=3)
    with pytest.raises(UserError, match="'data__image_sise'; did you mean"):
        config.defaults("gan", data__image_sise=3)


def test_differences_name_the_key_and_both_values():
    old, new = config.load("dcgan"), config.load("dcgan", ["model.latent=7"])
    assert config.differences(old, new) == ["model.latent: 100 -> 7"]
    assert config.differences(old, old) == []
