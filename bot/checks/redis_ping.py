"""Whether the broker answers, how fast, and whether it can take writes."""

from pydantic import Field

from bot.domain.amounts import took
from bot.domain.broker import BrokerInfo
from bot.domain.cluster import ClusterSnapshot
from bot.domain.duration import lasting
from bot.domain.errors import BrokerRefuses, ClusterUnreachable
from bot.domain.run import Finding, Level
from bot.domain.troubles import Trouble, told
from bot.ports import Check, Params, Target


class RedisPingParams(Params):
    """How slow is slow."""

    slow: float = Field(default=0.1, gt=0, description="seconds to an answer above which it is a warning")


class RedisPing(Check[RedisPingParams]):
    """Does Redis answer, how fast, and can it take writes?"""

    name = "redis_ping"
    needs_snapshot = False
    params = RedisPingParams

    def run(self, params: RedisPingParams, snapshot: ClusterSnapshot, target: Target) -> Finding:  # noqa: ARG002
        """No answer is bad: that is what was asked."""
        try:
            info = target.diagnostics.broker_info()
        except ClusterUnreachable as e:
            up = isinstance(e, BrokerRefuses)  # it answers
            return Finding(level=Level.BAD, sentence=str(e), at=target.clock.now(), values={"up": up})
        level, sentence = told(_troubles(info, params), f"{_named(info)}.")
        values = {"up": True, "seconds": info.ping_seconds, "version": info.version or "", "role": info.role or ""}
        return Finding(level=level, sentence=sentence, at=info.at, values=values, unknown=untold(info))


def _troubles(info: BrokerInfo, params: RedisPingParams) -> list[Trouble]:
    found = []
    if info.loading:
        words = "Redis answers but still loads its data, and takes no commands: wait for it, and look at its log."
        found.append(Trouble(Level.BAD, words))
    if info.role in ("slave", "replica"):
        words = "This Redis is a replica, so nothing can be sent or taken: point the broker's URL to the primary."
        found.append(Trouble(Level.BAD, words))
    if info.ping_seconds > params.slow:
        words = (
            f"Redis answers in {took(info.ping_seconds)}, slower than {took(params.slow)}: look at its load, "
            "`SLOWLOG GET`, and the network."
        )
        found.append(Trouble(Level.WARN, words))
    return found


def _named(info: BrokerInfo) -> str:
    up = f", up for {lasting(info.uptime)}" if info.uptime is not None else ""
    return f"{info.version or 'Redis'} answers in {took(info.ping_seconds)}{up}"


def untold(info: BrokerInfo) -> tuple[str, ...]:
    """Return in sentences what the server would not tell; managed ones refuse CLIENT or CONFIG."""
    return tuple(f"Redis does not tell {refused}." for refused in info.refused)
