"""Time limits of tasks on the workers of a cluster."""

from collections.abc import Sequence
from typing import Protocol

from bot.domain.errors import BadInput
from bot.domain.time_limits import TimeLimits, TimeLimitsFound


class TimeLimiting(Protocol):
    """The time limits of one cluster's tasks."""

    def of(self, task: str, workers: Sequence[str], deadline: float = 2.0) -> TimeLimitsFound:
        """Return what these workers say; those that do not answer are left out. Raises ClusterUnreachable."""
        ...

    def set(self, task: str, limits: TimeLimits, worker: str) -> str:
        """Tell exactly this worker, and have its pool restarted; returns what it said ("no reply" for nothing).

        "ok" is no proof. Raises ClusterUnreachable (nothing was sent) or EffectUncertain.
        """
        ...


_NONE_HERE = "Time limits cannot be changed here: no broker of that cluster is reached from this process."


class NoTimeLimiting:
    """A cluster whose workers cannot be told."""

    def of(self, task: str, workers: Sequence[str], deadline: float = 2.0) -> TimeLimitsFound:  # noqa: ARG002 - the port's signature
        """Raise BadInput."""
        raise BadInput(_NONE_HERE)

    def set(self, task: str, limits: TimeLimits, worker: str) -> str:  # noqa: ARG002 - the port's signature
        """Raise BadInput."""
        raise BadInput(_NONE_HERE)
