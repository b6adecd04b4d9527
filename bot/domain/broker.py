"""What a broker says of itself, and what lies in it."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from pydantic import Field

from bot.domain.cluster import TaskInHand, Value
from bot.domain.wording import listed, verb


class BrokerInfo(Value):
    """Redis' own account (INFO, CLIENT LIST, CONFIG). Sizes are bytes, times seconds; None: it did not say.

    `clients` counts connections by the name they gave themselves ("" for none), `client_kinds` by what they are for
    ("normal", "pubsub", "replica"). `pubsub_buffer` is the largest output buffer of a subscriber. `save` are the rules
    of snapshots as Redis writes them ("" for none). `refused` names what the server would not tell, with its reason.
    """

    at: datetime
    ping_seconds: float
    version: str | None = None
    uptime: int | None = None
    role: str | None = None
    connected_clients: int | None = None
    blocked_clients: int | None = None
    max_clients: int | None = None
    clients: dict[str, int] = Field(default_factory=dict)
    client_kinds: dict[str, int] = Field(default_factory=dict)
    pubsub_buffer: int | None = None
    used_memory: int | None = None
    max_memory: int | None = None
    policy: str | None = None
    fragmentation: float | None = None
    evicted: int | None = None
    rejected_connections: int | None = None
    appendonly: bool | None = None
    save: str | None = None
    last_save_at: datetime | None = None
    last_save_ok: bool | None = None
    append_ok: bool | None = None
    unsaved_changes: int | None = None
    loading: bool = False
    keys: int | None = None
    refused: tuple[str, ...] = ()


PUBLISHED_AT = "oncall_published_at"
"""The message header that says when a task was published, in seconds since 1970. Celery writes none of its own; a hook
on `before_task_publish` may: `headers["oncall_published_at"] = time.time()`."""


class OldestMessage(Value):
    """The message of a queue that is next (the right end of its lanes, most urgent first) and the oldest stamp there.

    `age` in seconds by the header `PUBLISHED_AT` of the oldest of the messages that stand at the head of a lane; None
    when none of them has one. `tasks` are the task names seen at both ends of the lanes.
    """

    queue: str
    task: str | None
    task_id: str | None
    age: float | None = None
    tasks: tuple[str, ...] = ()


class Unacknowledged(Value):
    """A message that a worker took and has not acknowledged. `taken_at` by that worker's clock; `eta` of its header."""

    tag: str
    task_id: str | None
    task: str | None
    queue: str | None
    taken_at: datetime | None
    eta: datetime | None = None
    redelivered: bool = False


class Postponed(Value):
    """A task for later that is due after its message is delivered again: it would run more than once.

    `again_at` is when that begins. `worker` holds it, where one said so.
    """

    task_id: str | None
    task: str | None
    queue: str | None
    eta: datetime
    again_at: datetime
    worker: str | None = None


class UnacknowledgedMessages(Value):
    """All of them, or the few thousand taken first (`at_least`); and whose they are.

    `orphans` are in no list of any worker that answered: their worker died, and they are delivered again when the
    visibility timeout ends. `held` are in no list either, but a worker that answered limits the rate of their task:
    such a worker keeps tasks without listing them, so most likely it holds these. It has room for `held_at_most`; more
    than that were left behind by a worker that died (`left_behind`), and nobody can say which. `uncertain`: a worker
    was silent, or did not list its tasks, and both may be its own. `answered` are the workers that did.
    """

    at: datetime
    messages: tuple[Unacknowledged, ...] = ()
    at_least: bool = False
    orphans: tuple[Unacknowledged, ...] = ()
    held: tuple[Unacknowledged, ...] = ()
    held_at_most: int | None = None
    uncertain: bool = False
    why_uncertain: str | None = None
    answered: tuple[str, ...] = ()
    visibility_timeout: int = Field(default=3600, gt=0)
    postponed: tuple[Postponed, ...] = ()

    @property
    def left_behind(self) -> int:
        """Return how many of `held` no worker has room for."""
        return 0 if self.held_at_most is None else max(0, len(self.held) - self.held_at_most)

    def heard(self, workers: Iterable[str]) -> "UnacknowledgedMessages":
        """Return it as those make it whose heartbeats are heard: one that takes no commands cannot be asked.

        Such a worker (`worker_enable_remote_control` is off) may hold what no other lists.
        """
        mute = sorted(set(workers) - set(self.answered))
        if self.uncertain or not mute or not self.messages:
            return self
        why = f"{listed(mute)} cannot be asked, and {verb(len(mute), 'live')}: heartbeats are heard"
        return self.model_copy(update={"uncertain": True, "why_uncertain": why})

    def held_in(self, queue: str) -> int | None:
        """Return how many tasks of a queue workers hold back by a rate limit; None when it cannot be told.

        That is when a worker was silent, not all messages were seen, or some of `held` are nobody's.
        """
        if self.uncertain or self.at_least or self.left_behind:
            return None
        return sum(1 for m in self.held if m.queue == queue)

    def why_held_unknown(self) -> str | None:
        """Return in a clause why `held_in` is None; None when it is not."""
        if self.uncertain:
            return self.why_uncertain
        if self.at_least:
            return f"only the {len(self.messages):,} messages taken first were looked at"
        if self.left_behind:
            return "some were left behind by a worker that died, and nobody can say which"
        return None

    def by_queue(self) -> Counter[str]:
        """Return how many of them each known queue has."""
        return Counter(m.queue for m in self.messages if m.queue is not None)


def postponed_beyond(message: Unacknowledged, at: datetime, visibility_timeout: int) -> Postponed | None:
    """Return the message as one that is delivered again before it is due; None when it is due in time.

    Redis hands out again what was not acknowledged for `visibility_timeout` seconds, due or not. A worker's clock set
    `taken_at`; where that is unknown, `at` stands for it, which is the latest it can be.
    """
    again_at = (message.taken_at or at) + timedelta(seconds=visibility_timeout)
    if message.eta is None or message.eta <= again_at:
        return None
    return Postponed(
        task_id=message.task_id, task=message.task, queue=message.queue, eta=message.eta, again_at=again_at
    )


class StoredResults(Value):
    """Results in the backend: `n` were seen, of which `sampled` were looked at closely. `at_least`: not all were seen.

    Of the sample: `without_end` never expire, `oldest_end` is in how many seconds the first expires, `bytes_sampled`
    what their values take. `backend` is its address, without any secret.
    """

    at: datetime
    backend: str
    n: int = 0
    sampled: int = 0
    without_end: int = 0
    oldest_end: int | None = None
    bytes_sampled: int | None = None
    at_least: bool = False


class WorkerReport(Value):
    """A worker's software and settings, with what looks like a secret taken out. `versions` by package name."""

    worker: str
    software: str | None
    versions: dict[str, str] = Field(default_factory=dict)
    text: str = ""


class WorkerMemory(Value):
    """Resident memory of one worker in bytes. `children` None: they cannot be seen from here, and `why` says why.

    Pages that forked children share with their parent count for each of them, as `ps` counts them. `parent_is_peak`:
    the parent's is its highest so far (getrusage), not what it is now. `by_plugin`: its worker plugin measured it.
    """

    worker: str
    parent: int | None
    children: tuple[int, ...] | None = None
    parent_is_peak: bool = False
    by_plugin: bool = False
    why: str | None = None

    @property
    def total(self) -> int | None:
        """Return what parent and children take together, as far as it is known."""
        return None if self.parent is None else self.parent + sum(self.children or ())


class TaskPlace(Value):
    """Where a task was found: waiting in a queue, held by a worker, or only as a result.

    `place` is a clause for people ("waits in booking, about 12th"). `searched_all`: whether all there is was looked at;
    `unsearched` says in clauses what was not.
    """

    id: str
    place: str | None
    task: TaskInHand | None = None
    worker: str | None = None
    queue: str | None = None
    result_state: str | None = None
    result_error: str | None = None
    searched_all: bool = True
    unsearched: tuple[str, ...] = ()
