"""One real Celery worker as a child process."""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from playground.processes import ChildProcess, ProcessError

BROKER_ERRORS = (RedisError, OperationalError, OSError)
"""What redis-py, kombu and sockets raise when a broker is silent or gone; a TimeoutError is an OSError."""

_REPOSITORY = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class WorkerSpec:
    """How one worker is started.

    `node` is the node name, `worker1@playground`; `extra` are further arguments, such as `("-X", "analytics")`.
    `python` is the interpreter whose Celery runs; another virtualenv's may have another version.
    """

    app: str
    node: str
    queues: tuple[str, ...] = ()
    concurrency: int = 2
    pool: str = "prefork"
    extra: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    python: str = sys.executable

    def command(self) -> list[str]:
        """The command line.

        `--without-mingle` saves a second at the start: https://docs.celeryq.dev/en/stable/userguide/workers.html
        """
        command = [self.python, "-m", "celery", "-A", self.app, "worker", "-n", self.node, "--loglevel=INFO"]
        command += ["--pool", self.pool, "--concurrency", str(self.concurrency), "--without-mingle"]
        if self.queues:
            command += ["--queues", ",".join(self.queues)]
        return [*command, *self.extra]


def child_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """The environment for a Celery process: ours, without settings that Celery itself would obey."""
    # CELERY_BROKER_URL wins over the app's own configuration.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CELERY_")}
    path = os.pathsep.join(filter(None, [str(_REPOSITORY), kept.get("PYTHONPATH")]))
    return kept | {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1"} | dict(extra)


class CeleryWorker:
    """A worker process that runs in `folder` (neutral: no module there can shadow the app) and ends with this one."""

    def __init__(self, spec: WorkerSpec, folder: Path) -> None:
        """Describe the worker; `start` starts it."""
        self.spec = spec
        self._folder = folder
        self._starts = 0
        self._process: ChildProcess | None = None

    @property
    def node(self) -> str:
        """The node name that remote control uses."""
        return self.spec.node

    @property
    def process(self) -> ChildProcess:
        """The process of the latest start; raises ProcessError before the first."""
        if self._process is None:
            raise ProcessError(f"The worker {self.node} was not started.")
        return self._process

    @property
    def alive(self) -> bool:
        """Whether the process exists (a paused one does)."""
        return self._process is not None and self._process.alive

    @property
    def logged_ready(self) -> bool:
        """Whether it says that it consumes; remote control may answer a moment later."""
        return f"{self.node} ready." in self.process.output()

    def start(self, *extra: str) -> None:
        """Start the process, with further arguments for this start alone, and return at once."""
        if self.alive:
            return
        self._starts += 1
        log = self._folder / f"{self.node}-{self._starts}.log"
        # A prefork worker that is killed leaves a temporary folder behind; in ours it goes with the rest.
        env = child_environment({"TMPDIR": str(self._folder), **self.spec.env})
        self._process = ChildProcess([*self.spec.command(), *extra], log=log, cwd=self._folder, env=env)

    def wait_ready(self, app: Celery, seconds: float = 30.0) -> None:
        """Return when it consumes and answers a ping; raises ProcessError when it ends or time is up."""
        deadline = time.monotonic() + seconds
        self.process.wait_until(lambda: self.logged_ready, seconds=seconds, what=f"The worker {self.node}")
        left = max(deadline - time.monotonic(), 1.0)
        self.process.wait_until(lambda: self.answers(app), seconds=left, what=f"Remote control of {self.node}")

    def answers(self, app: Celery, timeout: float = 0.5) -> bool:
        """Whether it answers one ping within `timeout` seconds."""
        return self.node in ready_nodes(app, [self.node], timeout)

    def stop(self, grace: float = 10.0) -> None:
        """Let it finish what it runs (warm shutdown), and kill the group after `grace` seconds."""
        if self._process is not None:
            self._process.stop(grace)

    def kill(self) -> None:
        """End it and its pool at once; what it ran is lost or delivered again."""
        self.process.kill()

    def pause(self) -> None:
        """Freeze it and its pool, as a hung machine would."""
        self.process.pause()

    def resume(self) -> None:
        """Let a frozen worker run on."""
        self.process.resume()


def ready_nodes(app: Celery, nodes: Sequence[str], timeout: float = 1.0) -> set[str]:
    """The nodes among `nodes` that answer one ping within `timeout` seconds; none while the broker is silent."""
    try:
        replies = app.control.ping(destination=list(nodes), timeout=timeout, limit=len(nodes)) or []
    except BROKER_ERRORS:
        return set()
    return {node for reply in replies for node in reply}
