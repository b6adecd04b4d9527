"""A runbook as loaded from its YAML file, and which one fits an alert."""

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from pydantic import Field, model_validator

from bot.domain.alert import Alert
from bot.domain.cluster import Value


class AlertMatch(Value):
    """How a runbook recognises its alert: by exact name, or by a regular expression over its whole text."""

    name: str | None = None
    text: str | None = None

    @model_validator(mode="after")
    def _one_of(self) -> "AlertMatch":
        if (self.name is None) == (self.text is None):
            raise ValueError("give either `name` or `text`")
        if self.text is not None:
            try:
                re.compile(self.text)
            except re.error as e:
                raise ValueError(f"`text` is not a regular expression: {e}") from None
        return self

    def fits(self, alert: Alert) -> bool:
        """Return whether the alert is one of these."""
        if self.name is not None:
            return alert.name == self.name
        return re.search(self.text or "", f"{alert.name}\n{alert.title}") is not None


class InputType(StrEnum):
    """What an input is."""

    QUEUE = "queue"
    TEXT = "text"
    NUMBER = "number"


class InputSpec(Value):
    """An input of a runbook: its type and where its value comes from (`alert.labels.queue`)."""

    type: InputType = InputType.TEXT
    source: str | None = Field(default=None, alias="from")


class StepKind(StrEnum):
    """What a step is."""

    NOTE = "note"
    CHECK = "check"
    ACTION = "action"


class Verification(Value):
    """What must come true after a step, and within how long (`10m`)."""

    that: str
    within: str = "10m"


class Step(Value):
    """One step: exactly one of `note`, `check`, `action`. `when` is an expression; `with` the parameters."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str = Field(min_length=1, max_length=150)
    note: str | None = None
    check: str | None = None
    action: str | None = None
    when: str | None = None
    params: dict[str, Any] = Field(default_factory=dict, alias="with")
    verify: Verification | None = None

    @model_validator(mode="after")
    def _one_of(self) -> "Step":
        if sum(x is not None for x in (self.note, self.check, self.action)) != 1:
            raise ValueError("a step has exactly one of `note`, `check`, `action`")
        return self

    @property
    def kind(self) -> StepKind:
        """Return which of the kinds it is."""
        return StepKind.CHECK if self.check else StepKind.ACTION if self.action else StepKind.NOTE


class Runbook(Value):
    """One playbook. `digest` is the SHA-256 of the file's bytes, set by the loader."""

    runbook: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    title: str
    severity: str = "warning"
    alerts: tuple[AlertMatch, ...] = ()
    inputs: dict[str, InputSpec] = Field(default_factory=dict)
    steps: tuple[Step, ...]
    digest: str = ""

    @model_validator(mode="after")
    def _unique_steps(self) -> "Runbook":
        seen: set[str] = set()
        for s in self.steps:
            if s.id in seen:
                raise ValueError(f"two steps have the id `{s.id}`")
            seen.add(s.id)
        return self

    @property
    def about_queue(self) -> bool:
        """Return whether it is about one queue: whether it asks for one."""
        return any(i.type is InputType.QUEUE for i in self.inputs.values())

    def fits(self, alert: Alert) -> bool:
        """Return whether any of its matches recognises the alert."""
        return any(m.fits(alert) for m in self.alerts)


def choose(runbooks: Iterable[Runbook], alert: Alert) -> Runbook | None:
    """Return the runbook for an alert: an exact name wins over a text match, then the name in order of the alphabet."""
    fitting = sorted((r for r in runbooks if r.fits(alert)), key=lambda r: r.runbook)
    exact = [r for r in fitting if any(m.name == alert.name for m in r.alerts)]
    return next(iter(exact or fitting), None)
