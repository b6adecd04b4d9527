"""What counts as one delivery, and whose business a message is."""

from typing import Any

import pytest

from bot.slack.deliveries import Delivery, Identity, Kind, concerns, delivery_of, message_in

ME = Identity(user="U0BOT", bot="B0ONCALL", app="A0ONCALL", team="T0", workspace="https://local.example/")
CHANNELS = ("C0ONCALL",)


def event(event_id: str = "Ev1", **fields: Any) -> dict[str, Any]:
    """Return the body of an event in the on-call channel."""
    inner = {"type": "message", "channel": "C0ONCALL", "ts": "10.000100", **fields}
    return {"type": "event_callback", "event_id": event_id, "api_app_id": "A0ONCALL", "event": inner}


def click(**action: Any) -> dict[str, Any]:
    """Return the body of a click."""
    act = {"action_id": "approve", "action_ts": "11.5", "value": "req-1", **action}
    return {"type": "block_actions", "trigger_id": "t1", "user": {"id": "U0ANA"}, "actions": [act]}


def test_both_forms_of_a_repeated_message_are_recognised() -> None:
    """A message is known by its event id and by channel and ts, so that either repeat is seen as one."""
    assert delivery_of(event()) == Delivery(Kind.EVENT, "message:C0ONCALL:10.000100", also="Ev1")


def test_each_edit_of_a_message_is_a_delivery_of_its_own() -> None:
    """An edit carries the message's own ts: only with the edit's it is told from the message and from other edits."""
    edit = event(
        subtype="message_changed", ts="30.1", message={"ts": "10.000100", "edited": {"user": "U1", "ts": "20.000000"}}
    )
    assert delivery_of(edit) == Delivery(Kind.EVENT, "message:C0ONCALL:10.000100:20.000000", also="Ev1")


def test_the_same_click_is_one_delivery_and_a_second_click_another() -> None:
    """The trigger id differs when Slack sends a click over another socket; who, when, what and on which do not."""
    again = click() | {"trigger_id": "t2"}
    later = click(action_ts="12.5")
    other = click(value="req-2")
    assert delivery_of(click()) == delivery_of(again)
    assert len({delivery_of(c) for c in (click(), later, other)}) == 3


def test_a_choice_from_a_menu_counts_by_what_was_chosen() -> None:
    """An overflow menu has no value of its own, but that of its chosen option."""
    chosen = click(action_id="more", value=None, selected_option={"value": "resolve:inc-1"})
    found = delivery_of(chosen)
    assert found is not None
    assert found.id == "action:U0ANA:11.5:more:resolve:inc-1"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"command": "/celery", "trigger_id": "t1"}, Kind.COMMAND),
        ({"type": "view_submission", "trigger_id": "t1"}, Kind.VIEW),
        ({"type": "message_action", "trigger_id": "t1"}, Kind.SHORTCUT),
        ({"type": "shortcut", "trigger_id": "t1"}, Kind.SHORTCUT),
    ],
)
def test_what_people_start_counts_by_its_trigger(body: dict[str, Any], kind: Kind) -> None:
    """Commands, forms and shortcuts come once, with a trigger id of their own."""
    assert delivery_of(body) == Delivery(kind, f"{kind.value}:t1")


@pytest.mark.parametrize("body", [event(type="reaction_added"), {"type": "view_closed"}, {"type": "block_suggestion"}])
def test_what_the_bot_takes_no_part_in_is_no_delivery(body: dict[str, Any]) -> None:
    """Nothing is written down for what no listener wants."""
    assert delivery_of(body) is None


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"subtype": "bot_message", "bot_id": "B0ALERT", "app_id": "A0ALERT"}, "an incoming webhook"),
        ({"bot_id": "B0OTHER", "user": "U0OTHER"}, "an app with a token has no subtype"),
        ({"subtype": "bot_message", "username": "old integration"}, "not even a bot id"),
        ({"subtype": "message_changed", "message": {"bot_id": "B0ALERT", "ts": "10.000100"}}, "an edit"),
    ],
)
def test_programs_messages_concern_us(fields: dict[str, Any], why: str) -> None:
    """Anything that another program posted may be an alert."""
    assert concerns(event(**fields), ME, CHANNELS), why


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"user": "U0ANA", "text": "[FIRING:1] QueueDepth"}, "a person's talk"),
        ({"subtype": "message_changed", "message": {"user": "U0ANA", "ts": "10.000100"}}, "a person's edit"),
        ({"user": "U0BOT", "bot_id": "B0ONCALL", "app_id": "A0ONCALL"}, "our own message"),
        ({"subtype": "message_changed", "message": {"bot_id": "B0ONCALL", "ts": "1.0"}}, "our own edit"),
        ({"subtype": "bot_message", "bot_id": "B0HOOK", "app_id": "A0ONCALL"}, "our own app's webhook"),
        ({"subtype": "message_deleted", "previous_message": {"bot_id": "B0ALERT"}}, "a deletion"),
        ({"subtype": "channel_join", "user": "U0ANA"}, "somebody joined"),
        ({"bot_id": "B0ALERT", "channel": "C0GENERAL"}, "another channel"),
    ],
)
def test_other_messages_do_not(fields: dict[str, Any], why: str) -> None:
    """What people say, what we said and what is gone is neither handled nor written down."""
    assert not concerns(event(**fields), ME, CHANNELS), why


def test_an_edited_message_is_read_as_it_reads_now() -> None:
    """Of an edit the message inside counts, with the channel that only the event names."""
    edited = event(subtype="message_changed", message={"ts": "10.000100", "text": "new"})["event"]
    assert message_in(edited) == {"ts": "10.000100", "text": "new", "channel": "C0ONCALL"}
