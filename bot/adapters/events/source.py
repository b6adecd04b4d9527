"""One worker as its heartbeats show it."""

from datetime import UTC, datetime

from bot.adapters.events.clocks import Offset
from bot.adapters.events.event import Event
from bot.adapters.events.ledger import Ledger
from bot.adapters.events.windows import Series
from bot.domain.live import LiveWorker, Presence, TaskEvents, ToldMemory

LATE_BEATS = 3
"""So many intervals without a heartbeat make a worker silent."""

BEAT = 2.0
"""Celery's own interval, where a worker does not tell its."""

LOST_AFTER = 60.0
"""Seconds of silence, or since its goodbye, after which what a worker ran counts as lost."""

TAKEN_OVER = 10.0
"""Seconds after which a process that another one replaced is gone for good, and no twin of it."""

TWINS_FOR = 60.0
"""Seconds for which two processes of one name are told of after they were last heard to alternate."""


class Life:
    """One process under a worker's name, by number; `gone` is when another took its place, or it said goodbye."""

    def __init__(self, number: int, pid: int | None, since: float, processed: int | None) -> None:
        self.number, self.pid, self.since = number, pid, since
        self.ledger = Ledger(processed)
        self.processed = processed
        self.gone: float | None = None


class Source:
    """A worker by name. Times are seconds since 1970 by our clock.

    `routes` remembers which series a task name of this worker belongs to.
    """

    def __init__(self, name: str, heard_at: float, late: float) -> None:
        self.name, self.seen_at = name, heard_at
        self.offset = Offset(late, heard_at)
        self.life = Life(1, None, heard_at, None)
        self.routes: dict[str, Series] = {}
        self.offline = False
        self.task_events = TaskEvents.UNKNOWN
        self.task_event_at = 0.0
        self._twins_at: float | None = None
        self._replaced: Life | None = None
        self._beats: list[tuple[float, int]] = []  # the last three: when, and how many it had accepted
        self._clean_at = 0.0
        self._freq: float | None = None
        self._active: int | None = None
        self._load: tuple[float, ...] = ()
        self._software: str | None = None
        self._plugin: str | None = None
        self._memory: ToldMemory | None = None
        self.lost_until = 0
        """Tasks that lives up to this number ran are known to be lost."""
        self.solo = False

    def beat(self, event: Event, heard_at: float) -> int:
        """Take a heartbeat; returns how many tasks are newly known to have begun unheard."""
        self.seen_at, self.offline = heard_at, False
        self.lost_until = min(self.lost_until, self.life.number - 1)
        self._told(event, heard_at)
        if event.processed is None:
            return 0
        if self._another_process(event):
            self._replace(event, heard_at)
        life = self.life
        if life.pid is None:  # its first heartbeat
            life.pid = event.pid
            if event.processed == 0:
                life.ledger = Ledger(0)
        life.processed, life.gone = event.processed, None
        self._clean_at = self._clean_at or heard_at
        self._beats = [*self._beats[-2:], (heard_at, event.processed)]
        self._judge_task_events()
        if self.twins(heard_at):
            return 0
        missed = life.ledger.heartbeat(event.processed, heard_at)
        if missed == 0 and len(self._beats) > 1:
            self._clean_at = self._beats[-2][0]
        return missed or 0

    def leave(self, event: Event, heard_at: float) -> None:
        """Take a worker-offline event."""
        if self.life.pid in (None, event.pid):
            self.seen_at, self.offline = heard_at, True
            self.life.gone = heard_at

    def unheard(self) -> None:
        """Forget what only an unbroken connection can tell."""
        self._beats = []

    def twins(self, now: float) -> bool:
        """Return whether two processes of this name were heard lately."""
        return self._twins_at is not None and now - self._twins_at < TWINS_FOR

    def dead_lives(self, now: float, since: float) -> int:
        """Return the number of the last life whose tasks can have no end any more; we have listened `since`.

        A worker with the solo pool sends nothing while it runs a task; one that never sent a heartbeat may be idle.
        """
        if self.twins(now):
            return 0
        if self.offline or self.life.processed is None or self.solo:
            quiet = self.offline and now - (self.life.gone or now) > LOST_AFTER
        else:
            quiet = now - max(self.seen_at, since) > LOST_AFTER
        if quiet:
            return self.life.number
        replaced = self._replaced is not None and now - (self._replaced.gone or now) > TAKEN_OVER
        return self.life.number - 1 if replaced else 0

    def presence(self, now: float, since: float = 0.0) -> Presence:
        """Return whether its heartbeat is heard; we have listened `since`."""
        if self.offline:
            return Presence.OFFLINE
        late = now - max(self.seen_at, since) > LATE_BEATS * (self._freq or BEAT)
        return Presence.SILENT if late else Presence.ONLINE

    def missed_since(self) -> float:
        """Return from when on the tasks that the last heartbeat showed to be missed may have begun."""
        return max(self._clean_at, self.life.since)

    def shown(self, now: float, since: float) -> LiveWorker:
        """Return it as the domain knows it; we have listened `since`."""
        return LiveWorker(
            name=self.name,
            presence=self.presence(now, since),
            seen_at=datetime.fromtimestamp(self.seen_at, UTC),
            since=datetime.fromtimestamp(self.life.since, UTC),
            pid=self.life.pid,
            processed=self.life.processed,
            active=self._active,
            load=self._load,
            heartbeat_seconds=self._freq,
            software=self._software,
            task_events=self.task_events,
            clock_ahead=-self.offset.seconds,
            twins=self.twins(now),
            plugin=self._plugin,
            memory=self._memory,
        )

    def _told(self, event: Event, heard_at: float) -> None:
        self._active, self._load = event.active, event.loadavg or ()
        self._freq = event.freq or self._freq
        if event.sw_ident:
            self._software = f"{event.sw_ident} {event.sw_ver or ''}".strip()
        plugged = event.oncall
        self._plugin = plugged.version if plugged else None
        if plugged is None:  # another process than the one that told
            self._memory = None
        elif plugged.parent is not None:
            self._memory = ToldMemory(datetime.fromtimestamp(heard_at, UTC), plugged.parent, plugged.children)

    def _another_process(self, event: Event) -> bool:
        """Return whether this is another process: its pid differs, or (in containers all are 1) its count fell."""
        if self.life.pid is None:
            return False
        fell = self.life.processed is not None and (event.processed or 0) < self.life.processed
        return event.pid != self.life.pid or fell

    def _replace(self, event: Event, heard_at: float) -> None:
        old, before = self.life, self._replaced
        if before is not None and heard_at - (before.gone or 0.0) < LATE_BEATS * (self._freq or BEAT):
            came_back = before.pid != old.pid and before.pid == event.pid
            fell_again = before.pid == old.pid == event.pid
            if came_back or fell_again:
                self._twins_at = heard_at
        old.gone, self._replaced = heard_at, old
        self.life = Life(old.number + 1, event.pid, heard_at, 0)  # all of it lies in our time
        self._beats = []
        if not self.twins(heard_at):
            self.task_events = TaskEvents.UNKNOWN

    def _judge_task_events(self) -> None:
        if len(self._beats) == 3:
            (since, before), (_, after), _ = self._beats
            if self.task_event_at >= since:
                self.task_events = TaskEvents.ON
            elif after > before:  # tasks began, and two intervals later none was heard of
                self.task_events = TaskEvents.OFF
