"""The processes that the command line starts: ops worker and beat beside foreign modules, and all of them together."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bot.adapters.celery.dispatcher import KEY_PREFIX, QUEUE
from bot.adapters.sql import migrate
from bot.cli.processes import neutral_folder
from bot.cli.together import run_together
from playground.processes import ChildProcess
from playground.services import RedisServer, free_port
from playground.slack import LocalSlack

REPOSITORY = Path(__file__).parents[1]
SECONDS = 90.0
Start = Callable[..., ChildProcess]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """A function that starts `celery-oncall <name>` in a folder; the processes end with the test."""
    started: list[ChildProcess] = []

    def start_one(name: str, folder: Path, env: Mapping[str, str]) -> ChildProcess:
        command = [str(Path(sys.executable).with_name("celery-oncall")), name]
        neutral = tmp_path / "tmp"
        neutral.mkdir(exist_ok=True)
        environment = {**env, "TMPDIR": str(neutral)}
        started.append(ChildProcess(command, log=tmp_path / f"{name}.log", cwd=folder, env=environment))
        return started[-1]

    yield start_one
    for process in started:
        process.kill()


@pytest.mark.service
def test_worker_and_beat_start_beside_a_foreign_tasks_py(
    start: Start, redis_server: RedisServer, refused_port: int, tmp_path: Path
) -> None:
    """They run our tasks on our broker, whatever lies where they are started and whatever Celery's variables say."""
    theirs = tmp_path / "their-app"
    theirs.mkdir()
    for name in ("tasks.py", "celery.py", "bot.py"):
        (theirs / name).write_text(f"open('{tmp_path}/loaded', 'w').write(__file__)\nraise SystemExit('theirs')\n")
    database = f"sqlite:///{tmp_path}/oncall.sqlite3"
    migrate(database)
    env = {
        **os.environ,
        "PROD_BROKER_URL": redis_server.url(),
        "DATABASE_URL": database,
        "CELERY_BROKER_URL": f"redis://127.0.0.1:{refused_port}/0",
    }
    worker, beat = start("worker", theirs, env), start("beat", theirs, env)
    worker.wait_until(lambda: "ready." in worker.output(), seconds=SECONDS, what="The ops worker")
    beat.wait_until(lambda: "Starting" in beat.output(), seconds=SECONDS, what="The ops beat")
    assert not (tmp_path / "loaded").exists()
    assert re.findall(r"^  \. (.+)$", worker.output(), re.MULTILINE) == ["tasks.execute", "tasks.sweep"]
    assert "concurrency: 2 (prefork)" in worker.output()
    assert "results:     disabled" in worker.output()
    with redis_server.client() as client:
        assert f"{KEY_PREFIX}_kombu.binding.{QUEUE}" in {key.decode() for key in client.keys("*")}
    worker.stop(grace=20.0)
    assert "Warm shutdown" in worker.output()


@pytest.mark.service
def test_a_foreign_tasks_py_on_pythonpath_is_not_loaded_either(
    start: Start, redis_server: RedisServer, tmp_path: Path
) -> None:
    """Whoever starts their own Celery has their folder on the path."""
    theirs = tmp_path / "their-app"
    theirs.mkdir()
    (theirs / "tasks.py").write_text(f"open('{tmp_path}/loaded', 'w').write(__file__)\n")
    env = {
        **os.environ,
        "PYTHONPATH": str(theirs),
        "PROD_BROKER_URL": redis_server.url(),
        "DATABASE_URL": f"sqlite:///{tmp_path}/oncall.sqlite3",
    }
    beat = start("beat", theirs, env)
    beat.wait_until(lambda: "Starting" in beat.output(), seconds=SECONDS, what="The ops beat")
    assert not (tmp_path / "loaded").exists()


def test_celery_runs_in_an_empty_folder_of_our_own(tmp_path: Path) -> None:
    """The same one at every start, and open to nobody else."""
    folder = neutral_folder(tmp_path)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert neutral_folder(tmp_path) == folder
    (folder / "tasks.py").touch()
    assert neutral_folder(tmp_path) != folder


@pytest.mark.parametrize("how", ["open to all", "a link"])
def test_a_folder_that_others_could_fill_is_not_used(how: str, tmp_path: Path) -> None:
    """Anybody may make a folder in /tmp before us."""
    folder = neutral_folder(tmp_path)
    folder.rmdir()
    if how == "a link":
        (tmp_path / "theirs").mkdir(mode=0o700)
        folder.symlink_to(tmp_path / "theirs")
    else:
        folder.mkdir()
        folder.chmod(0o777)
    assert neutral_folder(tmp_path) != folder


CONFIG = """
clusters: {{prod: {{broker_url_env: PROD_BROKER_URL, queues: {{booking: {{}}}}}}}}
channels: {{C0ONCALL: prod}}
roles: {{oncall: {{group: S0ONCALL}}}}
web: {{port: {port}}}
"""


@pytest.mark.service
async def test_up_runs_all_of_it_on_one_host(start: Start, redis_server: RedisServer, tmp_path: Path) -> None:
    """From an empty database to a bot that is ready, and to an orderly end."""
    async with AsyncExitStack() as stack:
        slack = LocalSlack(REPOSITORY / "manifest.yml")
        await slack.start()
        stack.push_async_callback(slack.stop)
        port = free_port()
        (tmp_path / "oncall.yml").write_text(CONFIG.format(port=port))
        env = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()} | {
            "SLACK_API_URL": slack.api_url,
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_APP_TOKEN": slack.app_token,
            "PROD_BROKER_URL": redis_server.url(),
        }
        up = start("up", tmp_path, env)
        await asyncio.to_thread(up.wait_until, lambda: answers(port), seconds=SECONDS, what="The bot")
        await asyncio.to_thread(up.wait_until, lambda: "ready." in up.output(), seconds=SECONDS, what="The ops worker")
        assert (tmp_path / "oncall.sqlite3").exists()
        await asyncio.to_thread(up.stop, 25.0)
    assert "Warm shutdown" in up.output()
    assert "was killed" not in up.output()


def answers(port: int) -> bool:
    """Return whether the bot says that it is ready."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:  # not there yet, or 503
        return False


def sleeper(mark: Path, *, stubborn: bool = False) -> list[str]:
    """Return a command that writes its process id and sleeps; a stubborn one ignores SIGTERM."""
    ignore = "signal.signal(signal.SIGTERM, signal.SIG_IGN); " if stubborn else ""
    program = f"import os, signal, time; {ignore}open('{mark}', 'w').write(str(os.getpid())); time.sleep(60)"
    return [sys.executable, "-c", program]


def ending(after: Path, code: str) -> list[str]:
    """Return a command that waits for a file and ends with `code`."""
    program = f"import os, sys, time\nwhile not os.path.exists('{after}'): time.sleep(0.01)\n{code}"
    return [sys.executable, "-c", program]


def gone(pid: int) -> bool:
    """Return whether no such process runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize(
    ("code", "returned", "words"),
    [
        ("sys.exit(3)", 3, "`bot` ended with code 3; ending the others.\n"),
        ("sys.exit(0)", 1, "`bot` ended with code 0; ending the others.\n"),
        ("os.kill(os.getpid(), 9)", 137, "`bot` was ended by SIGKILL; ending the others.\n"),
    ],
)
def test_when_one_ends_all_end_with_its_code(
    code: str, returned: int, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is restarted in silence: whoever supervises us sees it and decides."""
    mark = tmp_path / "pid"
    assert run_together({"bot": ending(mark, code), "worker": sleeper(mark)}, os.environ) == returned
    assert capsys.readouterr().err == words
    assert gone(int(mark.read_text()))


def test_a_child_that_does_not_end_is_killed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """After the grace, so that a stop always comes to an end."""
    mark = tmp_path / "pid"
    commands = {"bot": ending(mark, "sys.exit(3)"), "worker": sleeper(mark, stubborn=True)}
    assert run_together(commands, os.environ, grace_seconds=0.3) == 3
    assert capsys.readouterr().err.endswith("`worker` did not end in time and was killed.\n")
    assert gone(int(mark.read_text()))


def poll(ready: Callable[[], bool], what: str) -> None:
    """Wait until `ready()`."""
    deadline = time.monotonic() + 30
    while not ready():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_all(number: signal.Signals, tmp_path: Path) -> None:
    """That is how service managers and people stop it; it is no failure."""
    marks = [tmp_path / "a", tmp_path / "b"]
    commands = {mark.name: sleeper(mark) for mark in marks}
    program = (
        f"import os, sys; from bot.cli.together import run_together; sys.exit(run_together({commands}, os.environ))"
    )
    process = subprocess.Popen([sys.executable, "-c", program], start_new_session=True)
    try:
        poll(lambda: all(mark.exists() and mark.read_text() for mark in marks), "the children did not start")
        process.send_signal(number)
        assert process.wait(30) == 0
        assert all(gone(int(mark.read_text())) for mark in marks)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_a_second_signal_does_not_wait(tmp_path: Path) -> None:
    """Somebody who presses Ctrl-C twice means it."""
    mark = tmp_path / "a"
    commands = {"a": sleeper(mark, stubborn=True)}
    program = (
        f"import os, sys; from bot.cli.together import run_together; sys.exit(run_together({commands}, os.environ))"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, start_new_session=True)
    try:
        poll(lambda: mark.exists() and bool(mark.read_text()), "the child did not start")
        began = time.monotonic()
        while process.poll() is None and time.monotonic() - began < 20:
            process.send_signal(signal.SIGINT)
            time.sleep(0.3)
        assert process.returncode == 1
        assert gone(int(mark.read_text()))
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
