"""Hears of workers that come online, from Celery's events: raw publish/subscribe, one thread for each cluster."""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing

import redis
import structlog

from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.envelope import unwrap
from bot.adapters.celery.wording import why
from bot.domain.errors import OncallError

QUIET_SECONDS = 10.0
"""After so long without a word the broker is asked for a sign of life, and given as long again to answer."""

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 10.0
"""Seconds before the first attempt to connect again, and before any later one at most; each doubles."""

_LOOK_SECONDS = 0.2
"""How long one wait for a message takes, and so how soon a `close` is seen."""

log = structlog.get_logger(__name__)


class WorkerOnlineWatch:
    """Calls `on_online` with the name of each worker that comes online, in its own thread, one after the other.

    Celery sends `worker-online` when a worker starts and when it connects again, unless it was started with
    `--without-heartbeat`. The news comes before the worker hears commands. It is lost while there is no connection, so
    what must not be missed has to be looked for as well. Messages wait at the broker while `on_online` works.

    `event_exchange` is the setting of that name of the watched application.
    """

    def __init__(
        self,
        connection: ClusterConnection,
        on_online: Callable[[str], None],
        event_exchange: str = "celeryev",
        quiet_seconds: float = QUIET_SECONDS,
    ) -> None:
        """Do no I/O."""
        self._connection, self._on_online, self._quiet = connection, on_online, quiet_seconds
        keys = connection.keys
        # kombu's `_get_publish_topic`: the routing key of an event is its type with dots.
        self._channel = f"{keys.prefix}/{keys.db}.{event_exchange}/worker.online"
        self._closed = threading.Event()
        self._heard = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"online-{connection.name}", daemon=True)

    def start(self) -> None:
        """Begin to listen; connects, and connects again, for ever in the background."""
        self._thread.start()

    def close(self, seconds: float = 2.0) -> None:
        """Stop listening; waits `seconds` at most for an `on_online` that is at work."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def wait_connected(self, seconds: float) -> bool:
        """Return whether it has subscribed, waiting for at most `seconds`."""
        return self._heard.wait(seconds)

    def _run(self) -> None:
        pause, told = FIRST_PAUSE, False
        while not self._closed.is_set():
            try:
                self._listen()
            except (redis.RedisError, OSError) as error:
                if self._heard.is_set():  # it was connected
                    pause, told = FIRST_PAUSE, False
                self._heard.clear()
                if not told:
                    name = self._connection.name
                    log.warning(
                        "worker-online not heard until connected", cluster=name, why=why(error, self._connection)
                    )
                    told = True
                self._closed.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    def _listen(self) -> None:
        """Pass on what comes until closed; raises redis-py's errors when the connection breaks or keeps silent."""
        pool = self._connection.pool()
        try:
            # redis-py leaves these two without types
            client = redis.Redis(connection_pool=pool)
            with closing(client.pubsub()) as subscription:  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
                subscription.subscribe(self._channel)
                self._follow(subscription)
        finally:
            pool.disconnect()

    def _follow(self, subscription: "redis.client.PubSub") -> None:
        since, asked = time.monotonic(), False
        while not self._closed.is_set():
            message = subscription.get_message(timeout=_LOOK_SECONDS)
            if message is not None:
                self._take(message)
                since, asked = time.monotonic(), False
            elif time.monotonic() - since > self._quiet:
                if asked:
                    raise redis.TimeoutError
                subscription.ping()
                since, asked = time.monotonic(), True

    def _take(self, message: Mapping[str, object]) -> None:
        if message["type"] == "subscribe":
            self._heard.set()
        if message["type"] != "message" or not isinstance(message["data"], bytes):
            return
        try:
            _, event = unwrap(message["data"])
            name = str(event["hostname"])
        except (ValueError, KeyError, TypeError) as error:
            log.warning("worker-online not understood", cluster=self._connection.name, why=str(error))
            return
        self._tell(name)

    def _tell(self, name: str) -> None:
        try:
            self._on_online(name)
        except OncallError as error:
            log.warning("worker-online not acted on", cluster=self._connection.name, worker=name, why=str(error))
        except Exception:  # a mistake about one worker must not leave all later ones unheard
            log.exception("worker-online broke", cluster=self._connection.name, worker=name)
