"""What runs in the slots of the workers that consume a queue: where its time goes."""

from collections import Counter

from pydantic import Field

from bot.domain.amounts import took
from bot.domain.cluster import ClusterSnapshot, TaskInHand
from bot.domain.errors import UnknownName
from bot.domain.run import Finding, Level, Table
from bot.domain.troubles import brief, table
from bot.domain.wording import counted, listed
from bot.ports import Check, Params, Target


class RunningParams(Params):
    """The queue to look at."""

    queue: str = Field(description="the queue to look at")


def must_exist(queue: str, snapshot: ClusterSnapshot, target: Target) -> None:
    """Raise UnknownName for a queue that is neither in the broker nor in the settings: it is misspelt, as a rule."""
    said = {q.name for q in target.spec.queues} | {q for g in target.spec.worker_groups for q in g.queues}
    known = said | {q.name for q in snapshot.queues}
    if queue not in known:
        raise UnknownName("queue", queue, known)


class Running(Check[RunningParams]):
    """Tasks running on the workers that consume a queue, and the longest of them."""

    name = "running"
    params = RunningParams

    def run(self, params: RunningParams, snapshot: ClusterSnapshot, target: Target) -> Finding:
        """Count the tasks by name; the longest running one is named with its age in whole seconds.

        Raises UnknownName.
        """
        workers = [w for w in snapshot.consumers(params.queue) if w.active is not None]
        tasks = [t for w in workers for t in w.active or ()]
        slots = sum(w.slots or 0 for w in workers)
        if not workers:
            level, sentence = _nobody(params.queue, snapshot, target)
            values = {"slots": 0, "busy": 0, "own": 0}
            return Finding(level=level, sentence=sentence, at=snapshot.taken_at, values=values)
        by_name = Counter(t.name.rpartition(".")[2] for t in tasks)
        words = ", ".join(f"{n} × {name}" for name, n in by_name.most_common(3))
        sentence = f"{len(tasks)} of {counted(slots, 'slot')} busy{f': {words}' if words else ''}"
        started = [(snapshot.taken_at - t.started_at).total_seconds() for t in tasks if t.started_at]
        if started and max(started) >= 1:
            sentence += f"; longest for {counted(int(max(started)), 'second')}"
        return Finding(
            level=Level.WARN if slots and len(tasks) >= slots else Level.OK,
            sentence=sentence + ".",
            at=snapshot.taken_at,
            table=_table(tasks, snapshot),
            values={"busy": len(tasks), "slots": slots, "own": sum(1 for t in tasks if t.queue == params.queue)},
        )


def _table(tasks: list[TaskInHand], snapshot: ClusterSnapshot) -> Table | None:
    by_name: dict[str, list[TaskInHand]] = {}
    for task in tasks:
        by_name.setdefault(task.name, []).append(task)
    ages = {
        name: max(((snapshot.taken_at - t.started_at).total_seconds() for t in its if t.started_at), default=None)
        for name, its in by_name.items()
    }
    order = sorted(by_name, key=lambda name: -len(by_name[name]))
    return table(("task", "n", "longest"), [(brief(n), f"{len(by_name[n]):,}", _took(ages[n])) for n in order])


def _took(seconds: float | None) -> str:
    return "?" if seconds is None else took(max(seconds, 0.0))


def _nobody(queue: str, snapshot: ClusterSnapshot, target: Target) -> tuple[Level, str]:
    """Say why no worker consumes it, as far as that can be seen, and what to do; raises UnknownName."""
    must_exist(queue, snapshot, target)
    if target.pause_of(queue):
        return Level.WARN, f"{queue} is paused, so no worker consumes it."
    if snapshot.silent:
        silent = listed([w.name for w in snapshot.silent])
        return Level.BAD, f"No worker that answers consumes {queue}. Look at {silent}: no answer (busy or unreachable)."
    groups = [g.name for g in target.spec.worker_groups if queue in g.queues]
    return Level.BAD, f"No worker consumes {queue}. Start {' or '.join(groups) or 'one'}."
