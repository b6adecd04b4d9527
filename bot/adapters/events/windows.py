"""Counts over the last minute, quarter, hour and day, in memory that does not grow with traffic.

Events are added to cells of the current five seconds. When those are over, the cells are added to a frame of five
seconds, one of a minute and one of a quarter of an hour; each level keeps as many frames as its longest window needs.
A window is the sum of its frames, so it begins at a frame's edge: it may be longer than its span by one frame.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bot.adapters.events.counting import Cell
from bot.domain.window import OTHER_TASKS, Span, TaskFigures

TICK = 5
"""Seconds of the shortest frames."""

SET_BACK = 12
"""Ticks by which the clock must have gone back to be believed."""

MOST_SERIES = 1000
"""Pairs of task name and queue that are counted apart; later ones are counted together."""

KINDS_APART = 1000
"""Kinds of failure that are counted apart within a quarter of an hour; what comes beyond is counted together."""

OTHER_EXCEPTIONS = "(other exceptions)"

Key = tuple[str, str | None]
"""A task name and its queue."""

FailureKey = tuple[str, str | None, str]
"""A task name, its queue, and the exception's type."""


class Series:
    """One task name on one queue, and the cell that its events are added to now."""

    __slots__ = ("cell", "name", "queue")

    def __init__(self, name: str, queue: str | None) -> None:
        self.name, self.queue = name, queue
        self.cell = Cell()


@dataclass
class Failed:
    """How often a kind of failure came within a frame, and when first and last."""

    n: int
    first: float
    last: float

    def add(self, other: "Failed") -> None:
        """Add another frame's."""
        self.n += other.n
        self.first, self.last = min(self.first, other.first), max(self.last, other.last)


@dataclass
class Frame:
    """What was counted in one stretch of time."""

    cells: dict[Key, Cell] = field(default_factory=dict)
    failed: dict[FailureKey, Failed] = field(default_factory=dict)

    def add(self, other: "Frame") -> None:
        """Add what another frame counted."""
        for key, cell in other.cells.items():
            if key not in self.cells:
                self.cells[key] = Cell()
            self.cells[key].add(cell)
        for kind, failed in other.failed.items():
            if kind in self.failed:
                self.failed[kind].add(failed)
            else:
                self.failed[kind] = Failed(failed.n, failed.first, failed.last)

    def rows(self, *, exact: bool = False) -> tuple[TaskFigures, ...]:
        """Return the figures of every name and queue of which anything was counted."""
        kept = ((key, cell) for key, cell in self.cells.items() if cell)
        return tuple(TaskFigures(name, queue, cell.figures(exact=exact)) for (name, queue), cell in kept)


class Level:
    """Frames of one length, `keep` of them, by their number since 1970."""

    def __init__(self, seconds: int, keep: int) -> None:
        self.seconds, self._keep = seconds, keep
        self.frames: dict[int, Frame] = {}

    def add(self, at: float, frame: Frame) -> None:
        """Add what was counted about this moment."""
        self.frames.setdefault(int(at // self.seconds), Frame()).add(frame)

    def forget(self, now: float) -> None:
        """Drop frames that are too old, and such as a clock that was set back left in the future."""
        newest = int(now // self.seconds)
        for number in [n for n in self.frames if not newest - self._keep < n <= newest]:
            del self.frames[number]

    def since(self, moment: float) -> Iterator[Frame]:
        """Return the frames from the one that holds this moment."""
        first = int(moment // self.seconds)
        return (frame for number, frame in self.frames.items() if number >= first)


class Windows:
    """All series of one cluster, and what was counted of them. Not safe for threads: the recorder has a lock."""

    def __init__(self, now: float) -> None:
        self.ticks, self._minutes, self._quarters = Level(TICK, 26), Level(60, 62), Level(900, 98)
        self._series: dict[Key, Series] = {}
        self._failed: dict[FailureKey, Failed] = {}
        self._kinds: set[FailureKey] = set()
        self._kinds_of = int(now // self._quarters.seconds)
        self._number, self.begun, self.until = 0, 0.0, 0.0
        """Moments that lie between `begun` and `until` need no roll."""
        self._begin(int(now // TICK))

    def series(self, name: str, queue: str | None) -> Series:
        """Return the series of a name and queue; a common one when there are too many."""
        found = self._series.get((name, queue))
        if found is None:
            if len(self._series) >= MOST_SERIES:
                name, queue = OTHER_TASKS, None
            found = self._series.setdefault((name, queue), Series(name, queue))
        return found

    def count_failure(self, series: Series, exception: str, at: float) -> FailureKey:
        """Count a failure by its kind, beside the cell's own count."""
        key = (series.name, series.queue, exception)
        if key not in self._kinds:
            if len(self._kinds) >= KINDS_APART:
                key = (OTHER_TASKS, None, OTHER_EXCEPTIONS)
            self._kinds.add(key)
        if found := self._failed.get(key):
            found.n, found.last = found.n + 1, at
        else:
            self._failed[key] = Failed(1, at, at)
        return key

    def roll(self, now: float) -> bool:
        """Put away what was counted when its five seconds are over; returns whether they were."""
        number = int(now // TICK)
        if self._number - SET_BACK <= number <= self._number:  # readers and the listener pass here in any order
            return False
        frame, at = self._current(), self._number * TICK
        for series in self._series.values():
            if series.cell:
                series.cell = Cell()
        self._failed = {}
        if self._kinds_of != (quarter := number * TICK // self._quarters.seconds):
            self._kinds, self._kinds_of = set(), quarter
        for level in (self.ticks, self._minutes, self._quarters):
            if frame.cells or frame.failed:
                level.add(at, frame)
            level.forget(now)
        self._begin(number)
        return True

    def kept_ticks(self) -> range:
        """Return the numbers of the complete ticks that are still there, empty ones included."""
        return range(self._number - 24, self._number)

    def restore(self, at: float, seconds: float, rows: Mapping[Key, Cell]) -> None:
        """Add what was kept of an earlier time."""
        frame = Frame(dict(rows))
        for level in (self.ticks, self._minutes, self._quarters):
            if seconds <= level.seconds:
                level.add(at, frame)

    def of(self, span: Span, now: float) -> tuple[float, Frame]:
        """Return the beginning of a window that ends now, and what was counted in it."""
        self.roll(now)
        level = {Span.MINUTE: self.ticks, Span.DAY: self._quarters}.get(span, self._minutes)
        first = now - span.length.total_seconds()
        found = self._current()
        total = Frame()
        total.add(found)
        for frame in level.since(first):
            total.add(frame)
        return first // level.seconds * level.seconds, total

    def _begin(self, number: int) -> None:
        self._number = number
        self.begun, self.until = float(number - SET_BACK) * TICK, (number + 1.0) * TICK

    def _current(self) -> Frame:
        return Frame({key: series.cell for key, series in self._series.items() if series.cell}, dict(self._failed))
