"""Hears a cluster's events by kombu's own means: slower than `consumer`, and for every broker that kombu knows.

Tried on Redis. RabbitMQ (`amqp://`) is as its sources say, and was not tried: a queue of our own that the broker
deletes with us, heartbeats every few seconds, and messages older than Celery's `event_queue_ttl` (5 s) dropped.

kombu and redis-py mend a broken subscription by themselves and tell nobody, and the events in between are missing. So
the socket is looked at: when it is another one, the connection counts as broken, and the gap is noted.
"""

import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import redis
from celery import Celery
from celery.events.receiver import EventReceiver
from kombu import Connection, Consumer
from kombu.message import Message

from bot.adapters.celery.connection import CLIENT_NAME, SOCKET_SECONDS, ClusterConnection
from bot.adapters.events.consumer import QUIET_SECONDS, EventConsumer
from bot.adapters.events.recorder import Recorder
from bot.adapters.events.serialized import events_in
from bot.domain.cluster import ClusterSnapshot
from bot.ports import Clock

HEARTBEAT_SECONDS = 10
"""What is agreed on with brokers that know heartbeats."""

_LOOK_SECONDS = 0.2
_SUBSCRIBE_SECONDS = 0.02


class KombuFeed(EventConsumer):
    """Hands all events to its recorder, as its base does, and is started, closed and resynced likewise.

    `broker_url` is another broker than that of `connection`, such as `amqp://…`, with kombu's own options. Redis is
    asked for a sign of life after each `quiet_seconds` without one, and given up when it kept silent twice.
    """

    def __init__(
        self,
        connection: ClusterConnection,
        recorder: Recorder,
        clock: Clock,
        *,
        exchange: str = "celeryev",
        resync: Callable[[], ClusterSnapshot] | None = None,
        broker_url: str | None = None,
        quiet_seconds: float = QUIET_SECONDS,
    ) -> None:
        """Do no I/O."""
        super().__init__(connection, recorder, clock, exchange=exchange, resync=resync, quiet_seconds=quiet_seconds)
        self._broker_url = broker_url
        self._app = Celery(CLIENT_NAME, set_as_current=False)
        self._app.conf.update(event_exchange=exchange, event_queue_prefix=CLIENT_NAME)

    def _listen(self) -> None:
        """Pass on what comes until closed; raises kombu's and redis-py's errors when the connection breaks."""
        with self._broker() as connection:
            connection.ensure_connection(max_retries=0)  # its own retries would neither end nor be seen
            channel: Any = connection.default_channel
            # Celery's own receiver knows how the queue is to be declared on each broker.
            receiver: Any = EventReceiver(channel, app=self._app, node_id=f"{socket.gethostname()}.{os.getpid()}")
            # Undecoded: kombu would read what we do not, and not all that we do.
            with Consumer(channel, queues=[receiver.queue], on_message=self._take_message, no_ack=True):
                self._follow_channel(connection, channel)

    def _follow_channel(self, connection: Connection, channel: Any) -> None:
        with suppress(TimeoutError):
            connection.drain_events(timeout=_SUBSCRIBE_SECONDS)  # on Redis the first one subscribes
        mine, asked = _subscription(channel), time.monotonic()
        self._heard_until = now = self._clock.now().timestamp()
        self._connected(now)
        while not self._closed.is_set():
            self._recorder.attend(self._clock.now().timestamp())
            with suppress(TimeoutError):
                connection.drain_events(timeout=_LOOK_SECONDS)
            if _subscription(channel) is not mine:
                raise redis.ConnectionError("closed by the broker")
            if time.monotonic() - asked > self._quiet:
                asked = time.monotonic()
                _ask_for_a_sign(connection, channel)

    def _broker(self) -> Connection:
        # Not by the app's settings: an environment variable CELERY_BROKER_URL would win over them.
        if self._broker_url is not None:
            return Connection(self._broker_url, connect_timeout=SOCKET_SECONDS, heartbeat=HEARTBEAT_SECONDS)
        options, tls = _options(self._connection, self._quiet), dict(self._connection.tls)
        return Connection(self._connection.broker_url, ssl=tls or False, transport_options=options)

    def _take_message(self, message: Message) -> None:
        self._heard_until = now = self._clock.now().timestamp()
        self._recorder.attend(now)
        try:
            events = events_in(message.body or b"", message.content_type or "nothing")
        except ValueError as error:
            self._unread(str(error))
        else:
            self._recorder.take(events, now)

    def _reason(self, error: Exception) -> str:
        # kombu wraps what redis-py and sockets raise
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, (redis.RedisError, OSError)):
                return super()._reason(cause)
            cause = cause.__cause__ or cause.__context__
        return super()._reason(error)


def _subscription(channel: Any) -> "socket.socket | None":
    """Return the socket that a channel hears Redis's publish/subscribe on; None for other brokers."""
    client = vars(channel).get("subclient")
    return getattr(getattr(client, "connection", None), "_sock", None)


def _ask_for_a_sign(connection: Connection, channel: Any) -> None:
    connection.heartbeat_check()  # of no effect on Redis
    if cycle := getattr(channel.connection, "cycle", None):
        cycle.maybe_check_subclient_health()  # of Redis alone; closes the socket after two pings without an answer


def _options(connection: ClusterConnection, quiet_seconds: float) -> dict[str, Any]:
    return {
        "global_keyprefix": connection.global_keyprefix,
        "sep": connection.sep,
        "priority_steps": list(connection.priority_steps),
        "client_name": CLIENT_NAME,
        "socket_timeout": SOCKET_SECONDS,
        "socket_connect_timeout": SOCKET_SECONDS,
        "health_check_interval": quiet_seconds,
    }
