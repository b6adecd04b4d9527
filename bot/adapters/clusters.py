"""The watched clusters by name, and which one a channel means."""

from collections.abc import Mapping

from bot.domain.cluster import ClusterSpec
from bot.domain.errors import UnknownName
from bot.ports import ClusterControl, Deaf, Diagnostics, Live, Means, NoDiagnostics

DEAF, NOT_ASKED, NO_MEANS = Deaf(), NoDiagnostics(), Means()


class ConfiguredClusters:
    """Clusters as the settings name them, the default first; `channels` maps a Slack channel to its cluster.

    `lives` are those whose events this process hears.
    """

    def __init__(
        self,
        specs: Mapping[str, ClusterSpec],
        controls: Mapping[str, ClusterControl],
        channels: Mapping[str, str],
        lives: Mapping[str, Live] | None = None,
        diagnostics: Mapping[str, Diagnostics] | None = None,
        means: Mapping[str, Means] | None = None,
    ) -> None:
        self._specs, self._controls, self._channels = dict(specs), dict(controls), dict(channels)
        self._lives, self._diagnostics = dict(lives or {}), dict(diagnostics or {})
        self._means = dict(means or {})

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

    def diagnostics(self, name: str) -> Diagnostics:
        """Return what else may be asked about a cluster; raises UnknownName."""
        self.spec(name)
        return self._diagnostics.get(name, NOT_ASKED)

    def means(self, name: str) -> Means:
        """Return the parts that actions on a cluster work with; raises UnknownName."""
        self.spec(name)
        return self._means.get(name, NO_MEANS)

    def live(self, name: str) -> Live:
        """Return what a cluster's events tell; nothing where nobody listens. Raises UnknownName."""
        self.spec(name)
        return self._lives.get(name, DEAF)

    def names(self) -> tuple[str, ...]:
        """Return all names, the default first."""
        return tuple(self._specs)

    def for_channel(self, channel: str) -> str:
        """Return the cluster that a channel means."""
        return self._channels.get(channel, next(iter(self._specs)))
