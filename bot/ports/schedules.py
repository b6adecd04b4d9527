"""What is sent again and again."""

from collections.abc import Sequence
from typing import Protocol

from bot.domain.periodic import Refills


class Schedules(Protocol):
    """The periodic tasks of one cluster."""

    def into(self, queue: str, workers: Sequence[str], deadline: float = 1.0) -> Refills:
        """Return what beat sends into a queue, as the settings of one of these workers say.

        Raises ClusterUnreachable; a worker that does not answer in time has said nothing.
        """
        ...


class NoSchedules:
    """A cluster of whose schedule nothing is known."""

    def into(self, queue: str, workers: Sequence[str], deadline: float = 1.0) -> Refills:  # noqa: ARG002 - the port's signature
        """Know nothing."""
        return Refills()
