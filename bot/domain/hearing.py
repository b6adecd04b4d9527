"""How far numbers that were heard from events may be trusted."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from bot.domain.amounts import took
from bot.domain.live import Feed, LiveWorker, TaskEvents
from bot.domain.window import Gap, Window
from bot.domain.wording import counted, listed


def doubts(window: Window, feed: Feed, workers: Iterable[LiveWorker] = ()) -> tuple[str, ...]:
    """Return in sentences why a window is not all there was; empty when it is. `workers` are those heard lately."""
    found = []
    if not feed.connected:
        found.append(f"Events are not heard now: {feed.trouble or 'not connected'}.")
    if short := unwatched(window):
        found.append(short)
    if over := [gap for gap in window.gaps if feed.connected or gap.until is not None]:
        found.append(_gaps(window, over))
    if off := [w.name for w in workers if w.task_events is TaskEvents.OFF]:
        found.append(f"No task events come from {listed(off)}, so what it runs is not counted.")
    return tuple(found)


def unwatched(window: Window) -> str | None:
    """Return that the bot has not listened for a whole span yet, or None."""
    heard = (window.until - window.since).total_seconds()
    if heard >= window.span.length.total_seconds() - 10:
        return None
    return f"The bot has listened for {took(max(heard, 0))} of the {window.span.value}."


def _gaps(window: Window, gaps: Sequence[Gap]) -> str:
    seconds = sum(
        max(0.0, ((gap.until or window.until) - max(gap.since, window.since)).total_seconds()) for gap in gaps
    )
    missed = sum(gap.missed or 0 for gap in gaps)
    tasks = f", with at least {counted(missed, 'task')}" if missed else ""
    return f"Events were missed for about {took(max(seconds, 1.0))}{tasks}: {gaps[-1].why}."


def at_least(doubtful: Sequence[str]) -> str:
    """Return what stands before a count that may be too low: "at least " or nothing."""
    return "at least " if doubtful else ""


def means(said: str | None, name: str) -> bool:
    """Return whether a name is meant: all of it, what follows its last dot, or a pattern with `*`; all by None."""
    return said is None or said in (name, name.rpartition(".")[2]) or fnmatchcase(name, said)
