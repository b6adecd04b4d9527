"""Work an incident's runbook: fresh numbers, checks, offers, forecast. Read-only towards the cluster."""

from datetime import timedelta
from typing import Any

from bot.domain.cluster import ClusterSnapshot, ClusterSpec
from bot.domain.errors import ClusterUnreachable
from bot.domain.forecast import GOAL, Trend, forecast, goal_of, recent, reliefs, trend
from bot.domain.incident import Incident
from bot.domain.run import Run, StepResult, StepState, Suggestion
from bot.domain.runbook import Runbook
from bot.ports import Ports, Target
from bot.usecases.names import names_of
from bot.usecases.retrying import retried
from bot.usecases.showing import show_incident
from bot.usecases.steps import work_steps
from bot.usecases.targets import target_of

SHARED = timedelta(seconds=1)
"""How old a snapshot may be that incidents of one cluster share."""


def refresh(ports: Ports, incident_id: str) -> None:
    """Look at the cluster anew and store what was found; blocks for up to about 3 s on a dead broker."""
    with ports.store.read() as tx:
        incident = tx.incidents.get(incident_id)
        run = tx.runs.find(incident_id=incident_id)[-1]
    if incident.over:
        return
    target = target_of(ports, incident.cluster)
    try:
        snapshot = _shared(ports, target) or target.control.snapshot()
    except ClusterUnreachable as e:
        failure = ports.samples.failure(incident.cluster)
        if failure is None or failure[1] is not e:
            ports.samples.failed(incident.cluster, ports.clock.now(), e)
        _store(ports, incident, run.model_copy(update={"trouble": str(e), "updated_at": ports.clock.now()}))
        return
    ports.samples.take(snapshot)
    incident = with_queue(incident, run.runbook, snapshot, target.spec)
    _store(ports, incident, worked(ports, incident, run, snapshot, target))


def _shared(ports: Ports, target: Target) -> ClusterSnapshot | None:
    """Return a snapshot that was taken just now for another incident: in a storm they count the cluster once.

    Raises ClusterUnreachable when that other look just failed: forty alerts on a dead broker must not wait in turn.
    """
    failure = ports.samples.failure(target.spec.name)
    if failure and target.clock.now() - failure[0] < SHARED:
        raise failure[1]
    latest = target.earlier[-1] if target.earlier else None
    return latest if latest and target.clock.now() - latest.taken_at < SHARED else None


@retried
def _store(ports: Ports, incident: Incident, run: Run) -> None:
    """Store the run; of the incident only the queue, so that a click in between is not undone."""
    with ports.store.write() as tx:
        current = tx.incidents.get(incident.id)
        if current.queue is None and incident.queue is not None:
            tx.incidents.save(current.model_copy(update={"queue": incident.queue, "queue_guessed": True}))
        tx.runs.save(run.model_copy(update={"version": tx.runs.get(run.id).version}))
        show_incident(tx, incident.id, run.updated_at)


def with_queue(incident: Incident, runbook: Runbook | None, snapshot: ClusterSnapshot, spec: ClusterSpec) -> Incident:
    """Return the incident with the queue it is about: where the alert names none, the deepest above its limit.

    Nothing is guessed while no queue is backed up: a guess that sticks must not rest on noise. Nor for an alert whose
    runbook asks for no queue: a worker's memory has none.
    """
    asked = runbook is not None and runbook.about_queue
    if incident.queue is not None or not asked:
        return incident
    deepest = max((q for q in snapshot.queues if q.depth is not None), key=lambda q: q.depth or 0, default=None)
    if deepest is None or (deepest.depth or 0) <= _limit(incident, spec, deepest.name):
        return incident
    return incident.model_copy(update={"queue": deepest.name, "queue_guessed": True})


def _limit(incident: Incident, spec: ClusterSpec, queue: str) -> int:
    return min(incident.limit or GOAL, goal_of(spec, queue))


def worked(ports: Ports, incident: Incident, run: Run, snapshot: ClusterSnapshot, target: Target) -> Run:
    """Return the run with every step worked on this snapshot."""
    names = names_of(ports.expressions, incident, run.runbook, snapshot, target)
    results = work_steps(ports, run.runbook, names, snapshot, target) if run.runbook else []
    return run.model_copy(
        update={
            "results": tuple(results),
            "inputs": {n: names[n] for n in (run.runbook.inputs if run.runbook else ()) if n in names},
            "trouble": None,
            "updated_at": snapshot.taken_at,
            **_numbers(ports, incident, snapshot, target, results),
        }
    )


def _numbers(
    ports: Ports, incident: Incident, snapshot: ClusterSnapshot, target: Target, results: list[StepResult]
) -> dict[str, Any]:
    """Return the headline's numbers: depth, trend, forecast without and with what is suggested."""
    queue = snapshot.queue(incident.queue) if incident.queue else None
    if queue is None or queue.depth is None:
        return {"depth": None, "net_per_minute": None, "without": None, "suggestion": None}
    samples = recent(ports.samples.of(target.spec.name, queue.name), snapshot.taken_at, since=target.acted)
    goal = goal_of(target.spec, queue.name)
    now = trend(samples)
    return {
        "depth": queue.depth,
        "net_per_minute": now.net_per_minute if now else None,
        "without": forecast(queue.depth, goal, now),
        "suggestion": _suggestion(snapshot, target, queue.name, queue.depth, goal, now, results),
    }


def _suggestion(
    snapshot: ClusterSnapshot,
    target: Target,
    queue: str,
    depth: int,
    goal: int,
    now: Trend | None,
    results: list[StepResult],
) -> Suggestion | None:
    offered = next(
        (
            r.proposal
            for r in results
            if r.state is StepState.OFFERED and r.proposal and r.proposal.action == "pause_queue"
        ),
        None,
    )
    if offered is None:
        return None
    relief = next(
        (r for r in reliefs(snapshot, target.spec, queue, target.earlier) if r.queue == offered.params["queue"]), None
    )
    if relief is None:
        return None
    with_it = forecast(depth, goal, now, slots_now=relief.serving, slots_freed=relief.frees)
    return Suggestion(relief=relief, seconds=int(offered.params["seconds"]), with_it=with_it)
