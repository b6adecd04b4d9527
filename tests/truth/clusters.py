"""A real cluster to count: its keys in Redis, its workers, its application; what is read here goes past the bot."""

import json
import socket
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
from celery import Celery

from bot.domain.broker import PUBLISHED_AT
from playground.celery_worker import CeleryWorker, WorkerSpec
from playground.services import RedisServer
from tests.truth.bookkeeper import Books, make_app

HOST = socket.gethostname()
BOOKS_DB = 9


@dataclass
class Cluster:
    """One cluster on a server: prefix, separator and steps as its application has them."""

    name: str
    server: RedisServer
    folder: Path
    prefix: str = ""
    sep: str = "\x06\x16"
    steps: tuple[int, ...] = (0, 3, 6, 9)
    sent_events: bool = True
    workers: dict[str, CeleryWorker] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Connect on first use."""
        self.client: redis.Redis = self.server.client()
        self.books = Books(self.server.client(BOOKS_DB), self.prefix)
        self.app: Celery = make_app(self.env)

    @property
    def env(self) -> dict[str, str]:
        """What its processes read."""
        return {
            "SAMPLE_BROKER_URL": self.server.url(),
            "BOOKS_URL": self.server.url(BOOKS_DB),
            "SAMPLE_PREFIX": self.prefix,
            "SAMPLE_SEP": self.sep,
            "SAMPLE_STEPS": ",".join(map(str, self.steps)),
            "SAMPLE_SENT_EVENTS": "1" if self.sent_events else "0",
        }

    def settings(self, more: str) -> str:
        """Return it as it stands in the bot's settings; `more` are further keys in YAML's flow style."""
        broker = (
            f"broker_url: '{self.server.url()}', result_backend: '{self.server.url()}', "
            f"global_keyprefix: {json.dumps(self.prefix)}, sep: {json.dumps(self.sep)}, "
            f"priority_steps: {json.dumps(self.steps)}"
        )
        return f"  {self.name}: {{{broker}, {more}}}"

    def start(
        self, name: str, queues: Sequence[str], concurrency: int = 1, pool: str = "prefork", prefetch: int = 4
    ) -> CeleryWorker:
        """Start a worker without `-E`, and do not wait for it."""
        env = self.env | {"SAMPLE_PREFETCH": str(prefetch)}
        app, node = "tests.truth.bookkeeper", f"{name}@{HOST}"
        worker = CeleryWorker(WorkerSpec(app, node, tuple(queues), concurrency, pool, (), env), self.folder)
        worker.start()
        self.workers[node] = worker
        return worker

    def kill_workers(self) -> None:
        """End them all."""
        for worker in self.workers.values():
            worker.kill()

    def send(self, name: str, *args: Any, queue: str, n: int = 1, **options: Any) -> list[str]:
        """Send as many tasks, and return their ids."""
        headers = {PUBLISHED_AT: time.time()} if self.sent_events else {}
        sent = [self.app.send_task(name, args, queue=queue, headers=headers, **options) for _ in range(n)]
        return [str(result.id) for result in sent]

    def empty(self, queue: str) -> None:
        """Delete what waits in a queue."""
        self.client.delete(*self._lane_keys(queue))

    # --- counts that the bot has no part in --------------------------------------------------------------------------

    def lanes(self, queue: str) -> tuple[int, ...]:
        """Return LLEN of each lane, the most urgent first."""
        return tuple(int(self.client.llen(key)) for key in self._lane_keys(queue))

    def waiting(self, queue: str) -> list[str]:
        """Return the ids of the messages in the order in which they are taken."""
        raw = [message for key in self._lane_keys(queue) for message in reversed(self.client.lrange(key, 0, -1))]
        return [json.loads(message)["headers"]["id"] for message in raw]

    def unacked(self) -> Counter[str]:
        """Return how many messages were taken and not acknowledged, by routing key, which is the queue here."""
        return Counter(json.loads(raw)[2] for raw in self.client.hvals(f"{self.prefix}unacked"))

    def inspected(self, method: str) -> Mapping[str, Any]:
        """Return what Celery's own inspect tells, by worker."""
        return getattr(self.app.control.inspect(timeout=5.0, limit=len(self.workers)), method)() or {}

    def _lane_keys(self, queue: str) -> list[str]:
        return [f"{self.prefix}{queue}{f'{self.sep}{step}' if step else ''}" for step in self.steps]
