"""Live numbers for open incidents: never two refreshes of one incident at once, and wishes meanwhile count as one."""

import asyncio
from collections.abc import Callable

import structlog

from bot.domain.errors import OncallError
from bot.domain.incident import IncidentState
from bot.ports import Ports, Tx
from bot.slack.executors import Executors
from bot.usecases import runs

log = structlog.get_logger(__name__)


class Refreshes:
    """Runs `runs.refresh` in the background for incidents somebody wants fresh."""

    def __init__(self, ports: Ports, executors: Executors, shown: Callable[[], None]) -> None:
        self._ports = ports
        self._executors = executors
        self._shown = shown
        self._running: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._one = asyncio.Semaphore(1)  # in a storm of alerts the bot's other duties must have their turn too

    def want(self, incident_id: str) -> None:
        """Refresh it now, or once more when the refresh under way has ended."""
        if incident_id in self._running:
            self._again.add(incident_id)
            return
        self._running[incident_id] = asyncio.create_task(self._run(incident_id))

    async def _run(self, incident_id: str) -> None:
        try:
            while True:
                self._again.discard(incident_id)
                await self._once(incident_id)
                if incident_id not in self._again:
                    return
        finally:
            self._running.pop(incident_id, None)
            self._again.discard(incident_id)

    async def _once(self, incident_id: str) -> None:
        with structlog.contextvars.bound_contextvars(incident=incident_id):
            try:
                async with self._one:
                    await self._executors.background(runs.refresh, self._ports, incident_id)
            except OncallError as e:
                log.warning("incident not refreshed", why=str(e))
            except Exception:
                log.exception("incident not refreshed")
        self._shown()

    async def all_open(self) -> None:
        """Refresh every incident that is not over, one after the other; those being refreshed are left alone.

        Each is wanted only when the one before is done: a new alert then waits for one of them, not for them all.
        """
        for incident_id in await self._executors.db(self._open):
            if incident_id not in self._running:
                self.want(incident_id)
                await asyncio.wait([self._running[incident_id]])

    def _open(self) -> list[str]:
        with self._ports.store.read() as tx:
            found = tx.incidents.find(state=(IncidentState.OPEN.value, IncidentState.MITIGATED.value))
        return [i.id for i in found]

    async def acted_on(self) -> None:
        """Refresh the open incidents for which something was done since they were last looked at."""
        for incident_id in await self._executors.db(self._outdated):
            if incident_id not in self._running:
                self.want(incident_id)

    def _outdated(self) -> list[str]:
        found = self._open()
        with self._ports.store.read() as tx:
            return [i for i in found if _acted_since_looked(tx, i)]

    async def close(self) -> None:
        """Start nothing more and wait for no answer."""
        for task in list(self._running.values()):
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)


def _acted_since_looked(tx: Tx, incident_id: str) -> bool:
    ended = [e.ended_at for e in tx.executions.find(incident_id=incident_id) if e.ended_at]
    looked = [r.updated_at for r in tx.runs.find(incident_id=incident_id)]
    return bool(ended and looked) and max(ended) > max(looked)
