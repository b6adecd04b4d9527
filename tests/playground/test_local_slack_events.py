"""Events as a real Bolt app gets them: by Socket Mode, over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from playground.slack import LocalSlack, Person, Rules, Webhook, default_workspace
from playground.slack.workspace import Channel
from tests.playground.local_slack import (
    EVENTS,
    HASTY,
    ONCALL,
    SCOPES,
    bolt_app,
    client_of,
    connected,
    local_slack,
    people,
)
from tests.playground.polling import eventually

Seen = list[dict[str, Any]]


@pytest.fixture
async def slack(tmp_path: Path) -> AsyncIterator[LocalSlack]:
    """A local Slack with short clocks."""
    async with local_slack(tmp_path) as running:
        yield running


@pytest.fixture
async def ana(slack: LocalSlack) -> AsyncIterator[Person]:
    """Ana, who is in #platform-oncall."""
    async with Person(slack.url, "U0ANA") as person:
        yield person


def collect(app: AsyncApp, *names: str) -> Seen:
    """Make the app note the bodies of events with these names (`message` unless told otherwise)."""
    seen: Seen = []

    async def note(body: dict[str, Any]) -> None:
        seen.append(body)

    for name in names or ("message",):
        app.event(name)(note)
    return seen


async def count(seen: Seen, wanted: int, seconds: float = 10) -> Seen:
    """Wait for so many events."""

    async def enough() -> bool:
        return len(seen) >= wanted

    await eventually(enough, seconds)
    return seen


async def test_an_alert_arrives_as_slack_delivers_it(slack: LocalSlack) -> None:
    """bot_id, no user, subtype bot_message, everything in the attachment, colour resolved."""
    alert = {
        "username": "Prometheus",
        "icon_emoji": ":fire:",
        "attachments": [
            {"title": "[FIRING:1] X", "fallback": "f", "color": "danger", "mrkdwn_in": ["text"], "text": ""}
        ],
    }
    async with bolt_app(slack) as app:
        seen = collect(app)
        await Webhook(slack.url).post(alert)
        (body,) = await count(seen, 1)
    event = body["event"]
    stamp = event["ts"]
    assert event == {
        "type": "message",
        "subtype": "bot_message",
        "text": "",
        "ts": stamp,
        "username": "Prometheus",
        "bot_id": "B0ALERT",
        "app_id": "A0ALERT",
        "icons": {"emoji": ":fire:"},
        "attachments": [{"title": "[FIRING:1] X", "fallback": "f", "color": "a30200", "mrkdwn_in": ["text"], "id": 1}],
        "channel": ONCALL,
        "event_ts": stamp,
        "channel_type": "channel",
    }
    assert body["authorizations"][0]["user_id"] == "U0BOT"
    assert body["event_time"] == int(float(stamp))


async def test_bolt_hears_a_bot_with_a_token_and_not_itself(slack: LocalSlack, ana: Person) -> None:
    """The other bot's message has bot_id and user and no subtype; the app's own never reaches a listener."""
    async with bolt_app(slack) as app, client_of(slack, "xoxb-local-other") as other:
        seen = collect(app)
        await app.client.chat_postMessage(channel=ONCALL, text="mine")
        await other.chat_postMessage(channel=ONCALL, text="theirs")
        await ana.say(ONCALL, "hers")
        events = [body["event"] for body in await count(seen, 2)]
    assert [event["text"] for event in events] == ["theirs", "hers"]
    assert (events[0]["bot_id"], events[0]["user"], "subtype" in events[0]) == ("B0OTHER", "U0OTHER", False)


async def test_edits_and_deletions_are_events_with_what_was_before(slack: LocalSlack) -> None:
    """Newer Alertmanagers edit in place: the resolution is a message_changed."""
    async with bolt_app(slack) as app, client_of(slack, "xoxb-local-other") as other:
        seen = collect(app)
        ts = (await other.chat_postMessage(channel=ONCALL, text="FIRING"))["ts"]
        await other.chat_update(channel=ONCALL, ts=ts, text="RESOLVED")
        await other.chat_delete(channel=ONCALL, ts=ts)
        _, changed, deleted = [body["event"] for body in await count(seen, 3)]
    assert (changed["subtype"], changed["message"]["text"]) == ("message_changed", "RESOLVED")
    assert (changed["previous_message"]["text"], changed["message"]["ts"]) == ("FIRING", ts)
    assert changed["ts"] != ts
    assert (deleted["subtype"], deleted["deleted_ts"]) == ("message_deleted", ts)


async def test_a_mention_is_a_message_and_an_app_mention(slack: LocalSlack, ana: Person) -> None:
    """The name typed by a person becomes the app's id."""
    async with bolt_app(slack) as app:
        mentions = collect(app, "app_mention")
        messages = collect(app)
        await ana.say(ONCALL, "@celery-oncall status <now> & here")
        (mention,) = await count(mentions, 1)
        await count(messages, 1)
    assert mention["event"]["text"] == "<@U0BOT> status &lt;now&gt; &amp; here"
    assert mention["event"]["user"] == "U0ANA"


async def test_only_subscribed_events_of_the_bots_channels_are_delivered(tmp_path: Path) -> None:
    """Not message.channels, which this manifest leaves out; not #general, where the bot is not."""
    async with local_slack(tmp_path, events=["app_mention"]) as slack, bolt_app(slack) as app:
        seen = collect(app, "app_mention", "message")
        async with people(slack, "U0ANA") as (ana,):
            await ana.say(ONCALL, "no mention")
            await ana.say("C0GENERAL", "@celery-oncall elsewhere")
            await ana.say(ONCALL, "@celery-oncall here")
        (body,) = await count(seen, 1)
        assert body["event"]["text"] == "<@U0BOT> here"


async def test_a_private_channel_comes_as_message_groups(tmp_path: Path) -> None:
    """channel_type says which kind it is."""
    space = default_workspace()
    space.add_channel(Channel("C0SECRET", "secret", ["U0ANA", "U0BOT"], is_private=True))
    async with local_slack(tmp_path, events=["message.groups"], workspace=space) as slack, bolt_app(slack) as app:
        seen = collect(app)
        async with people(slack, "U0ANA") as (ana,):
            await ana.say(ONCALL, "public")
            await ana.say("C0SECRET", "private")
        (body,) = await count(seen, 1)
        assert (body["event"]["channel_type"], body["event"]["text"]) == ("group", "private")


async def test_an_invited_bot_hears_that_it_joined(slack: LocalSlack, ana: Person) -> None:
    """/invite is Slack's own command; after /remove the channel is silent."""
    async with bolt_app(slack) as app:
        joined, messages = collect(app, "member_joined_channel"), collect(app)
        await ana.command("/invite @celery-oncall", "C0GENERAL")
        (body,) = await count(joined, 1)
        assert (body["event"]["user"], body["event"]["inviter"]) == ("U0BOT", "U0ANA")
        await ana.say("C0GENERAL", "one")
        await count(messages, 1)
        await ana.command("/remove @celery-oncall", "C0GENERAL")
        await ana.say("C0GENERAL", "unheard")
        await ana.say(ONCALL, "two")

        async def heard() -> bool:
            return "two" in [body["event"].get("text") for body in messages]

        await eventually(heard, 10)
        assert "unheard" not in [body["event"].get("text") for body in messages]


async def test_reactions_are_events_when_subscribed(tmp_path: Path) -> None:
    """They name the message and its author."""
    scopes, events = [*SCOPES, "reactions:read"], [*EVENTS, "reaction_added", "reaction_removed"]
    async with local_slack(tmp_path, scopes=scopes, events=events) as slack, bolt_app(slack) as app:
        seen = collect(app, "reaction_added", "reaction_removed")
        async with people(slack, "U0ANA", "U0BEN") as (ana, ben):
            message = await ana.say(ONCALL, "look")
            await ben.react({"channel": ONCALL, **message}, "eyes")
        (body,) = await count(seen, 1)
    assert (body["event"]["item"]["ts"], body["event"]["item_user"]) == (message["ts"], "U0ANA")


async def test_an_event_nobody_acknowledges_comes_again_with_the_same_id(tmp_path: Path) -> None:
    """Four deliveries in all, numbered, with the reason; then Slack gives up."""
    tries: list[tuple[str, str, str]] = []

    async def refuse(req: AsyncBoltRequest) -> None:
        number, reason = req.headers["x-slack-retry-num"][0], req.headers.get("x-slack-retry-reason", [""])[0]
        tries.append((req.body["event_id"], number, reason))
        raise RuntimeError("the insert failed, so there is no ack")

    async with local_slack(tmp_path, rules=HASTY) as slack, bolt_app(slack) as app, people(slack, "U0ANA") as (ana,):
        app.middleware(refuse)
        await ana.say(ONCALL, "once")

        async def given_up() -> bool:
            return bool(slack.backend.events.lost)

        await eventually(given_up, 10)
    assert len({event_id for event_id, _, _ in tries}) == 1
    assert [(number, reason) for _, number, reason in tries] == [
        ("0", ""),
        ("1", "timeout"),
        ("2", "timeout"),
        ("3", "timeout"),
    ]


async def test_an_alert_while_the_bot_is_away_comes_when_it_is_back(tmp_path: Path) -> None:
    """Nothing is connected at first; a retry finds the bot."""
    rules = Rules(retry_after=(0.0, *[0.5] * 60))
    async with local_slack(tmp_path, rules=rules) as slack:
        await Webhook(slack.url).post({"text": "FIRING"})
        async with bolt_app(slack) as app:
            seen = collect(app)
            (body,) = await count(seen, 1)
        assert body["event"]["text"] == "FIRING"
        assert slack.backend.events.lost == []


async def test_each_envelope_goes_to_exactly_one_of_two_sockets(slack: LocalSlack, ana: Person) -> None:
    """Two replicas share the work: each message is heard once."""
    async with client_of(slack) as client:
        apps = [AsyncApp(client=client), AsyncApp(client=client)]
        seen = [collect(app) for app in apps]
        async with connected(apps[0], slack), connected(apps[1], slack):
            for number in range(20):
                await ana.say(ONCALL, str(number))

            async def all_heard() -> bool:
                return len(seen[0]) + len(seen[1]) >= 20

            await eventually(all_heard, 10)
    texts = [body["event"]["text"] for body in seen[0] + seen[1]]
    assert sorted(texts, key=int) == [str(number) for number in range(20)]
    assert (len(seen[0]), len(seen[1])) == (10, 10)


async def test_a_refresh_loses_nothing(tmp_path: Path) -> None:
    """Commands are never sent again, so none may fall between two sockets."""
    rules = Rules(refresh_grace=0.5, rate_limits=False)
    async with local_slack(tmp_path, rules=rules) as slack, bolt_app(slack) as app, people(slack, "U0ANA") as (ana,):
        seen = collect(app)
        commands: list[str] = []

        async def note(ack: Any, command: dict[str, Any]) -> None:
            commands.append(command["text"])
            await ack()

        app.command("/celery")(note)

        async def act(number: int) -> None:
            await ana.say(ONCALL, str(number))
            await ana.command(f"/celery {number}", ONCALL)

        for start in range(0, 80, 20):
            slack.faults.refresh_sockets()
            await asyncio.gather(*(act(number) for number in range(start, start + 20)))
        await count(seen, 80)
    assert sorted(commands, key=int) == [str(number) for number in range(80)]
    assert sorted(int(body["event"]["text"]) for body in seen) == list(range(80))


async def test_cut_sockets_come_back_and_the_event_with_them(tmp_path: Path) -> None:
    """After a hard cut the SDK reconnects by itself; the retry brings what was said meanwhile."""
    rules = Rules(ack=1.0, retry_after=(0.0, *[0.5] * 60))
    async with local_slack(tmp_path, rules=rules) as slack, bolt_app(slack) as app, people(slack, "U0ANA") as (ana,):
        seen = collect(app)
        slack.faults.drop_sockets()
        await ana.say(ONCALL, "said in the dark")
        (body,) = await count(seen, 1, 40)
    assert body["event"]["text"] == "said in the dark"


async def test_a_duplicated_event_has_the_same_id(slack: LocalSlack, ana: Person) -> None:
    """Slack sometimes delivers twice, acknowledged or not."""
    slack.faults.duplicate_events = True
    async with bolt_app(slack) as app:
        seen = collect(app)
        await ana.say(ONCALL, "twice")
        first, second = await count(seen, 2)
    assert first["event_id"] == second["event_id"]


async def test_a_ticket_opens_one_connection_and_ten_are_the_most(slack: LocalSlack) -> None:
    """The eleventh is told too_many_websockets."""
    async with client_of(slack) as client, ClientSession() as http:
        links = [(await client.apps_connections_open(app_token=slack.app_token))["url"] for _ in range(11)]
        sockets = [await http.ws_connect(link) for link in links]
        greetings = [await socket.receive_json() for socket in sockets]
        assert [greeting["type"] for greeting in greetings] == ["hello"] * 10 + ["disconnect"]
        assert greetings[9]["num_connections"] == 10
        assert greetings[10]["reason"] == "too_many_websockets"
        async with http.get(links[0]) as again:
            assert again.status == 403


async def test_opening_the_home_tab_is_an_event(slack: LocalSlack, ana: Person) -> None:
    """The app publishes, and the person sees it."""
    async with bolt_app(slack) as app:

        async def publish(event: dict[str, Any]) -> None:
            text = {"type": "mrkdwn", "text": f"{event['tab']} of {event['user']}"}
            home = {"type": "home", "blocks": [{"type": "section", "text": text}]}
            await app.client.views_publish(user_id=event["user"], view=home)

        app.event("app_home_opened")(publish)
        assert await ana.open_home() is None
        view = await ana.wait_for(ana.home)
    assert view is not None
    assert view["blocks"][0]["text"]["text"] == "home of U0ANA"
