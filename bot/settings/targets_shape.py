"""What may stand under `targets` of a cluster, and what holds where nothing does."""

import re
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from bot.domain.amounts import SpanText, bytes_of
from bot.domain.cluster import QueueSpec
from bot.domain.duration import seconds_of
from bot.domain.targets import Measure, TargetSpec
from bot.domain.window import Span
from bot.settings.base_shape import Shape
from bot.settings.outside_shape import Name

_PERCENT = re.compile(r"(\d{1,3}(?:[.,]\d{1,8})?)\s*%")
_SHORT = re.compile(r"(\d{1,9}(?:[.,]\d{1,6})?)\s*(ms|s)")
_EXAMPLES = {
    Measure.COMPLETION: "a share, like 99.9 %",
    Measure.QUEUE_LATENCY: "a length of time, like 100ms, 5s or 1m",
    Measure.TASK_DURATION: "a length of time, like 100ms, 5s or 1m",
    Measure.WORKER_MEMORY: "an amount of memory, like 2GB or 512MB",
    Measure.QUEUE_DEPTH: "a whole number of messages, like 100",
}
_MEASURES = {
    "completion": Measure.COMPLETION,
    "queue latency": Measure.QUEUE_LATENCY,
    "task duration": Measure.TASK_DURATION,
    "worker memory": Measure.WORKER_MEMORY,
    "queue depth": Measure.QUEUE_DEPTH,
}


class TargetShape(Shape):
    """One target: what is measured, what is wanted, and where an alert is due."""

    measure: Literal["completion", "queue latency", "task duration", "worker memory", "queue depth"] = Field(
        description="what is measured: completion, queue latency, task duration, worker memory or queue depth"
    )
    target: float = Field(description="what is wanted")
    alert: float = Field(description="where an alert is due")
    tasks: list[str] = Field(default=[])
    queues: list[str] = Field(default=[])
    span: SpanText = Span.QUARTER
    percentile: float = Field(default=95.0, gt=0, lt=100)

    @field_validator("target", "alert", mode="before")
    @classmethod
    def _amount(cls, written: Any, info: ValidationInfo) -> Any:
        if "measure" not in info.data:  # what is wrong with it is told; the amounts cannot be judged
            return 0.0
        measure = _MEASURES[info.data["measure"]]
        amount = amount_of(measure, written)
        if amount is None:
            raise ValueError(f"write {_EXAMPLES[measure]}")
        return amount

    @field_validator("alert")
    @classmethod
    def _beyond_the_target(cls, alert: float, info: ValidationInfo) -> float:
        if "measure" not in info.data or "target" not in info.data:
            return alert
        higher = _MEASURES[info.data["measure"]].higher_is_better
        if alert >= info.data["target"] if higher else alert <= info.data["target"]:
            order = "below the target: more is better" if higher else "above the target: less is better"
            raise ValueError(f"the alert must lie {order} here")
        return alert

    @model_validator(mode="after")
    def _patterns_fit(self) -> "TargetShape":
        unfit = {"queue depth": ("tasks",), "worker memory": ("tasks", "queues")}.get(self.measure, ())
        for key in unfit:
            if getattr(self, key):
                raise ValueError(f"`{key}` says nothing about {self.measure}; leave it out")
        return self

    def spec(self, name: str) -> TargetSpec:
        """Return the domain's view of it."""
        return TargetSpec(
            name=name,
            measure=_MEASURES[self.measure],
            target=self.target,
            alert=self.alert,
            tasks=tuple(self.tasks),
            queues=tuple(self.queues),
            span=self.span,
            quantile=float(Decimal(str(self.percentile)) / 100),
        )


TargetShapes = dict[Name, TargetShape]
"""Targets by name."""


def limited(queue: QueueSpec, targets: Iterable[TargetSpec]) -> QueueSpec:
    """Return a queue with the alert of its depth target for a limit, unless it has one of its own, which wins."""
    if "alert_above" in queue.model_fields_set:
        return queue
    depths = [t for t in targets if t.measure is Measure.QUEUE_DEPTH and t.concerns(queue.name)]
    return queue.model_copy(update={"alert_above": max(1, int(depths[0].alert))}) if depths else queue


def amount_of(measure: Measure, written: object) -> float | None:
    """Return an amount in its measure's unit (a share of 1, seconds, bytes, messages); None when it is none."""
    if measure is Measure.QUEUE_DEPTH:
        return float(written) if type(written) is int and written >= 0 else None
    if not isinstance(written, str):
        return None
    if measure is Measure.COMPLETION:
        found = _PERCENT.fullmatch(written.strip())
        share = Decimal(found[1].replace(",", ".")) / 100 if found else Decimal(-1)
        return float(share) if 0 <= share <= 1 else None
    if measure is Measure.WORKER_MEMORY:
        size = bytes_of(written)
        return None if size is None else float(size)
    return _seconds(written.strip())


def _seconds(written: str) -> float | None:
    """Return a length of time in seconds, exactly: elsewhere they are whole and rounded up, which 1.5s must not be."""
    if found := _SHORT.fullmatch(written):
        return float(Decimal(found[1].replace(",", ".")) / (1000 if found[2] == "ms" else 1))
    seconds = seconds_of(written)
    return None if seconds is None else float(seconds)


_RUNBOOK: Mapping[str, Mapping[str, Any]] = {
    "completion": {"measure": "completion", "target": "99.9 %", "alert": "99.5 %"},
    "latency": {"measure": "queue latency", "target": "100ms", "alert": "500ms"},
    "ai_duration": {"measure": "task duration", "queues": ["ai_generation"], "target": "30s", "alert": "60s"},
    "booking_duration": {"measure": "task duration", "queues": ["booking"], "target": "5s", "alert": "10s"},
    "memory": {"measure": "worker memory", "target": "2GB", "alert": "3GB"},
    "depth": {"measure": "queue depth", "target": 100, "alert": 500},
}
"""The key metrics of the operations runbook."""


def runbook_targets(queues: Collection[str]) -> dict[str, TargetShape]:
    """Return the operations runbook's targets, without those about queues that are not declared."""
    shapes = {name: TargetShape.model_validate(fields) for name, fields in _RUNBOOK.items()}
    return {name: shape for name, shape in shapes.items() if all(q in queues for q in shape.queues)}
