"""Messages that a lost worker took, and putting them back."""

from collections.abc import Sequence
from typing import Protocol

from bot.domain.broker import Unacknowledged
from bot.domain.errors import BadInput
from bot.domain.orphans import PutBack
from bot.ports.archives import Told


class Orphans(Protocol):
    """The unacknowledged messages of one cluster. Which of them are nobody's, `Diagnostics.unacknowledged` tells."""

    def heard(self) -> frozenset[str]:
        """Listen for a few seconds, and return the workers that gave a sign of life. Raises ClusterUnreachable."""
        ...

    def uptime(self) -> int | None:
        """Return for how many seconds the broker has run; None where it does not say. Raises ClusterUnreachable."""
        ...

    def put_back(self, some: Sequence[Unacknowledged], told: Told) -> PutBack:
        """Put these back into their queues, to be taken next, the oldest first; each once, whoever else does.

        One that was acknowledged, put back or taken again since it was looked at is left alone. Raises
        ClusterUnreachable (nothing was sent) or EffectUncertain.
        """
        ...


_NONE_HERE = "Messages cannot be put back here: no broker of that cluster is reached from this process."


class NoOrphans:
    """A broker whose messages cannot be put back."""

    def heard(self) -> frozenset[str]:
        """Raise BadInput."""
        raise BadInput(_NONE_HERE)

    def uptime(self) -> int | None:
        """Raise BadInput."""
        raise BadInput(_NONE_HERE)

    def put_back(self, some: Sequence[Unacknowledged], told: Told) -> PutBack:  # noqa: ARG002 - the port's signature
        """Raise BadInput."""
        raise BadInput(_NONE_HERE)
