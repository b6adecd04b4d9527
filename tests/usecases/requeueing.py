"""A shop with failed tasks on record, as the worker plugin keeps them."""

import base64
import json
import uuid
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.actions.requeue_failed import RequeueParams, _look
from bot.adapters.celery.requeues import CeleryRequeues
from bot.adapters.clusters import ConfiguredClusters
from bot.domain.action import Execution, Preview, Proposal, Risk
from bot.domain.approval import Alternative, ApprovalRequest
from bot.domain.requeue import Requeue, new_id
from bot.ports import Means
from bot.usecases import requests
from bot.usecases.targets import target_of
from playground.services import RedisServer
from tests.usecases.revoking import QUEUE, Shop
from tests.usecases.world import SPEC

__all__ = ["QUEUE", "FailedShop"]


class FailedShop(Shop):
    """Its tasks have failed; they lie in `oncall.failed`, and are of `analytics` unless told otherwise."""

    def __init__(self, folder: Path, server: RedisServer) -> None:
        super().__init__(folder, server)
        self.redis = server.client()
        self.requeues = CeleryRequeues(self.control.watched, self.world.clock)
        clusters = ConfiguredClusters(
            {"prod": SPEC},
            {"prod": self.control},
            {"C0ONCALL": "prod"},
            means={"prod": Means(archives=self.archives, revokes=self.revokes, requeues=self.requeues)},
        )
        consent = {Risk.HIGH: (Alternative(approve=1, by="oncall"),), Risk.DESTRUCTIVE: ()}
        policy = self.ports.policy.model_copy(update={"consent": consent})
        self.ports = replace(self.ports, clusters=clusters, policy=policy, wait=lambda _: None)

    def close(self) -> None:
        """Close every connection."""
        self.requeues.close()
        self.redis.close()
        super().close()

    def message(self, task: str, id: str = "", **options: Any) -> dict[str, Any]:
        """Return a message as Celery and kombu write it."""
        kwargs = options.get("kwargs", {})
        body = [[], kwargs, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]
        headers: dict[str, Any] = {"lang": "py", "task": task, "id": id, "root_id": id, "parent_id": None, "retries": 2}
        headers |= {"group": options.get("group"), "eta": options.get("eta"), "expires": options.get("expires")}
        headers |= {"argsrepr": "()", "kwargsrepr": repr(kwargs), "timelimit": [None, None]}
        delivery = {"exchange": options.get("exchange", ""), "routing_key": options.get("routing_key", QUEUE)}
        properties = {"delivery_info": delivery, "priority": options.get("priority", 0), "body_encoding": "base64"}
        return {
            "body": base64.b64encode(json.dumps(body).encode()).decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": headers,
            "properties": {**properties, "correlation_id": id, "delivery_mode": 2, "delivery_tag": str(uuid.uuid4())},
        }

    def record(self, id: str, message: dict[str, Any], seconds_ago: float = 60) -> None:
        """Put a failure on record."""
        message["headers"] |= {"id": id, "root_id": id}
        failed_at = (self.world.clock.at - timedelta(seconds=seconds_ago)).timestamp()
        record = {"id": id, "task": message["headers"]["task"], "queue": QUEUE, "failed_at": failed_at}
        record |= {"exception": "builtins.ValueError", "error": "on purpose", "worker": "w1@test", "retries": 2}
        self.redis.hset("oncall.failed", id, json.dumps({**record, "message": message}))
        self.redis.zadd("oncall.failed.at", {id: failed_at})

    def fail(self, n: int, **options: Any) -> list[str]:
        """Put failures of counting tasks on record, the oldest first, and return their ids."""
        ids = [str(uuid.uuid4()) for _ in range(n)]
        for i, one in enumerate(ids):
            self.record(one, self.message("sample.count", **options), seconds_ago=600 - i)
        return ids

    def new_id_after(self, old: str, execution: str) -> str:
        """Return the id under which an execution sends a task again."""
        return new_id(execution, "prod", old)

    def sent_again(self, lane: str) -> list[str]:
        """Return the old ids of what lies in a lane, in the order in which it was sent."""
        return [json.loads(raw)["headers"]["oncall_requeue_of"] for raw in reversed(self.redis.lrange(lane, 0, -1))]

    def ended_well(self, id: str) -> None:
        """Let a task have a good result."""
        self.redis.set(f"celery-task-meta-{id}", json.dumps({"status": "SUCCESS", "result": None}))

    def draft(self, **params: Any) -> ApprovalRequest:
        """Ask for a requeue."""
        proposal = Proposal(action="requeue_failed", cluster="prod", params=params)
        draft = requests.draft(self.ports, proposal, "U0ANA", "", "C0ONCALL", None)
        assert isinstance(draft, ApprovalRequest), draft
        return draft

    def preview(self, **params: Any) -> Preview:
        """Return what people would see."""
        return self.draft(**params).preview

    def requeued(self, **params: Any) -> Execution:
        """Requeue, and return the execution, ended."""
        return self.revoked(**params)

    def prepared(self, execution: str, **params: Any) -> Requeue:
        """Prepare a requeue as its process would, and go no further."""
        target = target_of(self.ports, "prod", execution)
        _, selected = _look(RequeueParams.model_validate(params), target)
        return self.requeues.prepare(execution, selected.sent, None, lambda _: None)
