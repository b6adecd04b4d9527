"""What time brings: expiries, ends of pauses, executions nobody ran, reconcile, and the audit's check."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import structlog

from bot.domain.action import ExecutionState
from bot.domain.cluster import Mode
from bot.domain.errors import OncallError
from bot.ports import Ports
from bot.usecases.approvals import expire_requests
from bot.usecases.archives import end_archives
from bot.usecases.auditing import check_audit
from bot.usecases.endings import end_pauses, say_unknown
from bot.usecases.executions import execute, settle
from bot.usecases.orders import keep_orders
from bot.usecases.rates import keep_rates
from bot.usecases.reconcile import reconcile
from bot.usecases.returning import give_back
from bot.usecases.revokes import keep_revokes

LEASE_SECONDS = 30.0
UNCLAIMED = timedelta(seconds=30)
INBOX_KEPT = timedelta(days=7)

log = structlog.get_logger(__name__)


def sweep(ports: Ports) -> bool:
    """Do all that is due; returns False when another process is sweeping. Every part fails alone and is tried again."""
    if not ports.store.lease("sweep", ports.owner, ports.clock.now(), LEASE_SECONDS):
        return False
    try:
        _apart("expire requests", partial(expire_requests, ports))
        for execution_id in _running(ports):
            _apart("settle", partial(settle, ports, execution_id))
        for cluster in ports.clusters.names():
            _apart("keep orders", partial(keep_orders, ports, cluster))
            _apart("end pauses", partial(end_pauses, ports, cluster))
            _apart("reconcile", partial(_reconcile, ports, cluster))
            _apart("give back", partial(_give_back, ports, cluster))
            _apart("end archives", partial(end_archives, ports, cluster))
            _apart("keep revokes", partial(keep_revokes, ports, cluster))
            _apart("keep rates", partial(keep_rates, ports, cluster))
        _apart("say unknown clusters", partial(say_unknown, ports))
        for execution_id in unclaimed(ports):
            _apart("execute", partial(execute, ports, execution_id))
        _apart("check audit", partial(check_audit, ports))
        _apart("forget inbox", partial(_forget, ports))
    finally:
        ports.store.release("sweep", ports.owner)
    return True


def _apart(what: str, part: Callable[[], object]) -> None:
    try:
        part()
    except OncallError as e:
        log.warning("sweep part failed, tried again next time", part=what, why=str(e))
    except Exception:  # a mistake in one part must not keep all pauses for ever
        log.exception("sweep part broke, tried again next time", part=what)


def _reconcile(ports: Ports, cluster: str) -> None:
    """Leave a cluster alone that is only observed. A freeze stops new executions; pauses in force are still kept."""
    if ports.clusters.spec(cluster).mode is Mode.ACT:
        reconcile(ports, cluster)


def _give_back(ports: Ports, cluster: str) -> None:
    if ports.clusters.spec(cluster).mode is Mode.ACT:
        give_back(ports, cluster)


def _running(ports: Ports) -> list[str]:
    with ports.store.read() as tx:
        return [e.id for e in tx.executions.find(state=ExecutionState.RUNNING.value)]


def unclaimed(ports: Ports) -> list[str]:
    """Return executions that were queued a while ago and that no ops worker claimed."""
    now = ports.clock.now()
    with ports.store.read() as tx:
        queued = tx.executions.find(state=ExecutionState.QUEUED.value)
    return [e.id for e in queued if now - e.queued_at >= UNCLAIMED]


def _forget(ports: Ports) -> None:
    with ports.store.write() as tx:
        tx.inbox.forget(ports.clock.now() - INBOX_KEPT)
