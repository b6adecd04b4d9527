"""Blocking work with an end: the caller goes on after a while, whatever a socket or a name server does."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

IDLE_SECONDS = 2.0
"""How long a thread that has nothing to do waits for more: a call that finds one costs a third of one that does not."""


class TooManyHanging(Exception):
    """So many earlier calls still hang that no further one is begun."""


class Bounded:
    """Runs each piece of work in a daemon thread that does nothing else meanwhile, at most `limit` at a time.

    Socket timeouts alone bound no call: a name server, or several dead addresses behind one name, take their own time.
    Work that was given up on goes on until its own timeouts end it, and counts against the limit until then.
    """

    def __init__(self, limit: int) -> None:
        """Start no thread yet."""
        self._slots = threading.BoundedSemaphore(limit)
        self._idle: list[_Worker] = []

    def run(self, work: Callable[[], T], seconds: float) -> T:
        """Return what `work` returns, or raise what it raises; raises TimeoutError or TooManyHanging."""
        if not self._slots.acquire(blocking=False):
            raise TooManyHanging
        future: Future[T] = Future()
        try:
            self._worker().given.put((work, future))
        except RuntimeError:  # the machine has no thread left
            self._slots.release()
            raise TooManyHanging from None
        return future.result(timeout=seconds)

    def _worker(self) -> "_Worker":
        """Return a thread that waits for work: the one that was last at work, else a new one."""
        while True:
            try:
                worker = self._idle.pop()
            except IndexError:
                worker = _Worker(self._idle, self._slots)
                worker.start()
                return worker
            if worker.is_alive():  # no thread but the one that forks lives on in a forked process
                return worker


class _Worker(threading.Thread):
    """Whoever takes it off the list of the idle ones gives it work: that is one caller, or itself, when it ends."""

    def __init__(self, idle: "list[_Worker]", slots: threading.BoundedSemaphore) -> None:
        super().__init__(name="celery-oncall-bounded", daemon=True)
        self.given: SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = SimpleQueue()
        self._idle, self._slots = idle, slots

    def run(self) -> None:
        """Work, until nobody has given it anything for a while."""
        while self._waited_well():
            pass

    def _waited_well(self) -> bool:
        try:
            work, future = self.given.get(timeout=IDLE_SECONDS)
        except Empty:
            return not self._gone()
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - carried over to the caller, whatever it is
            self._free()
            future.set_exception(error)
        else:
            self._free()
            future.set_result(result)
        return True

    def _free(self) -> None:
        """Be there for the next call before the caller of this one goes on, and so makes it."""
        self._idle.append(self)
        self._slots.release()

    def _gone(self) -> bool:
        """Return whether nobody can give it work any more."""
        try:
            self._idle.remove(self)
        except ValueError:  # somebody took it this moment, and work is coming
            return False
        return True
