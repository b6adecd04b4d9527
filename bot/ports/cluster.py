"""The watched clusters: asked anew, and as remembered."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from bot.domain.broker import (
    BrokerInfo,
    OldestMessage,
    StoredResults,
    TaskPlace,
    UnacknowledgedMessages,
    WorkerMemory,
    WorkerReport,
)
from bot.domain.cluster import ClusterSnapshot, ClusterSpec
from bot.domain.errors import BadInput, ClusterUnreachable
from bot.domain.forecast import DepthSample
from bot.domain.window import Slice
from bot.ports.live import Live
from bot.ports.means import Means


class ClusterControl(Protocol):
    """One watched cluster. Reads answer within their deadline and raise ClusterUnreachable.

    Effects are sent once, never repeated, and raise EffectUncertain when the connection broke under them.
    """

    def snapshot(self, deadline: float = 2.0) -> ClusterSnapshot:
        """Count everything anew, within `deadline` seconds in all; what could not be learned stands in `unknown`."""
        ...

    def depths(self, deadline: float = 1.0) -> Mapping[str, int]:
        """Return the true depth of every known queue, in messages: one pipelined probe of the broker alone."""
        ...

    def consumers(self, deadline: float = 2.0) -> Mapping[str, frozenset[str] | None]:
        """Return per worker the queues it consumes; None for a known worker that did not answer."""
        ...

    def cancel_consumer(self, queue: str, workers: Sequence[str]) -> Mapping[str, str]:
        """Tell exactly these workers to stop consuming `queue`; returns what each replied."""
        ...

    def add_consumer(self, queue: str, workers: Sequence[str]) -> Mapping[str, str]:
        """Tell exactly these workers to consume `queue`; returns what each replied."""
        ...

    def resize_pool(self, worker: str, by: int) -> str:
        """Tell exactly this worker to add `by` slots to its pool, or to take them away where negative.

        Returns what it replied, which says nothing of the pool. Two of them add up.
        """
        ...


class Diagnostics(Protocol):
    """What else may be asked about one cluster, all of it read-only and bounded.

    Raises ClusterUnreachable when the broker does not answer.
    """

    def broker_info(self, deadline: float = 1.0) -> BrokerInfo:
        """Return what the broker says of itself: time to a pong, clients, memory, persistence."""
        ...

    def oldest(self, deadline: float = 1.0) -> Mapping[str, OldestMessage]:
        """Return per queue with messages the one that is next, with its age where a stamp tells it; one round trip.

        A stamp is the header `bot.domain.broker.PUBLISHED_AT`.
        """
        ...

    def unacknowledged(self, deadline: float = 2.0) -> UnacknowledgedMessages:
        """Return what was taken and not acknowledged, and whose it is: orphans, held back, due too late."""
        ...

    def results(self, deadline: float = 2.0) -> StoredResults:
        """Return how many results the backend holds, by SCAN, as far as the deadline allows.

        Raises BadInput (none is set, or none that can be read) or OutsideUnreachable.
        """
        ...

    def reports(self, deadline: float = 2.0) -> Mapping[str, WorkerReport | None]:
        """Return per worker its software and settings, redacted; None for one that did not answer."""
        ...

    def memory(self, deadline: float = 2.0) -> Mapping[str, WorkerMemory]:
        """Return per worker its resident memory, with its children's where they run on this host; why, where not."""
        ...

    def find_task(self, id: str, deadline: float = 2.0) -> TaskPlace:
        """Look for a task in workers' hands, in the queues (a bounded part of long ones) and among the results."""
        ...


_NOT_ASKED = "The broker is not asked from here."


class NoDiagnostics:
    """Asks nothing; for processes and tests that have no broker to ask."""

    def broker_info(self, deadline: float = 1.0) -> BrokerInfo:  # noqa: ARG002 - the port's signature
        """Raise BadInput."""
        raise BadInput(_NOT_ASKED)

    def oldest(self, deadline: float = 1.0) -> Mapping[str, OldestMessage]:  # noqa: ARG002 - the port's signature
        """Raise BadInput."""
        raise BadInput(_NOT_ASKED)

    def unacknowledged(self, deadline: float = 2.0) -> UnacknowledgedMessages:  # noqa: ARG002 - the port's signature
        """Raise BadInput."""
        raise BadInput(_NOT_ASKED)

    def results(self, deadline: float = 2.0) -> StoredResults:  # noqa: ARG002 - the port's signature
        """Raise BadInput."""
        raise BadInput(_NOT_ASKED)

    def reports(self, deadline: float = 2.0) -> Mapping[str, WorkerReport | None]:  # noqa: ARG002 - the port's signature
        """Raise BadInput."""
        raise BadInput(_NOT_ASKED)

    def memory(self, deadline: float = 2.0) -> Mapping[str, WorkerMemory]:  # noqa: ARG002 - the port's signature
        """Raise BadInput."""
        raise BadInput(_NOT_ASKED)

    def find_task(self, id: str, deadline: float = 2.0) -> TaskPlace:  # noqa: ARG002 - the port's signature
        """Raise BadInput."""
        raise BadInput(_NOT_ASKED)


class Clusters(Protocol):
    """The watched clusters by name."""

    def spec(self, name: str) -> ClusterSpec:
        """Return how it is configured; raises UnknownName."""
        ...

    def control(self, name: str) -> ClusterControl:
        """Return its control; raises UnknownName."""
        ...

    def diagnostics(self, name: str) -> Diagnostics:
        """Return what else may be asked about it; raises UnknownName."""
        ...

    def means(self, name: str) -> Means:
        """Return the parts that actions on it work with; raises UnknownName."""
        ...

    def live(self, name: str) -> Live:
        """Return what its events tell; raises UnknownName."""
        ...

    def names(self) -> tuple[str, ...]:
        """Return all names, the default first."""
        ...

    def for_channel(self, channel: str) -> str:
        """Return the name of a channel's default cluster."""
        ...


class Samples(Protocol):
    """Depths of the last minutes, in memory."""

    def of(self, cluster: str, queue: str) -> Sequence[DepthSample]:
        """Return the samples of a queue, oldest first."""
        ...

    def take(self, snapshot: ClusterSnapshot) -> None:
        """Remember what a snapshot counted."""
        ...

    def failed(self, cluster: str, at: datetime, error: ClusterUnreachable) -> None:
        """Remember that a cluster could not be read."""
        ...

    def failure(self, cluster: str) -> tuple[datetime, ClusterUnreachable] | None:
        """Return when and why a cluster could not be read, if that is the newest there is."""
        ...

    def snapshots(self, cluster: str) -> Sequence[ClusterSnapshot]:
        """Return the last snapshots of a cluster, oldest first; at least those of the last minute."""
        ...

    def take_depths(self, cluster: str, at: datetime, depths: Mapping[str, int]) -> None:
        """Remember depths alone, of a probe that asked no worker."""
        ...

    def queues(self, cluster: str) -> tuple[str, ...]:
        """Return the names of the queues that were sampled lately."""
        ...

    def heard(self, cluster: str, slices: Sequence[Slice], *, complete: bool) -> None:
        """Give samples the starts that events told; `complete`: every worker sends them. Known slices are left out."""
        ...

    def heard_until(self, cluster: str) -> datetime | None:
        """Return the end of the last slice that `heard` was given."""
        ...

    def restore(self, cluster: str, samples: Mapping[str, Sequence[DepthSample]]) -> None:
        """Take back what was kept before a restart, by queue, oldest first."""
        ...
