"""Slack's clocks and counters, which a test may shorten."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Rules:
    """What Slack allows. Times in seconds; the defaults are Slack's own.

    `retry_after` are the waits before the second, third and fourth delivery of an event that nobody acknowledged.
    `burst` is how many messages to one channel pass before the limit of one a second bites. With `rate_limits`
    off nothing is ever refused with 429; `per_minute` overrides the tier of single methods.
    """

    ack: float = 3.0
    trigger: float = 3.0
    retry_after: tuple[float, ...] = (0.0, 60.0, 300.0)
    reply_url_life: float = 1800.0
    reply_url_uses: int = 5
    max_sockets: int = 10
    ticket_life: float = 30.0
    refresh_grace: float = 2.0
    rate_limits: bool = True
    burst: int = 10
    per_minute: Mapping[str, int] = field(default_factory=dict)
