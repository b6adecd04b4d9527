"""The broker dies, freezes or keeps silent, and comes back: every view answers in time and says what it still knows.

Nothing of the bot is started anew in this whole file: one bot and one worker live through all of it.
"""

import statistics
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from bot.domain.card import StatusView
from bot.domain.live import TaskEvents
from bot.domain.run import Level
from bot.domain.views import CheckView, FailuresView, QueuesView, TargetsView, TasksView, TaskView, WorkersView
from bot.domain.window import Figures
from bot.ports import Ports
from bot.slack.views.check import check_message
from bot.slack.views.failures import failures_message
from bot.slack.views.queues import queues_message
from bot.slack.views.status import status_message
from bot.slack.views.targets import targets_message
from bot.slack.views.task import task_message
from bot.slack.views.tasks import tasks_message
from bot.slack.views.worker_details import workers_message
from bot.usecases import checks, looks
from bot.usecases.measuring import measure, poll_memory, targets
from bot.usecases.status import status
from playground.services import RedisServer
from tests.services.network import SilentServer
from tests.services.require import require
from tests.slack.views.reading import read
from tests.truth.bookkeeper import FAIL, TICK, WORK
from tests.truth.bot import watching
from tests.truth.clusters import HOST, Cluster
from tests.truth.polling import until

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.timeout(240)]

PROMISED = 3.0
"""Seconds within which every view answers; the machine of the test may add SLACK."""

SLACK = 0.5

SEEN_WITHIN = 10.0
"""Seconds within which it is noticed that events are not heard; the broker is asked after 5 s, and given 5 s more."""

FROM_MEMORY = {"status", "queues", "queue", "workers", "worker"}
"""Views that may stand for now, with their age, until it is noticed that the broker does not answer."""

HEARD_ALONE = {"completion", "task_durations", "failures", "event_feed"}
"""Checks that rest on events, and say how far those were heard."""

OUTSIDE = {"promql", "http_health", "flower"}
"""Checks of other servers, of which none is configured here."""

WORDS: Mapping[str, Mapping[str, str]] = {
    "promql": {"query": "up"},
    "relief": {"queue": "nobody"},
    "running": {"queue": "mail"},
    "waiting": {"queue": "mail"},
}
"""Parameters that a check cannot do without."""


@dataclass
class Watched:
    """A bot, its cluster, and a task that failed."""

    ports: Ports
    cluster: Cluster
    failed: str

    def views(self) -> dict[str, Callable[[], Any]]:
        """Return every view and every check, as people ask for them; what they may refresh, as refreshed too."""
        ports = self.ports
        asked: dict[str, Callable[[], Any]] = {
            "status": lambda: status(ports, "shop"),
            "status again": lambda: status(ports, "shop", fresh=True),
            "queues": lambda: looks.queues(ports, "shop"),
            "queues again": lambda: looks.queues(ports, "shop", fresh=True),
            "queue": lambda: looks.queues(ports, "shop", "nobody"),
            "queue again": lambda: looks.queues(ports, "shop", "nobody", fresh=True),
            "workers": lambda: looks.workers(ports, "shop"),
            "workers again": lambda: looks.workers(ports, "shop", fresh=True),
            "worker": lambda: looks.workers(ports, "shop", "w1"),
            "tasks": lambda: looks.tasks(ports, "shop"),
            "task name": lambda: looks.tasks(ports, "shop", WORK),
            "task": lambda: looks.task(ports, "shop", self.failed),
            "failures": lambda: looks.failures(ports, "shop"),
            "failure": lambda: looks.failures(ports, "shop", FAIL),
            "targets": lambda: targets(ports, "shop"),
        }
        for name in ports.registry.checks:
            asked[f"check {name}"] = lambda name=name: checks.check(ports, "shop", name, WORDS.get(name, {}))  # type: ignore[misc]
        return asked

    def total(self) -> Figures:
        """Return all that was heard of tasks."""
        total = Figures()
        for row in looks.tasks(self.ports, "shop").tasks:
            total = total.plus(row.figures)
        return total

    def depth(self) -> int | None:
        """Return what the status shows of the queue that nobody consumes."""
        shown = status(self.ports, "shop")
        return next((line.queue.depth for line in shown.queues if line.queue.name == "nobody"), None)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A worker without `-E` that did three tasks and failed at one, and five messages that nobody takes."""
    require("redis")
    folder = tmp_path_factory.mktemp("outages")
    with ExitStack() as stack:
        server = stack.enter_context(RedisServer(folder=folder))
        cluster = Cluster("shop", server, folder, prefix="shop:")
        stack.callback(cluster.kill_workers)
        ports = stack.enter_context(watching(folder, cluster.settings("queues: {mail: {}, nobody: {}}")))
        worker = cluster.start("w1", ["mail"])
        worker.wait_ready(cluster.app, 60)
        until(lambda: _tells(ports), what="task events of the worker")
        (failed,) = cluster.send(FAIL, "KeyError", queue="mail")
        cluster.send(WORK, 0.01, queue="mail", n=3)
        made = Watched(ports, cluster, failed)
        until(lambda: (made.total().succeeded, made.total().failed) == (3, 1), what="four ends")
        yield made


def _tells(ports: Ports) -> bool:
    return [w.task_events for w in ports.clusters.live("shop").workers(ports.clock.now())] == [TaskEvents.ON]


@dataclass
class Outage:
    """One way in which a broker is not there."""

    server: RedisServer
    silent: SilentServer | None = None

    def frozen(self) -> None:
        """SIGSTOP."""
        self.server.pause()

    def gone(self) -> None:
        """Kill -9."""
        self.server.kill()

    def mute(self) -> None:
        """Put something in its place that accepts and never answers."""
        self.server.kill()
        self.silent = SilentServer(self.server.port)

    def over(self) -> None:
        """Let it be as before; a server that was killed begins empty."""
        if self.silent is not None:
            self.silent.close()
            self.silent = None
        if self.server.alive:
            self.server.resume()
        else:
            self.server.start()


@pytest.mark.parametrize("how", ["frozen", "gone", "mute"])
def test_every_view_answers_in_time_says_what_it_knows_and_is_right_again_by_itself(watched: Watched, how: str) -> None:
    """At once, before anything is noticed; again when it is; and after it is over, with events that flow."""
    cluster, ports = watched.cluster, watched.ports
    cluster.empty("nobody")
    cluster.send(TICK, queue="nobody", n=5)
    until(lambda: watched.depth() == 5 and status(ports, "shop").trouble is None, what="five messages seen")
    until(lambda: [w.answered for w in status(ports, "shop", fresh=True).workers] == [True], what="its answer")
    poll_memory(ports, "shop")
    measure(ports, "shop")
    before, done, events = ports.clock.now(), watched.total().succeeded, watched.total()
    outage = Outage(cluster.server)
    getattr(outage, how)()
    try:
        began = time.monotonic()
        at_once = asked_at_once(watched)
        holds_what_was_known({n: view for n, view in at_once.items() if n not in FROM_MEMORY}, before)
        for name in FROM_MEMORY & at_once.keys():
            assert "old when shown" in read(shown(at_once[name])), name
        until(lambda: looks.tasks(ports, "shop").feed.trouble, began + SEEN_WITHIN + 2 - time.monotonic(), "the gap")
        noticed = asked_at_once(watched)
        holds_what_was_known(noticed, before)
        tells_that_nothing_is_heard(noticed, events)
    finally:
        outage.over()
    is_right_again(watched, done)


def test_a_bot_that_never_saw_its_broker_makes_no_number_up_and_knows_its_other_cluster(
    redis_server: RedisServer, silent_server: SilentServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """In time, in words, without a 0 that nobody counted; the cluster beside it is as if nothing was."""
    folder = tmp_path_factory.mktemp("never")
    other = Cluster("lab", redis_server, folder, prefix="lab:")
    silent = f"  shop: {{broker_url: '{silent_server.url()}', queues: {{mail: {{}}, nobody: {{}}}}}}"
    with watching(folder, f"{silent}\n{other.settings('queues: {mail: {}, nobody: {}}')}") as ports:
        other.send(TICK, queue="nobody", n=4)
        made = Watched(ports, other, "7d1c4a52-93f0-4d5e-8f5e-1c1f0c2b7a10")
        found = asked_at_once(made, without={"task name", "failure"})  # names that nobody ever heard of
        for name, view in found.items():
            said = read(shown(view))
            if isinstance(view, StatusView):
                assert (view.queues, view.workers, view.taken_at) == ((), (), None), name
            elif isinstance(view, QueuesView | WorkersView):
                assert view.age.taken_at is None, name
                assert (view.queues if isinstance(view, QueuesView) else view.workers) == (), name
            elif isinstance(view, TargetsView):
                assert [line.reading.value for line in view.targets] == [None] * len(view.targets)
                assert all(line.reading.why for line in view.targets)
            elif isinstance(view, CheckView):
                assert view.finding.level in (Level.UNKNOWN, Level.BAD), name
                continue
            assert "cannot be read" in said or "not heard now" in said, f"{name}: {said}"
        well = status(ports, "lab", fresh=True)
        assert (well.trouble, {line.queue.name: line.queue.depth for line in well.queues}) == (
            None,
            {"mail": 0, "nobody": 4},
        )
        assert looks.tasks(ports, "lab").feed.connected


def asked_at_once(watched: Watched, without: Collection[str] = ()) -> dict[str, Any]:
    """Ask for everything, several at a time; hold each to its time, by the median of three where one was late."""

    def timed(ask: Callable[[], Any]) -> tuple[float, Any]:
        began = time.monotonic()
        found = ask()
        return time.monotonic() - began, found

    asked = {name: ask for name, ask in watched.views().items() if name not in without}
    with ThreadPoolExecutor(6) as pool:
        answers = dict(zip(asked, pool.map(timed, asked.values()), strict=True))
    late = {name: took for name, (took, _) in answers.items() if took > PROMISED + SLACK}
    slow = {name: statistics.median([took, *(timed(asked[name])[0] for _ in range(2))]) for name, took in late.items()}
    assert {name: took for name, took in slow.items() if took > PROMISED + SLACK} == {}
    return {name: found for name, (_, found) in answers.items()}


def holds_what_was_known(found: Mapping[str, Any], before: datetime) -> None:
    """Every view that asks the broker says that it cannot be read, and shows the last numbers with their moment."""
    for name, view in found.items():
        said = read(shown(view))
        if isinstance(view, StatusView):
            assert {line.queue.name: line.queue.depth for line in view.queues} == {"mail": 0, "nobody": 5}, name
            assert [w.name for w in view.workers] == [f"w1@{HOST}"]
            dated(said, view.trouble, view.taken_at, before, view.now)
        elif isinstance(view, QueuesView):
            assert [d.line.queue.depth for d in view.queues if d.line.queue.name == "nobody"] == [5], name
            dated(said, view.age.trouble, view.age.taken_at, before, view.age.now)
        elif isinstance(view, WorkersView):
            assert [d.worker.name for d in view.workers] == [f"w1@{HOST}"], name
            assert [d.memory is not None for d in view.workers] == [True]
            dated(said, view.age.trouble, view.age.taken_at, before, view.age.now)
        elif isinstance(view, TaskView):
            assert (view.trace.exception if view.trace else None) == "KeyError: on purpose"
            assert view.age.trouble is not None
            assert "cannot be read" in said
            assert "failed" in said
        elif isinstance(view, CheckView) and view.name not in HEARD_ALONE | OUTSIDE | {"old_results"}:
            assert view.finding.level in (Level.UNKNOWN, Level.BAD), name
            assert "cannot be read" in said or "did not answer within" in said, said
            if view.name != "redis_ping":
                assert view.finding.level is Level.UNKNOWN, name
        elif isinstance(view, CheckView):
            assert view.name in HEARD_ALONE or view.finding.level is Level.UNKNOWN, name
            assert view.finding.sentence


def dated(said: str, trouble: str | None, taken_at: datetime | None, before: datetime, now: datetime) -> None:
    """Hold that trouble is told in words, and the age of what follows."""
    assert trouble is not None
    assert "cannot be read" in trouble
    assert "cannot be read" in said
    assert "What is still known, as of " in said
    assert taken_at is not None
    assert taken_at <= now
    assert (before - taken_at).total_seconds() < 30


def tells_that_nothing_is_heard(found: Mapping[str, Any], events: Figures) -> None:
    """What rests on events stands as it was, and says so."""
    for name in ("tasks", "task name", "failures", "failure"):
        view = found[name]
        assert isinstance(view, TasksView | FailuresView)
        assert view.age.trouble, name
        assert view.age.taken_at is not None
        assert view.age.taken_at < view.age.now
        assert "not heard now" in read(shown(view))
    failures = found["failures"]
    assert (failures.failed, [g.exception for g in failures.groups]) == (events.failed, ["KeyError"])
    rows = found["tasks"].tasks
    assert sum(row.figures.succeeded for row in rows) == events.succeeded
    measured = found["targets"]
    assert isinstance(measured, TargetsView)
    assert measured.age.trouble is not None
    assert "not heard now" in read(shown(measured))
    readings = {line.spec.name: line.reading for line in measured.targets}
    assert (readings["depth"].value, readings["depth"].at < measured.age.now) == (5.0, True)
    assert readings["completion"].n == events.ended
    assert readings["memory"].value is not None
    feed = found["check event_feed"].finding
    assert (feed.level, feed.values["connected"]) == (Level.BAD, False)
    for name in HEARD_ALONE - {"event_feed"}:
        finding = found[f"check {name}"].finding
        assert finding.unknown, name


def shown(view: object) -> Any:
    """Return the message that people see."""
    match view:
        case StatusView():
            return status_message(view)
        case QueuesView():
            return queues_message(view)
        case WorkersView():
            return workers_message(view)
        case TasksView():
            return tasks_message(view)
        case TaskView():
            return task_message(view)
        case FailuresView():
            return failures_message(view)
        case TargetsView():
            return targets_message(view)
        case CheckView():
            return check_message(view)
    raise AssertionError(f"no view: {view}")


def is_right_again(watched: Watched, done: int) -> None:
    """All numbers are those of now, the worker's tasks are counted again, and the gap is told and closed."""
    cluster, ports = watched.cluster, watched.ports
    until(lambda: cluster.workers[f"w1@{HOST}"].answers(cluster.app, 1.0), 60, "the worker's own way back")
    cluster.send(TICK, queue="nobody", n=2)
    waiting = sum(cluster.lanes("nobody"))
    until(lambda: status(ports, "shop").trouble is None and watched.depth() == waiting, 20, "the status of now")
    until(lambda: looks.tasks(ports, "shop").feed.trouble is None, 20, "events that are heard")
    until(lambda: [w.answered for w in status(ports, "shop").workers] == [True], 30, "its answer")
    books = cluster.books.n("done", WORK)
    until(lambda: _tells(ports) and _flows(watched), 40, "task events that flow")
    assert cluster.books.n("done", WORK) > books
    for view in (looks.tasks(ports, "shop"), looks.failures(ports, "shop")):
        assert view.gaps
        until(lambda: all(g.until is not None for g in looks.tasks(ports, "shop").gaps), 10, "the closed gap")
        assert "vents were missed" in read(shown(view))
    assert watched.total().succeeded > done
    late = [n for n, view in asked_at_once(watched).items() if "cannot be read" in read(shown(view))]
    assert late == []


def test_task_events_flow_again_after_a_worker_connects_anew_and_nobody_heard_it(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Celery remembers that it was told to send them; its `worker-online` is lost here, as any event may be."""
    require("redis")
    folder = tmp_path_factory.mktemp("unheard")
    with ExitStack() as stack:
        server = stack.enter_context(RedisServer(folder=folder))
        cluster = Cluster("shop", server, folder)
        stack.callback(cluster.kill_workers)
        settings = cluster.settings("queues: {mail: {}}")
        ports = stack.enter_context(watching(folder, settings, told_of_starts=False))
        cluster.start("w1", ["mail"]).wait_ready(cluster.app, 60)
        made = Watched(ports, cluster, "")
        until(lambda: _tells(ports) and _flows(made), what="task events of the worker")
        log = cluster.workers[f"w1@{HOST}"].process
        for kind in ("normal", "pubsub"):
            server.client().client_kill_filter(_type=kind)
        until(lambda: "Connection to broker lost" in log.output(), 20, "the cut seen by the worker")
        until(lambda: _flows(made), 60, "task events that flow again")
        until(lambda: all(g.until for g in looks.tasks(ports, "shop").gaps), 20, "the closed gap")
        until(lambda: made.total().started == cluster.books.n("begun", WORK), 20, "as many starts as there were")


def _flows(watched: Watched) -> bool:
    """Return whether a task that is sent now is heard of from its beginning to its end."""
    (sent,) = watched.cluster.send(WORK, 0.01, queue="mail")
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        trace = watched.ports.clusters.live("shop").task(sent)
        if trace is not None and trace.ended_at is not None and trace.runtime is not None:
            return True
        time.sleep(0.05)
    return False
