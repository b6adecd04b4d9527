"""A named lease in the database that this process tries to hold, so that one bot among several does a duty."""

import time

from bot.ports import Ports
from bot.slack.executors import Executors


class Lease:
    """Renewed when a third of it has passed; between renewals `held` costs nothing."""

    def __init__(self, ports: Ports, executors: Executors, name: str, seconds: float) -> None:
        self._ports = ports
        self._executors = executors
        self._name = name
        self._seconds = seconds
        self._renewed_at: float | None = None

    async def held(self) -> bool:
        """Return whether this process holds it; raises StoreUnavailable."""
        before = time.monotonic()
        if self._renewed_at is not None and before - self._renewed_at < self._seconds / 3:
            return True
        self._renewed_at = None
        if await self._executors.db(self._take):
            self._renewed_at = before
        return self._renewed_at is not None

    def _take(self) -> bool:
        ports = self._ports
        return ports.store.lease(self._name, ports.owner, ports.clock.now(), self._seconds)

    async def release(self) -> None:
        """Give it back, so that the next process need not wait for its end."""
        self._renewed_at = None
        await self._executors.db(self._ports.store.release, self._name, self._ports.owner)
