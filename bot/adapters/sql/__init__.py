"""The SQL store, on SQLite (one host) and PostgreSQL."""

from bot.adapters.sql.address import parse
from bot.adapters.sql.engine import Patience, make_engine
from bot.adapters.sql.migration import check_revision, migrate, revision
from bot.adapters.sql.store import SqlStore

__all__ = ["SqlStore", "migrate", "open_store", "revision"]


def open_store(url: str, *, busy_seconds: float = 2.0) -> SqlStore:
    """Open the database at `url` (DATABASE_URL), which must be at the newest revision.

    `busy_seconds` is how long a transaction waits for another process's write lock. Raises BadInput for a wrong
    address or revision, StoreUnavailable when the database does not answer.
    """
    engine = make_engine(parse(url), Patience(lock=busy_seconds, statement=busy_seconds + 1))
    try:
        check_revision(engine)
    except BaseException:
        engine.dispose()
        raise
    return SqlStore(engine)
