"""How deep the queues are, worst first, and since when the oldest message waits."""

from collections.abc import Mapping

from bot.checks.workers import NoParams
from bot.domain.amounts import took
from bot.domain.broker import OldestMessage
from bot.domain.cluster import ClusterSnapshot, Queue
from bot.domain.errors import OncallError
from bot.domain.forecast import goal_of
from bot.domain.latency import Bound, Estimated, age_of_oldest
from bot.domain.run import Finding, Level
from bot.domain.troubles import brief, table
from bot.domain.wording import listed
from bot.ports import Check, Target

ESTIMATED = "Ages with ~, ≥ or ≤ are estimated from the history of depths: their messages carry no time stamp."


class QueueDepths(Check[NoParams]):
    """True depth of every queue, over all priority lanes, and the age of its oldest message."""

    name = "queue_depths"
    params = NoParams

    def run(self, params: NoParams, snapshot: ClusterSnapshot, target: Target) -> Finding:  # noqa: ARG002
        """Name the queues above their limit; else the deepest ones.

        A warning at most: depth is what the alert is about, not what has to be put right first.
        """
        known = sorted((q for q in snapshot.queues if q.depth is not None), key=lambda q: -(q.depth or 0))
        if not known:
            return Finding(level=Level.UNKNOWN, sentence="No queue could be counted.", at=snapshot.taken_at)
        above = [q for q in known if (q.depth or 0) > goal_of(target.spec, q.name)]
        shown = above or [q for q in known if q.depth][:3]
        words = ", ".join(f"{q.name} {q.depth:,}" for q in shown[:5])
        sentence = (
            f"Above their limit: {words}." if above else f"Deepest: {words}." if shown else "All queues are empty."
        )
        stamped, unknown = _stamped(known, target)
        guessed = _guessed(known, stamped, target)
        ages = {n: m.age for n, m in stamped.items() if m.age is not None} | {n: e.seconds for n, e in guessed.items()}
        order = sorted(known, key=lambda q: (q not in above, -(q.depth or 0), q.name))
        rows = [(brief(q.name), f"{q.depth:,}", _age(q, stamped, guessed)) for q in order]
        uncounted = tuple(f"{q.name} could not be counted." for q in snapshot.queues if q.depth is None)
        return Finding(
            level=Level.WARN if above else Level.OK,
            sentence=sentence,
            at=snapshot.taken_at,
            values={"depths": {q.name: q.depth for q in known}, "oldest": ages, "above": [q.name for q in above]},
            table=table(("queue", "waiting", "oldest"), rows),
            unknown=(*uncounted, *unknown, *_ageless(known, ages)),
            estimated=ESTIMATED if guessed else None,
        )


def _stamped(queues: list[Queue], target: Target) -> tuple[Mapping[str, OldestMessage], tuple[str, ...]]:
    """Return the oldest message of each queue that has any; and why they could not be read. Depths are shown anyway."""
    if not any(q.depth for q in queues):
        return {}, ()
    try:
        return target.diagnostics.oldest(), ()
    except OncallError as e:
        return {}, (f"The oldest messages could not be read: {e}",)


def _guessed(queues: list[Queue], stamped: Mapping[str, OldestMessage], target: Target) -> dict[str, Estimated]:
    """Return an estimate for each queue with messages of which no stamp tells the age."""
    found = {}
    for queue in queues:
        unstamped = queue.name not in stamped or stamped[queue.name].age is None
        if queue.depth and unstamped and target.samples is not None:
            estimate = age_of_oldest(target.samples.of(target.spec.name, queue.name))
            if estimate is not None:
                found[queue.name] = estimate
    return found


def _ageless(queues: list[Queue], ages: Mapping[str, float]) -> tuple[str, ...]:
    names = [q.name for q in queues if q.depth and q.name not in ages]
    why = "no time stamp on its messages, and too little history yet"
    return (f"Age of the oldest message unknown in {listed(names)}: {why}.",) if names else ()


def _age(queue: Queue, stamped: Mapping[str, OldestMessage], guessed: Mapping[str, Estimated]) -> str:
    if not queue.depth:
        return "–"
    if (message := stamped.get(queue.name)) and message.age is not None:
        return took(message.age)
    estimate = guessed.get(queue.name)
    return "?" if estimate is None else f"{SIGNS[estimate.bound]}{took(estimate.seconds)}"


SIGNS = {Bound.ABOUT: "~", Bound.AT_LEAST: "≥", Bound.AT_MOST: "≤"}
"""What stands before an estimate in a table."""
