"""Who is connected to the broker, how near that is to its limit, and whether a subscriber falls behind."""

from pydantic import Field

from bot.checks.redis_ping import untold
from bot.domain.amounts import percent, size
from bot.domain.broker import BrokerInfo
from bot.domain.cluster import ClusterSnapshot
from bot.domain.run import Finding, Level
from bot.domain.troubles import Trouble, brief, level_above, table, told
from bot.domain.wording import counted
from bot.ports import Check, Params, Target

SOFT_BUFFER, HARD_BUFFER = 8 << 20, 32 << 20
"""Redis' own limits of a subscriber's output buffer: 8 MB for 60 s, or 32 MB at once, and it is cut off."""


class RedisClientsParams(Params):
    """How full is too full."""

    warn: float = Field(default=0.8, gt=0, le=1, description="share of maxclients above which it is a warning")
    alert: float = Field(default=0.95, gt=0, le=1, description="share of maxclients above which it is bad")


class RedisClients(Check[RedisClientsParams]):
    """Connections to Redis by name against its limit, and subscribers that fall behind."""

    name = "redis_clients"
    needs_snapshot = False
    params = RedisClientsParams

    def run(self, params: RedisClientsParams, snapshot: ClusterSnapshot, target: Target) -> Finding:  # noqa: ARG002
        """Blocked clients are no trouble: a worker that waits for a message is one."""
        info = target.diagnostics.broker_info()
        if info.connected_clients is None:
            sentence = "Redis does not say how many clients it has."
            return Finding(level=Level.UNKNOWN, sentence=sentence, at=info.at, unknown=untold(info))
        level, sentence = told(_troubles(info, params), f"{_counted(info)}.")
        rows = sorted(info.clients.items(), key=lambda item: (-item[1], item[0]))
        return Finding(
            level=level,
            sentence=sentence,
            at=info.at,
            values=_values(info),
            table=table(("connections named", "n"), [(brief(name) or "(no name)", f"{n:,}") for name, n in rows]),
            unknown=untold(info),
        )


def _counted(info: BrokerInfo) -> str:
    most = f" of {info.max_clients:,}" if info.max_clients else ""
    blocked = f", {info.blocked_clients:,} of them waiting for messages" if info.blocked_clients else ""
    return f"{info.connected_clients or 0:,}{most} connections{blocked}"


def _troubles(info: BrokerInfo, params: RedisClientsParams) -> list[Trouble]:
    found = []
    share = _share(info)
    level = level_above(share, params.warn, params.alert) if share is not None else Level.OK
    if share is not None and level is not Level.OK:
        words = (
            f"{_counted(info)} ({percent(share)}): beyond the limit Redis refuses workers and producers. See below who "
            "holds most, lower `broker_pool_limit` or concurrency there, or raise `maxclients`."
        )
        found.append(Trouble(level, words))
    if info.rejected_connections:
        words = f"{counted(info.rejected_connections, 'connection')} refused since Redis started, for want of room."
        found.append(Trouble(Level.WARN, words))
    if info.pubsub_buffer is not None and info.pubsub_buffer >= SOFT_BUFFER:
        words = (
            f"A subscriber is {size(info.pubsub_buffer)} behind: at {size(SOFT_BUFFER)} for a minute, or "
            f"{size(HARD_BUFFER)}, Redis cuts it off, and events are missed. Look at the busiest event consumer."
        )
        found.append(Trouble(Level.BAD if info.pubsub_buffer >= HARD_BUFFER // 2 else Level.WARN, words))
    return found


def _share(info: BrokerInfo) -> float | None:
    return info.connected_clients / info.max_clients if info.connected_clients and info.max_clients else None


def _values(info: BrokerInfo) -> dict[str, object]:
    return {
        "connected": info.connected_clients,
        "max": info.max_clients,
        "share": _share(info),
        "blocked": info.blocked_clients,
        "kinds": info.client_kinds,
        "pubsub_buffer": info.pubsub_buffer,
    }
