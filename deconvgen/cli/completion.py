"""What TAB gives in a shell, by argcomplete: commands, flags, names of configs.

eval "$(deconvgen completion bash)"          # in ~/.bashrc; zsh likewise
deconvgen completion fish | source           # in config.fish
"""

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
    for name, made in below.items():
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


names: dict[tuple[str, str], Callable[..., Any]] = {
    ("", "config"): files("configs"),
    ("sweep", "words"): files("experiments"),
    ("list", "words"): kinds,
    ("completion", "words"): lambda **_: SHELLS,
}
"""The names that can stand for a flag or the words of a command, or of any."""
