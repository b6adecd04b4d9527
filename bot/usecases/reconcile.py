"""Keep the cluster as the pauses in force want it: workers that start during a pause consume the queue at first."""

from collections.abc import Mapping

import structlog

from bot.domain.errors import EffectUncertain
from bot.domain.mitigation import Mitigation, MitigationState
from bot.ports import ClusterControl, Ports
from bot.usecases.retrying import retried

log = structlog.get_logger(__name__)

Consumers = Mapping[str, frozenset[str] | None]


def reconcile(ports: Ports, cluster: str) -> None:
    """Cancel the consumers of paused queues once more; those that joined are recorded, to be resumed later.

    Raises ClusterUnreachable. Partial pauses are left alone: a person is to look at them.
    """
    with ports.store.read() as tx:
        pauses = tx.mitigations.find(cluster=cluster, state=MitigationState.IN_FORCE.value)
    if not pauses:
        return
    control = ports.clusters.control(cluster)
    consumers = control.consumers()
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
        if new := sorted(set(leaking) - set(pause.workers)):
            tx.mitigations.save(
                pause.model_copy(
                    update={
                        "workers": tuple(sorted({*pause.workers, *new})),
                        "joined": tuple(sorted({*pause.joined, *new})),
                        "absent": tuple(w for w in pause.absent if w not in new),
                    }
                )
            )
            facts = {"cluster": pause.cluster, "queue": pause.target, "workers": ", ".join(new)}
            tx.audit.append(now, "system", "workers joined a pause", pause.id, facts)
        return True
