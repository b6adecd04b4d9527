"""A cluster at 03:14, live: one queue backs up, one worker is silent, bookings fail, and some events were missed."""

from datetime import timedelta
from typing import Any

from bot.domain.broker import OldestMessage, TaskPlace, WorkerMemory
from bot.domain.card import QueueLine
from bot.domain.cluster import Queue, TaskInHand, Unknown, Worker
from bot.domain.forecast import Forecast, Prospect, Trend
from bot.domain.live import FailureGroup, Feed, LiveWorker, Phase, Presence, TaskEvents, TaskTrace
from bot.domain.mitigation import Protection
from bot.domain.targets import ForecastScore, Measure, Quality, Reading, Standing, TargetSpec, TargetState
from bot.domain.views import (
    Age,
    FailuresView,
    QueueDetail,
    QueuesView,
    TargetLine,
    TargetsView,
    TasksView,
    TaskView,
    WhatIf,
    WorkerDetail,
    WorkersView,
)
from bot.domain.window import Figures, Gap, Histogram, Span, TaskFigures, bucket_of
from tests.slack.views.samples import NOW

ID = "7d1c4a52-93f0-4d5e-8f5e-1c1f0c2b7a10"
AGE = Age(now=NOW, taken_at=NOW - timedelta(seconds=4))
BLIND = Age(now=NOW, taken_at=NOW - timedelta(seconds=70), trouble="The broker of `prod` cannot be read: refused.")
GAP = Gap(since=NOW - timedelta(minutes=5), until=NOW - timedelta(minutes=5, seconds=-12), why="the connection broke")
FEED = Feed(connected=True, since=NOW - timedelta(days=2), heard=90_000, last_at=NOW)
DEAF = Feed(connected=False, trouble="the connection was refused", last_at=NOW - timedelta(seconds=70))
GROWS = Trend(net_per_minute=40.0, service_per_minute=80.0, seconds=60.0)
STUCK = Forecast(prospect=Prospect.WILL_NOT_DRAIN, goal=500)


def ago(**length: float) -> Any:
    """Return the moment so long before NOW."""
    return NOW - timedelta(**length)


def durations(*seconds: float) -> Histogram:
    """Return a histogram of these."""
    counts: dict[int, int] = {}
    for s in seconds:
        counts[bucket_of(s)] = counts.get(bucket_of(s), 0) + 1
    return Histogram(counts)


def line(name: str, depth: int | None, **given: Any) -> QueueLine:
    """Return one queue's line."""
    queue = {k: given.pop(k) for k in ("unacked", "unacked_at_least", "declared", "lanes") if k in given}
    usual = {"importance": 5, "net_per_minute": 0.0, "scheduled": 0, "consumers": 2}
    return QueueLine.model_validate({"queue": Queue(name=name, depth=depth, **queue)} | usual | given)


def drains(minutes: float, goal: int = 500) -> Forecast:
    """Return a forecast that ends well."""
    return Forecast(prospect=Prospect.DRAINS, goal=goal, minutes=minutes)


BACKED_UP = QueueDetail(
    line=line(
        "ai_generation", 1284, net_per_minute=40.0, unacked=8, scheduled=3, backed_up=True, lanes=(4, 0, 1280, 0)
    ),
    trend=GROWS,
    forecast=STUCK,
    what_if=(WhatIf(what="analytics paused", forecast=drains(10.4)), WhatIf(what="4 more slots", forecast=STUCK)),
    oldest=OldestMessage(queue="ai_generation", task="ai.generate", task_id=ID),
    oldest_age=250.0,
    oldest_estimated="from how deep the queue was",
    wait=durations(0.4, 0.4, 0.4, 90.0),
    held=2,
    running=4,
    consumers=("worker1@a", "worker2@a"),
)
QUEUES = QueuesView(
    cluster="prod",
    age=AGE,
    queues=(
        QueueDetail(line=line("image_processing", 212, consumers=0), oldest_age=3700.0),
        BACKED_UP,
        QueueDetail(
            line=line("reports", 900, net_per_minute=-40.0, backed_up=True), trend=GROWS, forecast=drains(10.4)
        ),
        QueueDetail(line=line("booking", 0)),
        QueueDetail(line=line("adhoc", None, declared=False, net_per_minute=None, scheduled=None, consumers=None)),
    ),
    orphaned=("image_processing",),
    unknown=(Unknown(what="unacked of adhoc", why="the key was of another type"),),
)

RUNNING = TaskInHand(id=ID, name="ai.generate", queue="ai_generation", started_at=ago(seconds=65))
BUSY = WorkerDetail(
    worker=Worker(
        name="worker1@a",
        pool="prefork",
        slots=4,
        queues=("booking", "ai_generation"),
        active=(RUNNING,),
        reserved=(RUNNING,) * 4,
        scheduled=(),
        uptime_seconds=7500,
    ),
    live=LiveWorker(
        name="worker1@a",
        presence=Presence.ONLINE,
        seen_at=ago(seconds=1),
        since=ago(hours=2),
        pid=4711,
        processed=12_345,
        active=1,
        load=(0.5, 0.75, 1.0),
        software="py-celery 5.4.0",
        task_events=TaskEvents.ON,
        clock_ahead=0.2,
    ),
    memory=WorkerMemory(worker="worker1@a", parent=300 << 20, children=(300 << 20,) * 4),
)
ODD = WorkerDetail(
    worker=Worker(name="worker2@a", slots=4, active=()),
    live=LiveWorker(
        name="worker2@a",
        presence=Presence.ONLINE,
        seen_at=ago(seconds=2),
        since=ago(hours=1),
        software="py-celery 5.3.6",
        task_events=TaskEvents.OFF,
        clock_ahead=7.4,
        twins=True,
    ),
    memory=WorkerMemory(worker="worker2@a", parent=310 << 20, why="its children are on another host"),
    protection=Protection.CANCELLED,
)
SILENT = WorkerDetail(
    worker=Worker(name="w9@b", answered=False),
    live=LiveWorker(name="w9@b", presence=Presence.SILENT, seen_at=ago(seconds=130), since=ago(hours=1), active=2),
)
WORKERS = WorkersView(cluster="prod", age=AGE, workers=(SILENT, BUSY, ODD), missing_groups=("image_worker",))

CAUSE = FailureGroup(
    task="shop.booking.create",
    queue="booking",
    exception="ConnectionError",
    n=12,
    first_at=ago(minutes=9),
    last_at=ago(seconds=40),
    message="<!channel> the `payment` host did not answer",
    traceback='Traceback (most recent call last):\n  File "shop.py", line 7, in create\nConnectionError: no answer',
    last_id=ID,
    last_worker="worker1@a",
)
FAILING = Figures(
    received=1_300,
    started=1_250,
    succeeded=1_233,
    failed=1,
    lost=0,
    retried=3,
    revoked=2,
    runtime=durations(*[0.8] * 90, *[4.5] * 10),
    wait=durations(*[0.05] * 100),
)
TASKS = TasksView(
    cluster="prod",
    age=AGE,
    span=Span.QUARTER,
    since=ago(minutes=15),
    tasks=(
        TaskFigures("shop.booking.create", "booking", FAILING),
        TaskFigures("shop.mail.send", "mail", Figures(succeeded=500, runtime=durations(*[0.01] * 500))),
        TaskFigures("shop.report.build", "reports", Figures(received=2, started=1)),
    ),
    feed=FEED,
)
ONE_TASK = TASKS.model_copy(
    update={
        "name": "shop.booking.create",
        "tasks": TASKS.tasks[:1],
        "running": (RUNNING.model_copy(update={"name": "shop.booking.create"}),),
        "on": {ID: "worker1@a"},
        "failures": (CAUSE,),
    }
)
FAILURES = FailuresView(
    cluster="prod", age=AGE, span=Span.HOUR, since=ago(hours=1), groups=(CAUSE,), failed=12, feed=FEED
)
TRACE = TaskTrace(
    id=ID,
    name="shop.booking.create",
    queue="booking",
    phase=Phase.FAILED,
    worker="worker1@a",
    received_at=ago(seconds=50),
    started_at=ago(seconds=45),
    ended_at=ago(seconds=40),
    runtime=4.96,
    retries=1,
    exception="ConnectionError('```<!channel>')",
)
TASK = TaskView(
    cluster="prod",
    age=AGE,
    id=ID,
    trace=TRACE,
    place=TaskPlace(id=ID, place=None, result_state="FAILURE", result_error="no answer"),
)


def target(name: str, measure: Measure, wanted: float, alert: float, standing: Standing, **reading: Any) -> TargetLine:
    """Return one target as it stands since a quarter of an hour."""
    return TargetLine(
        spec=TargetSpec(name=name, measure=measure, target=wanted, alert=alert),
        state=TargetState(standing=standing, since=ago(minutes=15)),
        reading=Reading.model_validate({"at": ago(seconds=4), "value": None} | reading),
    )


TARGETS = TargetsView(
    cluster="prod",
    age=AGE,
    targets=(
        target(
            "completion",
            Measure.COMPLETION,
            0.999,
            0.995,
            Standing.ALERT,
            value=0.99203,
            n=12_345,
            of="shop.booking.create",
            quality=Quality(n=12_345, defects=98, dpmo=7938.4, dpmo_upper=9418.2, sigma=3.8491),
        ),
        target("depth", Measure.QUEUE_DEPTH, 100, 500, Standing.MISSED, value=312, of="ai_generation"),
        target(
            "memory", Measure.WORKER_MEMORY, 2 << 30, 3 << 30, Standing.UNKNOWN, why="no worker says how large it is"
        ),
        target("booking", Measure.TASK_DURATION, 5, 10, Standing.MET, value=4.2, n=310, of="shop.booking.create"),
    ),
    scores=(
        ForecastScore(queue="booking", n=14, median_minutes=1.23, p90_minutes=4.0),
        ForecastScore(queue="reports", n=0),
    ),
)
