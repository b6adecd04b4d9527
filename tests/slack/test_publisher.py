"""The publisher against the local Slack."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.card import Card, CardKind
from bot.ports import Ports, Tx
from bot.slack.answers import said
from bot.slack.content import EYES, TICK, Content, HomeTab, Mark
from bot.slack.executors import Executors
from bot.slack.posting import Posting
from bot.slack.publisher import Publisher
from playground.slack import LocalSlack, Person
from tests.slack.office import CHANNEL, FailingStore, Office, until


def render(tx: Tx, card: Card) -> Content:
    """Show what a test put down as truth."""
    text = str(tx.note(f"truth:{card.subject}"))
    match card.kind:
        case CardKind.MARK:
            return Mark(text.split()[0], TICK, EYES) if text.endswith("over") else Mark(text, EYES, None)
        case CardKind.HOME:
            return HomeTab(card.subject, {"type": "home", "blocks": said(text).blocks})
    return said(text)


def want(
    ports: Ports, kind: CardKind, subject: str, text: str, channel: str = CHANNEL, thread: str | None = None
) -> None:
    """Change the truth, and want it shown."""
    with ports.store.write() as tx:
        tx.set_note(f"truth:{subject}", text)
        tx.cards.want(kind, subject, channel, ports.clock.now(), thread_ts=thread)


def card(ports: Ports, kind: CardKind, subject: str) -> Card:
    """Return a card as stored."""
    with ports.store.read() as tx:
        found = tx.cards.get(kind, subject)
    assert found is not None
    return found


@asynccontextmanager
async def publishing(ports: Ports, slack: LocalSlack, *, timeout: float = 10.0) -> AsyncIterator[Publisher]:
    """A publisher at work."""
    executors = Executors()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout)) as session:
        client = AsyncWebClient(slack.bot_token, slack.api_url, session=session, retry_handlers=[])
        publisher = Publisher(ports, Posting(client), executors, render)
        task = asyncio.create_task(publisher.run())
        try:
            yield publisher
        finally:
            task.cancel()
            await publisher.close()
            await executors.close()


def calls(slack: LocalSlack, method: str) -> list[dict[str, Any]]:
    """Return what was called, and how it was answered."""
    return [c for c in slack.backend.api_log if c["method"] == method]


async def shown(ana: Person) -> list[str]:
    """Return what stands in the channel."""
    return [m["text"] for m in await ana.messages(CHANNEL)]


async def test_a_card_is_posted_once_then_edited_in_place(slack: LocalSlack, place: Office) -> None:
    """A wish for a card posts a message with its metadata; later wishes edit it; equal content is not sent again."""
    ports = place.ports()
    async with publishing(ports, slack), Person(slack.url, "U0ANA") as ana:
        want(ports, CardKind.REQUEST, "req-1", "please approve")
        (message,) = await until(lambda: ana.messages(CHANNEL))
        assert message["metadata"]["event_payload"] == {"card": "request:req-1"}
        want(ports, CardKind.REQUEST, "req-1", "approved")
        await until(lambda: _is(ana, ["approved"]))
        want(ports, CardKind.REQUEST, "req-1", "approved")
        await until(lambda: card(ports, CardKind.REQUEST, "req-1").published == 3)
    assert len(calls(slack, "chat.postMessage")) == 1
    assert len(calls(slack, "chat.update")) == 1


async def _is(ana: Person, texts: list[str]) -> bool:
    return await shown(ana) == texts


async def test_wishes_that_come_faster_than_slack_allows_end_in_the_newest_state(
    slack: LocalSlack, place: Office
) -> None:
    """Forty changes of three cards amid refusals with 429: nothing is lost, and only the newest state is shown."""
    ports = place.ports()
    slack.faults.rate_limit_next = 6
    async with publishing(ports, slack), Person(slack.url, "U0ANA") as ana:
        for n in range(40):
            for name in ("a", "b", "c"):
                want(ports, CardKind.INCIDENT, name, f"{name}{n}")
            await asyncio.sleep(0)
        await until(lambda: _settled(ana, ["a39", "b39", "c39"]), timeout=30)
    outcomes = [c["outcome"] for c in calls(slack, "chat.postMessage") + calls(slack, "chat.update")]
    assert outcomes.count("ok") < 20, "intermediate states are skipped"


async def _settled(ana: Person, texts: list[str]) -> bool:
    return sorted(await shown(ana)) == texts


async def test_retry_after_is_honoured_for_the_refused_method_alone(slack: LocalSlack, place: Office) -> None:
    """After a 429 no post goes out before Slack's time is over; a Home tab meanwhile does."""
    ports = place.ports()
    slack.faults.rate_limit_next = 1
    slack.faults.rate_limit_retry_after = 2
    async with publishing(ports, slack), Person(slack.url, "U0ANA") as ana:
        want(ports, CardKind.NOTICE, "n", "hello")
        await until(lambda: calls(slack, "chat.postMessage"))
        want(ports, CardKind.HOME, "U0ANA", "at home", channel="U0ANA")
        await until(ana.home, timeout=1.5)
        await until(lambda: _is(ana, ["hello"]))
    refused, posted = calls(slack, "chat.postMessage")
    assert refused["outcome"] == "ratelimited"
    assert posted["at"] - refused["at"] >= 1.9


async def test_a_crash_between_post_and_commit_posts_no_twin(slack: LocalSlack, place: Office) -> None:
    """The answer to a post is lost with the process: the next one finds the message by its metadata and edits it."""
    first = place.ports("bot-1")
    store = FailingStore(place.stores[0])
    posts_before = len(calls(slack, "chat.postMessage"))
    store.fail_when = lambda: len(calls(slack, "chat.postMessage")) > posts_before
    want(first, CardKind.REQUEST, "req-1", "please approve")
    async with publishing(_with_store(first, store), slack), Person(slack.url, "U0ANA") as ana:
        await until(lambda: _is(ana, ["please approve"]))
    store.fail_when = lambda: False
    first.store.release("publisher", "bot-1")
    second = place.ports("bot-2")
    want(second, CardKind.REQUEST, "req-1", "approved")
    async with publishing(second, slack), Person(slack.url, "U0ANA") as ana:
        await until(lambda: _is(ana, ["approved"]))
    assert len(calls(slack, "chat.postMessage")) == 1


async def test_a_refused_search_for_the_own_message_does_not_count_as_not_posted(
    slack: LocalSlack, place: Office
) -> None:
    """After a crash the next bot may not be allowed to look at first: it waits and looks, and posts no twin."""
    ports = place.ports()
    async with Person(slack.url, "U0ANA") as ana:
        want(ports, CardKind.REQUEST, "req-1", "please approve")
        async with publishing(ports, slack):
            await until(lambda: card(ports, CardKind.REQUEST, "req-1").ts)
        posted = card(ports, CardKind.REQUEST, "req-1")
        with ports.store.write() as tx:  # as it was before the answer came
            tx.cards.published(posted.model_copy(update={"ts": None, "shown": f"posting:{int(time.time())}"}))
        want(ports, CardKind.REQUEST, "req-1", "approved")
        slack.faults.rate_limit_next = 1
        async with publishing(ports, slack):
            await until(lambda: _is(ana, ["approved"]))


async def test_a_database_that_is_away_is_not_hammered(slack: LocalSlack, place: Office) -> None:
    """While nothing can be stored a card is tried about once a second, and nothing is posted unless it can be noted."""
    ports = place.ports()
    store = FailingStore(place.stores[0])
    want(ports, CardKind.NOTICE, "n", "hello")
    async with publishing(_with_store(ports, store), slack), Person(slack.url, "U0ANA") as ana:
        await until(lambda: calls(slack, "chat.postMessage"))
        store.tried = 0
        want(ports, CardKind.NOTICE, "n", "hello again")
        store.fail_writes = True
        await asyncio.sleep(2.0)
        assert store.tried <= 4
        store.fail_writes = False
        await until(lambda: _is(ana, ["hello again"]))


def _with_store(ports: Ports, store: Any) -> Ports:
    return replace(ports, store=store)


async def test_a_post_whose_answer_came_too_late_is_found_again_in_its_thread(slack: LocalSlack, place: Office) -> None:
    """Slack is slower than our patience: the message stands there all the same, and no second one follows."""
    ports = place.ports()
    async with Person(slack.url, "U0ANA") as ana:
        root = await ana.say(CHANNEL, "something is wrong")
        slack.faults.slow_api_seconds = 0.6
        async with publishing(ports, slack, timeout=0.3):
            want(ports, CardKind.REQUEST, "req-1", "please approve", thread=root["ts"])
            await until(lambda: calls(slack, "chat.postMessage"))
            slack.faults.slow_api_seconds = 0.0
            await until(lambda: card(ports, CardKind.REQUEST, "req-1").published)
        assert [m["text"] for m in await ana.replies(CHANNEL, root["ts"])] == ["something is wrong", "please approve"]


async def test_a_channel_without_the_bot_ends_a_card_and_no_other(slack: LocalSlack, place: Office) -> None:
    """not_in_channel is for good: the card is given up with a sentence, others go on."""
    ports = place.ports()
    async with publishing(ports, slack), Person(slack.url, "U0ANA") as ana:
        want(ports, CardKind.NOTICE, "lost", "nobody hears", channel="C0GENERAL")
        want(ports, CardKind.NOTICE, "n", "hello")
        await until(lambda: _is(ana, ["hello"]))
        dead = await until(lambda: card(ports, CardKind.NOTICE, "lost").dead)
    assert "not_in_channel" in dead
    assert "C0GENERAL" in dead


async def test_a_deleted_message_is_posted_again(slack: LocalSlack, place: Office) -> None:
    """When the message to edit is gone, a new one takes its place."""
    ports = place.ports()
    async with publishing(ports, slack), Person(slack.url, "U0ANA") as ana:
        want(ports, CardKind.REQUEST, "req-1", "please approve")
        (message,) = await until(lambda: ana.messages(CHANNEL))
        slack.backend.timeline.delete(slack.backend.timeline.message(CHANNEL, message["ts"]))
        want(ports, CardKind.REQUEST, "req-1", "approved")
        await until(lambda: _is(ana, ["approved"]))


async def test_refused_blocks_are_shown_as_text(slack: LocalSlack, place: Office) -> None:
    """On invalid_blocks the text goes out in the simplest block, and the card is done with."""
    ports = place.ports()
    slack.faults.fail_api = {"chat.postMessage": "invalid_blocks"}
    async with publishing(ports, slack), Person(slack.url, "U0ANA") as ana:
        want(ports, CardKind.NOTICE, "n", "*hello*")
        await until(lambda: calls(slack, "chat.postMessage"))
        slack.faults.fail_api = {}
        (message,) = await until(lambda: ana.messages(CHANNEL))
        assert message["blocks"][0]["text"]["text"] == "*hello*"
        await until(lambda: card(ports, CardKind.NOTICE, "n").published)


async def test_an_outage_is_survived(slack: LocalSlack, place: Office) -> None:
    """While Slack answers nothing of use cards wait, each a little longer; then they appear."""
    ports = place.ports()
    slack.faults.go_offline(1.5)
    async with publishing(ports, slack), Person(slack.url, "U0ANA") as ana:
        want(ports, CardKind.NOTICE, "n", "hello")
        await until(lambda: card(ports, CardKind.NOTICE, "n").retry_at)
        await until(lambda: _is(ana, ["hello"]), timeout=15)


async def test_the_alert_gets_eyes_and_then_a_tick(slack: LocalSlack, place: Office) -> None:
    """The mark follows the incident; a reaction that is there already does no harm."""
    ports = place.ports()
    async with publishing(ports, slack), Person(slack.url, "U0ANA") as ana:
        root = await ana.say(CHANNEL, "something is wrong")
        want(ports, CardKind.MARK, "inc-1", root["ts"])
        await until(lambda: _reactions(ana, {EYES}))
        want(ports, CardKind.MARK, "inc-1", f"{root['ts']} over")
        await until(lambda: _reactions(ana, {TICK}))


async def _reactions(ana: Person, names: set[str]) -> bool:
    (message,) = await ana.messages(CHANNEL)
    return {r["name"] for r in message.get("reactions", [])} == names


async def test_a_direct_message_is_edited_in_its_conversation(slack: LocalSlack, place: Office) -> None:
    """A card to a person becomes a direct message; later wishes edit it there."""
    ports = place.ports()
    async with publishing(ports, slack), Person(slack.url, "U0BEN") as ben:
        want(ports, CardKind.REQUEST_DM, "req-1/U0BEN", "please approve", channel="U0BEN")
        await until(lambda: _direct(ben, ["please approve"]))
        want(ports, CardKind.REQUEST_DM, "req-1/U0BEN", "decided", channel="U0BEN")
        await until(lambda: _direct(ben, ["decided"]))


async def _direct(ben: Person, texts: list[str]) -> bool:
    return [m["text"] for m in await ben.direct_messages()] == texts


async def test_a_request_goes_out_ahead_of_refreshed_numbers(slack: LocalSlack, place: Office) -> None:
    """While many incidents wait for their turn, a request wished later is posted among the first."""
    ports = place.ports()
    for n in range(12):
        want(ports, CardKind.INCIDENT, f"inc-{n}", f"incident {n}")
    want(ports, CardKind.REQUEST, "req-1", "please approve")
    async with publishing(ports, slack), Person(slack.url, "U0ANA") as ana:
        await until(lambda: _among_first(ana))


async def _among_first(ana: Person) -> bool:
    return "please approve" in (await shown(ana))[:2]


async def test_only_one_of_two_bots_publishes(slack: LocalSlack, place: Office) -> None:
    """The lease keeps the second bot quiet, and passes to it when the first ends."""
    one, two = place.ports("bot-1"), place.ports("bot-2")
    async with Person(slack.url, "U0ANA") as ana, publishing(two, slack):
        async with publishing(one, slack):
            for n in range(5):
                want(one, CardKind.NOTICE, f"n{n}", f"hello {n}")
            await until(lambda: _count(ana, 5), timeout=15)
        want(one, CardKind.NOTICE, "n5", "hello 5")
        await until(lambda: _count(ana, 6), timeout=15)
    assert len(calls(slack, "chat.postMessage")) == 6


async def _count(ana: Person, number: int) -> bool:
    return len(await shown(ana)) == number
