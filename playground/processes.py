"""Child processes that can be paused, resumed and killed, and that never outlive this one."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_POLL_SECONDS = 0.01
# The shell waits for one line before it becomes the command: until then the guard may not know of it. If the parent
# dies first, the read fails and the command never starts.
_GATE = 'read -r _ && exec "$@" </dev/null'


class ProcessError(Exception):
    """A child process did not do what it was started for; the text is one sentence for people."""


class Guard:
    """The one small process that kills our children when we are gone; see `playground.guard`."""

    def __init__(self) -> None:
        """Start nothing yet: the process starts with the first child."""
        self._lock = threading.Lock()
        self._watched: set[int] = set()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id of the guard; None before the first child."""
        return None if self._process is None else self._process.pid

    def watch(self, group: int) -> None:
        """Have this process group killed when this process ends."""
        with self._lock:
            self._watched.add(group)
            self._tell(f"+{group}\n")

    def forget(self, group: int) -> None:
        """Stop watching a group that has ended, since its number may be used again."""
        with self._lock:
            self._watched.discard(group)
            self._tell(f"-{group}\n")

    def _tell(self, line: str) -> None:
        if self._process is not None:
            try:
                return self._write(self._process, line)
            except BrokenPipeError:  # somebody killed the guard: a new one learns all
                self._process.wait()
        script = str(Path(__file__).with_name("guard.py"))
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", script], stdin=subprocess.PIPE, bufsize=0, start_new_session=True
        )
        return self._write(self._process, "".join(f"+{group}\n" for group in self._watched))

    @staticmethod
    def _write(guard: "subprocess.Popen[bytes]", lines: str) -> None:
        if guard.stdin is not None:  # always so: a pipe was asked for
            guard.stdin.write(lines.encode())


_guard = Guard()


class ChildProcess:
    """A program in a process group of its own, with its output in a log file.

    `user` runs it under that user and group id (for servers that refuse root).
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        user: int | None = None,
    ) -> None:
        """Start the program at once."""
        self.log = log
        self._ended = False
        owner = {} if user is None else {"user": user, "group": user, "extra_groups": []}
        with log.open("ab") as output:
            self._popen = subprocess.Popen(  # type: ignore[call-overload]  # the three owner arguments come as a dict
                ["/bin/sh", "-c", _GATE, "gate", *command],
                cwd=cwd,
                env=None if env is None else dict(env),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **owner,
            )
        self.pid: int = self._popen.pid
        _guard.watch(self.pid)
        self._popen.stdin.write(b"go\n")
        self._popen.stdin.close()

    @property
    def alive(self) -> bool:
        """Whether the program still runs (a paused one does)."""
        if not self._ended and self._popen.poll() is not None:
            self._sweep()
        return not self._ended

    def send(self, number: int) -> None:
        """Send a signal to the program alone, not to its children; nothing happens when it has ended."""
        if self.alive:
            self._popen.send_signal(number)

    def pause(self) -> None:
        """Freeze the whole group, as a hung program would."""
        self._signal_group(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen group run on."""
        self._signal_group(signal.SIGCONT)

    def kill(self) -> None:
        """End the whole group at once, without any chance to tidy up."""
        self._signal_group(signal.SIGKILL)
        self._popen.wait()
        if not self._ended:
            self._sweep()

    def stop(self, grace: float = 5.0, how: int = signal.SIGTERM) -> None:
        """Ask the program to end, and kill the whole group after `grace` seconds."""
        self.send(how)
        self.resume()  # a frozen program cannot obey
        deadline = time.monotonic() + grace
        while self.alive and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        if self.alive:
            self.kill()

    def output(self) -> str:
        """Everything that the program has written so far."""
        return self.log.read_text(errors="replace")

    def wait_until(self, ready: Callable[[], bool], *, seconds: float, what: str) -> None:
        """Poll until `ready()`; raise ProcessError when the program ends before, or when time is up."""
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.alive:
                raise ProcessError(f"{what} ended while starting; its log says: {self.last_words()}")
            if time.monotonic() > deadline:
                raise ProcessError(f"{what} was not ready after {seconds:g} s; its log says: {self.last_words()}")
            time.sleep(_POLL_SECONDS)

    def last_words(self) -> str:
        """The last five lines of the log, on one line."""
        return " | ".join(self.output().splitlines()[-5:]) or "nothing"

    def _signal_group(self, number: int) -> None:
        if self.alive:
            with contextlib.suppress(ProcessLookupError):  # it ended between the look and the signal
                os.killpg(self.pid, number)

    def _sweep(self) -> None:
        """Kill what the program left behind, right when its end is noticed: later its number may be another's."""
        self._ended = True
        with contextlib.suppress(ProcessLookupError):  # it left nothing behind, the usual case
            os.killpg(self.pid, signal.SIGKILL)
        _guard.forget(self.pid)
