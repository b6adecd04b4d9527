"""An alert message arrived: open an incident, or join the one it belongs to."""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.alert import Alert, AlertStatus
from bot.domain.card import CardKind
from bot.domain.cluster import ClusterSpec
from bot.domain.incident import Change, Incident, IncidentState, apply, change_of
from bot.domain.mitigation import LIVE
from bot.domain.run import Run
from bot.domain.runbook import choose
from bot.ports import Ports, Tx
from bot.usecases.showing import refresh_homes, show_incident

LATELY = 100
"""How many incidents of one key are looked at for the newest one of an alert's cluster."""


@dataclass(frozen=True)
class Received:
    """What an alert message meant, and the incident it concerns (None for one that is of no consequence)."""

    change: Change
    incident: Incident | None


def receive(ports: Ports, alert: Alert) -> Received:
    """Take in one alert message. Database only; live numbers come with `runs.refresh`."""
    now = ports.clock.now()
    with ports.store.write() as tx:
        latest = _latest(ports, tx, alert)
        in_force = latest is not None and bool(tx.mitigations.find(incident_id=latest.id, state=LIVE))
        change = change_of(latest, alert, in_force=in_force)
        match change:
            case Change.OPENED | Change.RESOLVED_UNSEEN:
                incident = _open(ports, tx, alert, now)
            case Change.STALE:
                return Received(change, latest)
            case _:
                assert latest is not None  # noqa: S101 - every other change is of an incident that exists
                incident = tx.incidents.save(apply(latest, change, alert, now))
        tx.audit.append(now, "system", f"incident {change.value}", incident.id, _facts(incident, alert))
        if change in (Change.REPEATED, Change.FIRED_AGAIN):
            tx.cards.want(CardKind.REPEAT, f"{incident.id}/{alert.ts}", incident.channel, now, thread_ts=alert.ts)
        show_incident(tx, incident.id, now)
        refresh_homes(tx, now)
        return Received(change, incident)


def _latest(ports: Ports, tx: Tx, alert: Alert) -> Incident | None:
    """Return the newest incident of an alert's group; of its cluster alone, if it names one.

    Where the cluster is no group label, Alertmanager's title gives the alerts of two clusters the same key.
    """
    named = _named(ports, alert)
    same = tx.incidents.find(key=alert.key, newest=LATELY)
    return max((i for i in same if len(named) != 1 or i.cluster == named[0]), key=lambda i: i.opened_at, default=None)


def _named(ports: Ports, alert: Alert) -> list[str]:
    return [n for n in ports.clusters.names() if n in alert.mentions()]


def _open(ports: Ports, tx: Tx, alert: Alert, now: datetime) -> Incident:
    cluster = cluster_of(ports, alert)
    resolved = alert.status is AlertStatus.RESOLVED
    runbook = choose(ports.runbooks.all(), alert)
    incident = tx.incidents.add(
        Incident(
            id=tx.incidents.next_id(),
            cluster=cluster,
            state=IncidentState.RESOLVED if resolved else IncidentState.OPEN,
            alert=alert,
            channel=alert.channel,
            root_ts=None if resolved else alert.ts,
            last_ts=alert.ts,
            key=alert.key,
            queue=queue_of(ports.clusters.spec(cluster), alert) if runbook is None or runbook.about_queue else None,
            limit=alert.limit,
            opened_at=now,
            resolved_at=now if resolved else None,
        )
    )
    run = Run(id=tx.runs.next_id(), incident_id=incident.id, cluster=cluster, runbook=runbook, updated_at=now)
    tx.runs.add(run)
    return incident


def cluster_of(ports: Ports, alert: Alert) -> str:
    """Return the cluster an alert names in any of its values, else its channel's default."""
    named = _named(ports, alert)
    return named[0] if len(named) == 1 else ports.clusters.for_channel(alert.channel)


def queue_of(spec: ClusterSpec, alert: Alert) -> str | None:
    """Return the queue an alert names: by label, else the one declared queue among its bare values; None if unclear."""
    for label in ("queue", "queue_name"):
        if alert.labels.get(label):
            return alert.labels[label]
    named = [q.name for q in spec.queues if q.name in alert.mentions()]
    return named[0] if len(named) == 1 else None


def _facts(incident: Incident, alert: Alert) -> dict[str, str]:
    return {
        "cluster": incident.cluster,
        "alert": alert.name[:200],
        "queue": incident.queue or "",
        "sender": alert.sender,
        "message": f"{alert.channel}/{alert.ts}",
    }
