"""How many tasks of each queue began, as events told: counts at any moment between two slices."""

from collections import Counter, deque
from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.domain.forecast import DepthSample
from bot.domain.window import Slice

FRESH = timedelta(seconds=20)
"""How far counts may lag behind and still stand for now: slices close late, and come every few seconds."""

_SEAM = timedelta(seconds=1)


class HeardStarts:
    """Counts of one cluster. Whenever a slice is missing or tells not all, counting begins anew, as another series."""

    def __init__(self) -> None:
        """Know nothing."""
        self.until: datetime | None = None
        self._counted_until: datetime | None = None
        self._series = 0
        self._counts: Counter[str] = Counter()

    def beyond(self, series: int) -> None:
        """Number the series to come above one that was restored."""
        self._series, self._counted_until = max(self._series, series), None

    def fresh(self, now: datetime) -> bool:
        """Return whether samples of now will be given a count by events."""
        return self._counted_until is not None and now - self._counted_until <= FRESH

    def take(self, piece: Slice, rings: Mapping[str, deque[DepthSample]], *, complete: bool) -> None:
        """Count one slice, and give the samples taken in it their counts. One that is known already is left out."""
        if self.until is not None and piece.since < self.until:
            return
        self.until = piece.until
        begun = _begun(piece) if complete else None
        if begun is None:
            self._counted_until = None
            return
        if self._counted_until is None or piece.since - self._counted_until > _SEAM:
            self._series += 1
            self._counts = Counter()
        for queue, ring in rings.items():
            self._fill(piece, ring, self._counts[queue], begun[queue])
        self._counts.update(begun)
        self._counted_until = piece.until

    def _fill(self, piece: Slice, ring: deque[DepthSample], before: int, begun: int) -> None:
        """Give samples their count; within a slice, tasks are taken to have begun evenly."""
        length = piece.until - piece.since
        for i in range(len(ring) - 1, -1, -1):
            sample = ring[i]
            if sample.at <= piece.since:
                return
            if sample.at <= piece.until:
                started = before + round(begun * ((sample.at - piece.since) / length))
                ring[i] = DepthSample(at=sample.at, depth=sample.depth, started=started, series=self._series)


def _begun(piece: Slice) -> Counter[str] | None:
    """Return the starts of a slice by queue; None when events were missed, or a task's queue is not known."""
    begun: Counter[str] = Counter()
    for row in piece.tasks:
        if row.figures.started and row.queue is None:
            return None
        if row.queue is not None:
            begun[row.queue] += row.figures.started
    return None if piece.gaps else begun
