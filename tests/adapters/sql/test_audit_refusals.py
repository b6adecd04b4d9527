"""With the triggers in place, the database refuses every statement that would rewrite the audit."""

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from bot.adapters.sql import SqlStore
from bot.domain.audit import AuditEntry, Broken, Sound
from tests.adapters.sql.chain import LENGTH, forged, grow, put

REFUSED = {
    "update of an entry": "UPDATE audit_entries SET actor = 'U0BAD' WHERE seq = 3",
    "update that changes nothing": "UPDATE audit_entries SET actor = actor WHERE seq = 3",
    "delete of an entry": "DELETE FROM audit_entries WHERE seq = 3",
    "delete of the newest": "DELETE FROM audit_entries WHERE seq = 6",
    "delete of all": "DELETE FROM audit_entries",
    "copy under a later number": (
        "INSERT INTO audit_entries SELECT seq + 6, at_us, actor, event, subject, facts, prev_hash, hash "
        "FROM audit_entries"
    ),
    "upsert": (
        "INSERT INTO audit_entries SELECT seq, at_us, 'U0BAD', event, subject, facts, prev_hash, hash "
        "FROM audit_entries WHERE seq = 3 ON CONFLICT (seq) DO UPDATE SET actor = excluded.actor"
    ),
    "head back": "UPDATE audit_head SET seq = 5, hash = (SELECT hash FROM audit_entries WHERE seq = 5)",
    "head forward without an entry": "UPDATE audit_head SET seq = 7",
    "head with another hash": "UPDATE audit_head SET hash = 'f'",
    "head under another id": "UPDATE audit_head SET id = 2",
    "delete of the head": "DELETE FROM audit_head",
    "another head": "INSERT INTO audit_head (id, seq, hash) VALUES (2, 0, 'f')",
}
REFUSED_BY_SQLITE = {
    "replace of an entry": (
        "REPLACE INTO audit_entries SELECT seq, at_us, 'U0BAD', event, subject, facts, prev_hash, hash "
        "FROM audit_entries WHERE seq = 3"
    ),
    "replace by update": "UPDATE OR REPLACE audit_entries SET seq = 3 WHERE seq = 4",
    "ignore": "INSERT OR IGNORE INTO audit_entries SELECT * FROM audit_entries WHERE seq = 3",
    "entry without number": (
        "INSERT INTO audit_entries (at_us, actor, event, subject, facts, prev_hash, hash) "
        "SELECT at_us, actor, event, subject, facts, hash, 'f' FROM audit_entries WHERE seq = 6"
    ),
    "replace of the head": "REPLACE INTO audit_head (id, seq, hash) VALUES (1, 0, 'f')",
}
REFUSED_BY_POSTGRES = {
    "truncate": "TRUNCATE audit_entries",
    "truncate of the head": "TRUNCATE audit_head",
    "truncate of both": "TRUNCATE audit_head, audit_entries CASCADE",
    "upsert that does nothing": (
        "INSERT INTO audit_entries SELECT * FROM audit_entries WHERE seq = 3 ON CONFLICT DO NOTHING"
    ),
}


@pytest.mark.parametrize("recursive_triggers", [False, True])
def test_every_rewriting_statement_is_refused(store: SqlStore, raw: Engine, recursive_triggers: bool) -> None:
    """Whatever settings the other program's connection has; afterwards the chain is as before."""
    written = grow(store)
    sqlite = raw.dialect.name == "sqlite"
    allowed = []
    for name, statement in (REFUSED | (REFUSED_BY_SQLITE if sqlite else REFUSED_BY_POSTGRES)).items():
        with raw.connect() as connection:
            if sqlite:
                connection.execute(text(f"PRAGMA recursive_triggers = {int(recursive_triggers)}"))
            try:
                connection.execute(text(statement))
            except IntegrityError:
                continue
            allowed.append(name)
    assert allowed == []
    assert store.export_audit() == written
    assert store.verify_audit() == Sound(entries=LENGTH, head_hash=written[-1].hash)


def test_an_entry_that_does_not_follow_the_head_is_refused(store: SqlStore, raw: Engine) -> None:
    """Before the first, in the middle, in place of the last, behind a gap, or linked to another than the last."""
    written = grow(store)
    for seq, link in [(0, 6), (1, 6), (3, 2), (6, 5), (6, 6), (8, 6), (7, 5)]:
        with raw.connect() as connection, pytest.raises(IntegrityError):
            put(connection, forged(seq, written[link - 1].hash))
    assert store.export_audit() == written


def test_an_entry_that_follows_the_head_moves_it(store: SqlStore, raw: Engine) -> None:
    """So nobody can write past the head; an entry whose content does not give its hash is found by the walk."""
    written = grow(store)
    with raw.begin() as connection:
        put(connection, forged(7, written[-1].hash))
    assert store.verify_audit() == Sound(entries=7, head_hash=store.export_audit()[-1].hash)
    with raw.begin() as connection:
        entry: AuditEntry = forged(8, store.export_audit()[-1].hash)
        put(connection, entry.model_copy(update={"actor": "U0ANA"}))
    assert store.verify_audit() == Broken(seq=8, why="entry #8 was changed: its content does not give its hash")
