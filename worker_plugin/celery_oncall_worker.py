"""What a Celery worker can do for celery-oncall: `celery -A app worker -I celery_oncall_worker`.

Nothing here may keep a worker from its work. What talks to Redis does so in a thread of its own, or for a second at
most; what goes wrong is one sentence in the log. For Celery 5.3 to 5.7 with a broker on Redis; the names of keys and
headers are a contract with the bot. Read from celery's `worker/request.py`, `worker/strategy.py`, `worker/consumer` and
kombu's `transport/redis.py`.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from billiard.einfo import ExceptionWithTraceback  # type: ignore[attr-defined]  # it is there since billiard 4.0
from celery import bootsteps, current_task, signals
from celery.exceptions import Ignore, Reject, Retry, Terminated, TimeLimitExceeded
from kombu.utils import json
from kombu.utils.imports import symbol_by_name

__version__ = "0.1.0"

PUBLISHED_AT = "oncall_published_at"
"""The message header that says when a task was published, in seconds since 1970."""

FAILED = "oncall.failed"
"""HASH of task id -> JSON of a task that failed for good, its message whole; `.at`: ZSET of id by failed_at."""

KEPT, KEPT_BYTES, KEPT_SECONDS = 10_000, 64 * 2**20, 7 * 86400
"""How much of `FAILED` is kept at most, and for how long. What is older goes first."""

LARGEST = 4 * 2**20
"""Bytes of a message above which it is not kept."""

HELD, HELD_BYTES = 1000, 32 * 2**20
"""How many failures, and bytes of them, wait at most in the worker's memory while Redis does not take them."""

AT_ONCE, AT_ONCE_BYTES = 100, 2**20
"""How many failures one script writes; Redis answers nobody meanwhile."""

SOCKET_SECONDS = 1.0
LONGEST_WAIT = 30.0
LAST_SECONDS = 2.0
"""How long a worker that stops waits for its last failures to be written."""

_KEEP = """
local failed, at, weight = KEYS[1], KEYS[2], KEYS[3]
local since, most, most_bytes = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local function weigh()
  local sum = 0
  for _, id in ipairs(redis.call('ZRANGE', at, 0, -1)) do sum = sum + redis.call('HSTRLEN', failed, id) end
  return sum
end
local total = tonumber(redis.call('GET', weight)) or weigh()
local function drop(ids)
  for _, id in ipairs(ids) do
    total = total - redis.call('HSTRLEN', failed, id)
    redis.call('HDEL', failed, id)
    redis.call('ZREM', at, id)
  end
end
for i = 5, #ARGV, 3 do
  local id, moment, record = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  total = total + #record - redis.call('HSTRLEN', failed, id)
  redis.call('HSET', failed, id, record)
  redis.call('ZADD', at, moment, id)
end
drop(redis.call('ZRANGEBYSCORE', at, '-inf', '(' .. since, 'LIMIT', 0, 1000))
local over = redis.call('ZCARD', at) - most
if over > 0 then drop(redis.call('ZRANGE', at, 0, math.min(over, 1000) - 1)) end
if total > most_bytes then total = weigh() end
if total > most_bytes then
  while total > most_bytes * 0.9 do
    local oldest = redis.call('ZRANGE', at, 0, 0)
    if #oldest == 0 then break end
    drop(oldest)
  end
end
redis.call('SET', weight, total)
for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, ARGV[4]) end
return total
"""
"""Writes failures and drops what is too old or too much. `weight` is how many bytes are kept; it is counted anew where
it is missing, and before anything is dropped for it."""

log = logging.getLogger(__name__)

T = TypeVar("T")


class Broker:
    """The worker's own broker, by connections of ours: its passwords, its TLS, its sentinels. For one thread."""

    def __init__(self, app: Any) -> None:
        """Do no I/O."""
        self._app = app
        self._connection: Any = None
        self._client: Any = None
        self.prefix = ""

    def run(self, work: Callable[[Any], T]) -> T:
        """Return what `work` did with a client; raises what redis-py and kombu raise. The next call connects anew."""
        try:
            return work(self._client or self._connect())
        except Exception:
            self.close()
            raise

    def _connect(self) -> Any:
        import redis  # it comes with a Redis broker; with another one the worker may not have it

        self.close()
        patience = {"socket_timeout": SOCKET_SECONDS, "socket_connect_timeout": SOCKET_SECONDS}
        self._connection = self._app.connection_for_write(transport_options=patience)
        self._connection.connect()
        channel = self._connection.channel()
        self.prefix = channel.global_keyprefix or ""
        # kombu's own client puts the prefix before the keys of some commands only.
        self._client = redis.Redis(connection_pool=channel.pool)
        return self._client

    def close(self) -> None:
        """Let go of the connection."""
        connection, self._connection, self._client = self._connection, None, None
        if connection is not None:
            try:
                connection.collect(socket_timeout=SOCKET_SECONDS)
            except Exception:  # it is broken; that is why it is closed
                log.debug("A connection to the broker could not be closed.", exc_info=True)


class FailureRecord:
    """Writes tasks that failed for good to Redis, in a thread of its own; whoever hands one over never waits."""

    def __init__(self, app: Any, worker: str, kept: int = KEPT, kept_bytes: int = KEPT_BYTES) -> None:
        """Start no thread yet: the pool's children are forked from this process."""
        self._broker, self._worker = Broker(app), worker
        self._bounds = (kept, kept_bytes)
        self._queue: queue.Queue[dict[str, Any]] = queue.Queue(HELD)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._held_bytes = self._dropped = 0
        self._next_told = 0.0

    @property
    def dropped(self) -> int:
        """Return how many failures could not be recorded so far."""
        return self._dropped

    def start(self) -> None:
        """Start the thread, once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="celery-oncall failures", daemon=True)
            self._thread.start()

    def put(self, failure: dict[str, Any]) -> None:
        """Hand a failure over; where too many wait already it is dropped, and counted."""
        size = _size(failure)
        with self._lock:
            room = size <= LARGEST and self._held_bytes + size <= HELD_BYTES
            if room:
                self._held_bytes += size
        try:
            if room:
                self._queue.put_nowait(failure)
                return
        except queue.Full:
            with self._lock:
                self._held_bytes -= size
        self._drop(1, "it is too large" if size > LARGEST else "too many wait to be written")

    def flush(self, seconds: float) -> None:
        """Wait until all that was handed over is written, but no longer than this."""
        until = time.monotonic() + seconds
        while self._thread is not None and self._queue.unfinished_tasks and time.monotonic() < until:
            time.sleep(0.02)
        if left := self._queue.unfinished_tasks:
            log.warning("celery-oncall: %d failed tasks were not recorded before this worker stopped.", left)

    def _work(self) -> None:
        while True:
            some = self._some()
            try:
                self._write(some)
            except Exception:  # a mistake of ours must not end the thread
                log.exception("celery-oncall: failed tasks could not be recorded.")
                self._drop(len(some), "of a mistake of celery-oncall's")
            with self._lock:
                self._held_bytes -= sum(map(_size, some))
            for _ in some:
                self._queue.task_done()
            del some  # or it is held until the next failure

    def _some(self) -> list[dict[str, Any]]:
        """Wait for a failure, and return it with those that wait behind it, as many as are written at once."""
        some = [self._queue.get()]
        while len(some) < AT_ONCE and sum(map(_size, some)) < AT_ONCE_BYTES:
            try:
                some.append(self._queue.get_nowait())
            except queue.Empty:
                break
        return some

    def _write(self, some: Sequence[dict[str, Any]]) -> None:
        """Write these, and try until Redis has taken or refused them."""
        from redis.exceptions import ReadOnlyError, ResponseError  # as in `Broker._connect`

        entries: list[Any] = []
        for failure in some:
            entries += [failure["id"], failure["failed_at"], json.dumps({**failure, "worker": self._worker})]
        wait = 1.0
        while True:
            try:
                self._broker.run(lambda client: self._keep(client, entries))
            except ResponseError as error:
                if not isinstance(error, ReadOnlyError):
                    self._drop(len(some), f"Redis refuses: {error}")
                    return
                self._tell(f"Failed tasks wait to be recorded, Redis takes no writes: {error}")
            except Exception as error:  # noqa: BLE001 - kombu and redis-py have many names for a lost connection
                self._tell(f"Failed tasks wait to be recorded, Redis cannot be reached: {error}")
            else:
                return
            time.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)

    def _keep(self, client: Any, entries: Sequence[Any]) -> None:
        key = f"{self._broker.prefix}{FAILED}"
        bounds = [time.time() - KEPT_SECONDS, *self._bounds, KEPT_SECONDS]
        client.eval(_KEEP, 3, key, f"{key}.at", f"{key}.bytes", *bounds, *entries)

    def _drop(self, n: int, why: str) -> None:
        with self._lock:
            self._dropped += n
        self._tell(f"A failed task was not recorded: {why}")

    def _tell(self, sentence: str) -> None:
        """Log, but once a minute at most."""
        with self._lock:
            now = time.monotonic()
            if now < self._next_told:
                return
            self._next_told = now + 60
            dropped = self._dropped
        log.warning("celery-oncall: %s. Not recorded since this worker started: %d.", sentence, dropped)


def _size(failure: dict[str, Any]) -> int:
    """Return about how many bytes a failure takes: those of its message's body."""
    return 1000 + len(failure["message"].get("body") or "")


def recording(base: Any, record: FailureRecord) -> Any:
    """Return a class of requests like `base` that hands tasks which failed for good to a record.

    The worker's own process calls `on_failure` for every pool, also when a child was killed; `on_timeout` is all that
    gevent calls. What will run again, was revoked, or had its result stored before its child was lost, is no failure.
    """

    class Recording(base):  # type: ignore[misc]  # a task may have a class of its own
        _oncall_done = False

        def reject(self, requeue: bool = False) -> Any:
            self._oncall_done |= requeue
            return super().reject(requeue=requeue)

        def _retry_worker_lost(self, *args: Any) -> Any:  # Celery 5.7
            retried = super()._retry_worker_lost(*args)
            self._oncall_done |= bool(retried)
            return retried

        def _success_was_stored(self) -> Any:  # Celery 5.7
            stored = super()._success_was_stored()
            self._oncall_done |= bool(stored)
            return stored

        def on_timeout(self, soft: bool, timeout: float) -> Any:
            try:
                return super().on_timeout(soft, timeout)
            finally:
                if not soft:
                    self._oncall_failed(TimeLimitExceeded(timeout))

        def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> Any:
            try:
                return super().on_failure(exc_info, send_failed_event, return_ok)
            finally:
                error = exc_info.exception
                self._oncall_failed(error.exc if isinstance(error, ExceptionWithTraceback) else error)

        def _oncall_failed(self, error: BaseException) -> None:
            try:
                if self._oncall_done or not _for_good(self, error):
                    return
                self._oncall_done = True
                if failure := _failure(self, error):
                    record.put(failure)
            except Exception:  # the worker must go on whatever a task and its error look like
                log.exception("celery-oncall: a failed task could not be recorded.")

    return Recording


def _for_good(request: Any, error: BaseException) -> bool:
    """Whether a task that ended with this error is over, and failed."""
    if isinstance(error, (Retry, Ignore, Reject, Terminated)):
        return False
    if isinstance(error, MemoryError) and request.task.acks_late:  # celery acknowledges nothing then
        return False
    return not request._already_revoked and not request._already_cancelled


def _failure(request: Any, error: BaseException) -> dict[str, Any] | None:
    """Return what is kept of a failed task; None where its message is not as Redis holds it."""
    message = getattr(request.message, "_raw", None)
    if not isinstance(message, dict):
        return None
    delivery = request.delivery_info or {}
    said = request.request_dict
    return {
        "id": request.id,
        "task": request.type,
        # By the nameless exchange a routing key is a queue; others are for the bot to look up.
        "queue": None if delivery.get("exchange") else delivery.get("routing_key"),
        "failed_at": time.time(),
        "exception": getattr(error, "exc_cls_name", None) or type(error).__name__,
        "error": _words(error)[:500],
        "retries": said.get("retries") or 0,
        "root_id": request.root_id,
        "parent_id": request.parent_id,
        "message": message,
    }


def _words(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - an error of the application's, that may do anything
        return f"(an error of {type(error).__name__} that has no words)"


class OncallStep(bootsteps.StartStopStep):
    """Starts with the worker's consumer, and again after each loss of the broker, before anything is consumed."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        """Let the tasks of a worker on Redis be requested by classes that record failures."""
        super().__init__(consumer, **options)
        self._record = FailureRecord(consumer.app, consumer.hostname)
        _records.append(self._record)
        for task in consumer.app.tasks.values():
            task.Request = recording(symbol_by_name(task.Request), self._record)

    def start(self, consumer: Any) -> None:  # noqa: ARG002 - celery's signature
        """Begin to write; celery calls this once it is connected."""
        self._record.start()


_records: list[FailureRecord] = []


@signals.worker_init.connect
def _join(sender: Any, **_: Any) -> None:
    """Take part in a worker that is about to be built; it has loaded this module by then, by `-I` or `imports`."""
    kind = sender.app.connection_for_read().transport.driver_type
    if kind != "redis":
        log.warning("celery-oncall: the worker plugin does nothing here: the broker is %s, not Redis.", kind)
        return
    sender.app.steps["consumer"].add(OncallStep)


@signals.worker_shutdown.connect
def _write_the_last(**_: Any) -> None:
    for record in _records:
        record.flush(LAST_SECONDS)


@signals.before_task_publish.connect
def stamp(headers: dict[str, Any] | None = None, **_: Any) -> None:
    """Write into a message when it is published. A stamp that is there is kept, but for a retry: celery copies it."""
    if headers is None:
        return
    request = getattr(current_task, "request", None) if current_task else None
    again = request is not None and headers.get("id") is not None and headers.get("id") == request.id
    if again or PUBLISHED_AT not in headers:
        headers[PUBLISHED_AT] = time.time()
