"""The bases of actions and checks, and what they work on."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Collection as Some
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict
from pydantic.config import JsonDict

from bot.domain.action import Effect, Irreversible, Observation, Outcome, Preview, Proposal, Risk, Verdict
from bot.domain.approval import Policy
from bot.domain.cluster import ClusterSnapshot, ClusterSpec
from bot.domain.live import LiveWorker
from bot.domain.mitigation import PAUSE, RATE, Mitigation
from bot.domain.run import Finding
from bot.ports.cluster import ClusterControl, Diagnostics, NoDiagnostics, Samples
from bot.ports.live import Deaf, Live
from bot.ports.means import Means
from bot.ports.outside import Clock, Http, Metrics, NoHttp, NoMetrics


class Params(BaseModel):
    """Base of an action's or check's parameters: immutable, unknown keys refused.

    A field of an action's is asked for in a form: `title` is its label there, `description` the hint below it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")


UNDO_ONLY: JsonDict = {"undo_only": True}
"""`json_schema_extra` of a parameter that an undo fills in by itself: people are not asked for it."""

ELSEWHERE: JsonDict = {"elsewhere": True}
"""`json_schema_extra` of a queue that something is sent to: the queue of an incident is not filled in there."""

P = TypeVar("P", bound=Params)


@dataclass(frozen=True)
class Target:
    """What an action or check works on: one cluster, how it is configured, and what is in force there.

    `acted` is when a pause last began or ended there: what was counted before says nothing of how it goes now.
    `earlier` are the snapshots since then. `means` are the parts that actions
    work with; `live` is what events tell, and `gone` who was heard lately and is not, as the bot has written down for
    processes that hear nothing; `diagnostics` asks the cluster more, `metrics`
    and `http` other servers. `wait` takes seconds; actions poll with it between two looks.
    `execution_id` is whose work this is, if it is an execution's: what it leaves in the broker bears that name.
    """

    spec: ClusterSpec
    control: ClusterControl
    clock: Clock
    mitigations: Sequence[Mitigation] = ()
    acted: datetime | None = None
    earlier: Sequence[ClusterSnapshot] = ()
    means: Means = Means()  # noqa: RUF009 - immutable
    diagnostics: Diagnostics = NoDiagnostics()  # noqa: RUF009 - immutable
    live: Live = Deaf()  # noqa: RUF009 - immutable
    gone: Sequence[LiveWorker] = ()
    metrics: Metrics = NoMetrics()  # noqa: RUF009 - immutable
    http: Http = NoHttp()  # noqa: RUF009 - immutable
    samples: Samples | None = None
    execution_id: str | None = None
    wait: Callable[[float], None] = time.sleep

    def pause_of(self, queue: str) -> Mitigation | None:
        """Return the live pause of a queue, if there is one."""
        return self._in_force(PAUSE, queue)

    def limit_of(self, task: str) -> Mitigation | None:
        """Return the live rate limit of a task, if there is one."""
        return self._in_force(RATE, task)

    def _in_force(self, kind: str, target: str) -> Mitigation | None:
        return next((m for m in self.mitigations if m.live and m.kind == kind and m.target == target), None)


class Progress(Protocol):
    """Called by a running action before each effect; raises when this process no longer owns the execution."""

    def __call__(self, line: str, workers: Some[str] = ()) -> None:
        """Keep one line for people; `workers` are about to be touched, and are recorded on the mitigation first."""
        ...


class Action(ABC, Generic[P]):
    """One thing that changes a cluster. The docstring's first line is the help text."""

    name: ClassVar[str]
    version: ClassVar[int] = 1
    params: type[P]

    @abstractmethod
    def risk(self, params: P, spec: ClusterSpec, policy: Policy) -> Risk:
        """Return how risky it is with these parameters on this cluster. Pure."""

    @abstractmethod
    def observe(self, params: P, target: Target, snapshot: ClusterSnapshot) -> Observation:
        """Add to a fresh snapshot what it does not hold. Read-only; raises ClusterUnreachable or BadInput in words."""

    @abstractmethod
    def preview(self, params: P, observation: Observation, spec: ClusterSpec) -> Preview:
        """Say what would be touched. Pure."""

    def effect(self, params: P) -> Effect | None:  # noqa: ARG002 - most actions leave nothing in force
        """Return the effect that stays in force until its end, or None."""
        return None

    def aim(self, params: P) -> str:
        """Return what two wishes of this action must share to be the same wish: an effect's target, else everything."""
        effect = self.effect(params)
        return effect.target if effect else params.model_dump_json()

    def touches(self, params: P) -> str | None:  # noqa: ARG002 - most actions may overlap
        """Return what no two executions may work on at once (a queue), or None."""
        return None

    def ends(self, params: P) -> tuple[str, str] | None:  # noqa: ARG002 - most actions end nothing
        """Return kind and target of the live mitigation that this action ends, or None."""
        return None

    @abstractmethod
    def run(self, params: P, before: Observation, target: Target, progress: Progress) -> Outcome:
        """Do it. Calls `progress` before each effect."""

    def resume(self, params: P, before: Observation, target: Target, progress: Progress) -> Outcome | None:  # noqa: ARG002
        """Go on where a process died that ran it, or return None: then the effect is looked at, and nothing repeated.

        Only for an action whose every step is written down where it happens, and harmless when repeated.
        """
        return None

    @abstractmethod
    def verify(self, params: P, before: Observation, after: Observation) -> Verdict:
        """Say whether the effect is there. Pure: compares two observations, believes no reply."""

    @abstractmethod
    def undo(self, params: P, before: Observation, cluster: str) -> Proposal | Irreversible:
        """Return what would undo it, or why nothing can."""

    @abstractmethod
    def command(self, params: P, spec: ClusterSpec) -> str:
        """Return the (corrected) command for a person's own shell that does the same."""

    def instead(self, params: P, observation: Observation, spec: ClusterSpec) -> str | None:  # noqa: ARG002
        """Return the command that a runbook shows, where what was observed leaves this action nothing to do there."""
        return None

    def available(self, spec: ClusterSpec) -> bool:  # noqa: ARG002 - most actions need nothing but the broker
        """Return whether the bot has the means here; without, the command is shown to copy."""
        return True


class Check(ABC, Generic[P]):
    """One read-only diagnostic. The docstring's first line is the help text.

    It may ask the cluster through `target.control` and others through `target.metrics` and `target.http`; checks of one
    block run side by side, each in a thread, and one that is late is shown as unknown. It changes nothing.
    """

    name: ClassVar[str]
    needs_snapshot: ClassVar[bool] = True
    """Whether it looks at the snapshot. One that does not answers `/celery check` on a dead broker, and gets none."""
    params: type[P]

    @abstractmethod
    def run(self, params: P, snapshot: ClusterSnapshot, target: Target) -> Finding:
        """Return what was found in a fresh snapshot (one is taken for all checks of a block)."""


class Registry(Protocol):
    """The actions and checks found by discovery."""

    @property
    def actions(self) -> Mapping[str, Action[Any]]:
        """Actions by name."""
        ...

    @property
    def checks(self) -> Mapping[str, Check[Any]]:
        """Checks by name."""
        ...
