"""How many tasks a worker process began unheard: its own count in heartbeats, against the started events that came.

A worker counts a task as accepted and sends task-started in one go (celery's `Request.on_accepted`), so both counts
rise together. Events may wait in the worker's buffer, never more than 24 (`EventDispatcher.buffer_limit`), and are
sent with the next turn of its loop; heartbeats are not buffered and may overtake them.
"""

from collections.abc import Mapping

BUFFERED = 24

SETTLED = 1.0
"""Seconds after which an event that was sent before a heartbeat has come, if it ever comes."""


class Ledger:
    """The two counts of one life of a worker process.

    `missed` began unheard in this life as far as is known; `unnamed` of them could not be given a task name yet.
    """

    def __init__(self, processed: int | None) -> None:
        """Begin with what the worker had accepted when it was first heard (0: its whole life is heard)."""
        self.counted = 0
        self.by_name: dict[str, int] = {}
        self.missed = self.unnamed = 0
        self._floor = processed
        """The least that the worker's count was ahead of ours when nothing was missed."""
        self._last: tuple[float, int, int] | None = None  # when it came, what it said, how far ahead of ours
        self._first_totals: dict[str, int] | None = {} if processed == 0 else None
        self._totals: Mapping[str, int] = {}

    def started(self, name: str) -> None:
        """Count a started event."""
        self.counted += 1
        self.by_name[name] = self.by_name.get(name, 0) + 1

    def heartbeat(self, processed: int, heard_at: float) -> int | None:
        """Compare with a heartbeat's count; returns how many are newly known to be missed, None if too early to say."""
        ahead = processed - self.counted
        if self._floor is None:
            self._floor = ahead
        if self._last is None:
            self._last = (heard_at, processed, ahead)
        at, said, was_ahead = self._last
        if heard_at - at < SETTLED:
            self._lower(ahead)
            return None
        # What the heartbeat before had counted has come by now, or never will; what the buffer can hold may yet come.
        certain = max(said - self.counted, min(ahead, was_ahead) - BUFFERED) - self._floor
        self._last = (heard_at, processed, ahead)
        if certain > 0:
            self._floor += certain
            self.missed += certain
            self.unnamed += certain
            return certain
        self._lower(ahead)
        return 0

    def learn(self, totals: Mapping[str, int]) -> None:
        """Take the worker's own count by task name, as it answers `inspect stats`."""
        if self._first_totals is None:
            self._first_totals = {name: n - self.by_name.get(name, 0) for name, n in totals.items()}
        self._totals = dict(totals)

    def name_missed(self) -> dict[str, int]:
        """Return how many of the missed had which name, each told once."""
        found: dict[str, int] = {}
        if not self.unnamed or self._first_totals is None:
            return found
        for name, n in self._totals.items():
            unheard = n - self._first_totals.get(name, 0) - self.by_name.get(name, 0)
            taken = min(unheard, self.unnamed)
            if taken > 0:
                found[name] = taken
                self.by_name[name] = self.by_name.get(name, 0) + taken
                self.unnamed -= taken
        return found

    def _lower(self, ahead: int) -> None:
        if self._floor is not None and ahead < self._floor:
            self._floor = ahead
