"""How full the broker's memory is, what it does when full, and what of it survives a restart."""

from datetime import datetime

from pydantic import Field

from bot.checks.redis_ping import untold
from bot.domain.amounts import percent, since, size
from bot.domain.broker import BrokerInfo
from bot.domain.cluster import ClusterSnapshot
from bot.domain.run import Finding, Level
from bot.domain.troubles import Trouble, level_above, table, told
from bot.domain.wording import counted
from bot.ports import Check, Params, Target

SAFE = "noeviction"


class RedisMemoryParams(Params):
    """How full is too full."""

    warn: float = Field(default=0.8, gt=0, le=1, description="share of maxmemory above which it is a warning")
    alert: float = Field(default=0.95, gt=0, le=1, description="share of maxmemory above which it is bad")


class RedisMemory(Check[RedisMemoryParams]):
    """Redis' memory, what it throws away when full, and whether messages survive its restart."""

    name = "redis_memory"
    needs_snapshot = False
    params = RedisMemoryParams

    def run(self, params: RedisMemoryParams, snapshot: ClusterSnapshot, target: Target) -> Finding:  # noqa: ARG002
        """A policy other than noeviction lets Redis delete what Celery believes to be there."""
        info = target.diagnostics.broker_info()
        if info.used_memory is None:
            sentence = "Redis does not say how much memory it uses."
            return Finding(level=Level.UNKNOWN, sentence=sentence, at=info.at, unknown=untold(info))
        troubles = [*_full(info, params), *_evicting(info), *_forgetting(info)]
        level, sentence = told(troubles, f"{_used(info)}; {_kept(info)}.")
        return Finding(
            level=level,
            sentence=sentence,
            at=info.at,
            values=_values(info),
            table=table(("what", "is"), _rows(info, target.clock.now())),
            unknown=(*untold(info), *_unsaid(info)),
        )


def _share(info: BrokerInfo) -> float | None:
    return info.used_memory / info.max_memory if info.used_memory and info.max_memory else None


def _used(info: BrokerInfo) -> str:
    used, share = size(info.used_memory or 0), _share(info)
    if share is not None:
        return f"{used} of {size(info.max_memory or 0)} used ({percent(share)})"
    return f"{used} used, without a limit" if info.max_memory == 0 else f"{used} used"


def _kept(info: BrokerInfo) -> str:
    ways = [*(["an append-only file"] if info.appendonly else []), *(["snapshots"] if info.save else [])]
    if ways:
        return f"kept on disk by {' and '.join(ways)}"
    return "not kept on disk" if _persists(info) is False else "whether it is kept on disk is not known"


def _persists(info: BrokerInfo) -> bool | None:
    if info.appendonly or info.save:
        return True
    return False if info.appendonly is False and info.save == "" else None


def _full(info: BrokerInfo, params: RedisMemoryParams) -> list[Trouble]:
    share = _share(info)
    level = level_above(share, params.warn, params.alert) if share is not None else Level.OK
    if level is Level.OK:
        return []
    words = (
        f"{_used(info)}: when it is full, nothing can be sent and no worker can answer. Raise `maxmemory`, or drain, "
        "purge or clean up what fills it (`/celery queues`, `/celery check old_results`)."
    )
    return [Trouble(level, words)]


def _evicting(info: BrokerInfo) -> list[Trouble]:
    if info.policy in (None, SAFE) or not info.max_memory:
        return []  # without a limit nothing is ever thrown away
    loses = "results and other keys with an end" if (info.policy or "").startswith("volatile") else "whole queues"
    threat = f"The eviction policy is {info.policy}: when memory is full, Redis deletes {loses} without a word."
    advice = f"Set `CONFIG SET maxmemory-policy {SAFE}` and the same in redis.conf."
    found = [Trouble(Level.WARN, f"{threat} {advice}")]
    if info.evicted:
        words = f"{counted(info.evicted, 'key')} evicted since Redis started: messages or results may be lost."
        level = Level.WARN if loses.startswith("results") else Level.BAD
        found.insert(0, Trouble(level, words))
    return found


def _forgetting(info: BrokerInfo) -> list[Trouble]:
    found = []
    if info.last_save_ok is False:
        words = "The last save to disk failed, after which Redis may refuse writes: look at its log and its disk."
        found.append(Trouble(Level.BAD, words))
    if info.append_ok is False:
        words = "Writing the append-only file failed: look at Redis' log and its disk before it restarts."
        found.append(Trouble(Level.BAD, words))
    if _persists(info) is False:
        words = (
            "Nothing is kept on disk: a restart of Redis loses every waiting message. Switch on `appendonly`, unless "
            "that is meant."
        )
        found.append(Trouble(Level.WARN, words))
    return found


def _rows(info: BrokerInfo, now: datetime) -> list[tuple[str, str]]:
    saved = f"{since(info.last_save_at, now)} ago" if info.last_save_at else "never"
    return [
        ("used", size(info.used_memory or 0)),
        ("limit", "none" if info.max_memory == 0 else size(info.max_memory) if info.max_memory else "not known"),
        ("policy", info.policy or "not known"),
        ("evicted", "not known" if info.evicted is None else f"{info.evicted:,}"),
        ("append-only file", {True: "on", False: "off", None: "not known"}[info.appendonly]),
        ("snapshots", "not known" if info.save is None else f"on, last {saved}" if info.save else "off"),
    ]


def _unsaid(info: BrokerInfo) -> tuple[str, ...]:
    facts = {"the eviction policy": info.policy, "its memory limit": info.max_memory}
    return tuple(f"Redis does not say {what}." for what, fact in facts.items() if fact is None)


def _values(info: BrokerInfo) -> dict[str, object]:
    return {
        "used": info.used_memory,
        "max": info.max_memory,
        "share": _share(info),
        "policy": info.policy or "",
        "evicted": info.evicted,
        "persists": _persists(info),
    }
