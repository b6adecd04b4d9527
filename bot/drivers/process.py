"""Workers as plain processes on the bot's own host, for installations without a process supervisor.

Each worker leads a session of its own and outlives the bot. Two files are kept for it in a folder: its process id, and
what it writes. A worker is stopped by SIGTERM alone, Celery's warm shutdown: what it runs is finished first. SIGQUIT,
the cold one, is never sent: it loses what runs, unless tasks are acknowledged late.
"""

import fcntl
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from bot.domain.cluster import WorkerGroup, in_group
from bot.domain.errors import BadInput, OncallError, UnknownName
from bot.drivers.command import detaches, with_excluded, with_name

STOP_SECONDS = 15.0
"""How long a warm stop is waited for, unless told otherwise; tasks may take longer, and are never cut short here.

It is shorter than the lease of an execution's claim, which gets no sign of life meanwhile.
"""

_POLL_SECONDS = 0.05


class WorkerStillStopping(OncallError):
    """A worker was asked to stop and still finishes what it runs; `seconds` is how long was waited."""

    def __init__(self, worker: str, pid: int, seconds: float) -> None:
        self.worker, self.pid, self.seconds = worker, pid, seconds
        super().__init__(
            f"`{worker}` (process {pid}) was asked to stop and still finishes its tasks after {seconds:g} s, so it was "
            "not started again. Restart it once more when it has ended; nothing was cut short."
        )


class ProcessDriver:
    """Starts and restarts workers on this host; implements the port `Driver`.

    `commands` are the start commands by name of worker group (with `*` as wildcard, as in the settings). A worker is
    named by its node name, `worker1@host`; without a host, this one is meant. It gets its name by `-n`. `env` is all of
    its environment: the bot's own holds secrets that are none of a worker's business. Raises BadInput for a command
    that cannot be used.
    """

    name = "process"

    def __init__(
        self,
        commands: Mapping[str, Sequence[str]],
        folder: Path,
        cwd: Path,
        env: Mapping[str, str],
        stop_seconds: float = STOP_SECONDS,
    ) -> None:
        for argv in commands.values():
            if detaches(argv):
                raise BadInput(f"`{' '.join(argv)}` leaves for the background by itself; take `-D` out of it.")
        if env.get("REMAP_SIGTERM"):
            raise BadInput(
                "`REMAP_SIGTERM` makes a cold stop of SIGTERM, by which the bot restarts workers: what they run would "
                "be lost. Take it out of the environment of the workers that the bot starts."
            )
        self._commands = {group: tuple(argv) for group, argv in commands.items()}
        self._folder, self._cwd, self._env = folder, cwd, dict(env)
        self._stop_seconds = stop_seconds
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, worker: str, without: Sequence[str]) -> None:
        """Start a worker that does not consume the queues in `without`; returns before it is ready.

        Raises UnknownName for a worker of no group, BadInput when it runs already or its program cannot be started.
        """
        worker = _full_name(worker)
        argv = self._argv(worker, without)
        with self._alone(worker):
            if pid := self._running(worker):
                raise BadInput(f"`{worker}` runs already, as process {pid}; restart it instead.")
            self._spawn(worker, argv)

    def restart(self, worker: str, without: Sequence[str]) -> None:
        """Stop a worker warmly and start it again; start it when it has ended by itself.

        Raises WorkerStillStopping when it has not ended in time, UnknownName, and BadInput for a worker that this
        driver never started: who runs it would start it again too.
        """
        worker = _full_name(worker)
        argv = self._argv(worker, without)
        with self._alone(worker):
            if not self._pid_file(worker).exists():
                raise BadInput(f"`{worker}` was not started by the bot; restart it the way it was started.")
            self._stop(worker)
            self._spawn(worker, argv)

    def _argv(self, worker: str, without: Sequence[str]) -> list[str]:
        for group, argv in self._commands.items():
            if in_group(worker, WorkerGroup(name=group, queues=())):
                return with_excluded(with_name(argv, worker), without)
        raise UnknownName("worker group with a start command for", worker, self._commands)

    def _spawn(self, worker: str, argv: Sequence[str]) -> None:
        with self._file(worker, "log").open("ab") as log:
            try:
                child = subprocess.Popen(  # noqa: S603 - the command is the team's own, from its settings
                    argv,
                    cwd=self._cwd,
                    env=self._env,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as e:
                raise BadInput(f"`{worker}` cannot be started: {e.strerror}: {e.filename}.") from e
        self._children[worker] = child  # kept, so that it is reaped when it has ended
        fresh = self._file(worker, "pid.new")
        fresh.write_text(f"{child.pid} {_born(child.pid)}\n")
        fresh.replace(self._pid_file(worker))

    def _stop(self, worker: str) -> None:
        pid = self._running(worker)
        if pid is None:
            return
        with suppress(ProcessLookupError):  # it ended just now
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + self._stop_seconds
        while self._running(worker) is not None:
            if time.monotonic() >= deadline:
                raise WorkerStillStopping(worker, pid, self._stop_seconds)
            time.sleep(_POLL_SECONDS)

    def _running(self, worker: str) -> int | None:
        """Return the process id of a worker while it lives; a later process of the same number is none of ours."""
        if child := self._children.get(worker):
            child.poll()
        try:
            pid, _, born = self._pid_file(worker).read_text().strip().partition(" ")
        except FileNotFoundError:
            return None
        return int(pid) if born and _born(int(pid)) == born else None

    @contextmanager
    def _alone(self, worker: str) -> Iterator[None]:
        """Keep other processes of the bot from starting the same worker meanwhile: a name must not run twice."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._file(worker, "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _pid_file(self, worker: str) -> Path:
        return self._file(worker, "pid")

    def _file(self, worker: str, kind: str) -> Path:
        return self._folder / f"{quote(worker, safe='@')}.{kind}"


def _full_name(worker: str) -> str:
    return worker if "@" in worker else f"{worker}@{socket.gethostname()}"


def _born(pid: int) -> str:
    """Return when a process began, in words of the system; empty when it has ended (a zombie has)."""
    try:
        # The name of the program, in parentheses, may hold anything; see proc(5) for the fields after it.
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if state == "Z" else fields[18]
    except (FileNotFoundError, ProcessLookupError):
        if Path("/proc/self").exists():  # else: a system without these files
            return ""
    command = ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()  # noqa: S603 - fixed
    return "" if not said or said[0].startswith("Z") else " ".join(said[1:])
