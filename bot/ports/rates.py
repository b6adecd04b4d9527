"""Rate limits of tasks on the workers of a cluster."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from bot.domain.errors import BadInput
from bot.domain.rates import RatesFound


class Rates(Protocol):
    """The rate limits of one cluster."""

    def of(self, task: str, workers: Sequence[str], deadline: float = 2.0) -> RatesFound:
        """Return what these workers say; those that do not answer are left out. Raises ClusterUnreachable."""
        ...

    def set(self, task: str, rate: str | None, workers: Sequence[str]) -> Mapping[str, str]:
        """Tell exactly these workers a limit, or that there is none; returns what each said ("no reply" for none).

        Raises ClusterUnreachable (nothing was sent) or EffectUncertain.
        """
        ...


_NONE_HERE = "Rates cannot be limited here: no broker of that cluster is reached from this process."


class NoRates:
    """A cluster whose workers cannot be told."""

    def of(self, task: str, workers: Sequence[str], deadline: float = 2.0) -> RatesFound:  # noqa: ARG002 - the port's signature
        """Raise BadInput."""
        raise BadInput(_NONE_HERE)

    def set(self, task: str, rate: str | None, workers: Sequence[str]) -> Mapping[str, str]:  # noqa: ARG002 - the port's signature
        """Raise BadInput."""
        raise BadInput(_NONE_HERE)
