"""What people ask for, by command and by mention, and what they press afterwards."""

import time
from typing import Any

from bot.domain.approval import RequestState
from bot.ports import Ports
from playground.slack import LocalSlack, Person, Webhook
from tests.slack.incoming import alert, calls, incidents, thread
from tests.slack.office import CHANNEL, Office, until
from tests.slack.running import bot_of


def shown(message: dict[str, Any]) -> str:
    """Return all that a message says."""
    return f"{message['text']} {message.get('blocks')}"


async def last_whisper(person: Person, *, containing: str) -> dict[str, Any]:
    """Wait for an ephemeral message that says something, and return it."""

    async def look() -> dict[str, Any] | None:
        found = [m for m in await person.ephemerals() if containing in shown(m)]
        return found[-1] if found else None

    message: dict[str, Any] = await until(look)
    return message


def requests_of(ports: Ports, state: RequestState) -> list[Any]:
    """Return the requests in a state."""
    with ports.store.read() as tx:
        return tx.requests.find(state=state.value)


async def test_status_is_shown_to_the_person_alone_and_can_be_shared(slack: LocalSlack, place: Office) -> None:
    """`/celery status` whispers; Refresh changes the whisper in place; Share shows it to all, without buttons."""
    async with bot_of(slack, place), Person(slack.url, "U0ANA") as ana:
        await ana.command("/celery status", CHANNEL)
        status = await last_whisper(ana, containing="ai_generation")
        place.cluster.depths_["ai_generation"] = 77
        await ana.click(status, "status_refresh")
        await last_whisper(ana, containing="77")
        assert len(await ana.ephemerals()) == 1
        assert await ana.messages(CHANNEL) == []
        await ana.click(status, "status_share")
        (shared,) = await until(lambda: ana.messages(CHANNEL))
        assert "ai_generation" in shown(shared)
        assert "status_refresh" not in shown(shared)


async def test_status_of_a_dead_broker_is_an_answer(slack: LocalSlack, place: Office) -> None:
    """It says that the broker cannot be read, within three seconds."""
    place.cluster.down = True
    async with bot_of(slack, place), Person(slack.url, "U0ANA") as ana:
        begun = time.monotonic()
        await ana.command("/celery status", CHANNEL)
        await last_whisper(ana, containing="cannot be read")
        assert time.monotonic() - begun < 3


async def test_a_word_nobody_knows_gets_the_nearest_one(slack: LocalSlack, place: Office) -> None:
    """A sentence with a suggestion, for that person alone; also for queues, discovered ones included."""
    place.cluster.depths_["thumbnails"] = 3
    async with bot_of(slack, place), Person(slack.url, "U0ANA") as ana:
        await ana.command("/celery puase analytics", CHANNEL)
        await last_whisper(ana, containing="pause")
        await ana.command("/celery pause thumbnail", CHANNEL)
        await last_whisper(ana, containing="`thumbnails`")


async def test_a_mention_is_answered_in_its_thread(slack: LocalSlack, place: Office) -> None:
    """In a thread, where commands do not work, a mention does the same; the answer is for the person who asked."""
    async with bot_of(slack, place), Person(slack.url, "U0ANA") as ana:
        root = await ana.say(CHANNEL, "what is going on?")
        await ana.say(CHANNEL, "@celery-oncall status", thread_ts=root["ts"])
        status = await last_whisper(ana, containing="ai_generation")
        assert status["thread_ts"] == root["ts"]
        await ana.say(CHANNEL, "@celery-oncall pause analitics", thread_ts=root["ts"])
        await last_whisper(ana, containing="`analytics`")


async def test_a_low_risk_pause_takes_one_person(slack: LocalSlack, place: Office) -> None:
    """The draft is shown to its author alone; one press sends it off and takes the draft away."""
    ports = place.ports()
    async with bot_of(slack, place, ports=ports), Person(slack.url, "U0ANA") as ana:
        await ana.command("/celery pause analytics for 20m because bookings come first", CHANNEL)
        draft = await last_whisper(ana, containing="analytics")
        await ana.click(draft, "submit_draft")
        await until(lambda: place.dispatcher.sent)
        await until(lambda: ana.messages(CHANNEL))

        async def gone() -> bool:
            return await ana.ephemerals() == []

        await until(gone)


async def test_anything_else_takes_another_person(slack: LocalSlack, place: Office) -> None:
    """The request is a new message that names who may approve, who get it by direct message too.

    The author's own approval is refused to their face alone; the other's starts the execution, and all copies follow.
    """
    ports = place.ports()
    async with bot_of(slack, place, ports=ports), Person(slack.url, "U0ANA") as ana, Person(slack.url, "U0BEN") as ben:
        await ana.command("/celery pause notifications for 20m because it is noisy", CHANNEL)
        await ana.click(await last_whisper(ana, containing="notifications"), "submit_draft")
        (request,) = await until(lambda: ana.messages(CHANNEL))
        assert "<@U0BEN>" in shown(request)
        assert "<@U0ANA>: please" not in shown(request)
        (direct,) = await until(ben.direct_messages)
        await ana.click(request, "approve")
        await last_whisper(ana, containing="your own request")
        assert place.dispatcher.sent == []
        await ben.click(direct, "approve")
        await until(lambda: place.dispatcher.sent)

        async def followed() -> bool:
            copies = [(await ana.messages(CHANNEL))[0], (await ben.direct_messages())[0]]
            return all("pproved" in shown(m) and "'approve'" not in shown(m) for m in copies)

        await until(followed)
        await ben.click(request, "approve", forge=True, value=requests_of(ports, RequestState.APPROVED)[0].id)
        await last_whisper(ben, containing="already")
    assert len(place.dispatcher.sent) == 1


async def test_what_is_asked_elsewhere_goes_on_where_all_see_it(slack: LocalSlack, place: Office) -> None:
    """A command works in any channel; its request is posted in the bot's own, and the author is told where."""
    async with bot_of(slack, place), Person(slack.url, "U0ANA") as ana:
        await ana.command("/celery pause notifications for 20m", "C0GENERAL")
        await ana.click(await last_whisper(ana, containing="notifications"), "submit_draft")
        await last_whisper(ana, containing=f"<#{CHANNEL}>")
        await until(lambda: ana.messages(CHANNEL))


async def test_a_draft_can_be_thrown_away(slack: LocalSlack, place: Office) -> None:
    """Discard takes the whisper away and leaves nothing to be done."""
    ports = place.ports()
    async with bot_of(slack, place, ports=ports), Person(slack.url, "U0ANA") as ana:
        await ana.command("/celery pause analytics", CHANNEL)
        await ana.click(await last_whisper(ana, containing="analytics"), "discard_draft")

        async def gone() -> bool:
            return await ana.ephemerals() == []

        await until(gone)
    assert requests_of(ports, RequestState.DRAFT) == []
    assert place.dispatcher.sent == []


async def test_somebody_who_is_not_on_call_is_refused_in_words(slack: LocalSlack, place: Office) -> None:
    """Dora may look, and may not act."""
    async with bot_of(slack, place), Person(slack.url, "U0DORA") as dora:
        await dora.command("/celery pause analytics", CHANNEL)
        await last_whisper(dora, containing="on-call")


async def test_somebody_who_was_just_put_on_call_need_not_wait(slack: LocalSlack, place: Office) -> None:
    """A person unknown to every role makes the bot ask Slack again before it refuses."""
    async with bot_of(slack, place), Person(slack.url, "U0DORA") as dora:
        await dora.command("/celery pause analytics", CHANNEL)
        await last_whisper(dora, containing="on-call")
        slack.workspace.groups["S0ONCALL"].users.append("U0DORA")

        async def drafted() -> bool:
            await dora.command("/celery pause analytics", CHANNEL)
            return any("submit_draft" in shown(m) for m in await dora.ephemerals())

        await until(drafted, timeout=15)


async def test_freeze_is_said_to_all(slack: LocalSlack, place: Office) -> None:
    """The one who freezes is answered, and the channel is told; a second freeze changes nothing."""
    async with bot_of(slack, place), Person(slack.url, "U0ANA") as ana:
        await ana.command("/celery freeze", CHANNEL)
        await last_whisper(ana, containing="now frozen")
        (told,) = await until(lambda: ana.messages(CHANNEL))
        assert "<@U0ANA>" in told["text"]
        await ana.command("/celery freeze", CHANNEL)
        await last_whisper(ana, containing="already frozen")
        assert len(await ana.messages(CHANNEL)) == 1


async def test_the_card_takes_an_owner_and_says_whose_it_is(slack: LocalSlack, place: Office) -> None:
    """The first who has got it is named on the card; the next one who presses learns in the thread that it is taken."""
    ports = place.ports()
    async with bot_of(slack, place, ports=ports), Person(slack.url, "U0ANA") as ana, Person(slack.url, "U0BEN") as ben:
        await Webhook(slack.url).post(alert())
        (card,) = await until(lambda: thread(ana))
        await ana.click(card, "own")
        await until(lambda: incidents(ports)[0].owner == "U0ANA")

        async def named() -> bool:
            return "<@U0ANA>" in shown((await thread(ana))[0])

        await until(named)
        await ben.click(card, "own", forge=True, value=incidents(ports)[0].id)
        refused = await last_whisper(ben, containing="<@U0ANA>")
        assert refused["thread_ts"] == card["thread_ts"]


async def test_the_menu_shows_commands_and_resolves(slack: LocalSlack, place: Office) -> None:
    """Commands come as a whisper, from the menu and from a step's button; resolving by hand ends the incident."""
    ports = place.ports()
    async with bot_of(slack, place, ports=ports), Person(slack.url, "U0ANA") as ana:
        await Webhook(slack.url).post(alert())
        (card,) = await until(lambda: thread(ana))
        incident = incidents(ports)[0].id

        async def worked() -> bool:
            return f"commands:{incident}" in shown((await thread(ana))[0])

        await until(worked)
        await ana.click(card, "more", value=f"commands:{incident}")
        known = await last_whisper(ana, containing="celery -A")
        await ana.click(card, "commands", forge=True, value=incident)

        async def told_again() -> bool:
            return bool((await last_whisper(ana, containing="celery -A"))["ephemeral_id"] != known["ephemeral_id"])

        await until(told_again)
        await ana.click(card, "more", value=f"resolve:{incident}")
        await until(lambda: incidents(ports)[0].over)


def ours(slack: LocalSlack) -> dict[str, Any]:
    """Return a message of our app, to forge clicks on."""
    body = {"user": "U0BOT", "bot_id": "B0ONCALL", "app_id": "A0ONCALL", "text": "here"}
    return {"channel": CHANNEL, "ts": slack.backend.timeline.post(CHANNEL, body).ts}


async def test_a_button_of_another_version_is_answered(slack: LocalSlack, place: Office) -> None:
    """A button nobody knows any more says so instead of doing nothing."""
    async with bot_of(slack, place), Person(slack.url, "U0ANA") as ana:
        await ana.click(ours(slack), "purge_everything", forge=True, value="x")
        await last_whisper(ana, containing="another version")


async def test_a_value_made_up_by_the_client_is_an_answer_too(slack: LocalSlack, place: Office) -> None:
    """An id that does not exist gives a sentence, not an error."""
    async with bot_of(slack, place), Person(slack.url, "U0ANA") as ana:
        await ana.click(ours(slack), "approve", forge=True, value="req-999")
        await last_whisper(ana, containing="req-999")


async def test_the_home_tab_is_drawn_and_kept_in_step(slack: LocalSlack, place: Office) -> None:
    """Opening it draws it; what changes afterwards changes there without opening it again."""
    async with bot_of(slack, place), Person(slack.url, "U0ANA") as ana:
        await ana.open_home()
        await until(ana.home)
        await ana.command("/celery freeze", CHANNEL)

        async def says_frozen() -> bool:
            return "rozen" in str(await ana.home())

        await until(says_frozen)


async def test_an_unexpected_error_has_an_id_that_is_in_the_log(slack: LocalSlack, place: Office) -> None:
    """The person gets one sentence with an id instead of a traceback."""
    async with bot_of(slack, place), Person(slack.url, "U0ANA") as ana:
        await ana.click(ours(slack), "more", forge=True, value="dance:inc-1")
        told = await last_whisper(ana, containing="Something went wrong")
        assert "Traceback" not in shown(told)


async def test_when_slack_refuses_a_whisper_the_person_is_told_directly(slack: LocalSlack, place: Office) -> None:
    """In a channel the bot is not in, an answer without response_url goes by direct message."""
    async with bot_of(slack, place), Person(slack.url, "U0ANA") as ana:
        root = await ana.say(CHANNEL, "here")
        slack.faults.fail_api = {"chat.postEphemeral": "user_not_in_channel"}
        await ana.say(CHANNEL, "@celery-oncall pause analitics", thread_ts=root["ts"])
        (told,) = await until(ana.direct_messages)
        assert "analytics" in shown(told)
    assert calls(slack, "chat.postEphemeral")
