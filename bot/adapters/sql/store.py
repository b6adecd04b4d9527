"""The store: transactions, leases and the audit as a whole."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine

from bot.adapters.sql import leases
from bot.adapters.sql.audit import SqlAudit, all_entries, verify_chain
from bot.adapters.sql.cards import SqlCards
from bot.adapters.sql.documents import EXECUTIONS, INCIDENTS, MITIGATIONS, REQUESTS, RUNS, Documents
from bot.adapters.sql.engine import reading
from bot.adapters.sql.failures import in_words
from bot.adapters.sql.forecasts import SqlForecasts
from bot.adapters.sql.history import SqlHistory
from bot.adapters.sql.inbox import SqlInbox
from bot.adapters.sql.notes import read_note, write_note
from bot.domain.action import Execution
from bot.domain.approval import ApprovalRequest
from bot.domain.audit import AuditEntry, Broken, Sound
from bot.domain.incident import Incident
from bot.domain.mitigation import Mitigation
from bot.domain.run import Run


class SqlTx:
    """Implements `Tx`."""

    def __init__(self, connection: Connection) -> None:
        """Work in the transaction of this connection."""
        self._connection = connection

    @property
    def incidents(self) -> Documents[Incident]:
        """Indexed by key, state, channel, root_ts."""
        return Documents(self._connection, INCIDENTS)

    @property
    def runs(self) -> Documents[Run]:
        """Indexed by incident_id."""
        return Documents(self._connection, RUNS)

    @property
    def requests(self) -> Documents[ApprovalRequest]:
        """Indexed by state, incident_id."""
        return Documents(self._connection, REQUESTS)

    @property
    def executions(self) -> Documents[Execution]:
        """Indexed by state, incident_id, request_id, undoes, mitigation_id."""
        return Documents(self._connection, EXECUTIONS)

    @property
    def mitigations(self) -> Documents[Mitigation]:
        """Indexed by state, cluster, target, incident_id."""
        return Documents(self._connection, MITIGATIONS)

    @property
    def inbox(self) -> SqlInbox:
        """What Slack sent."""
        return SqlInbox(self._connection)

    @property
    def cards(self) -> SqlCards:
        """What should stand in Slack."""
        return SqlCards(self._connection)

    @property
    def audit(self) -> SqlAudit:
        """The chain."""
        return SqlAudit(self._connection)

    @property
    def history(self) -> SqlHistory:
        """What was seen of clusters."""
        return SqlHistory(self._connection)

    @property
    def forecasts(self) -> SqlForecasts:
        """The forecasts that were made."""
        return SqlForecasts(self._connection)

    def lease(self, name: str, owner: str, now: datetime, seconds: float) -> bool:
        """Take or renew a named lease as part of this transaction; returns whether `owner` holds it."""
        return leases.take(self._connection, name, owner, now, seconds)

    def note(self, name: str) -> Any | None:
        """Return a small named JSON fact, or None."""
        return read_note(self._connection, name)

    def set_note(self, name: str, value: Any) -> None:
        """Store a small named JSON fact; None removes it."""
        write_note(self._connection, name, value)


class SqlStore:
    """Implements `Store`; safe to use from many threads and, after a fork, from the child.

    Transactions that write come one after the other, on PostgreSQL as on SQLite: what one of them finds stays true
    until it commits. So they must be short, and one must not begin inside another: `lease` and `release` are such
    transactions too.
    """

    def __init__(self, engine: Engine) -> None:
        """Use an engine whose database is at the newest revision; see `open_store`."""
        self._engine, self._reading = engine, reading(engine)

    @contextmanager
    def write(self) -> Iterator[SqlTx]:
        """Begin a transaction that may write; commits at the end, rolls back on an exception."""
        with in_words(self._engine.url), self._engine.begin() as connection:
            yield SqlTx(connection)

    @contextmanager
    def read(self) -> Iterator[SqlTx]:
        """Begin a transaction that only reads: all of it as it was at one moment. The database refuses writes in it."""
        with in_words(self._engine.url), self._reading.begin() as connection:
            yield SqlTx(connection)

    def lease(self, name: str, owner: str, now: datetime, seconds: float) -> bool:
        """Take or renew a named lease; returns whether `owner` holds it until `now` + `seconds`."""
        with in_words(self._engine.url), self._engine.begin() as connection:
            return leases.take(connection, name, owner, now, seconds)

    def release(self, name: str, owner: str) -> None:
        """Give a lease back, if `owner` holds it."""
        with in_words(self._engine.url), self._engine.begin() as connection:
            leases.give_back(connection, name, owner)

    def verify_audit(self) -> Sound | Broken:
        """Walk the whole audit chain."""
        with in_words(self._engine.url), self._reading.begin() as connection:
            return verify_chain(connection)

    def export_audit(self) -> Sequence[AuditEntry]:
        """Return every audit entry in order."""
        with in_words(self._engine.url), self._reading.begin() as connection:
            return list(all_entries(connection))

    def close(self) -> None:
        """Close the pooled connections."""
        self._engine.dispose()
