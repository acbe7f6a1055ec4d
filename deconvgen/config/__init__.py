"""Configs: what keys they have, and how they are found, overridden, saved and read."""

from deconvgen.config.files import (
    HERE,
    differences,
    find,
    folder,
    load,
    module,
    names,
    override,
    paths,
    read,
    save,
)
from deconvgen.config.schema import assign, data_name, defaults, optimizer, pick, smoke

__all__ = [
    "HERE",
    "assign",
    "data_name",
    "defaults",
    "differences",
    "find",
    "folder",
    "load",
    "module",
    "names",
    "optimizer",
    "override",
    "paths",
    "pick",
    "read",
    "save",
    "smoke",
]
