"""The web process of the sample cluster, seen from the process that started it."""

import asyncio
import re
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import aiohttp

from playground.celery_worker import child_environment
from playground.cluster.depths import BrokerSilentError
from playground.processes import ChildProcess, ProcessError

_READY_SECONDS = 60.0
_POLL_SECONDS = 0.05
_BURST_SECONDS = 30.0


class WebProcess:
    """Runs `playground.cluster.jobs_api` and tells it what traffic to make."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        """Start it; `wait_ready` before anything else."""
        # A web process that only publishes needs no results; with a result backend it would subscribe to every task.
        env = {**env, "SAMPLE_RESULT_URL": "disabled://"}
        command = [sys.executable, "-m", "playground.cluster.jobs_api"]
        self.process = ChildProcess(command, log=folder / "web.log", cwd=folder, env=child_environment(env))
        self._base = ""

    @property
    def stats_url(self) -> str:
        """The application's health endpoint for jobs."""
        return f"{self._base}/api/v1/jobs/queue/stats"

    async def wait_ready(self) -> None:
        """Return when it listens; raises ProcessError."""
        deadline = time.monotonic() + _READY_SECONDS
        while not (found := re.search(r"^listening on (\d+)$", self.process.output(), re.MULTILINE)):
            if not self.process.alive or time.monotonic() > deadline:
                raise ProcessError(f"The sample cluster's web process did not start: {self.process.last_words()}")
            await asyncio.sleep(_POLL_SECONDS)
        self._base = f"http://127.0.0.1:{found[1]}"

    async def set_traffic(self, rates: Mapping[str, float], failing: Mapping[str, float]) -> None:
        """Replace the rates (jobs per second) and the shares (0 to 1) of jobs that fail, by queue."""
        await self._post("traffic", {"rates": dict(rates), "failing": dict(failing)})

    async def burst(self, counts: Mapping[str, int]) -> dict[str, int]:
        """Publish so many jobs by queue; answers how many it were. Raises BrokerSilentError."""
        return await self._post("burst", dict(counts))

    async def publish(self, jobs: Sequence[tuple[str, Mapping[str, object]]]) -> None:
        """Publish tasks with their keyword arguments, in this order. Raises BrokerSilentError."""
        await self._post("jobs", [[task, dict(kwargs)] for task, kwargs in jobs])

    async def _post(self, page: str, body: object) -> dict[str, int]:
        timeout = aiohttp.ClientTimeout(total=_BURST_SECONDS)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(f"{self._base}/playground/{page}", json=body) as response,
        ):
            if response.status == 503:
                raise BrokerSilentError
            response.raise_for_status()
            answer: dict[str, int] = await response.json()
            return answer
