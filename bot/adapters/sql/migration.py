"""Brings a database to the newest revision, and says at which one it is."""

from collections.abc import Sequence

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, inspect

from bot.adapters.sql.address import file_of, is_sqlite, parse, place
from bot.adapters.sql.engine import Patience, make_engine, reading
from bot.adapters.sql.failures import in_words
from bot.adapters.sql.schema import metadata
from bot.adapters.sql.wal import use_wal
from bot.domain.errors import BadInput

VERSION_TABLE = "oncall_revision"
"""A name of our own, so that another program's `alembic_version` is never taken for ours."""

_MIGRATING = Patience(lock=60, statement=600)
_ASKING = Patience(lock=2, statement=3)


def migrate(url: str) -> None:
    """Bring the database to the newest revision, all or nothing; of several processes at once, one does the work.

    Raises BadInput when it belongs to a newer version or to another program, StoreUnavailable when it does not answer.
    """
    upgrade(url, "head")


def upgrade(url: str, target: str) -> None:
    """Bring the database up to one revision; see `migrate`."""
    address = parse(url)
    engine = make_engine(address, _MIGRATING)
    try:
        with in_words(address):
            if is_sqlite(address):
                use_wal(engine, _MIGRATING.lock)
            # A transaction that writes holds the write lock, and both databases can roll back changes of tables.
            with engine.begin() as connection:
                _check_owner(connection, address)
                config = _config()
                config.attributes["connection"] = connection
                command.upgrade(config, target)
    finally:
        engine.dispose()


def revision(url: str) -> tuple[str | None, str]:
    """Return the database's revision (None: it has none yet) and the newest one that this program knows."""
    address = parse(url)
    engine = make_engine(address, _ASKING)
    try:
        return current_revision(engine), newest_revision()
    finally:
        engine.dispose()


def current_revision(engine: Engine) -> str | None:
    """Return the database's revision, or None; never makes a file."""
    if is_sqlite(engine.url) and not file_of(engine.url).exists():
        return None
    with in_words(engine.url), reading(engine).begin() as connection:
        return _revision_of(connection)


def newest_revision() -> str:
    """Return the newest revision that this version of the program knows."""
    return known_revisions()[-1]


def known_revisions() -> list[str]:
    """Return every revision, oldest first."""
    return [script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()][::-1]


def check_revision(engine: Engine) -> None:
    """Raise BadInput in one sentence unless the database is at the newest revision."""
    if trouble := misfit(current_revision(engine), known_revisions(), place(engine.url)):
        raise BadInput(trouble)


def misfit(current: str | None, known: Sequence[str], where: str) -> str | None:
    """Return in one sentence why a database at `current` does not fit a program that knows `known`; None if it does."""
    if current == known[-1]:
        return None
    if current is not None and current not in known:
        return (
            f"The database ({where}) is at revision {current}, which this version of celery-oncall does not know: "
            "a newer version has upgraded it; run that version."
        )
    has = "has no tables of celery-oncall yet" if current is None else f"is at revision {current}, not at {known[-1]}"
    return f"The database ({where}) {has}; run `celery-oncall migrate`, or see that DATABASE_URL names the right one."


def _check_owner(connection: Connection, address: URL) -> None:
    current, known = _revision_of(connection), known_revisions()
    if current is not None and current not in known:
        raise BadInput(misfit(current, known, place(address)))
    if current is None and (taken := sorted(set(inspect(connection).get_table_names()) & set(metadata.tables))):
        raise BadInput(
            f"The database ({place(address)}) holds tables of another program (`{taken[0]}`, say); "
            "give celery-oncall a database of its own."
        )


def _revision_of(connection: Connection) -> str | None:
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "bot.adapters.sql:migrations")  # package:folder, found in a wheel as well
    config.attributes["version_table"] = VERSION_TABLE
    return config
