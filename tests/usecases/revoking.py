"""A shop whose queue, workers and revokes are real, and whose ops side is a world in memory."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from bot.adapters.celery.archives import CeleryArchives
from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.control import CeleryClusterControl
from bot.adapters.celery.diagnostics import CeleryDiagnostics
from bot.adapters.celery.revokes import CeleryRevokes
from bot.adapters.clusters import ConfiguredClusters
from bot.domain.action import Execution, Preview, Proposal, Risk
from bot.domain.approval import Alternative, Answer, ApprovalRequest
from bot.domain.cluster import ClusterSnapshot
from bot.domain.errors import OncallError
from bot.ports import Means
from bot.usecases import approvals, requests
from bot.usecases.executions import execute
from playground.services import RedisServer
from tests.services.sample_app import executions, make_app
from tests.usecases.world import SPEC, World, make_world

QUEUE = "analytics"
ENOUGH = 40.0


class Shop:
    """Tasks are sent to `analytics`; whoever runs them counts."""

    def __init__(self, folder: Path, server: RedisServer) -> None:
        self.server = server
        self.app: Celery = make_app({"SAMPLE_BROKER_URL": server.url()})
        self.world: World = make_world(folder)
        self.world.clock.at = datetime.now(UTC)
        connection = ClusterConnection("prod", server.url(), result_backend=server.url())
        self.control = CeleryClusterControl(connection, SPEC, self.world.clock)
        self.archives, self.revokes = CeleryArchives(self.control.watched), CeleryRevokes(self.control.watched)
        clusters = ConfiguredClusters(
            {"prod": SPEC},
            {"prod": self.control},
            {"C0ONCALL": "prod"},
            means={"prod": Means(archives=self.archives, revokes=self.revokes)},
            diagnostics={"prod": CeleryDiagnostics(self.control.watched, self.world.clock)},
        )
        consent = {Risk.DESTRUCTIVE: (Alternative(approve=1, by="oncall"),)}
        policy = self.world.ports.policy.model_copy(update={"consent": consent})
        self.ports = replace(self.world.ports, clusters=clusters, policy=policy, wait=time.sleep)

    def close(self) -> None:
        """Close every connection."""
        self.revokes.close()
        self.control.close()
        self.app.close()

    def count(self, n: int = 1, **options: Any) -> list[str]:
        """Send counting tasks, and return their ids."""
        return [self.app.tasks["sample.count"].apply_async(**{"queue": QUEUE, **options}).id for _ in range(n)]

    def sleep(self, seconds: float) -> str:
        """Send a task that takes a while, and return its id."""
        return str(self.app.tasks["sample.sleep"].apply_async((seconds,), queue=QUEUE).id)

    def waiting_for(self, key: str, task: str = "sample.wait") -> str:
        """Send a task that runs until `release` is called with this key, and return its id."""
        return str(self.app.tasks[task].apply_async((key,), queue=QUEUE).id)

    def release(self, key: str, n: int = 1) -> None:
        """Let so many of them end, one after the other."""
        self.server.client().lpush(key, *["go"] * n)

    def ran(self) -> dict[str, int]:
        """Return how often each counting task ran."""
        return executions(self.server.client())

    def draft(self, **params: Any) -> ApprovalRequest:
        """Ask for a revoke."""
        proposal = Proposal(action="revoke_tasks", cluster="prod", params=params)
        draft = requests.draft(self.ports, proposal, "U0ANA", "", "C0ONCALL", None)
        assert isinstance(draft, ApprovalRequest)
        return draft

    def preview(self, **params: Any) -> Preview:
        """Return what people would see."""
        return self.draft(**params).preview

    def approved(self, **params: Any) -> str:
        """Ask for a revoke, have it approved, and return its execution's id."""
        draft = self.draft(**params)
        requests.submit(self.ports, draft.id, "U0ANA")
        approvals.answer(self.ports, draft.id, "U0BEN", Answer.APPROVE)
        with self.world.store.read() as tx:
            (execution,) = tx.executions.find(request_id=draft.id)
        return execution.id

    def revoked(self, **params: Any) -> Execution:
        """Revoke, and return the execution, ended."""
        ended = execute(self.ports, self.approved(**params))
        assert isinstance(ended, Execution)
        return ended

    def until(self, true: Callable[[ClusterSnapshot], bool]) -> None:
        """Wait for what a snapshot is to show."""
        wait(lambda: true(self.control.snapshot()))

    def running(self, *ids: str) -> None:
        """Wait until these run."""
        self.until(lambda s: set(ids) <= {t.id for w in s.workers for t in w.active or ()})

    def held(self, n: int) -> None:
        """Wait until workers hold so many that do not run."""
        self.until(lambda s: sum(len(w.reserved or ()) + len(w.scheduled or ()) for w in s.workers) >= n)


def sentence(execution: Execution) -> str:
    """Return what is said of it in the end."""
    assert execution.verdict is not None, execution.error
    return execution.verdict.sentence


def refusal(shop: Shop, **params: object) -> str:
    """Return in which words it is refused."""
    with pytest.raises(OncallError) as caught:
        shop.preview(**params)
    return str(caught.value)


def wait(true: Callable[[], object]) -> None:
    """Poll until it is true; fails after a while."""
    end = time.monotonic() + ENOUGH
    while not true():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.1)
