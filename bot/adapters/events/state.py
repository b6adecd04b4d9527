"""All that is kept of one cluster's events, and the finding of it. Not safe for threads: the recorder has a lock."""

from bot.adapters.events.clocks import Clocks
from bot.adapters.events.counting import Cell
from bot.adapters.events.event import Event
from bot.adapters.events.failures import Failures
from bot.adapters.events.gaps import Gaps
from bot.adapters.events.hand import Tasks
from bot.adapters.events.queues import Homes
from bot.adapters.events.source import Source
from bot.adapters.events.windows import Frame, Series, Windows
from bot.domain.window import OTHER_TASKS, UNNAMED

MOST_WORKERS = 2_000

FORGET_OFFLINE, FORGET_SILENT = 600.0, 3600.0
"""Seconds after which a worker that said goodbye, or that fell silent, is no longer told of."""


class State:
    """Counts, tasks, workers and gaps of one cluster; `since` is when it began to listen on the present connection."""

    def __init__(self, now: float) -> None:
        self.windows = Windows(now)
        self.tasks = Tasks()
        self.sources: dict[str, Source] = {}
        self.clocks = Clocks()
        self.homes = Homes()
        self.failures = Failures()
        self.gaps = Gaps()
        self.since = now
        self.unnamed = self.windows.series(UNNAMED, None)

    def source(self, event: Event, heard_at: float) -> Source:
        """Return the worker that sent an event, which is a sign of life."""
        late = heard_at - event.timestamp
        found = self.sources.get(event.hostname)
        if found is None:
            if len(self.sources) >= MOST_WORKERS:
                del self.sources[min(self.sources.values(), key=lambda source: source.seen_at).name]
            found = self.sources[event.hostname] = Source(event.hostname, heard_at, late)
        else:
            found.offset.see(late, heard_at)
            found.seen_at = heard_at
        return found

    def route(self, source: Source, name: str, heard_at: float) -> Series:
        """Return the series that a task of this name on this worker is counted in."""
        found = source.routes.get(name)
        if found is None:
            found = self.windows.series(name, self.homes.queue(name, source.name, heard_at))
            if found.name != OTHER_TASKS:  # names without end are not remembered one by one
                source.routes[name] = found
        return found

    def housed(self, frame: Frame) -> Frame:
        """Return a frame in which tasks that ran before their name was seen on a queue are counted there.

        What was seen of a name holds for the minutes before, as it does for those after (see Homes). Only what is shown
        is: what is written down stays as it was counted.
        """
        known: dict[str, set[str | None]] = {}
        for name, queue in frame.cells:
            known.setdefault(name, set()).add(queue)
        found = Frame(failed=frame.failed)
        for (name, queue), cell in frame.cells.items():
            home = queue or self.homes.only(name)
            if queue is None and known[name] - {None, home}:
                home = None
            found.cells.setdefault((name, home), Cell()).add(cell)
        return found

    def forget_routes(self) -> None:
        """Let all be found anew, as more is known of the queues."""
        for source in self.sources.values():
            source.routes.clear()

    def forget(self, now: float) -> None:
        """Drop what is too old to be told of."""
        self.gaps.forget(now)
        for source in list(self.sources.values()):
            if now - source.seen_at > (FORGET_OFFLINE if source.offline else FORGET_SILENT):
                del self.sources[source.name]
