"""Blocking work with an end: the caller goes on after a while, whatever a socket or a name server does."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


class TooManyHanging(Exception):
    """So many earlier calls still hang that no further one is begun."""


class Bounded:
    """Runs each piece of work in a daemon thread of its own, at most `limit` at a time.

    Socket timeouts alone bound no call: a name server, or several dead addresses behind one name, take their own time.
    Work that was given up on goes on until its own timeouts end it, and counts against the limit until then.
    """

    def __init__(self, limit: int) -> None:
        """Start no thread yet."""
        self._slots = threading.BoundedSemaphore(limit)

    def run(self, work: Callable[[], T], seconds: float) -> T:
        """Return what `work` returns, or raise what it raises; raises TimeoutError or TooManyHanging."""
        if not self._slots.acquire(blocking=False):
            raise TooManyHanging
        future: Future[T] = Future()
        thread = threading.Thread(target=self._work, args=(work, future), name="celery-oncall-bounded", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the machine has no thread left
            self._slots.release()
            raise TooManyHanging from None
        return future.result(timeout=seconds)

    def _work(self, work: Callable[[], T], future: "Future[T]") -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - carried over to the caller, whatever it is
            self._slots.release()
            future.set_exception(error)
        else:
            self._slots.release()
            future.set_result(result)
