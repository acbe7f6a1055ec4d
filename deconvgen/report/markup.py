"""Tables in Markdown."""

from collections.abc import Iterable, Sequence


def grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table.

    >>> grid(["layer", "PSNR"], [["carafe", "19.2"]])
    ['| layer | PSNR |', '| --- | --- |', '| carafe | 19.2 |']
    """
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]
