"""What stands around the numbers of every view: what cannot be read, what was missed, how old they are, the buttons."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.domain.cluster import Unknown, Worker
from bot.domain.live import Feed
from bot.domain.views import Age
from bot.domain.window import Gap, Span
from bot.domain.wording import counted
from bot.slack.ids import ActionId
from bot.slack.views.amounts import ago, duration
from bot.slack.views.blocks import Block, actions, button, context, fitting, message, section
from bot.slack.views.formatting import bold, clip, lasted, name, told, when
from bot.slack.views.message import Message
from bot.slack.views.phrases import capital

BODY = 5500
"""Characters that the lines of a view's list may hold; what else stands in it has the rest of the message."""
LONGEST_LINE = 1500
"""Characters of the line that a button carries; Slack takes 2,000."""


def framed(
    headline: str,
    age: Age,
    blocks: Sequence[Block | None],
    *,
    again: str,
    shared: bool = False,
    notes: Sequence[str] = (),
    trouble: str | None = None,
    keep: bool = False,
) -> Message:
    """Return a view: trouble first, then its numbers, then notes and how old all that is.

    `again` is the line that asks the same, which the buttons carry; `trouble` is said instead of the age's own;
    `shared`: everybody sees it, so it has no buttons of one person's; `keep`: something is known, whatever its age.
    """
    cannot = trouble or age.trouble
    first = trouble_lines(age, cannot, keep=keep)
    doubt = [f"⚠️ {told(capital(age.doubt.rstrip('.')))}. Read the counts as “at least”."] if age.doubt else []
    shown = keep or age.taken_at is not None or not cannot
    head = section("\n".join([*first, *([headline] if shown else []), *doubt]))
    foot = context("\n".join([*(notes if shown else ()), aged(age)]))
    row = None if shared else buttons(again, share=not cannot)
    body = fitting(blocks if shown else (), [head, foot, row])
    return message(f"🔴 {told(cannot)}" if cannot else headline, head, *body, foot, row)


def trouble_lines(age: Age, trouble: str | None = None, *, keep: bool = False) -> list[str]:
    """Return what cannot be read, and from when all that follows is; nothing without trouble."""
    cannot = trouble or age.trouble
    if not cannot:
        return []
    if age.taken_at is None:
        return [f"🔴 {told(cannot)}", "What is still known:" if keep else "Nothing was known before either."]
    as_of = f"{when(age.taken_at, age.now, seconds=True)} ({ago(age.taken_at, age.now)})"
    return [f"🔴 {told(cannot)}", f"What is still known, as of {as_of}:"]


def aged(age: Age) -> str:
    """Return how old the numbers are."""
    if age.taken_at is None:
        return "Not counted yet."
    return f"Numbers of {when(age.taken_at, age.now, seconds=True)}, {lasted(age.now - age.taken_at)} old when shown"


def buttons(again: str, *, share: bool = True) -> Block | None:
    """Return the buttons below a view; none for a line that no button can carry."""
    if len(again) > LONGEST_LINE:
        return None
    shares = button("Share here", ActionId.LOOK_SHARE, again) if share else None
    return actions("look", shares, button("Refresh", ActionId.LOOK_REFRESH, again))


def titled(cluster: str, what: str) -> str:
    """Return "*prod*: 4 of 5 workers answer"; both are escaped already."""
    return f"{bold(cluster)}: {what}"


def watched(span: Span, since: datetime, now: datetime) -> str:
    """Return "last 15 min", or that it was not watched so long."""
    if now - since >= span.length - timedelta(seconds=10):
        return f"last {span.value}"
    return f"last {duration(max(0.0, (now - since).total_seconds()))}, watching since {when(since, now)}"


def unheard(feed: Feed) -> str | None:
    """Return that no events arrive and why; None while they do."""
    if feed.connected:
        return None
    return f"Events of tasks are not heard now{f': {feed.trouble}' if feed.trouble else ''}."


def gap_lines(gaps: Sequence[Gap], now: datetime, most: int = 3) -> list[str]:
    """Return the newest times in which events were missed; why a single one was, the doubt says above."""
    shown = [_gap(gap, now, why=len(gaps) > 1) for gap in sorted(gaps, key=lambda g: g.since, reverse=True)[:most]]
    left = len(gaps) - len(shown)
    return [*shown, *([f"… and {left:,} more gaps"] if left > 0 else [])]


def _gap(gap: Gap, now: datetime, *, why: bool) -> str:
    because = f": {told(gap.why, 200)}" if why else ""
    missed = f", {counted(gap.missed, 'task')} unheard" if gap.missed else ""
    if gap.until is None:
        return f"Missed since {when(gap.since, now, seconds=True)}, still{missed}{because}"
    long = duration(max(0.0, (gap.until - gap.since).total_seconds()))
    return f"Missed from {when(gap.since, now, seconds=True)} for {long}{missed}{because}"


def unknown_lines(unknown: Sequence[Unknown], workers: Sequence[Worker] = ()) -> list[str]:
    """Return what could not be learned, and why; a worker that has its own line needs no second one."""
    silent = {w.name for w in workers if not w.answered}
    return [_not_known(u) for u in unknown if u.what not in silent]


def _not_known(unknown: Unknown) -> str:
    why = unknown.why.removeprefix(unknown.what).lstrip()
    return f"❓ {clip(name(unknown.what, 120), 300)}: {told(why, 200)}"
