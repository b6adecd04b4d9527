"""Block Kit's elements: what people press, choose and type into. Limits as in Slack's reference."""

from collections.abc import Mapping

from playground.slack.blocks.parts import (
    ACTION_ID,
    CONFIRM,
    DISPATCH,
    FILTER,
    IMAGE,
    OPTION,
    OPTION_GROUP,
    TYPE,
    URL,
    initial_among_options,
    option,
    plain_text,
    text_object,
)
from playground.slack.blocks.shape import (
    Check,
    anything,
    array,
    either,
    flag,
    mapping,
    matching,
    number,
    one_of,
    string,
    typed,
)

_ID = {"action_id": ACTION_ID}
_PLACEHOLDER: dict[str, Check] = {**_ID, "placeholder": plain_text(150), "focus_on_load": flag}
_CHOICE: dict[str, Check] = {**_PLACEHOLDER, "confirm": CONFIRM}
_MULTI: dict[str, Check] = {**_CHOICE, "max_selected_items": number(1, 10_000)}
_TYPED: dict[str, Check] = {**_PLACEHOLDER, "dispatch_action_config": DISPATCH}
_SELECTED = string(100)
_DATE = matching(r"\d{4}-\d\d-\d\d", "a date such as 2026-01-31")
_TIME = matching(r"([01]\d|2[0-3]):[0-5]\d", "a time such as 23:59")
_BOXED = option(text_object(75))


def _element(required: Mapping[str, Check], optional: Mapping[str, Check], *rules: Check) -> Check:
    return mapping({"type": TYPE, **required}, optional, *rules)


def _conversations(chosen: Mapping[str, Check], base: Mapping[str, Check]) -> Check:
    extra = {"default_to_current_conversation": flag, "response_url_enabled": flag, "filter": FILTER}
    return _element({}, {**base, **chosen, **extra})


_FEEDBACK = mapping({"text": plain_text(75), "value": string(2000)}, {"accessibility_label": string(75)})

ELEMENTS: dict[str, Check] = {
    "image": IMAGE,
    "button": _element(
        {"text": plain_text(75)},
        {
            **_ID,
            "url": URL,
            "value": string(2000),
            "style": one_of("primary", "danger"),
            "confirm": CONFIRM,
            "accessibility_label": string(75),
        },
    ),
    "workflow_button": _element(
        {"text": plain_text(75), "workflow": anything},
        {**_ID, "style": one_of("primary", "danger"), "accessibility_label": string(75)},
    ),
    "icon_button": _element(
        {"icon": one_of("trash"), "text": plain_text(75)},
        {
            **_ID,
            "value": string(2000),
            "confirm": CONFIRM,
            "accessibility_label": string(75),
            "visible_to_user_ids": array(_SELECTED, 100),
        },
    ),
    "feedback_buttons": _element({"positive_button": _FEEDBACK, "negative_button": _FEEDBACK}, _ID),
    "overflow": _element({"options": array(option(url=True), 5)}, {**_ID, "confirm": CONFIRM}),
    "checkboxes": _element(
        {"options": array(_BOXED, 10)},
        {**_ID, "initial_options": array(_BOXED, 10), "confirm": CONFIRM, "focus_on_load": flag},
        initial_among_options,
    ),
    "radio_buttons": _element(
        {"options": array(_BOXED, 10)},
        {**_ID, "initial_option": _BOXED, "confirm": CONFIRM, "focus_on_load": flag},
        initial_among_options,
    ),
    "static_select": _element(
        {},
        {**_CHOICE, "options": array(OPTION, 100), "option_groups": array(OPTION_GROUP, 100), "initial_option": OPTION},
        either("options", "option_groups"),
        initial_among_options,
    ),
    "multi_static_select": _element(
        {},
        {
            **_MULTI,
            "options": array(OPTION, 100),
            "option_groups": array(OPTION_GROUP, 100),
            "initial_options": array(OPTION, 100),
        },
        either("options", "option_groups"),
        initial_among_options,
    ),
    "external_select": _element({}, {**_CHOICE, "initial_option": OPTION, "min_query_length": number(0, 255)}),
    "multi_external_select": _element(
        {}, {**_MULTI, "initial_options": array(OPTION, 100), "min_query_length": number(0, 255)}
    ),
    "users_select": _element({}, {**_CHOICE, "initial_user": _SELECTED}),
    "multi_users_select": _element({}, {**_MULTI, "initial_users": array(_SELECTED, 100)}),
    "conversations_select": _conversations({"initial_conversation": _SELECTED}, _CHOICE),
    "multi_conversations_select": _conversations({"initial_conversations": array(_SELECTED, 100)}, _MULTI),
    "channels_select": _element({}, {**_CHOICE, "initial_channel": _SELECTED, "response_url_enabled": flag}),
    "multi_channels_select": _element({}, {**_MULTI, "initial_channels": array(_SELECTED, 100)}),
    "datepicker": _element({}, {**_CHOICE, "initial_date": _DATE}),
    "timepicker": _element({}, {**_CHOICE, "initial_time": _TIME, "timezone": string(100)}),
    "datetimepicker": _element(
        {},
        {**_ID, "initial_date_time": number(1_000_000_000, 9_999_999_999), "confirm": CONFIRM, "focus_on_load": flag},
    ),
    "plain_text_input": _element(
        {},
        {
            **_TYPED,
            "initial_value": string(3000, least=0),
            "multiline": flag,
            "min_length": number(0, 3000),
            "max_length": number(1, 3000),
        },
    ),
    "email_text_input": _element({}, {**_TYPED, "initial_value": string(255, least=0)}),
    "url_text_input": _element({}, {**_TYPED, "initial_value": string(3000, least=0)}),
    "number_input": _element(
        {"is_decimal_allowed": flag},
        {**_TYPED, "initial_value": string(100), "min_value": string(100), "max_value": string(100)},
    ),
    "rich_text_input": _element({}, {**_TYPED, "initial_value": anything}),
    "file_input": _element({}, {**_ID, "filetypes": array(string(20), 100), "max_files": number(1, 10)}),
}

_PICK_ONE = frozenset(
    [
        "button",
        "overflow",
        "static_select",
        "external_select",
        "users_select",
        "conversations_select",
        "channels_select",
        "datepicker",
        "timepicker",
        "radio_buttons",
        "checkboxes",
    ]
)
_PICK_MANY = frozenset(
    [
        "multi_static_select",
        "multi_external_select",
        "multi_users_select",
        "multi_conversations_select",
        "multi_channels_select",
    ]
)
_TEXTS = frozenset(
    ["plain_text_input", "email_text_input", "url_text_input", "number_input", "rich_text_input", "file_input"]
)

ACCESSORY = typed(ELEMENTS, _PICK_ONE | _PICK_MANY | {"image", "workflow_button"})
ACTION = typed(ELEMENTS, _PICK_ONE | {"datetimepicker", "workflow_button", "rich_text_input"})
INPUT = typed(ELEMENTS, (_PICK_ONE - {"button", "overflow"}) | _PICK_MANY | _TEXTS | {"datetimepicker"})
CARD_ACTION = typed(ELEMENTS, frozenset({"button"}))
CONTEXT_ACTION = typed(ELEMENTS, frozenset({"feedback_buttons", "icon_button"}))
