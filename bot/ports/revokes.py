"""Tasks that no worker may run: telling workers so, and keeping it up while they come and go."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol

from bot.domain.errors import BadInput
from bot.domain.revoke import Revoke, Sought
from bot.ports.archives import Told


class Revokes(Protocol):
    """The revokes of one cluster. What is in force lies in its broker, beside the messages it is about.

    Reads raise ClusterUnreachable; effects that, when nothing was sent, or EffectUncertain.
    """

    def seek(
        self, ids: Collection[str] = (), *, task: str | None = None, queue: str | None = None, deadline: float = 2.0
    ) -> Sought:
        """Look for tasks outside workers' lists: those ids; or, among what was taken, those of a task or queue."""
        ...

    def keep(self, revoke: Revoke) -> None:
        """Write a revoke down before anybody is told; once more adds to it."""
        ...

    def tell(self, ids: Collection[str], workers: Collection[str], told: Told, signal: str = "") -> Mapping[str, str]:
        """Tell exactly these workers to run none of these, a few ids at a time; `signal` ends those that run.

        Returns what each said at last; one that does not answer is told no more. Harmless when repeated.
        """
        ...

    def note_told(self, id: str, workers: Collection[str], at: datetime) -> None:
        """Write down which workers took all ids of a revoke."""
        ...

    def remembered(self, workers: Collection[str], deadline: float = 3.0) -> Mapping[str, frozenset[str] | None]:
        """Return the ids that each worker will not run, asked anew; None for one that did not say."""
        ...

    def get(self, id: str, deadline: float = 1.0) -> Revoke | None:
        """Return one that is in force, or None."""
        ...

    def all(self, deadline: float = 1.0) -> tuple[Revoke, ...]:
        """Return all that are in force, the oldest first."""
        ...

    def end(self, id: str) -> None:
        """Forget one: workers that start are told no more."""
        ...


_NONE_HERE = "Tasks cannot be revoked here: no broker of that cluster is reached from this process."


class NoRevokes:
    """A cluster whose tasks cannot be revoked."""

    def seek(
        self,
        ids: Collection[str] = (),  # noqa: ARG002 - the port's signature
        *,
        task: str | None = None,  # noqa: ARG002 - the port's signature
        queue: str | None = None,  # noqa: ARG002 - the port's signature
        deadline: float = 2.0,  # noqa: ARG002 - the port's signature
    ) -> Sought:
        """Raise BadInput."""
        raise BadInput(_NONE_HERE)

    def keep(self, revoke: Revoke) -> None:  # noqa: ARG002 - the port's signature
        """Raise BadInput."""
        raise BadInput(_NONE_HERE)

    def tell(
        self,
        ids: Collection[str],  # noqa: ARG002 - the port's signature
        workers: Collection[str],  # noqa: ARG002 - the port's signature
        told: Told,  # noqa: ARG002 - the port's signature
        signal: str = "",  # noqa: ARG002 - the port's signature
    ) -> Mapping[str, str]:
        """Raise BadInput."""
        raise BadInput(_NONE_HERE)

    def note_told(self, id: str, workers: Collection[str], at: datetime) -> None:
        """There is nothing to note."""

    def remembered(self, workers: Collection[str], deadline: float = 3.0) -> Mapping[str, frozenset[str] | None]:  # noqa: ARG002 - the port's signature
        """Raise BadInput."""
        raise BadInput(_NONE_HERE)

    def get(self, id: str, deadline: float = 1.0) -> Revoke | None:  # noqa: ARG002 - the port's signature
        """Return None."""
        return None

    def all(self, deadline: float = 1.0) -> tuple[Revoke, ...]:  # noqa: ARG002 - the port's signature
        """Return none."""
        return ()

    def end(self, id: str) -> None:
        """There is nothing to end."""
