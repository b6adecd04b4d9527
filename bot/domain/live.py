"""What events tell of a cluster: its workers, its failures, single tasks; and how well the events are heard."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.window import Gap


class Presence(StrEnum):
    """Whether a worker's heartbeat is heard. Silent: late; its worker may be busy, frozen or gone."""

    ONLINE = "online"
    SILENT = "silent"
    OFFLINE = "offline"


class TaskEvents(StrEnum):
    """Whether a worker sends task events; heartbeats come in any case."""

    ON = "on"
    OFF = "off"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ToldMemory:
    """Resident memory in bytes as a worker's plugin measured it, heard `at`; `children` None: it cannot see them."""

    at: datetime
    parent: int
    children: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class LiveWorker:
    """One worker as its heartbeats show it. Moments are by the bot's clock.

    `since` is when this life of its process was first heard; `processed` how many tasks it has accepted in it; `active`
    how many it runs; `clock_ahead` by how many seconds its clock is ahead of the bot's (about; transport included).
    `twins` says that two processes of that name are heard. `plugin` is the version of its worker plugin.
    """

    name: str
    presence: Presence
    seen_at: datetime
    since: datetime
    pid: int | None = None
    processed: int | None = None
    active: int | None = None
    load: tuple[float, ...] = ()
    heartbeat_seconds: float | None = None
    software: str | None = None
    task_events: TaskEvents = TaskEvents.UNKNOWN
    clock_ahead: float | None = None
    twins: bool = False
    plugin: str | None = None
    memory: ToldMemory | None = None


class Phase(StrEnum):
    """How far a task is, as events told."""

    SENT = "sent"
    RECEIVED = "received"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    RETRY = "waits to be tried again"
    REVOKED = "revoked"
    REJECTED = "rejected"
    LOST = "lost"
    UNHEARD = "end not heard"


@dataclass(frozen=True, slots=True)
class TaskTrace:
    """What was heard of one task. Moments are by the bot's clock, `runtime` in seconds by its worker's."""

    id: str
    name: str | None
    queue: str | None
    phase: Phase
    worker: str | None = None
    received_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    runtime: float | None = None
    retries: int = 0
    exception: str | None = None


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Failures of one task name by one kind of exception, within a window.

    `message` and `traceback` are those of the last one: cut, and with what looks like a secret taken out.
    """

    task: str
    queue: str | None
    exception: str
    n: int
    first_at: datetime
    last_at: datetime
    message: str
    traceback: str | None
    last_id: str
    last_worker: str | None


@dataclass(frozen=True, slots=True)
class Feed:
    """How events reach the bot. `trouble` says in a clause why none do now; `heard` counts all since it began."""

    connected: bool
    since: datetime | None = None
    trouble: str | None = None
    heard: int = 0
    last_at: datetime | None = None
    gaps: tuple[Gap, ...] = ()
