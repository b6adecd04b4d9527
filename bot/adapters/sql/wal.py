"""SQLite's write-ahead log, without which readers and the writer would wait for each other."""

import sqlite3
import time

from sqlalchemy import Engine

_PAUSE_SECONDS = 0.05


def use_wal(engine: Engine, seconds: float) -> None:
    """Switch the file to WAL for good. SQLite does not always wait for its lock in this one statement: so wait here."""
    deadline = time.monotonic() + seconds
    connection = engine.raw_connection()
    try:
        while True:
            try:
                connection.cursor().execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as e:
                if e.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(_PAUSE_SECONDS)
            else:
                return
    finally:
        connection.close()
