"""The JSON Schema of runbooks, for editors: made from the domain's models, with descriptions for people.

`celery-oncall runbooks schema > runbooks/schema.json` writes the file that is shipped; a test holds the two equal.
"""

from typing import Any

from bot.adapters.runbook_parsing import SOURCE
from bot.domain.runbook import Runbook

_DIALECT = "https://json-schema.org/draft/2020-12/schema"

_DESCRIPTIONS = {
    "Runbook": "A runbook of celery-oncall: which alerts it answers, and what to look at and do then.",
    "Runbook.runbook": "Its name, in small letters and dashes. A team's own replaces the shipped one of the same name.",
    "Runbook.title": "What is wrong, in the words of somebody who was just woken up.",
    "Runbook.severity": "How bad it is: critical, warning or info.",
    "Runbook.alerts": "Which alerts it answers; any of these. An exact name wins over a text.",
    "Runbook.inputs": "The values it takes from the alert, by name. Expressions use them: {{ queue }}.",
    "Runbook.steps": "What happens, in order. Checks run by themselves; actions are offered with their consequences.",
    "AlertMatch": "One kind of alert, by `name` or by `text`.",
    "AlertMatch.name": "The alert's name, exactly.",
    "AlertMatch.text": "A regular expression searched in the alert's name and title; begin with (?i) to ignore case.",
    "InputSpec": "One input.",
    "InputSpec.type": "What it is. A `queue` without a label is taken from the cluster: the deepest above its limit.",
    "InputSpec.from": "Where its value comes from: alert.labels.<label> or alert.name.",
    "InputType": "What an input is.",
    "Step": "One step: exactly one of `check`, `action`, `note`.",
    "Step.id": "Its name; later steps use a check's values by it: checks.<id>.<value>.",
    "Step.title": "What people read.",
    "Step.note": "Text for people, with expressions in {{ … }}.",
    "Step.check": "The name of a check. It only reads, and runs by itself.",
    "Step.action": "The name of an action. It is offered, and runs after consent.",
    "Step.when": "An expression without braces; the step is left out unless it holds: checks.relief.frees > 0.",
    "Step.with": 'Parameters of the check or action. "{{ … }}" takes a value, and a number stays a number.',
    "Step.verify": "What must come true after the action.",
    "Verification": "What must come true, and how soon.",
    "Verification.that": "An expression without braces: depth(queue) < 500.",
    "Verification.within": "How long that may take: 30s, 10m, 1h.",
}


def schema() -> dict[str, Any]:
    """Return the schema. What a schema cannot say (names that exist, expressions) `runbooks lint` checks."""
    made = Runbook.model_json_schema(by_alias=True)
    models = {"Runbook": made, **made["$defs"]}
    made["properties"].pop("digest")  # the loader's, never the file's
    for name, model in models.items():
        model["description"] = _DESCRIPTIONS[name]
        model.pop("title", None)
        for key, field in model.get("properties", {}).items():
            _without_null(field)
            field["description"] = _DESCRIPTIONS[f"{name}.{key}"]
            field.pop("title", None)
    models["Step"]["oneOf"] = [{"required": [kind]} for kind in ("check", "action", "note")]
    models["AlertMatch"]["oneOf"] = [{"required": [kind]} for kind in ("name", "text")]
    models["AlertMatch"]["properties"]["text"]["format"] = "regex"
    models["InputSpec"]["properties"]["from"]["pattern"] = f"^{SOURCE.pattern}$"
    return {"$schema": _DIALECT, "title": "Runbook of celery-oncall", **made}


def _without_null(field: dict[str, Any]) -> None:
    """Offer what a key may hold; to leave it out there is no need to write `null`."""
    if "anyOf" in field:
        (kind,) = (choice for choice in field.pop("anyOf") if choice != {"type": "null"})
        field.pop("default")
        field.update(kind)
