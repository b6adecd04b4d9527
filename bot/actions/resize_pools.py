"""Grow or shrink the pools of workers while they run: slots for a queue at once, without starting a worker."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, model_validator

from bot.actions.scale_workers import ScaleParams, ScaleWorkers
from bot.domain.action import BlastRadius, Irreversible, Observation, Outcome, Preview, Proposal, Risk, Verdict
from bot.domain.approval import Policy
from bot.domain.cluster import ClusterSnapshot, ClusterSpec, Worker
from bot.domain.errors import BadInput, EffectUncertain, UnknownName
from bot.domain.pools import PoolChange, beyond_settings, cannot, spread, started_with
from bot.domain.wording import counted, listed, verb
from bot.ports import UNDO_ONLY, Action, Params, Progress, Target

SEEN_WITHIN = 10.0
"""How long the new sizes are waited for: prefork shows them after some 4.5 s."""

MOST = 20
"""Slots that one request moves at most."""

_LOOK_EVERY = 0.5
_MOST_NAMES = 6


class ResizeParams(Params):
    """`by` slots more in all, or fewer when negative, for the workers that consume `queue`, or for one `worker`.

    `sizes` are sizes by worker that are not passed, and then no other worker is touched; an undo names them.
    """

    queue: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        title="Workers of this queue",
        description="Name a queue, or one worker below.",
    )
    worker: str | None = Field(default=None, min_length=1, max_length=200, title="One worker")
    by: int = Field(ge=-MOST, le=MOST, title="Slots more in all", description="Fewer when negative: -1.")
    sizes: dict[str, Annotated[int, Field(ge=1, le=100_000)]] = Field(
        default_factory=dict, max_length=MOST, title="Sizes", json_schema_extra=UNDO_ONLY
    )
    reason: str = Field(default="", max_length=300, title="Why", description="For those who approve, and the audit.")

    @model_validator(mode="after")
    def _one_aim(self) -> "ResizeParams":
        if (self.queue is None) == (self.worker is None):
            raise ValueError("name a `queue` or a `worker`, one of them")
        if self.by == 0:
            raise ValueError("`by` is how many slots more, or fewer when negative; 0 changes nothing")
        return self

    @property
    def aim(self) -> str:
        """Return the queue or worker it is about."""
        return self.queue or self.worker or ""


class ResizePools(Action[ResizeParams]):
    """Give running workers more slots, or take slots away."""

    name = "resize_pools"
    params = ResizeParams

    def risk(self, params: ResizeParams, spec: ClusterSpec, policy: Policy) -> Risk:  # noqa: ARG002
        """High: more slots take memory, and fewer slow all queues of a worker down.

        Low is only the way back to what the settings say that the workers start with, or not as far.
        """
        started = {worker: started_with(spec, worker) for worker in params.sizes}
        back = bool(started) and all(
            slots is not None and (params.sizes[w] <= slots if params.by > 0 else params.sizes[w] >= slots)
            for w, slots in started.items()
        )
        return Risk.LOW if back else Risk.HIGH

    def observe(self, params: ResizeParams, target: Target, snapshot: ClusterSnapshot) -> Observation:  # noqa: ARG002
        """A snapshot holds the size and the kind of every pool."""
        return Observation(snapshot=snapshot)

    def preview(self, params: ResizeParams, observation: Observation, spec: ClusterSpec) -> Preview:
        """Say which pools get which size. What would change nothing is refused, with the reason for each worker."""
        snapshot = observation.snapshot
        _check_name(params, snapshot, spec)
        workers, changes = _meant(params, snapshot), _changes(params, snapshot)
        untouched = _untouched(params, snapshot)
        if not changes:
            raise BadInput(_nothing(params, workers, untouched))
        return Preview(
            summary=_summary(params, changes),
            radius=BlastRadius(
                queues=(params.queue,) if params.queue else (), workers=tuple(c.worker for c in changes)
            ),
            notes=_notes(params, workers, changes),
            warnings=(*untouched, *beyond_settings(spec, snapshot.workers, changes)),
        )

    def aim(self, params: ResizeParams) -> str:
        """Of two wishes to resize the same, the second is to be made when the first is done: they would add up."""
        return params.aim

    def touches(self, params: ResizeParams) -> str:  # noqa: ARG002 - a worker may consume any queue
        """Two never run at once on one cluster: neither could tell what it has brought about."""
        return "pools"

    def run(self, params: ResizeParams, before: Observation, target: Target, progress: Progress) -> Outcome:
        """Tell each worker once, then wait until the sizes are seen. Nothing is sent again: it would add up."""
        changes, replied = _changes(params, before.snapshot), {}
        for change in changes:
            progress(f"Telling {change.worker}: {change.slots} → {counted(change.to, 'slot')}", {change.worker})
            try:
                replied[change.worker] = target.control.resize_pool(change.worker, change.by)
            except EffectUncertain as e:
                replied[change.worker] = e.why
        _wait(changes, target, progress)
        return Outcome(
            summary=f"Told {counted(len(changes), 'worker')}", replied=replied, workers=tuple(c.worker for c in changes)
        )

    def verify(self, params: ResizeParams, before: Observation, after: Observation) -> Verdict:
        """Count processes, asked after the fact: a worker says ok long before, and its limit never changes."""
        changes, snapshot = _changes(params, before.snapshot), after.snapshot
        sizes = _sizes(snapshot)
        done = [c for c in changes if c.reached(sizes.get(c.worker))]
        missing = [c for c in changes if c not in done]
        did = "grew" if params.by > 0 else "shrank"
        all_of = f"{len(done)} of {counted(len(changes), 'worker')}" if missing else counted(len(changes), "worker")
        now = [_arrow(c, sizes[c.worker] or 0) for c in done]
        sentence = f"{all_of} {did}{f': {listed(now, _MOST_NAMES)}' if now else ''}"
        unseen = [_unseen(c, snapshot.worker(c.worker)) for c in missing]
        return Verdict(
            verified=bool(changes) and not missing,
            sentence=f"{sentence}{f'; not {listed(unseen, _MOST_NAMES)}' if unseen else ''}.",
            confirmed=tuple(c.worker for c in done),
            missing=tuple(c.worker for c in missing),
        )

    def undo(self, params: ResizeParams, before: Observation, cluster: str) -> Proposal | Irreversible:
        """Go back to the sizes there were. What was not reached, or is gone by a restart, is not undone twice."""
        changes = _changes(params, before.snapshot)
        if not changes:
            return Irreversible(why="No pool was changed.")
        back: dict[str, object] = {"queue": params.queue} if params.queue else {"worker": params.worker}
        back |= {"by": -sum(c.by for c in changes), "sizes": {c.worker: max(1, c.slots) for c in changes}}
        return Proposal(action=self.name, cluster=cluster, params=back)

    def command(self, params: ResizeParams, spec: ClusterSpec) -> str:
        """Directed at one worker; without `-d` every worker would grow by so many."""
        method = "pool_grow" if params.by > 0 else "pool_shrink"
        return f"celery -A {spec.app} control {method} {abs(params.by)} -d <worker@host>"

    def instead(self, params: ResizeParams, observation: Observation, spec: ClusterSpec) -> str | None:
        """Where no consumer of the queue can grow, more workers have to be started."""
        if params.queue is None or params.by < 0 or _changes(params, observation.snapshot):
            return None
        return ScaleWorkers().command(ScaleParams(queue=params.queue, by=params.by), spec)


def _check_name(params: ResizeParams, snapshot: ClusterSnapshot, spec: ClusterSpec) -> None:
    if params.worker is not None and snapshot.worker(params.worker) is None:
        raise UnknownName("worker", params.worker, {w.name for w in snapshot.workers})
    known = {q.name for q in spec.queues} | {q.name for q in snapshot.queues}
    known |= {q for w in snapshot.workers for q in w.queues or ()}
    if params.queue is not None and params.queue not in known:
        raise UnknownName("queue", params.queue, known)


def _meant(params: ResizeParams, snapshot: ClusterSnapshot) -> tuple[Worker, ...]:
    """Return the workers that are meant, whether they can change or not."""
    if params.sizes:
        return tuple(w for w in snapshot.workers if w.name in params.sizes)
    if params.worker is not None:
        return tuple(w for w in snapshot.workers if w.name == params.worker)
    return snapshot.consumers(params.queue or "")


def _changes(params: ResizeParams, snapshot: ClusterSnapshot) -> tuple[PoolChange, ...]:
    able = [w for w in _meant(params, snapshot) if cannot(w, snapshot.twins) is None]
    return spread(able, params.by, params.sizes)


def _sizes(snapshot: ClusterSnapshot) -> dict[str, int | None]:
    return {w.name: w.slots for w in snapshot.workers}


def _untouched(params: ResizeParams, snapshot: ClusterSnapshot) -> tuple[str, ...]:
    """Return a sentence for each worker that is left alone and why; one that is silent may consume the queue, too."""
    meant = {w.name: w for w in _meant(params, snapshot)}
    if params.queue is not None and not params.sizes:
        meant |= {w.name: w for w in snapshot.silent}
    return tuple(f"{w.name} {why}; it is not touched." for w in meant.values() if (why := cannot(w, snapshot.twins)))


def _nothing(params: ResizeParams, workers: Sequence[Worker], untouched: Sequence[str]) -> str:
    if untouched:
        return f"No slot can be {'added' if params.by > 0 else 'taken away'} for `{params.aim}`. {' '.join(untouched)}"
    if not workers:
        return f"No worker consumes `{params.aim}` now, so there is no pool to resize."
    if params.sizes:
        return f"There is nothing to undo for `{params.aim}`: its workers have the slots they had before."
    return f"Every worker of `{params.aim}` has one slot left, and keeps it. Pause a queue to stop its tasks."


def _summary(params: ResizeParams, changes: Sequence[PoolChange]) -> str:
    total = sum(abs(c.by) for c in changes)
    what = f"{total:,} {'more' if params.by > 0 else 'fewer'} {'slot' if total == 1 else 'slots'}"
    asked = "" if total == abs(params.by) else f" ({abs(params.by):,} were asked for; every worker keeps one)"
    asked = "" if params.sizes else asked
    where = f" for {params.queue} in all" if params.queue else ""
    return f"{what}{where}{asked}: {listed([_arrow(c, c.to) for c in changes], _MOST_NAMES)}."


def _notes(params: ResizeParams, workers: Sequence[Worker], changes: Sequence[PoolChange]) -> tuple[str, ...]:
    touched = {c.worker for c in changes}
    others = sorted({q for w in workers if w.name in touched for q in w.queues or ()} - {params.queue})
    notes = []
    if others:
        notes.append(f"The slots of these workers serve {listed(others)} too.")
    prefork = any(w.pool == "prefork" for w in workers if w.name in touched)
    if params.by > 0 and prefork:
        notes.append("Each slot of a prefork worker is a process with memory of its own.")
    if params.by < 0:
        notes.append("No running task is stopped.")
    if params.by < 0 and prefork:
        notes.append("A prefork worker gives up idle processes alone, and none while all are busy.")
    return (*notes, "It holds until a worker restarts: then that one has its old size again.")


def _wait(changes: Sequence[PoolChange], target: Target, progress: Progress) -> None:
    """Look until every size is seen, or for as long as that may take."""
    began = target.clock.now()
    for _ in range(int(SEEN_WITHIN / _LOOK_EVERY)):
        sizes = _sizes(target.control.snapshot())
        late = [c for c in changes if not c.reached(sizes.get(c.worker))]
        if not late or (target.clock.now() - began).total_seconds() > SEEN_WITHIN:
            return
        progress(f"Waiting until {counted(len(late), 'worker')} {verb(len(late), 'show')} the new size")
        target.wait(_LOOK_EVERY)


def _arrow(change: PoolChange, now: int) -> str:
    return f"{change.worker} {change.slots} → {now}"


def _unseen(change: PoolChange, worker: Worker | None) -> str:
    """Return who is not as it should be, and why as far as that can be seen."""
    if worker is None or worker.slots is None:
        return f"{change.worker} (no answer)"
    busy = change.by < 0 and (worker.busy or 0) >= worker.slots
    return f"{change.worker} ({counted(worker.slots, 'slot')}{', all busy' if busy else ''})"
