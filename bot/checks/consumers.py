"""Who consumes which queue, and queues with messages that nobody consumes."""

from bot.checks.workers import NoParams
from bot.domain.cluster import ClusterSnapshot
from bot.domain.run import Finding, Level
from bot.domain.wording import listed
from bot.ports import Check, Target


class Consumers(Check[NoParams]):
    """Queues without a consumer."""

    name = "consumers"
    params = NoParams

    def run(self, params: NoParams, snapshot: ClusterSnapshot, target: Target) -> Finding:  # noqa: ARG002
        """A queue without a consumer is bad when messages wait in it, unless a pause of ours holds it."""
        unheld = [q for q in snapshot.without_consumer() if target.pause_of(q.name) is None]
        unconsumed = [q.name for q in snapshot.queues if not snapshot.consumers(q.name)]
        silent = tuple(f"{w.name} did not say what it consumes" for w in snapshot.silent)
        if unheld:
            words = ", ".join(f"{q.name} ({q.depth:,} waiting)" for q in unheld[:5])
            level, sentence = Level.BAD, f"No worker consumes {words}."
        elif unconsumed:
            level, sentence = Level.WARN, f"No worker consumes {listed(unconsumed)}; nothing waits there unheld."
        else:
            level, sentence = Level.OK, "Every queue has a consumer."
        if silent and level is not Level.OK:
            level = Level.UNKNOWN
        return Finding(
            level=level, sentence=sentence, at=snapshot.taken_at, values={"without": unconsumed}, unknown=silent
        )
