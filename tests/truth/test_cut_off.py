"""Redis cuts the bot off in the middle of 50,000 events: what people see of it, and what the numbers are worth then.

The events are published as a worker would, by the test, which so knows what there was, and of each PUBLISH whether
anybody heard it. The same with real workers, whose own counts fill the gap: tests/adapters/events/test_cut_off.py.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from bot.adapters.celery.envelope import wrap
from bot.domain.run import Level
from bot.domain.views import TasksView
from bot.domain.window import Figures
from bot.ports import Ports
from bot.slack.views.check import check_message
from bot.slack.views.failures import failures_message
from bot.slack.views.targets import targets_message
from bot.slack.views.tasks import tasks_message
from bot.usecases import checks, looks
from bot.usecases.measuring import targets
from playground.services import RedisServer
from tests.services.require import require
from tests.slack.views.reading import read
from tests.truth.bot import watching
from tests.truth.clusters import Cluster
from tests.truth.polling import until

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.timeout(180)]

TASKS = 16_800
"""Three events each: 50,400."""

BATCH = 24
NODE = "w1@elsewhere"


class Storm(threading.Thread):
    """A worker's events, batch by batch, with its heartbeats; one task in a hundred fails."""

    def __init__(self, server: RedisServer) -> None:
        """Do nothing yet."""
        super().__init__(daemon=True)
        self._client = server.client()
        self.sent, self.heard = Counter[str](), Counter[str]()
        self.done, self._closed = threading.Event(), threading.Event()

    def close(self) -> None:
        """End the heartbeats."""
        self._closed.set()
        if self.is_alive():
            self.join(60)

    def run(self) -> None:
        """Send all of them over some ten seconds, and then heartbeats alone."""
        self._beat()
        beaten = time.monotonic()
        for first in range(0, TASKS, BATCH // 3):
            if self._closed.is_set():
                return
            events = [event for n in range(first, first + BATCH // 3) for event in _events(n)]
            kinds = Counter(str(event["type"]) for event in events)
            self.sent += kinds
            if self._client.publish("/0.celeryev/task.multi", wrap(events, "celeryev")):
                self.heard += kinds
            if time.monotonic() - beaten > 1:
                beaten = time.monotonic()
                self._beat()
            time.sleep(0.004)  # a storm that lasts long enough for a cut in its middle
        self.done.set()
        while not self._closed.wait(1):
            self._beat()

    def _beat(self) -> None:
        beat = {"type": "worker-heartbeat", "hostname": NODE, "timestamp": time.time(), "pid": 7, "freq": 2.0}
        beat |= {"processed": self.sent["task-started"], "active": 0, "sw_ident": "py-celery", "sw_ver": "5.7.0"}
        self._client.publish("/0.celeryev/worker.heartbeat", wrap(beat, "celeryev"))


def _events(n: int) -> Iterator[dict[str, Any]]:
    about = {"hostname": NODE, "uuid": f"task-{n}", "timestamp": time.time()}
    yield {**about, "type": "task-received", "name": "shop.add"}
    yield {**about, "type": "task-started"}
    if n % 100:
        yield {**about, "type": "task-succeeded", "runtime": 0.01}
    else:
        yield {**about, "type": "task-failed", "exception": "KeyError('seat')", "traceback": "…"}


@pytest.fixture
def storm(redis_server: RedisServer) -> Iterator[Storm]:
    """A storm that is not begun, and ends with the test."""
    made = Storm(redis_server)
    yield made
    made.close()


@pytest.fixture
def ports(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ports]:
    """A bot that listens to a broker on which nobody else is."""
    require("redis")
    folder = tmp_path_factory.mktemp("cut")
    with ExitStack() as stack:
        cluster = Cluster("shop", redis_server, folder)
        made = stack.enter_context(watching(folder, cluster.settings("queues: {mail: {}}")))
        until(lambda: made.clusters.live("shop").feed().connected)
        yield made


def total(view: TasksView) -> Figures:
    """Return all rows together."""
    found = Figures()
    for row in view.tasks:
        found = found.plus(row.figures)
    return found


def test_a_cut_in_the_middle_of_50_000_events_is_seen_shown_and_closed(
    redis_server: RedisServer, ports: Ports, storm: Storm
) -> None:
    """Within ten seconds; counts are never too high, and as many starts as are lacking are told as missed."""
    storm.start()
    until(lambda: total(looks.tasks(ports, "shop")).started > TASKS / 3, 60, "a third of the storm")
    before = looks.tasks(ports, "shop")
    assert before.gaps == ()
    assert "missed" not in read(tasks_message(before))
    cut = time.monotonic()
    with redis_server.client() as client:
        assert client.client_kill_filter(_type="pubsub") >= 1
    until(lambda: looks.tasks(ports, "shop").gaps, 10, "the gap")
    until(lambda: all(g.until for g in looks.tasks(ports, "shop").gaps), cut + 10 - time.monotonic(), "its end")
    assert not storm.done.is_set(), "the cut was to be in the middle"
    is_shown(ports)

    until(storm.done.is_set, 90, "the end of the storm")
    heard, sent = storm.heard, storm.sent
    assert sum(sent.values()) > 50_000

    def missed() -> int:
        return sum(gap.missed or 0 for gap in looks.tasks(ports, "shop").gaps)

    lacking = sent["task-started"] - total(looks.tasks(ports, "shop")).started
    assert lacking > 0
    until(lambda: missed() == lacking, 10, "as many missed as are lacking")
    found = total(looks.tasks(ports, "shop"))
    # What Redis had passed on when it cut the line may never have arrived.
    for kind, n in (
        ("task-received", found.received),
        ("task-started", found.started),
        ("task-succeeded", found.succeeded),
        ("task-failed", found.failed),
    ):
        assert n <= heard[kind] <= sent[kind], kind
        assert n > heard[kind] * 0.8, kind
    assert found.lost == 0
    is_shown(ports)
    reading = {line.spec.name: line.reading for line in targets(ports, "shop").targets}["completion"]
    assert (reading.n, reading.value) == (found.ended, found.succeeded / found.ended)
    assert f"at least {lacking:,} tasks" in str(reading.incomplete)


def is_shown(ports: Ports) -> None:
    """Every view that rests on events says that some were missed, on the screen, and calls its counts "at least"."""
    tasks, failures = looks.tasks(ports, "shop"), looks.failures(ports, "shop")
    feed = checks.check(ports, "shop", "event_feed", {})
    completion = checks.check(ports, "shop", "completion", {})
    screens = {
        "tasks": read(tasks_message(tasks)),
        "one": read(tasks_message(looks.tasks(ports, "shop", "add"))),
        "failures": read(failures_message(failures)),
        "targets": read(targets_message(targets(ports, "shop"))),
        "feed": read(check_message(feed)),
        "completion": read(check_message(completion)),
    }
    for name, said in screens.items():
        assert "vents were missed" in said, f"{name}: {said}"
    for name in ("tasks", "one", "failures"):
        assert "at least" in screens[name]
    assert feed.finding.level is Level.WARN
    assert tasks.feed.connected
