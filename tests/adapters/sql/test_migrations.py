"""From an empty database, and from every revision there ever was, to the newest."""

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import BigInteger, Engine, Integer, MetaData, Table, Text, inspect, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from bot.adapters.sql import migrate, open_store, revision
from bot.adapters.sql.migration import VERSION_TABLE, known_revisions, upgrade
from bot.adapters.sql.schema import metadata
from bot.domain.audit import GENESIS, Sound
from bot.domain.errors import StoreUnavailable
from tests.adapters.sql.chain import forged, put, triggers

Start = Callable[[str, str], "subprocess.Popen[str]"]


def test_the_migrations_make_the_schema(url: str, raw: Engine) -> None:
    """Tables, columns, types and indexes are those that the store's queries are written for."""
    with raw.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []


def test_migrating_again_changes_nothing(url: str) -> None:
    """Every start of `celery-oncall up` does it."""
    before = revision(url)
    migrate(url)
    assert revision(url) == before == (known_revisions()[-1],) * 2


def test_three_processes_that_start_at_once_all_succeed(empty_url: str, start_process: Start) -> None:
    """Bot, ops worker and beat."""
    processes = [start_process("migrate", empty_url) for _ in range(3)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    failures = [process.communicate(timeout=60)[1] for process in processes]
    assert [p.returncode for p in processes] == [0, 0, 0], failures
    open_store(empty_url).close()


def test_many_threads_that_migrate_at_the_same_instant_all_succeed(
    empty_url: str, in_threads: Callable[..., list[None]]
) -> None:
    """Closer together than processes can be started."""
    assert in_threads(lambda _: migrate(empty_url), 6) == [None] * 6
    open_store(empty_url).close()


def test_migrating_waits_for_whoever_writes_to_the_file(tmp_path: Path) -> None:
    """SQLite itself does not wait here: the other one began before the file had its write-ahead log."""
    url = f"sqlite:///{tmp_path}/oncall.db"
    other = sqlite3.connect(tmp_path / "oncall.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    end = threading.Timer(0.3, other.close)
    end.start()
    migrate(url)
    end.join()
    assert revision(url)[0] == known_revisions()[-1]


@pytest.mark.parametrize("old", known_revisions())
def test_an_upgrade_from_each_revision_keeps_triggers_and_rows(empty_url: str, raw_empty: Engine, old: str) -> None:
    """Alembic's batch mode, for one, would drop triggers without a word."""
    upgrade(empty_url, old)
    tables = _tables(raw_empty)
    _fill(raw_empty, tables)
    before, had = _rows(raw_empty, tables), triggers(raw_empty)
    migrate(empty_url)
    assert _rows(raw_empty, tables) == before
    assert had.items() <= triggers(raw_empty).items()
    assert had
    store = open_store(empty_url)
    assert store.verify_audit() == Sound(entries=2, head_hash=store.export_audit()[-1].hash)
    store.close()
    for statement in ("UPDATE audit_entries SET actor = 'x'", "DELETE FROM audit_entries", "DELETE FROM audit_head"):
        with raw_empty.connect() as connection, pytest.raises(IntegrityError):
            connection.execute(text(statement))


def test_a_migration_that_fails_half_way_leaves_nothing(empty_url: str, raw_empty: Engine) -> None:
    """The last table's index cannot be made, because somebody has one of that name."""
    with raw_empty.begin() as connection:
        connection.execute(text("CREATE TABLE theirs (x INTEGER)"))
        connection.execute(text("CREATE INDEX ix_audit_entries_subject ON theirs (x)"))
    with pytest.raises((StoreUnavailable, DBAPIError), match="already exists"):
        migrate(empty_url)
    assert inspect(raw_empty).get_table_names() == ["theirs"]
    with raw_empty.begin() as connection:
        connection.execute(text("DROP TABLE theirs"))
    migrate(empty_url)


def test_the_migrations_are_found_from_any_folder(tmp_path: Path) -> None:
    """They come with the package, wherever it is installed and whatever the working folder is."""
    code = "import sys; from bot.adapters.sql import migrate; migrate(sys.argv[1])"
    url = f"sqlite:///{tmp_path}/oncall.db"
    subprocess.run([sys.executable, "-c", code, url], cwd=tmp_path, check=True, timeout=60)
    open_store(url).close()


def _tables(engine: Engine) -> list[Table]:
    reflected = MetaData()
    reflected.reflect(engine)
    return [t for t in reflected.sorted_tables if t.name != VERSION_TABLE]


def _fill(engine: Engine, tables: list[Table]) -> None:
    """Put a row into every table, and two entries into the audit."""
    with engine.begin() as connection:
        first = forged(1, GENESIS)
        put(connection, first)
        put(connection, forged(2, first.hash))
        for table in tables:
            if not table.name.startswith("audit"):
                connection.execute(table.insert(), {c.name: _value(c.name, c.type) for c in table.columns})


def _value(name: str, type_: object) -> Any:
    if isinstance(type_, BigInteger):
        return 1_700_000_000_123_456
    if isinstance(type_, Integer):
        return 7
    assert isinstance(type_, Text), "teach this test the new type"
    return '{"a": 1}' if name in ("document", "payload", "value") else f"{name} 'ä'"


def _rows(engine: Engine, tables: list[Table]) -> dict[str, list[Any]]:
    with engine.connect() as connection:
        return {t.name: [tuple(r) for r in connection.execute(t.select().order_by(*t.primary_key))] for t in tables}
