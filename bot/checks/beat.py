"""Whether the scheduler runs, and runs once.

Beat of Celery 5.7 with `beat_enable_remote_control` answers a ping as `celerybeat@host` and nothing else; it falls
silent when its schedule has not moved for a while (celery's `beat.py`: `BeatPidbox`). Older ones never answer. Two
processes of one name answer twice.
"""

from collections import Counter

from pydantic import Field

from bot.domain.amounts import since
from bot.domain.cluster import ClusterSnapshot
from bot.domain.run import Finding, Level
from bot.domain.troubles import table
from bot.domain.wording import listed
from bot.ports import Check, Params, Target


class BeatParams(Params):
    """How many there should be."""

    expected: int = Field(default=1, ge=0, le=1, description="how many beats there should be: 1, or 0 for none")


class Beat(Check[BeatParams]):
    """Does beat run, and only once? Two send every periodic task twice."""

    name = "beat"
    params = BeatParams

    def run(self, params: BeatParams, snapshot: ClusterSnapshot, target: Target) -> Finding:
        """That none is seen does not say that none runs, unless one was seen a moment ago."""
        found = Counter(snapshot.beats)
        level, sentence = _judged(params, snapshot, target)
        unheard = tuple(f"{u.why}." for u in snapshot.unknown if u.what == "workers")
        return Finding(
            level=level,
            sentence=sentence,
            at=snapshot.taken_at,
            values={"n": len(snapshot.beats)},
            table=table(("beat", "processes"), [(name, f"{n}") for name, n in found.most_common()]),
            unknown=unheard,
        )


def _judged(params: BeatParams, snapshot: ClusterSnapshot, target: Target) -> tuple[Level, str]:
    beats = snapshot.beats
    if len(beats) > 1:
        often = "twice" if len(beats) == 2 else f"{len(beats)} times"
        names = listed([f"{n} of the name {b}" if n > 1 else b for b, n in Counter(beats).most_common()])
        words = f"{len(beats)} beats answer ({names}): every periodic task is sent {often}. Stop all but one."
        return Level.BAD, words
    if beats and not params.expected:
        return Level.WARN, f"A beat answers where none should be: {beats[0]}. Stop it, unless it is meant."
    if beats:
        words = f"One beat answers: {beats[0]}. One of Celery before 5.7, or without remote control, would not be seen."
        return Level.OK, words
    if not params.expected:
        return Level.OK, "No beat is seen, and none is expected."
    if gone := _seen_before(snapshot, target):
        return Level.BAD, gone
    words = (
        "No beat is seen. Beat answers from Celery 5.7 on, with `beat_enable_remote_control`: another may run all the "
        "same; look at its process."
    )
    return Level.UNKNOWN, words


def _seen_before(snapshot: ClusterSnapshot, target: Target) -> str | None:
    """Return that a beat answered lately and does not now, or None."""
    history = target.samples.snapshots(target.spec.name) if target.samples is not None else ()
    last = next((s for s in reversed(history) if s.beats and s.taken_at < snapshot.taken_at), None)
    if last is None:
        return None
    return (
        f"{last.beats[0]} answered {since(last.taken_at, snapshot.taken_at)} ago and does not now: stopped, stuck or "
        "unreachable. No periodic task is sent while it is; look at its process and start it again, once."
    )
