"""Whether the bot hears events, what it missed, and which workers send none about their tasks."""

from datetime import datetime, timedelta

from bot.checks.workers import NoParams
from bot.domain.amounts import since, took
from bot.domain.cluster import ClusterSnapshot
from bot.domain.live import Feed, LiveWorker, TaskEvents
from bot.domain.run import Finding, Level
from bot.domain.troubles import Trouble, table, told
from bot.domain.wording import counted, listed
from bot.ports import Check, Target

LATELY = timedelta(minutes=15)
"""How long a gap that was closed stays worth a warning: so long it bends the window that is looked at most."""


class EventFeed(Check[NoParams]):
    """Does the bot hear the workers' events, and what did it miss?"""

    name = "event_feed"
    needs_snapshot = False
    params = NoParams

    def run(self, params: NoParams, snapshot: ClusterSnapshot, target: Target) -> Finding:  # noqa: ARG002
        """A bot that hears nothing must not show its last numbers as if they were of now."""
        now, feed = target.clock.now(), target.live.feed()
        heard = target.live.workers(now)
        off = [w.name for w in heard if w.task_events is TaskEvents.OFF]
        unsure = [w.name for w in heard if w.task_events is TaskEvents.UNKNOWN]
        level, sentence = told(_troubles(feed, off, now), _well(feed, heard, now))
        gaps = sorted(feed.gaps, key=lambda gap: gap.since, reverse=True)
        rows = [(f"{since(g.since, now)} ago", _lasted(g.since, g.until), _missed(g.missed), g.why) for g in gaps]
        return Finding(
            level=level,
            sentence=sentence,
            at=feed.last_at if feed.last_at and not feed.connected else now,
            values={"connected": feed.connected, "heard": feed.heard, "gaps": len(gaps), "task_events_off": off},
            table=table(("gap", "for", "missed", "why"), rows),
            unknown=(f"Whether {listed(unsure)} sends task events is not known yet.",) if unsure else (),
        )


def _troubles(feed: Feed, off: list[str], now: datetime) -> list[Trouble]:
    found = []
    if not feed.connected:
        last = f"; the last was heard {since(feed.last_at, now)} ago" if feed.last_at else ""
        words = (
            f"No events are heard: {feed.trouble or 'not connected'}{last}. Tasks, failures and durations stand still "
            "until they are; check the broker (`/celery check redis_ping`)."
        )
        found.append(Trouble(Level.BAD, words))
    lately = [g for g in feed.gaps if g.until is None or now - g.until <= LATELY]
    if lately and feed.connected:
        words = (
            f"Events were missed {counted(len(lately), 'time')} in the last {took(LATELY.total_seconds())}, last: "
            f"{max(lately, key=lambda g: g.since).why}. Counts since then are “at least”."
        )
        found.append(Trouble(Level.WARN, words))
    if off:
        words = (
            f"No task events come from {listed(off)}, so what it runs is not counted: let the bot switch them on "
            "(see the settings), or start it with `-E`."
        )
        found.append(Trouble(Level.WARN, words))
    return found


def _well(feed: Feed, heard: tuple[LiveWorker, ...], now: datetime) -> str:
    listening = f" for {since(feed.since, now)}" if feed.since else ""
    return f"Events of {counted(len(heard), 'worker')} are heard{listening}, {feed.heard:,} so far."


def _lasted(begun: datetime, until: datetime | None) -> str:
    return "still" if until is None else took(max((until - begun).total_seconds(), 0.0))


def _missed(tasks: int | None) -> str:
    return "not known" if tasks is None else counted(tasks, "task")
