"""Bundles of truth that the `/celery` views are made from; words and blocks are made in bot.slack.views."""

from datetime import datetime

from pydantic import Field

from bot.domain.archive import Archive, Made
from bot.domain.broker import OldestMessage, TaskPlace, WorkerMemory
from bot.domain.card import QueueLine
from bot.domain.cluster import TaskInHand, Unknown, Value, Worker
from bot.domain.connections import Group
from bot.domain.forecast import Forecast, Trend
from bot.domain.latency import Bound
from bot.domain.live import FailureGroup, Feed, LiveWorker, TaskTrace
from bot.domain.mitigation import Protection
from bot.domain.revoke import Revoke
from bot.domain.run import Finding
from bot.domain.targets import ForecastScore, Reading, TargetSpec, TargetState
from bot.domain.window import Gap, Histogram, Span, TaskFigures


class Age(Value):
    """When the numbers of a view were taken, and why there are no newer ones. `doubt` says what events were missed."""

    now: datetime
    taken_at: datetime | None = None
    trouble: str | None = None
    doubt: str | None = None


class WhatIf(Value):
    """What a change would bring for a queue: `what` is a clause ("analytics paused", "2 more slots")."""

    what: str
    forecast: Forecast


class QueueDetail(Value):
    """One queue, closely. `oldest_age` in seconds; `oldest_estimated` says how, when no message carries a stamp, and
    `oldest_bound` how that is to be read.

    `consumers` are the workers that said they take from it; not every worker may have answered.
    """

    line: QueueLine
    trend: Trend | None = None
    forecast: Forecast | None = None
    what_if: tuple[WhatIf, ...] = ()
    oldest: OldestMessage | None = None
    oldest_age: float | None = None
    oldest_estimated: str | None = None
    oldest_bound: Bound = Bound.ABOUT
    wait: Histogram = Histogram()
    held: int | None = None
    running: int | None = None
    consumers: tuple[str, ...] = ()


class QueuesView(Value):
    """What `/celery queues` shows, worst first; with one queue, in detail."""

    cluster: str
    age: Age
    queues: tuple[QueueDetail, ...] = ()
    orphaned: tuple[str, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    alone: bool = False


class WorkerDetail(Value):
    """One worker: as asked, as its heartbeats show it, and what keeps it from paused queues."""

    worker: Worker
    live: LiveWorker | None = None
    memory: WorkerMemory | None = None
    protection: Protection | None = None


class WorkersView(Value):
    """What `/celery workers` shows: silent and missing ones first."""

    cluster: str
    age: Age
    workers: tuple[WorkerDetail, ...] = ()
    missing_groups: tuple[str, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    alone: bool = False


class TasksView(Value):
    """What `/celery tasks` shows over one span, worst first; with one name, in detail with what runs now.

    `on` names the worker of each task in `running`, by its id.
    """

    cluster: str
    age: Age
    span: Span
    since: datetime
    tasks: tuple[TaskFigures, ...] = ()
    gaps: tuple[Gap, ...] = ()
    feed: Feed
    name: str | None = None
    running: tuple[TaskInHand, ...] = ()
    on: dict[str, str] = Field(default_factory=dict)
    failures: tuple[FailureGroup, ...] = ()


class TaskView(Value):
    """What `/celery task <id>` shows: what was heard of it, and where it is."""

    cluster: str
    age: Age
    id: str
    trace: TaskTrace | None = None
    place: TaskPlace | None = None


class FailuresView(Value):
    """What `/celery failures` shows, most first; `alone` with the last traceback of each."""

    cluster: str
    age: Age
    span: Span
    since: datetime
    groups: tuple[FailureGroup, ...] = ()
    failed: int = 0
    gaps: tuple[Gap, ...] = ()
    feed: Feed
    alone: bool = False


class CheckView(Value):
    """What `/celery check <name>` shows."""

    cluster: str
    now: datetime
    name: str
    title: str
    finding: Finding


class TargetLine(Value):
    """One target: how it is configured, where it stands, what it reads now."""

    spec: TargetSpec
    state: TargetState
    reading: Reading


class TargetsView(Value):
    """What `/celery targets` shows, worst first, with how far forecasts may be trusted."""

    cluster: str
    age: Age
    targets: tuple[TargetLine, ...] = ()
    scores: tuple[ForecastScore, ...] = ()


class ConnectionsView(Value):
    """What `/celery connections` shows: connections to the broker in groups, what looks leaked first."""

    cluster: str
    age: Age
    groups: tuple[Group, ...] = ()


class RevokesView(Value):
    """What `/celery revokes` shows: what is in force, what ends first first."""

    cluster: str
    age: Age
    revokes: tuple[Revoke, ...] = ()


class ArchivesView(Value):
    """What `/celery archives` shows: what is set aside, what ends first first; then what was restored or dropped.

    `made` says who had each made, as far as this bot did; `dangers` are sentences on what threatens them.
    """

    cluster: str
    age: Age
    archives: tuple[Archive, ...] = ()
    made: dict[str, Made] = Field(default_factory=dict)
    dangers: tuple[str, ...] = ()
