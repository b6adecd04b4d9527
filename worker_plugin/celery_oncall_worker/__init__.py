"""What a Celery worker can do for celery-oncall: `celery -A app worker -I celery_oncall_worker`.

Nothing here may keep a worker from its work. What talks to Redis does so in a thread of its own, or for a second at
most; what goes wrong is one sentence in the log. For Celery 5.3 to 5.7 with a broker on Redis; the names of keys and
headers are a contract with the bot. Read from celery's `worker/request.py`, `worker/strategy.py`, `worker/consumer` and
kombu's `transport/redis.py`.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

from billiard.einfo import ExceptionWithTraceback  # type: ignore[attr-defined]  # it is there since billiard 4.0
from celery import bootsteps, current_task, signals
from celery.exceptions import Ignore, Reject, Retry, Terminated, TimeLimitExceeded
from celery.utils.time import rate as per_second
from celery.worker.state import SOFTWARE_INFO
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

ORDERS = "oncall.orders"
"""STRING, written by the bot: JSON of `paused` (queue -> until) and `rates` (task -> rate, until).

Moments are seconds since 1970. What is past its moment is over: a pause does not outlive a bot that died. Without the
key nothing is known.
"""

RATE_BEFORE = "oncall_rate_before"
"""The attribute of a task that was limited here: its own rate limit, "" for none. The bot reads it by `registered`."""

START_SECONDS = 1.0
"""How long a worker that starts waits for its orders, in all."""

LOOK_SECONDS = 10.0
"""How often a worker that has left a queue out, or limited a task, looks whether it still has to."""

BOT_GONE = 60.0
"""How long after its end a pause is kept that nobody tells of any more: a bot that lives writes it anew by then."""

MEASURE_SECONDS, MEASURE_SHARE = 10.0, 100
"""How often memory is measured at most; and how many times as long as that took is waited at least."""

MOST_PROCESSES = 1000
"""How many children are measured at most."""

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


class Orders(NamedTuple):
    """What the bot wants of workers that start: queues to leave alone, and rates of tasks, each with its end."""

    paused: dict[str, float]
    rates: dict[str, tuple[str, float]]


def read_orders(app: Any, seconds: float = START_SECONDS) -> Orders | None:
    """Return what is in force, or None when nobody says. Raises ValueError and what redis-py, kombu and sockets raise.

    Reading goes on in a thread that is left behind after this time: no set of timeouts bounds a connection as a whole.
    """
    answer: queue.Queue[Any] = queue.Queue()

    def work() -> None:
        broker = Broker(app)
        try:
            answer.put(broker.run(lambda client: client.get(f"{broker.prefix}{ORDERS}")))
        except Exception as error:  # noqa: BLE001 - carried over to who waits
            answer.put(error)
        finally:
            broker.close()

    threading.Thread(target=work, name="celery-oncall orders", daemon=True).start()
    try:
        found = answer.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer within {seconds:g} s") from None
    if isinstance(found, Exception):
        raise found
    return None if found is None else in_force(found, time.time())


def in_force(raw: bytes | str, now: float) -> Orders:
    """Return what is not over yet of orders as Redis holds them; raises ValueError."""
    try:
        said = json.loads(raw)
        paused = {str(q): float(until) for q, until in said["paused"].items()}
        rates = {str(t): (str(rate), float(until)) for t, (rate, until) in said["rates"].items()}
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"the key {ORDERS} cannot be read: {error!r}") from error
    return Orders(
        {q: until for q, until in paused.items() if until > now},
        {t: (rate, until) for t, (rate, until) in rates.items() if until > now and _is_rate(rate)},
    )


def _is_rate(text: str) -> bool:
    try:
        return per_second(text) > 0
    except ValueError:
        return False


class Obedience:
    """Keeps this worker from paused queues, and to rates, from before it consumes until the orders no longer say so.

    `left_out` are the queues that it would consume, with the end of each pause. Changes are made in the worker's own
    loop; what waits for Redis is a thread's.
    """

    def __init__(self, consumer: Any, look_every: float = LOOK_SECONDS, gone_after: float = BOT_GONE) -> None:
        """Do no I/O."""
        self._consumer, self._app = consumer, consumer.app
        self._look_every, self._gone_after = look_every, gone_after
        self._left_out: dict[str, float] = {}
        self._limited: dict[str, tuple[str, float, Any]] = {}  # task: the rate, its end, and what it had before
        self._fresh = True
        self._timer: threading.Timer | None = None

    @property
    def left_out(self) -> list[str]:
        """Return the queues that this worker was started for and does not consume, by orders."""
        return sorted(self._left_out.keys() - self._consumed())

    def start(self) -> None:
        """Obey before anything is consumed, also after the broker was lost. Waits START_SECONDS at most."""
        orders = None
        try:
            orders = read_orders(self._app)
        except Exception as error:  # noqa: BLE001 - whatever it is, the worker is to start
            log.warning("celery-oncall: starting without orders, paused queues are consumed at first: %s", error)
        self._let_go(orders, self._add_before_start)
        if orders is not None:
            self._leave_out(orders)
            if self._fresh:  # later its limits may be the bot's own doing, and are kept by the process
                self._limit(orders)
        self._fresh = False
        self._look_later()

    def stop(self) -> None:
        """Look no more, until the next start."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _consumed(self) -> set[str]:
        consumer = self._consumer.task_consumer
        return {q.name for q in consumer.queues} if consumer else set()

    def _leave_out(self, orders: Orders) -> None:
        for name in sorted(self._consumed() & orders.paused.keys()):
            self._consumer.cancel_task_queue(name)
            self._left_out[name] = orders.paused[name]
            until = time.strftime("%H:%M", time.gmtime(orders.paused[name]))
            log.warning("celery-oncall: paused, and left out of this worker: %s (until %s UTC).", name, until)

    def _limit(self, orders: Orders) -> None:
        if self._app.conf.worker_disable_rate_limits:
            return
        for name in sorted(orders.rates.keys() & self._app.tasks.keys()):
            (rate, until), task = orders.rates[name], self._app.tasks[name]
            self._limited[name] = (rate, until, task.rate_limit)
            setattr(task, RATE_BEFORE, str(task.rate_limit or ""))
            task.rate_limit = rate
            log.warning("celery-oncall: limited to %s on this worker: %s.", rate, name)
        if self._limited:
            self._consumer.reset_rate_limits()

    def _look_later(self) -> None:
        self._timer = None
        if self._left_out or self._limited:
            self._timer = threading.Timer(self._look_every, self._look)
            self._timer.daemon = True
            self._timer.start()

    def _look(self) -> None:
        """Read the orders again, in a thread of its own, and hand them to the worker's loop."""
        mine, orders = self._timer, None
        try:
            orders = read_orders(self._app, LOOK_SECONDS)
        except Exception:  # as when nobody says: what is long over is let go
            log.debug("celery-oncall: the orders could not be read.", exc_info=True)
        if self._timer is mine and mine is not None:
            self._consumer.call_soon(self._follow, orders, mine)

    def _follow(self, orders: Orders | None, timer: threading.Timer) -> None:
        if self._timer is not timer:  # the broker was lost meanwhile, and this starts anew
            return
        try:
            self._let_go(orders, self._consumer.add_task_queue)
        except Exception:  # the broker may be lost at this moment
            log.warning("celery-oncall: a queue could not be taken back, tried again.", exc_info=True)
        self._look_later()

    def _let_go(self, orders: Orders | None, add: Callable[[str], Any]) -> None:
        """Take back queues whose pause is over, and give tasks their own rates back; what the bot did already stays."""
        now, consumed = time.time(), self._consumed()
        for name, until in list(self._left_out.items()):
            if name in consumed:
                del self._left_out[name]
            elif orders is not None and name in orders.paused:
                self._left_out[name] = orders.paused[name]
            elif orders is not None or now > until + self._gone_after:
                log.warning("celery-oncall: no longer paused, and taken back: %s.", name)
                add(name)
                del self._left_out[name]
        changed = [name for name in list(self._limited) if self._relaxed(name, orders, now)]
        if changed:
            self._consumer.reset_rate_limits()  # not without need: new buckets are full

    def _relaxed(self, name: str, orders: Orders | None, now: float) -> bool:
        """Bring a task that was limited here to where the orders want it; returns whether that changed its rate."""
        (rate, until, before), task = self._limited[name], self._app.tasks[name]
        wanted = orders.rates.get(name) if orders is not None else None
        if task.rate_limit != rate:  # the bot told another: it knows what was before
            del self._limited[name]
            delattr(task, RATE_BEFORE)
            return False
        if wanted is not None:
            self._limited[name] = (*wanted, before)
            task.rate_limit = wanted[0]
        elif orders is not None or now > until + self._gone_after:
            log.warning("celery-oncall: no longer limited on this worker: %s.", name)
            del self._limited[name]
            delattr(task, RATE_BEFORE)
            task.rate_limit = before
        return bool(task.rate_limit != rate)

    def _add_before_start(self, name: str) -> None:
        """Add a queue to those that the loop begins to consume; `add_task_queue` would consume at once."""
        queues = self._app.amqp.queues
        self._consumer.task_consumer.add_queue(queues.select_add(queues[name]))


class Meter:
    """Measures this process and its children now and then."""

    def __init__(self) -> None:
        """Measure at the first call."""
        self._next = 0.0

    def read(self) -> dict[str, Any]:
        """Return `parent` in bytes, and `children` as a list where they can be seen; nothing if it is too early."""
        began = time.monotonic()
        if began < self._next:
            return {}
        try:
            found = _by_proc() or _by_psutil()
        except Exception:  # a heartbeat must go out whatever this system is like
            log.debug("celery-oncall: memory could not be measured.", exc_info=True)
            found = {}
        ended = time.monotonic()
        self._next = ended + max(MEASURE_SECONDS, MEASURE_SHARE * (ended - began))
        return found


def _by_proc() -> dict[str, Any]:
    """Measure as Linux tells; nothing where it does not. Children's children count, too."""
    parent = _resident(os.getpid())
    if parent is None:
        return {}
    try:
        sizes = [_resident(pid) for pid in _descendants(os.getpid())]
    except FileNotFoundError:  # a kernel that does not tell of children
        return _by_psutil() or {"parent": parent}
    return {"parent": parent, "children": [size for size in sizes if size is not None]}


def _resident(pid: int) -> int | None:
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * int(os.sysconf("SC_PAGE_SIZE"))
    except OSError:  # ended meanwhile, or no Linux
        return None


def _descendants(parent: int) -> Iterator[int]:
    """Return the children of a process, and theirs; raises FileNotFoundError where the kernel does not tell."""
    seen, left = {parent}, [parent]
    while left and len(seen) < MOST_PROCESSES:
        pid = left.pop()
        for child in _children(pid, strict=pid == parent):
            if child not in seen:
                seen.add(child)
                left.append(child)
                yield child


def _children(pid: int, *, strict: bool) -> list[int]:
    try:
        found: list[int] = []
        for thread in os.listdir(f"/proc/{pid}/task"):
            with suppress(ProcessLookupError), open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
                found += map(int, file.read().split())
    except FileNotFoundError:
        if strict and not os.path.exists(f"/proc/{pid}/task/{pid}/children"):
            raise
        return []  # it ended meanwhile, or one of its threads did: the next measure has it
    return found


def _by_psutil() -> dict[str, Any]:
    try:
        import psutil  # only if the worker has it
    except ImportError:
        return {}
    me = psutil.Process()
    sizes = []
    for child in me.children(recursive=True)[:MOST_PROCESSES]:
        with suppress(psutil.Error):
            sizes.append(child.memory_info().rss)
    return {"parent": me.memory_info().rss, "children": sizes}


class OncallStep(bootsteps.StartStopStep):
    """Starts with the worker's consumer, and again after each loss of the broker, before anything is consumed."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        """Let the tasks of a worker on Redis be requested by classes that record failures."""
        super().__init__(consumer, **options)
        self._obedience = Obedience(consumer)
        self._record = FailureRecord(consumer.app, consumer.hostname)
        _records.append(self._record)
        for task in consumer.app.tasks.values():
            task.Request = recording(symbol_by_name(task.Request), self._record)

    def start(self, consumer: Any) -> None:  # noqa: ARG002 - celery's signature
        """Obey, and begin to write; celery calls this once it is connected, and has not begun to consume."""
        self._record.start()
        try:
            self._obedience.start()
        except Exception:  # a mistake of ours must not keep a worker from its work
            log.exception("celery-oncall: orders could not be obeyed.")

    def stop(self, consumer: Any) -> None:  # noqa: ARG002 - celery's signature
        """Look for no orders; celery calls this when it stops and when it lost the broker."""
        self._obedience.stop()

    def info(self, consumer: Any) -> Any:  # noqa: ARG002 - celery's signature
        """Return what `inspect stats` tells of this plugin, beside what the worker's other parts tell."""
        return {"oncall": {"version": __version__, "left_out": self._obedience.left_out}}


_records: list[FailureRecord] = []


@signals.worker_init.connect
def _join(sender: Any, **_: Any) -> None:
    """Take part in a worker that is about to be built; it has loaded this module by then, by `-I` or `imports`."""
    kind = sender.app.connection_for_read().transport.driver_type
    if kind != "redis":
        log.warning("celery-oncall: the worker plugin does nothing here: the broker is %s, not Redis.", kind)
        return
    sender.app.steps["consumer"].add(OncallStep)
    signals.heartbeat_sent.connect(_tell)


_meter = Meter()


def _tell(**_: Any) -> None:
    """Add to the heartbeat that is about to be sent: celery's own fields stand beside what this dict holds."""
    told: dict[str, Any] = SOFTWARE_INFO
    told["oncall"] = {"version": __version__, **_meter.read()}


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
