"""Block Kit as the local Slack checks it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.slack.blocks import problems_in_message, problems_in_view, stored
from tests.playground.local_slack import actions, button, modal

Block = dict[str, Any]


def plain(text: str) -> Block:
    """A plain_text object."""
    return {"type": "plain_text", "text": text}


def section(text: str = "x", **more: Any) -> Block:
    """A section block."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def options(count: int) -> list[Block]:
    """So many choices."""
    return [{"text": plain(str(n)), "value": str(n)} for n in range(count)]


CONFIRM = {"title": plain("t"), "text": plain("x"), "confirm": plain("Yes"), "deny": plain("No")}
PLAN = {
    "type": "plan",
    "title": "Drain",
    "tasks": [{"type": "task_card", "task_id": "1", "title": "Pause", "status": "complete"}],
}
CHART = {
    "type": "data_visualization",
    "title": "Depth",
    "chart": {
        "type": "line",
        "series": [{"name": "q", "data": [{"label": "1", "value": 2}]}],
        "axis_config": {"categories": ["1"]},
    },
}
CONTAINER = {
    "type": "container",
    "title": plain("More"),
    "is_collapsible": True,
    "default_collapsed": True,
    "child_blocks": [section(), actions(button("a"))],
}
TABLE = {"type": "table", "rows": [[{"type": "raw_text", "text": "a"}]] * 100, "column_settings": [None]}


@pytest.mark.parametrize(
    "block",
    [
        section("x" * 3000, accessory=button("a", confirm=CONFIRM, style="danger", value="v" * 2000)),
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2000}] * 10},
        {"type": "header", "text": plain("x" * 150)},
        {"type": "divider"},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 10},
        {"type": "image", "image_url": "https://example.internal/a.png", "alt_text": "a"},
        actions(*(button(str(n)) for n in range(25))),
        actions({"type": "overflow", "action_id": "o", "options": options(5)}),
        actions({"type": "static_select", "options": options(100), "initial_option": options(1)[0]}),
        {"type": "markdown", "text": "x" * 12_000},
        TABLE,
        PLAN,
        CHART,
        CONTAINER,
        {"type": "alert", "text": plain("Careful"), "level": "warning"},
        {"type": "card", "title": plain("t"), "actions": [button("a")]},
        {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": []}]},
    ],
    ids=lambda block: block["type"],
)
def test_blocks_at_their_limits_pass(block: Block) -> None:
    """What Slack draws is not refused here."""
    assert problems_in_message([block]) == []


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        ({"type": "sections"}, "unsupported type: sections [json-pointer:/blocks/0/type]"),
        ({"text": plain("x")}, "missing required field: type [json-pointer:/blocks/0]"),
        ("x", "must provide an object, not a string [json-pointer:/blocks/0]"),
        (section("x" * 3001), "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
        (section(""), "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
        ({"type": "section"}, "at least one of text, fields is required [json-pointer:/blocks/0]"),
        (section(colour="red"), "invalid additional property: colour [json-pointer:/blocks/0]"),
        (
            {"type": "section", "fields": [plain("x")] * 11},
            "no more than 10 items allowed [json-pointer:/blocks/0/fields]",
        ),
        ({"type": "section", "fields": [plain("x" * 2001)]}, "must be less than 2001 characters"),
        ({"type": "header", "text": {"type": "mrkdwn", "text": "x"}}, "unsupported type: mrkdwn"),
        ({"type": "context", "elements": [plain("x")] * 11}, "no more than 10 items allowed"),
        (actions(*(button(str(n)) for n in range(26))), "no more than 25 items allowed"),
        (actions(), "no fewer than 1 items required [json-pointer:/blocks/0/elements]"),
        (actions(button("a"), button("a")), "`action_id` 'a' already exists in this block [json-pointer:/blocks/0]"),
        (actions(button("x" * 76)), "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]"),
        (actions(button("x", "v" * 2001)), "must be less than 2001 characters"),
        (actions(button("x", style="primry")), "must be a valid enum value: one of primary, danger"),
        (actions(button("x", confirm={**CONFIRM, "deny": plain("x" * 31)})), "must be less than 31 characters"),
        (actions(button("x", confirm={"text": plain("x")})), "missing required field: title"),
        (actions({"type": "overflow", "options": options(6)}), "no more than 5 items allowed"),
        (actions({"type": "static_select", "options": options(101)}), "no more than 100 items allowed"),
        (actions({"type": "static_select"}), "exactly one of options, option_groups is required"),
        (
            actions({"type": "static_select", "options": options(2), "initial_option": options(3)[2]}),
            "initial option '2' is not among the options",
        ),
        (actions({"type": "radio_buttons", "options": options(11)}), "no more than 10 items allowed"),
        (actions({"type": "plain_text_input", "action_id": "a"}), "unsupported type here: plain_text_input"),
        (section(accessory={"type": "plain_text_input"}), "unsupported type here: plain_text_input"),
        (actions({"type": "datepicker", "initial_date": "1.2.2026"}), "must be a date such as 2026-01-31"),
        (section(block_id="x" * 256), "must be less than 256 characters [json-pointer:/blocks/0/block_id]"),
        ({"type": "markdown", "text": "x" * 12_001}, "must be less than 12001 characters"),
        ({"type": "table", "rows": [[{"type": "raw_text", "text": "a"}]] * 101}, "no more than 100 items allowed"),
        ({"type": "table", "rows": [[{"type": "raw_text", "text": "a"}] * 21]}, "no more than 20 items allowed"),
        ({**PLAN, "tasks": [actions(button("a"))]}, "unsupported type: actions"),
        (
            {**PLAN, "tasks": [{"type": "task_card", "task_id": "1", "title": "t", "status": "done"}]},
            "valid enum value",
        ),
        ({**CONTAINER, "is_collapsible": False}, "default_collapsed requires is_collapsible"),
        ({**CONTAINER, "child_blocks": [section()] * 11}, "no more than 10 items allowed"),
        ({**CHART, "title": "x" * 51}, "must be less than 51 characters"),
        ({"type": "image", "alt_text": "a"}, "exactly one of image_url, slack_file is required"),
        ({"type": "input", "label": plain("l"), "element": button("b")}, "unsupported type here: button"),
    ],
)
def test_what_slack_refuses_is_refused_with_place_and_reason(block: Any, problem: str) -> None:
    """One readable message for each fault."""
    found = problems_in_message([block])
    assert any(problem in message and message.startswith("[ERROR] ") for message in found), found


def test_a_message_takes_fifty_blocks_and_a_view_a_hundred() -> None:
    """One more is refused."""
    assert problems_in_message([{"type": "divider"}] * 50) == []
    assert "no more than 50 items" in problems_in_message([{"type": "divider"}] * 51)[0]
    home = {"type": "home", "blocks": [{"type": "divider"}] * 100}
    assert problems_in_view(home, "home") == []
    assert problems_in_view({**home, "blocks": [{"type": "divider"}] * 101}, "home")


def test_block_ids_are_unique_even_within_containers() -> None:
    """Slack refuses a message whose ids it could not tell apart."""
    inner = {**CONTAINER, "child_blocks": [section(block_id="same")]}
    assert "must be unique: 'same' stands 2 times" in problems_in_message([section(block_id="same"), inner])[0]


def test_one_message_holds_one_table() -> None:
    """A second one is refused."""
    assert "only one table" in problems_in_message([TABLE, TABLE])[0]


@pytest.mark.parametrize(
    ("view", "problem"),
    [
        (modal(title=plain("x" * 25)), "must be less than 25 characters [json-pointer:/view/title/text]"),
        (modal(submit=plain("x" * 25)), "must be less than 25 characters [json-pointer:/view/submit/text]"),
        (modal(submit=None), "missing required field: submit"),
        (modal(private_metadata="x" * 3001), "must be less than 3001 characters [json-pointer:/view/private_metadata]"),
        (modal(TABLE), "unsupported type here: table"),
        (modal(subtitle="x"), "invalid additional property: subtitle"),
        ({"type": "home", "blocks": []}, "must be a view of type modal, not 'home'"),
        ("x", "must be a view of type modal, not None"),
    ],
)
def test_a_modal_that_slack_would_not_open_is_refused(view: Any, problem: str) -> None:
    """Titles, a button to submit, blocks for messages only."""
    assert any(problem in message for message in problems_in_view(view, "modal"))


def test_a_modal_without_inputs_needs_no_submit_button() -> None:
    """A loading view has none."""
    assert problems_in_view(modal(section("Loading …"), submit=None), "modal") == []


def test_only_one_element_takes_the_focus() -> None:
    """Two are refused."""
    first = actions({"type": "users_select", "action_id": "a", "focus_on_load": True}, block_id="1")
    second = actions({"type": "users_select", "action_id": "a", "focus_on_load": True}, block_id="2")
    assert problems_in_view(modal(first), "modal") == []
    assert "focus_on_load" in problems_in_view(modal(first, second), "modal")[0]


def test_storing_fills_in_ids_and_leaves_the_original_alone() -> None:
    """Also inside containers."""
    given_blocks = [
        {**CONTAINER, "child_blocks": [{"type": "actions", "elements": [{"type": "button", "text": plain("x")}]}]}
    ]
    (kept,) = stored(given_blocks)
    assert kept["block_id"]
    assert kept["child_blocks"][0]["elements"][0]["action_id"]
    assert "block_id" not in given_blocks[0]


NAMES = ["type", "text", "elements", "fields", "options", "option_groups", "initial_option", "accessory", "blocks"]
TYPES = [
    "section",
    "actions",
    "static_select",
    "plain_text",
    "mrkdwn",
    "container",
    "data_visualization",
    "line",
    "home",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(TYPES) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*NAMES, "rows", "series", "chart", "child_blocks", "title", "value"]), inner)
    ),
    max_leaves=30,
)


@given(JSON)
def test_no_json_however_wrong_breaks_the_check(value: Any) -> None:
    """Every value gets an answer: a list of problems."""
    assert isinstance(problems_in_message(value), list)
    assert isinstance(problems_in_view(value, "modal"), list)
