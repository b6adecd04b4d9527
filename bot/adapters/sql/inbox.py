"""What Slack sent, each delivery once."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from bot.adapters.sql.schema import inbox
from bot.ports import InboxEntry


class SqlInbox:
    """Implements `Inbox` in one transaction."""

    def __init__(self, connection: Connection) -> None:
        """Work on the inbox's table."""
        self._connection = connection

    def record(self, id: str, kind: str, payload: Mapping[str, Any], at: datetime) -> bool:
        """Store it; returns False when it is there already (a repeated delivery)."""
        if self._connection.scalar(select(inbox.c.id).where(inbox.c.id == id)) is not None:
            return False
        text = json.dumps(payload)
        self._connection.execute(insert(inbox).values(id=id, kind=kind, payload=text, received_at=at, attempts=0))
        return True

    def done(self, id: str, at: datetime) -> None:
        """Mark it handled; the first time counts."""
        unhandled = (inbox.c.id == id) & inbox.c.done_at.is_(None)
        self._connection.execute(update(inbox).where(unhandled).values(done_at=at))

    def attempt(self, id: str) -> None:
        """Count one more attempt at handling it."""
        self._connection.execute(update(inbox).where(inbox.c.id == id).values(attempts=inbox.c.attempts + 1))

    def unhandled(self, before: datetime) -> list[InboxEntry]:
        """Return what was received before that moment and never handled, oldest first."""
        waiting = select(inbox).where(inbox.c.done_at.is_(None), inbox.c.received_at < before)
        rows = self._connection.execute(waiting.order_by(inbox.c.received_at, inbox.c.place))
        return [InboxEntry(r.id, r.kind, json.loads(r.payload), r.received_at, r.attempts) for r in rows]

    def forget(self, before: datetime) -> int:
        """Delete handled entries received before that moment; returns how many."""
        handled = delete(inbox).where(inbox.c.done_at.is_not(None), inbox.c.received_at < before)
        return self._connection.execute(handled).rowcount
