"""The doctor as a whole: everything is looked at side by side, in time, and told in lines with an exit code."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path

import pytest

from bot.adapters.sql import migrate
from bot.doctor import Section, asked_of_roles, examine, side_by_side
from bot.domain.action import Risk
from bot.domain.approval import Alternative, Policy
from bot.domain.diagnosed import Diagnosed, ok
from bot.domain.errors import BadInput
from bot.settings import Need, load_settings
from playground.processes import ChildProcess
from playground.services import RedisServer
from playground.slack import LocalSlack
from tests.doctoring import FILE, bad_ones, environment
from tests.services.network import SilentServer
from tests.services.pages import PageServer
from tests.services.workers import StartWorker

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    """A local Slack with our own manifest."""
    running = LocalSlack(REPOSITORY / "manifest.yml")
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
def ops_worker(tmp_path: Path) -> Iterator[Callable[[Mapping[str, str]], None]]:
    """A function that starts `celery-oncall worker` and returns when it is ready; it ends with the test."""
    started: list[ChildProcess] = []

    def start(env: Mapping[str, str]) -> None:
        command = [sys.executable, "-P", "-m", "bot", "worker"]
        worker = ChildProcess(command, log=tmp_path / "ops.log", cwd=tmp_path, env={**os.environ, **env})
        started.append(worker)
        worker.wait_until(lambda: "ready." in worker.output(), seconds=60, what="The ops worker")

    yield start
    for worker in started:
        worker.kill()


async def doctor(env: Mapping[str, str]) -> tuple[int, list[str]]:
    """Run `celery-oncall doctor` as people do; returns its exit code and its lines."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "bot", "doctor", env={**os.environ, **env}, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode().splitlines()


async def sections(env: Mapping[str, str], seconds: float = 10.0) -> dict[str, tuple[Diagnosed, ...]]:
    """Let the doctor look at an installation in this process; returns what it found by title."""
    settings = load_settings(env, tuple(Need))
    return {s.title: s.found for s in await asyncio.to_thread(examine, settings, seconds)}


@pytest.mark.service
async def test_a_sound_installation(
    slack: LocalSlack,
    redis_server: RedisServer,
    celery_worker: StartWorker,
    ops_worker: Callable[[Mapping[str, str]], None],
    tmp_path: Path,
) -> None:
    """Nothing fails, and the exit code says so; notes are no failures."""
    env = environment(tmp_path, slack, redis_server.url())
    migrate(env["DATABASE_URL"])
    await asyncio.to_thread(ops_worker, env)
    await asyncio.to_thread(celery_worker, redis_server.url(), queues=["booking"], pool="solo")
    code, lines = await doctor(env)
    assert [line for line in lines if "✗" in line] == []
    assert code == 0
    assert [line for line in lines if not line.startswith("  ")] == [
        "Slack",
        "Cluster prod",
        "Ops worker",
        "Database",
        "Runbooks",
    ]
    assert "  ✓ 1 worker answers: w1@test." in lines
    assert any(line.startswith("  ✓ The ops worker answers: oncall-") for line in lines)
    assert f"  ✓ The database (sqlite:///{tmp_path}/oncall.sqlite3) answers and is at the newest revision." in lines
    assert "  ! No task events were heard; the bot needs none." in lines


async def test_an_installation_where_everything_is_wrong(
    slack: LocalSlack, silent_server: SilentServer, refused_port: int, tmp_path: Path
) -> None:
    """Each place is looked at although all others fail; no secret is told, and the exit code is 1."""
    text = FILE.replace("C0ONCALL", "C0GENERAL") + "runbooks: nowhere\n"
    env = environment(
        tmp_path,
        slack,
        silent_server.url().replace("//", "//:hunter2@"),
        text,
        ONCALL_BROKER_URL=f"redis://:hunter2@127.0.0.1:{refused_port}/0",
        DATABASE_URL=f"postgresql://oncall:hunter2@127.0.0.1:{refused_port}/oncall",
        PROMETHEUS_URL=f"http://me:hunter2@127.0.0.1:{refused_port}",
    )
    code, lines = await doctor(env)
    assert code == 1
    assert lines[-1] == "6 checks failed."
    failed = [line for line in lines if "✗" in line]
    for begin in (
        "  ✗ The bot is not in a channel `C0GENERAL`: ",
        f"  ✗ The broker cannot be used: 127.0.0.1:{silent_server.port} did not answer within 1 s; ",
        f"  ✗ The bot's own broker cannot be used: nothing listens at 127.0.0.1:{refused_port}; ",
        "  ✗ The database does not answer (",
        f"  ✗ {tmp_path}/nowhere: The folder of runbooks cannot be read: ",
        "  ✗ Prometheus cannot be asked: nothing can be reached there; check PROMETHEUS_URL (http://127.0.0.1:",
    ):
        assert [line for line in failed if line.startswith(begin)], begin
    assert "hunter2" not in "\n".join(lines)


async def test_a_database_without_tables(slack: LocalSlack, refused_port: int, tmp_path: Path) -> None:
    """The doctor looks and makes no file."""
    env = environment(tmp_path, slack, f"redis://127.0.0.1:{refused_port}/0")
    found = (await sections(env))["Database"]
    file = tmp_path / "oncall.sqlite3"
    assert bad_ones(found) == [
        f"The database (the file {file}) has no tables of celery-oncall yet; run `celery-oncall migrate`, or see that "
        "DATABASE_URL names the right one."
    ]
    assert not file.exists()


async def test_a_database_address_that_cannot_be_used(slack: LocalSlack, refused_port: int, tmp_path: Path) -> None:
    """What `config check` refuses is told here, too, and the rest is still looked at."""
    env = environment(tmp_path, slack, f"redis://127.0.0.1:{refused_port}/0", DATABASE_URL="mysql://localhost/oncall")
    found = await sections(env)
    (sentence,) = bad_ones(found["Database"])
    assert sentence.startswith("DATABASE_URL names the database `mysql`, which is not supported; ")
    assert bad_ones(found["Slack"]) == []


async def test_a_broken_runbook(slack: LocalSlack, refused_port: int, tmp_path: Path) -> None:
    """Told with its place; the shipped ones can still be used."""
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "disk.yml").write_text("runbook: disk\ntitel: Disk full\n")
    env = environment(tmp_path, slack, f"redis://127.0.0.1:{refused_port}/0", FILE + "runbooks: ours\n")
    found = (await sections(env))["Runbooks"]
    assert any(s.startswith(f"{tmp_path}/ours/disk.yml:2:1: There is no key `titel`") for s in bad_ones(found))
    assert found[-1].level == "ok"


async def test_two_clusters(slack: LocalSlack, refused_port: int, silent_server: SilentServer, tmp_path: Path) -> None:
    """Each has its own section, and they wait side by side."""
    second = f"  eu:\n    broker_url: {silent_server.url()}\n    queues: {{booking: {{}}}}\nchannels:"
    env = environment(tmp_path, slack, f"redis://127.0.0.1:{refused_port}/0", FILE.replace("channels:", second))
    found = await sections(env)
    assert [title for title in found if title.startswith("Cluster")] == ["Cluster prod", "Cluster eu"]
    assert all(len(bad_ones(found[title])) == 1 for title in ("Cluster prod", "Cluster eu"))


async def test_servers_outside_are_asked(slack: LocalSlack, refused_port: int, tmp_path: Path) -> None:
    """Each Prometheus a question, each page once; what fails is named as the settings do, without its password."""
    server = PageServer({"/api/v1/query": (200, {"data": {"resultType": "scalar", "result": [1, "1"]}})})
    outside = (
        f"    health: {{jobs: {{url: '{server.url('/stats')}'}}, gone: {{url: '{server.url('/gone')}'}}}}\n"
        f"    flower: {{url_env: FLOWER_URL}}\n"
        f"prometheus: {{main: {{url: '{server.url()}'}}, eu: {{url: 'http://127.0.0.1:{refused_port}'}}}}\n"
    )
    env = environment(
        tmp_path,
        slack,
        f"redis://127.0.0.1:{refused_port}/0",
        FILE.replace("channels:", f"{outside}channels:"),
        FLOWER_URL=f"http://me:hunter2@127.0.0.1:{refused_port}",
    )
    try:
        found = await sections(env)
    finally:
        server.close()
    assert found["Prometheus main"] == (ok(f"Prometheus ({server.url()}) answers."),)
    assert bad_ones(found["Prometheus eu"]) == [
        "Prometheus cannot be asked: nothing can be reached there; check "
        f"http://127.0.0.1:{refused_port}, or take it out of the settings."
    ]
    assert found["Pages of prod"][0] == ok(f"`health.jobs` ({server.url('/stats')}) answers 200.")
    assert bad_ones(found["Pages of prod"]) == [
        f"`health.gone` ({server.url('/gone')}) answers 404; check its path, user and password.",
        f"`flower` (http://127.0.0.1:{refused_port}) cannot be asked: nothing listens there; check its address under "
        "`clusters.prod`.",
    ]


async def test_the_doctor_ends_in_time(slack: LocalSlack, silent_server: SilentServer, tmp_path: Path) -> None:
    """What is late is given up; what came in time is told."""
    env = environment(tmp_path, slack, silent_server.url())
    migrate(env["DATABASE_URL"])
    slack.faults.slow_api_seconds = 2.5
    started = time.monotonic()
    found = await sections(env, seconds=1.5)
    assert time.monotonic() - started < 2.5
    assert bad_ones(found["Slack"]) == [
        "This took longer than 1.5 s and was given up; see whether the network is slow, and try again."
    ]
    assert [d.level for d in found["Database"]] == ["ok"]


def test_a_look_that_fails_hides_no_other() -> None:
    """An error in words is told as it is; a mistake of ours is told as one."""

    def wrong() -> list[Diagnosed]:
        raise BadInput("The address is none.")

    def mistaken() -> list[Diagnosed]:
        return [ok(str(1 // 0))]

    found = side_by_side({"a": wrong, "b": mistaken, "c": lambda: [ok("Fine.")]}, 5)
    assert found[0] == Section("a", (Diagnosed("bad", "The address is none."),))
    assert bad_ones(found[1].found) == [
        "This could not be looked at: ZeroDivisionError('integer division or modulo by zero'); please report that, it "
        "is a mistake in celery-oncall."
    ]
    assert found[2] == Section("c", (ok("Fine."),))


def test_every_role_of_the_policy_is_asked_for() -> None:
    """With the most people that any alternative wants; who may ask is needed, too."""
    policy = Policy(
        acting="oncall",
        consent={
            Risk.HIGH: (Alternative(approve=1, by="platform"),),
            Risk.DESTRUCTIVE: (Alternative(approve=2, by="platform"), Alternative(approve=3, by="leads")),
        },
    )
    assert asked_of_roles(policy) == {"oncall": 1, "platform": 2, "leads": 3}
