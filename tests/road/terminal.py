"""A program in a terminal of its own, as a person runs it, and everything that it started."""

import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_MARK = "ONCALL_TEST_MARK"
_CTRL_C = b"\x03"


class Terminal:
    """`celery-oncall demo <words>` in a pseudo-terminal; its temporary files lie in `folder`."""

    def __init__(self, folder: Path, *words: str) -> None:
        """Start it."""
        self.folder = folder
        self._mark = uuid.uuid4().hex
        self._ours, theirs = pty.openpty()
        self._said = b""
        self.process = subprocess.Popen(
            [str(Path(sys.executable).with_name("celery-oncall")), "demo", *words],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=folder,
            env={**os.environ, _MARK: self._mark, "TMPDIR": str(folder)},
            start_new_session=True,
            # Makes it the session's terminal, so that Ctrl-C becomes a signal there.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(theirs)

    def close(self) -> None:
        """Close the window: what runs in it is hung up on."""
        if self._ours >= 0:
            os.close(self._ours)
            self._ours = -1

    def said(self) -> str:
        """All that it has printed so far."""
        while self._ours >= 0 and select.select([self._ours], [], [], 0)[0]:
            try:
                more = os.read(self._ours, 65536)
            except OSError:  # Linux says so of a terminal whose program has ended
                more = b""
            if not more:
                break
            self._said += more
        return self._said.decode().replace("\r\n", "\n")

    def press_ctrl_c(self) -> None:
        """Interrupt it."""
        os.write(self._ours, _CTRL_C)

    def wait_for(self, condition: Callable[[], object], seconds: float = 90) -> None:
        """Poll until the condition holds; the program must not end before."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.02)

    def ended(self, seconds: float = 60) -> int:
        """Wait for its end; returns the exit code, as a shell shows it."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None:
            self.said()  # a full terminal would hold it up
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.02)
        code = self.process.returncode
        return 128 - code if code < 0 else code

    def started(self) -> set[int]:
        """The processes that it started and that run still, children's children too: they inherit a mark."""
        mark = f"{_MARK}={self._mark}".encode()
        found = set()
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it ended meanwhile, or is another user's
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.add(int(entry.name))
        return found - {self.process.pid}

    def left_behind(self) -> list[str]:
        """Temporary files and folders."""
        return sorted(p.name for p in self.folder.iterdir())

    def pid_of(self, words: str) -> int | None:
        """The first process that it started whose command line holds these words; None when there is none."""
        for pid in sorted(self.started()):
            with suppress(OSError):  # it ended meanwhile
                if words.encode() in (Path("/proc") / str(pid) / "cmdline").read_bytes():
                    return pid
        return None


@contextmanager
def terminal(folder: Path, *words: str) -> Iterator[Terminal]:
    """Run the playground in a terminal; whatever it leaves is killed at the end."""
    opened = Terminal(folder, *words)
    try:
        yield opened
    finally:
        opened.close()
        opened.process.kill()
        opened.process.wait()
        for pid in opened.started():
            with suppress(ProcessLookupError):  # it ended meanwhile
                os.kill(pid, signal.SIGKILL)
