"""What the doctor finds in clusters and at the ops broker: every failure made for real, one sentence each."""

import re
import time

import pytest

from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.dispatcher import CeleryDispatcher
from bot.adapters.celery.examination import examine_cluster, examine_ops, ops_connection
from bot.domain.cluster import ClusterSpec, QueueSpec, WorkerGroup
from bot.domain.diagnosed import Diagnosed
from playground.services import RedisServer
from tests.doctoring import bad_ones, notes
from tests.services.network import SilentServer
from tests.services.sample_app import make_app
from tests.services.workers import StartWorker

SPEC = ClusterSpec(
    name="prod",
    queues=(QueueSpec(name="booking"),),
    worker_groups=(WorkerGroup(name="w*", queues=("booking",)),),
)


def examined(url: str, spec: ClusterSpec = SPEC, seconds: float = 5.0, prefix: str = "") -> list[Diagnosed]:
    """Examine the cluster whose broker is at `url`."""
    return examine_cluster(ClusterConnection("prod", url, global_keyprefix=prefix), spec, seconds)


@pytest.mark.service
def test_a_sound_cluster(redis_server: RedisServer, celery_worker: StartWorker) -> None:
    """What was found is named; that task events are off is only worth knowing."""
    celery_worker(redis_server.url(), queues=["booking"], pool="solo")
    broker, *rest = examined(redis_server.url())
    assert broker.sentence.startswith("The broker (")
    assert f"at 127.0.0.1:{redis_server.port}) answers in " in broker.sentence
    assert [(d.level, d.sentence) for d in rest] == [
        ("ok", "1 queue in database 0 without a prefix: booking."),
        ("ok", "1 worker answers: w1@test."),
        ("ok", "All of them send heartbeats."),
        ("note", "No task events were heard; the bot needs none."),
    ]


@pytest.mark.service
def test_workers_that_do_not_fit_the_settings(redis_server: RedisServer, celery_worker: StartWorker) -> None:
    """A queue that nobody uses and a group without workers are worth knowing; heartbeats that do not come are bad."""
    celery_worker(redis_server.url(), queues=["booking"], pool="solo", extra=["-E", "--without-heartbeat"])
    queues = (QueueSpec(name="booking"), QueueSpec(name="bokking"))
    groups = (WorkerGroup(name="image_worker", queues=("booking",)),)
    found = examined(redis_server.url(), ClusterSpec(name="prod", queues=queues, worker_groups=groups), seconds=2.5)
    (sentence,) = bad_ones(found)
    assert re.fullmatch(
        r"No heartbeat came from 1 worker \(w1@test\) within \d s; start without `--without-heartbeat`, or a pause "
        r"reaches them late when they start again\.",
        sentence,
    )
    assert notes(found) == [
        "Nobody has used 1 declared queue here yet (bokking); check the spelling under `clusters.prod.queues`, or "
        "start a worker for it.",
        "No worker answers of 1 worker group (image_worker); start it, or give `clusters.prod.worker_groups` the names "
        "that your workers have before their @.",
        "No task events were heard; the bot needs none.",
    ]


@pytest.mark.service
def test_the_wrong_prefix(redis_server: RedisServer) -> None:
    """Every place on the server that has queues is named, except the ops worker's own."""
    for db, prefix in ((0, "eu:"), (3, "")):
        app = make_app({"SAMPLE_BROKER_URL": redis_server.url(db), "SAMPLE_PREFIX": prefix})
        app.send_task("sample.add", (1, 1), queue="booking")
    dispatcher = CeleryDispatcher(redis_server.url())
    assert dispatcher.dispatch("exe-1")
    dispatcher.close()
    assert bad_ones(examined(redis_server.url(), seconds=2)) == [
        "No queue is in database 0 without a prefix, but some are in database 0 under `eu:`, database 3 without a "
        "prefix: set `clusters.prod.global_keyprefix`, or the database at the end of the broker's address.",
        "No worker answers remote control; start one, and if some run, see that `worker_enable_remote_control` is on "
        "and that they use this broker, database and prefix.",
    ]
    found = examined(redis_server.url(), prefix="eu:", seconds=2)
    assert found[1].sentence == "1 queue in database 0 under `eu:`: booking."


@pytest.mark.service
def test_a_broker_that_nobody_used(redis_server: RedisServer) -> None:
    """A new cluster looks so, and so does another server; the queues that are declared are not told a second time."""
    found = examined(redis_server.url(), seconds=2)
    assert notes(found) == [
        "No queue has been used in database 0 without a prefix yet; if your tasks run, this is not their Redis server."
    ]


@pytest.mark.service
def test_a_worker_that_hangs(redis_server: RedisServer, celery_worker: StartWorker) -> None:
    """It still listens, so it is not the same as no worker."""
    celery_worker(redis_server.url(), queues=["booking"], pool="solo").pause()
    found = examined(redis_server.url(), seconds=2)
    assert (
        "1 listener to remote control keeps silent: a busy worker of the solo pool, one that hangs, or another program."
    ) in notes(found)


def test_a_broker_that_is_away(refused_port: int) -> None:
    """With where its address is to be mended."""
    assert bad_ones(examined(f"redis://127.0.0.1:{refused_port}/0")) == [
        f"The broker cannot be used: nothing listens at 127.0.0.1:{refused_port}; check the broker's address under "
        "`clusters.prod`, and the ACL of its user."
    ]


def test_a_broker_that_keeps_silent(silent_server: SilentServer) -> None:
    """It does not hold up the doctor."""
    started = time.monotonic()
    (sentence,) = bad_ones(examined(silent_server.url()))
    assert sentence.startswith(f"The broker cannot be used: 127.0.0.1:{silent_server.port} did not answer within 1 s; ")
    assert time.monotonic() - started < 5


@pytest.mark.service
def test_a_wrong_password(redis_server: RedisServer) -> None:
    """It is not repeated."""
    url = redis_server.url().replace("//", "//oncall:hunter2@")
    (sentence,) = bad_ones(examined(url))
    assert sentence.startswith(
        f"The broker cannot be used: 127.0.0.1:{redis_server.port} refused the user name or pass"
    )
    assert "hunter2" not in sentence


# --- the ops broker --------------------------------------------------------------------------------------------------


def test_an_ops_broker_that_is_away(refused_port: int) -> None:
    """The bot executes by itself then, so what is lost is told."""
    ops = ops_connection(f"redis://127.0.0.1:{refused_port}/0")
    assert bad_ones(examine_ops(ops, [], 2)) == [
        f"The bot's own broker cannot be used: nothing listens at 127.0.0.1:{refused_port}; until ONCALL_BROKER_URL "
        "names one that the bot may write to, the bot executes by itself, without the ops worker."
    ]


@pytest.mark.service
def test_no_ops_worker(redis_server: RedisServer, celery_worker: StartWorker) -> None:
    """The watched cluster's workers on the same server are not taken for it."""
    celery_worker(redis_server.url(), pool="solo")
    assert bad_ones(examine_ops(ops_connection(redis_server.url()), [], 2)) == [
        "No ops worker answers; start `celery-oncall up`, or `celery-oncall worker` with the same settings."
    ]


@pytest.mark.service
def test_an_ops_worker_that_hangs(redis_server: RedisServer, celery_worker: StartWorker) -> None:
    """A worker in the ops keyspace listens, and is frozen."""
    celery_worker(redis_server.url(), pool="solo", env={"SAMPLE_PREFIX": "oncall:"}).pause()
    assert bad_ones(examine_ops(ops_connection(redis_server.url()), [], 2)) == [
        "The ops worker listens and does not answer; look into its log, and start it again."
    ]


@pytest.mark.service
@pytest.mark.parametrize(("prefix", "db", "shared"), [("oncall:", 0, True), ("oncall:", 1, False), ("", 0, False)])
def test_a_cluster_in_the_ops_workers_keyspace(redis_server: RedisServer, prefix: str, db: int, shared: bool) -> None:
    """Whatever somebody sends to all workers of that cluster would reach the ops worker, too."""
    url = redis_server.url(db).replace("127.0.0.1", "localhost")
    watched = ClusterConnection("prod", url, global_keyprefix=prefix)
    sentence = (
        "The cluster `prod` uses the prefix `oncall:` in the very database of the bot's own broker, so that a `control "
        "shutdown` of it ends the ops worker; set ONCALL_BROKER_URL to another database."
    )
    assert (sentence in bad_ones(examine_ops(ops_connection(redis_server.url()), [watched], 2))) is shared
