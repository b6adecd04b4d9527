"""The database: the stored things, what Slack sent, the cards, the audit log, what was seen of clusters."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from bot.domain.action import Execution
from bot.domain.approval import ApprovalRequest
from bot.domain.audit import AuditEntry, Broken, Sound
from bot.domain.card import Card, CardKind
from bot.domain.history import Grain, Record
from bot.domain.incident import Incident
from bot.domain.mitigation import Mitigation
from bot.domain.run import Run
from bot.domain.scoring import KeptForecast

T = TypeVar("T")


class Collection(Protocol[T]):
    """The stored things of one noun. Items carry `id` and `version`; version 0 has never been stored."""

    def get(self, id: str) -> T:
        """Return the item; raises NotFound."""
        ...

    def find(self, *, newest: int | None = None, **equals: str | Sequence[str] | None) -> list[T]:
        """Return items whose indexed fields equal the given values (a sequence: any of them), oldest first.

        With `newest`, only so many of them, those added last. Raises KeyError for a field that is not indexed.
        """
        ...

    def next_id(self) -> str:
        """Return a fresh short id, unique for good ("inc-12")."""
        ...

    def add(self, item: T) -> T:
        """Store a new item; returns it at version 1."""
        ...

    def save(self, item: T) -> T:
        """Store a changed item; returns it at the next version; raises LostRace if somebody saved it since."""
        ...


@dataclass(frozen=True)
class InboxEntry:
    """Something Slack sent, written down before it was acknowledged. `payload` is Slack's own body."""

    id: str
    kind: str
    payload: Mapping[str, Any]
    received_at: datetime
    attempts: int = 0


class Inbox(Protocol):
    """Events, commands and clicks, each stored once before Slack gets its acknowledgement."""

    def record(self, id: str, kind: str, payload: Mapping[str, Any], at: datetime) -> bool:
        """Store it; returns False when it is there already (a repeated delivery)."""
        ...

    def done(self, id: str, at: datetime) -> None:
        """Mark it handled."""
        ...

    def attempt(self, id: str) -> None:
        """Count one more attempt at handling it."""
        ...

    def unhandled(self, before: datetime) -> list[InboxEntry]:
        """Return what was received before that moment and never handled, oldest first."""
        ...

    def forget(self, before: datetime) -> int:
        """Delete handled entries received before that moment; returns how many."""
        ...


class Cards(Protocol):
    """The cards: what should stand in Slack, and what does."""

    def want(
        self,
        kind: CardKind,
        subject: str,
        channel: str,
        at: datetime,
        *,
        thread_ts: str | None = None,
        text: str | None = None,
    ) -> None:
        """Say that the truth behind a card changed (or that it should exist now)."""
        ...

    def get(self, kind: CardKind, subject: str) -> Card | None:
        """Return the card, if it was ever wanted."""
        ...

    def pending(self, now: datetime, limit: int = 50) -> list[Card]:
        """Return cards whose truth is ahead of Slack and whose `retry_at` has passed, oldest wish first."""
        ...

    def published(self, card: Card) -> None:
        """Store what the publisher did: `published`, `ts`, `shown`, `dead`, `retry_at` of this card; never `wanted`."""
        ...

    def of_kind(self, kind: CardKind) -> list[Card]:
        """Return all cards of a kind."""
        ...


class Audit(Protocol):
    """The append-only chain."""

    def append(self, at: datetime, actor: str, event: str, subject: str, facts: Mapping[str, Any]) -> AuditEntry:
        """Add an entry in this transaction; `actor` is a Slack user id or "system"."""
        ...

    def latest(self, limit: int = 10) -> list[AuditEntry]:
        """Return the newest entries, newest first."""
        ...

    def about(self, subject: str) -> list[AuditEntry]:
        """Return the entries of one subject, oldest first."""
        ...


@dataclass(frozen=True)
class Mark:
    """A record of history without what is in it: when it ends, and up to when events were counted by then."""

    at: datetime
    heard_until: datetime | None


class History(Protocol):
    """What was seen of clusters, every few seconds and, merged, every minute."""

    def add(self, cluster: str, grain: Grain, record: Record, heard_until: datetime | None) -> None:
        """Store a record; one of the same moment is replaced."""
        ...

    def last(self, cluster: str, grain: Grain, by: datetime) -> Mark | None:
        """Return the newest record's mark that ends at `by` or before."""
        ...

    def first(self, cluster: str, grain: Grain, after: datetime) -> Mark | None:
        """Return the oldest record's mark that ends after a moment."""
        ...

    def between(self, cluster: str, grain: Grain, after: datetime, until: datetime) -> list[Record]:
        """Return the records that end after `after` and at `until` or before, oldest first."""
        ...

    def forget(self, before: datetime, limit: int, *, cluster: str | None = None, grain: Grain | None = None) -> int:
        """Delete at most `limit` records, oldest first, that ended before that moment; returns how many."""
        ...


class Forecasts(Protocol):
    """The forecasts that were made of queues, and what became of them."""

    def add(self, cluster: str, made: KeptForecast) -> None:
        """Store one."""
        ...

    def open(self, cluster: str) -> list[tuple[str, int]]:
        """Return the queues and goals of those that are not decided yet."""
        ...

    def drained(self, cluster: str, queue: str, goal: int, at: datetime) -> int:
        """Decide those made before `at` and due then or later: the queue fell below `goal`. Returns how many."""
        ...

    def overdue(self, cluster: str, now: datetime) -> int:
        """Decide those that were due before `now`: the queue did not drain. Returns how many."""
        ...

    def void(self, cluster: str, now: datetime, *, made_by: datetime, queue: str | None = None) -> int:
        """End undecided ones made by a moment: they can be decided no more. Returns how many."""
        ...

    def ended(self, cluster: str, since: datetime, limit: int) -> list[KeptForecast]:
        """Return the newest decided ones made since that moment, oldest first; void ones are left out."""
        ...

    def forget(self, before: datetime, limit: int) -> int:
        """Delete at most `limit` of those made before that moment; returns how many."""
        ...


class Tx(Protocol):
    """One transaction. Everything read and written in it is one step."""

    @property
    def incidents(self) -> Collection[Incident]:
        """Indexed by key, state, channel, root_ts."""
        ...

    @property
    def runs(self) -> Collection[Run]:
        """Indexed by incident_id."""
        ...

    @property
    def requests(self) -> Collection[ApprovalRequest]:
        """Indexed by state, incident_id."""
        ...

    @property
    def executions(self) -> Collection[Execution]:
        """Indexed by state, incident_id, request_id, undoes, mitigation_id."""
        ...

    @property
    def mitigations(self) -> Collection[Mitigation]:
        """Indexed by state, cluster, target, incident_id."""
        ...

    @property
    def inbox(self) -> Inbox:
        """What Slack sent."""
        ...

    @property
    def cards(self) -> Cards:
        """What should stand in Slack."""
        ...

    @property
    def audit(self) -> Audit:
        """The chain."""
        ...

    @property
    def history(self) -> History:
        """What was seen of clusters."""
        ...

    @property
    def forecasts(self) -> Forecasts:
        """The forecasts that were made."""
        ...

    def lease(self, name: str, owner: str, now: datetime, seconds: float) -> bool:
        """Take or renew a lease as `Store.lease` does, as part of this transaction."""
        ...

    def note(self, name: str) -> Any | None:
        """Return a small named JSON fact ("frozen", "roles", "last audit check"), or None."""
        ...

    def set_note(self, name: str, value: Any) -> None:
        """Store a small named JSON fact; None removes it."""
        ...


class Store(Protocol):
    """The database. All calls block; they raise StoreUnavailable when it does not answer in time."""

    def write(self) -> AbstractContextManager[Tx]:
        """Begin a transaction that may write; commits at the end, rolls back on an exception.

        They run one after the other: what one of them found stays true until it commits. So they must be short, and
        one must not begin inside another.
        """
        ...

    def read(self) -> AbstractContextManager[Tx]:
        """Begin a transaction that only reads."""
        ...

    def lease(self, name: str, owner: str, now: datetime, seconds: float) -> bool:
        """Take or renew a named lease; returns whether `owner` holds it until `now` + `seconds`."""
        ...

    def release(self, name: str, owner: str) -> None:
        """Give a lease back, if `owner` holds it."""
        ...

    def verify_audit(self) -> Sound | Broken:
        """Walk the whole audit chain."""
        ...

    def export_audit(self) -> Sequence[AuditEntry]:
        """Return every audit entry in order."""
        ...
