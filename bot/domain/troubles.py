"""What a check has to say: its troubles worst first, each with what to do, and a table that fits a phone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.domain.run import Level, Table

MOST_ROWS = 8
"""Rows of a check's table; the rest is counted."""

MOST_TOLD = 3
"""Troubles in one sentence; the table shows the rest."""

_ORDER = (Level.OK, Level.UNKNOWN, Level.WARN, Level.BAD)


@dataclass(frozen=True)
class Trouble:
    """One thing that is wrong: how bad, and in a sentence what it is and what to do."""

    level: Level
    words: str


def worst(levels: Iterable[Level]) -> Level:
    """Return the worst of them; OK of none."""
    return max(levels, key=_ORDER.index, default=Level.OK)


def told(troubles: Sequence[Trouble], well: str) -> tuple[Level, str]:
    """Return the level and the sentence of these troubles, worst first; `well` when there are none."""
    found = sorted(troubles, key=lambda t: -_ORDER.index(t.level))
    return worst(t.level for t in found), " ".join(t.words for t in found[:MOST_TOLD]) or well


def level_above(value: float, warn: float, alert: float) -> Level:
    """Return how bad a value is of which less is better; an alert below the warning begins with that."""
    return Level.BAD if value > max(warn, alert) else Level.WARN if value > warn else Level.OK


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], most: int = MOST_ROWS) -> Table | None:
    """Return the first rows as a table that counts the rest; None of none."""
    if not rows:
        return None
    return Table(columns=tuple(columns), rows=tuple(tuple(r) for r in rows[:most]), more=max(0, len(rows) - most))


def brief(name: str, most: int = 28) -> str:
    """Return a name as it fits a cell: what tells it apart from others stands mostly at its end."""
    return name if len(name) <= most else "…" + name[1 - most :]
