"""Wrong addresses and wrong databases: one sentence each, and never the password."""

import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from bot.adapters.sql import SqlStore, migrate, open_store, revision
from bot.adapters.sql.address import parse
from bot.adapters.sql.migration import misfit
from bot.domain.errors import BadInput, OncallError, StoreUnavailable
from tests.services.network import SilentServer

WRONG = [
    ("", "not a database address"),
    ("oncall.db", "not a database address"),
    ("mysql://u:geheim@h/db", "`mysql`, which is not supported"),
    ("postgresql://u:geheim@h:port/db", "not a database address"),
    ("postgresql://u:ge@heim/geheim@h/db", "not a database address"),
    ("postgresql://u:geheim@h/db?no_such=1", "does not know"),
    ("sqlite://", "names no file"),
    ("sqlite:///:memory:", "names no file"),
    ("sqlite:///no-such-folder/oncall.db", "`no-such-folder`, which does not exist"),
    ("sqlite:////tmp/oncall.db?mode=ro", "without host or options"),
    ("sqlite://oncall.db", "without host or options"),
]


@pytest.mark.parametrize(("url", "says"), WRONG)
@pytest.mark.parametrize("use", [open_store, migrate, revision])
def test_a_wrong_address_is_one_sentence_without_the_password(
    use: Callable[[str], object], url: str, says: str
) -> None:
    """The sentence names the setting."""
    with pytest.raises(BadInput, match=r"^DATABASE_URL .*\.$") as caught:
        use(url)
    assert says in str(caught.value)
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_every_spelling_of_postgresql_uses_psycopg(scheme: str) -> None:
    """Also the one that hosting providers hand out."""
    assert parse(f"{scheme}://u:p%40ss@h:5433/db").render_as_string(hide_password=False) == (
        "postgresql+psycopg://u:p%40ss@h:5433/db"
    )


def test_an_empty_database_is_not_opened(empty_url: str) -> None:
    """The sentence says what to do."""
    with pytest.raises(BadInput, match=r"has no tables of celery-oncall yet; run `celery-oncall migrate`"):
        open_store(empty_url)


def test_asking_for_the_revision_makes_no_file(tmp_path: Path) -> None:
    """`doctor` looks and leaves no trace."""
    assert revision(f"sqlite:///{tmp_path}/oncall.db")[0] is None
    assert list(tmp_path.iterdir()) == []


def test_an_older_revision_is_named_beside_the_one_that_is_needed() -> None:
    """By example, because the first release knows one revision."""
    assert misfit("0002", ["0001", "0002"], "h/db") is None
    assert misfit("0001", ["0001", "0002"], "h/db") == (
        "The database (h/db) is at revision 0001, not at 0002; run `celery-oncall migrate`, or see that DATABASE_URL "
        "names the right one."
    )


@pytest.mark.parametrize("use", [open_store, migrate])
def test_a_newer_database_is_neither_opened_nor_changed(url: str, raw: Engine, use: Callable[[str], object]) -> None:
    """A newer version has upgraded it."""
    with raw.begin() as connection:
        connection.execute(text("UPDATE oncall_revision SET version_num = '9999'"))
    with pytest.raises(BadInput, match=r"at revision 9999, which this version .* does not know"):
        use(url)


def test_another_programs_database_is_left_alone(empty_url: str, raw_empty: Engine) -> None:
    """Its table of the same name keeps its rows, and no table of ours appears."""
    with raw_empty.begin() as connection:
        connection.execute(text("CREATE TABLE runs (theirs INTEGER)"))
    with pytest.raises(BadInput, match=r"tables of another program \(`runs`, say\)"):
        migrate(empty_url)
    assert revision(empty_url)[0] is None


def test_a_refused_connection_is_said_in_words_at_once(refused_port: int) -> None:
    """No traceback, no password."""
    with pytest.raises(StoreUnavailable, match=r"not answering \(127.0.0.1:\d+/db: Connection refused\)") as caught:
        open_store(f"postgresql://u:geheim@127.0.0.1:{refused_port}/db")
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("use", [open_store, revision])
def test_a_silent_server_is_given_up_after_two_seconds(
    silent_server: SilentServer, use: Callable[[str], object]
) -> None:
    """It accepts the connection and never answers."""
    began = time.monotonic()
    with pytest.raises(StoreUnavailable):
        use(f"postgresql://u@127.0.0.1:{silent_server.port}/db")
    assert time.monotonic() - began < 3.5


@pytest.mark.service
@pytest.mark.parametrize("change", [("postgres@", "nobody:geheim@"), ("/test_", "/no_such_")])
def test_a_wrong_user_or_database_name_is_said_in_words(postgres_url: str, change: tuple[str, str]) -> None:
    """PostgreSQL's own message says which."""
    with pytest.raises(StoreUnavailable, match="does not exist") as caught:
        revision(postgres_url.replace(*change))
    assert "geheim" not in str(caught.value)


def test_a_file_that_is_no_database_is_said_in_words(tmp_path: Path) -> None:
    """For every way in."""
    (tmp_path / "oncall.db").write_text("this is a text file of some length, and no database\n" * 100)
    for use in (open_store, migrate, revision):
        with pytest.raises(StoreUnavailable, match="the file is no SQLite database"):
            use(f"sqlite:///{tmp_path}/oncall.db")


def test_a_folder_in_place_of_the_file_is_said_in_words(tmp_path: Path) -> None:
    """SQLite cannot open it."""
    with pytest.raises(StoreUnavailable, match="the file cannot be opened"):
        migrate(f"sqlite:///{tmp_path}")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to any file")
def test_a_file_that_may_not_be_written_is_said_in_words(tmp_path: Path) -> None:
    """A store on it cannot work."""
    url = f"sqlite:///{tmp_path}/oncall.db"
    migrate(url)
    (tmp_path / "oncall.db").chmod(0o400)
    store = open_store(url)
    with pytest.raises(OncallError, match="read-only"), store.write() as tx:
        tx.set_note("x", 1)
    store.close()


def test_a_damaged_file_is_said_in_words(tmp_path: Path) -> None:
    """Pages overwritten by somebody else."""
    url, file = f"sqlite:///{tmp_path}/oncall.db", tmp_path / "oncall.db"
    migrate(url)
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    file.write_bytes(content)
    store: SqlStore | None = None
    with pytest.raises(StoreUnavailable, match="the file is damaged"):
        store = open_store(url)
    assert store is None
