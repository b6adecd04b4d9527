"""How deep the queues are, worst first."""

from bot.checks.workers import NoParams
from bot.domain.cluster import ClusterSnapshot, ClusterSpec, Queue
from bot.domain.run import Finding, Level
from bot.ports import Check, Target


class QueueDepths(Check[NoParams]):
    """True depth of every queue, over all priority lanes."""

    name = "queue_depths"
    params = NoParams

    def run(self, params: NoParams, snapshot: ClusterSnapshot, target: Target) -> Finding:  # noqa: ARG002
        """Name the queues above their limit; else the deepest ones.

        A warning at most: depth is what the alert is about, not what has to be put right first.
        """
        known = sorted((q for q in snapshot.queues if q.depth is not None), key=lambda q: -(q.depth or 0))
        values = {q.name: q.depth for q in known}
        if not known:
            return Finding(level=Level.UNKNOWN, sentence="No queue could be counted.", at=snapshot.taken_at)
        above = [q for q in known if (q.depth or 0) > limit_of(target.spec, q)]
        shown = above or [q for q in known if q.depth][:3]
        words = ", ".join(f"{q.name} {q.depth:,}" for q in shown[:5])
        sentence = (
            f"Above their limit: {words}." if above else f"Deepest: {words}." if shown else "All queues are empty."
        )
        return Finding(
            level=Level.WARN if above else Level.OK, sentence=sentence, at=snapshot.taken_at, values={"depths": values}
        )


def limit_of(spec: ClusterSpec, queue: Queue) -> int:
    """Return the depth above which a queue counts as backed up; 500 for one that nobody declared."""
    declared = spec.queue(queue.name)
    return declared.alert_above if declared else 500
