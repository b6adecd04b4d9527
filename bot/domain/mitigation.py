"""An effect in force, with an owner, a reason and an end."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import Field

from bot.domain.cluster import ClusterSpec, Value, Worker, group_lists

WARN_BEFORE = timedelta(minutes=5)

FIRST_RETRY, LONGEST_RETRY = timedelta(seconds=10), timedelta(minutes=5)
"""How long after a failed end the next one is tried; it doubles in between, so that a thread is not flooded."""


PAUSE, RATE = "pause", "rate"
"""Kinds of effects: workers leave a queue alone, or start tasks of one name no faster than a rate."""


class MitigationState(StrEnum):
    """Applying: started, effect not yet confirmed. Partial: interrupted on the way, a person must look.

    Returning: ended, but workers named in `owed` have not taken the queue back yet; they are asked again.
    """

    APPLYING = "applying"
    IN_FORCE = "in force"
    PARTIAL = "partial"
    ENDING = "ending"
    RETURNING = "returning"
    ENDED = "ended"


LIVE = (MitigationState.APPLYING, MitigationState.IN_FORCE, MitigationState.PARTIAL, MitigationState.ENDING)
"""States in which the effect may stand in the cluster."""


class Protection(StrEnum):
    """Which layer keeps a worker from a paused queue; see design, decision 6."""

    PLUGIN = "left out by the worker plugin"
    STARTED_WITHOUT = "started with -X"
    CANCELLED = "cancel repeated until confirmed"


class Mitigation(Value):
    """A pause of a queue, or a rate limit of a task: `target` is that name, by `kind`.

    `workers` are those that consumed the queue when it began and those that joined since. They are what a resume gives
    the queue back to. `joined` were told again since: they came up during it, or did not listen at first. `absent` were
    up when it began and did not consume the queue, so they are not given it. `ends_at` moves when it is extended. A
    rate limit has its `rate`, and in `rates` what each worker had before, "" for none.
    """

    id: str
    version: int = 0
    kind: str = PAUSE
    cluster: str
    target: str
    state: MitigationState = MitigationState.APPLYING
    owner: str
    reason: str
    channel: str
    thread_ts: str | None = None
    incident_id: str | None = None
    began_at: datetime
    ends_at: datetime
    ends_tried: int = 0
    end_after: datetime | None = None
    ended_at: datetime | None = None
    warned_for: datetime | None = None
    workers: tuple[str, ...] = ()
    joined: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    owed: tuple[str, ...] = ()
    rate: str | None = None
    rates: dict[str, str] = Field(default_factory=dict)

    @property
    def live(self) -> bool:
        """Return whether its effect may stand in the cluster."""
        return self.state in LIVE

    def end_failed(self, now: datetime) -> "Mitigation":
        """Return it in force again after an end that did not come about; each failure waits longer for the next try."""
        if self.state is not MitigationState.ENDING:
            return self
        wait = min(FIRST_RETRY * 2**self.ends_tried, LONGEST_RETRY)
        retry = {"ends_tried": self.ends_tried + 1, "end_after": now + wait}
        return self.model_copy(update={"state": MitigationState.IN_FORCE, **retry})

    def due(self, now: datetime) -> bool:
        """Return whether its end has come."""
        held = self.state in (MitigationState.IN_FORCE, MitigationState.PARTIAL)
        return held and now >= (self.end_after or self.ends_at)

    def warning_due(self, now: datetime) -> bool:
        """Return whether its owner is to be warned now: once per end, never for a pause under five minutes."""
        if self.state not in (MitigationState.IN_FORCE, MitigationState.PARTIAL) or self.warned_for == self.ends_at:
            return False
        return self.ends_at - WARN_BEFORE <= now < self.ends_at and self.ends_at - self.began_at > WARN_BEFORE


def extended(current: Mitigation, now: datetime, seconds: int) -> Mitigation:
    """Return the mitigation with an end at least `seconds` from now: a second pause extends, it never stacks."""
    ends_at = max(current.ends_at, now + timedelta(seconds=seconds))
    state = MitigationState.IN_FORCE if current.state is MitigationState.ENDING else current.state
    return current.model_copy(update={"state": state, "ends_at": ends_at, "ends_tried": 0, "end_after": None})


def limited(current: Mitigation, rate: str, rates: Mapping[str, str]) -> Mitigation:
    """Return a rate limit with another rate; what workers had before the first one is what they get back."""
    return current.model_copy(
        update={
            "rate": rate,
            "rates": {**rates, **current.rates},
            "workers": tuple(sorted({*current.workers, *rates})),
        }
    )


def gets_back(spec: ClusterSpec, pause: Mitigation, worker: str) -> bool:
    """Return whether a resume gives a worker of this name the queue: it had it, or its group lists it.

    One whose plugin left the queue out gets it back whatever its name: see `Worker.leaves_out`.
    """
    return worker in pause.workers or (group_lists(spec, worker, pause.target) and worker not in pause.absent)


def protection_of(spec: ClusterSpec, pause: Mitigation, worker: Worker, at: datetime) -> Protection | None:
    """Return which layer keeps a worker, as seen at a moment, from a paused queue; None where nothing had to.

    One that came up during the pause and was never seen to consume the queue was started without it.
    """
    if worker.leaves_out(pause.target):
        return Protection.PLUGIN
    if worker.queues is None or pause.target in worker.queues or not gets_back(spec, pause, worker.name):
        return None
    if worker.name in pause.joined or worker.uptime_seconds is None:
        return Protection.CANCELLED
    came_up = at - timedelta(seconds=worker.uptime_seconds)
    return Protection.STARTED_WITHOUT if came_up > pause.began_at else Protection.CANCELLED
