"""Configs: what keys they have, and how they are found, overridden, saved and read."""

from deconvgen.config.files import (
    HERE,
    differences,
    find,
    flat,
    folder,
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
)
from deconvgen.config.schema import assign, data_name, defaults, optimizer, pick, smoke

__all__ = [
    "HERE",
    "assign",
    "data_name",
    "defaults",
    "differences",
    "find",
    "flat",
    "folder",
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
    "save",
    "smoke",
    "text",
]
