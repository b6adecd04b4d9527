"""Who is connected to the broker, and closing some of them."""

from collections.abc import Sequence
from typing import Protocol

from bot.domain.connections import Chosen, Connection
from bot.domain.errors import BadInput
from bot.ports.archives import Told


class Connections(Protocol):
    """The connections of one cluster's broker, of all its databases."""

    def all(self, deadline: float = 2.0) -> tuple[Connection, ...]:
        """Return all. Raises ClusterUnreachable, as BrokerRefuses where the ACL does not allow CLIENT LIST."""
        ...

    def close(self, some: Sequence[Connection], chosen: Chosen, told: Told) -> int:
        """Close these, each looked at again right before; returns how many were still there and may be closed.

        `told` is called before each effect. Raises ClusterUnreachable (nothing was sent) or EffectUncertain.
        """
        ...


_NONE_HERE = "Connections cannot be seen here: no broker of that cluster is reached from this process."


class NoConnections:
    """A broker whose connections cannot be seen."""

    def all(self, deadline: float = 2.0) -> tuple[Connection, ...]:  # noqa: ARG002 - the port's signature
        """Raise BadInput."""
        raise BadInput(_NONE_HERE)

    def close(self, some: Sequence[Connection], chosen: Chosen, told: Told) -> int:  # noqa: ARG002 - the port's signature
        """Raise BadInput."""
        raise BadInput(_NONE_HERE)
