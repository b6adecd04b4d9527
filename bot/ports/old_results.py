"""Old results of tasks, and deleting them."""

from typing import Protocol

from bot.domain.errors import BadInput
from bot.domain.old_results import Cleaned, ResultsFound, ResultsWanted
from bot.ports.archives import Told


class OldResults(Protocol):
    """The result backend of one cluster. Raises BadInput where there is none on Redis, or OutsideUnreachable."""

    def census(self, wanted: ResultsWanted, deadline: float = 3.0) -> ResultsFound:
        """Count results, and look closely at a bounded part of them."""
        ...

    def clean(self, wanted: ResultsWanted, most: int, told: Told) -> Cleaned:
        """Delete what is meant, piece by piece, `most` of them; harmless when repeated. Also raises EffectUncertain."""
        ...


_NONE_HERE = "Results cannot be cleaned up here: no result backend of that cluster is reached from this process."


class NoOldResults:
    """A cluster whose results are out of reach."""

    def census(self, wanted: ResultsWanted, deadline: float = 3.0) -> ResultsFound:  # noqa: ARG002 - the port's signature
        """Raise BadInput."""
        raise BadInput(_NONE_HERE)

    def clean(self, wanted: ResultsWanted, most: int, told: Told) -> Cleaned:  # noqa: ARG002 - the port's signature
        """Raise BadInput."""
        raise BadInput(_NONE_HERE)
