"""The watched clusters by name, and which one a channel means."""

from collections.abc import Mapping

from bot.domain.cluster import ClusterSpec
from bot.domain.errors import UnknownName
from bot.ports import ClusterControl


class ConfiguredClusters:
    """Clusters as the settings name them, the default first; `channels` maps a Slack channel to its cluster."""

    def __init__(
        self, specs: Mapping[str, ClusterSpec], controls: Mapping[str, ClusterControl], channels: Mapping[str, str]
    ) -> None:
        self._specs, self._controls, self._channels = dict(specs), dict(controls), dict(channels)

    def spec(self, name: str) -> ClusterSpec:
        """Return how a cluster is configured; raises UnknownName."""
        if name not in self._specs:
            raise UnknownName("cluster", name, self._specs)
        return self._specs[name]

    def control(self, name: str) -> ClusterControl:
        """Return a cluster's control; raises UnknownName."""
        if name not in self._controls:
            raise UnknownName("cluster", name, self._controls)
        return self._controls[name]

    def names(self) -> tuple[str, ...]:
        """Return all names, the default first."""
        return tuple(self._specs)

    def for_channel(self, channel: str) -> str:
        """Return the cluster that a channel means."""
        return self._channels.get(channel, next(iter(self._specs)))
