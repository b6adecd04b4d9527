"""What runs in the slots of the workers that consume a queue: where its time goes."""

from collections import Counter

from bot.domain.cluster import ClusterSnapshot
from bot.domain.run import Finding, Level
from bot.domain.wording import counted
from bot.ports import Check, Params, Target


class RunningParams(Params):
    """The queue to look at."""

    queue: str


class Running(Check[RunningParams]):
    """Tasks running on the workers that consume a queue, and the longest of them."""

    name = "running"
    params = RunningParams

    def run(self, params: RunningParams, snapshot: ClusterSnapshot, target: Target) -> Finding:  # noqa: ARG002
        """Count the tasks by name; the longest running one is named with its age in whole seconds."""
        workers = [w for w in snapshot.consumers(params.queue) if w.active is not None]
        tasks = [t for w in workers for t in w.active or ()]
        slots = sum(w.slots or 0 for w in workers)
        if not workers:
            sentence = f"No worker that answers consumes {params.queue}."
            return Finding(level=Level.BAD, sentence=sentence, at=snapshot.taken_at, values={"slots": 0, "busy": 0})
        by_name = Counter(t.name.rpartition(".")[2] for t in tasks)
        words = ", ".join(f"{n} × {name}" for name, n in by_name.most_common(3)) or "nothing"
        sentence = f"{len(tasks)} of {counted(slots, 'slot')} busy: {words}"
        started = [(snapshot.taken_at - t.started_at).total_seconds() for t in tasks if t.started_at]
        if started and max(started) >= 1:
            sentence += f"; longest for {counted(int(max(started)), 'second')}"
        return Finding(
            level=Level.WARN if slots and len(tasks) >= slots else Level.OK,
            sentence=sentence + ".",
            at=snapshot.taken_at,
            values={"busy": len(tasks), "slots": slots, "own": sum(1 for t in tasks if t.queue == params.queue)},
        )
