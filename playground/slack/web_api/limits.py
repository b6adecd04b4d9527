"""How often an app may call: Slack's tiers, and one message a second and channel."""

import math
import time
from dataclasses import dataclass, field

from playground.slack.errors import Refused
from playground.slack.rules import Rules
from playground.slack.web_api.call import Call
from playground.slack.web_api.registry import Method


@dataclass
class _Bucket:
    most: float
    per_second: float
    left: float
    at: float

    def take(self, now: float) -> float:
        """Take one; 0, or the seconds to wait for it."""
        self.left = min(self.most, self.left + (now - self.at) * self.per_second)
        self.at = now
        if self.left < 1:
            return (1 - self.left) / self.per_second
        self.left -= 1
        return 0.0


@dataclass
class RateLimits:
    """Counts the calls of each app; people are not counted."""

    rules: Rules
    _buckets: dict[tuple[str, ...], _Bucket] = field(default_factory=dict)

    def check(self, method: Method, call: Call) -> None:
        """Refused(ratelimited) with `retry_after` seconds when the app called too often."""
        if not self.rules.rate_limits or call.caller.kind == "user":
            return
        if method.per_channel:
            self._take((call.caller.token, method.name, call.text("channel")), self.rules.burst, 1.0)
        else:
            per_minute = self.rules.per_minute.get(method.name, method.per_minute)
            self._take((call.caller.token, method.name), per_minute, per_minute / 60)

    def check_webhook(self, bot_id: str) -> None:
        """The same for an incoming webhook: one a second, short bursts pass."""
        if self.rules.rate_limits:
            self._take((bot_id, "webhook"), self.rules.burst, 1.0)

    def _take(self, key: tuple[str, ...], most: float, per_second: float) -> None:
        now = time.monotonic()
        bucket = self._buckets.setdefault(key, _Bucket(most, per_second, most, now))
        if wait := bucket.take(now):
            raise ratelimited(math.ceil(wait))


def ratelimited(retry_after: int) -> Refused:
    """The refusal that becomes 429 with `Retry-After`."""
    refused = Refused("ratelimited", f"Called too often; try again in {retry_after} s.")
    refused.fields["retry_after"] = max(1, retry_after)
    return refused
