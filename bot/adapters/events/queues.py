"""Which queue a task came from: events of workers do not tell."""

from bot.domain.cluster import ClusterSnapshot

LATELY = 3600.0
"""Seconds for which a task that was seen on a queue says that its name belongs there."""

MOST_NAMES, MOST_QUEUES = 2_000, 20


class Homes:
    """On which queues each task name was seen, and what each worker consumes.

    A task of a worker with a single queue came from that. Else from the queue that its name was seen on lately, if it
    was one alone, or if the worker consumes but one of them. Else nobody knows.
    """

    def __init__(self) -> None:
        self._seen: dict[str, dict[str, float]] = {}
        self._consumed: dict[str, frozenset[str]] = {}

    def queue(self, name: str, worker: str, now: float) -> str | None:
        """Return the queue of a task of this name that this worker took, or None."""
        consumed = self._consumed.get(worker, frozenset())
        if len(consumed) == 1:
            return next(iter(consumed))
        lately = {queue for queue, at in self._seen.get(name, {}).items() if now - at < LATELY}
        if len(lately) > 1 and consumed:
            lately &= consumed
        return next(iter(lately)) if len(lately) == 1 else None

    def only(self, name: str) -> str | None:
        """Return the queue of a task name that was never seen on another; None where nobody knows."""
        seen = self._seen.get(name, {})
        return next(iter(seen)) if len(seen) == 1 else None

    def saw(self, name: str, queue: str, now: float) -> bool:
        """Note that a task of this name was on this queue; returns whether that is new."""
        queues = self._seen.get(name)
        if queues is None:
            if len(self._seen) >= MOST_NAMES:
                return False
            queues = self._seen[name] = {}
        new = now - queues.get(queue, 0.0) >= LATELY
        if queue in queues or len(queues) < MOST_QUEUES:
            queues[queue] = now
        return new

    def learn(self, snapshot: ClusterSnapshot) -> bool:
        """Note what workers consume and hold; returns whether anything is new."""
        new, now = False, snapshot.taken_at.timestamp()
        for worker in snapshot.workers:
            if worker.queues is not None:
                consumed = frozenset(worker.queues)
                new = new or self._consumed.get(worker.name) != consumed
                self._consumed[worker.name] = consumed
            for task in (*(worker.active or ()), *(worker.reserved or ()), *(worker.scheduled or ())):
                if task.queue:
                    new = self.saw(task.name, task.queue, now) or new
        known = {worker.name for worker in snapshot.workers}
        self._consumed = {name: queues for name, queues in self._consumed.items() if name in known}
        return new
