"""What Redis says of itself, as far as it is allowed to: INFO, CLIENT LIST and three settings.

Managed servers refuse CLIENT or CONFIG, and an ACL may refuse any; whatever is told is taken.
"""

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import redis

from bot.adapters.celery.wording import refusal
from bot.domain.broker import BrokerInfo


def broker_info(client: "redis.Redis", db: int, now: datetime) -> BrokerInfo:
    """Return what the broker says of itself in three round trips: the first connects, the second is timed."""
    client.ping()
    started = time.perf_counter()
    client.ping()
    took = time.perf_counter() - started
    pipeline = client.pipeline(transaction=False)
    pipeline.info()
    pipeline.client_list()
    for setting in ("maxmemory-policy", "appendonly", "save"):
        pipeline.config_get(setting)
    info, clients, *settings = pipeline.execute(raise_on_error=False)
    refused = {"INFO": info, "CLIENT LIST": clients, "CONFIG GET": settings[0]}
    told = info if isinstance(info, Mapping) else {}
    values = _clients(clients) | _persistence(told) | _settings(settings, told) | _memory(told) | _server(told, db)
    why = tuple(f"{what}: {refusal(said)}" for what, said in refused.items() if isinstance(said, Exception))
    return BrokerInfo(at=now, ping_seconds=took, refused=why, **values)


def _server(info: Mapping[str, Any], db: int) -> dict[str, Any]:
    valkey, here = info.get("valkey_version"), info.get(f"db{db}")
    version = f"Valkey {valkey}" if valkey else f"Redis {info['redis_version']}" if "redis_version" in info else None
    keys = here.get("keys") if isinstance(here, Mapping) else 0  # a database without keys is not in the list
    return {
        "version": version,
        "uptime": _whole(info.get("uptime_in_seconds")),
        "role": _text(info.get("role")),
        "connected_clients": _whole(info.get("connected_clients")),
        "blocked_clients": _whole(info.get("blocked_clients")),
        "max_clients": _whole(info.get("maxclients")),
        "rejected_connections": _whole(info.get("rejected_connections")),
        "loading": info.get("loading") == 1,
        "keys": _whole(keys) if info else None,
    }


def _memory(info: Mapping[str, Any]) -> dict[str, Any]:
    ratio = info.get("mem_fragmentation_ratio")
    return {
        "used_memory": _whole(info.get("used_memory")),
        "max_memory": _whole(info.get("maxmemory")),
        "fragmentation": float(ratio) if isinstance(ratio, int | float) else None,
        "evicted": _whole(info.get("evicted_keys")),
    }


def _persistence(info: Mapping[str, Any]) -> dict[str, Any]:
    saved = _whole(info.get("rdb_last_save_time"))
    return {
        "last_save_at": datetime.fromtimestamp(saved, UTC) if saved else None,
        "last_save_ok": _ok(info.get("rdb_last_bgsave_status")),
        "append_ok": _ok(info.get("aof_last_write_status")),
        "unsaved_changes": _whole(info.get("rdb_changes_since_last_save")),
    }


def _settings(answers: Iterable[object], info: Mapping[str, Any]) -> dict[str, Any]:
    """Return policy and persistence: by CONFIG, else what INFO says of them."""
    told: dict[str, Any] = {}
    for answer in answers:
        told |= answer if isinstance(answer, Mapping) else {}
    enabled = info.get("aof_enabled")
    append = told["appendonly"] == "yes" if "appendonly" in told else bool(enabled) if enabled is not None else None
    policy = told.get("maxmemory-policy", info.get("maxmemory_policy"))
    return {"policy": _text(policy), "appendonly": append, "save": _text(told.get("save"))}


def _clients(listed: object) -> dict[str, Any]:
    if not isinstance(listed, list):
        return {}
    clients = [c for c in listed if isinstance(c, Mapping)]
    buffers = [int(c.get("omem") or 0) for c in clients if _kind(c) == "pubsub"]
    return {
        "clients": dict(Counter(str(c.get("name") or "") for c in clients)),
        "client_kinds": dict(Counter(map(_kind, clients))),
        "pubsub_buffer": max(buffers, default=0),
    }


def _kind(client: Mapping[str, Any]) -> str:
    """Return what a connection is for, by the letters of its flags; see Redis's CLIENT LIST."""
    flags = str(client.get("flags") or "")
    kinds = {"P": "pubsub", "S": "replica", "M": "master"}
    return next((kind for letter, kind in kinds.items() if letter in flags), "normal")


def _ok(status: object) -> bool | None:
    return None if status is None else status == "ok"


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
