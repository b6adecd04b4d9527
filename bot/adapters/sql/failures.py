"""Turns what the database drivers raise into StoreUnavailable: by error code, never by text."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import URL, exc

from bot.adapters.sql.address import place
from bot.domain.errors import StoreUnavailable

_SQLITE = {
    sqlite3.SQLITE_BUSY: "another process holds its write lock",
    sqlite3.SQLITE_LOCKED: "another process holds its write lock",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened",
    sqlite3.SQLITE_READONLY: "it is read-only here",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk reports an error",
    sqlite3.SQLITE_CORRUPT: "the file is damaged",
    sqlite3.SQLITE_NOTADB: "the file is no SQLite database",
    sqlite3.SQLITE_PERM: "the file may not be used by this user",
    sqlite3.SQLITE_AUTH: "the file may not be used by this user",
}
_POSTGRES = {
    "55P03": "another process holds its write lock",  # lock_not_available
    "57014": "a query took too long",  # query_canceled, by statement_timeout
    "53300": "it takes no more connections",  # too_many_connections
    "25006": "it is read-only here",  # read_only_sql_transaction: a standby, or a write where only reading is meant
    "40P01": "two processes waited for each other",  # deadlock_detected
    "42501": "its user lacks a permission",  # insufficient_privilege
}
_POSTGRES_CLASSES = {
    "08": "the connection broke",
    "28": "it refuses the user or password",
    "3D": "it has no database of that name",
    "53": "it is out of disk, memory or connections",
    "57": "it is starting up or shutting down",
    "58": "its disk reports an error",
}

_ADDRESS = re.compile(r"^(?:connection failed: )?connection to server .*? failed: (?:FATAL:)?")


@contextmanager
def in_words(url: URL) -> Iterator[None]:
    """Raise StoreUnavailable for a database that is locked, gone, refusing or slow; let our own mistakes through."""
    try:
        yield
    except exc.TimeoutError as e:
        raise StoreUnavailable("all connections of this process are in use") from e
    except (exc.DBAPIError, sqlite3.Error) as e:
        why = _why(e.orig if isinstance(e, exc.DBAPIError) else e)
        if why is None:
            raise
        raise StoreUnavailable(f"{place(url)}: {why}") from e


def _why(error: BaseException | None) -> str | None:
    if isinstance(error, sqlite3.Error):
        return _why_sqlite(error)
    if isinstance(error, psycopg.Error):
        return _why_postgres(error)
    return None


def _why_sqlite(error: sqlite3.Error) -> str | None:
    code = getattr(error, "sqlite_errorcode", None)  # absent where Python's own module refused, not SQLite
    if code is not None and code & 0xFF in _SQLITE:  # the low byte is the kind, the rest its detail
        return _SQLITE[code & 0xFF]
    return str(error) if isinstance(error, sqlite3.OperationalError) else None


def _why_postgres(error: psycopg.Error) -> str | None:
    state = error.sqlstate
    if state is None:  # the client's own: no connection came about, or it is lost
        unreachable = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
        return _in_a_clause(str(error)) if unreachable else None
    return _POSTGRES.get(state) or _POSTGRES_CLASSES.get(state[:2])


def _in_a_clause(text: str) -> str:
    """Return what libpq says, without the address (told already) and the hints in its further lines."""
    first, *_ = [*text.strip().splitlines(), ""]
    return " ".join(_ADDRESS.sub("", first).split()) or "the connection broke"
