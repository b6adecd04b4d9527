"""An alert as it arrived, whatever system sent it."""

import hashlib
from enum import StrEnum

from pydantic import Field

from bot.domain.cluster import Value


class AlertStatus(StrEnum):
    """Whether the alert says that something is wrong, or that it no longer is."""

    FIRING = "firing"
    RESOLVED = "resolved"


class Alert(Value):
    """One alert message.

    `ts` is the message's Slack timestamp (unique in its channel, and what alerts are ordered by); `values` are bare
    label values where the sender gives no label names; `limit` the threshold it names, if any; `key` identifies the
    group it belongs to across firing, repeats and resolve. All text is as sent and untrusted.
    """

    status: AlertStatus
    name: str
    title: str
    channel: str
    ts: str
    sender: str
    key: str
    labels: dict[str, str] = Field(default_factory=dict)
    values: tuple[str, ...] = ()
    severity: str | None = None
    limit: int | None = None
    link: str | None = None

    def mentions(self) -> frozenset[str]:
        """Return every label value and bare value: where a queue's or cluster's name may be."""
        return frozenset((*self.labels.values(), *self.values))


def correlation_key(channel: str, sender: str, *identity: str) -> str:
    """Return a short stable key of what makes two messages the same alert."""
    return hashlib.sha256("\x1f".join((channel, sender, *identity)).encode()).hexdigest()[:20]


def order_of(ts: str) -> tuple[int, int]:
    """Return a Slack timestamp as a sortable pair of integers: floats would lose its last digits."""
    seconds, _, fraction = ts.partition(".")
    return int(seconds), int(fraction or 0)
