"""A PostgreSQL server of one's own, with a fresh database for whoever asks."""

import functools
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import psycopg
from psycopg import sql

from playground.processes import ChildProcess, ProcessError
from playground.services import free_port

_NOBODY = 65534
_PORT_TRIES = 5


class PostgresServer:
    """A server on the loopback interface without durability; `programs` is the folder of initdb and postgres."""

    def __init__(self, programs: Path) -> None:
        """Make the data folder and start; raises ProcessError."""
        self._programs = programs
        # PostgreSQL refuses to run as root, and pytest's own folders are closed to everyone else.
        self._user = _NOBODY if os.geteuid() == 0 else None
        self._folder = Path(tempfile.mkdtemp(prefix="oncall-pg-"))
        self._numbers = itertools.count(1)
        if self._user is not None:
            os.chown(self._folder, self._user, self._user)
        self._initdb()
        self._process, self.port = self._start()

    def stop(self) -> None:
        """End the server and remove its data."""
        self._process.stop(grace=10, how=signal.SIGINT)
        shutil.rmtree(self._folder, ignore_errors=True)

    def create_database(self) -> str:
        """The SQLAlchemy URL of a new empty database."""
        name = f"test_{next(self._numbers)}"
        self._execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{name}"

    def drop_database(self, url: str) -> None:
        """Remove a database, whoever is still connected to it."""
        name = url.rpartition("/")[2]
        self._execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self._address(self.port), autocommit=True) as connection:
            connection.execute(statement)

    def _address(self, port: int) -> str:
        # By the socket in our own folder: a server there is ours, whoever holds the TCP port.
        return f"host={self._folder} port={port} user=postgres dbname=postgres connect_timeout=5"

    def _initdb(self) -> None:
        command = [str(self._programs / "initdb"), "-D", str(self._folder / "data"), "-U", "postgres"]
        command += ["-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
        owner = {} if self._user is None else {"user": self._user, "group": self._user, "extra_groups": []}
        done = subprocess.run(  # type: ignore[call-overload]  # the three owner arguments come as a dict
            command, cwd=self._folder, capture_output=True, text=True, timeout=60, check=False, **owner
        )
        if done.returncode:
            raise ProcessError(f"initdb failed: {done.stderr.strip()}")

    def _start(self) -> tuple[ChildProcess, int]:
        tries = _PORT_TRIES
        while True:
            tries -= 1
            port = free_port()
            process = self._spawn(port)
            try:
                process.wait_until(functools.partial(self._answers, port), seconds=60, what="PostgreSQL")
            except ProcessError:
                process.kill()
                if not tries:  # else: most likely another process took the free port first
                    raise
            else:
                return process, port

    def _spawn(self, port: int) -> ChildProcess:
        command = [str(self._programs / "postgres"), "-D", str(self._folder / "data"), "-F", "-k", str(self._folder)]
        command += ["-h", "127.0.0.1", "-p", str(port)]
        return ChildProcess(command, log=self._folder / "postgres.log", cwd=self._folder, user=self._user)

    def _answers(self, port: int) -> bool:
        try:
            psycopg.connect(self._address(port)).close()
        except psycopg.OperationalError:
            return False
        return True
