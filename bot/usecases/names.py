"""What a runbook's expressions may name: the run's inputs, and what every run knows."""

from typing import Any

from bot.domain.cluster import ClusterSnapshot
from bot.domain.errors import BadInput
from bot.domain.incident import Incident
from bot.domain.runbook import InputSpec, InputType, Runbook
from bot.ports import Expressions, Target
from bot.usecases.alerts import queue_of


def names_of(
    expressions: Expressions, incident: Incident, runbook: Runbook | None, snapshot: ClusterSnapshot, target: Target
) -> dict[str, Any]:
    """Return the names with their values; an input that nothing tells is left out, so that steps which need it say so.

    `checks` is empty; each check adds its values under its step's id.
    """
    names = given(incident, snapshot, target)
    for name, spec in (runbook.inputs if runbook else {}).items():
        value = _value(expressions, spec, incident, names)
        if value is not None:
            names[name] = value
    return names


def given(incident: Incident, snapshot: ClusterSnapshot, target: Target) -> dict[str, Any]:
    """Return what every run knows, whatever its runbook; `bot.adapters.runbook_parsing.GIVEN` names the same."""
    depths = {q.name: q.depth for q in snapshot.queues}
    online = [w for w in snapshot.workers if w.answered]
    return {
        "alert": {
            "name": incident.alert.name,
            "labels": incident.alert.labels,
            "queue": queue_of(target.spec, incident.alert) or "",
        },
        "incident": {"hours": _hours(incident, snapshot)},
        "workers": {"online": len(online), "silent": len(snapshot.workers) - len(online)},
        "fleet": {"max_workers": sum(g.max_workers for g in target.spec.worker_groups)},
        "checks": {},
        "depth": lambda queue: depths.get(queue) or 0,
        "app": target.spec.app,
        "cluster": target.spec.name,
    }


def _hours(incident: Incident, snapshot: ClusterSnapshot) -> int:
    """Return how many hours it has lasted, begun ones counted: a figure that does not change with every look."""
    return 1 + max(0, int((snapshot.taken_at - incident.opened_at).total_seconds())) // 3600


def _value(expressions: Expressions, spec: InputSpec, incident: Incident, names: dict[str, Any]) -> Any | None:
    """Return an input's value: of its source, as its type; a queue that the alert does not name is the incident's."""
    value: Any = None
    if spec.source is not None:
        try:
            value = expressions.evaluate(spec.source, names)
        except BadInput:  # this alert has no such label
            value = None
    match spec.type:
        case InputType.QUEUE:
            return value or incident.queue
        case InputType.NUMBER:
            return _number(value)
        case _:
            return value


def _number(value: Any) -> float | int | None:
    """Return a label's text as a number; None for one that is none."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return int(number) if number.is_integer() else number
