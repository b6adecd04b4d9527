"""Commands, clicks and shortcuts between people and a real Bolt app."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from slack_bolt.async_app import AsyncApp

from playground.slack import LocalSlack, Person, Rules
from playground.slack.errors import Refused
from tests.playground.local_slack import (
    HASTY,
    ONCALL,
    PATIENT,
    actions,
    bolt_app,
    button,
    client_of,
    local_slack,
    people,
)

Body = dict[str, Any]


@pytest.fixture
async def slack(tmp_path: Path) -> AsyncIterator[LocalSlack]:
    """A local Slack with short clocks."""
    async with local_slack(tmp_path) as running:
        yield running


@pytest.fixture
async def app(slack: LocalSlack) -> AsyncIterator[AsyncApp]:
    """A connected app without listeners."""
    async with bolt_app(slack) as running:
        yield running


@pytest.fixture
async def ana(slack: LocalSlack) -> AsyncIterator[Person]:
    """Ana."""
    async with Person(slack.url, "U0ANA") as person:
        yield person


def note_actions(app: AsyncApp, action_id: str) -> list[Body]:
    """Acknowledge an action and note its body."""
    seen: list[Body] = []

    async def note(ack: Any, body: Body) -> None:
        await ack()
        seen.append(body)

    app.action(action_id)(note)
    return seen


def answer_command(app: AsyncApp, *args: Any, **answer: Any) -> list[Body]:
    """Acknowledge /celery with this answer and note its body."""
    seen: list[Body] = []

    async def note(ack: Any, body: Body) -> None:
        seen.append(body)
        await ack(*args, **answer)

    app.command("/celery")(note)
    return seen


async def test_a_command_is_answered_to_the_person_alone(app: AsyncApp, ana: Person) -> None:
    """The acknowledgement's text is an ephemeral message by the app."""
    seen = answer_command(app, "all is well")
    await ana.command("/celery status", ONCALL)
    (message,) = await ana.ephemerals()
    assert (message["text"], message["channel"], message["bot_id"]) == ("all is well", ONCALL, "B0ONCALL")
    body = seen[0]
    assert (body["command"], body["text"], body["user_id"]) == ("/celery", "status", "U0ANA")
    assert (body["channel_id"], body["channel_name"]) == (ONCALL, "platform-oncall")


async def test_a_command_may_be_answered_in_the_channel(app: AsyncApp, ana: Person) -> None:
    """With response_type in_channel everybody reads it."""
    answer_command(app, text="all is well", response_type="in_channel")
    await ana.command("/celery status", ONCALL)
    assert [m["text"] for m in await ana.messages(ONCALL)] == ["all is well"]
    assert await ana.ephemerals() == []


async def test_an_answer_slack_cannot_draw_fails_the_command(app: AsyncApp, ana: Person) -> None:
    """The person is told the error."""
    answer_command(app, text="x", blocks=[{"type": "sektion"}])
    with pytest.raises(Refused, match="unsupported type: sektion"):
        await ana.command("/celery status", ONCALL)


@pytest.mark.parametrize(
    ("should_escape", "text"),
    [
        (
            True,
            "pause <@U0BEN|ben> <#C0GENERAL|general> <!subteam^S0ONCALL|@oncall> a &lt; b &amp; <https://x.internal/?a=1&amp;b=2>",
        ),
        (False, "pause @ben #general @oncall a < b & https://x.internal/?a=1&b=2"),
    ],
)
async def test_should_escape_turns_names_into_references(tmp_path: Path, should_escape: bool, text: str) -> None:
    """As the manifest declares it."""
    async with local_slack(tmp_path, should_escape=should_escape) as slack, bolt_app(slack) as app:
        seen = answer_command(app)
        async with people(slack, "U0ANA") as (ana,):
            await ana.command("/celery pause @ben #general @oncall a < b & https://x.internal/?a=1&b=2", ONCALL)
        assert seen[0]["text"] == text


async def test_a_late_acknowledgement_is_a_timeout(tmp_path: Path) -> None:
    """The person sees operation_timeout; the command is not sent again and the late answer goes nowhere."""
    calls: list[str] = []
    late = asyncio.Event()

    async def dawdle(ack: Any, command: Body) -> None:
        calls.append(command["text"])
        await late.wait()
        await ack("too late")

    async def answer_now(ack: Any) -> None:
        await ack("in time")

    async with local_slack(tmp_path, rules=HASTY) as slack, bolt_app(slack) as app, people(slack, "U0ANA") as (ana,):
        app.command("/celery")(dawdle)
        app.action("next")(answer_now)
        with pytest.raises(Refused, match="operation_timeout") as caught:
            await ana.command("/celery status", ONCALL)
        late.set()
        await app.client.chat_postMessage(channel=ONCALL, text="?", blocks=[actions(button("next"))])
        await ana.click((await ana.messages(ONCALL))[0], "next")
        assert (calls, await ana.ephemerals()) == (["status"], [])
    assert caught.value.code == "operation_timeout"


async def test_a_command_without_the_app_fails_at_once(ana: Person) -> None:
    """dispatch_failed, within a moment."""
    async with asyncio.timeout(PATIENT.ack):
        with pytest.raises(Refused, match="dispatch_failed"):
            await ana.command("/celery status", ONCALL)


@pytest.mark.parametrize("command", ["/kubectl get pods", "/celeri status"])
async def test_an_undeclared_command_is_no_command(ana: Person, command: str) -> None:
    """Slack says so itself."""
    with pytest.raises(Refused, match=f"{command.split()[0]} is not a valid command"):
        await ana.command(command, ONCALL)


async def test_a_click_carries_message_state_and_the_stored_value(app: AsyncApp, ana: Person) -> None:
    """The button's own value comes from the message, whatever the person sends."""
    seen = note_actions(app, "approve")
    blocks = [
        actions({"type": "users_select", "action_id": "who"}, block_id="pick"),
        actions(button("approve", "request-7", style="primary")),
    ]
    await app.client.chat_postMessage(channel=ONCALL, text="?", blocks=blocks)
    (message,) = await ana.messages(ONCALL)
    await ana.click(message, "approve", value="request-8")
    body = seen[0]
    assert (body["actions"][0]["value"], body["actions"][0]["block_id"]) == ("request-7", "buttons")
    assert body["message"]["ts"] == body["container"]["message_ts"] == message["ts"]
    assert (body["user"]["id"], body["channel"]["id"]) == ("U0ANA", ONCALL)
    assert body["state"]["values"] == {"pick": {"who": {"type": "users_select", "selected_user": None}}}


async def test_a_forged_click_sends_what_the_person_wants(app: AsyncApp, ana: Person) -> None:
    """Old or hostile clients do: the app has to check."""
    seen = note_actions(app, "approve")
    await app.client.chat_postMessage(channel=ONCALL, text="no buttons")
    (message,) = await ana.messages(ONCALL)
    with pytest.raises(Refused, match="approve"):
        await ana.click(message, "approve", value="request-8")
    await ana.click(message, "approve", value="request-8", forge=True)
    assert seen[0]["actions"][0]["value"] == "request-8"


async def test_choices_arrive_as_slack_names_them(app: AsyncApp, ana: Person) -> None:
    """An option by its value, a user by id; and later clicks carry them in the state."""
    options = [{"text": {"type": "plain_text", "text": name}, "value": name} for name in ("30m", "1h")]
    seen = note_actions(app, "length")
    note_actions(app, "who")
    late = note_actions(app, "go")
    menu = actions(
        {"type": "static_select", "action_id": "length", "options": options},
        {"type": "users_select", "action_id": "who"},
        button("go"),
    )
    await app.client.chat_postMessage(channel=ONCALL, text="?", blocks=[menu])
    (message,) = await ana.messages(ONCALL)
    await ana.click(message, "length", value="1h")
    await ana.click(message, "who", value="U0BEN")
    await ana.click(message, "go")
    assert seen[0]["actions"][0]["selected_option"]["value"] == "1h"
    state = late[0]["state"]["values"]["buttons"]
    assert (state["length"]["selected_option"]["value"], state["who"]["selected_user"]) == ("1h", "U0BEN")
    with pytest.raises(Refused, match="offers 30m, 1h, not '2h'"):
        await ana.click(message, "length", value="2h")


async def test_a_click_on_an_ephemeral_message_has_no_message(app: AsyncApp, ana: Person) -> None:
    """Only its response_url can change it."""
    bodies: list[Body] = []

    async def replace(ack: Any, body: Body, respond: Any) -> None:
        await ack()
        bodies.append(body)
        await respond(text="changed", replace_original=True)

    app.action("share")(replace)
    await app.client.chat_postEphemeral(channel=ONCALL, user="U0ANA", text="?", blocks=[actions(button("share"))])
    (message,) = await ana.ephemerals()
    await ana.click(message, "share")

    async def changed() -> bool:
        return [(m["text"], "blocks" in m) for m in await ana.ephemerals()] == [("changed", False)]

    await ana.wait_for(changed)
    assert "message" not in bodies[0]
    assert bodies[0]["container"]["is_ephemeral"] is True


async def test_an_ephemeral_message_is_not_for_others_to_click(app: AsyncApp, ana: Person, slack: LocalSlack) -> None:
    """Ben does not see it."""
    await app.client.chat_postEphemeral(channel=ONCALL, user="U0ANA", text="?", blocks=[actions(button("share"))])
    (message,) = await ana.ephemerals()
    async with people(slack, "U0BEN") as (ben,):
        with pytest.raises(Refused, match="U0BEN does not see"):
            await ben.click(message, "share")


async def test_a_response_url_is_good_for_five_answers(app: AsyncApp, ana: Person) -> None:
    """The sixth gets 404 used_url; deleting the original is one use too."""
    answers: list[tuple[int, str]] = []

    async def chatter(ack: Any, body: Body) -> None:
        await ack()
        async with ClientSession() as http:
            for number in range(6):
                given = {"text": str(number)} if number else {"delete_original": True}
                async with http.post(body["response_url"], json=given) as answer:
                    answers.append((answer.status, await answer.text()))

    app.action("go")(chatter)
    await app.client.chat_postMessage(channel=ONCALL, text="?", blocks=[actions(button("go"))])
    (message,) = await ana.messages(ONCALL)
    await ana.click(message, "go")
    await ana.wait_for(lambda: len(answers) == 6)
    assert answers[:5] == [(200, "ok")] * 5
    assert (answers[5][0], "used_url" in answers[5][1]) == (404, True)
    assert [m["text"] for m in await ana.ephemerals()] == ["1", "2", "3", "4"]
    assert await ana.messages(ONCALL) == []


async def test_a_response_url_expires(tmp_path: Path) -> None:
    """After half an hour, here at once."""
    async with local_slack(tmp_path, rules=Rules(reply_url_life=0.0)) as slack, bolt_app(slack) as app:
        seen = answer_command(app)
        async with people(slack, "U0ANA") as (ana,):
            await ana.command("/celery status", ONCALL)
        async with ClientSession() as http, http.post(seen[0]["response_url"], json={"text": "x"}) as answer:
            assert (answer.status, (await answer.json())["error"]) == (404, "expired_url")


async def test_a_button_of_another_app_is_not_ours(app: AsyncApp, ana: Person, slack: LocalSlack) -> None:
    """Slack tells the app that wrote the message."""
    seen = note_actions(app, "approve")
    async with client_of(slack, "xoxb-local-other") as other:
        await other.chat_postMessage(channel=ONCALL, text="?", blocks=[actions(button("approve", "1"))])
    (message,) = await ana.messages(ONCALL)
    with pytest.raises(Refused, match="written by Nightwatch"):
        await ana.click(message, "approve")
    assert seen == []


async def test_shortcuts_reach_the_app_as_declared(app: AsyncApp, ana: Person) -> None:
    """On a message with the message, globally without; unknown ones not at all."""
    seen: list[Body] = []

    async def note(ack: Any, body: Body) -> None:
        await ack()
        seen.append(body)

    app.shortcut("treat")(note)
    app.shortcut("everything")(note)
    message = await ana.say(ONCALL, "queue looks odd")
    await ana.shortcut("treat", {"channel": ONCALL, **message})
    await ana.shortcut("everything")
    assert [body["type"] for body in seen] == ["message_action", "shortcut"]
    assert (seen[0]["message"]["text"], seen[0]["channel"]["id"]) == ("queue looks odd", ONCALL)
    for wrong in ("nothing", "treat"):
        with pytest.raises(Refused, match="no such shortcut"):
            await ana.shortcut(wrong)


async def test_only_the_acknowledgement_is_waited_for(app: AsyncApp, ana: Person) -> None:
    """A listener that works on after its ack does not hold the person."""
    release = asyncio.Event()

    async def slow(ack: Any) -> None:
        await ack()
        await release.wait()

    app.command("/celery")(slow)
    async with asyncio.timeout(PATIENT.ack):
        await ana.command("/celery status", ONCALL)
    release.set()
