"""What a person chose or typed in an element, as Slack puts it into actions and into a view's state."""

from typing import Any

from playground.slack.blocks import elements_in
from playground.slack.errors import Json, Refused

_KEYS = {
    "static_select": "selected_option",
    "external_select": "selected_option",
    "radio_buttons": "selected_option",
    "overflow": "selected_option",
    "multi_static_select": "selected_options",
    "multi_external_select": "selected_options",
    "checkboxes": "selected_options",
    "users_select": "selected_user",
    "multi_users_select": "selected_users",
    "conversations_select": "selected_conversation",
    "multi_conversations_select": "selected_conversations",
    "channels_select": "selected_channel",
    "multi_channels_select": "selected_channels",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
    "rich_text_input": "rich_text_value",
    "plain_text_input": "value",
    "email_text_input": "value",
    "url_text_input": "value",
    "number_input": "value",
}
_STATELESS = frozenset({"button", "overflow", "workflow_button", "icon_button", "feedback_buttons", "file_input"})


def value_key(element: Json) -> str:
    """The field that holds an element's value, such as `selected_option`; `value` for a button."""
    return _KEYS.get(element["type"], "value")


def chosen(element: Json, given: Any) -> Any:
    """A person's choice as Slack passes it on: options are found by their value. Refused(invalid_choice)."""
    if given in (None, "", []):
        return [] if value_key(element).endswith("s") and isinstance(given, list) else None
    if value_key(element) == "selected_option":
        return _option(element, given)
    if value_key(element) == "selected_options":
        return [_option(element, each) for each in given]
    if value_key(element) == "value":
        return str(given)
    return given


def _option(element: Json, given: Any) -> Json:
    wanted = given.get("value") if isinstance(given, dict) else given
    if element["type"] in ("external_select", "multi_external_select") and isinstance(given, dict):
        return given  # its options come from the app, not from the block
    groups = element.get("option_groups") or []
    options = [*(element.get("options") or []), *(option for group in groups for option in group["options"])]
    for option in options:
        if option["value"] == wanted:
            return dict(option)
    offered = ", ".join(option["value"] for option in options)
    raise Refused("invalid_choice", f"{element['action_id']} offers {offered}, not {wanted!r}.")


def initial(element: Json) -> Any:
    """What an element shows before anybody touches it."""
    key = value_key(element)
    return element.get("initial_" + key.removeprefix("selected_"))


def state_value(element: Json, value: Any) -> Json:
    """One entry of `state.values`."""
    return {"type": element["type"], value_key(element): value}


def state_of(blocks: list[Json], touched: Json) -> Json:
    """`state.values` of a message or view: what people chose, else what the elements show at first."""
    values: Json = {}
    for block, element in elements_in(blocks):
        if element["type"] in _STATELESS:
            continue
        block_id, action_id = block["block_id"], element["action_id"]
        known = touched.get(block_id, {}).get(action_id)
        values.setdefault(block_id, {})[action_id] = known or state_value(element, initial(element))
    return values


def filled_in(view: Json, given: Json) -> tuple[Json, dict[str, str]]:
    """A form as a person filled it in: `state.values`, and what Slack itself objects to, by block id.

    `given` is `{block_id: {action_id: value}}` or `{action_id: value}`; a value is Slack's own state object, an
    option's value, or the text.
    """
    values: Json = state_of(view["blocks"], view["state"]["values"])
    errors: dict[str, str] = {}
    seen = set()
    for block, element in elements_in(view["blocks"]):
        block_id, action_id = block["block_id"], element["action_id"]
        if element["type"] in _STATELESS:
            continue
        found, answer = _given(given, block_id, action_id, value_key(element))
        if found:
            seen |= {block_id, action_id}
            values[block_id][action_id] = state_value(element, chosen(element, answer))
        if block["type"] == "input" and (error := _objection(block, element, values[block_id][action_id])):
            errors[block_id] = error
    if unknown := given.keys() - seen:
        raise Refused("invalid_arguments", f"The view has no input {', '.join(sorted(unknown))}.")
    return values, errors


def _given(given: Json, block_id: str, action_id: str, key: str) -> tuple[bool, Any]:
    inner = given.get(block_id)
    holder = inner if isinstance(inner, dict) and action_id in inner else given
    if action_id not in holder:
        return False, None
    answer = holder[action_id]
    return True, answer.get(key) if isinstance(answer, dict) and key in answer else answer


def _objection(block: Json, element: Json, state: Json) -> str:
    value = state[value_key(element)]
    if value in (None, "", []):
        return "" if block.get("optional") else "Please complete this required field."
    if element["type"] == "plain_text_input":
        return _length(element, str(value))
    if element["type"] == "number_input":
        return _number(element, str(value))
    return ""


def _length(element: Json, value: str) -> str:
    if len(value) < element.get("min_length", 0):
        return f"Please use at least {element['min_length']} characters."
    if len(value) > element.get("max_length", 3000):
        return f"Please use at most {element.get('max_length', 3000)} characters."
    return ""


def _number(element: Json, value: str) -> str:
    try:
        number = float(value) if element["is_decimal_allowed"] else int(value)
    except ValueError:
        return "Please enter a number." if element["is_decimal_allowed"] else "Please enter a whole number."
    least, most = element.get("min_value"), element.get("max_value")
    if least is not None and number < float(least):
        return f"Please enter at least {least}."
    if most is not None and number > float(most):
        return f"Please enter at most {most}."
    return ""
