"""Starts real Celery workers for one test, and ends them with it."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from celery import Celery

from playground.celery_worker import CeleryWorker, WorkerSpec
from tests.services.sample_app import make_app

_READY_SECONDS = 60.0


class StartWorker(Protocol):
    """What the `celery_worker` fixture gives: a function that starts one worker."""

    def __call__(
        self,
        broker: str,
        *,
        name: str = "w1",
        app: str = "tests.services.sample_app",
        queues: Sequence[str] = (),
        concurrency: int = 2,
        pool: str = "prefork",
        extra: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        wait: bool = True,
        control: Celery | None = None,
    ) -> CeleryWorker:
        """Start `celery -A <app> worker` as node `<name>@test`; with `wait`, return when it answers a ping.

        `env` reaches the worker beside SAMPLE_BROKER_URL; no queues means Celery's default queue. `control` is the app
        that pings; it is needed only when `app` is not the sample app.
        """


class WorkerPool:
    """Every worker that one test has started."""

    def __init__(self, folder: Path, python: str = sys.executable) -> None:
        """Keep the workers' logs in `folder`; run them with the Celery of `python`."""
        self._folder, self._python = folder, python
        self._workers: list[CeleryWorker] = []

    def start(
        self,
        broker: str,
        *,
        name: str = "w1",
        app: str = "tests.services.sample_app",
        queues: Sequence[str] = (),
        concurrency: int = 2,
        pool: str = "prefork",
        extra: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        wait: bool = True,
        control: Celery | None = None,
    ) -> CeleryWorker:
        """See `StartWorker`."""
        variables = {"SAMPLE_BROKER_URL": broker, **(env or {})}
        spec = WorkerSpec(app, f"{name}@test", tuple(queues), concurrency, pool, tuple(extra), variables, self._python)
        worker = CeleryWorker(spec, self._folder)
        self._workers.append(worker)
        worker.start()
        if wait:
            worker.wait_ready(control or make_app(variables), _READY_SECONDS)
        return worker

    def kill_all(self) -> None:
        """End every worker group at once."""
        for worker in self._workers:
            if worker.alive:
                worker.kill()
