"""A runbook at work for one incident: its own copy of the runbook, its inputs, and what each step found."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from bot.domain.action import Preview, Proposal
from bot.domain.cluster import Value
from bot.domain.forecast import Forecast, Relief
from bot.domain.runbook import Runbook


class Level(StrEnum):
    """How good or bad a finding is."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"
    UNKNOWN = "unknown"


class Table(Value):
    """A small table that fits a phone: few columns, worst first. `more` rows were left out."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...] = ()
    more: int = 0


class Finding(Value):
    """What a check found: a level, one sentence, a table, values for expressions.

    `at` is when the oldest number in it was read. How sure it is: `unknown` says what could not be learned and why,
    `estimated` how a number that was not counted came about; without either, everything was counted.
    """

    level: Level
    sentence: str
    at: datetime
    values: dict[str, Any] = Field(default_factory=dict)
    table: Table | None = None
    unknown: tuple[str, ...] = ()
    estimated: str | None = None


class StepState(StrEnum):
    """How far a step is."""

    WAITING = "waiting"
    DONE = "done"
    OFFERED = "offered"
    BY_HAND = "by hand"
    SKIPPED = "skipped"
    FAILED = "failed"


class StepResult(Value):
    """A step's result: a finding for a check, a proposal for an offered action, a command for one without means here.

    `text` is a note with its values filled in; `reached` whether what the step's `verify` wants is true now; `why` says
    why a step was skipped or failed, in words.
    """

    id: str
    state: StepState = StepState.WAITING
    finding: Finding | None = None
    proposal: Proposal | None = None
    preview: Preview | None = None
    command: str | None = None
    text: str | None = None
    reached: bool | None = None
    why: str | None = None


class Suggestion(Value):
    """What to do next, for how many seconds, and the forecast of what it will bring."""

    relief: Relief
    seconds: int
    with_it: Forecast


class Run(Value):
    """One run of a runbook. `runbook` is None when none fits: the incident then shows live numbers alone."""

    id: str
    version: int = 0
    incident_id: str
    cluster: str
    runbook: Runbook | None
    inputs: dict[str, Any] = Field(default_factory=dict)
    results: tuple[StepResult, ...] = ()
    depth: int | None = None
    net_per_minute: float | None = None
    without: Forecast | None = None
    suggestion: Suggestion | None = None
    updated_at: datetime
    trouble: str | None = None

    def result(self, step_id: str) -> StepResult | None:
        """Return the result of one step."""
        return next((r for r in self.results if r.id == step_id), None)
