"""What should stand in Slack, and what does."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, insert, or_, select, update

from bot.adapters.sql.schema import cards
from bot.domain.card import Card, CardKind, card_id

_FIELDS = [cards.c[name] for name in Card.model_fields]


class SqlCards:
    """Implements `Cards` in one transaction.

    A card stays in the channel and thread where it was first wanted, because that is where its message stands. Only a
    dead card moves: a wish for another channel revives it there as a new message; a wish for the same channel is
    counted, but dead is dead.
    """

    def __init__(self, connection: Connection) -> None:
        """Work on the cards' table."""
        self._connection = connection

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
        card = self.get(kind, subject)
        if card is None:
            fresh = Card(
                id=card_id(kind, subject),
                version=1,
                kind=kind,
                subject=subject,
                channel=channel,
                thread_ts=thread_ts,
                text=text,
                wanted_at=at,
            )
            self._connection.execute(insert(cards).values(fresh.model_dump()))
            return
        self._change(card, _wish(card, at, text) | _revival(card, channel, thread_ts))

    def get(self, kind: CardKind, subject: str) -> Card | None:
        """Return the card, if it was ever wanted."""
        return next(iter(self._all(select(*_FIELDS).where(cards.c.id == card_id(kind, subject)))), None)

    def pending(self, now: datetime, limit: int = 50) -> list[Card]:
        """Return cards whose truth is ahead of Slack and whose `retry_at` has passed, oldest wish first; none dead."""
        behind = select(*_FIELDS).where(cards.c.wanted > cards.c.published, cards.c.dead.is_(None))
        due = behind.where(or_(cards.c.retry_at.is_(None), cards.c.retry_at <= now))
        return self._all(due.order_by(cards.c.wanted_at, cards.c.place).limit(limit))

    def published(self, card: Card) -> None:
        """Store what the publisher did: `published`, `ts`, `shown`, `dead`, `retry_at` of this card; never `wanted`.

        Does nothing when it is out of date: a later publication is stored already, or the card has moved since.
        """
        stored = self.get(card.kind, card.subject)
        if stored is None or stored.channel != card.channel or stored.published > card.published:
            return
        done = ("published", "ts", "shown", "dead", "retry_at")
        self._change(stored, {name: getattr(card, name) for name in done})

    def of_kind(self, kind: CardKind) -> list[Card]:
        """Return all cards of a kind, oldest first."""
        return self._all(select(*_FIELDS).where(cards.c.kind == kind).order_by(cards.c.place))

    def _change(self, card: Card, values: dict[str, Any]) -> None:
        self._connection.execute(update(cards).where(cards.c.id == card.id).values(version=card.version + 1, **values))

    def _all(self, query: Select[Any]) -> list[Card]:
        return [Card.model_validate(dict(row)) for row in self._connection.execute(query).mappings()]


def _wish(card: Card, at: datetime, text: str | None) -> dict[str, Any]:
    """Return one more wish. `wanted_at` stays while an earlier wish waits, so that a busy card cannot fall behind."""
    return {
        "wanted": card.wanted + 1,
        "wanted_at": card.wanted_at if card.wanted > card.published else at,
        "text": card.text if text is None else text,
    }


def _revival(card: Card, channel: str, thread_ts: str | None) -> dict[str, Any]:
    if card.dead is None or card.channel == channel:
        return {}
    return {"channel": channel, "thread_ts": thread_ts, "ts": None, "shown": None, "dead": None, "retry_at": None}
