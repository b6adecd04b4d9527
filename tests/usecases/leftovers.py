"""A shop whose workers are killed: what they took lies in `unacked` on a real Redis."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.adapters.celery.diagnostics import CeleryDiagnostics
from bot.adapters.celery.orphans import CeleryOrphans
from bot.adapters.clusters import ConfiguredClusters
from bot.domain.action import Proposal, Risk
from bot.domain.approval import Alternative, ApprovalRequest
from bot.domain.broker import UnacknowledgedMessages
from bot.ports import Live, Means
from bot.usecases import requests
from playground.celery_worker import CeleryWorker
from playground.services import RedisServer
from tests.services.workers import StartWorker
from tests.usecases.revoking import QUEUE, Shop, wait
from tests.usecases.world import SPEC

__all__ = ["LATE", "QUEUE", "LeftShop"]

LATE = {"SAMPLE_ACKS_LATE": "1"}


class OldRedis(CeleryOrphans):
    """The broker has run for as long as a test says, whenever the test began."""

    seconds = 86_400

    def uptime(self) -> int | None:
        """Return what was said."""
        return self.seconds


class LeftShop(Shop):
    """Its workers acknowledge late, and are killed; the bot asks and hears the real ones."""

    def __init__(
        self, folder: Path, server: RedisServer, live: Live | None = None, listen: float = 0.1, uptime: int = 86_400
    ) -> None:
        super().__init__(folder, server)
        self.redis = server.client()
        self.orphans = OldRedis(self.control.watched, listen_seconds=listen)
        self.orphans.seconds = uptime
        self.diagnostics = CeleryDiagnostics(self.control.watched, self.world.clock, host="test")
        clusters = ConfiguredClusters(
            {"prod": SPEC},
            {"prod": self.control},
            {"C0ONCALL": "prod"},
            lives={"prod": live} if live else {},
            diagnostics={"prod": self.diagnostics},
            means={"prod": Means(archives=self.archives, revokes=self.revokes, orphans=self.orphans)},
        )
        consent = {Risk.HIGH: (Alternative(approve=1, by="oncall"),), Risk.DESTRUCTIVE: ()}
        policy = self.ports.policy.model_copy(update={"consent": consent})
        self.ports = replace(self.ports, clusters=clusters, policy=policy, wait=lambda _: None)

    def close(self) -> None:
        """Close every connection."""
        self.diagnostics.close()
        self.redis.close()
        super().close()

    def draft(self, **params: Any) -> ApprovalRequest:
        """Ask for a restore, two minutes later."""
        self.world.clock.pass_time(minutes=2)
        proposal = Proposal(action="restore_orphans", cluster="prod", params=params)
        draft = requests.draft(self.ports, proposal, "U0ANA", "", "C0ONCALL", None)
        assert isinstance(draft, ApprovalRequest), draft
        return draft

    def unacknowledged(self) -> UnacknowledgedMessages:
        """Return what is taken, and whose it is."""
        return self.diagnostics.unacknowledged()

    def left(self, celery_worker: StartWorker, n: int, **options: Any) -> list[str]:
        """Let a worker take a long task and `n` counting ones behind it, kill it, and return the counting ones' ids."""
        worker = self.busy(celery_worker, name="dying")
        ids = self.count(n, **options)
        wait(lambda: {m.task_id for m in self.unacknowledged().messages} >= set(ids))
        worker.kill()
        wait(lambda: {m.task_id for m in self.unacknowledged().orphans} >= set(ids))
        self.world.clock.pass_time(minutes=2)
        return ids

    def busy(self, celery_worker: StartWorker, name: str, pool: str = "prefork") -> CeleryWorker:
        """Start a worker that takes much, and runs a long task already."""
        many = ["--prefetch-multiplier", "50"]
        worker = celery_worker(
            self.server.url(), name=name, queues=[QUEUE], concurrency=1, pool=pool, env=LATE, extra=many
        )
        self.running(self.sleep(120))
        return worker

    def lie(self, n: int, queue: str = QUEUE, age: float = 600, first: int = 0, **more: Any) -> list[str]:
        """Put counting tasks into `unacked` as a killed worker leaves them, the oldest first; returns their ids."""
        ids = self.count(n, queue=queue, **more)
        lane = f"{queue}\x06\x16{more['priority']}" if more.get("priority") else queue
        now = self.world.clock.at.timestamp()
        for i in range(n):
            raw = self.redis.rpop(lane)
            assert isinstance(raw, bytes)
            tag = json.loads(raw)["properties"]["delivery_tag"]
            self.redis.hset("unacked", tag, json.dumps([json.loads(raw), "", queue]))
            self.redis.zadd("unacked_index", {tag: now - age + first + i})
        return ids

    def waiting(self, lane: str = QUEUE) -> list[str]:
        """Return the ids that wait in a lane, the next to be taken first."""
        raws: Any = self.redis.lrange(lane, 0, -1)
        return [json.loads(raw)["headers"]["id"] for raw in reversed(raws)]

    def all_ran(self, ids: list[str]) -> None:
        """Wait until all of them ran and are acknowledged, then see that each ran once."""
        wait(lambda: set(ids) <= self.ran().keys())
        held = Counter(m.task_id for m in self.unacknowledged().messages)
        wait(lambda: not set(ids) & {m.task_id for m in self.unacknowledged().messages})
        assert {i: self.ran()[i] for i in ids} == dict.fromkeys(ids, 1), held
