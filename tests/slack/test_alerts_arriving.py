"""Messages that arrive in the channel: which of them become incidents, and which are left alone."""

import asyncio
import sqlite3
import time

import pytest

from bot.domain.incident import IncidentState
from bot.slack.content import EYES, TICK
from playground.slack import LocalSlack, Person, Webhook
from playground.slack.workspace import Bot, IncomingWebhook
from tests.slack.incoming import alert, calls, incidents, marks, thread
from tests.slack.office import CHANNEL, Office, until
from tests.slack.running import bot_of


async def test_an_alert_is_answered_in_its_thread_with_live_numbers(slack: LocalSlack, place: Office) -> None:
    """One message in the thread with the depth as it is, and eyes on the alert."""
    async with bot_of(slack, place), Person(slack.url, "U0ANA") as ana:
        await Webhook(slack.url).post(alert())

        async def answered() -> bool:
            return [("1,284" in str(m["blocks"])) for m in await thread(ana)] == [True]

        await until(answered)
        await until(lambda: _has(ana, {EYES}))


async def _has(ana: Person, names: set[str]) -> bool:
    return await marks(ana) == names


async def test_a_repeated_delivery_of_an_event_changes_nothing(slack: LocalSlack, place: Office) -> None:
    """Slack sends each event twice under one id: there is one incident with one message, and no repeat in it."""
    ports = place.ports()
    slack.faults.duplicate_events = True
    async with bot_of(slack, place, ports=ports), Person(slack.url, "U0ANA") as ana:
        await Webhook(slack.url).post(alert())
        await until(lambda: _length(ana, 1))
        await Webhook(slack.url).post(alert("RESOLVED"))
        await until(lambda: _has(ana, {TICK}))
    (only,) = incidents(ports)
    assert only.state is IncidentState.RESOLVED
    assert only.repeats == ()


async def _length(ana: Person, number: int) -> bool:
    return len(await thread(ana)) == number


async def test_a_repeat_joins_its_incident_with_one_link(slack: LocalSlack, place: Office) -> None:
    """The same alert again opens nothing; below it stands a link to the thread where it is worked on."""
    ports = place.ports()
    async with bot_of(slack, place, ports=ports), Person(slack.url, "U0ANA") as ana:
        await Webhook(slack.url).post(alert())
        await until(lambda: _length(ana, 1))
        await Webhook(slack.url).post(alert())
        (link,) = await until(lambda: thread(ana, 1))
        root = (await ana.messages(CHANNEL))[0]
        permalink = (await ana.web.chat_getPermalink(channel=CHANNEL, message_ts=root["ts"]))["permalink"]
        assert permalink in str(link["blocks"])
    assert len(incidents(ports)) == 1


async def test_a_resolve_that_is_handled_first_closes_the_incident_all_the_same(
    slack: LocalSlack, place: Office
) -> None:
    """RESOLVED and FIRING are delivered in the wrong order: in the end the incident is over, on the firing message."""
    ports = place.ports()
    hook = Webhook(slack.url)
    async with Person(slack.url, "U0ANA") as ana:
        await hook.post(alert())
        await hook.post(alert("RESOLVED"))
        firing, resolved = await ana.messages(CHANNEL)
        async with bot_of(slack, place, ports=ports):
            for message in (resolved, firing):
                await slack.backend.sockets.deliver("events_api", _event(message), accepts_response_payload=False)
                await asyncio.sleep(0)
            await until(lambda: _has(ana, {TICK}))
    (only,) = incidents(ports)
    assert (only.state, only.root_ts) == (IncidentState.RESOLVED, firing["ts"])


def _event(message: dict[str, object]) -> dict[str, object]:
    event = {**message, "channel": CHANNEL}
    return {"type": "event_callback", "event_id": f"Ev{message['ts']}", "team_id": "T0LOCAL", "event": event}


async def test_an_alert_that_is_edited_to_resolved_ends_its_incident(slack: LocalSlack, place: Office) -> None:
    """Newer Alertmanagers edit their message in place: the resolve arrives as message_changed."""
    ports = place.ports()
    async with bot_of(slack, place, ports=ports), Person(slack.url, "U0ANA") as ana:
        await Webhook(slack.url).post(alert())
        await until(lambda: _length(ana, 1))
        (message,) = await ana.messages(CHANNEL)
        timeline = slack.backend.timeline
        timeline.change(timeline.message(CHANNEL, message["ts"]), alert("RESOLVED"), edited_by="B0ALERT")
        await until(lambda: _has(ana, {TICK}))
    (only,) = incidents(ports)
    assert only.root_ts == message["ts"]


async def test_what_people_say_never_opens_an_incident_and_is_not_kept(slack: LocalSlack, place: Office) -> None:
    """A person who quotes an alert word by word is not answered, and nothing of it stands in the database."""
    ports = place.ports()
    async with bot_of(slack, place, ports=ports), Person(slack.url, "U0ANA") as ana:
        await ana.say(CHANNEL, "[FIRING:1] QueueDepth (ai_generation critical), let us talk over coffee")
        await Webhook(slack.url).post(alert())
        await until(lambda: thread(ana, 1))
        assert await thread(ana, 0) == []
    assert len(incidents(ports)) == 1
    with sqlite3.connect(place.folder / "oncall.sqlite3") as database:
        kept = "".join(row[0] for row in database.execute("select payload from inbox"))
    assert "QueueDepth" in kept, "the alert was written down"
    assert "over coffee" not in kept


async def test_a_person_may_have_a_message_treated_as_an_alert(slack: LocalSlack, place: Office) -> None:
    """The message shortcut opens an incident on anybody's message, in the words of the operations runbook too."""
    ports = place.ports()
    async with bot_of(slack, place, ports=ports), Person(slack.url, "U0ANA") as ana:
        message = await ana.say(CHANNEL, "Critical Alert: Queue Depth > 1000 on ai_generation")
        await ana.shortcut("treat_as_alert", {"channel": CHANNEL, "ts": message["ts"]})
        await until(lambda: _length(ana, 1))
        (told,) = await until(ana.ephemerals)
        assert "Treated as an alert" in told["text"]


async def test_our_own_messages_are_ignored_and_so_is_a_webhook_of_our_own_app(
    slack: LocalSlack, place: Office
) -> None:
    """What our app posts, by token or by its own webhook, is no alert, even if the installer lists it."""
    slack.workspace.add_bot(Bot("B0OURHOOK", slack.workspace.app.app_id, "celery-oncall"))
    slack.workspace.webhooks.append(IncomingWebhook("B0OURHOOK", CHANNEL, "secret"))
    ports = place.ports()
    listed = frozenset({"B0ONCALL", "B0OURHOOK", "A0ONCALL", "B0ALERT"})
    async with bot_of(slack, place, ports=ports, alert_senders=listed), Person(slack.url, "U0ANA") as ana:
        own = slack.backend.timeline
        own.post(
            CHANNEL, {"user": "U0BOT", "bot_id": "B0ONCALL", "app_id": "A0ONCALL", "text": "", **alert(name="Own")}
        )
        await Webhook(slack.url, "/services/T0LOCAL/B0OURHOOK/secret").post(alert(name="Hook"))
        await Webhook(slack.url).post(alert())
        await until(lambda: thread(ana, 2))
    assert [i.alert.name for i in incidents(ports)] == ["QueueDepth"]


async def test_a_sender_that_nobody_listed_is_named_once(slack: LocalSlack, place: Office) -> None:
    """Below the first alert of an unlisted bot stands how to list it; below its second nothing, and no incident."""
    ports = place.ports()
    async with bot_of(slack, place, ports=ports), Person(slack.url, "U0ANA") as ana:
        timeline = slack.backend.timeline
        author = {"user": "U0OTHER", "bot_id": "B0OTHER", "app_id": "A0OTHER", "text": ""}
        timeline.post(CHANNEL, author | {"text": "Deployed booking 1.2.3"})
        timeline.post(CHANNEL, author | alert())
        (told,) = await until(lambda: thread(ana, 1))
        assert "B0OTHER" in told["text"]
        assert "alert_senders" in told["text"]
        timeline.post(CHANNEL, author | alert())
        await Webhook(slack.url).post(alert())
        await until(lambda: thread(ana, 3))
        assert await thread(ana, 0) == await thread(ana, 2) == []
    assert len(incidents(ports)) == 1


async def test_a_label_cannot_call_everybody(slack: LocalSlack, place: Office) -> None:
    """`<!channel>` in an alert stays text wherever the bot repeats it."""
    async with bot_of(slack, place), Person(slack.url, "U0ANA") as ana:
        await Webhook(slack.url).post(alert(name="<!channel>", queue="<!here>"))
        await until(lambda: thread(ana))
    sent = str([c["args"] for c in calls(slack, "chat.postMessage") + calls(slack, "chat.update")])
    assert "channel" in sent
    assert "<!channel>" not in sent
    assert "<!here>" not in sent


async def test_an_alert_in_another_channel_is_not_ours(slack: LocalSlack, place: Office) -> None:
    """The bot follows the channels it was given."""
    slack.workspace.channel("C0GENERAL").members.append("U0BOT")
    slack.workspace.webhooks.append(IncomingWebhook("B0ALERT", "C0GENERAL", "general"))
    ports = place.ports()
    async with bot_of(slack, place, ports=ports), Person(slack.url, "U0ANA") as ana:
        await Webhook(slack.url, "/services/T0LOCAL/B0ALERT/general").post(alert())
        await Webhook(slack.url).post(alert())
        await until(lambda: thread(ana))
    assert [i.channel for i in incidents(ports)] == [CHANNEL]


@pytest.mark.slow
async def test_a_storm_of_alerts_loses_none_and_leaves_room_for_people(slack: LocalSlack, place: Office) -> None:
    """Forty alerts within a second, under Slack's limits: all are known at once and answered in the end.

    Somebody who asks for approval meanwhile is not kept waiting behind them.
    """
    ports = place.ports()
    author = {"subtype": "bot_message", "bot_id": "B0ALERT", "app_id": "A0ALERT", "text": ""}
    async with bot_of(slack, place, ports=ports), Person(slack.url, "U0ANA") as ana:
        for n in range(40):
            slack.backend.timeline.post(CHANNEL, author | alert(name=f"Alert{n}"))
        await until(lambda: len(incidents(ports)) == 40)
        await ana.command("/celery pause notifications for 20m", CHANNEL)
        (draft,) = await until(ana.ephemerals)
        begun = time.monotonic()
        await ana.click(draft, "submit_draft")
        await until(lambda: _posted(ana, "please decide"))
        assert time.monotonic() - begun < 4

        async def all_answered() -> bool:
            roots = [m for m in await ana.messages(CHANNEL) if m.get("bot_id") == "B0ALERT"]
            return all(m.get("reply_count") == 1 and m.get("reactions") for m in roots)

        await until(all_answered, timeout=100)
    assert slack.backend.events.lost == []
    assert [c["outcome"] for c in calls(slack, "chat.postMessage")].count("ratelimited") == 0


async def _posted(person: Person, text: str) -> bool:
    return any(text in m["text"] for m in await person.messages(CHANNEL))
