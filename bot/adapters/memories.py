"""The memory of workers as it was last told: one poll of each cluster is kept."""

import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from bot.domain.broker import WorkerMemory
from bot.ports import Remembered


class KeptMemories:
    """What each cluster's workers last told. Safe to use from many threads."""

    def __init__(self) -> None:
        """Know nothing; a restart of the process begins anew."""
        self._lock = threading.Lock()
        self._kept: dict[str, Remembered] = {}

    def of(self, cluster: str) -> Remembered:
        """Return what is remembered of a cluster."""
        with self._lock:
            return self._kept.get(cluster, Remembered())

    def take(self, cluster: str, at: datetime, workers: Mapping[str, WorkerMemory]) -> None:
        """Remember what its workers told; it replaces what they told before."""
        with self._lock:
            self._kept[cluster] = Remembered(dict(workers), at)

    def failed(self, cluster: str, trouble: str) -> None:
        """Remember in words why they could not be asked, beside what they told before."""
        with self._lock:
            self._kept[cluster] = replace(self._kept.get(cluster, Remembered()), trouble=trouble)
