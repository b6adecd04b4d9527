"""How long a small task takes from being sent to its end, sent again and again beside what is measured."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from celery import Celery

EVERY = 0.05
_ANSWER_SECONDS = 60.0


class Probes:
    """Probes that were sent, with the moment of each."""

    def __init__(self) -> None:
        self._sent: list[tuple[float, Any]] = []

    def send(self, app: Celery, queue: str) -> None:
        """Send one more."""
        at = datetime.now(UTC).timestamp()
        self._sent.append((at, app.tasks["sample.add"].apply_async((1, 2), queue=queue)))

    def seconds(self) -> list[float]:
        """Wait for all, and return how long each took; the worker's clock is ours."""
        for _, result in self._sent:
            result.get(timeout=_ANSWER_SECONDS)
        return [_ended(result) - at for at, result in self._sent]


def _ended(result: Any) -> float:
    ended = result.date_done
    at = ended if isinstance(ended, datetime) else datetime.fromisoformat(str(ended))
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


@contextmanager
def probing(app: Celery, queue: str) -> Iterator[Probes]:
    """Send a task every `EVERY` seconds until the end of the block; they are sent in time, whoever is late."""
    probes, over = Probes(), threading.Event()

    def send() -> None:
        while not over.wait(EVERY):
            probes.send(app, queue)

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    try:
        yield probes
    finally:
        over.set()
        thread.join()
