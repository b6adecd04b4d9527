"""The pause on real parts: Redis, prefork workers that count what they run, the SQL store, and the use cases."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.control import CeleryClusterControl
from bot.adapters.celery.orders import CeleryOrders
from bot.adapters.clock import SystemClock
from bot.adapters.clusters import ConfiguredClusters
from bot.adapters.discovery import DiscoveredRegistry
from bot.adapters.expressions import JinjaExpressions
from bot.adapters.sql import SqlStore, migrate, open_store
from bot.domain.action import Execution, ExecutionState, Proposal
from bot.domain.approval import ApprovalRequest
from bot.domain.cluster import ClusterSpec, QueueSpec, WorkerGroup
from bot.domain.mitigation import Mitigation
from bot.drivers.process import ProcessDriver
from bot.ports import Means, Ports
from bot.usecases import buttons, requests
from bot.usecases.executions import execute
from bot.usecases.requests import Submitted
from playground.celery_worker import CeleryWorker, WorkerSpec, child_environment
from playground.processes import ChildProcess
from playground.services import RedisServer
from tests.services.sample_app import EXECUTIONS, executions, make_app
from tests.usecases.world import POLICY, ROLES, FewRunbooks, KeptDispatcher, KeptSamples

QUEUES = ("ai_generation", "analytics")
SPEC = ClusterSpec(
    name="shop",
    queues=(QueueSpec(name="ai_generation", importance=5), QueueSpec(name="analytics", importance=3)),
    worker_groups=(WorkerGroup(name="worker*", queues=QUEUES),),
)
CONFIG = """
clusters:
  shop:
    broker_url: redis://127.0.0.1:1/0
    queues: {ai_generation: {importance: 5}, analytics: {importance: 3}}
    worker_groups: {worker1: {queues: [ai_generation, analytics]}}
roles: {oncall: {users: []}}
"""
WAITING = 3000
REPOSITORY = Path(__file__).parents[2]
APP = "tests.services.sample_app"


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    """Poll until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.05)


@dataclass
class Shop:
    """A watched cluster, and the bot's hands on it."""

    server: RedisServer
    store: SqlStore
    ports: Ports
    driver: ProcessDriver
    connection: ClusterConnection
    database_url: str
    records: Path
    python: str = sys.executable

    @property
    def environment(self) -> dict[str, str]:
        """What workers of this cluster need."""
        return {"SAMPLE_BROKER_URL": self.server.url()}

    def fill(self, queue: str = "analytics", messages: int = WAITING) -> None:
        """Put counting tasks into a queue."""
        app = make_app(self.environment)
        with app.producer_pool.acquire(block=True) as producer:
            for _ in range(messages):
                app.send_task("sample.count", queue=queue, producer=producer, ignore_result=True)

    def depth(self, queue: str = "analytics") -> int:
        """How many messages wait."""
        with self.server.client() as client:
            return int(client.llen(queue))

    def runs(self) -> dict[str, int]:
        """How often each counting task has run, by its id."""
        with self.server.client() as client:
            return executions(client)

    def forget_runs(self) -> None:
        """Count from nothing."""
        with self.server.client() as client:
            for key in client.scan_iter(f"{EXECUTIONS}*", count=1000):
                client.delete(key)

    def prove_alive(self) -> None:
        """Return when workers have run tasks of another queue, so that they had every chance to take the paused one."""
        app = make_app(self.environment)
        for result in [app.send_task("sample.add", (i, 1), queue="ai_generation") for i in range(20)]:
            result.get(timeout=60)

    def quiet(self) -> None:
        """Return when the depth of the paused queue has stood still for a second: what was fetched has run."""
        seen, since = self.depth(), time.monotonic()
        while time.monotonic() - since < 1:
            time.sleep(0.05)
            if (now := self.depth()) != seen:
                seen, since = now, time.monotonic()

    def stop(self, worker: str) -> None:
        """Stop a worker that the driver started, as a deploy does, and return when it has left."""
        os.kill(int((self.records / f"{worker}.pid").read_text().split()[0]), signal.SIGTERM)
        wait_for(lambda: worker not in self.ports.clusters.control("shop").consumers())

    def start(self, worker: str, without: Sequence[str] = ()) -> None:
        """Start a worker by the driver, and return when it answers."""
        self.driver.start(worker, without)
        self.wait_answers(worker)

    @contextmanager
    def run_worker(self, worker: str, log: Path) -> Iterator[ChildProcess]:
        """Start a worker as a unit file would, by `celery-oncall run-worker`."""
        config = log.with_suffix(".yml")
        config.write_text(CONFIG)
        command = WorkerSpec(APP, worker, QUEUES, concurrency=2).command()
        env = child_environment(self.environment | {"ONCALL_CONFIG": str(config), "DATABASE_URL": self.database_url})
        run = [sys.executable, "-m", "bot", "run-worker", "shop", "--", *command]
        process = ChildProcess(run, log=log, cwd=log.parent, env=env)
        try:
            yield process
        finally:
            process.kill()

    @contextmanager
    def plugged(self, worker: str, folder: Path) -> Iterator[CeleryWorker]:
        """Start a worker with the worker plugin, loaded by `-I`, and return when it answers."""
        env = self.environment | {"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'worker_plugin'}"}
        extra = ("-I", "celery_oncall_worker")
        started = CeleryWorker(WorkerSpec(APP, worker, QUEUES, 2, extra=extra, env=env, python=self.python), folder)
        started.start()
        try:
            self.wait_answers(worker)
            yield started
        finally:
            started.kill()

    def wait_answers(self, worker: str) -> None:
        """Return when a worker says what it consumes."""
        wait_for(lambda: self.ports.clusters.control("shop").consumers().get(worker) is not None)

    def consumers(self, queue: str = "analytics") -> set[str]:
        """Who says that it consumes a queue."""
        found = self.ports.clusters.control("shop").consumers()
        return {w for w, queues in found.items() if queue in (queues or ())}

    def pause(self, queue: str = "analytics") -> Execution:
        """Pause by slash command, and run it as the ops worker does."""
        proposal = Proposal(action="pause_queue", cluster="shop", params={"queue": queue, "seconds": 1800})
        drafted = requests.draft(self.ports, proposal, "U0ANA", "load", "C0ONCALL")
        assert isinstance(drafted, ApprovalRequest), drafted
        return self._run(requests.submit(self.ports, drafted.id, "U0ANA"))

    def resume(self) -> Execution:
        """Resume by button, and run it."""
        return self._run(buttons.resume(self.ports, self.the_pause().id, "U0BEN"))

    def the_pause(self) -> Mitigation:
        """The one pause."""
        with self.store.read() as tx:
            (found,) = tx.mitigations.find(cluster="shop")
        return found

    def _run(self, submitted: object) -> Execution:
        assert isinstance(submitted, Submitted), submitted
        assert submitted.execution is not None
        done = execute(self.ports, submitted.execution.id)
        assert isinstance(done, Execution), done
        assert done.state is ExecutionState.VERIFIED, done
        return done


def worker_command(extra: Sequence[str] = (), python: str = sys.executable) -> list[str]:
    """The start command of the group `worker*`."""
    return WorkerSpec(APP, "worker@%h", QUEUES, concurrency=2, extra=tuple(extra), python=python).command()


@contextmanager
def opened_shop(server: RedisServer, folder: Path, python: str = sys.executable) -> Iterator[Shop]:
    """A cluster without workers on this broker; what the driver starts, with the Celery of `python`, ends with it."""
    records, neutral, url = folder / "records", folder / "neutral", f"sqlite:///{folder}/oncall.sqlite3"
    neutral.mkdir()
    migrate(url)
    store = open_store(url)
    connection = ClusterConnection("shop", server.url())
    control = CeleryClusterControl(connection, SPEC, SystemClock())
    env = child_environment({"SAMPLE_BROKER_URL": server.url()})
    driver = ProcessDriver({"worker*": worker_command(python=python)}, records, neutral, env, stop_seconds=60)
    try:
        yield Shop(server, store, _ports(store, control), driver, connection, url, records, python)
    finally:
        control.close()
        store.close()
        for record in records.glob("*.pid"):
            with suppress(ProcessLookupError):
                os.killpg(int(record.read_text().split()[0]), signal.SIGKILL)


def _ports(store: SqlStore, control: CeleryClusterControl) -> Ports:
    return Ports(
        clock=SystemClock(),
        store=store,
        clusters=ConfiguredClusters(
            {"shop": SPEC},
            {"shop": control},
            {"C0ONCALL": "shop"},
            means={"shop": Means(orders=CeleryOrders(control.watched, SystemClock()))},
        ),
        samples=KeptSamples(),
        dispatcher=KeptDispatcher(),
        runbooks=FewRunbooks(),
        expressions=JinjaExpressions(),
        registry=DiscoveredRegistry(),
        policy=POLICY,
        roles=lambda: ROLES,
        owner="test",
    )
