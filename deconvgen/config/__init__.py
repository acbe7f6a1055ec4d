"""Configs: what keys they have, and how they are found, overridden, saved and read.

>>> own = load("dcgan:smoke", ["model.upsampler=nearest_conv"])
>>> differences(own, override(own, ["steps=7", "model.features=8,4"]))[-1]
'steps: 20 -> 7'
>>> save(own, Path("config.json"))
>>> read(Path("config.json")).model.upsampler
'nearest_conv'
>>> put(own, "data.image_size", 32)
>>> flat(own)["data.image_size"], text((8, 4)), data_name(own)
(32, '8,4', 'fashion_mnist_small')
>>> "seed" in paths(own), "dcgan" in names(), "smoke" in variants("dcgan")
(True, True, True)
>>> find("dcgan").name, folder("experiments").name, is_file("my_layers.py")
('dcgan.py', 'experiments', True)
>>> module(find("vae")).get_config("").task, defaults("gan", steps=7).steps
('vae', 7)
>>> short = pick({"short": smoke(steps=9)}, "short")
>>> assign(own, short | {"optimizer": optimizer(name="sgd")}).steps
9
>>> imported(["json"])  # a module, or my_layers.py
>>> parse({"task": "gan", "seed": 3}, "config.json").seed
3
"""

from deconvgen.config.files import (
    HERE,
    differences,
    find,
    flat,
    folder,
    imported,
    is_file,
    load,
    module,
    names,
    override,
    parse,
    paths,
    put,
    read,
    save,
    text,
    variants,
)
from deconvgen.config.key import Key
from deconvgen.config.keys import declare, row, rows
from deconvgen.config.schema import (
    Config,
    assign,
    check,
    data_name,
    defaults,
    optimizer,
    pick,
    smoke,
)

__all__ = [
    "HERE",
    "Config",
    "Key",
    "assign",
    "check",
    "data_name",
    "declare",
    "defaults",
    "differences",
    "find",
    "flat",
    "folder",
    "imported",
    "is_file",
    "load",
    "module",
    "names",
    "optimizer",
    "override",
    "parse",
    "paths",
    "pick",
    "put",
    "read",
    "row",
    "rows",
    "save",
    "smoke",
    "text",
    "variants",
]
