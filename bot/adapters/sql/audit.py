"""The audit chain in SQL. Triggers hold it; see the first migration."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from bot.adapters.sql.schema import audit_entries, audit_head
from bot.domain.audit import AuditEntry, Broken, Sound, entry_after, verify

_AT_A_TIME = 500
_NUMBERS = ("seq", "at_us")


class SqlAudit:
    """Implements `Audit` in one transaction."""

    def __init__(self, connection: Connection) -> None:
        """Work on the audit's tables."""
        self._connection = connection

    def append(self, at: datetime, actor: str, event: str, subject: str, facts: Mapping[str, Any]) -> AuditEntry:
        """Add an entry in this transaction; `actor` is a Slack user id or "system".

        The head row is locked until the transaction ends; a trigger moves it on to the new entry.
        """
        head = self._connection.execute(select(audit_head.c.seq, audit_head.c.hash).with_for_update()).one()
        entry = entry_after((head.seq, head.hash), at, actor, event, subject, dict(facts))
        self._connection.execute(insert(audit_entries).values(entry.model_dump() | {"facts": _text_of(entry.facts)}))
        return entry

    def latest(self, limit: int = 10) -> list[AuditEntry]:
        """Return the newest entries, newest first."""
        rows = self._connection.execute(select(audit_entries).order_by(audit_entries.c.seq.desc()).limit(limit))
        return [entry_of(row) for row in rows]

    def about(self, subject: str) -> list[AuditEntry]:
        """Return the entries of one subject, oldest first."""
        of_subject = select(audit_entries).where(audit_entries.c.subject == subject)
        return [entry_of(row) for row in self._connection.execute(of_subject.order_by(audit_entries.c.seq))]


def all_entries(connection: Connection) -> Iterator[AuditEntry]:
    """Yield every entry in order, a few hundred at a time."""
    query = select(audit_entries).order_by(audit_entries.c.seq).execution_options(yield_per=_AT_A_TIME)
    with connection.execute(query) as rows:
        for row in rows:
            yield entry_of(row)


def verify_chain(connection: Connection) -> Sound | Broken:
    """Walk the whole chain and compare its end with the head row."""
    head = connection.execute(select(audit_head.c.seq, audit_head.c.hash)).one_or_none()
    if head is None:
        return Broken(seq=1, why="the row that names the newest entry is missing: the audit's tables were changed")
    return verify(all_entries(connection), (head.seq, head.hash))


def entry_of(row: Row[Any]) -> AuditEntry:
    """Return a row as an entry. One that the bot cannot have written becomes an entry that cannot give its own hash.

    A tampered row may hold anything: bytes that are no UTF-8, another type, or facts that mean the same in other bytes.
    """
    try:
        "".join(value for name, value in row._mapping.items() if name not in _NUMBERS).encode()
        facts = json.loads(row.facts)
        if _text_of(facts) != row.facts:
            raise ValueError("these are not the bytes that the bot writes")
        return AuditEntry.model_validate({**row._mapping, "facts": facts}, strict=True)
    except (ValueError, TypeError, RecursionError):  # pydantic's and Unicode's errors are kinds of ValueError
        return _illegible(row)


def _illegible(row: Row[Any]) -> AuditEntry:
    links = {name: value if _is_hash(value) else "" for name, value in row._mapping.items() if name.endswith("hash")}
    facts = {name: ascii(value) for name, value in row._mapping.items()}
    return AuditEntry(seq=row.seq, at_us=0, actor="", event="illegible", subject="", facts=facts, **links)


def _is_hash(value: object) -> bool:
    return isinstance(value, str) and value.isascii()


def _text_of(facts: Any) -> str:
    return json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
