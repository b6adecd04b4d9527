"""The memory of workers as it was last told, kept in memory between two polls."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bot.domain.broker import WorkerMemory


@dataclass(frozen=True)
class Remembered:
    """The memory of a cluster's workers by name, asked for `at` that moment; `trouble` says why there is no newer."""

    workers: Mapping[str, WorkerMemory] = field(default_factory=dict)
    at: datetime | None = None
    trouble: str | None = None


class Memories(Protocol):
    """What each cluster's workers last told. Safe to use from many threads."""

    def of(self, cluster: str) -> Remembered:
        """Return what is remembered of a cluster; of one that was never asked, that nothing is."""
        ...

    def take(self, cluster: str, at: datetime, workers: Mapping[str, WorkerMemory]) -> None:
        """Remember what its workers told."""
        ...

    def failed(self, cluster: str, trouble: str) -> None:
        """Remember in words why they could not be asked, beside what they told before."""
        ...


class NoMemories:
    """Remembers nothing; for processes that do not poll, such as the ops worker."""

    def of(self, cluster: str) -> Remembered:  # noqa: ARG002 - the port's signature
        """Return that nothing is."""
        return Remembered()

    def take(self, cluster: str, at: datetime, workers: Mapping[str, WorkerMemory]) -> None:
        """Forget it."""

    def failed(self, cluster: str, trouble: str) -> None:
        """Forget it."""
