"""Flags declared beside the command that takes them, and their parser (argparse).

    @command(WORKDIR, Flag("num", "How many images.", 64, whole(1)))
    def sample(values): ...

A flag is written `--num=64` or `--num 64`; a switch `--quiet` or `--noquiet`. A mistake
is a `UserError` of one sentence. What a command takes besides, `--config.KEY=VALUE` and
`--import=FILE`, it finds as the lists `values.overrides` and `values.imports`; words
that belong to no flag are `values.words`.
"""

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from deconvgen.core.errors import UserError, near_match

Values = argparse.Namespace
KEYS = "--config.help"


class Flag(NamedTuple):
    """`--name`; a switch where its default is True or False."""

    name: str
    about: str
    default: Any = ""
    kind: Callable[[str], Any] = str  # raises ValueError with what it should be
    needed: bool = False
    bare: str = ""  # what `--name` says where it may do without a value; --noname: none

    def read(self, text: str) -> Any:
        """The value that a text stands for; the default where it is empty."""
        try:
            return self.kind(text) if text else self.default
        except ValueError as error:
            raise UserError(f"flag --{self.name}={text}: {error}") from None


def whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """The kind of a whole number from `least` to `most`."""
    upper = "or more" if most is None else f"to {most}"

    def read(text: str) -> int:
        number = int(text) if re.fullmatch(r"[+-]?\d+", text) else None
        if number is None or not least <= number <= (number if most is None else most):
            raise ValueError(f"a whole number is wanted, {least} {upper}")
        return number

    return read


def one_of(*names: str) -> Callable[[str], str]:
    """The kind of a name among few."""

    def read(text: str) -> str:
        if text not in names:
            raise ValueError(
                f"one of {', '.join(names)} is wanted{near_match(text, names)}"
            )
        return text

    return read


def place(text: str) -> str:
    """The kind of a file or folder; its ~ has to be somebody's home."""
    try:
        Path(text).expanduser()
    except RuntimeError:
        raise ValueError(f"{text.split('/')[0]} has no home") from None
    return text


WORKDIR = Flag("workdir", "The run folder.", kind=place, needed=True)
CHECKPOINT = Flag("checkpoint", "best, latest or a step.", "best")
CONFIG = Flag(
    "config",
    "A config: its bare name or its path, with :VARIANT, as dcgan:smoke.",
    kind=place,
    needed=True,
)


class Command(NamedTuple):
    """What `deconvgen NAME` runs, its flags, and what its words are (FOLDER, say)."""

    run: Callable[[Values], None]
    flags: tuple[Flag, ...]
    words: str

    @property
    def about(self) -> str:
        """What it does, in a sentence."""
        return (self.run.__doc__ or "").splitlines()[0]


COMMANDS: dict[str, Command] = {}


def command(*flags: Flag, words: str = "", name: str = "") -> Callable:
    """Register a function of the flags' values as a command."""

    def register(run: Callable[[Values], None]) -> Callable[[Values], None]:
        COMMANDS[name or run.__name__] = Command(run, flags, words)
        return run

    return register


class Parser(argparse.ArgumentParser):
    """argparse's, whose errors are `UserError`s."""

    def error(self, message: str) -> NoReturn:
        """One sentence for what argparse found."""
        message = re.sub(r"^argument (--[\w.]+)\S*: ", r"\1: ", message)
        lacking = re.fullmatch(r"(--[\w.]+): expected .*", message)
        if lacking:
            message = f"{lacking[1]} lacks its value: {lacking[1]}=VALUE"
        raise UserError(message)


class Switch(argparse.Action):
    """`--name` and `--noname`."""

    def __call__(self, parser, namespace, values, option_string=None):
        """Set what the spelling says."""
        setattr(namespace, self.dest, option_string == self.option_strings[0])


def parser() -> tuple[Parser, dict[str, Parser]]:
    """The parser of the command line, and that of each command."""
    root = Parser(
        "deconvgen",
        usage="deconvgen COMMAND [--flag=value ...]",
        epilog="`deconvgen COMMAND --help` lists the flags of a command.",
        allow_abbrev=False,
    )
    root.add_argument("--version", action="store_true", help="Which version this is.")
    below = root.add_subparsers(metavar="COMMAND", title="commands")
    return root, {name: _add(below, name, own) for name, own in COMMANDS.items()}


def _add(below: Any, name: str, own: Command) -> Parser:
    about = own.about.replace("%", "%%")
    usage = f"deconvgen {name} [--flag=value ...]{own.words and f' [{own.words} ...]'}"
    made = below.add_parser(
        name, usage=usage, help=about, description=about, allow_abbrev=False
    )
    if own.words:
        made.add_argument("words", metavar=own.words, nargs="*")
    for flag in own.flags:
        how: dict[str, Any] = {"dest": flag.name, "default": flag.default}
        how["help"] = flag.about.replace("%", "%%")
        if isinstance(flag.default, bool):
            names = [f"--{flag.name}", f"--no{flag.name}"]
            made.add_argument(*names, action=Switch, nargs=0, **how)
            continue
        if flag.default not in ("", None):
            how["help"] += f" (default: {flag.default})"
        made.add_argument(f"--{flag.name}", type=flag.read, metavar="VALUE", **how)
        if flag.name == "config":
            about = f"A value of it, as --config.optimizer.name=sgd; {KEYS} lists them."
            made.add_argument("--config.KEY", metavar="VALUE", help=about)
    made.add_argument(
        "--import",
        dest="imports",
        metavar="FILE,...",
        action="extend",
        type=lambda text: text.split(","),
        default=[],
        help="Your own my_layers.py: what it registers (layers, losses, data sets, "
        "tasks) is known.",
    )
    return made


def split_config(argv: list[str]) -> tuple[list[str], list[str]]:
    """`--config.key=value` (or `--config.key value`) apart from the other arguments.

    A word that looks like a flag is no value, unless it is a number below 0.
    """
    rest, overrides = [], []
    words = iter(argv)
    for word in words:
        plain = word.lstrip("-")
        if word.startswith("-") and plain.startswith("config."):
            text = plain.removeprefix("config.")
            if "=" not in text:
                value = next(words, None)
                if value is None or re.match(r"-+[^\d.-]", value):
                    raise UserError(f"{word} lacks its value: {word}=VALUE")
                text = f"{text}={value}"
            overrides.append(text)
        else:
            rest.append(word)
    return rest, overrides


def parse(name: str, words: list[str]) -> Values:
    """The values of a command's flags; raises `UserError` for what it does not take.

    Where only the keys are asked for (`--config.help`), no flag has to be given.
    """
    helps = KEYS in words
    words = [word for word in words if word != KEYS]
    own, made = COMMANDS[name], parser()[1][name]
    words, overrides = split_config(words)
    known = {flag.name: flag for flag in own.flags}
    if overrides and "config" not in known and not {"-h", "--help"} & {*words}:
        raise UserError(f"deconvgen {name} takes no --config.{overrides[0]}")
    values, odd = made.parse_known_intermixed_args([_spelt(w, known) for w in words])
    for word in odd:
        if not word.startswith("-"):
            raise UserError(f"deconvgen {name} does not know what to do with {word!r}")
        flag = f"--{word.lstrip('-').partition('=')[0]}"
        names = [f"--{there}" for there in (*known, "import")]
        if "config" in known:  # a key of it, whatever the key
            names.append(f"--config.{flag.partition('.')[2]}")
        hint = near_match(flag, names)
        raise UserError(f"deconvgen {name} has no flag {flag}{hint}")
    for flag in own.flags:
        if flag.needed and not helps and not getattr(values, flag.name):
            raise UserError(f"--{flag.name} is missing: {flag.about}")
    values.overrides, values.helps = overrides, helps
    return values


def _spelt(word: str, known: dict[str, Flag]) -> str:
    """`-num=3` as `--num=3`, `--quiet=false` as `--noquiet`; values for bare flags."""
    word = re.sub(r"^-(?=[a-z][\w.]+)", "--", word)
    flag, _, value = word.partition("=")
    own = known.get(flag.removeprefix("--"))
    if own and isinstance(own.default, bool) and value.lower() in ("true", "false"):
        return f"--{'' if value.lower() == 'true' else 'no'}{own.name}"
    if own and own.bare and word == f"--{own.name}":
        return f"{word}={own.bare}"
    if (off := known.get(word.removeprefix("--no"))) and off.bare:
        return f"--{off.name}=none"
    return word
