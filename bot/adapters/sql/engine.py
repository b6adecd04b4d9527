"""Engines for SQLite and PostgreSQL that behave alike: one writer at a time, reads of one moment, no endless waits."""

import os
import sqlite3
import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeVar
from weakref import WeakSet

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.pool import Pool

from bot.adapters.sql.address import is_sqlite

WRITE_LOCK = 0x6F6E63616C6C
"""Key of the advisory lock that a writing transaction holds on PostgreSQL ("oncall" in ASCII)."""

_CONNECT_SECONDS = 2
_IDLE_SECONDS = 30
_LOOK_SECONDS = 0.002
_POOL_SIZE, _POOL_OVERFLOW = 5, 20

R = TypeVar("R")


@dataclass(frozen=True)
class Patience:
    """How long to wait, in seconds: for the write lock (or a connection), and for one statement in all."""

    lock: float
    statement: float


def make_engine(url: URL, patience: Patience) -> Engine:
    """Return an engine whose transactions write, one after the other; see `reading` for the others."""
    engine = _sqlite(url, patience) if is_sqlite(url) else _postgres(url, patience)
    _engines.add(engine)
    return engine


def reading(engine: Engine) -> Engine:
    """Return the same engine for transactions that only read, all of it as of one moment, and wait for nobody."""
    if is_sqlite(engine.url):
        return engine.execution_options(reading=True)
    return engine.execution_options(reading=True, isolation_level="REPEATABLE READ", postgresql_readonly=True)


# --- SQLite ----------------------------------------------------------------------------------------------------------


def _sqlite(url: URL, patience: Patience) -> Engine:
    engine = create_engine(
        url, pool_size=_POOL_SIZE, max_overflow=_POOL_OVERFLOW, pool_timeout=patience.lock, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # else Python's module begins transactions by its own rules
        # A byte that is no UTF-8 (somebody edited the file) must reach the audit's verification, not end in an error.
        connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
        connection.execute(_busy_timeout(patience.lock))
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA recursive_triggers = ON")  # else REPLACE deletes without firing delete triggers
        connection.execute("PRAGMA synchronous = FULL")  # what was acknowledged to Slack survives a power cut

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        database = connection.connection.driver_connection
        assert isinstance(database, sqlite3.Connection)  # noqa: S101 - this engine has no others
        only_read = _only_reads(connection)
        database.execute(f"PRAGMA query_only = {int(only_read)}")
        if only_read:
            database.execute("BEGIN")
        else:
            _begin_to_write(database, patience.lock)

    return engine


def _begin_to_write(database: sqlite3.Connection, seconds: float) -> None:
    """Begin with the write lock; a transaction that takes it only later fails at once when somebody wrote since.

    The waiting is done here: SQLite itself soon looks but ten times a second, and among busy writers misses every gap.
    """
    deadline = time.monotonic() + seconds
    database.execute(_busy_timeout(0))
    try:
        while True:
            try:
                database.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as e:
                if e.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(_LOOK_SECONDS)
            else:
                return
    finally:
        database.execute(_busy_timeout(seconds))


def _busy_timeout(seconds: float) -> str:
    return f"PRAGMA busy_timeout = {round(seconds * 1000)}"


# --- PostgreSQL ------------------------------------------------------------------------------------------------------


def _postgres(url: URL, patience: Patience) -> Engine:
    engine = create_engine(
        url,
        isolation_level="READ COMMITTED",
        pool_pre_ping=True,
        pool_size=_POOL_SIZE,
        max_overflow=_POOL_OVERFLOW,
        pool_timeout=patience.lock,
        hide_parameters=True,
        connect_args={"connect_timeout": _CONNECT_SECONDS, "application_name": "celery-oncall"},
    )

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: object, _record: object, args: list[Any], options: dict[str, Any]) -> "_BoundedConnection":
        connection = _BoundedConnection.connect(*args, **options)
        connection.patience = patience.statement + 1  # the server's own limit comes first, if it still answers
        return connection

    @event.listens_for(engine, "connect")
    def prepare(connection: psycopg.Connection[Any], _record: object) -> None:
        limits = {
            "lock_timeout": patience.lock,
            "statement_timeout": patience.statement,
            "idle_in_transaction_session_timeout": _IDLE_SECONDS,  # a stopped process lets go of the write lock
        }
        for name, seconds in limits.items():
            connection.execute("SELECT set_config(%s, %s, false)", (name, f"{round(seconds * 1000)}ms"))
        connection.commit()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if not _only_reads(connection):
            # As on SQLite: what a writer finds stays true until it commits, and no two writers wait for each other.
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITE_LOCK})

    return engine


class _BoundedConnection(psycopg.Connection[Any]):
    """A connection that gives up on a server that keeps silent: the server's own limits need a server that runs."""

    patience: float | None = None

    def wait(self, gen: Generator[Any, Any, R], *args: Any, **options: Any) -> R:
        """Run one exchange with the server, for at most `patience` seconds; psycopg calls this for every exchange."""
        return super().wait(self._bounded(gen), *args, **options)

    def _bounded(self, gen: Generator[Any, Any, R]) -> Generator[Any, Any, R]:
        end = None if self.patience is None else time.monotonic() + self.patience
        try:
            wish = next(gen)
            while True:
                ready = yield wish
                if end is not None and not ready and time.monotonic() > end:
                    self.close()
                    raise psycopg.OperationalError(f"it did not answer within {self.patience:g} s")
                wish = gen.send(ready)
        except StopIteration as done:
            result: R = done.value
            return result


def _only_reads(connection: Connection) -> bool:
    return bool(connection.get_execution_options().get("reading"))


# --- fork ------------------------------------------------------------------------------------------------------------

_engines: WeakSet[Engine] = WeakSet()
_of_the_parent: list[Pool] = []


def _leave_to_parent() -> None:
    """Begin anew in a forked child. The parent's pools are kept from the garbage collector, which would close them."""
    for engine in tuple(_engines):
        _of_the_parent.append(engine.pool)
        engine.dispose(close=False)


if hasattr(os, "register_at_fork"):  # absent where there is no fork
    os.register_at_fork(after_in_child=_leave_to_parent)
