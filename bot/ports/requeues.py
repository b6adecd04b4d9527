"""Failed tasks, and sending them again."""

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from bot.domain.errors import BadInput
from bot.domain.requeue import Became, FailedFound, FailedTask, FailedWanted, Requeue
from bot.ports.archives import Told


class Requeues(Protocol):
    """The failed tasks of one cluster. Reads raise ClusterUnreachable; effects that, or EffectUncertain."""

    def find(self, wanted: FailedWanted, deadline: float = 3.0) -> FailedFound:
        """Look for failed tasks in the worker plugin's record, then in the result backend."""
        ...

    def prepare(self, id: str, failed: Sequence[FailedTask], queue: str | None, told: Told) -> Requeue:
        """Write down what is to be sent, before any of it is; `queue` is another one than each had. Begins anew.

        Nothing happens where a requeue of that id has been prepared wholly.
        """
        ...

    def send(self, id: str, told: Told, enough: Callable[[Requeue], bool]) -> Requeue:
        """Send what was prepared, piece by piece, each task once whoever sends, until all is or `enough` says so."""
        ...

    def mark_tried(self, id: str) -> None:
        """Write down that the first ones did not fail again."""
        ...

    def stop(self, id: str) -> Requeue:
        """Send no more of it; what was not sent may be requeued later."""
        ...

    def became(self, ids: Collection[str]) -> Became:
        """Return what became of tasks of these ids, as far as results and the plugin's record say."""
        ...

    def get(self, id: str, deadline: float = 1.0) -> Requeue | None:
        """Return one that was prepared wholly, or None."""
        ...


_NONE_HERE = "Failed tasks cannot be requeued here: no broker of that cluster is reached from this process."


class NoRequeues:
    """A cluster whose failed tasks cannot be sent again."""

    def find(self, wanted: FailedWanted, deadline: float = 3.0) -> FailedFound:  # noqa: ARG002 - the port's signature
        """Raise BadInput."""
        raise BadInput(_NONE_HERE)

    def prepare(self, id: str, failed: Sequence[FailedTask], queue: str | None, told: Told) -> Requeue:  # noqa: ARG002 - the port's signature
        """Raise BadInput."""
        raise BadInput(_NONE_HERE)

    def send(self, id: str, told: Told, enough: Callable[[Requeue], bool]) -> Requeue:  # noqa: ARG002 - the port's signature
        """Raise BadInput."""
        raise BadInput(_NONE_HERE)

    def mark_tried(self, id: str) -> None:
        """There is nothing to mark."""

    def stop(self, id: str) -> Requeue:  # noqa: ARG002 - the port's signature
        """Raise BadInput."""
        raise BadInput(_NONE_HERE)

    def became(self, ids: Collection[str]) -> Became:
        """Know nothing."""
        return Became(unknown=len(ids))

    def get(self, id: str, deadline: float = 1.0) -> Requeue | None:  # noqa: ARG002 - the port's signature
        """Return None."""
        return None
