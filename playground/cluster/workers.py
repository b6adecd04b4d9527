"""The processes of the sample cluster: the workers that the operations runbook starts, the one it forgets, and beat."""

import asyncio
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from celery import Celery

from playground.celery_worker import CeleryWorker, WorkerSpec, child_environment, ready_nodes
from playground.processes import ChildProcess, ProcessError

_APP = "playground.cluster.app"
_READY_SECONDS = 60.0
_POLL_SECONDS = 0.05
# Neighbours that greet and watch one another cost a second at the start and some CPU for ever.
_QUIET = ("--without-gossip",)

IMAGE_WORKER = "image_worker"
"""The worker that the runbook's start-up procedure forgets: nobody else consumes `image_processing`."""


def worker_specs(env: Mapping[str, str]) -> dict[str, WorkerSpec]:
    """The workers by short name, with the operations runbook's queues and limits."""
    every = ("booking", "ai_generation", "voice_synthesis", "notifications", "analytics", "default")
    fast = ("booking", "voice_synthesis")
    return {
        "worker1": WorkerSpec(_APP, "worker1@playground", every, 4, extra=_QUIET, env=env),
        "priority_worker": WorkerSpec(
            _APP, "priority_worker@playground", fast, 2, extra=("--max-tasks-per-child=100", *_QUIET), env=env
        ),
        IMAGE_WORKER: WorkerSpec(_APP, f"{IMAGE_WORKER}@playground", ("image_processing",), 1, extra=_QUIET, env=env),
    }


def start_beat(folder: Path, env: Mapping[str, str]) -> ChildProcess:
    """Start the one beat, with its schedule file in `folder`."""
    command = [sys.executable, "-m", "celery", "-A", _APP, "beat", "--loglevel=INFO", "--pidfile="]
    command += ["--schedule", str(folder / "beat-schedule")]
    return ChildProcess(command, log=folder / "beat.log", cwd=folder, env=child_environment(env))


def without(queues: Sequence[str]) -> tuple[str, ...]:
    """The arguments that start a worker with these of its queues paused."""
    return ("-X", ",".join(queues)) if queues else ()


async def wait_ready(workers: Sequence[CeleryWorker], control: Celery) -> None:
    """Return when all of them consume and answer a ping; raises ProcessError."""
    deadline = time.monotonic() + _READY_SECONDS
    for worker in workers:
        while not worker.logged_ready:
            _check(worker, deadline)
            await asyncio.sleep(_POLL_SECONDS)
    missing = {worker.node: worker for worker in workers}
    while missing:
        for node in await asyncio.to_thread(ready_nodes, control, list(missing)):
            del missing[node]
        for worker in missing.values():
            _check(worker, deadline)
        await asyncio.sleep(_POLL_SECONDS)


def _check(worker: CeleryWorker, deadline: float) -> None:
    if not worker.alive:
        raise ProcessError(f"The worker {worker.node} ended while starting: {worker.process.last_words()}")
    if time.monotonic() > deadline:
        raise ProcessError(f"The worker {worker.node} was not ready after {_READY_SECONDS:g} s.")
