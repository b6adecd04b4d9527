"""Keep rate limits in force: a worker that starts has its application's own; one that was busy has yet to be told."""

import time
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import timedelta

import structlog

from bot.domain.cluster import Mode, Worker
from bot.domain.errors import ClusterUnreachable, EffectUncertain
from bot.domain.mitigation import RATE, Mitigation, MitigationState
from bot.domain.rates import RatesFound
from bot.ports import Ports
from bot.usecases.effects import in_force
from bot.usecases.retrying import retried

NEW_WORKER_SECONDS, ROUND_SECONDS = 10.0, 0.15
"""How long a new worker is told until it has the limit, and the pause between: it is heard of before it hears."""

ASKED_FOR = timedelta(hours=1)
"""How long a worker is asked to take its former limit back; one that is silent for longer was stopped, and starts
with that of its application."""

CLOCKS = timedelta(seconds=5)
"""By how much a worker has to be younger than a limit to be one that started after it: it tells whole seconds."""

JOINED = "workers joined a rate limit"

log = structlog.get_logger(__name__)


def keep_rates(ports: Ports, cluster: str) -> None:
    """Limit workers that are not limited, and give back what others have yet to get back.

    A freeze does not stop it. Raises ClusterUnreachable, and it is tried again at the next sweep.
    """
    if ports.clusters.spec(cluster).mode is not Mode.ACT:
        return
    with ports.store.read() as tx:
        states = (MitigationState.IN_FORCE.value, MitigationState.RETURNING.value)
        limits = [m for m in tx.mitigations.find(cluster=cluster, state=states) if m.kind == RATE]
    if not limits:
        return
    workers = [w for w in ports.clusters.control(cluster).snapshot().workers if w.answered]
    for limit in limits:
        found = ports.clusters.means(cluster).rates.of(limit.target, [w.name for w in workers])
        if limit.state is MitigationState.IN_FORCE:
            age = ports.clock.now() - limit.began_at
            _hold(ports, limit, found, {w.name for w in workers if _younger(w, age)})
        else:
            _give_back(ports, limit, found)


def limit_new_worker(ports: Ports, cluster: str, worker: str) -> None:
    """Limit a worker that has just come online; blocks for some NEW_WORKER_SECONDS. The sweep goes on where it did not.

    What it has now is its application's own, and is what it gets back. Returns at once when no limit is in force.
    """
    if ports.clusters.spec(cluster).mode is not Mode.ACT:
        return
    until, agreed = time.monotonic() + NEW_WORKER_SECONDS, set[str]()
    while time.monotonic() < until:
        with ports.store.read() as tx:
            live = tx.mitigations.find(cluster=cluster, state=MitigationState.IN_FORCE.value)
        pending = [m for m in live if m.kind == RATE and m.id not in agreed]
        if not pending:
            return
        for limit in pending:
            try:
                found = ports.clusters.means(cluster).rates.of(limit.target, [worker], deadline=1.0)
                if worker in found.rates and found.differing({worker: limit.rate}) and worker not in found.unlimited:
                    _hold(ports, limit, found, {worker})
                elif found.by_plugin(limit.rate):
                    if _record(ports, limit.id, found.by_plugin(limit.rate), {worker}):
                        agreed.add(limit.id)
                elif worker in found.rates or worker in found.strangers:
                    agreed.add(limit.id)
            except ClusterUnreachable as e:
                log.warning("new worker not limited, tried again", worker=worker, why=e.why)
        ports.wait(ROUND_SECONDS)
    log.warning("new worker was not told all rate limits; the sweep goes on", cluster=cluster, worker=worker)


def _younger(worker: Worker, age: timedelta) -> bool:
    """Return whether a worker started after the limit did, so that another limit that it has is its application's."""
    return worker.uptime_seconds is not None and timedelta(seconds=worker.uptime_seconds) + CLOCKS < age


def _hold(ports: Ports, limit: Mitigation, found: RatesFound, new: AbstractSet[str]) -> None:
    """Record what workers have, then limit them: one that is limited and not recorded would never be let go.

    Of those that are `new` it is recorded although they were known before: their process is another one.
    """
    if plugged := {w: r for w, r in found.by_plugin(limit.rate).items() if w not in limit.rates}:
        _record(ports, limit.id, plugged, new)
    workers = set(found.rates) - found.unlimited
    differing = [w for w in found.differing(dict.fromkeys(workers, limit.rate)) if w in workers]
    if not differing or not _record(ports, limit.id, {w: found.rates[w] or "" for w in differing}, new):
        return
    try:
        ports.clusters.means(limit.cluster).rates.set(limit.target, limit.rate, differing)
    except EffectUncertain as e:
        log.warning("limit uncertain, told again next time", task=limit.target, why=e.why)


@retried
def _record(ports: Ports, mitigation_id: str, rates: Mapping[str, str], fresh: AbstractSet[str]) -> bool:
    """Return whether the limit is still in force, with what these workers had recorded on it.

    Of a worker that is known already the first is kept, unless its process is new: what it has may be ours.
    """
    now = ports.clock.now()
    with ports.store.write() as tx:
        limit = tx.mitigations.get(mitigation_id)
        if limit.state is not MitigationState.IN_FORCE:
            return False
        new = sorted(set(rates) - set(limit.rates))
        kept = {**rates, **limit.rates, **{w: r for w, r in rates.items() if w in fresh}}
        if kept != limit.rates:
            workers = tuple(sorted({*limit.workers, *rates}))
            tx.mitigations.save(limit.model_copy(update={"rates": kept, "workers": workers}))
        if new:
            facts = {"cluster": limit.cluster, "task": limit.target, "workers": ", ".join(new)}
            tx.audit.append(now, "system", JOINED, limit.id, facts)
        return True


def _give_back(ports: Ports, limit: Mitigation, found: RatesFound) -> None:
    """Tell workers that a lift did not reach, until each has what it had."""
    wanted = {w: limit.rates.get(w, "") for w in limit.owed}
    differing = found.differing(wanted)
    owed = _still_owed(ports, limit.id, {w for w in found.rates if w in wanted and w not in differing})
    for rate in sorted({wanted[w] for w in differing if w in owed}):
        try:
            some = [w for w in differing if w in owed and wanted[w] == rate]
            ports.clusters.means(limit.cluster).rates.set(limit.target, rate or None, some)
        except EffectUncertain as e:
            log.warning("former limit uncertain, told again next time", task=limit.target, why=e.why)


@retried
def _still_owed(ports: Ports, mitigation_id: str, back: set[str]) -> tuple[str, ...]:
    """Return who is to be told now; the limit is over for good when nobody is, or when the task is limited anew."""
    now = ports.clock.now()
    with ports.store.write() as tx:
        limit = tx.mitigations.get(mitigation_id)
        anew = in_force(tx, limit.cluster, RATE, limit.target)
        too_old = limit.ended_at is not None and now - limit.ended_at > ASKED_FOR
        owed = () if anew or too_old else tuple(w for w in limit.owed if w not in back)
        if owed != limit.owed or not owed:
            state = MitigationState.RETURNING if owed else MitigationState.ENDED
            tx.mitigations.save(limit.model_copy(update={"owed": owed, "state": state}))
        return owed
