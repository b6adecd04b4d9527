"""An audit chain to tamper with, and the tamperer's tools."""

import json

from sqlalchemy import Connection, Engine, text

from bot.adapters.sql import SqlStore
from bot.adapters.sql.schema import audit_entries, audit_head
from bot.domain.audit import AuditEntry, entry_after
from tests.adapters.sql.conftest import NOW

LENGTH = 6


def grow(store: SqlStore, entries: int = LENGTH) -> list[AuditEntry]:
    """Append entries, each in a transaction of its own."""
    return [_append(store, number) for number in range(1, entries + 1)]


def _append(store: SqlStore, number: int) -> AuditEntry:
    with store.write() as tx:
        facts = {"number": number, "queue": "analytics", "workers": ["w1", "w2"]}
        return tx.audit.append(NOW, "U0ANA", "started", f"exe-{number % 2}", facts)


def forged(seq: int, prev_hash: str) -> AuditEntry:
    """Return an entry that was never written, with a sound hash of its own."""
    return entry_after((seq - 1, prev_hash), NOW, "U0BAD", "started", "exe-9", {})


INSERT = (
    "INTO audit_entries (seq, at_us, actor, event, subject, facts, prev_hash, hash) "
    "VALUES (:seq, :at_us, :actor, :event, :subject, '{}', :prev_hash, :hash)"
)


def put(connection: Connection, entry: AuditEntry, how: str = "INSERT") -> None:
    """Insert an entry without facts by plain SQL."""
    connection.execute(text(f"{how} {INSERT}"), entry.model_dump(exclude={"facts"}))


def triggers(engine: Engine) -> dict[str, str]:
    """Return the database's triggers: name and table."""
    query = {
        "sqlite": "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal",
    }
    with engine.connect() as connection:
        return {row[0]: row[1] for row in connection.execute(text(query[engine.dialect.name]))}


def drop_triggers(engine: Engine) -> None:
    """Do what whoever owns the database can do before changing the audit."""
    found = triggers(engine)
    assert found
    with engine.begin() as connection:
        for name, table in found.items():
            on_table = f" ON {table}" if engine.dialect.name == "postgresql" else ""
            connection.execute(text(f"DROP TRIGGER {name}{on_table}"))


def restore(connection: Connection, written: list[AuditEntry]) -> None:
    """Put the chain back as it was written; the triggers are dropped."""
    for table in (audit_entries, audit_head):
        connection.execute(table.delete())
    rows = [e.model_dump() | {"facts": json.dumps(e.facts, sort_keys=True, separators=(",", ":"))} for e in written]
    connection.execute(audit_entries.insert(), rows)
    connection.execute(audit_head.insert(), {"id": 1, "seq": written[-1].seq, "hash": written[-1].hash})
