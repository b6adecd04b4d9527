"""Connections to Redis are closed on a real server, with a real worker and the bot's own parts connected."""

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis

from bot.adapters.celery.connection import CLIENT_NAME, ClusterConnection
from bot.adapters.celery.connections import CeleryConnections
from bot.adapters.celery.dispatcher import CeleryDispatcher
from bot.adapters.celery.online import WorkerOnlineWatch
from bot.adapters.clock import SystemClock
from bot.adapters.clusters import ConfiguredClusters
from bot.adapters.events.consumer import EventConsumer
from bot.adapters.events.recorder import Recorder
from bot.adapters.sql import migrate
from bot.domain.action import Execution, ExecutionState, Proposal, Risk
from bot.domain.approval import Alternative, Answer, ApprovalRequest
from bot.domain.connections import Connection, Sort
from bot.domain.errors import BadInput
from bot.ports import Means
from bot.usecases import approvals, requests
from bot.usecases.connections import connections
from bot.usecases.executions import execute
from playground.celery_worker import child_environment
from playground.processes import ChildProcess
from playground.services import RedisServer
from tests.services.workers import StartWorker
from tests.usecases.revoking import QUEUE, Shop, wait
from tests.usecases.world import SPEC

CONFIG = """
clusters:
  prod:
    broker_url: {url}
    queues: {{analytics: {{importance: 3}}}}
    worker_groups: {{w1: {{queues: [analytics]}}}}
roles: {{oncall: {{users: []}}}}
"""


class Office(Shop):
    """A shop whose bot sees connections."""

    def __init__(self, folder: Path, server: RedisServer) -> None:
        super().__init__(folder, server)
        self.means = Means(connections=CeleryConnections(self.control.watched))
        clusters = ConfiguredClusters({"prod": SPEC}, {"prod": self.control}, {}, means={"prod": self.means})
        consent = dict.fromkeys((Risk.HIGH, Risk.DESTRUCTIVE), (Alternative(approve=1, by="oncall"),))
        policy = self.ports.policy.model_copy(update={"consent": consent})
        self.ports = replace(self.ports, clusters=clusters, policy=policy)

    def asked(self, **params: Any) -> ApprovalRequest:
        """Ask for it."""
        proposal = Proposal(action="close_connections", cluster="prod", params=params)
        draft = requests.draft(self.ports, proposal, "U0ANA", "", "C0ONCALL", None)
        assert isinstance(draft, ApprovalRequest)
        return draft

    def disconnected(self, draft: ApprovalRequest) -> Execution:
        """Have it approved, and do it."""
        requests.submit(self.ports, draft.id, "U0ANA")
        approvals.answer(self.ports, draft.id, "U0BEN", Answer.APPROVE)
        with self.world.store.read() as tx:
            (execution,) = tx.executions.find(request_id=draft.id)
        ended = execute(self.ports, execution.id)
        assert isinstance(ended, Execution)
        return ended

    def listed(self) -> tuple[Connection, ...]:
        """Return who is connected."""
        return self.means.connections.all()


@pytest.fixture
def office(tmp_path: Path, redis_server: RedisServer) -> Iterator[Office]:
    """Return one without workers."""
    office = Office(tmp_path, redis_server)
    yield office
    office.close()


@pytest.fixture
def client(redis_server: RedisServer) -> "Iterator[redis.Redis]":
    """A program named `web` with one connection."""
    with redis.Redis(port=redis_server.port, client_name="web", single_connection_client=True) as client:
        client.ping()
        yield client


@pytest.fixture
def bot_parts(office: Office, tmp_path: Path) -> Iterator[None]:
    """Everything of ours that connects: the two listeners, the dispatcher, and an ops worker, on the same server."""
    url, clock = office.server.url(), SystemClock()
    way = ClusterConnection("prod", url)
    parts: list[WorkerOnlineWatch | EventConsumer] = [
        WorkerOnlineWatch(way, lambda _: None),
        EventConsumer(way, Recorder(clock), clock),
    ]
    for part in parts:
        part.start()
    dispatcher = CeleryDispatcher(url)
    assert dispatcher.dispatch("exe-0")
    config = tmp_path / "oncall.yml"
    config.write_text(CONFIG.format(url=url))
    database = f"sqlite:///{tmp_path}/ops.sqlite3"
    migrate(database)
    more = {"ONCALL_CONFIG": str(config), "DATABASE_URL": database}
    env = child_environment({**os.environ, **more})
    ops = ChildProcess([sys.executable, "-m", "bot", "worker"], log=tmp_path / "ops.log", cwd=tmp_path, env=env)
    ops.wait_until(lambda: " ready." in ops.output(), seconds=90, what="The ops worker")
    yield
    ops.kill()
    dispatcher.close()
    for part in parts:
        part.close()


def test_our_own_connections_survive_and_a_worker_comes_back_and_consumes(
    office: Office, bot_parts: None, client: "redis.Redis", celery_worker: StartWorker
) -> None:
    """Whatever is chosen: here all there are, workers too, with bot and ops worker connected to the same server."""
    before = office.listed()
    named = {c.id for c in before if c.name == CLIENT_NAME}
    assert {c.id for c in before} - named == {client.client_id()}, "each of ours bears our name"
    celery_worker(office.server.url(), queues=[QUEUE], concurrency=1)
    office.app.close()
    consumers = {c.id for c in office.listed() if c.sort is Sort.CONSUMER}
    draft = office.asked(host="127.0.0.1", workers=True)
    assert draft.risk is Risk.DESTRUCTIVE
    assert any("may run twice" in warning for warning in draft.preview.warnings)
    execution = office.disconnected(draft)
    assert execution.state is ExecutionState.VERIFIED, execution
    after = {c.id for c in office.listed()}
    assert not after & consumers
    assert named <= after
    (sent,) = office.count()
    wait(lambda: office.ran() == {sent: 1})
    assert named <= {c.id for c in office.listed()}


def test_a_workers_connection_is_closed_only_when_workers_are_meant(
    office: Office, client: "redis.Redis", celery_worker: StartWorker
) -> None:
    """Chosen by its host it is left alone and counted; by its id it is refused, with what to say."""
    celery_worker(office.server.url(), queues=[QUEUE], concurrency=1)
    consumer = next(c for c in office.listed() if c.sort is Sort.CONSUMER)
    with pytest.raises(BadInput, match="a task may run twice when it is closed"):
        office.asked(ids=[consumer.id])
    with pytest.raises(BadInput, match="including workers"):
        office.asked(host="127.0.0.1")
    preview = office.asked(ids=[consumer.id], workers=True).preview
    assert preview.warnings == (
        "1 connection may be a worker's (1 takes messages): a task that it has at that moment may run twice.",
    )
    assert "Programs connect again by themselves when they need Redis next, workers within some 2 s." in preview.notes


def test_chosen_ones_are_closed_by_id_and_their_program_connects_again(office: Office, client: "redis.Redis") -> None:
    """High, not destructive; the verdict rests on a fresh list, in which no id can be another's."""
    first = client.client_id()
    draft = office.asked(ids=[first])
    assert draft.risk is Risk.HIGH
    assert draft.preview.summary == "1 connection to Redis would be closed: 1 ordinary."
    execution = office.disconnected(draft)
    assert (execution.state, execution.verdict and execution.verdict.sentence) == (
        ExecutionState.VERIFIED,
        "1 connection is gone.",
    )
    assert execution.irreversible is not None
    assert "clients connect again by themselves" in execution.irreversible
    assert client.client_id() > first
    with pytest.raises(BadInput, match=f"There is no connection {first} any more"):
        office.asked(ids=[first])


def test_nothing_is_closed_that_is_ours_or_not_there(office: Office, client: "redis.Redis") -> None:
    """Each refusal says which it is."""
    ours = next(c.id for c in office.listed() if c.name == CLIENT_NAME)
    with pytest.raises(BadInput, match="the bot's own connections, replicas or monitors; they stay"):
        office.asked(ids=[ours])
    with pytest.raises(BadInput, match="No connection is like that"):
        office.asked(named="celery")
    preview = office.asked(host="127.0.0.1", named="web").preview
    assert preview.radius.connections == 1


def test_more_connections_than_were_shown_are_asked_about_again(office: Office, client: "redis.Redis") -> None:
    """Consent to one is none to three."""
    draft = office.asked(named="web")
    more = [redis.Redis(port=office.server.port, client_name="web") for _ in range(2)]
    for one in more:
        one.ping()
    requests.submit(office.ports, draft.id, "U0ANA")
    approvals.answer(office.ports, draft.id, "U0BEN", Answer.APPROVE)
    with office.world.store.read() as tx:
        (queued,) = tx.executions.find(request_id=draft.id)
    ended = execute(office.ports, queued.id)
    assert isinstance(ended, Execution)
    assert ended.state is not ExecutionState.VERIFIED
    assert "it was 1 connection and is 3 now" in (ended.error or "")
    for one in more:
        one.close()


def test_the_list_is_grouped_and_says_why_it_is_not_there(office: Office, client: "redis.Redis") -> None:
    """A user that may not list clients gets the refusal in words, in place of a list."""
    view = connections(office.ports, "prod")
    assert ("web", "127.0.0.1", Sort.OTHER, 1) in [(g.name, g.host, g.sort, len(g.connections)) for g in view.groups]
    client.acl_setuser(
        "default", enabled=True, nopass=True, keys=["*"], channels=["*"], commands=["+@all", "-client|list"]
    )
    view = connections(office.ports, "prod")
    assert "its ACL refuses `client|list` to the bot's user" in (view.age.trouble or "")
    assert not view.groups
