"""Pools of real workers grow and shrink in place; those that cannot are told apart before anything is sent."""

from dataclasses import replace

import pytest

from bot.actions.resize_pools import ResizeParams, ResizePools
from bot.adapters.celery.control import CeleryClusterControl
from bot.adapters.clock import SystemClock
from bot.domain.action import Observation, Verdict
from bot.domain.cluster import ClusterSpec, Worker
from bot.domain.errors import BadInput
from bot.domain.pools import cannot
from bot.ports import Target
from playground.services import RedisServer
from tests.adapters.celery.conftest import wait_for
from tests.services.sample_app import make_app
from tests.services.workers import StartWorker

pytestmark = pytest.mark.service

ACTION = ResizePools()
SPEC = ClusterSpec(name="shop")


class Pools:
    """A request to resize, done on real workers as an execution does it."""

    def __init__(self, control: CeleryClusterControl) -> None:
        self.control, self.lines = control, list[str]()
        self.target = Target(spec=SPEC, control=control, clock=SystemClock())

    def observe(self, params: ResizeParams) -> Observation:
        """Look at the cluster now."""
        return ACTION.observe(params, self.target, self.control.snapshot())

    def progress(self, line: str, workers: object = ()) -> None:
        """Keep a line."""
        self.lines.append(line)

    def resize(self, **said: object) -> tuple[ResizeParams, Observation]:
        """Preview and run it; returns what was meant, and what was there before."""
        params = ResizeParams.model_validate(said)
        before = self.observe(params)
        ACTION.preview(params, before, SPEC)
        ACTION.run(params, before, self.target, self.progress)
        return params, before

    def verified(self, params: ResizeParams, before: Observation) -> Verdict:
        """Verify until the new sizes are there; machines here may need longer than an execution waits."""
        wait_for(lambda: ACTION.verify(params, before, self.observe(params)).verified)
        return ACTION.verify(params, before, self.observe(params))

    def slots(self) -> dict[str, int | None]:
        """Return the sizes of all pools now."""
        return {w.name: w.slots for w in self.control.snapshot().workers}


@pytest.fixture
def pools(control: CeleryClusterControl) -> Pools:
    """On the test's own broker."""
    return Pools(control)


@pytest.mark.parametrize("pool", ["prefork", "gevent"])
def test_a_pool_grows_and_its_undo_takes_the_slots_back(
    redis_server: RedisServer, pools: Pools, celery_worker: StartWorker, pool: str
) -> None:
    """Seen by its processes, or by gevent's limit; the worker goes on to work."""
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url()})
    celery_worker(redis_server.url(), queues=["booking"], pool=pool, concurrency=2)
    params, before = pools.resize(queue="booking", by=2)
    assert pools.verified(params, before).sentence == "1 worker grew: w1@test 2 → 4."
    undo = ACTION.undo(params, before, "shop")
    assert undo.model_dump()["params"] == {"queue": "booking", "by": -2, "sizes": {"w1@test": 2}}
    back = pools.resize(**undo.model_dump()["params"])
    assert pools.verified(*back).sentence == "1 worker shrank: w1@test 4 → 2."
    assert app.send_task("sample.add", (1, 2), queue="booking").get(timeout=20) == 3
    with pytest.raises(BadInput, match="nothing to undo"):
        pools.resize(**undo.model_dump()["params"])


def test_a_grown_pool_is_seen_though_its_limit_and_its_reply_never_tell(
    redis_server: RedisServer, pools: Pools, celery_worker: StartWorker
) -> None:
    """A prefork worker says ok before it has grown, and its `max-concurrency` stays; its processes are counted."""
    celery_worker(redis_server.url(), queues=["booking"], concurrency=1)
    assert pools.control.resize_pool("w1@test", 2) == "ok"
    wait_for(lambda: pools.slots() == {"w1@test": 3})
    stats = make_app({"SAMPLE_BROKER_URL": redis_server.url()}).control.inspect(timeout=20, limit=1).stats() or {}
    assert stats["w1@test"]["pool"]["max-concurrency"] == 1


@pytest.mark.parametrize("pool", ["prefork", "gevent"])
def test_a_shrink_by_too_many_leaves_one_slot(
    redis_server: RedisServer, pools: Pools, celery_worker: StartWorker, pool: str
) -> None:
    """Celery's own would leave a prefork worker with none, and a gevent one with less than none; tasks still run."""
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url()})
    celery_worker(redis_server.url(), queues=["booking"], pool=pool, concurrency=3)
    params, before = pools.resize(queue="booking", by=-20)
    assert pools.verified(params, before).sentence == "1 worker shrank: w1@test 3 → 1."
    assert app.send_task("sample.add", (1, 2), queue="booking").get(timeout=20) == 3
    with pytest.raises(BadInput, match="has one slot left"):
        pools.resize(queue="booking", by=-1)


@pytest.mark.parametrize(
    ("pool", "extra", "why"),
    [
        ("threads", (), r"w1@test has a pool \(threads\) that cannot change its size"),
        ("solo", (), r"w1@test has a pool \(solo\) that cannot change its size"),
        ("prefork", ("--autoscale", "3,1"), "w1@test sizes its pool itself"),
    ],
)
def test_a_pool_that_cannot_change_is_refused_in_words_before_anything_is_sent(
    redis_server: RedisServer,
    pools: Pools,
    celery_worker: StartWorker,
    pool: str,
    extra: tuple[str, ...],
    why: str,
) -> None:
    """Its kind is read from its stats; these answer a grow with an error."""
    celery_worker(redis_server.url(), queues=["booking"], pool=pool, extra=extra)
    with pytest.raises(BadInput, match=why):
        pools.resize(queue="booking", by=1)
    assert pools.control.resize_pool("w1@test", 1) not in ("ok", "no reply")


def test_a_worker_that_does_not_answer_is_left_alone_and_told(
    redis_server: RedisServer, pools: Pools, celery_worker: StartWorker
) -> None:
    """What pool it has is not known, so it is not touched; the other one grows by all that was asked for."""
    silent = celery_worker(redis_server.url(), name="w1", queues=["booking"], concurrency=1)
    celery_worker(redis_server.url(), name="w2", queues=["booking"], concurrency=1)
    wait_for(lambda: pools.slots() == {"w1@test": 1, "w2@test": 1})
    silent.pause()
    params = ResizeParams(queue="booking", by=2)
    preview = ACTION.preview(params, pools.observe(params), SPEC)
    assert preview.summary == "2 more slots for booking in all: w2@test 1 → 3."
    assert preview.warnings == ("w1@test did not answer (busy or unreachable); it is not touched.",)


def test_a_grow_of_two_says_which_did_not(redis_server: RedisServer, pools: Pools, celery_worker: StartWorker) -> None:
    """One was gone when it was told: no reply is no failure of the other, and nothing is sent again."""
    celery_worker(redis_server.url(), name="w1", queues=["booking"], concurrency=1)
    dying = celery_worker(redis_server.url(), name="w2", queues=["booking"], concurrency=1)
    params = ResizeParams(queue="booking", by=2)
    before = pools.observe(params)
    assert ACTION.preview(params, before, SPEC).radius.workers == ("w1@test", "w2@test")
    dying.kill()
    hasty = replace(pools.target, wait=lambda _: None)  # the dead one is not waited for here
    outcome = ACTION.run(params, before, hasty, pools.progress)
    assert outcome.replied == {"w1@test": "ok", "w2@test": "no reply"}
    wait_for(lambda: pools.slots().get("w1@test") == 2)
    verdict = ACTION.verify(params, before, pools.observe(params))
    assert (verdict.verified, verdict.confirmed, verdict.missing) == (False, ("w1@test",), ("w2@test",))
    assert verdict.sentence == "1 of 2 workers grew: w1@test 1 → 2; not w2@test (no answer)."


def test_busy_processes_are_not_given_up(redis_server: RedisServer, pools: Pools, celery_worker: StartWorker) -> None:
    """A shrink stops no running task: with all busy it takes none, and that is told."""
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url()})
    celery_worker(redis_server.url(), queues=["booking"], concurrency=2)
    for _ in range(2):
        app.send_task("sample.sleep", (120,), queue="booking")
    wait_for(lambda: pools.control.snapshot().workers[0].busy == 2)
    pools.target = replace(pools.target, wait=lambda _: None)
    params, before = pools.resize(queue="booking", by=-1)
    verdict = ACTION.verify(params, before, pools.observe(params))
    assert (verdict.verified, verdict.sentence) == (
        False,
        "0 of 1 worker shrank; not w1@test (2 slots, all busy).",
    )


def test_a_busy_gevent_pool_shrinks_without_losing_a_task_or_its_way(
    redis_server: RedisServer, pools: Pools, celery_worker: StartWorker
) -> None:
    """All its slots run when three of four are taken away: what runs goes on, and what comes later runs too."""
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url()})
    celery_worker(redis_server.url(), queues=["booking"], pool="gevent", concurrency=4)
    running = [app.send_task("sample.sleep", (5,), queue="booking") for _ in range(4)]
    wait_for(lambda: pools.control.snapshot().workers[0].busy == 4)
    pools.resize(queue="booking", by=-3)
    assert pools.slots() == {"w1@test": 1}
    later = [app.send_task("sample.add", (n, 1), queue="booking") for n in range(5)]
    assert [r.get(timeout=30) for r in running] == [5, 5, 5, 5]
    assert [r.get(timeout=30) for r in later] == [1, 2, 3, 4, 5]
    assert pools.verified(*pools.resize(queue="booking", by=1)).sentence == "1 worker grew: w1@test 1 → 2."


def test_a_worker_that_said_nothing_of_its_pool_is_not_touched() -> None:
    """Not knowing is no reason to try."""
    assert cannot(Worker(name="w1@a", queues=("booking",))) == "did not say what pool it has"
