"""Somebody drops the triggers and rewrites the audit: the walk names the first entry that does not hold."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, create_engine, text

from bot.adapters.sql import SqlStore, migrate, open_store
from bot.domain.audit import AuditEntry, Broken, Sound
from tests.adapters.sql.chain import LENGTH, drop_triggers, forged, grow, put, restore
from tests.adapters.sql.conftest import NOW

Tamper = Callable[[Connection, list[AuditEntry]], None]


def sql(*statements: str) -> Tamper:
    """Return a tampering by plain statements."""

    def run(connection: Connection, _: list[AuditEntry]) -> None:
        for statement in statements:
            connection.exec_driver_sql(statement)

    return run


def replace(seq: int) -> Tamper:
    """Return the replacement of an entry by a forged one whose own link and hash are sound."""

    def run(connection: Connection, written: list[AuditEntry]) -> None:
        connection.execute(text(f"DELETE FROM audit_entries WHERE seq = {seq}"))
        put(connection, forged(seq, written[seq - 2].hash))

    return run


def insert_third(connection: Connection, written: list[AuditEntry]) -> None:
    """Move everything from the third entry on, and put a forged one in its place."""
    for seq in range(LENGTH, 2, -1):
        connection.execute(text(f"UPDATE audit_entries SET seq = {seq + 1} WHERE seq = {seq}"))
    put(connection, forged(3, written[1].hash))
    connection.execute(text("UPDATE audit_head SET seq = seq + 1"))


def append_past_head(connection: Connection, written: list[AuditEntry]) -> None:
    """Add a sound entry without moving the head."""
    put(connection, forged(LENGTH + 1, written[-1].hash))


TAMPERINGS: dict[str, tuple[Tamper, int]] = {
    **{
        f"one character of {column}": (
            sql(f"UPDATE audit_entries SET {column} = 'x' || substr({column}, 2) WHERE seq = 3"),
            3,
        )
        for column in ("actor", "event", "subject", "facts", "prev_hash", "hash")
    },
    "one letter in the facts": (sql("UPDATE audit_entries SET facts = replace(facts, 'w2', 'w3') WHERE seq = 3"), 3),
    "facts of the same meaning": (sql("UPDATE audit_entries SET facts = facts || ' ' WHERE seq = 3"), 3),
    "facts with a key twice": (sql("""UPDATE audit_entries SET facts = '{"a":1,"a":1}' WHERE seq = 3"""), 3),
    "facts with a float": (sql("UPDATE audit_entries SET facts = replace(facts, '3', '3.5') WHERE seq = 3"), 3),
    "facts that are no JSON": (sql("UPDATE audit_entries SET facts = '{' WHERE seq = 3"), 3),
    "facts that are no object": (sql("UPDATE audit_entries SET facts = '[]' WHERE seq = 3"), 3),
    "facts nested without end": (sql(f"UPDATE audit_entries SET facts = '{'[' * 100_000}' WHERE seq = 3"), 3),
    "one microsecond": (sql("UPDATE audit_entries SET at_us = at_us + 1 WHERE seq = 3"), 3),
    "one deleted": (sql("DELETE FROM audit_entries WHERE seq = 3"), 3),
    "first deleted": (sql("DELETE FROM audit_entries WHERE seq = 1"), 1),
    "tail cut": (sql("DELETE FROM audit_entries WHERE seq > 4"), 5),
    "all deleted": (sql("DELETE FROM audit_entries"), 1),
    "all deleted with the head": (sql("DELETE FROM audit_entries", "DELETE FROM audit_head"), 1),
    "head deleted": (sql("DELETE FROM audit_head"), 1),
    "head changed": (sql("UPDATE audit_head SET hash = 'f'"), 7),
    "two swapped": (
        sql(*(f"UPDATE audit_entries SET seq = {b} WHERE seq = {a}" for a, b in ((3, 9), (4, 3), (9, 4)))),
        3,
    ),
    "one inserted in the middle": (insert_third, 4),
    "one inserted before the first": (lambda c, _: put(c, forged(0, "0" * 64)), 1),
    "one inserted past the head": (append_past_head, 8),
    "one replaced in the middle": (replace(3), 4),
    "the last replaced": (replace(LENGTH), 7),
}


def test_the_walk_names_the_first_broken_entry(store: SqlStore, raw: Engine) -> None:
    """For each of these, on both databases."""
    written = grow(store)
    drop_triggers(raw)
    named = {}
    for name, (tamper, _) in TAMPERINGS.items():
        with raw.begin() as connection:
            tamper(connection, written)
        found = store.verify_audit()
        named[name] = found.seq if isinstance(found, Broken) else found
        with raw.begin() as connection:
            restore(connection, written)
        assert store.verify_audit() == Sound(entries=LENGTH, head_hash=written[-1].hash)
    assert named == {name: seq for name, (_, seq) in TAMPERINGS.items()}


def test_a_tampered_chain_can_still_be_read_and_exported(store: SqlStore, raw: Engine) -> None:
    """An auditor wants to see what is there."""
    grow(store)
    drop_triggers(raw)
    with raw.begin() as connection:
        connection.execute(text("UPDATE audit_entries SET facts = '{' WHERE seq = 3"))
    exported = store.export_audit()
    assert [e.seq for e in exported] == [1, 2, 3, 4, 5, 6]
    assert (exported[2].event, exported[2].facts["facts"]) == ("illegible", "'{'")
    with store.read() as tx:
        assert len(tx.audit.latest(10)) == 6


def test_a_tail_cut_together_with_the_head_shows_against_a_card(store: SqlStore, raw: Engine) -> None:
    """The database alone cannot know; the label on any later card is the outside witness."""
    written = grow(store)
    drop_triggers(raw)
    with raw.begin() as connection:
        connection.execute(text("DELETE FROM audit_entries WHERE seq > 4"))
        connection.execute(text("UPDATE audit_head SET seq = 4, hash = :h"), {"h": written[3].hash})
    assert store.verify_audit() == Sound(entries=4, head_hash=written[3].hash)
    assert written[5].label not in [e.label for e in store.export_audit()]


SQLITE_TYPES = {
    "no UTF-8": "UPDATE audit_entries SET actor = CAST(x'ff' AS TEXT) WHERE seq = 3",
    "no UTF-8 in facts": "UPDATE audit_entries SET facts = CAST(x'7b22ff223a317d' AS TEXT) WHERE seq = 3",
    "bytes for text": "UPDATE audit_entries SET actor = CAST(actor AS BLOB) WHERE seq = 3",
    "bytes for facts": "UPDATE audit_entries SET facts = CAST(facts AS BLOB) WHERE seq = 3",
    "text for a number": "UPDATE audit_entries SET at_us = 'yesterday' WHERE seq = 3",
    "fraction for a number": "UPDATE audit_entries SET at_us = at_us + 0.5 WHERE seq = 3",
    "bytes for a hash": "UPDATE audit_entries SET hash = CAST(hash AS BLOB) WHERE seq = 3",
}


@pytest.fixture
def sqlite_file(tmp_path: Path) -> Path:
    """The file of a SQLite database at the newest revision."""
    file = tmp_path / "oncall.db"
    migrate(f"sqlite:///{file}")
    return file


@pytest.mark.parametrize("name", SQLITE_TYPES)
def test_values_of_another_type_are_found(sqlite_file: Path, name: str) -> None:
    """SQLite stores anything in any column, even bytes that are no text."""
    store = open_store(f"sqlite:///{sqlite_file}")
    grow(store)
    raw = create_engine(f"sqlite:///{sqlite_file}")
    drop_triggers(raw)
    with raw.begin() as connection:
        connection.execute(text(SQLITE_TYPES[name]))
    found = store.verify_audit()
    assert isinstance(found, Broken)
    assert found.seq == 3
    assert len(store.export_audit()) == LENGTH
    store.close()
    raw.dispose()


@pytest.mark.parametrize("to", [b"w", b"\x00", b"\xff", b'"'])
def test_a_byte_changed_in_the_file_itself_is_found(sqlite_file: Path, to: bytes) -> None:
    """No trigger sees an editor."""
    store = open_store(f"sqlite:///{sqlite_file}")
    with store.write() as tx:
        for number in (1, 2, 3):
            tx.audit.append(NOW, "U0ANA", "started", "exe-1", {"note": f"unmistakable{number}"})
    store.close()  # the last connection's end moves everything from the log into the file
    content = sqlite_file.read_bytes()
    assert content.count(b"unmistakable2") == 1
    sqlite_file.write_bytes(content.replace(b"unmistakable2", b"unmistakable" + to))
    store = open_store(f"sqlite:///{sqlite_file}")
    found = store.verify_audit()
    store.close()
    assert isinstance(found, Broken)
    assert found.seq == 2
