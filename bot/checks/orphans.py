"""Messages that a worker took and that nobody works on any more."""

from datetime import datetime

from bot.checks.workers import NoParams
from bot.domain.amounts import since
from bot.domain.broker import Unacknowledged, UnacknowledgedMessages
from bot.domain.cluster import ClusterSnapshot
from bot.domain.duration import lasting
from bot.domain.live import Presence
from bot.domain.orphans import stopping
from bot.domain.run import Finding, Level
from bot.domain.troubles import Trouble, brief, table, told
from bot.domain.wording import counted
from bot.ports import Check, Target


class Orphans(Check[NoParams]):
    """Messages in `unacked` whose worker is gone: they wait until Redis hands them out again."""

    name = "orphans"
    needs_snapshot = False
    params = NoParams

    def run(self, params: NoParams, snapshot: ClusterSnapshot, target: Target) -> Finding:  # noqa: ARG002
        """While a worker is silent, a message may be its own: then nothing is called an orphan for certain."""
        found = _look(target)
        orphans = sorted(found.orphans, key=lambda m: (m.taken_at is None, m.taken_at or found.at))
        seen = f"{'At least ' if found.at_least else ''}{counted(len(found.messages), 'message')}"
        level, sentence = told(_troubles(found), f"{seen} taken and not acknowledged, each held by a worker.")
        if level is Level.OK and found.uncertain and found.messages:
            level, sentence = Level.UNKNOWN, f"{seen} taken; whether a worker holds each of them cannot be told now."
        return Finding(
            level=level,
            sentence=sentence,
            at=found.at,
            values={"n": len(orphans), "left_behind": found.left_behind, "unacknowledged": len(found.messages)},
            table=table(("task", "queue", "taken", "id"), [_row(m, found.at) for m in orphans]),
            unknown=_unknown(found),
        )


def _look(target: Target) -> UnacknowledgedMessages:
    """Return what is unacknowledged; uncertain also while a worker that said goodbye may work on."""
    found, now = target.diagnostics.unacknowledged().heard(online(target)), target.clock.now()
    why = stopping(found, target.live.workers(now), now)
    return found.model_copy(update={"uncertain": True, "why_uncertain": why}) if why and found.orphans else found


def online(target: Target) -> tuple[str, ...]:
    """Return the workers whose heartbeats are heard."""
    return tuple(w.name for w in target.live.workers(target.clock.now()) if w.presence is Presence.ONLINE)


def _troubles(found: UnacknowledgedMessages) -> list[Trouble]:
    again = f"Redis hands them out again {lasting(found.visibility_timeout)} after they were taken"
    sooner = "once that can be told" if found.uncertain else "now"
    advice = f"{again}, if a worker runs then; `/celery orphans restore all` does {sooner}."
    n, n_left = len(found.orphans), found.left_behind
    troubles = []
    if n and found.uncertain:
        words = f"{counted(n, 'message')} taken by nobody who answers: by a worker that is gone, or by a silent one."
        troubles.append(Trouble(Level.WARN, f"{words} {advice}"))
    elif n:
        troubles.append(Trouble(Level.BAD, f"{counted(n, 'message')} taken by a worker that is gone. {advice}"))
    if n_left:
        words = (
            f"{counted(n_left, 'message')} more than rate limits can hold back: left behind by a worker that is gone, "
            "and nobody can say which."
        )
        troubles.append(Trouble(Level.WARN, words))
    return troubles


def _row(message: Unacknowledged, now: datetime) -> tuple[str, ...]:
    taken = f"{since(message.taken_at, now)} ago" if message.taken_at else "?"
    return (brief(message.task or "?"), brief(message.queue or "?", 16), taken, (message.task_id or "?")[:8])


def _unknown(found: UnacknowledgedMessages) -> tuple[str, ...]:
    few = f"Not all messages were looked at, but the {len(found.messages):,} taken first."
    doubt = f"{found.why_uncertain or 'a worker did not answer'}."
    return (*([doubt] if found.uncertain else []), *([few] if found.at_least else []))
