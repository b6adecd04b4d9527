"""Hears a cluster's events: raw publish/subscribe on Redis, one thread for each cluster."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import hiredis
import redis
import structlog

from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.keys import Keys, literally
from bot.adapters.celery.wording import why
from bot.adapters.events.event import Event, NotJson, read
from bot.adapters.events.recorder import Recorder
from bot.domain.cluster import ClusterSnapshot
from bot.domain.errors import OncallError
from bot.ports import Clock

QUIET_SECONDS = 5.0
"""After so long without a word the broker is asked for a sign of life, and given as long again to answer."""

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds before the first attempt to connect again, and before any later one at most; each doubles."""

RESYNC_PAUSE = 2.0
"""Seconds between attempts to learn what was missed, while the cluster does not answer."""

_LOOK_SECONDS = 0.2
"""How long one wait for data takes, and so how soon a `close` is seen."""

_READ_BYTES = 1 << 18

log = structlog.get_logger(__name__)


class EventConsumer:
    """Hands all events of a cluster to its recorder, in a thread of its own; connects again for ever.

    `exchange` is the application's `event_exchange`. After each connect `resync` is asked, in another thread, for a
    snapshot that fills in what was missed. `read_other` reads messages whose body is no JSON; without it they are
    counted as not readable.
    """

    def __init__(
        self,
        connection: ClusterConnection,
        recorder: Recorder,
        clock: Clock,
        *,
        exchange: str = "celeryev",
        resync: Callable[[], ClusterSnapshot] | None = None,
        read_other: Callable[[bytes], Sequence[Event]] | None = None,
        quiet_seconds: float = QUIET_SECONDS,
    ) -> None:
        """Do no I/O."""
        self._connection, self._recorder, self._clock = connection, recorder, clock
        self._patterns = channels(connection.keys, exchange)
        self._resync, self._read_other, self._quiet = resync, read_other, quiet_seconds
        self._closed, self._hearing = threading.Event(), threading.Event()
        self._heard_until = clock.now().timestamp()
        self._connects = 0
        self._told: set[str] = set()
        self._thread = threading.Thread(target=self._run, name=f"events-{connection.name}", daemon=True)

    def start(self) -> None:
        """Begin to listen in the background."""
        self._thread.start()

    def close(self, seconds: float = 2.0) -> None:
        """Stop listening; waits `seconds` at most for the thread to end."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def wait_connected(self, seconds: float) -> bool:
        """Return whether it has subscribed, waiting for at most `seconds`."""
        return self._hearing.wait(seconds)

    def _run(self) -> None:
        pause, told = FIRST_PAUSE, False
        while not self._closed.is_set():
            try:
                self._listen()
            except Exception as error:  # noqa: BLE001 - whatever it is: a thread that ends would leave the bot deaf
                if self._hearing.is_set():
                    pause, told = FIRST_PAUSE, False
                    self._hearing.clear()
                reason = self._reason(error)
                self._recorder.disconnected(self._heard_until, reason)
                if not told:
                    log.warning("events not heard until connected", cluster=self._connection.name, why=reason)
                    told = True
                self._closed.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    def _reason(self, error: Exception) -> str:
        if isinstance(error, (redis.RedisError, OSError)):
            return why(error, self._connection)
        if isinstance(error, hiredis.HiredisError):
            return why(redis.InvalidResponse(str(error)), self._connection)
        log.exception("listening to events broke", cluster=self._connection.name)
        return "the bot's own listening broke, see its log"

    def _listen(self) -> None:
        """Pass on what comes until closed; raises redis-py's errors when the connection breaks or keeps silent."""
        pool = self._connection.pool()
        connection: Any = pool.make_connection()  # redis-py leaves it untyped
        try:
            connection.connect()
            connection.send_command("PSUBSCRIBE", *self._patterns)
            self._follow(connection)
        finally:
            connection.disconnect()
            pool.disconnect()

    def _follow(self, connection: Any) -> None:
        # redis-py spends 14 us on each message that it reads, most of it on waiting politely; hiredis alone spends 4.
        socket = connection._sock
        socket.settimeout(_LOOK_SECONDS)
        reader, buffer = hiredis.Reader(), bytearray(_READ_BYTES)
        heard, asked = time.monotonic(), False
        while not self._closed.is_set():
            self._recorder.attend(self._clock.now().timestamp())
            try:
                n = socket.recv_into(buffer)
            except TimeoutError:
                if time.monotonic() - heard > self._quiet:
                    if asked:
                        raise
                    connection.send_command("PING")
                    heard, asked = time.monotonic(), True
                continue
            if not n:
                raise redis.ConnectionError("closed by the broker")
            heard, asked = time.monotonic(), False
            reader.feed(buffer, 0, n)  # type: ignore[arg-type]  # its stub forgets that any buffer will do
            self._take_all(reader)

    def _take_all(self, reader: hiredis.Reader) -> None:
        self._heard_until = now = self._clock.now().timestamp()
        self._recorder.attend(now)
        take = self._recorder.take
        # `False` is hiredis' word for "not all of it is here yet"; no answer to a subscriber is a false value itself.
        while (reply := reader.gets()) is not False:
            if isinstance(reply, list) and reply[0] == b"pmessage":
                try:
                    events: Sequence[Event] = read(reply[3])
                except ValueError as error:
                    events = self._not_read(reply[3], error)
                take(events, now)
            else:
                self._take_answer(reply, now)

    def _take_answer(self, reply: object, now: float) -> None:
        if isinstance(reply, hiredis.ReplyError):
            raise redis.ResponseError(str(reply))
        if isinstance(reply, list) and reply[0] == b"psubscribe" and reply[2] == len(self._patterns):
            self._connected(now)

    def _connected(self, now: float) -> None:
        self._recorder.connected(now)
        self._hearing.set()
        self._connects += 1
        threading.Thread(
            target=self._catch_up, args=(self._connects,), name=f"resync-{self._connection.name}", daemon=True
        ).start()

    def _catch_up(self, connect: int) -> None:
        """Ask what was missed until there is an answer, or the connection broke again."""
        while not self._closed.is_set() and connect == self._connects:
            try:
                self._recorder.resynced(self._resync() if self._resync else None)
            except OncallError as error:
                log.warning("not resynced yet", cluster=self._connection.name, why=str(error))
                self._closed.wait(RESYNC_PAUSE)
            except Exception:  # a gap that nobody ends makes every window to come incomplete
                log.exception("resync broke, tried again", cluster=self._connection.name)
                self._closed.wait(RESYNC_PAUSE)
            else:
                return

    def _not_read(self, raw: bytes, error: ValueError) -> Sequence[Event]:
        """Return the events of a message that is not JSON, or none, and let people know."""
        if not isinstance(error, NotJson):
            self._tell("an event was not understood", str(error))
            return ()
        if self._read_other is not None:
            try:
                return self._read_other(raw)
            except ValueError as other:
                self._unread(str(other))
                return ()
        self._unread(f"events come as {error.content_type}; set `event_serializer` of the application to json")
        return ()

    def _unread(self, reason: str) -> None:
        self._recorder.unread(self._heard_until, reason)
        self._tell("events cannot be read", reason)

    def _tell(self, event: str, reason: str) -> None:
        """Log it once: there may be thousands a second."""
        if event not in self._told:
            self._told.add(event)
            log.warning(event, cluster=self._connection.name, why=reason)


def channels(keys: Keys, exchange: str) -> tuple[str, str]:
    """Return the patterns of the channels of an exchange's events, for PSUBSCRIBE.

    kombu appends the routing key, such as `task.multi`; with `fanout_patterns: false` it does not.
    """
    channel = literally(f"{keys.prefix}/{keys.db}.{exchange}")
    return f"{channel}/*", channel
