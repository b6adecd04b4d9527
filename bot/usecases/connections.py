"""Who is connected to a cluster's broker, for `/celery connections`."""

from bot.domain.connections import grouped
from bot.domain.errors import OncallError
from bot.domain.views import Age, ConnectionsView
from bot.ports import Ports
from bot.usecases.targets import target_of


def connections(ports: Ports, cluster: str) -> ConnectionsView:
    """Return the broker's connections in groups, worst first. Raises UnknownName; blocks for some 2 s at most."""
    target = target_of(ports, cluster)
    try:
        found = target.means.connections.all()
    except OncallError as e:
        return ConnectionsView(cluster=cluster, age=Age(now=ports.clock.now(), trouble=str(e)))
    now = ports.clock.now()
    return ConnectionsView(cluster=cluster, age=Age(now=now, taken_at=now), groups=grouped(found))
