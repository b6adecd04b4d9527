"""Workers with the plugin start with the rate limits in force, and get back what their application set."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.celery.orders import CeleryOrders
from bot.adapters.clock import SystemClock
from bot.adapters.clusters import ConfiguredClusters
from bot.domain.action import ExecutionState
from bot.domain.mitigation import Mitigation, MitigationState
from bot.ports import Means
from bot.usecases.rates import JOINED, keep_rates, limit_new_worker
from playground.services import RedisServer
from tests.usecases.revoking import QUEUE, wait
from tests.usecases.test_rate_limits import TASK, LimitedShop
from tests.usecases.world import SPEC
from tests.worker_plugin.conftest import StartPlugged

pytestmark = pytest.mark.service

OWN = {"SAMPLE_RATE": "100/m"}


class OrderedShop(LimitedShop):
    """It writes standing orders, too."""

    def __init__(self, folder: Path, server: RedisServer) -> None:
        super().__init__(folder, server)
        means = {"prod": Means(rates=self.rates, orders=CeleryOrders(self.control.watched, SystemClock()))}
        clusters = ConfiguredClusters({"prod": SPEC}, {"prod": self.control}, {"C0ONCALL": "prod"}, means=means)
        self.ports = replace(self.ports, clusters=clusters)

    def the_limit(self) -> Mitigation:
        """The one limit."""
        with self.world.store.read() as tx:
            (found,) = tx.mitigations.find(cluster="prod")
        return found


@pytest.fixture
def ordered_shop(tmp_path: Path, redis_server: RedisServer) -> Iterator[OrderedShop]:
    """A shop without workers."""
    shop = OrderedShop(tmp_path, redis_server)
    yield shop
    shop.close()


def test_a_worker_that_starts_is_limited_from_its_first_task_and_let_go_to_its_own_rate(
    ordered_shop: OrderedShop, plugged: StartPlugged
) -> None:
    """Lifted at once: no sweep had looked at it, and the bot never saw what it had before."""
    plugged(name="w1", queues=[QUEUE], pool="solo", env=OWN)
    ordered_shop.limited(rate="2/h")
    ids = ordered_shop.count(3)
    plugged(name="w2", queues=[QUEUE], pool="prefork", env=OWN)
    wait(lambda: ordered_shop.rates.of(TASK, ["w1@test", "w2@test"]).rates.keys() == {"w1@test", "w2@test"})
    found = ordered_shop.rates.of(TASK, ["w1@test", "w2@test"])
    assert (found.rates, found.before) == ({"w1@test": "2/h", "w2@test": "2/h"}, {"w2@test": "100/m"})
    wait(lambda: ordered_shop.server.client().llen(QUEUE) == 0)
    assert len(set(ids) & set(ordered_shop.ran())) <= 2  # one on each worker
    lifted = ordered_shop.lifted()
    assert (lifted.state, ordered_shop.state()) == (ExecutionState.VERIFIED, MitigationState.ENDED)
    assert (ordered_shop.rate("w1@test"), ordered_shop.rate("w2@test")) == ("100/m", "100/m")


def test_the_bot_learns_from_the_plugin_what_a_worker_had(ordered_shop: OrderedShop, plugged: StartPlugged) -> None:
    """By the news of the worker and by the sweep; another rate in between is not taken for its own."""
    plugged(name="w1", queues=[QUEUE], pool="solo", env=OWN)
    ordered_shop.limited(rate="2/h")
    plugged(name="w2", queues=[QUEUE], pool="solo", env=OWN)
    limit_new_worker(ordered_shop.ports, "prod", "w2@test")
    assert ordered_shop.the_limit().rates == {"w1@test": "100/m", "w2@test": "100/m"}
    assert ordered_shop.world.events().count(JOINED) == 1
    plugged(name="w3", queues=[QUEUE], pool="solo", env=OWN)
    keep_rates(ordered_shop.ports, "prod")
    assert ordered_shop.the_limit().rates["w3@test"] == "100/m"
    plugged(name="w4", queues=[QUEUE], pool="solo")
    ordered_shop.limited(rate="4/h")
    assert ordered_shop.the_limit().rates == dict.fromkeys(("w1@test", "w2@test", "w3@test"), "100/m") | {"w4@test": ""}
    ordered_shop.lifted()
    assert [ordered_shop.rate(f"w{n}@test") for n in (1, 2, 3, 4)] == ["100/m", "100/m", "100/m", None]
