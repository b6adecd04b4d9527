"""What people say about an incident itself: I've got it; it is over."""

from collections.abc import Callable
from datetime import datetime

from bot.domain.approval import Reason, Refused
from bot.domain.incident import Incident, resolve
from bot.ports import Ports
from bot.usecases.retrying import retried
from bot.usecases.showing import refresh_homes, show_incident


@retried
def own(ports: Ports, incident_id: str, by: str) -> Incident | Refused:
    """Name the owner. The first one holds; a second click says whose it is."""

    def change(incident: Incident, _: datetime) -> Incident | Refused:
        if incident.owner is not None:
            return Refused(reason=Reason.ALREADY_DONE, by=incident.owner, detail="owned")
        return incident.model_copy(update={"owner": by})

    return _change(ports, incident_id, by, "incident owned", change)


@retried
def close(ports: Ports, incident_id: str, by: str) -> Incident | Refused:
    """Resolve by hand, for alerts whose sender never says that they are over. On-call people only."""
    if by not in ports.roles().get(ports.policy.acting, frozenset()):
        return Refused(reason=Reason.NOT_ON_CALL)

    def change(incident: Incident, now: datetime) -> Incident | Refused:
        if incident.over:
            return Refused(reason=Reason.ALREADY_DONE, at=incident.resolved_at, detail="resolved")
        return resolve(incident, now)

    return _change(ports, incident_id, by, "incident closed by hand", change)


def _change(
    ports: Ports,
    incident_id: str,
    by: str,
    event: str,
    change: Callable[[Incident, datetime], Incident | Refused],
) -> Incident | Refused:
    now = ports.clock.now()
    with ports.store.write() as tx:
        changed = change(tx.incidents.get(incident_id), now)
        if isinstance(changed, Refused):
            return changed
        saved = tx.incidents.save(changed)
        tx.audit.append(now, by, event, incident_id, {"cluster": saved.cluster})
        show_incident(tx, incident_id, now)
        refresh_homes(tx, now)
        return saved
