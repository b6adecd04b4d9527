"""What a broker says of itself, and what lies in it."""

from datetime import datetime

from pydantic import Field

from bot.domain.cluster import TaskInHand, Value


class BrokerInfo(Value):
    """Redis' own account (INFO, CLIENT LIST, CONFIG). Sizes are bytes, times seconds; None: it did not say.

    `clients` counts connections by the name they gave themselves ("" for none). `pubsub_buffer` is the largest output
    buffer of a subscriber.
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
    pubsub_buffer: int | None = None
    used_memory: int | None = None
    max_memory: int | None = None
    policy: str | None = None
    fragmentation: float | None = None
    evicted: int | None = None
    rejected_connections: int | None = None
    appendonly: bool | None = None
    last_save_at: datetime | None = None
    last_save_ok: bool | None = None
    append_ok: bool | None = None
    unsaved_changes: int | None = None
    loading: bool = False
    keys: int | None = None


class OldestMessage(Value):
    """The message of a queue that is next (the right end of its lanes, most urgent first) and the oldest stamp there.

    `age` in seconds by the stamp that a publisher's hook put into its headers; None when there is no stamp.
    """

    queue: str
    task: str | None
    task_id: str | None
    age: float | None = None


class Unacknowledged(Value):
    """A message that a worker took and has not acknowledged. `taken_at` by the broker's index; `eta` of its header."""

    tag: str
    task_id: str | None
    task: str | None
    queue: str | None
    taken_at: datetime | None
    eta: datetime | None = None
    redelivered: bool = False


class UnacknowledgedMessages(Value):
    """All of them, or the first few thousand (`at_least`). `orphans`: no worker that answered holds their id.

    `uncertain` is how many of the orphans may belong to a worker that did not answer.
    """

    at: datetime
    messages: tuple[Unacknowledged, ...] = ()
    at_least: bool = False
    orphans: tuple[Unacknowledged, ...] = ()
    uncertain: bool = False


class StoredResults(Value):
    """Results in the backend: how many were seen, and of those how many never expire. `at_least`: not all were seen."""

    at: datetime
    backend: str
    n: int = 0
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

    `parent_is_peak`: the parent's is its highest so far (getrusage), not what it is now.
    """

    worker: str
    parent: int | None
    children: tuple[int, ...] | None = None
    parent_is_peak: bool = False
    why: str | None = None

    @property
    def total(self) -> int | None:
        """Return what parent and children take together, as far as it is known."""
        return None if self.parent is None else self.parent + sum(self.children or ())


class TaskPlace(Value):
    """Where a task was found: waiting in a queue, held by a worker, or only as a result.

    `place` is a clause for people ("waits in booking, about 12th"). `searched_all`: whether all there is was looked at.
    """

    id: str
    place: str | None
    task: TaskInHand | None = None
    worker: str | None = None
    queue: str | None = None
    result_state: str | None = None
    result_error: str | None = None
    searched_all: bool = True
