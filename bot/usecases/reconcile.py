"""Keep the cluster as the pauses in force want it: workers that start during a pause consume the queue at first."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import structlog

from bot.domain.cluster import Mode
from bot.domain.errors import ClusterUnreachable, EffectUncertain
from bot.domain.mitigation import LIVE, PAUSE, Mitigation, MitigationState, gets_back
from bot.ports import ClusterControl, Ports
from bot.usecases.effects import in_force
from bot.usecases.retrying import retried

HOLD_SECONDS = 10.0
"""How long a new worker is watched until it leaves paused queues alone; then the sweep goes on, every 10 s."""

ROUND_SECONDS = 0.15
"""The pause between two looks at it. It consumes from its first moment and hears nothing before; see docs/pauses.md."""

LOOK_SECONDS = 0.5
"""How long one look may take: another worker that hangs must not hold up the new one."""

SURE_AFTER = 2
"""Looks in a row that must agree: while a worker starts, one answer may be from before its consumer began."""

LATE = timedelta(minutes=2)
"""How long after a pause a worker may come up that was started without its queue: it read the pauses, then loaded."""

ENDED_LATELY = 100
"""How many pauses that are over are looked at; more never end within LATE."""

GIVEN_BACK = "worker given its queue after a pause"
RESUMED = (MitigationState.ENDING, MitigationState.RETURNING, MitigationState.ENDED)

log = structlog.get_logger(__name__)

Consumers = Mapping[str, frozenset[str] | None]


def reconcile(ports: Ports, cluster: str) -> None:
    """Cancel the consumers of paused queues once more; those that joined are recorded, to be resumed later.

    Raises ClusterUnreachable. Partial pauses are left alone: a person is to look at them.
    """
    with ports.store.read() as tx:
        found = tx.mitigations.find(cluster=cluster, state=MitigationState.IN_FORCE.value)
    if pauses := [m for m in found if m.kind == PAUSE]:
        control = ports.clusters.control(cluster)
        _hold_all(ports, control, pauses, control.consumers())


def hold_new_worker(ports: Ports, cluster: str, worker: str) -> None:
    """Bring a worker that has just come online to where the pauses want it; blocks for HOLD_SECONDS at most.

    One cancel is not enough: the news comes before the worker hears commands, and was lost in 2 of 3 rounds. A worker
    that was started without a queue and comes up just after the pause is given the queue: the resume did not see it.
    Returns at once when no pause concerns the worker. Raises StoreUnavailable alone; the sweep goes on either way.
    """
    if ports.clusters.spec(cluster).mode is not Mode.ACT:
        return
    until, agreed = ports.clock.now() + timedelta(seconds=HOLD_SECONDS), 0
    for _ in range(int(HOLD_SECONDS / ROUND_SECONDS)):
        pauses = _concerning(ports, cluster, worker)
        if not pauses:
            return
        agreed = agreed + 1 if _brought(ports, cluster, worker, pauses) else 0
        if agreed == SURE_AFTER:
            return
        if ports.clock.now() >= until:
            break
        ports.wait(ROUND_SECONDS)
    log.warning("new worker does not agree yet; the sweep goes on", cluster=cluster, worker=worker)


def _concerning(ports: Ports, cluster: str, worker: str) -> list[Mitigation]:
    """Return the pauses that a new worker must heed, and those that are over and whose queue is its own."""
    with ports.store.read() as tx:
        live = [m for m in tx.mitigations.find(cluster=cluster, state=LIVE) if m.kind == PAUSE]
        lately = tx.mitigations.find(cluster=cluster, state=MitigationState.ENDED.value, newest=ENDED_LATELY)
    ended = [m for m in lately if m.kind == PAUSE]
    since, spec = ports.clock.now() - LATE, ports.clusters.spec(cluster)
    paused = {p.target for p in live}
    late = {p.target: p for p in ended if p.target not in paused and p.ended_at and p.ended_at >= since}
    heeded = [p for p in live if p.state in (MitigationState.APPLYING, MitigationState.IN_FORCE)]
    over = [*(p for p in live if p.state is MitigationState.ENDING), *late.values()]
    return [*heeded, *(p for p in over if gets_back(spec, p, worker))]


def _brought(ports: Ports, cluster: str, worker: str, pauses: Sequence[Mitigation]) -> bool:
    """Ask for what is missing, and return whether the worker was already where these pauses want it."""
    control = ports.clusters.control(cluster)
    try:
        consumers = control.consumers(LOOK_SECONDS)
        queues = consumers.get(worker)
        _hold_all(ports, control, [p for p in pauses if p.state is MitigationState.IN_FORCE], consumers)
        if queues is None:
            return False
        for pause in pauses:
            if pause.state is MitigationState.ENDED and pause.target not in queues:
                _give_back(ports, control, pause, worker)
    except ClusterUnreachable as e:
        log.warning("new worker not seen, tried again", worker=worker, why=e.why)
        return False
    return all((p.target in queues) == (p.state in RESUMED) for p in pauses)


def _hold_all(ports: Ports, control: ClusterControl, pauses: Sequence[Mitigation], consumers: Consumers) -> None:
    for pause in pauses:
        if leaking := [w for w, queues in consumers.items() if pause.target in (queues or ())]:
            _hold(ports, control, pause, leaking)


def _hold(ports: Ports, control: ClusterControl, pause: Mitigation, leaking: list[str]) -> None:
    """Record first, then cancel: a worker that is cancelled and not recorded would never get its queue back."""
    if not _record(ports, pause.id, leaking):
        return
    try:
        control.cancel_consumer(pause.target, sorted(leaking))
    except EffectUncertain as e:
        log.warning("cancel uncertain, asked again next time", queue=pause.target, why=e.why)


@retried
def _record(ports: Ports, mitigation_id: str, leaking: list[str]) -> bool:
    """Return whether the pause is still in force, with these workers recorded on it."""
    now = ports.clock.now()
    with ports.store.write() as tx:
        pause = tx.mitigations.get(mitigation_id)
        if pause.state is not MitigationState.IN_FORCE:
            return False
        if set(leaking) - set(pause.joined):
            tx.mitigations.save(
                pause.model_copy(
                    update={
                        "workers": tuple(sorted({*pause.workers, *leaking})),
                        "joined": tuple(sorted({*pause.joined, *leaking})),
                        "absent": tuple(w for w in pause.absent if w not in leaking),
                    }
                )
            )
        if new := sorted(set(leaking) - set(pause.workers)):
            facts = {"cluster": pause.cluster, "queue": pause.target, "workers": ", ".join(new)}
            tx.audit.append(now, "system", "workers joined a pause", pause.id, facts)
        return True


def _give_back(ports: Ports, control: ClusterControl, pause: Mitigation, worker: str) -> None:
    """Write it down once, then give the queue to a worker that came up just after the pause."""
    facts = {"cluster": pause.cluster, "queue": pause.target, "worker": worker}
    with ports.store.write() as tx:
        if in_force(tx, pause.cluster, PAUSE, pause.target):
            return  # paused anew
        if not any(e.event == GIVEN_BACK and e.facts == facts for e in tx.audit.about(pause.id)):
            tx.audit.append(ports.clock.now(), "system", GIVEN_BACK, pause.id, facts)
    try:
        control.add_consumer(pause.target, [worker])
    except EffectUncertain as e:
        log.warning("add uncertain, asked again", queue=pause.target, why=e.why)
