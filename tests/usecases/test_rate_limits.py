"""A rate limit: verified on real workers, put back on those that start, and lifted to what each had."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from bot.actions.limit_rate import LimitParams, LimitRate
from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.online import WorkerOnlineWatch
from bot.adapters.celery.rates import CeleryRates
from bot.adapters.clusters import ConfiguredClusters
from bot.domain.action import Execution, ExecutionState, Observation, Proposal, Risk
from bot.domain.approval import ApprovalRequest
from bot.domain.cluster import ClusterSnapshot, Worker
from bot.domain.errors import BadInput, UnknownName
from bot.domain.mitigation import MitigationState
from bot.domain.rates import RatesFound, in_words, per_second, rate_of, same
from bot.ports import Means
from bot.usecases import requests
from bot.usecases.endings import end_pauses
from bot.usecases.executions import execute
from bot.usecases.rates import JOINED, keep_rates, limit_new_worker
from bot.usecases.reconcile import reconcile
from playground.services import RedisServer
from tests.services.workers import StartWorker
from tests.usecases.revoking import QUEUE, Shop, wait
from tests.usecases.world import SPEC

TASK = "sample.count"


class LimitedShop(Shop):
    """Its tasks can be limited."""

    def __init__(self, folder: Path, server: RedisServer) -> None:
        super().__init__(folder, server)
        self.rates = CeleryRates(self.control.watched)
        means = {"prod": Means(rates=self.rates)}
        clusters = ConfiguredClusters({"prod": SPEC}, {"prod": self.control}, {"C0ONCALL": "prod"}, means=means)
        consent = {Risk.HIGH: self.ports.policy.alternatives(Risk.DESTRUCTIVE)}
        policy = self.ports.policy.model_copy(update={"consent": consent})
        self.ports = replace(self.ports, clusters=clusters, policy=policy)

    def wanted(self, action: str = "limit_rate", **params: object) -> ApprovalRequest:
        """Ask for a limit, or for its end."""
        proposal = Proposal(action=action, cluster="prod", params={"task": TASK, **params})
        draft = requests.draft(self.ports, proposal, "U0ANA", "", "C0ONCALL", None)
        assert isinstance(draft, ApprovalRequest), draft
        return draft

    def draft(self, **params: object) -> ApprovalRequest:
        """Ask for a limit."""
        return self.wanted("limit_rate", **params)

    def limited(self, **params: object) -> Execution:
        """Limit, and return the execution, ended."""
        return self.revoked(**params)

    def lifted(self) -> Execution:
        """Lift the limit."""
        draft = self.wanted("lift_rate_limit")
        assert draft.risk is Risk.LOW
        requests.submit(self.ports, draft.id, "U0ANA")
        return self.ran_for(draft.id)

    def ran_for(self, request: str) -> Execution:
        """Run what was asked for."""
        with self.world.store.read() as tx:
            (made,) = tx.executions.find(request_id=request)
        ended = execute(self.ports, made.id)
        assert isinstance(ended, Execution)
        return ended

    def rate(self, worker: str = "w1@test") -> str | None:
        """Return the limit that a worker has, as Celery's own inspect says."""
        said = self.app.control.inspect([worker], timeout=5).registered("rate_limit") or {}
        (line,) = (line for line in said[worker] if line.split(" ")[0] == TASK)
        return line.partition("rate_limit=")[2].rstrip("]") or None

    def state(self) -> MitigationState:
        """Return the state of the one limit there is."""
        with self.world.store.read() as tx:
            (limit,) = tx.mitigations.find()
        return limit.state


@pytest.fixture
def shop(tmp_path: Path, redis_server: RedisServer) -> Iterator[LimitedShop]:
    """Return one without workers."""
    shop = LimitedShop(tmp_path, redis_server)
    yield shop
    shop.close()


@pytest.mark.service
@pytest.mark.parametrize("pool", ["prefork", "threads", "gevent", "solo"])
def test_a_limit_holds_and_its_lift_gives_back_what_was(
    shop: LimitedShop, celery_worker: StartWorker, pool: str
) -> None:
    """On every pool: of five tasks sent at once one starts; after the lift those sent then run at once."""
    celery_worker(shop.server.url(), queues=[QUEUE], pool=pool)
    execution = shop.limited(rate="2/h")
    assert execution.state is ExecutionState.VERIFIED, execution.verdict
    assert execution.verdict is not None
    assert execution.verdict.sentence == f"1 worker starts at most 2 an hour of {TASK} each."
    assert (shop.rate(), shop.state()) == ("2/h", MitigationState.IN_FORCE)
    shop.count(3)
    wait(lambda: len(shop.ran()) >= 1)
    wait(lambda: shop.server.client().llen(QUEUE) == 0)
    assert len(shop.ran()) == 1
    lifted = shop.lifted()
    assert lifted.state is ExecutionState.VERIFIED, lifted.verdict
    assert (shop.rate(), shop.state()) == (None, MitigationState.ENDED)
    later = shop.count(2)
    wait(lambda: set(later) <= set(shop.ran()))


@pytest.mark.service
def test_the_applications_own_limit_comes_back(shop: LimitedShop, celery_worker: StartWorker) -> None:
    """Celery's own way to lift a limit is to set none, which also takes away that of the application."""
    celery_worker(shop.server.url(), queues=[QUEUE], pool="solo", env={"SAMPLE_RATE": "100/m"})
    draft = shop.wanted(rate="10/m")
    assert "Limited by the application now: w1@test to 100/m." in draft.preview.notes
    shop.limited(rate="10/m")
    assert shop.rate() == "10/m"
    assert "Limited by the application now: w1@test to 100/m." in shop.wanted(rate="5/m").preview.notes
    shop.limited(rate="5/m")
    assert shop.rate() == "5/m"
    shop.lifted()
    assert shop.rate() == "100/m"


@pytest.mark.service
@pytest.mark.parametrize("way", ["sweep", "online"])
def test_a_worker_that_starts_is_limited_and_let_go_with_the_others(
    shop: LimitedShop, celery_worker: StartWorker, way: str
) -> None:
    """A restart forgets the limit; the sweep and the news of a worker each put it back."""
    first = celery_worker(shop.server.url(), queues=[QUEUE], pool="solo")
    shop.limited(rate="10/m")
    first.stop()
    watch = WorkerOnlineWatch(
        ClusterConnection("prod", shop.server.url()), partial(limit_new_worker, shop.ports, "prod")
    )
    if way == "online":
        watch.start()
        assert watch.wait_connected(10)
    celery_worker(shop.server.url(), name="w2", queues=[QUEUE], pool="solo")
    if way == "sweep":
        assert shop.rate("w2@test") is None
        keep_rates(shop.ports, "prod")
    wait(lambda: shop.rate("w2@test") == "10/m")
    watch.close()
    assert JOINED in shop.world.events()
    reconcile(shop.ports, "prod")  # which keeps pauses, leaves limits alone
    shop.lifted()
    assert (shop.rate("w2@test"), shop.state()) == (None, MitigationState.ENDED)


@pytest.mark.service
def test_the_limit_that_an_application_got_meanwhile_comes_back(shop: LimitedShop, celery_worker: StartWorker) -> None:
    """A worker starts anew with another limit of its own while nobody hears of it: the sweep records that one."""
    first = celery_worker(shop.server.url(), queues=[QUEUE], pool="solo")
    shop.limited(rate="10/m")
    first.stop()
    shop.world.clock.at += timedelta(minutes=10)
    celery_worker(shop.server.url(), queues=[QUEUE], pool="solo", env={"SAMPLE_RATE": "100/m"})
    for _ in range(2):  # the second finds ours, and does not take it for the application's
        keep_rates(shop.ports, "prod")
        assert shop.rate() == "10/m"
    shop.lifted()
    assert shop.rate() == "100/m"


@pytest.mark.service
def test_it_ends_by_itself(shop: LimitedShop, celery_worker: StartWorker) -> None:
    """At its end it is lifted by an execution like any other."""
    celery_worker(shop.server.url(), queues=[QUEUE], pool="solo")
    shop.limited(rate="10/m", **{"for": "30m"})
    end_pauses(shop.ports, "prod")
    assert shop.state() is MitigationState.IN_FORCE
    shop.world.clock.at += timedelta(minutes=31)
    end_pauses(shop.ports, "prod")
    with shop.world.store.read() as tx:
        last = tx.executions.find()[-1]
    assert (last.proposal.action, last.requested_by) == ("lift_rate_limit", "system")
    execute(shop.ports, last.id)
    assert (shop.rate(), shop.state()) == (None, MitigationState.ENDED)


@pytest.mark.service
def test_a_worker_that_a_lift_did_not_reach_is_told_later(shop: LimitedShop, celery_worker: StartWorker) -> None:
    """It was busy; the sweep goes on until it has what it had."""
    worker = celery_worker(shop.server.url(), queues=[QUEUE], pool="prefork")
    shop.limited(rate="10/m")
    draft = shop.wanted("lift_rate_limit")
    requests.submit(shop.ports, draft.id, "U0ANA")
    worker.pause()
    ended = shop.ran_for(draft.id)
    worker.resume()
    assert ended.state is not ExecutionState.VERIFIED
    state = shop.state()
    assert state in (MitigationState.RETURNING, MitigationState.IN_FORCE)
    if state is MitigationState.IN_FORCE:  # nobody could look: it is ended again
        shop.lifted()

    def given_back() -> bool:
        keep_rates(shop.ports, "prod")
        return shop.state() is MitigationState.ENDED

    wait(given_back)
    assert shop.rate() is None


@pytest.mark.service
def test_what_cannot_be_limited_is_refused_in_words(shop: LimitedShop, celery_worker: StartWorker) -> None:
    """Celery says ok to a worker that heeds no limit, and makes no limit of zero."""
    celery_worker(shop.server.url(), queues=[QUEUE], pool="solo", env={"SAMPLE_UNLIMITED": "1"})
    with pytest.raises(BadInput, match="`worker_disable_rate_limits` is set"):
        shop.wanted(rate="10/m")
    with pytest.raises(UnknownName, match=r"Did you mean `sample\.count`"):
        shop.wanted(task="sample.cuont", rate="10/m")
    with pytest.raises(BadInput, match="no rate above zero"):
        shop.wanted(rate="0/m")
    with pytest.raises(BadInput, match="is not limited by the bot on `prod`"):
        shop.wanted("lift_rate_limit")


def test_the_preview_says_what_a_limit_comes_to_and_costs(shop: LimitedShop, celery_worker: StartWorker) -> None:
    """A limit is for each worker by itself, and what it holds back fills the worker's hands."""
    for name in ("w1", "w2"):
        celery_worker(shop.server.url(), name=name, queues=[QUEUE], pool="solo")
    draft = shop.wanted(rate="10 per minute")
    assert draft.preview.summary == f"2 workers would start at most 10 a minute of {TASK} each, for 30 min."
    assert draft.preview.notes[0] == "That is 20 a minute at most in all, if each of them gets such tasks."
    assert any("its other tasks wait too" in w for w in draft.preview.warnings)
    assert any("visibility timeout" in w for w in draft.preview.warnings)
    assert draft.risk is Risk.HIGH


def test_a_task_named_as_a_queue_is_limited_beside_its_pause(shop: LimitedShop) -> None:
    """A pause of a queue and a limit of a task of the same name are two things."""
    action = shop.ports.registry.actions["limit_rate"]
    params = action.params.model_validate({"task": QUEUE, "rate": "1/s"})
    pause = shop.ports.registry.actions["pause_queue"]
    paused = pause.params.model_validate({"queue": QUEUE})
    assert action.touches(params) != pause.touches(paused)
    limit, held = action.effect(params), pause.effect(paused)
    assert limit is not None
    assert held is not None
    assert (limit.target, held.target) == (QUEUE, QUEUE)
    assert limit.kind != held.kind


def test_a_limit_above_the_applications_own_is_warned_of() -> None:
    """It would let more tasks start; the one that the application has is the tighter."""
    found = RatesFound(
        rates={"w1@a": "10/m", "w2@a": "100/m", "w3@a": None, "w4@a": "1/m"}, unlimited=frozenset({"w4@a"})
    )
    at = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
    observation = Observation(
        snapshot=ClusterSnapshot(cluster="prod", taken_at=at),
        facts={"found": found.model_dump(mode="json"), "limit": None, "former": {}, "queues": []},
    )
    warnings = LimitRate().preview(LimitParams(task=TASK, rate="60/m"), observation, SPEC).warnings
    assert warnings[0] == "The application lets fewer start: w1@a (10/m). This would let more start."
    tighter = LimitRate().preview(LimitParams(task=TASK, rate="5/m"), observation, SPEC).warnings
    assert not any("lets fewer start" in w for w in tighter)


def test_what_limits_come_to_counts_the_workers_that_take_the_task() -> None:
    """One that knows the task and does not consume its queue never gets it."""
    found = RatesFound(rates={"w1@a": None, "w2@a": None})
    workers = (Worker(name="w1@a", queues=("mail", "shop")), Worker(name="w2@a", queues=("shop",)))
    observation = Observation(
        snapshot=ClusterSnapshot(cluster="prod", taken_at=datetime(2026, 11, 22, 3, 0, tzinfo=UTC), workers=workers),
        facts={"found": found.model_dump(mode="json"), "limit": None, "former": {}, "queues": ["mail"]},
    )
    preview = LimitRate().preview(LimitParams(task=TASK, rate="10/m"), observation, SPEC)
    assert preview.notes[0] == "It was seen on mail, which 1 of them consumes: 10 a minute in all."


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("10/m", "10/m"),
        ("10 / min", "10/m"),
        ("0.50/s", "0.5/s"),
        ("7", "7/s"),
        ("3 per hour", "3/h"),
        ("010.0/m", "10/m"),
        ("1234567/h", "1234567/h"),
        ("0.00001/s", "0.00001/s"),
    ],
)
def test_rates_are_read_as_celery_reads_them(text: str, rate: str) -> None:
    """With the words that people use; what comes of it is read again as the same."""
    assert rate_of(text) == rate
    assert rate_of(rate) == rate


@pytest.mark.parametrize("text", ["0", "0/m", "-1/s", "fast", "10/d", "", "/m"])
def test_what_is_no_rate_is_none(text: str) -> None:
    """Of zero Celery would make no limit at all."""
    assert rate_of(text) is None
    assert per_second(text) == 0


def test_rates_are_compared_by_what_they_let_start() -> None:
    """An application may have written 60/m."""
    assert same("60/m", "1/s")
    assert same(None, "")
    assert not same("10/m", None)
    assert not same(None, "1000000/s")
    assert not same(None, "0.000001/h")
    assert in_words("10/m", 3) == "30 a minute"
    assert in_words("1234567/h") == "1,234,567 an hour"
