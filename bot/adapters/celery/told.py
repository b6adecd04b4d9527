"""Which workers were told to send task events, and which of them said that they do, life by life of their processes."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 60.0
"""Seconds until a worker that did not answer is told again the first time, and at most; each doubles."""

REFUSALS = 5
"""How often a worker may answer with an error before it is let be for this life of its process."""

FORGET_SECONDS = 600.0
"""How long a worker is remembered, and told again, after it was last seen."""

_SAME_LIFE = timedelta(seconds=5)
"""A start that is worked out from an uptime in whole seconds differs by a second or two from look to look."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A worker that is known to run: `pid` and `since` tell this life of its process from the one before.

    `sends` says that its task events are heard; `silent` that it has not been heard for a while.
    """

    name: str
    pid: int | None
    since: datetime
    sends: bool = False
    silent: bool = False

    def same_life(self, other: "Sighting") -> bool:
        """Whether both are of one life of one process."""
        return self.pid == other.pid and abs(self.since - other.since) <= _SAME_LIFE


@dataclass
class _Standing:
    seen: float
    next_at: float
    pause: float = FIRST_PAUSE
    refused: int = 0
    done: bool = False
    announced: bool = False
    epoch: int = 0
    life: Sighting | None = None

    def again(self, now: float) -> None:
        """Begin anew: it may be another process."""
        self.next_at, self.pause, self.refused, self.done = now, FIRST_PAUSE, 0, False
        self.epoch += 1


class Told:
    """What is left to say, and to whom. Safe to use from many threads; `now` tells the time in seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """Know nobody."""
        self._now = now
        self._lock = threading.Lock()
        self._standings: dict[str, _Standing] = {}

    def came_online(self, name: str) -> None:
        """Begin anew with a worker that announced itself: it has started, or has connected again.

        From now on its own word counts alone: what was heard of it may be of the process before.
        """
        with self._lock:
            standing = self._standing(name)
            standing.again(self._now())
            standing.announced = True

    def see(self, sightings: Iterable[Sighting]) -> None:
        """Take in who is there; a new life begins anew, and one that is heard again is told without delay."""
        with self._lock:
            for sighting in sightings:
                self._see(self._standing(sighting.name), sighting)
            now = self._now()
            self._standings = {n: s for n, s in self._standings.items() if now - s.seen <= FORGET_SECONDS}

    def due(self) -> dict[str, int]:
        """Return the workers to be told now, each with a number that `answered` wants back."""
        now = self._now()
        with self._lock:
            return {n: s.epoch for n, s in sorted(self._standings.items()) if not s.done and s.next_at <= now}

    def rest(self) -> float | None:
        """Return in how many seconds somebody is due; None while there is nothing to say."""
        now = self._now()
        with self._lock:
            left = [s.next_at - now for s in self._standings.values() if not s.done]
        return max(0.0, min(left)) if left else None

    def answered(self, told: Mapping[str, int], replies: Mapping[str, object]) -> tuple[list[str], dict[str, str]]:
        """Record the replies of those who were told; returns who now sends events, and who never will and why.

        A reply to what was said before somebody announced itself anew may be of the process before, and is dropped.
        """
        on, never = [], {}
        with self._lock:
            for name, epoch in told.items():
                standing, reply = self._standings.get(name), replies.get(name)
                if standing is None or standing.epoch != epoch:
                    continue
                self._settle(standing, reply)
                if _yes(reply):
                    on.append(name)
                elif standing.done:
                    never[name] = _complaint(reply)
        return on, never

    def _settle(self, standing: _Standing, reply: object) -> None:
        standing.refused += reply is not None and not _yes(reply)
        standing.done = _yes(reply) or standing.refused >= REFUSALS
        standing.next_at = self._now() + standing.pause
        standing.pause = min(standing.pause * 2, LONGEST_PAUSE)

    def _see(self, standing: _Standing, sighting: Sighting) -> None:
        before, standing.life = standing.life, sighting
        if before is not None and not sighting.same_life(before):
            standing.again(self._now())
        elif before is not None and before.silent and not sighting.silent:
            standing.next_at, standing.pause = self._now(), FIRST_PAUSE
        if sighting.sends and not standing.announced:
            standing.done = True

    def _standing(self, name: str) -> _Standing:
        now = self._now()
        standing = self._standings.setdefault(name, _Standing(seen=now, next_at=now))
        standing.seen = now
        return standing


def _yes(reply: object) -> bool:
    """Whether a worker said "task events enabled", or "already enabled": Celery's `worker/control.py`."""
    return isinstance(reply, Mapping) and "enabled" in str(reply.get("ok", ""))


def _complaint(reply: object) -> str:
    return str(reply["error"]) if isinstance(reply, Mapping) and "error" in reply else str(reply)
