"""What can go wrong with Slack, on demand."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields

from playground.slack.errors import Json, Refused


@dataclass
class Faults:
    """Set a field, and Slack misbehaves until it is set back.

    `slow_api_seconds` delays every Web API call of apps. The next `rate_limit_next` calls are answered 429.
    `fail_api` maps a method (or `*`) to the error it answers. With `duplicate_events` every event comes twice with
    the same id. With `expire_triggers` every trigger_id is too old.
    """

    slow_api_seconds: float = 0.0
    rate_limit_next: int = 0
    rate_limit_retry_after: int = 1
    fail_api: dict[str, str] = field(default_factory=dict)
    duplicate_events: bool = False
    expire_triggers: bool = False
    _offline_until: float = 0.0
    _drop: Callable[[], None] = lambda: None
    _refresh: Callable[[], None] = lambda: None

    def attach(self, drop: Callable[[], None], refresh: Callable[[], None]) -> None:
        """Give the faults the sockets to act on."""
        self._drop, self._refresh = drop, refresh

    @property
    def offline(self) -> bool:
        """Whether Slack is unreachable for apps right now."""
        return time.monotonic() < self._offline_until

    def drop_sockets(self) -> None:
        """Cut every socket hard, without a goodbye."""
        self._drop()

    def refresh_sockets(self) -> None:
        """Ask every socket to reconnect, as Slack does every few hours."""
        self._refresh()

    def go_offline(self, seconds: float) -> None:
        """Cut the sockets and refuse apps for so long; 0 ends it."""
        self._offline_until = time.monotonic() + seconds
        if seconds > 0:
            self._drop()

    def take_rate_limit(self) -> bool:
        """Whether this call is one of those to answer 429."""
        if self.rate_limit_next <= 0:
            return False
        self.rate_limit_next -= 1
        return True

    def apply(self, wanted: Json) -> None:
        """Set faults from JSON: fields by name; `drop_sockets`, `refresh_sockets`, `offline_seconds` act at once."""
        settable = {f.name for f in fields(self) if not f.name.startswith("_")}
        acts = {"drop_sockets", "refresh_sockets", "offline_seconds"}
        if unknown := wanted.keys() - settable - acts:
            known = ", ".join(sorted(settable | acts))
            raise Refused("invalid_arguments", f"No such fault: {', '.join(sorted(unknown))}. Faults are {known}.")
        for name in settable & wanted.keys():
            setattr(self, name, wanted[name] if name != "fail_api" else _failures(wanted[name]))
        if wanted.get("drop_sockets"):
            self.drop_sockets()
        if wanted.get("refresh_sockets"):
            self.refresh_sockets()
        if wanted.get("offline_seconds") is not None:
            self.go_offline(float(wanted["offline_seconds"]))

    def shown(self) -> Json:
        """The faults now in force."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if not f.name.startswith("_")}
        return {**values, "offline_seconds": round(max(0.0, self._offline_until - time.monotonic()), 1)}


def _failures(wanted: object) -> dict[str, str]:
    if isinstance(wanted, str):
        return {"*": wanted} if wanted else {}
    return dict(wanted) if isinstance(wanted, dict) else {}
