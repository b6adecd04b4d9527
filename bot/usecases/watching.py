"""What the bot counts by itself, before anybody asks: depths every few seconds, whole snapshots less often."""

from bot.domain.errors import ClusterUnreachable
from bot.ports import Ports


def sample(ports: Ports, cluster: str) -> None:
    """Count a cluster's depths, so that trends and forecasts have something to rest on. Blocks for up to a second.

    Raises ClusterUnreachable, and remembers it.
    """
    try:
        depths = ports.clusters.control(cluster).depths()
    except ClusterUnreachable as e:
        ports.samples.failed(cluster, ports.clock.now(), e)
        raise
    ports.samples.take_depths(cluster, ports.clock.now(), depths)


def look(ports: Ports, cluster: str) -> None:
    """Take a whole snapshot: who consumes what, what workers began, where their slots go. Blocks for up to 3 s.

    Raises ClusterUnreachable, and remembers it.
    """
    try:
        snapshot = ports.clusters.control(cluster).snapshot()
    except ClusterUnreachable as e:
        ports.samples.failed(cluster, ports.clock.now(), e)
        raise
    ports.samples.take(snapshot)
    ports.clusters.live(cluster).learn(snapshot)
