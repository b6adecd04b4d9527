"""A pause has ended, but a worker was too busy to take its queue back: it is asked again until it has."""

from datetime import timedelta

import structlog

from bot.domain.errors import EffectUncertain
from bot.domain.mitigation import PAUSE, Mitigation, MitigationState
from bot.ports import Ports
from bot.usecases.effects import in_force
from bot.usecases.retrying import retried

ASKED_FOR = timedelta(hours=1)
"""How long workers are asked; one that is silent for longer was stopped, and consumes its queues when it starts."""

ASKED_AGAIN = "workers asked again to take their queue back"

log = structlog.get_logger(__name__)


def give_back(ports: Ports, cluster: str) -> None:
    """Give queues back to workers that a resume did not reach; raises ClusterUnreachable."""
    with ports.store.read() as tx:
        found = tx.mitigations.find(cluster=cluster, state=MitigationState.RETURNING.value)
    returning = [m for m in found if m.kind == PAUSE]
    if not returning:
        return
    control = ports.clusters.control(cluster)
    consumers = control.consumers()
    for pause in returning:
        owed = _still_owed(ports, pause.id, {w for w, queues in consumers.items() if pause.target in (queues or ())})
        try:
            if up := sorted(set(owed) & set(consumers)):
                control.add_consumer(pause.target, up)
        except EffectUncertain as e:
            log.warning("add uncertain, asked again next time", queue=pause.target, why=e.why)


@retried
def _still_owed(ports: Ports, mitigation_id: str, consuming: set[str]) -> tuple[str, ...]:
    """Return who is to be asked now; the pause is over for good when nobody is, or when the queue is paused anew."""
    now = ports.clock.now()
    with ports.store.write() as tx:
        pause: Mitigation = tx.mitigations.get(mitigation_id)
        anew = in_force(tx, pause.cluster, PAUSE, pause.target)
        too_old = pause.ended_at is not None and now - pause.ended_at > ASKED_FOR
        owed = () if anew or too_old else tuple(w for w in pause.owed if w not in consuming)
        if owed and not any(e.event == ASKED_AGAIN for e in tx.audit.about(pause.id)):
            facts = {"cluster": pause.cluster, "queue": pause.target, "workers": ", ".join(owed)}
            tx.audit.append(now, "system", ASKED_AGAIN, pause.id, facts)
        if owed != pause.owed or not owed:
            state = MitigationState.RETURNING if owed else MitigationState.ENDED
            tx.mitigations.save(pause.model_copy(update={"owed": owed, "state": state}))
        return owed
