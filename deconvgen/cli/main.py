"""The command line: `deconvgen COMMAND [--flag=value ...]`."""

import os
import re
import sys

from absl import flags

from deconvgen.cli import checkpoint_commands, sweep_commands  # noqa: F401  (add commands)
from deconvgen.cli.commands import TAKES_WORDS, commands
from deconvgen.core import runtime, signals
from deconvgen.core.errors import UserError, near_match, unknown

USAGE = """\
usage: deconvgen COMMAND [--flag=value ...]

{commands}

`deconvgen COMMAND --help` lists the flags of a command. Every command takes
--import=my_layers.py, a file that registers layers, losses, data sets or tasks.
"""


BACKEND = "Unable to initialize backend"
"""How JAX's RuntimeError begins at JAX_PLATFORMS=nonsense or a GPU without driver."""


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


def split_imports(argv: list[str]) -> tuple[list[str], list[str]]:
    """`--import=FILE` (or `--import FILE`) apart from the other arguments."""
    rest, names = [], []
    words = iter(argv)
    for word in words:
        flag, equals, value = word.lstrip("-").partition("=")
        if not word.startswith("-") or flag != "import":
            rest.append(word)
            continue
        value = value if equals else next(words, "")
        if not value or value.startswith("-"):
            raise UserError("--import lacks its value: --import=my_layers.py")
        names += value.split(",")
    return rest, names


def help_text() -> str:
    """The commands, a line each."""
    lines = (f"  {name:10} {run.__doc__}" for name, (run, _) in commands.items())
    return USAGE.format(commands="\n".join(lines))


def flag_help(values: flags.FlagValues) -> str:
    """The flags of a command, with their defaults."""
    lines = []
    for flag in (values[name] for name in sorted(values)):
        default = "" if flag.default in (None, "") else f"={flag.default}"
        lines.append(f"  --{flag.name}{default}\n      {flag.help}")
    return "\n".join(lines)


def run(argv: list[str]) -> None:
    """Run one command line, without the program's name."""
    if not argv or argv[0] in ("help", "--help", "-h"):
        print(help_text())
        return
    name, *words = argv
    if name not in commands:
        raise unknown("command", name, commands)
    function, define = commands[name]
    values = flags.FlagValues()
    define(values)
    words, overrides = split_config(words)
    words, imports = split_imports(words)
    if "--help" in words or "-h" in words:
        print(f"deconvgen {name}: {function.__doc__}\n\n{flag_help(values)}")
        return
    if overrides and "config" not in values:
        raise UserError(f"deconvgen {name} takes no --config.{overrides[0]}")
    try:
        rest = values(["deconvgen", *words])[1:]
    except flags.UnrecognizedFlagError as error:
        flag = error.flagname
        hint = near_match(flag, values)
        raise UserError(f"deconvgen {name} has no flag --{flag}{hint}") from None
    except flags.Error as error:
        raise UserError(str(error)) from None
    if rest and name not in TAKES_WORDS:
        raise UserError(f"deconvgen {name} does not know what to do with {rest[0]!r}")
    if imports:
        from deconvgen import config

        config.imported(imports)
        if "config" in values:  # which keeps them, for whoever reads it
            overrides.append(f"imports={','.join(imports)}")
    function(values, overrides, rest)


def main() -> None:
    """The console command: exit code 0, 2 for a user's mistake, 128+n for a signal,
    and 1 for a sweep of which runs have failed."""
    signals.listen()
    runtime.prepare()
    try:
        run(sys.argv[1:])
    except BrokenPipeError:  # `deconvgen list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except UserError as error:
        print(f"deconvgen: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:  # a full disk, a folder that may not be written to
        where = f"{error.filename}: " if error.filename else ""
        print(f"deconvgen: {where}{error.strerror or error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt as error:
        number = signals.of(error)
        print(f"deconvgen: stopped by {number.name}", file=sys.stderr)
        sys.exit(128 + number)
    except Exception as error:
        code = getattr(error, "code", None)
        if code is None and str(error).startswith(BACKEND):
            code = 2
        if code is None:
            raise
        print(f"deconvgen: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(code)


if __name__ == "__main__":
    main()
