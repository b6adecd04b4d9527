"""A clean-up of results: those of tasks that ended long ago go, bounded; what somebody may still wait for stays."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import group

from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.old_results import AT_ONCE, SAMPLE, CeleryOldResults
from bot.adapters.celery.watched import WatchedCluster
from bot.adapters.clusters import ConfiguredClusters
from bot.domain.action import Execution, ExecutionState, Preview, Proposal, Risk
from bot.domain.approval import Alternative, Answer, ApprovalRequest
from bot.domain.errors import BadInput, OncallError, UnknownName
from bot.domain.old_results import ResultsWanted
from bot.ports import Means
from bot.usecases import approvals, requests
from bot.usecases.executions import execute, settle
from playground.services import RedisServer
from tests.services.sample_app import make_app
from tests.services.workers import StartWorker
from tests.usecases.revoking import wait
from tests.usecases.world import SPEC, World, make_world

pytestmark = pytest.mark.service
DAY = 24 * 3600


class Store:
    """A world whose results lie in a real Redis."""

    def __init__(self, folder: Path, server: RedisServer, backend: str | None = "", prefix: str = "") -> None:
        self.world: World = make_world(folder)
        self.world.clock.at = datetime.now(UTC)
        self.redis = server.client()
        url = server.url() if backend == "" else backend
        connection = ClusterConnection("prod", server.url(), result_backend=url, result_keyprefix=prefix)
        self.watched = WatchedCluster(connection, SPEC)
        self.results = CeleryOldResults(self.watched, self.world.clock)
        clusters = ConfiguredClusters(
            {"prod": SPEC},
            {"prod": self.world.cluster},
            {"C0ONCALL": "prod"},
            means={"prod": Means(old_results=self.results)},
        )
        consent = {Risk.DESTRUCTIVE: (Alternative(approve=1, by="oncall"),)}
        policy = self.world.ports.policy.model_copy(update={"consent": consent})
        self.ports = replace(self.world.ports, clusters=clusters, policy=policy)

    def close(self) -> None:
        """Close every connection."""
        self.results.close()
        self.watched.close()
        self.redis.close()
        self.world.store.close()

    def add(self, n: int, days: float, name: str = "r", ex: int | None = 100 * DAY, **more: Any) -> list[str]:
        """Put results of tasks that ended so many days ago, and return their keys."""
        ended = (self.world.clock.at - timedelta(days=days)).isoformat()
        meta = {"status": "SUCCESS", "result": None, "traceback": None, "children": [], "date_done": ended, **more}
        keys = [f"celery-task-meta-{name}-{days}-{i}" for i in range(n)]
        pipeline = self.redis.pipeline()
        for key in keys:
            pipeline.set(key, json.dumps({**meta, "task_id": key}), ex=ex)
        pipeline.execute()
        return keys

    def draft(self, **params: Any) -> ApprovalRequest:
        """Ask for a clean-up."""
        proposal = Proposal(action="clean_results", cluster="prod", params=params)
        draft = requests.draft(self.ports, proposal, "U0ANA", "", "C0ONCALL", None)
        assert isinstance(draft, ApprovalRequest), draft
        return draft

    def preview(self, **params: Any) -> Preview:
        """Return what people would see."""
        return self.draft(**params).preview

    def approved(self, **params: Any) -> str:
        """Ask, have it approved, and return the execution's id."""
        draft = self.draft(**params)
        assert draft.risk is Risk.DESTRUCTIVE
        requests.submit(self.ports, draft.id, "U0ANA")
        approvals.answer(self.ports, draft.id, "U0BEN", Answer.APPROVE)
        with self.world.store.read() as tx:
            (execution,) = tx.executions.find(request_id=draft.id)
        return execution.id

    def cleaned(self, **params: Any) -> Execution:
        """Clean up, and return the execution, ended."""
        ended = execute(self.ports, self.approved(**params))
        assert isinstance(ended, Execution)
        return ended

    def names(self) -> set[str]:
        """Return the names of all keys."""
        return {key.decode() for key in self.redis.scan_iter("*", count=1000)}


@pytest.fixture
def store(tmp_path: Path, redis_server: RedisServer) -> Iterator[Store]:
    """Return one without results."""
    store = Store(tmp_path, redis_server)
    yield store
    store.close()


def test_old_results_go_and_younger_ones_and_all_else_stay(store: Store) -> None:
    """What ended before the moment is deleted, and not one other key."""
    store.add(250, days=8)
    young = store.add(30, days=6)
    store.redis.mset({"celery-task-meta": "x", "booking": "x", "other-celery-task-meta-1": "x"})
    preview = store.preview(older_than="7d")
    assert preview.summary.startswith("250 results of 280 in 127.0.0.1:")
    assert preview.summary.endswith("would be deleted for good: those of tasks that ended more than 7 days ago.")
    assert preview.radius.results == 250
    execution = store.cleaned(older_than="7d")
    assert execution.state is ExecutionState.VERIFIED, (execution.error, execution.verdict)
    assert execution.outcome is not None
    assert execution.outcome.summary == "250 results are deleted."
    assert execution.irreversible == "Deleted results are gone for good."
    assert store.names() == {*young, "celery-task-meta", "booking", "other-celery-task-meta-1"}
    assert "cmdstat_keys" not in store.redis.info("commandstats")


def test_results_of_a_real_worker_are_read_as_celery_writes_them(
    store: Store, redis_server: RedisServer, celery_worker: StartWorker
) -> None:
    """Name, end and group; a group that was saved keeps its results."""
    celery_worker(redis_server.url(), queues=["booking"], pool="solo", env={"SAMPLE_EXTENDED": "1"})
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url(), "SAMPLE_EXTENDED": "1"})
    add = app.tasks["sample.add"]
    for _ in range(3):
        add.apply_async((1, 1), queue="booking")
    saved: Any = group(add.s(n, n).set(queue="booking") for n in range(2)).apply_async()
    saved.save(backend=app.backend)
    wait(lambda: len([k for k in store.names() if k.startswith("celery-task-meta-")]) == 5)
    store.world.clock.pass_time(days=8)
    preview = store.preview(older_than="7d", task="sample.add")
    assert "By task: 3 × sample.add." in preview.notes
    assert "These stay: 2 of groups or chords that are still kept." in preview.notes
    assert store.cleaned(older_than="7d").state is ExecutionState.VERIFIED
    left = {k for k in store.names() if k.startswith("celery-task-meta-")}
    assert left == {f"celery-task-meta-{r.id}" for r in saved.results}
    assert store.redis.exists(f"celery-taskset-meta-{saved.id}")


@pytest.mark.parametrize("end", ["", ".j", ".t", ".s"])
def test_results_of_a_chord_in_progress_stay_and_its_own_keys_too(store: Store, end: str) -> None:
    """Any of its keys says that somebody waits for it."""
    mine = store.add(3, days=30, group_id="g1")
    store.add(3, days=30, name="ended", group_id="g2")
    store.redis.set(f"celery-taskset-meta-g1{end}", "x")
    assert store.cleaned(older_than="7d").state is ExecutionState.VERIFIED
    assert store.names() == {*mine, f"celery-taskset-meta-g1{end}"}


def test_what_has_no_age_stays(store: Store) -> None:
    """Of a task that runs, in pickle, of another kind, and rubbish: nobody can tell when it ended."""
    store.add(2, days=30)
    kept = store.add(1, days=30, name="started", date_done=None, status="STARTED")
    store.redis.mset({"celery-task-meta-pickle": b"\x80\x04\x95", "celery-task-meta-rubbish": "[]"})
    store.redis.lpush("celery-task-meta-list", "x")
    preview = store.preview()
    assert "These stay: 4 of which nobody can tell when they ended (still running, or not in JSON)." in preview.notes
    assert store.cleaned().state is ExecutionState.VERIFIED
    others = {"celery-task-meta-pickle", "celery-task-meta-rubbish", "celery-task-meta-list"}
    assert store.names() == {*kept, *others}


def test_without_end_means_those_that_never_expire(store: Store) -> None:
    """The others go by themselves."""
    store.add(4, days=30, ex=None)
    kept = store.add(3, days=31)
    preview = store.preview(endless=True)
    assert preview.radius.results == 4
    assert "None of them expires: set `result_expires`, or it fills up again." in preview.notes
    assert store.cleaned(endless=True).state is ExecutionState.VERIFIED
    assert store.names() == set(kept)


def test_by_task_name_only_where_results_hold_one(store: Store) -> None:
    """Without `result_extended` they do not, and it is said; a name that none has is met with a suggestion."""
    nameless = store.add(2, days=30)
    with pytest.raises(BadInput, match="`result_extended` is off"):
        store.draft(task="mail.send")
    ended = (store.world.clock.at - timedelta(days=31)).isoformat()
    for i, name in enumerate(("mail.send", "mail.send", "mail.clean")):
        store.redis.set(f"celery-task-meta-x{i}", json.dumps({"status": "FAILURE", "date_done": ended, "name": name}))
    with pytest.raises(UnknownName, match=r"Did you mean `mail\.send`"):
        store.draft(task="mail.sned")
    preview = store.preview(task="mail.send")
    assert preview.radius.results == 2
    assert any("2 results are of failed tasks" in warning for warning in preview.warnings)
    assert store.cleaned(task="mail.send").state is ExecutionState.VERIFIED
    assert store.names() == {*nameless, "celery-task-meta-x2"}


def test_a_limit_bounds_it_and_what_is_left_is_said(store: Store) -> None:
    """One request deletes so many at most; the next goes on."""
    store.add(300, days=8)
    assert "120 results, of 300 like that, of 300" in store.preview(limit=120).summary
    execution = store.cleaned(limit=120)
    assert execution.state is ExecutionState.VERIFIED
    assert execution.verdict is not None
    assert execution.verdict.sentence == "Still there: 180 results as old as that; one request deletes 120 at most."
    assert len(store.names()) == 180


def test_of_very_many_a_sample_is_looked_at_and_said_so(store: Store) -> None:
    """All are counted; the numbers are called estimates."""
    store.add(SAMPLE, days=8)
    store.add(SAMPLE, days=1)
    preview = store.preview()
    assert preview.summary.startswith("About ")
    assert f"Numbers are estimates, by a sample of {SAMPLE:,}." in preview.notes
    assert abs((preview.radius.results or 0) - SAMPLE) < SAMPLE / 5


def test_a_result_that_was_written_anew_meanwhile_stays(store: Store) -> None:
    """A task that runs again under its id has a new result between the look and the step that deletes."""
    (key, _) = store.add(2, days=30)
    wanted = ResultsWanted(before=store.world.clock.at - timedelta(days=7))
    meant = store.results._meant(wanted, [k.encode() for k in sorted(store.names())])
    anew = json.dumps({"status": "SUCCESS", "date_done": store.world.clock.at.isoformat()})
    store.redis.set(key, anew)
    assert store.results._delete(meant) == 1
    assert store.names() == {key}


def test_it_works_when_redis_is_out_of_memory(store: Store) -> None:
    """That is when people clean up."""
    store.add(200, days=30)
    young = store.add(3, days=1)
    store.redis.config_set("maxmemory", "1mb")
    with pytest.raises(redis.exceptions.OutOfMemoryError):
        store.redis.set("x", "x")
    assert store.cleaned().state is ExecutionState.VERIFIED
    assert store.names() == set(young)


class Died(BaseException):
    """The ops worker is killed here."""


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("steps", range(3))
def test_killed_at_any_step_it_is_done_again_without_harm(store: Store, steps: int, after: bool) -> None:
    """What was deleted is not there any more; the rest goes when the sweep resumes."""
    store.add(AT_ONCE * 3, days=8)
    young = store.add(5, days=1)
    execution_id = store.approved()
    delete, left = store.results._delete, [steps]

    def dying(meant: Any) -> int:
        left[0] -= 1
        if left[0] < 0 and not after:
            raise Died
        done = delete(meant)
        if left[0] < 0:
            raise Died
        return done

    store.results._delete = dying  # type: ignore[method-assign]  # death is what is tested
    with pytest.raises(Died):
        execute(store.ports, execution_id)
    store.results._delete = delete  # type: ignore[method-assign]  # as above
    store.world.clock.pass_time(minutes=1)
    ended = settle(store.ports, execution_id)
    assert ended is not None
    assert ended.state is ExecutionState.VERIFIED, (ended.error, ended.verdict)
    assert store.names() == set(young)


def test_a_prefix_is_minded(tmp_path: Path, redis_server: RedisServer) -> None:
    """Results and groups of one application alone, where several share a database."""
    store = Store(tmp_path, redis_server, prefix="eu")
    ended = (store.world.clock.at - timedelta(days=30)).isoformat()
    mine = json.dumps({"status": "SUCCESS", "date_done": ended})
    chord = json.dumps({"status": "SUCCESS", "date_done": ended, "group_id": "g1"})
    store.redis.mset({"eu_celery-task-meta-1": mine, "celery-task-meta-1": mine, "us_celery-task-meta-1": mine})
    store.redis.mset({"eu_celery-task-meta-2": chord, "eu_celery-taskset-meta-g1.t": 1})
    assert store.cleaned().state is ExecutionState.VERIFIED
    assert store.names() == {
        "celery-task-meta-1",
        "us_celery-task-meta-1",
        "eu_celery-task-meta-2",
        "eu_celery-taskset-meta-g1.t",
    }
    store.close()


@pytest.mark.parametrize(
    ("backend", "said"),
    [
        (None, "No result backend is set for `prod`"),
        ("db+postgresql://u:secret@h/d", "is `db\\+postgresql`; results can be read from `redis://`"),
        ("rpc://", "is `rpc`; results can be read from `redis://`"),
    ],
)
def test_without_a_backend_on_redis_it_is_refused(
    tmp_path: Path, redis_server: RedisServer, backend: str | None, said: str
) -> None:
    """In words, before anything is asked of anybody."""
    store = Store(tmp_path, redis_server, backend=backend)
    with pytest.raises(BadInput, match=said):
        store.draft()
    store.close()


def test_a_backend_that_is_down_is_said_to_be(tmp_path: Path, redis_server: RedisServer, refused_port: int) -> None:
    """It is not the broker that cannot be read."""
    store = Store(tmp_path, redis_server, backend=f"redis://127.0.0.1:{refused_port}/0")
    with pytest.raises(OncallError, match="The result backend of `prod` cannot be read"):
        store.draft()
    store.close()


def test_nothing_old_is_refused_with_what_there_is(store: Store) -> None:
    """A request that would do nothing asks nobody."""
    with pytest.raises(BadInput, match="holds no results"):
        store.draft()
    store.add(3, days=2)
    with pytest.raises(BadInput, match="There: 3 that ended later than that"):
        store.draft()
