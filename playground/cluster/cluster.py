"""The whole sample cluster as one thing: Redis, workers, beat and the web process, started, broken, mended, stopped."""

import asyncio
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from playground.celery_worker import CeleryWorker
from playground.cluster.breakages import BREAKAGES
from playground.cluster.depths import Depths
from playground.cluster.jobs_api import control_app
from playground.cluster.traffic import RESTING_RATES
from playground.cluster.web_process import WebProcess
from playground.cluster.workers import IMAGE_WORKER, start_beat, wait_ready, without, worker_specs
from playground.processes import ChildProcess, ProcessError
from playground.services import RedisServer

_WARM_SECONDS = 8.0


@dataclass(frozen=True)
class _Traffic:
    """Jobs per second beside the quiet times' rates, and shares of jobs that fail, by queue."""

    rates: Mapping[str, float]
    failing: Mapping[str, float]


class UnknownBreakageError(Exception):
    """Nobody knows how to break that."""

    def __init__(self, name: str) -> None:
        """Name what can be broken."""
        super().__init__(f"There is no breakage named {name!r}; there are: {', '.join(BREAKAGES)}.")


class Cluster:
    """Real processes on this machine, for one asyncio loop, which no method blocks for longer than some 50 ms.

    `seconds` changes how long tasks take, as in `playground.cluster.app`. With `traffic=False` nothing is published but
    what beat does. Everything ends with `stop`, also after a failed or cancelled `start`, and with this process.
    """

    def __init__(self, *, image_worker: bool = True, traffic: bool = True, seconds: str = "") -> None:
        """Describe the cluster; `start` starts it."""
        self.redis = RedisServer()
        self.workers: dict[str, CeleryWorker] = {}
        """By short name: `worker1`, `priority_worker`, `image_worker`."""
        self.broken: set[str] = set()
        """The breakages in force."""
        self._image_worker = image_worker
        self._resting: Mapping[str, float] = RESTING_RATES if traffic else {}
        self._added: dict[str, _Traffic] = {}
        self._seconds = seconds
        self._folder: Path | None = None
        self._beat: ChildProcess | None = None
        self._web: WebProcess | None = None
        self._changing: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Stop."""
        await self.stop()

    @property
    def broker_url(self) -> str:
        """Where the application's queues are."""
        return self.redis.url(0)

    @property
    def result_url(self) -> str:
        """Where the application's results are."""
        return self.redis.url(1)

    @property
    def folder(self) -> Path:
        """Where the application keeps its books; raises ProcessError before `start`."""
        if self._folder is None:
            raise ProcessError("The sample cluster was not started.")
        return self._folder

    @property
    def stats_url(self) -> str:
        """The application's own page `/api/v1/jobs/queue/stats`; raises ProcessError before `start`."""
        return self._running_web().stats_url

    def depths(self) -> Depths:
        """A new reader of the true depths; the caller closes it."""
        return Depths(self.broker_url)

    async def start(self) -> None:
        """Start everything at once and return when all answer; raises ProcessError or RedisMissingError."""
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End every process at once and remove their files; harmless when nothing runs."""
        for worker in self.workers.values():
            if worker.alive:
                worker.kill()
        for process in (self._beat, self._web.process if self._web else None):
            if process is not None:
                process.kill()
        self.redis.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self.workers, self._beat, self._web, self._folder = {}, None, None, None
        self.broken.clear()
        self._added.clear()

    async def break_(self, name: str) -> None:
        """Let one of `BREAKAGES` happen, unless it is in force; raises UnknownBreakageError, BrokerSilentError."""
        if name not in BREAKAGES:
            raise UnknownBreakageError(name)
        async with self._changing[name]:
            breakage = BREAKAGES[name]
            if name in self.broken:
                return
            await breakage.happen(self)
            if breakage.mend is not None:
                self.broken.add(name)

    async def mend(self, name: str) -> None:
        """Undo a breakage that is in force; raises UnknownBreakageError."""
        if name not in BREAKAGES:
            raise UnknownBreakageError(name)
        async with self._changing[name]:
            mend = BREAKAGES[name].mend
            if mend is not None and name in self.broken:
                await mend(self)
                self.broken.discard(name)

    async def start_worker(self, name: str, paused: Sequence[str] = ()) -> None:
        """Start a worker that has ended, not consuming the `paused` queues; return when it answers."""
        worker = self.workers[name]
        worker.start(*without(paused))
        await wait_ready([worker], control_app(self.broker_url))

    async def stop_worker(self, name: str) -> None:
        """Let a worker finish what it runs and end, for eight seconds at most."""
        await asyncio.to_thread(self.workers[name].stop, _WARM_SECONDS)

    async def restart_worker(self, name: str, paused: Sequence[str] = ()) -> None:
        """Stop and start a worker, as a deployment does."""
        await self.stop_worker(name)
        await self.start_worker(name, paused)

    async def set_traffic(self, rates: Mapping[str, float]) -> None:
        """Replace the quiet times' rates, in jobs per second by queue."""
        self._resting = dict(rates)
        await self._apply_traffic()

    async def add_traffic(
        self, name: str, rates: Mapping[str, float], failing: Mapping[str, float] | None = None
    ) -> None:
        """Add jobs per second, and shares (0 to 1) of jobs that fail, by queue, until `end_traffic` of that name."""
        self._added[name] = _Traffic(dict(rates), dict(failing or {}))
        await self._apply_traffic()

    async def end_traffic(self, name: str) -> None:
        """Take back what `add_traffic` added under that name."""
        self._added.pop(name, None)
        await self._apply_traffic()

    async def burst(self, counts: Mapping[str, int]) -> dict[str, int]:
        """Publish so many jobs by queue now; answers how many it were, within BURST_LIMIT. Raises BrokerSilentError."""
        return await self._running_web().burst(counts)

    async def publish(self, jobs: Sequence[tuple[str, Mapping[str, object]]]) -> None:
        """Publish tasks with their keyword arguments, in this order. Raises BrokerSilentError."""
        await self._running_web().publish(jobs)

    async def _start(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="oncall-cluster-"))
        # Some 20 ms on the loop. In a thread, a cancelled start would leave a server behind that nobody knows.
        self.redis.start()
        env = {"SAMPLE_BROKER_URL": self.broker_url, "SAMPLE_RESULT_URL": self.result_url}
        env |= {"SAMPLE_SECONDS": self._seconds, "SAMPLE_FOLDER": str(self._folder)}
        self._web = WebProcess(self._folder, env)
        started = []
        for name, spec in worker_specs(env).items():
            self.workers[name] = CeleryWorker(spec, self._folder)
            if name != IMAGE_WORKER or self._image_worker:
                self.workers[name].start()
                started.append(self.workers[name])
        self._beat = start_beat(self._folder, env)
        await asyncio.gather(wait_ready(started, control_app(self.broker_url)), self._web.wait_ready())
        await self._apply_traffic()

    async def _apply_traffic(self) -> None:
        rates = dict(self._resting)
        failing: dict[str, float] = {}
        for added in self._added.values():
            rates |= {queue: rates.get(queue, 0.0) + rate for queue, rate in added.rates.items()}
            failing |= added.failing
        await self._running_web().set_traffic(rates, failing)

    def _running_web(self) -> WebProcess:
        if self._web is None:
            raise ProcessError("The sample cluster was not started.")
        return self._web
