"""Messages set aside from queues, and put back."""

from collections.abc import Callable
from typing import Protocol

from bot.domain.archive import Archive, ArchiveWanted, Census, QueueMoved
from bot.domain.errors import BadInput

Told = Callable[[str], None]
"""Called before each step with a line for people; raises when the step must not be taken."""


class Archives(Protocol):
    """The archives of one cluster. Every step is one that nobody can be half way in, and may be repeated by anybody.

    Reads raise ClusterUnreachable; effects that, when nothing was sent, or EffectUncertain.
    """

    def census(self, queue: str, deadline: float = 1.0) -> Census:
        """Count what waits in a queue by task name, reading a bounded part of a long one."""
        ...

    def set_aside(self, wanted: ArchiveWanted, told: Told) -> Archive | QueueMoved:
        """Set messages of a queue aside: all at once, or the chosen ones step by step; the same id does it once.

        Chosen by task or age, the others stay in the queue, and wait beside it meanwhile. A message without a stamp of
        its publishing is never "before".
        """
        ...

    def go_on(self, id: str, told: Told) -> Archive:
        """Bring an archive that was left half way to where it is held or restored; one that is there stays so."""
        ...

    def put_back(self, id: str, told: Told) -> Archive:
        """Put every message back into its queue, older before newer; done once, however often called."""
        ...

    def drop(self, id: str) -> Archive:
        """Delete the messages of an archive that is held, for good."""
        ...

    def get(self, id: str, deadline: float = 1.0) -> Archive | None:
        """Return one archive, or None."""
        ...

    def all(self, deadline: float = 1.0) -> tuple[Archive, ...]:
        """Return every archive, the oldest first."""
        ...

    def forget(self, id: str) -> None:
        """Remove what is said of an archive that was restored or dropped."""
        ...


_NONE_HERE = "Messages cannot be set aside here: no broker of that cluster is reached from this process."


class NoArchives:
    """A broker whose messages cannot be set aside."""

    def census(self, queue: str, deadline: float = 1.0) -> Census:  # noqa: ARG002 - the port's signature
        """Raise BadInput."""
        raise BadInput(_NONE_HERE)

    def set_aside(self, wanted: ArchiveWanted, told: Told) -> Archive | QueueMoved:  # noqa: ARG002 - the port's signature
        """Raise BadInput."""
        raise BadInput(_NONE_HERE)

    def go_on(self, id: str, told: Told) -> Archive:  # noqa: ARG002 - the port's signature
        """Raise BadInput."""
        raise BadInput(_NONE_HERE)

    def put_back(self, id: str, told: Told) -> Archive:  # noqa: ARG002 - the port's signature
        """Raise BadInput."""
        raise BadInput(_NONE_HERE)

    def drop(self, id: str) -> Archive:  # noqa: ARG002 - the port's signature
        """Raise BadInput."""
        raise BadInput(_NONE_HERE)

    def get(self, id: str, deadline: float = 1.0) -> Archive | None:  # noqa: ARG002 - the port's signature
        """Return None."""
        return None

    def all(self, deadline: float = 1.0) -> tuple[Archive, ...]:  # noqa: ARG002 - the port's signature
        """Return none."""
        return ()

    def forget(self, id: str) -> None:
        """There is nothing to forget."""
