"""`make demo` in a terminal: however it ends, nothing of it runs on and nothing of it stays on the disk."""

import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.road.terminal import Terminal, terminal

pytestmark = [
    pytest.mark.service,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found by Linux's /proc"),
]

ADDRESS = "http://127.0.0.1:"


def assert_nothing_runs(opened: Terminal) -> None:
    """The guard, which kills what a killed program leaves, may need a moment after it."""
    deadline = time.monotonic() + 10
    while opened.started():
        assert time.monotonic() < deadline, opened.started()
        time.sleep(0.02)


def test_ctrl_c_ends_everything_once_it_runs(tmp_path: Path) -> None:
    """Servers, workers with their pools, bot, ops worker, beat and the temporary folders."""
    with terminal(tmp_path) as opened:
        opened.wait_for(lambda: ADDRESS in opened.said())
        assert len(opened.started()) > 12
        opened.press_ctrl_c()
        assert opened.ended() == 130
        assert opened.started() == set()
        assert opened.left_behind() == []
        assert opened.said().endswith("Ended, with all that it started.\n")
        assert "Traceback" not in opened.said()


@pytest.mark.parametrize("line", ["Starting the sample cluster", "Starting the bot"])
def test_ctrl_c_ends_everything_half_way(line: str, tmp_path: Path) -> None:
    """Somebody changes their mind while it starts."""
    with terminal(tmp_path) as opened:
        opened.wait_for(lambda: line in opened.said() and len(opened.started()) > 3)
        opened.press_ctrl_c()
        assert opened.ended() == 130
        assert opened.started() == set()
        assert opened.left_behind() == []
        assert "Traceback" not in opened.said()


def hang_up(opened: Terminal) -> None:
    """Close the window."""
    opened.close()


def terminate(opened: Terminal) -> None:
    """Ask it to end."""
    opened.process.terminate()


@pytest.mark.parametrize("end", [hang_up, terminate])
def test_other_ways_to_end_it_are_as_thorough(end: Callable[[Terminal], None], tmp_path: Path) -> None:
    """A closed window, a service manager's signal."""
    with terminal(tmp_path) as opened:
        opened.wait_for(lambda: "Starting the bot" in opened.said())
        end(opened)
        opened.ended()
        assert opened.started() == set()
        assert opened.left_behind() == []


def test_nothing_outlives_a_kill(tmp_path: Path) -> None:
    """It cannot tidy up; its guard still ends what it started."""
    with terminal(tmp_path) as opened:
        opened.wait_for(lambda: "Starting the bot" in opened.said() and len(opened.started()) > 8)
        opened.process.kill()
        assert opened.ended() == 128 + signal.SIGKILL
        assert_nothing_runs(opened)


def test_a_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    """It is found when the cluster runs already, which ends with it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with terminal(tmp_path, "--port", str(port)) as opened:
            assert opened.ended() == 1
            said = opened.said().splitlines()
            assert said[-1] == (
                f"✗ Port {port} cannot be used: address already in use. Choose another with `--port`, or leave it out."
            )
            assert "Traceback" not in opened.said()
            assert opened.started() == set()
            assert opened.left_behind() == []


def test_a_worker_that_dies_while_it_starts_is_one_sentence(tmp_path: Path) -> None:
    """An error half way ends the rest."""
    with terminal(tmp_path) as opened:
        opened.wait_for(lambda: opened.pid_of("priority_worker@playground"))
        os.kill(opened.pid_of("priority_worker@playground") or 0, signal.SIGKILL)
        assert opened.ended() == 1
        assert "✗ The worker priority_worker@playground ended while starting" in opened.said()
        assert "Traceback" not in opened.said()
        assert opened.started() == set()
        assert opened.left_behind() == []
