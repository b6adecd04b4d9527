"""The watched broker: every call ends in time, and every failure has words."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

import redis

from bot.adapters.bounded import Bounded, TooManyHanging
from bot.adapters.celery.connection import MAX_CONNECTIONS, SOCKET_SECONDS, ClusterConnection
from bot.adapters.celery.wording import refused, why
from bot.domain.errors import BrokerRefuses, ClusterUnreachable, EffectUncertain

T = TypeVar("T")

SLACK_SECONDS = 0.3
"""How much longer than its deadline a call may take before the caller is let go."""

_LOST = (redis.ConnectionError, redis.TimeoutError, OSError)
_FAILED = (redis.RedisError, OSError, TooManyHanging)

Work = Callable[["redis.Redis", float], T]
"""Takes a client and the moment (of `time.monotonic`) by which to be done."""


class Broker:
    """A bounded client of one cluster's broker. Connects on first use; safe to use from many threads."""

    def __init__(self, connection: ClusterConnection) -> None:
        """Do no I/O."""
        self.connection = connection
        self._pool = connection.pool()
        self._client = redis.Redis(connection_pool=self._pool)
        self._bounded = Bounded(MAX_CONNECTIONS)

    def read(self, work: Work[T], deadline: float) -> T:
        """Return what `work` read; once more when the connection broke. Raises ClusterUnreachable."""
        return self._call(lambda until: self._twice(work, until), deadline)

    def effect(self, what: str, work: Work[T], deadline: float) -> T:
        """Return what `work` did, never repeated. Raises ClusterUnreachable when nothing was sent, or EffectUncertain.

        `what` says what was done, in words for people.
        """
        return self._send(what, work, deadline, self._client.ping)

    def step(self, what: str, work: Work[T], deadline: float) -> T:
        """As `effect`, of what may be repeated, right behind an answer of the broker's: it is not asked first.

        That spares each step a round trip. A broker that stopped answering this moment makes it uncertain.
        """
        return self._send(what, work, deadline, self._open)

    def close(self) -> None:
        """Close every connection; a later call opens new ones."""
        self._pool.disconnect()

    def _open(self) -> None:
        """Open a connection, if there is none, or the broker has closed it; the next command takes it."""
        self._pool.release(self._pool.get_connection())

    def _send(self, what: str, work: Work[T], deadline: float, reach: Callable[[], object]) -> T:
        sent = threading.Event()
        try:
            return self._call(lambda until: self._once(work, until, reach, sent), deadline)
        except ClusterUnreachable as error:
            if not sent.is_set():
                raise
            raise EffectUncertain(self.connection.name, what, error.why) from error

    def _call(self, work: Callable[[float], T], deadline: float) -> T:
        started = time.monotonic()
        try:
            return self._bounded.run(lambda: work(started + deadline), deadline + SLACK_SECONDS)
        except _FAILED as error:
            reason, took = why(error, self.connection), time.monotonic() - started
            if what := refused(error):
                raise BrokerRefuses(self.connection.name, what, reason, took) from error
            raise ClusterUnreachable(self.connection.name, reason, took) from error

    def _twice(self, work: Work[T], until: float) -> T:
        try:
            return work(self._client, until)
        except _LOST:
            if until - time.monotonic() < SOCKET_SECONDS / 2:
                raise
            return work(self._client, until)

    def _once(self, work: Work[T], until: float, reach: Callable[[], object], sent: threading.Event) -> T:
        reach()  # whatever fails here, nothing was sent
        if time.monotonic() >= until:  # the caller has gone, or soon will
            raise redis.TimeoutError
        sent.set()
        try:
            return work(self._client, until)
        except redis.ResponseError:  # an answer is no broken connection: the broker refused
            sent.clear()
            raise
