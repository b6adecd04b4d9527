"""Standing orders: what is in force, written where workers with the worker plugin read it before they consume."""

import structlog

from bot.domain.cluster import Mode
from bot.domain.errors import OncallError
from bot.domain.mitigation import LIVE
from bot.domain.orders import StandingOrders, orders_of
from bot.ports import Ports
from bot.usecases.retrying import retried

ROUNDS = 5
"""How often orders are written anew because others changed what is in force meanwhile; the sweep goes on."""

log = structlog.get_logger(__name__)


def give_orders(ports: Ports, cluster: str) -> str | None:
    """Write down what is in force now; returns why that failed, or None. A pause goes on without."""
    try:
        _write(ports, cluster)
    except OncallError as e:
        log.warning("workers that start with the plugin were not told", cluster=cluster, why=str(e))
        return _noted(ports, cluster, str(e))
    return _noted(ports, cluster, None)


def keep_orders(ports: Ports, cluster: str) -> None:
    """Write the orders anew: after FLUSHALL, after what could not be written before, and when an end is overdue.

    Where nothing is in force, and what was has been taken away, the broker is left alone.
    """
    if ports.clusters.spec(cluster).mode is not Mode.ACT:
        return
    if _wanted(ports, cluster).until is None and not _standing(ports, cluster):
        return
    try:
        written = _write(ports, cluster)
    except OncallError as e:
        if trouble_of(ports, cluster) is None:  # it is told once, not every ten seconds
            log.warning("workers that start with the plugin are not told", cluster=cluster, why=str(e))
        _noted(ports, cluster, str(e))
        return
    _noted(ports, cluster, None)
    if written.until is None:
        _note(ports, cluster, standing=False)


def _write(ports: Ports, cluster: str) -> StandingOrders:
    """Write what is in force and return it; raises OncallError.

    It is compared afresh afterwards: of two who write at once none leaves behind what is out of date.
    """
    _note(ports, cluster, standing=True)
    for _ in range(ROUNDS):
        wanted = _wanted(ports, cluster)
        ports.clusters.means(cluster).orders.give(wanted)
        if _same(wanted, _wanted(ports, cluster)):
            break
    return wanted


def trouble_of(ports: Ports, cluster: str) -> str | None:
    """Return why workers that start with the plugin are not told what is in force, or None."""
    with ports.store.read() as tx:
        found = tx.note(_trouble(cluster))
    return found if isinstance(found, str) else None


def _wanted(ports: Ports, cluster: str) -> StandingOrders:
    with ports.store.read() as tx:
        return orders_of(tx.mitigations.find(cluster=cluster, state=LIVE), ports.clock.now())


def _same(one: StandingOrders, other: StandingOrders) -> bool:
    """Compare what they order, and not until when: that moves with the clock."""
    rates = [{t: r.rate for t, r in orders.rates.items()} for orders in (one, other)]
    return one.paused.keys() == other.paused.keys() and rates[0] == rates[1]


def _standing(ports: Ports, cluster: str) -> bool:
    with ports.store.read() as tx:
        return bool(tx.note(_key(cluster)))


@retried
def _note(ports: Ports, cluster: str, *, standing: bool) -> None:
    """Remember that the broker may hold orders, before it does, or that it holds none any more."""
    if _standing(ports, cluster) is not standing:
        with ports.store.write() as tx:
            tx.set_note(_key(cluster), standing)


@retried
def _noted(ports: Ports, cluster: str, trouble: str | None) -> str | None:
    if trouble_of(ports, cluster) != trouble:
        with ports.store.write() as tx:
            tx.set_note(_trouble(cluster), trouble)
    return trouble


def _key(cluster: str) -> str:
    return f"orders:{cluster}"


def _trouble(cluster: str) -> str:
    return f"orders-trouble:{cluster}"
