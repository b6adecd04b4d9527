"""Who consumes which queue, and queues with messages that nobody consumes."""

from bot.checks.workers import NoParams
from bot.domain.cluster import ClusterSnapshot, ClusterSpec, Queue
from bot.domain.run import Finding, Level, Table
from bot.domain.troubles import brief, table
from bot.domain.wording import listed
from bot.ports import Check, Target


class Consumers(Check[NoParams]):
    """Who consumes which queue, and queues without a consumer."""

    name = "consumers"
    params = NoParams

    def run(self, params: NoParams, snapshot: ClusterSnapshot, target: Target) -> Finding:  # noqa: ARG002
        """A queue without a consumer is bad when messages wait in it, unless a pause of ours holds it."""
        unheld = [q for q in snapshot.without_consumer() if target.pause_of(q.name) is None]
        unconsumed = [q.name for q in snapshot.queues if not snapshot.consumers(q.name)]
        silent = tuple(f"{w.name} did not say what it consumes (busy or unreachable)." for w in snapshot.silent)
        if unheld:
            words = ", ".join(f"{q.name} ({q.depth:,} waiting)" for q in unheld[:5])
            advice = f"Look at {listed([w.name for w in snapshot.silent])} first" if silent else _start(target, unheld)
            level, sentence = Level.BAD, f"No worker{' that answers' if silent else ''} consumes {words}. {advice}."
        elif unconsumed:
            level, sentence = Level.WARN, f"No worker consumes {listed(unconsumed)}; nothing waits there unheld."
        else:
            level, sentence = Level.OK, "Every queue has a consumer."
        if silent and level is not Level.OK:
            level = Level.UNKNOWN
        return Finding(
            level=level,
            sentence=sentence,
            at=snapshot.taken_at,
            values={"without": unconsumed, "waiting": sum(q.depth or 0 for q in unheld)},
            table=_table(snapshot, target),
            unknown=silent,
        )


def _start(target: Target, queues: list[Queue]) -> str:
    """Say what to start: a configured group that consumes the first of them, else a worker with that queue."""
    first = queues[0].name
    groups = _groups(target.spec, first)
    return f"Start {' or '.join(groups)}" if groups else f"Start a worker with `-Q {first}`"


def _groups(spec: ClusterSpec, queue: str) -> list[str]:
    return [g.name for g in spec.worker_groups if queue in g.queues]


def _table(snapshot: ClusterSnapshot, target: Target) -> Table | None:
    def rank(queue: Queue) -> tuple[bool, int, str]:
        return (bool(snapshot.consumers(queue.name)), -(queue.depth or 0), queue.name)

    rows = [
        (brief(q.name), "?" if q.depth is None else f"{q.depth:,}", _who(q, snapshot, target))
        for q in sorted(snapshot.queues, key=rank)
    ]
    return table(("queue", "waiting", "consumed by"), rows)


def _who(queue: Queue, snapshot: ClusterSnapshot, target: Target) -> str:
    names = [brief(w.name.partition("@")[0]) for w in snapshot.consumers(queue.name)]
    paused = " (paused)" if target.pause_of(queue.name) else ""
    return (listed(names, 3) if names else "nobody that answers" if snapshot.silent else "nobody") + paused
