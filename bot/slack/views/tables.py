"""Small tables for a phone: a block of fixed-width text where one fits, else a line for each row."""

import unicodedata
from collections.abc import Sequence

from bot.domain.run import Table
from bot.slack.views.formatting import ELLIPSIS, escape, name, one_line

WIDTH = 34
"""Columns of fixed-width text that a phone of 390 px shows without scrolling or breaking a line."""
NARROWEST = 12
"""The first column (a name, as a rule) is cut to no less than this."""
BETWEEN = "  "
ROOM = 2400


def table(shown: Table, most: int = 20) -> str:
    """Return a table as mrkdwn, at most `most` rows of it; the rest is counted."""
    rows = [tuple(one_line(cell, 200) for cell in row) for row in shown.rows[:most]]
    columns = tuple(one_line(c, 40) for c in shown.columns)
    fixed = _fitting(columns, rows)
    if fixed is None:
        lines = _packed([_row(columns, row) for row in rows])
        left, text = len(shown.rows) - len(lines), "\n".join(lines)
    else:
        lines = _packed([escape(BETWEEN.join(line).rstrip()) for line in fixed])
        left, text = len(shown.rows) - len(lines) + 1, "```" + "\n".join(lines) + "```"
    left += shown.more
    return f"{text}\n{ELLIPSIS} and {left:,} more" if left > 0 else text


def _packed(lines: Sequence[str]) -> list[str]:
    """Return as many whole lines as there is room for."""
    kept: list[str] = []
    room = ROOM
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        kept.append(line)
    return kept


def _row(columns: Sequence[str], row: Sequence[str]) -> str:
    """Return one row as a line: its first cell, then each other with its column's name."""
    rest = [f"{name(c)} {name(cell, 120)}" for c, cell in zip(columns[1:], row[1:], strict=False) if cell]
    return " · ".join([f"*{name(row[0] if row else '', 80).replace('*', '∗')}*", *rest])


def _fitting(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[list[str]] | None:
    """Return all lines with their cells filled up to their columns' widths; None where they are wider than a phone."""
    if not columns or any(len(row) != len(columns) for row in rows):
        return None
    lines = [list(columns), *(list(row) for row in rows)]
    widths = [max(_wide(line[n]) for line in lines) for n in range(len(columns))]
    room = WIDTH - sum(widths[1:]) - len(BETWEEN) * (len(columns) - 1)
    if widths[0] > room:
        if room < NARROWEST:
            return None
        widths[0] = room
    right = [all(_number(line[n]) for line in lines[1:]) for n in range(len(columns))]
    return [[_filled(cell, widths[n], right=right[n]) for n, cell in enumerate(line)] for line in lines]


def _number(cell: str) -> bool:
    return not cell or cell[0].isdigit() or cell[:1] in "+-<>~–"


def _filled(cell: str, width: int, *, right: bool) -> str:
    cut = cell
    while _wide(cut) > width:
        cut = cut.removesuffix(ELLIPSIS)[:-1] + ELLIPSIS
    blank = " " * (width - _wide(cut))
    return blank + cut if right else cut + blank


def _wide(text: str) -> int:
    """Return how many columns a text takes: East Asian characters and most signs take two."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
