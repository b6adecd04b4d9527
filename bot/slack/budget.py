"""How much may go out to Slack, and who goes first. Pure: the time is passed in, in seconds of any steady clock.

Slack allows about one message a second and channel, short bursts pass, and 50 edits a minute over all threads; more is
answered with 429 and a Retry-After.
"""

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from bot.domain.card import Card, CardKind


class Method(StrEnum):
    """Methods of Slack's API that the publisher calls."""

    POST = "chat.postMessage"
    UPDATE = "chat.update"
    REACT = "reactions.add"
    HOME = "views.publish"


class Urgency(IntEnum):
    """Who goes first: a person who must act or waits for an answer, before numbers that are only refreshed."""

    TOLD = 0
    ANSWERED = 1
    KEPT_IN_STEP = 2
    MARKED = 3
    REFRESHED = 4


@dataclass(frozen=True)
class Outgoing:
    """The call that a card needs next. Posts are limited for each channel apart, the other methods over all."""

    method: Method
    channel: str
    urgency: Urgency

    @property
    def limit(self) -> tuple[str, str]:
        """Return under which of Slack's limits it falls."""
        return self.method.value, self.channel if self.method is Method.POST else ""


_TOLD = (CardKind.REQUEST, CardKind.REQUEST_DM, CardKind.NOTICE, CardKind.ENDING, CardKind.EXECUTION)
"""An execution's first message too: in a storm of alerts, who pressed a button must not wait behind all of them."""


def outgoing(card: Card) -> Outgoing:
    """Return the call that a card needs next."""
    if card.kind is CardKind.MARK:
        return Outgoing(Method.REACT, card.channel, Urgency.MARKED)
    if card.kind is CardKind.HOME:
        return Outgoing(Method.HOME, card.channel, Urgency.ANSWERED)
    if card.ts is not None:
        refresh = card.kind is CardKind.INCIDENT
        return Outgoing(Method.UPDATE, card.channel, Urgency.REFRESHED if refresh else Urgency.KEPT_IN_STEP)
    if card.kind is CardKind.REPEAT:
        return Outgoing(Method.POST, card.channel, Urgency.MARKED)
    return Outgoing(Method.POST, card.channel, Urgency.TOLD if card.kind in _TOLD else Urgency.ANSWERED)


@dataclass
class Bucket:
    """Tokens that come back at a steady rate, up to `most`."""

    most: float
    per_second: float
    left: float
    at: float

    def take(self, now: float, keep: float = 0.0) -> bool:
        """Take one token, if more than `keep` others stay for those who are more urgent."""
        self.left = min(self.most, self.left + (now - self.at) * self.per_second)
        self.at = now
        if self.left < 1 + keep:
            return False
        self.left -= 1
        return True

    def give_back(self) -> None:
        """Put one token back that was not used."""
        self.left = min(self.most, self.left + 1)


RATES: dict[Method, tuple[float, float]] = {
    Method.POST: (4, 1.0),
    Method.UPDATE: (10, 40 / 60),
    Method.REACT: (10, 40 / 60),
    Method.HOME: (10, 80 / 60),
}
"""Most at once, and how many a second: burst and rate together stay below what Slack allows a minute."""

KEPT_FOR_PEOPLE = 4.0
"""Edits that refreshes leave over for cards that somebody waits for."""


@dataclass
class Budget:
    """What may go out now."""

    _buckets: dict[tuple[str, str], Bucket] = field(default_factory=dict)
    _blocked: dict[tuple[str, str], float] = field(default_factory=dict)

    def take(self, call: Outgoing, now: float) -> bool:
        """Return whether the call may go out, and count it."""
        if now < self._blocked.get(call.limit, 0.0):
            return False
        keep = KEPT_FOR_PEOPLE if call.urgency is Urgency.REFRESHED else 0.0
        return self._bucket(call, now).take(now, keep)

    def give_back(self, call: Outgoing, now: float) -> None:
        """Uncount a call that turned out to be needless."""
        self._bucket(call, now).give_back()

    def block(self, call: Outgoing, until: float) -> None:
        """Slack said when it will take such calls again."""
        self._blocked[call.limit] = until

    def _bucket(self, call: Outgoing, now: float) -> Bucket:
        most, per_second = RATES[call.method]
        return self._buckets.setdefault(call.limit, Bucket(most, per_second, most, now))
