"""Texts are printed as they are, and a reader that has gone is no error."""

import os
import re
import subprocess
import sys

from rich.table import Table

from deconvgen import config
from deconvgen.core.terminal import Terminal, say

NAME = "[v2]/x [bold] :cat: [/]"


def test_markup_in_names_is_printed_as_it_is(capsys):
    console = Terminal(soft_wrap=True)
    console.print(NAME)
    table = Table(title=f"title {NAME}", caption=f"caption {NAME}")
    table.add_column(f"head {NAME}")
    table.add_row(f"cell {NAME}")
    console.print(table)
    say(f"line {NAME}")
    said = capsys.readouterr()
    for kind in ("title ", "caption ", "head ", "cell "):
        assert f"{kind}{NAME}" in said.out
    assert f"line {NAME}" in said.err


def test_every_console_is_a_terminal():
    files = [p for p in config.HERE.rglob("*.py") if p.name != "terminal.py"]
    made = [
        p for p in files if re.search(r"^(?!.*>>>).*\bConsole\(", p.read_text(), re.M)
    ]
    assert not made, "texts that are data go through deconvgen.core.terminal.Terminal"


def test_a_reader_that_leaves_is_no_error():
    reading, writing = os.pipe()
    os.close(reading)  # `deconvgen list | head -0`
    done = subprocess.run(
        [sys.executable, "-m", "deconvgen.cli", "list", "upsamplers"],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")
