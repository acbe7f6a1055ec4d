"""The command line: `deconvgen COMMAND [--flag=value ...]`."""

import os
import sys

from deconvgen import __version__
from deconvgen.cli import (  # noqa: F401
    atlas_commands,
    commands,
    picture_commands,
    run_commands,
    sweep_commands,
)
from deconvgen.cli.parser import COMMANDS, parse, parser
from deconvgen.core import signals
from deconvgen.core.errors import Exit, UserError, near_match, unknown

BACKEND = "Unable to initialize backend"
"""How JAX's RuntimeError begins at JAX_PLATFORMS=nonsense or a GPU without driver."""


def run(argv: list[str]) -> None:
    """Run one command line, without the program's name."""
    if argv[:1] == ["help"]:
        argv = [*argv[1:2], "--help"]
    if not argv or argv[0] in ("--help", "-h"):
        print(parser()[0].format_help())
        return
    if argv[0] == "--version":
        print(f"deconvgen {__version__}")
        return
    name, *words = argv
    if name.startswith("-"):
        hint = near_match(name, ["--help", "--version"])
        raise UserError(f"deconvgen has no flag {name} before a command{hint}")
    if name not in COMMANDS:
        raise unknown("command", name, COMMANDS)
    if {"-h", "--help"} & {*words}:
        print(parser()[1][name].format_help())
        return
    values = parse(name, words)
    from deconvgen.core import runtime

    runtime.prepare()
    if values.imports:
        from deconvgen import config

        config.imported(values.imports)
        if "config" in values:  # which keeps them, for whoever reads it
            values.overrides.append(f"imports={','.join(values.imports)}")
    run = commands.print_keys if values.helps else COMMANDS[name].run
    run(values)


def main() -> None:
    """The console command: exit code 0, 2 for a user's mistake, 128+n for a signal,
    and 1 for a sweep of which runs have failed."""
    signals.listen()
    try:
        if "_ARGCOMPLETE" in os.environ:
            from deconvgen.cli import completion

            completion.answer()
        run(sys.argv[1:])
    except BrokenPipeError:  # `deconvgen list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exit as error:
        leave(str(error), error.code)
    except OSError as error:  # a full disk, a folder that may not be written to
        where = f"{error.filename}: " if error.filename else ""
        leave(f"{where}{error.strerror or error}")
    except KeyboardInterrupt as error:
        number = signals.of(error)
        leave(f"stopped by {number.name}", 128 + number)
    except RuntimeError as error:
        if not str(error).startswith(BACKEND):
            raise
        leave(" ".join(str(error).split()))


def leave(sentence: str, code: int = 2) -> None:
    """End the process with a sentence for the user."""
    print(f"deconvgen: {sentence}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
