"""Flower 2.2 itself: what it answers to us, with and without its API."""

import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.control import CeleryClusterControl
from bot.adapters.clock import SystemClock
from bot.adapters.http import ConfiguredPages
from bot.checks.flower import Flower
from bot.checks.workers import NoParams
from bot.domain.cluster import ClusterSpec, QueueSpec
from bot.domain.run import Finding, Level
from bot.ports import Target
from playground.celery_worker import child_environment
from playground.processes import ChildProcess
from playground.services import RedisServer, free_port
from tests.services.pages import wait_for
from tests.services.workers import StartWorker

pytestmark = [pytest.mark.slow, pytest.mark.service]

SPEC = ClusterSpec(name="prod", queues=(QueueSpec(name="booking"),), flower=True)
PYTHON = Path(__file__).parents[2] / ".venv-bench" / "bin" / "python"
StartFlower = Callable[..., str]


@pytest.fixture
def start_flower(redis_server: RedisServer, tmp_path: Path) -> Iterator[StartFlower]:
    """A function that starts Flower with further arguments and returns its address when it answers."""
    if not PYTHON.exists():
        words = "Flower is not installed: `make .venv-bench/.installed` does it"
        pytest.fail(words, pytrace=False) if os.environ.get("REQUIRE_SERVICES") == "1" else pytest.skip(words)
    started: list[ChildProcess] = []

    def start(*extra: str, **env: str) -> str:
        port = free_port()
        command = [str(PYTHON), "-m", "celery", "-b", redis_server.url(), "flower", f"--port={port}"]
        command += ["--address=127.0.0.1", *extra]
        process = ChildProcess(command, log=tmp_path / f"{port}.log", cwd=tmp_path, env=child_environment(env))
        started.append(process)
        process.wait_until(lambda: _answers(f"http://127.0.0.1:{port}/healthcheck"), seconds=60, what="Flower")
        return f"127.0.0.1:{port}"

    yield start
    for process in started:
        process.kill()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def found(redis_server: RedisServer, url: str) -> Finding:
    """Return what the check finds, beside a fresh snapshot of the real cluster."""
    clock = SystemClock()
    control = CeleryClusterControl(ClusterConnection("prod", redis_server.url()), SPEC, clock)
    try:
        http = ConfiguredPages({"prod": {"flower": url}})
        return Flower().run(NoParams(), control.snapshot(), Target(SPEC, control, clock, http=http))
    finally:
        control.close()


def test_flower_and_we_see_the_same_workers(
    redis_server: RedisServer, celery_worker: StartWorker, start_flower: StartFlower
) -> None:
    """A worker that dies is missed by us at once, and by Flower when its heartbeats are overdue."""
    address = start_flower(FLOWER_UNAUTHENTICATED_API="true")
    celery_worker(redis_server.url(), queues=["booking"])
    second = celery_worker(redis_server.url(), name="w2", queues=["booking"])

    def says(sentence: str) -> bool:
        return sentence in found(redis_server, f"http://{address}").sentence

    wait_for(lambda: says("Flower sees 2 workers online, the same as we do."), what="both workers", seconds=60)
    second.kill()
    wait_for(lambda: says("w2@test gave us no answer (busy or unreachable)"), what="the difference", seconds=60)


def test_an_api_that_wants_a_password_is_told(
    redis_server: RedisServer, celery_worker: StartWorker, start_flower: StartFlower
) -> None:
    """Flower's API is off without authentication; with user and password in the address it answers."""
    closed = start_flower()
    finding = found(redis_server, f"http://{closed}")
    assert (finding.level, finding.values["answers"], finding.values["workers"]) == (Level.OK, True, None)
    assert "its API refuses us (401)" in finding.sentence
    guarded = start_flower("--basic-auth=me:hunter2")
    celery_worker(redis_server.url(), queues=["booking"])
    wait_for(
        lambda: found(redis_server, f"http://me:hunter2@{guarded}").values["workers"] == 1,
        what="the worker in Flower",
        seconds=60,
    )
