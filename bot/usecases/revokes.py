"""Keep revokes in force: a worker that starts has forgotten them, and all of them forget after three hours."""

import time
from collections.abc import Iterable

import structlog

from bot.domain.cluster import Mode
from bot.domain.errors import ClusterUnreachable, EffectUncertain, OncallError
from bot.domain.revoke import Revoke, to_tell
from bot.domain.views import Age, RevokesView
from bot.ports import Ports
from bot.usecases.retrying import retried
from bot.usecases.targets import target_of

AT_ONCE = 10.0
"""Seconds that one sweep gives to telling: the rest of it waits. The next goes on with what workers do not know yet."""

NEW_WORKER_SECONDS, ROUND_SECONDS = 10.0, 0.15
"""How long a new worker is told until it says ok, and the pause between: it is heard of before it hears."""

TOLD_ANEW = "revoke told to workers that started"

log = structlog.get_logger(__name__)


class _Later(OncallError):
    """There was no more time."""


def revokes(ports: Ports, cluster: str) -> RevokesView:
    """Return what is in force on a cluster, what ends first first. Raises UnknownName; blocks for about a second."""
    target, now = target_of(ports, cluster), ports.clock.now()
    try:
        found = target.means.revokes.all()
    except OncallError as e:
        return RevokesView(cluster=cluster, age=Age(now=now, trouble=str(e)))
    live = sorted((r for r in found if now < r.ends_at), key=lambda r: (r.ends_at, r.id))
    return RevokesView(cluster=cluster, age=Age(now=now, taken_at=now), revokes=tuple(live))


def keep_revokes(ports: Ports, cluster: str) -> None:
    """Tell revokes to workers that started since, or that will forget soon, and end those whose time is over.

    A freeze does not stop it. Raises ClusterUnreachable or EffectUncertain, and it is tried again at the next sweep.
    """
    kept, now = ports.clusters.means(cluster).revokes, ports.clock.now()
    if ports.clusters.spec(cluster).mode is not Mode.ACT:
        return
    live = []
    for revoke in kept.all():
        if now < revoke.ends_at:
            live.append(revoke)
        else:
            _ended(ports, cluster, revoke)
            kept.end(revoke.id)
    if live:
        snapshot = ports.clusters.control(cluster).snapshot()
        for revoke in live:
            _tell(ports, cluster, revoke, to_tell(revoke, snapshot, ports.clock.now()))


def tell_new_worker(ports: Ports, cluster: str, worker: str) -> None:
    """Tell a worker that has just come online what it must not run; blocks for some NEW_WORKER_SECONDS.

    Returns at once when no revoke is in force. The sweep goes on where this did not reach it.
    """
    if ports.clusters.spec(cluster).mode is not Mode.ACT:
        return
    until, now = time.monotonic() + NEW_WORKER_SECONDS, ports.clock.now()
    pending = [r for r in ports.clusters.means(cluster).revokes.all() if now < r.ends_at]
    while pending and time.monotonic() < until:
        try:
            pending = [r for r in pending if not _tell(ports, cluster, r, [worker])]
        except (ClusterUnreachable, EffectUncertain) as e:
            log.warning("new worker not told, tried again", worker=worker, why=e.why)
        if pending:
            ports.wait(ROUND_SECONDS)
    if pending:
        log.warning("new worker was not told all revokes; the sweep goes on", cluster=cluster, worker=worker)


def _tell(ports: Ports, cluster: str, revoke: Revoke, workers: Iterable[str]) -> bool:
    """Tell these workers what they do not know, and return whether each took it.

    One that knew all for a long time is told all: what it remembers, it forgets three hours after it heard it.
    """
    wanted, until = sorted(workers), time.monotonic() + AT_ONCE
    if not wanted or not revoke.everything:
        return True

    def bounded(line: str) -> None:  # noqa: ARG001 - nobody waits for it
        if time.monotonic() >= until:
            raise _Later

    def unbounded(line: str) -> None:
        """Go on: half of it would be begun anew each time. It is every few hours, and harmless beside another sweep."""

    kept, now = ports.clusters.means(cluster).revokes, ports.clock.now()
    known = kept.remembered(wanted)
    new = [w for w in wanted if not revoke.everything <= (known[w] or frozenset())]
    took = []
    for worker in wanted:
        ids = revoke.everything - (known[worker] or frozenset()) or revoke.everything
        try:
            if kept.tell(ids, [worker], bounded if worker in new else unbounded).get(worker) == "ok":
                took.append(worker)
        except _Later:
            break
    kept.note_told(revoke.id, took, now)
    if anew := [w for w in took if w in new]:
        _told_anew(ports, cluster, revoke, anew)
    return len(took) == len(wanted)


@retried
def _told_anew(ports: Ports, cluster: str, revoke: Revoke, workers: list[str]) -> None:
    facts = {"cluster": cluster, "workers": ", ".join(workers), "tasks": len(revoke.everything)}
    with ports.store.write() as tx:
        tx.audit.append(ports.clock.now(), "system", TOLD_ANEW, revoke.id, facts)


@retried
def _ended(ports: Ports, cluster: str, revoke: Revoke) -> None:
    """Write the end down before it is forgotten; once more, should that fail."""
    facts = {"cluster": cluster, "tasks": len(revoke.everything)}
    with ports.store.write() as tx:
        if not any(e.event == "revoke ended" for e in tx.audit.about(revoke.id)):
            tx.audit.append(ports.clock.now(), "system", "revoke ended", revoke.id, facts)
