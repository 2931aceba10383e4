"""What commands print: names as text, JSON that every reader takes, sizes and tables."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

_MANY_ROWS = 1_000


def printable(text: str) -> str:
    """Text a program logged, with nothing in it that a terminal would obey."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "�" for character in text)


def print_json(value: Any) -> None:
    print(json.dumps(strict(value), indent=2, default=str))


def strict(value: Any) -> Any:
    """The value as JSON can say it: NaN and infinities, for which it has no numbers, become text."""
    if isinstance(value, dict):
        return {str(key): strict(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [strict(inner) for inner in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, folded: str = "") -> None:
    """A table; where the terminal is narrow, the column ``folded`` (or all) gives way, and is still whole.

    More rows than people read are printed as they are, a line each: laying them out takes minutes.
    """
    shown = [[printable(cell) for cell in row] for row in rows]
    if len(shown) > _MANY_ROWS:
        _print_lines([columns, *shown])
    else:
        _print_laid_out(columns, shown, folded)


def _print_lines(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(map(str.ljust, row, widths)).rstrip())


def _print_laid_out(columns: Sequence[str], rows: Iterable[Sequence[str]], folded: str) -> None:
    from rich.console import Console
    from rich.table import Column, Table

    made = (Column(name, no_wrap=bool(folded) and name != folded, overflow="fold") for name in columns)
    table = Table(*made, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*row)
    # Names are text: what looks like markup or an emoji's name in them is left as it is.
    Console(markup=False, emoji=False, highlight=False).print(table)


def counted(count: int, thing: str) -> str:
    """ "1 run", "2 runs"."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def size(count: int) -> str:
    """A number of bytes, in the unit that fits."""
    if count < 1000:
        return counted(count, "byte")
    for unit in ("kB", "MB", "GB"):
        count /= 1000  # type: ignore[assignment]
        if count < 1000 or unit == "GB":
            break
    return f"{count:.1f} {unit}"
