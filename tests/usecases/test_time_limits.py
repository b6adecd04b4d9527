"""A time limit: seen to end tasks on real workers, refused where an ok would be a lie, taken away by its undo."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from celery.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded

from bot.actions.limit_time import LimitTime, TimeParams
from bot.adapters.celery.time_limits import CeleryTimeLimiting
from bot.adapters.clusters import ConfiguredClusters
from bot.domain.action import Execution, ExecutionState, Irreversible, Observation, Proposal, Risk, Verdict
from bot.domain.approval import Answer, ApprovalRequest
from bot.domain.cluster import ClusterSnapshot, TaskInHand, Worker
from bot.domain.errors import BadInput, UnknownName
from bot.domain.time_limits import TimeLimits, TimeLimitsFound, crossed
from bot.ports import Means
from bot.usecases import approvals, requests
from bot.usecases.executions import execute
from playground.services import RedisServer
from tests.services.workers import StartWorker
from tests.usecases.revoking import QUEUE, Shop, wait
from tests.usecases.world import SPEC

TASK = "sample.sleep"
RESTARTS = {"SAMPLE_RESTARTS": "1"}


class TimedShop(Shop):
    """Its tasks can be given time limits."""

    def __init__(self, folder: Path, server: RedisServer) -> None:
        super().__init__(folder, server)
        means = {"prod": Means(time_limits=CeleryTimeLimiting(self.control.watched))}
        clusters = ConfiguredClusters({"prod": SPEC}, {"prod": self.control}, {"C0ONCALL": "prod"}, means=means)
        consent = {Risk.HIGH: self.ports.policy.alternatives(Risk.DESTRUCTIVE)}
        policy = self.ports.policy.model_copy(update={"consent": consent})
        self.ports = replace(self.ports, clusters=clusters, policy=policy)

    def draft(self, **params: object) -> ApprovalRequest:
        """Ask for a time limit."""
        return self.proposed(Proposal(action="limit_time", cluster="prod", params={"task": TASK, **params}))

    def proposed(self, proposal: Proposal) -> ApprovalRequest:
        """Ask for what is proposed."""
        draft = requests.draft(self.ports, proposal, "U0ANA", "", "C0ONCALL", None)
        assert isinstance(draft, ApprovalRequest), draft
        assert draft.risk is Risk.HIGH
        return draft

    def undone(self, execution: Execution) -> Execution:
        """Undo it, approved as it was."""
        assert execution.undo is not None
        draft = self.proposed(execution.undo)
        requests.submit(self.ports, draft.id, "U0ANA")
        approvals.answer(self.ports, draft.id, "U0BEN", Answer.APPROVE)
        with self.world.store.read() as tx:
            (made,) = tx.executions.find(request_id=draft.id)
        ended = execute(self.ports, made.id)
        assert isinstance(ended, Execution)
        return ended

    def became(self, task: str) -> object:
        """Wait for the end of a task, and return its result, or the exception that it ended with."""
        result = self.app.AsyncResult(task)
        wait(result.ready)
        return result.result


@pytest.fixture
def shop(tmp_path: Path, redis_server: RedisServer) -> Iterator[TimedShop]:
    """Return one without workers."""
    shop = TimedShop(tmp_path, redis_server)
    yield shop
    shop.close()


def verified(execution: Execution) -> str:
    """Return what was seen."""
    assert execution.verdict is not None
    assert execution.state is ExecutionState.VERIFIED, (execution.verdict, execution.error)
    return execution.verdict.sentence


@pytest.mark.service
def test_celerys_own_ok_is_no_limit(shop: TimedShop, celery_worker: StartWorker) -> None:
    """It says ok and shows the limit, and a task that runs for longer ends well."""
    celery_worker(shop.server.url(), queues=[QUEUE], concurrency=1, env=RESTARTS)
    said = shop.app.control.time_limit(TASK, hard=1, reply=True, timeout=20, limit=1)
    assert said == [{"w1@test": {"ok": "time limits set successfully"}}]
    assert shop.became(shop.sleep(2.5)) == 2.5
    with pytest.raises(BadInput, match="there is a limit of 1 s hard already: one set from here is taken away by its"):
        shop.draft(hard=60)


@pytest.mark.service
def test_a_limit_ends_tasks_and_its_undo_lets_them_run_again(shop: TimedShop, celery_worker: StartWorker) -> None:
    """Verified by effect: the same task is ended after it was told, and not when the limit is taken away."""
    celery_worker(shop.server.url(), queues=[QUEUE], concurrency=1, env=RESTARTS)
    limited = shop.revoked(hard=1)
    assert verified(limited) == f"1 worker ends {TASK} after 1 s hard."
    assert isinstance(shop.became(shop.sleep(60)), TimeLimitExceeded)
    undone = shop.undone(limited)
    assert verified(undone) == f"1 worker no longer ends {TASK} after 1 s hard."
    assert undone.undo is None
    assert shop.became(shop.sleep(2.5)) == 2.5


@pytest.mark.service
def test_a_soft_limit_is_raised_in_the_task(shop: TimedShop, celery_worker: StartWorker) -> None:
    """It fails there unless it catches that."""
    celery_worker(shop.server.url(), queues=[QUEUE], concurrency=1, env=RESTARTS)
    assert verified(shop.revoked(soft=1, hard=120)) == f"1 worker ends {TASK} after 1 s soft, 120 s hard."
    assert isinstance(shop.became(shop.sleep(60)), SoftTimeLimitExceeded)


@pytest.mark.service
def test_what_runs_and_what_was_fetched_runs_once_although_the_pool_restarts(
    shop: TimedShop, celery_worker: StartWorker
) -> None:
    """One task runs in each of two processes while they are told to restart, eight wait behind them."""
    celery_worker(shop.server.url(), queues=[QUEUE], concurrency=2, env=RESTARTS)
    long = [shop.sleep(2), shop.sleep(2)]
    shop.running(*long)
    short = shop.count(8)
    shop.held(6)
    draft = shop.draft(hard=1)
    assert "2 tasks of it, running, fetched or kept for later, keep the limit they have now." in draft.preview.notes
    verified(shop.revoked(hard=1))
    assert [shop.became(task) for task in long] == [2, 2]
    wait(lambda: set(short) <= set(shop.ran()))
    assert set(shop.ran().values()) == {1}


@pytest.mark.service
@pytest.mark.slow
def test_tasks_that_are_acknowledged_late_run_once_although_the_pool_restarts(
    shop: TimedShop, celery_worker: StartWorker
) -> None:
    """Neither one that runs meanwhile, which ends well, nor those that were fetched, nor those that wait."""
    celery_worker(shop.server.url(), queues=[QUEUE], env={**RESTARTS, "SAMPLE_ACKS_LATE": "1"})
    held = shop.waiting_for("go", "sample.hold")
    shop.running(held)
    tasks = shop.count(50)
    verified(shop.revoked(soft=30, hard=60))
    tasks += shop.count(20)
    shop.release("go")
    wait(lambda: {held, *tasks} <= set(shop.ran()))
    assert shop.became(held) is None
    wait(lambda: shop.server.client().hlen("unacked") == 0)
    assert set(shop.ran().values()) == {1}


@pytest.mark.service
def test_what_a_rate_limit_holds_back_runs_once_and_the_preview_says_how_fast(
    shop: TimedShop, celery_worker: StartWorker
) -> None:
    """A restart makes a second bucket beside the one that holds tasks back: neither loses or repeats any."""
    celery_worker(shop.server.url(), queues=[QUEUE], concurrency=2, env={**RESTARTS, "SAMPLE_RATE": "2/s"})
    counts = shop.count(12)
    wait(lambda: bool(shop.ran()))
    (note,) = (n for n in shop.draft(hard=60).preview.notes if "rate limit" in n)
    assert note.startswith("What a rate limit holds back there (sample.count) goes on beside what comes new")
    verified(shop.revoked(hard=60))
    wait(lambda: set(counts) <= set(shop.ran()))
    assert set(shop.ran().values()) == {1}


@pytest.mark.service
def test_where_every_process_is_busy_it_is_not_said_to_hold(shop: TimedShop, celery_worker: StartWorker) -> None:
    """Nobody has seen a new one; that is told before, with what ends those that hang."""
    shop.ports = replace(shop.ports, wait=lambda _: None)
    celery_worker(shop.server.url(), queues=[QUEUE], concurrency=1, env=RESTARTS)
    shop.running(shop.waiting_for("go", "sample.hold"))
    assert shop.draft(hard=60).preview.warnings == (
        "Every process of w1@test runs a task: until one has ended, nobody can see that the limit holds. "
        f"`/celery revoke task {TASK} terminate` ends those that hang.",
    )
    execution = shop.revoked(hard=60)
    shop.release("go")
    assert execution.state is not ExecutionState.VERIFIED
    assert execution.undo is not None


@pytest.mark.service
def test_a_soft_limit_of_the_pool_that_a_hard_one_would_wait_for_is_in_the_way(
    shop: TimedShop, celery_worker: StartWorker
) -> None:
    """No task says it: it stands in the command that started the worker, and Celery counts the hard one after it."""
    celery_worker(shop.server.url(), queues=[QUEUE], concurrency=1, env=RESTARTS, extra=["--soft-time-limit", "200"])
    with pytest.raises(
        BadInput, match=r"w1@test: that would be 200 s soft, 60 s hard \(the pool has 200 s soft of its"
    ):
        shop.draft(hard=60)
    assert shop.draft(soft=30, hard=60).preview.radius.workers == ("w1@test",)


@pytest.mark.service
def test_what_tasks_there_send_carries_the_limit_as_the_preview_says(
    shop: TimedShop, celery_worker: StartWorker
) -> None:
    """Each new process has it in its copy of the task, and puts it into messages; the undo ends that."""
    celery_worker(shop.server.url(), queues=[QUEUE], concurrency=1, env=RESTARTS)

    def sent() -> object:
        client = shop.server.client()
        shop.app.tasks["sample.send"].apply_async((TASK, "elsewhere", 0), queue=QUEUE)
        wait(lambda: client.llen("elsewhere"))
        (raw,) = client.lrange("elsewhere", 0, -1)
        client.delete("elsewhere")
        return json.loads(raw)["headers"]["timelimit"]

    assert sent() == [None, None]
    assert any("carries the new one" in note for note in shop.draft(hard=60).preview.notes)
    limited = shop.revoked(hard=60)
    verified(limited)
    assert sent() == [60, None]
    verified(shop.undone(limited))
    assert sent() == [None, None]


@pytest.mark.service
@pytest.mark.parametrize(
    ("pool", "env", "why"),
    [
        ("prefork", {}, "keeps the old limit; set `worker_pool_restarts = True` in the application and restart"),
        ("prefork", {**RESTARTS, "SAMPLE_TIME_LIMIT": "300"}, "there is a limit of 300 s hard already"),
        ("threads", RESTARTS, r"this pool \(threads\) ends no task in time"),
        ("gevent", RESTARTS, "nobody can see whether a new limit holds"),
        ("solo", RESTARTS, r"this pool \(solo\) ends no task in time"),
    ],
)
def test_a_limit_that_would_not_hold_is_refused(
    shop: TimedShop, celery_worker: StartWorker, pool: str, env: dict[str, str], why: str
) -> None:
    """Celery's own command is answered with ok by each of them; it is not sent."""
    celery_worker(shop.server.url(), queues=[QUEUE], pool=pool, env=env)
    with pytest.raises(BadInput, match=rf"No time limit of `{TASK}` can be changed\. w1@test: .*{why}"):
        shop.draft(hard=60)


@pytest.mark.service
def test_workers_that_do_not_answer_are_named_and_left_alone(shop: TimedShop, celery_worker: StartWorker) -> None:
    """The others are told; a task that nobody knows is met with suggestions."""
    celery_worker(shop.server.url(), queues=[QUEUE], concurrency=1, env=RESTARTS)
    silent = celery_worker(shop.server.url(), name="w2", queues=[QUEUE], concurrency=1, env=RESTARTS)
    shop.until(lambda s: len(s.workers) == 2)
    silent.pause()
    draft = shop.draft(hard=60)
    assert draft.preview.summary == f"1 worker would end {TASK} after 60 s hard, and restart its pool."
    assert draft.preview.warnings == ("Not touched: w2@test: no answer (busy or unreachable).",)
    with pytest.raises(
        UnknownName, match=r"There is no task `sample\.sleeep` on any worker that answers\. Did you mean"
    ):
        shop.draft(task="sample.sleeep", hard=60)
    silent.resume()


AT = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
PARAMS = TimeParams(task=TASK, hard=60)


def seen(limits: TimeLimits, *pids: int, busy: int = 0, answers: bool = True) -> Observation:
    """Return what is seen of one worker with two slots."""
    hand = tuple(TaskInHand(id=str(n), name=TASK, queue=QUEUE) for n in range(busy))
    worker = (
        Worker(name="w1@a", pool="prefork", slots=2, active=hand) if answers else Worker(name="w1@a", answered=False)
    )
    found = TimeLimitsFound(
        limits={"w1@a": limits} if answers else {},
        restartable=frozenset({"w1@a"}),
        processes={"w1@a": frozenset(pids)} if answers else {},
    )
    snapshot = ClusterSnapshot(cluster="prod", taken_at=AT, workers=(worker,))
    return Observation(snapshot=snapshot, facts={"found": found.model_dump(mode="json"), "fetched": busy})


NONE, MINUTE = TimeLimits(), TimeLimits(hard=60)
BEFORE = seen(NONE, 11, 12)


def verdict(after: Observation) -> Verdict:
    """Return what is said of a worker that is to end tasks after a minute."""
    return LimitTime().verify(PARAMS, BEFORE, after)


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (seen(MINUTE, 11, 12), "w1@a (it says so, but no process is new yet)"),
        (
            seen(MINUTE, 11, 12, busy=2),
            "w1@a (it says so, but no process is new yet: all are busy, and each is replaced when its task has ended)",
        ),
        (seen(NONE, 11, 13), "w1@a (it says no time limit)"),
        (seen(NONE, answers=False), "w1@a (no answer)"),
    ],
)
def test_a_workers_ok_is_not_believed(after: Observation, said: str) -> None:
    """It says so at once, and the limit holds from when its pool was restarted: then a process is new."""
    assert not verdict(after).verified
    assert said in verdict(after).sentence
    assert verdict(seen(MINUTE, 11, 13)).verified


def test_an_undo_leaves_alone_what_has_another_limit_by_now() -> None:
    """Somebody else changed it since: that is not taken away."""
    back = TimeParams(task=TASK, hard=60, workers=("w1@a",))
    with pytest.raises(BadInput, match="w1@a: it is 30 s hard by now"):
        LimitTime().preview(back, seen(TimeLimits(hard=30), 11, 13), SPEC)
    assert LimitTime().preview(back, seen(MINUTE, 11, 13), SPEC).radius.workers == ("w1@a",)
    assert isinstance(LimitTime().undo(back, seen(MINUTE, 11, 13), "prod"), Irreversible)


@pytest.mark.parametrize(
    ("limits", "pool", "holds"),
    [
        (TimeLimits(hard=60), TimeLimits(), True),
        (TimeLimits(hard=60), TimeLimits(soft=30, hard=300), True),
        (TimeLimits(hard=60), TimeLimits(soft=60), False),
        (TimeLimits(soft=400), TimeLimits(hard=300), False),
        (TimeLimits(soft=30, hard=60), TimeLimits(soft=200, hard=300), True),
    ],
)
def test_the_soft_limit_has_to_be_the_shorter(limits: TimeLimits, pool: TimeLimits, holds: bool) -> None:
    """A task's own limits stand before those of its pool, each by itself."""
    assert (crossed(limits, pool) is None) is holds


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({}, "name a `soft` limit"),
        ({"soft": 60, "hard": 60}, "has to be shorter"),
        ({"hard": 0}, "greater than or equal"),
    ],
)
def test_what_is_no_limit_is_refused(params: dict[str, int], said: str) -> None:
    """Before any worker is asked."""
    with pytest.raises(ValueError, match=said):
        TimeParams.model_validate({"task": TASK, **params})
