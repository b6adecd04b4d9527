"""Rates and forecasts against what then happens: a queue that drains, and one that grows and will not drain."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from bot.domain.forecast import Prospect
from bot.domain.views import QueueDetail
from bot.ports import Ports
from bot.usecases import looks
from bot.usecases.status import status
from playground.services import RedisServer
from tests.services.require import require
from tests.truth.bookkeeper import TICK, WORK
from tests.truth.bot import watching
from tests.truth.clusters import Cluster
from tests.truth.polling import until

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.timeout(180)]

BACKLOG, GOAL = 180, 20
SETTINGS = f"queues: {{drains: {{alert_above: {GOAL}}}, grows: {{alert_above: {GOAL}}}}}"


class Inflow(threading.Thread):
    """Three messages a second into a queue that nobody consumes."""

    def __init__(self, cluster: Cluster) -> None:
        """Do nothing yet."""
        super().__init__(daemon=True)
        self._cluster, self._closed = cluster, threading.Event()

    def run(self) -> None:
        """Send until closed."""
        while not self._closed.wait(1 / 3):
            self._cluster.send(TICK, queue="grows")

    def close(self) -> None:
        """Send no more."""
        self._closed.set()
        self.join(10)


@pytest.fixture
def cluster(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster with a prefix and lanes; one slot works at a backlog, while another queue fills."""
    require("redis")
    made = Cluster("shop", redis_server, tmp_path_factory.mktemp("rates"), prefix="shop:")
    yield made
    made.kill_workers()


@pytest.fixture
def ports(cluster: Cluster) -> Iterator[Ports]:
    """A bot that begins to watch when both queues are on their way: all that it sees is of one rate."""
    with ExitStack() as stack:
        cluster.start("w1", ["drains"], prefetch=1).wait_ready(cluster.app, 60)
        inflow = Inflow(cluster)
        stack.callback(inflow.close)
        cluster.send(WORK, 0.2, queue="drains", n=BACKLOG)
        inflow.start()
        until(lambda: cluster.books.n("done", WORK) > 0 and sum(cluster.lanes("grows")) > 0)
        yield stack.enter_context(watching(cluster.folder, cluster.settings(SETTINGS)))


def one(ports: Ports, queue: str) -> QueueDetail:
    """Return one queue, closely."""
    (found,) = looks.queues(ports, "shop", queue).queues
    return found


def test_rates_are_those_of_redis_and_of_the_tasks_own_books_and_a_forecast_comes_true(
    cluster: Cluster, ports: Ports
) -> None:
    """Growth by LLEN, service by what tasks wrote down, and the moment at which the queue falls below its limit."""
    since = time.monotonic()
    depth, begun, grown = sum(cluster.lanes("drains")), cluster.books.n("begun", WORK), sum(cluster.lanes("grows"))

    def told() -> bool:
        drains, grows = one(ports, "drains"), one(ports, "grows")
        rates = drains.trend and drains.trend.service_per_minute is not None and grows.trend
        return bool(rates and drains.forecast and drains.forecast.prospect is Prospect.DRAINS)

    until(told, 60, "a trend of both")
    drains, grows = one(ports, "drains"), one(ports, "grows")
    minutes = (time.monotonic() - since) / 60
    shrank = (sum(cluster.lanes("drains")) - depth) / minutes
    served = (cluster.books.n("begun", WORK) - begun) / minutes
    grew = (sum(cluster.lanes("grows")) - grown) / minutes

    assert drains.trend is not None
    assert grows.trend is not None
    assert drains.trend.net_per_minute == pytest.approx(shrank, rel=0.25)
    assert drains.trend.service_per_minute == pytest.approx(served, rel=0.25)
    assert drains.trend.arrival_per_minute == pytest.approx(0, abs=served * 0.25)
    assert grows.trend.net_per_minute == pytest.approx(grew, rel=0.25)
    lines = {line.queue.name: line.net_per_minute for line in status(ports, "shop").queues}
    assert lines["drains"] == pytest.approx(shrank, rel=0.3)
    assert lines["grows"] == pytest.approx(grew, rel=0.3)
    if sum(cluster.lanes("grows")) > GOAL + 5:
        until(lambda: (f := one(ports, "grows").forecast) and f.prospect is Prospect.WILL_NOT_DRAIN, 10)

    assert drains.forecast is not None
    promised = (drains.forecast.minutes or 0) * 60
    asked = time.monotonic()
    until(lambda: sum(cluster.lanes("drains")) < GOAL, promised * 2 + 10, "the queue below its limit")
    # A depth is up to 5 s old when it is shown.
    assert time.monotonic() - asked == pytest.approx(promised, rel=0.3, abs=6)
