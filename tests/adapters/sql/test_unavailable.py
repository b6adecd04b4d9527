"""A database that is locked, gone or silent: StoreUnavailable in words, in time, and life goes on afterwards."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack

import pytest
from sqlalchemy import Connection, Engine, text

from bot.adapters.sql import SqlStore
from bot.domain.errors import StoreUnavailable
from tests.adapters.sql.conftest import NOW

OpenAgain = Callable[..., SqlStore]


def test_a_locked_database_is_given_up_after_busy_seconds(store: SqlStore, open_again: OpenAgain) -> None:
    """Reading goes on meanwhile, and writing once the other has finished."""
    other = open_again(busy_seconds=0.5)
    with store.write() as holder:
        holder.set_note("a", 1)
        for use in (other.write().__enter__, lambda: other.lease("x", "me", NOW, 1), lambda: other.release("x", "me")):
            began = time.monotonic()
            with pytest.raises(StoreUnavailable, match="another process holds its write lock"):
                use()
            assert 0.4 < time.monotonic() - began < 1.5
        with other.read() as tx:
            assert tx.note("a") is None
    with other.write() as tx:
        assert tx.note("a") == 1


def test_a_process_without_free_connections_says_so(open_again: OpenAgain) -> None:
    """It is no other process's fault."""
    store = open_again(busy_seconds=0.2)
    with ExitStack() as many:
        for _ in range(25):
            many.enter_context(store.read())
        with pytest.raises(StoreUnavailable, match="all connections of this process are in use"):
            many.enter_context(store.read())
    with store.read() as tx:
        assert tx.note("a") is None


@pytest.mark.service
def test_connections_that_broke_while_idle_are_replaced_unnoticed(postgres_store: SqlStore, pg: Engine) -> None:
    """PostgreSQL was restarted overnight, say."""
    with postgres_store.write() as tx:
        tx.set_note("a", 1)
    _end_other_connections(pg)
    with postgres_store.write() as tx:
        assert tx.note("a") == 1


@pytest.mark.service
def test_a_connection_that_breaks_in_a_transaction_is_said_in_words(postgres_store: SqlStore, pg: Engine) -> None:
    """Nothing of the transaction is stored."""

    def lose_it() -> None:
        with postgres_store.write() as tx:
            tx.set_note("a", 1)
            _end_other_connections(pg)
            tx.set_note("b", 1)

    with pytest.raises(StoreUnavailable, match="not answering"):
        lose_it()
    with postgres_store.read() as tx:
        assert (tx.note("a"), tx.note("b")) == (None, None)


@pytest.mark.service
def test_a_server_that_falls_silent_is_given_up(postgres_store: SqlStore, pg: Engine) -> None:
    """Its own time limits do not help: the process that should keep them is stopped."""
    with postgres_store.read() as tx:
        tx.note("a")
    with pg.connect() as connection:
        (backend,) = _other_connections(connection)
    began = time.monotonic()

    def ask_a_stopped_server() -> None:
        with postgres_store.read() as tx:
            tx.note("a")
            os.kill(backend, signal.SIGSTOP)
            tx.note("a")

    try:
        with pytest.raises(StoreUnavailable, match=r"did not answer within 2\.5 s"):
            ask_a_stopped_server()
    finally:
        os.kill(backend, signal.SIGCONT)
    assert time.monotonic() - began < 5
    with postgres_store.read() as tx:
        assert tx.note("a") is None


def _other_connections(connection: Connection) -> list[int]:
    query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    return list(connection.scalars(text(query)))


def _end_other_connections(pg: Engine) -> None:
    with pg.connect() as connection:
        for pid in _other_connections(connection):
            connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
