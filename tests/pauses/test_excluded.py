"""What Celery itself does with `-X`, small and quick; the large measure is in `test_worker_starts`."""

import pytest

from tests.pauses.shop import QUEUES, Shop, wait_for

pytestmark = pytest.mark.service


def test_a_worker_without_any_queue_left_starts_and_is_given_them_by_the_resume(shop: Shop) -> None:
    """A worker of nothing but the paused queue must not fail to start, nor be lost after the pause."""
    shop.pause("analytics")
    shop.fill("analytics", 100)
    shop.start("worker1@test", QUEUES)
    shop.ports.clusters.control("shop").add_consumer("ai_generation", ["worker1@test"])
    shop.prove_alive()
    assert (shop.runs(), shop.depth("analytics")) == ({}, 100)
    shop.resume()
    wait_for(lambda: len(shop.runs()) == 100)
    assert set(shop.runs().values()) == {1}
    assert shop.consumers("analytics") == {"worker1@test"}
