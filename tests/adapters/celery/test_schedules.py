"""What beat sends into a queue, as a worker's settings say."""

import pytest

from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.schedules import CelerySchedules
from bot.adapters.celery.watched import WatchedCluster
from bot.domain.cluster import ClusterSpec
from bot.domain.periodic import Periodic, Refills
from playground.services import RedisServer
from tests.services.workers import StartWorker


@pytest.mark.service
def test_what_beat_sends_into_a_queue_is_read_from_a_workers_settings(
    redis_server: RedisServer, celery_worker: StartWorker
) -> None:
    """By the entry's own queue, by a route, and into the default queue; each with how often."""
    celery_worker(redis_server.url(), app="tests.services.scheduled_app", pool="solo")
    watched = WatchedCluster(ClusterConnection("shop", redis_server.url()), ClusterSpec(name="shop"))
    schedules = CelerySchedules(watched)

    def into(queue: str) -> Refills:
        return schedules.into(queue, ["w1@test"], deadline=5)

    assert into("analytics") == Refills(
        entries=(
            Periodic(name="clean-up", task="mail.clean", often="every 1 min"),
            Periodic(name="nightly", task="reports.build", often="at crontab 30 3 * * *"),
        ),
        told_by="w1@test",
    )
    assert [(e.name, e.often) for e in into("booking").entries] == [("weekly", "every 168 h")]
    assert [(e.name, e.often) for e in into("celery").entries] == [("heartbeat", "every 5 min")]
    assert into("reports") == Refills(told_by="w1@test")
    watched.close()


def test_where_nobody_answers_nothing_is_said(redis_server: RedisServer) -> None:
    """A purge is previewed all the same."""
    watched = WatchedCluster(ClusterConnection("shop", redis_server.url()), ClusterSpec(name="shop"))
    assert CelerySchedules(watched).into("analytics", ["w1@test"], deadline=0.2) == Refills()
    assert CelerySchedules(watched).into("analytics", []) == Refills()
    watched.close()


def test_what_fills_a_queue_again_is_said_in_one_sentence() -> None:
    """With how often, and by the name under which the schedule has it."""
    entries = tuple(Periodic(name=f"e{n}", task="mail.clean", often="every 1 min") for n in range(5))
    assert Refills(entries=entries[:1]).sentence == (
        "Beat fills it again: this entry of the schedule sends into it: mail.clean every 1 min (e0)."
    )
    assert str(Refills(entries=entries).sentence).endswith("mail.clean every 1 min (e2) and 2 more entries.")
    assert Refills(told_by="w1@test").sentence is None
