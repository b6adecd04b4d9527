"""Children of the playground can be ended, frozen, and never outlive the process that started them."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from playground.processes import ChildProcess, ProcessError

_ROOT = Path(__file__).resolve().parents[2]
# A child with a grandchild that ignores SIGTERM; it prints both process ids.
_FAMILY = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = os.fork()
if child:
    print(os.getpid(), child, flush=True)
time.sleep(300)
"""


def _gone(pid: int) -> bool:
    """Whether the process ended; one that nobody has collected yet counts as ended."""
    with contextlib.suppress(FileNotFoundError):
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state == "Z"
    if Path("/proc/self").exists():
        return True
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return False
    return True


def _wait(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.01)


def _family(folder: Path) -> tuple[ChildProcess, list[int]]:
    process = ChildProcess([sys.executable, "-c", _FAMILY], log=folder / "family.log", cwd=folder)
    _wait(lambda: len(process.output().split()) == 2)
    return process, [int(pid) for pid in process.output().split()]


def test_stop_ends_the_whole_group_after_the_grace(tmp_path: Path) -> None:
    """A program that ignores SIGTERM is killed with its children when the grace is over."""
    process, pids = _family(tmp_path)
    process.stop(grace=0.1)
    assert not process.alive
    _wait(lambda: all(map(_gone, pids)))


def test_stop_reaches_a_frozen_program(tmp_path: Path) -> None:
    """A paused program is resumed, so that it can end in peace."""
    process = ChildProcess(["sleep", "300"], log=tmp_path / "log", cwd=tmp_path)
    process.pause()
    assert process.alive
    began = time.monotonic()
    process.stop(grace=30)
    assert time.monotonic() - began < 20


def test_leftover_children_end_when_the_program_ended_by_itself(tmp_path: Path) -> None:
    """Only the first program was killed, from outside: its child goes too, as soon as somebody looks."""
    process, pids = _family(tmp_path)
    os.kill(process.pid, signal.SIGKILL)
    _wait(lambda: not process.alive)
    _wait(lambda: all(map(_gone, pids)))


def test_program_that_ends_while_starting_is_reported_with_its_words(tmp_path: Path) -> None:
    """The error says what the log says."""
    process = ChildProcess(["sh", "-c", "echo no luck; exit 3"], log=tmp_path / "log", cwd=tmp_path)
    with pytest.raises(ProcessError, match="no luck"):
        process.wait_until(lambda: False, seconds=20, what="The program")


@pytest.mark.parametrize("end", ["kill -9", "normal end", "uncaught error"])
def test_children_end_with_their_parent(tmp_path: Path, end: str) -> None:
    """However the parent ends, a child started by one of its threads and the grandchild end as well."""
    script = textwrap.dedent(f"""
        import os, signal, sys, threading, time
        from pathlib import Path
        from playground.processes import ChildProcess
        folder = Path({str(tmp_path)!r})
        def start():
            ChildProcess([sys.executable, "-c", {_FAMILY!r}], log=folder / "family.log", cwd=folder)
        thread = threading.Thread(target=start)
        thread.start()
        thread.join()
        while len((folder / "family.log").read_text().split()) < 2:
            time.sleep(0.01)
        end = {end!r}
        if end == "kill -9":
            os.kill(os.getpid(), signal.SIGKILL)
        if end == "uncaught error":
            raise RuntimeError("on purpose")
    """)
    subprocess.run([sys.executable, "-c", script], cwd=_ROOT, timeout=60, check=False, capture_output=True)
    pids = [int(pid) for pid in (tmp_path / "family.log").read_text().split()]
    assert len(pids) == 2
    _wait(lambda: all(map(_gone, pids)))


def test_killed_guard_is_replaced_with_full_knowledge(tmp_path: Path) -> None:
    """After somebody kills the guard, the next start makes a new one that watches the earlier children too."""
    script = textwrap.dedent("""
        import os, signal, subprocess
        from playground.processes import Guard
        guard = Guard()
        first = subprocess.Popen(["sleep", "300"], start_new_session=True)
        guard.watch(first.pid)
        os.kill(guard.pid, signal.SIGKILL)
        os.waitid(os.P_PID, guard.pid, os.WEXITED | os.WNOWAIT)
        second = subprocess.Popen(["sleep", "300"], start_new_session=True)
        guard.watch(second.pid)
        print(first.pid, second.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    output = tmp_path / "pids"
    with output.open("wb") as stdout:  # a file: the children would hold a pipe open
        subprocess.run([sys.executable, "-c", script], cwd=_ROOT, timeout=60, check=False, stdout=stdout)
    pids = [int(pid) for pid in output.read_text().split()]
    assert len(pids) == 2
    _wait(lambda: all(map(_gone, pids)))
