"""What TAB gives in a shell, by argcomplete: commands, flags, names, config keys.

eval "$(deconvgen completion bash)"          # in ~/.bashrc; zsh likewise
deconvgen completion fish | source           # in config.fish
"""

import os
from collections.abc import Callable
from typing import Any

from deconvgen.cli.parser import parser
from deconvgen.core.errors import UserError, unknown

SHELLS = ("bash", "fish", "zsh")


def argcomplete() -> Any:
    """The library; raises a `UserError` where it is not installed."""
    try:
        import argcomplete
    except ImportError:
        raise UserError(
            "completion needs argcomplete: pip install 'deconvgen[completion]'"
        ) from None
    return argcomplete


def script(*shells: str) -> str:
    """What the shell reads when it starts."""
    if len(shells) != 1:
        raise UserError("deconvgen completion wants one shell: bash, zsh or fish")
    if shells[0] not in SHELLS:
        raise unknown("shell", shells[0], SHELLS)
    return argcomplete().shellcode(["deconvgen"], shell=shells[0])


def answer() -> None:
    """Tell the shell what could come next, and end; it has started this process."""
    root, below = parser()
    typed = os.environ.get("COMP_LINE", "").split(" ")[-1]
    for name, made in below.items():
        if typed.startswith("--config.") and "--config" in made._option_string_actions:
            for key, row in keys().items():
                flag: Any = made.add_argument(f"--config.{key}")
                flag.completer = values(row)
        for action in made._actions:
            kind = names.get((name, action.dest)) or names.get(("", action.dest))
            if kind:
                action.completer = kind  # type: ignore[attr-defined]
    argcomplete().autocomplete(root, always_complete_options="long")


def files(kind: str) -> Callable[..., list[str]]:
    """The shipped configs, with their variants, or experiments."""

    def complete(**_: Any) -> list[str]:
        from deconvgen import config

        found = config.names(kind)
        if kind == "configs":
            found += [f"{n}:{v}" for n in found for v in config.variants(n)]
        return found

    return complete


def kinds(**_: Any) -> list[str]:
    """What `deconvgen list` takes."""
    from deconvgen.cli.listing import KINDS

    return list(KINDS)


def keys() -> dict[str, Any]:
    """The rows of the table of config keys, by key, those of every task."""
    from deconvgen.config.keys import OWN, SHARED

    return {key: row for part in (*OWN.values(), SHARED) for key, row in part.items()}


def values(row: Any) -> Callable[..., list[str]]:
    """What a config key takes, where these are names."""

    def complete(**_: Any) -> list[str]:
        if isinstance(row.default, bool):
            return ["true", "false"]
        if isinstance(row.range, str):
            from deconvgen.cli.listing import everything

            everything()  # which takes a second
        return [str(name) for name in row.names()]

    return complete


def words(kind: str) -> Callable[..., list[str]]:
    """The names of a kind of `deconvgen list`."""

    def complete(**_: Any) -> list[str]:
        from deconvgen.cli.listing import KINDS

        return [row["name"] for row in KINDS[kind]()]

    return complete


names: dict[tuple[str, str], Callable[..., Any]] = {
    ("", "config"): files("configs"),
    ("sample", "kind"): words("samples"),
    ("advise", "task"): words("tasks"),
    ("audit", "upsampler"): words("upsamplers"),
    ("sweep", "words"): files("experiments"),
    ("list", "words"): kinds,
    ("completion", "words"): lambda **_: SHELLS,
}
"""The names that can stand for a flag or the words of a command, or of any."""
