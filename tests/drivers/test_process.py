"""Workers as plain processes: started apart from the bot, stopped warmly, never twice. The worker is a stand-in."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from bot.domain.errors import BadInput, UnknownName
from bot.drivers.process import ProcessDriver, WorkerStillStopping
from bot.ports import Driver

STAND_IN = f"""#!{sys.executable}
import json, os, signal, sys, time

def stop(*_):
    time.sleep(float(os.environ.get("LINGER", "0")))
    sys.exit(0)

signal.signal(signal.SIGTERM, stop)
facts = dict(pid=os.getpid(), leads=os.getsid(0) == os.getpid(), argv=sys.argv[1:])
facts |= dict(env=dict(os.environ), cwd=os.getcwd())
print("stand-in says hello", flush=True)
with open("started.tmp", "w") as file:
    json.dump(facts, file)
os.replace("started.tmp", "started.json")
while True:
    time.sleep(60)
"""


class Place:
    """A folder with a program named `celery`, and every process that was started there."""

    def __init__(self, folder: Path) -> None:
        self.cwd, self.records = folder / "app", folder / "records"
        self.cwd.mkdir()
        self.program = folder / "celery"
        self.program.write_text(STAND_IN)
        self.program.chmod(0o755)
        self.pids: set[int] = set()

    def driver(self, program: str | None = None, linger: float = 0, stop_seconds: float = 20) -> ProcessDriver:
        """A driver of one group, `worker*`."""
        command = [program or str(self.program), "-A", "app", "worker", "-Q", "a,b"]
        env = {"PATH": os.environ["PATH"], "LINGER": str(linger)}
        return ProcessDriver({"worker*": command}, self.records, self.cwd, env, stop_seconds)

    def started(self) -> dict[str, Any]:
        """What the latest start says of itself, once."""
        said = self.cwd / "started.json"
        wait_for(said.exists)
        facts: dict[str, Any] = json.loads(said.read_text())
        said.unlink()
        self.pids.add(facts["pid"])
        return facts


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    """Poll until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.02)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A place of the test's own; what was started there ends with the test."""
    made = Place(tmp_path)
    yield made
    for pid in made.pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_a_worker_is_started_apart_with_its_name_and_without_the_queues(place: Place) -> None:
    """It leads its own session, has the given environment alone, and its output is kept."""
    driver: Driver = place.driver()
    driver.start("worker2@a", ["b", "a"])
    facts = place.started()
    assert facts["argv"] == ["-A", "app", "worker", "-X", "a,b", "-n", "worker2@a", "-Q", "a,b"]
    assert facts["leads"]
    assert facts["cwd"] == str(place.cwd)
    assert set(facts["env"]) - {"LC_CTYPE", "__CF_USER_TEXT_ENCODING"} == {"PATH", "LINGER"}
    assert (place.records / "worker2@a.pid").read_text().split()[0] == str(facts["pid"])
    assert "hello" in (place.records / "worker2@a.log").read_text()


def test_a_name_without_a_host_means_this_host(place: Place) -> None:
    """So that one worker is never recorded under two names."""
    driver = place.driver()
    driver.start("worker1", [])
    assert f"worker1@{socket.gethostname()}" in place.started()["argv"]
    with pytest.raises(BadInput, match="runs already"):
        driver.start(f"worker1@{socket.gethostname()}", [])


def test_a_running_worker_is_not_started_twice_even_by_another_process(place: Place) -> None:
    """A name must not run twice; the record is found by a driver that did not start it."""
    place.driver().start("worker1@a", [])
    pid = place.started()["pid"]
    with pytest.raises(BadInput, match=f"`worker1@a` runs already, as process {pid}; restart it instead."):
        place.driver().start("worker1@a", [])


def test_a_restart_ends_the_old_process_first_and_changes_the_queues(place: Place) -> None:
    """Another process of the bot may do it; the old one is gone when the new one is there."""
    place.driver().start("worker1@a", [])
    old = place.started()["pid"]
    place.driver().restart("worker1@a", ["b"])
    facts = place.started()
    assert facts["pid"] != old
    assert not alive(old)
    assert facts["argv"][3:5] == ["-X", "b"]


def alive(pid: int) -> bool:
    """Whether a process runs; our own child that has ended is reaped."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_worker_that_does_not_stop_in_time_is_told_of_and_left_to_finish(place: Place) -> None:
    """Nothing is cut short and nothing is started beside it; once it has ended, a restart starts it."""
    driver = place.driver(linger=3, stop_seconds=0.2)
    driver.start("worker1@a", [])
    pid = place.started()["pid"]
    with pytest.raises(WorkerStillStopping) as said:
        driver.restart("worker1@a", [])
    assert f"`worker1@a` (process {pid}) was asked to stop and still finishes" in str(said.value)
    assert alive(pid)
    wait_for(lambda: not alive(pid))
    driver.restart("worker1@a", [])
    assert place.started()["pid"] != pid


def test_a_recycled_process_id_is_never_signalled(place: Place) -> None:
    """The record names a process that began at another time: it is somebody else's, and is left alone."""
    driver = place.driver()
    driver.start("worker1@a", [])
    os.kill(old := place.started()["pid"], signal.SIGKILL)
    wait_for(lambda: not alive(old))
    with subprocess.Popen(["sleep", "60"]) as stranger:
        record = place.records / "worker1@a.pid"
        record.write_text(f"{stranger.pid} {record.read_text().split(' ', 1)[1]}")
        driver.restart("worker1@a", [])
        assert place.started()["pid"] != stranger.pid
        assert stranger.poll() is None
        stranger.kill()


def test_a_worker_that_somebody_else_runs_is_not_restarted(place: Place) -> None:
    """Its own supervisor would start it as well."""
    with pytest.raises(BadInput, match=r"`worker1@a` was not started by the bot; restart it the way it was started."):
        place.driver().restart("worker1@a", [])


def test_commands_that_cannot_work_are_refused_in_words(place: Place) -> None:
    """Unknown worker, missing program, a command that hides its process, one that starts no worker."""
    with pytest.raises(UnknownName, match=r"no worker group with a start command for `cron@a`. Known: `worker\*`"):
        place.driver().start("cron@a", [])
    with pytest.raises(BadInput, match=r"`worker1@a` cannot be started: No such file or directory: /nowhere/celery."):
        place.driver(program="/nowhere/celery").start("worker1@a", [])
    with pytest.raises(BadInput, match="leaves for the background by itself; take `-D` out of it"):
        ProcessDriver({"w": ["celery", "worker", "-D"]}, place.records, place.cwd, {})
    with pytest.raises(BadInput, match="is `celery beat`, which starts no worker"):
        ProcessDriver({"w": ["celery", "beat"]}, place.records, place.cwd, {})
