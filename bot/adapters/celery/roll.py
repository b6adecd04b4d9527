"""Which workers answered lately, so that a silent one can be told from one that was never there."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

FORGET_SECONDS = 300.0
"""How long a worker is spoken of after it left the control channel."""

HANGING_SECONDS = 2 * 3600.0
"""How long a silent worker is spoken of while somebody on the control channel is silent, which may be it.

A solo worker in a long task looks so, and so does a frozen one.
"""

QUIET_SECONDS = 60.0
"""How long listeners that are not known to be workers are not waited for again to the end of a deadline."""

GRACE_SECONDS = 0.25
"""How long they are waited for all the same: a worker that was busy may be back."""


@dataclass(frozen=True)
class Absent:
    """Known workers that did not answer: `silent` may still listen, `gone` surely do not."""

    silent: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


class Roll:
    """The workers that answered before. Safe to use from many threads."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """Know nobody; `now` tells the time in seconds."""
        self._now = now
        self._lock = threading.Lock()
        self._answered: dict[str, float] = {}
        self._quiet = (0, 0.0)

    def all_here(self, nodes: Iterable[str], missing: int, waited: float) -> bool:
        """Whether waiting on is useless: all known workers answered, and the rest were quiet before.

        `missing` is how many listeners have not answered after `waited` seconds. Somebody who is no worker may listen
        and never answer; the whole deadline is spent on them once a minute and not every time.
        """
        with self._lock:
            quiet, until = self._quiet
            known = set(self._answered)
        if not known or waited < GRACE_SECONDS or self._now() >= until:
            return False
        return missing <= quiet and known <= set(nodes)

    def call(self, workers: Iterable[str], missing: int) -> Absent:
        """Record who answered, and return who did not; `missing` is how many listeners did not answer."""
        now = self._now()
        with self._lock:
            self._answered |= dict.fromkeys(workers, now)
            self._forget(now, missing)
            absent = sorted(n for n, at in self._answered.items() if at != now)
            self._remember_quiet(now, missing - len(absent))
        return Absent(silent=tuple(absent)) if missing else Absent(gone=tuple(absent))

    def _forget(self, now: float, missing: int) -> None:
        newest_first = sorted(self._answered.items(), key=lambda item: -item[1])
        long_absent = [(n, at) for n, at in newest_first if now - at > FORGET_SECONDS]
        may_listen = [(n, at) for n, at in long_absent[:missing] if now - at <= HANGING_SECONDS]
        self._answered = dict(may_listen) | {n: at for n, at in newest_first if now - at <= FORGET_SECONDS}

    def _remember_quiet(self, now: float, strangers: int) -> None:
        count, until = self._quiet
        if strangers <= 0:
            self._quiet = (0, 0.0)
        elif strangers > count or now >= until:
            self._quiet = (strangers, now + QUIET_SECONDS)
