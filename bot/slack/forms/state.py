"""What stands in the fields of a form that Slack sends back."""

from collections.abc import Mapping
from typing import Any

NOTHING = "(none)"
"""The choice of none in a field that may stay empty: Slack's own way to take a choice back is hard to find."""

OTHER = "(another, to be typed)"
"""The choice of a name that is not among the known ones: its field then takes any."""

CLUSTER = "cluster"


def block_of(name: str, cluster: str, *, typing: bool) -> str:
    """Return the id of a field that offers a cluster's names: with another cluster, or to type in, it is another."""
    return f"{name}@{cluster}{'+' if typing else ''}"


def name_of(block_id: str) -> str:
    """Return which parameter a field asks for."""
    return block_id.partition("@")[0]


def typed_in(view: Mapping[str, Any]) -> dict[str, str | bool]:
    """Return what was typed and chosen, by the parameter's name. Nothing is checked yet."""
    values = (view.get("state") or {}).get("values") or {}
    elements: dict[str, Mapping[str, Any]] = {
        name_of(block): next(iter(inner.values()), {}) for block, inner in values.items()
    }
    return {name: _value(element) for name, element in elements.items()}


def _value(element: Mapping[str, Any]) -> str | bool:
    if element.get("type") == "checkboxes":
        return bool(element.get("selected_options"))
    said = (element.get("selected_option") or element).get("value") or ""
    return "" if said in (NOTHING, OTHER) else str(said)


def blocks_by_name(view: Mapping[str, Any]) -> dict[str, str]:
    """Return the ids of the fields that a view shows, by the parameter's name: where an error can stand."""
    return {name_of(b["block_id"]): b["block_id"] for b in view.get("blocks", ()) if b["type"] == "input"}
