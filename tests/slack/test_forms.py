"""Forms between people and a real bot: the ways in, what is wrong in them, the preview, and what is done."""

import asyncio
from typing import Any

from bot.domain.approval import RequestState
from playground.slack import LocalSlack, Person
from tests.slack.office import CHANNEL, Office, until
from tests.slack.running import bot_of
from tests.slack.test_asking import last_whisper, requests_of, shown
from tests.slack.views.reading import read_blocks

View = dict[str, Any]


async def open_view(person: Person, title: str, *, containing: str = "") -> View:
    """Wait for a modal with a title that says something, on top of those a person has open."""

    async def look() -> View | None:
        views = await person.views()
        top = views[-1] if views else None
        fits = top and top["title"]["text"] == title and containing in str(top["blocks"])
        return top if fits else None

    view: View = await until(look)
    return view


def field(view: View, name: str) -> View:
    """Return the block that asks for a parameter."""
    return next(b for b in view["blocks"] if b["type"] == "input" and b["block_id"].partition("@")[0] == name)


def values(view: View, **typed: Any) -> View:
    """Return what is filled in, by block."""
    return {field(view, name)["block_id"]: {field(view, name)["element"]["action_id"]: v} for name, v in typed.items()}


async def test_a_command_alone_opens_its_form_and_a_pause_takes_one_person(slack: LocalSlack, place: Office) -> None:
    """`/celery pause` asks; its preview says what would stop; the modal's own button does it, and it closes."""
    async with bot_of(slack, place), Person(slack.url, "U0ANA") as ana:
        await ana.command("/celery pause", CHANNEL)
        form = await open_view(ana, "Pause queue", containing="For how long")
        assert await ana.submit(form["id"], values(form, queue="analytics", seconds="20m", reason="bookings first"))
        preview = await open_view(ana, "Pause queue", containing="Nothing has happened yet")
        assert "bookings first" in str(preview["blocks"])
        assert preview["submit"]["text"] == "Pause queue"
        assert place.dispatcher.sent == []
        answer = await ana.submit(preview["id"], {})
        assert answer["response_action"] == "clear"
        await until(lambda: place.dispatcher.sent)
        assert await ana.views() == []
        await until(lambda: ana.messages(CHANNEL))


async def test_what_needs_others_goes_on_as_any_request(slack: LocalSlack, place: Office) -> None:
    """The card in the channel asks Ben; a second press on the preview's button finds it done."""
    ports = place.ports()
    async with bot_of(slack, place, ports=ports), Person(slack.url, "U0ANA") as ana:
        await ana.command("/celery pause", CHANNEL)
        form = await open_view(ana, "Pause queue", containing="For how long")
        await ana.submit(form["id"], values(form, queue="notifications"))
        preview = await open_view(ana, "Pause queue", containing="<@U0BEN>")
        assert preview["submit"]["text"] == "Ask for approval"
        pressed = await asyncio.gather(
            ana.submit(preview["id"], {}), ana.submit(preview["id"], {}), return_exceptions=True
        )
        assert sum(isinstance(p, dict) and p.get("response_action") == "clear" for p in pressed) == 1
        (request,) = await until(lambda: ana.messages(CHANNEL))
        assert "<@U0BEN>" in shown(request)
        assert len(requests_of(ports, RequestState.PENDING)) == 1


async def test_what_is_wrong_stands_beside_its_field(slack: LocalSlack, place: Office) -> None:
    """In our sentences, before any cluster is asked; the form stays as it was filled in."""
    async with bot_of(slack, place), Person(slack.url, "U0ANA") as ana:
        await ana.command("/celery pause", CHANNEL)
        form = await open_view(ana, "Pause queue", containing="For how long")
        counted = place.cluster.counted
        ever = await ana.submit(form["id"], values(form, queue="analytics", seconds="for ever"))
        assert ever["errors"] == {"seconds": "“for ever” is no length of time; write 30m, 2h or 1h30m."}
        brief = await ana.submit(form["id"], values(form, queue="analytics", seconds="5s"))
        assert brief["errors"] == {"seconds": "It has to be at least 10s."}
        assert place.cluster.counted == counted
        assert [v["id"] for v in await ana.views()] == [form["id"]]


async def test_a_fault_of_several_fields_stands_at_the_first(slack: LocalSlack, place: Office) -> None:
    """It calls them by their labels."""
    async with bot_of(slack, place), Person(slack.url, "U0ANA") as ana:
        await ana.command("/celery requeue", CHANNEL)
        form = await open_view(ana, "Requeue failed", containing="Task ids")
        answer = await ana.submit(form["id"], {})
        assert answer["errors"] == {"ids": "Name “Task ids”, a “Task” or an “Exception”."}


async def test_a_name_that_is_not_known_is_met_with_the_nearest_at_its_field(slack: LocalSlack, place: Office) -> None:
    """Where so many queues are known that they have to be typed."""
    place.cluster.depths_ |= {f"tenant_{n}": 0 for n in range(120)}
    ports = place.ports()
    async with bot_of(slack, place, ports=ports), Person(slack.url, "U0ANA") as ana:
        await until(lambda: ports.samples.snapshots("prod"))
        await ana.command("/celery pause", CHANNEL)
        form = await open_view(ana, "Pause queue", containing="For how long")
        assert field(form, "queue")["element"]["type"] == "plain_text_input"
        typo = await ana.submit(form["id"], values(form, queue="analitics"))
        assert "Did you mean “analytics”" in typo["errors"]["queue@prod"]
        await ana.submit(form["id"], values(form, queue="analytics"))
        await open_view(ana, "Pause queue", containing="Nothing has happened yet")


async def test_a_preview_leads_back_to_the_form_as_it_was(slack: LocalSlack, place: Office) -> None:
    """Change takes back what was filled in; the next preview is of what is filled in then."""
    ports = place.ports()
    async with bot_of(slack, place, ports=ports), Person(slack.url, "U0ANA") as ana:
        await ana.command("/celery pause", CHANNEL)
        form = await open_view(ana, "Pause queue", containing="For how long")
        await ana.submit(form["id"], values(form, queue="analytics", seconds="90m", reason="why not"))
        preview = await open_view(ana, "Pause queue", containing="Nothing has happened yet")
        await ana.click({"view_id": preview["id"]}, "back")
        again = await open_view(ana, "Pause queue", containing="For how long")
        assert field(again, "seconds")["element"]["initial_value"] == "1h30m"
        assert field(again, "reason")["element"]["initial_value"] == "why not"
        assert field(again, "queue")["element"]["initial_option"]["value"] == "analytics"
        await ana.submit(again["id"], values(again, seconds="20m"))
        await open_view(ana, "Pause queue", containing="analytics for 20 min")


async def test_a_dead_broker_is_said_above_the_form_and_nothing_is_lost(slack: LocalSlack, place: Office) -> None:
    """What was typed stays, so that it can be sent again."""
    place.cluster.down = True
    async with bot_of(slack, place), Person(slack.url, "U0ANA") as ana:
        await ana.command("/celery pause", CHANNEL)
        form = await open_view(ana, "Pause queue", containing="For how long")
        await ana.submit(form["id"], values(form, queue="analytics", reason="it is late"))
        again = await open_view(ana, "Pause queue", containing="cannot be read")
        assert field(again, "reason")["element"]["initial_value"] == "it is late"


async def test_somebody_who_may_not_act_need_not_fill_in_anything(slack: LocalSlack, place: Office) -> None:
    """Dora is told at once; and so is everybody while executions are frozen."""
    async with bot_of(slack, place), Person(slack.url, "U0DORA") as dora, Person(slack.url, "U0ANA") as ana:
        await dora.command("/celery act", CHANNEL)
        await open_view(dora, "celery-oncall", containing="on-call list")
        await ana.command("/celery freeze", CHANNEL)
        await last_whisper(ana, containing="now frozen")
        await ana.command("/celery act", CHANNEL)
        await open_view(ana, "celery-oncall", containing="frozen")


async def test_a_form_is_authorised_when_it_is_sent(slack: LocalSlack, place: Office) -> None:
    """Who was taken off the list since it was opened is refused, whatever the form carries."""
    ports = place.ports()
    async with bot_of(slack, place, ports=ports), Person(slack.url, "U0ANA") as ana:
        await ana.command("/celery pause", CHANNEL)
        form = await open_view(ana, "Pause queue", containing="For how long")
        with ports.store.write() as tx:
            tx.set_note("roles", {"oncall": [], "platform": []})
        await ana.submit(form["id"], values(form, queue="analytics"))
        await open_view(ana, "celery-oncall", containing="on-call list")
    assert requests_of(ports, RequestState.DRAFT) == []


async def test_the_list_of_actions_leads_to_every_form(slack: LocalSlack, place: Office) -> None:
    """`/celery act` and the shortcut show all of them; what is chosen opens above the list."""
    async with bot_of(slack, place), Person(slack.url, "U0ANA") as ana:
        await ana.command("/celery act", CHANNEL)
        chooser = await open_view(ana, "What is to be done?", containing="Purge queue")
        read = read_blocks(chooser["blocks"])
        assert "Set aside the messages that wait in a queue" in read
        assert "Destructive: until it is undone" in read
        values_ = [b["accessory"]["value"] for b in chooser["blocks"] if "accessory" in b]
        assert len(values_) == len(place.ports("other").registry.actions)
        await ana.click({"view_id": chooser["id"]}, "fill", block_id="do pause_queue")
        form = await open_view(ana, "Pause queue", containing="For how long")
        assert form["previous_view_id"] == chooser["id"]
        await ana.submit(form["id"], values(form, queue="analytics"))
        preview = await open_view(ana, "Pause queue", containing="Nothing has happened yet")
        await ana.submit(preview["id"], {})
        assert await ana.views() == []
        await ana.shortcut("act_on_a_cluster")
        await open_view(ana, "What is to be done?")


async def test_a_mention_gives_a_button_that_opens_the_form(slack: LocalSlack, place: Office) -> None:
    """Slack gives no leave to open a view for a mention; what is asked for goes on in that thread."""
    ports = place.ports()
    async with bot_of(slack, place, ports=ports), Person(slack.url, "U0ANA") as ana:
        root = await ana.say(CHANNEL, "what now?")
        await ana.say(CHANNEL, "@celery-oncall pause", thread_ts=root["ts"])
        told = await last_whisper(ana, containing="Pause queue…")
        await ana.click(told, "fill")
        form = await open_view(ana, "Pause queue", containing="For how long")
        await ana.submit(form["id"], values(form, queue="notifications"))
        preview = await open_view(ana, "Pause queue", containing="Nothing has happened yet")
        await ana.submit(preview["id"], {})
        (request,) = await until(lambda: requests_of(ports, RequestState.PENDING))
        assert (request.channel, request.thread_ts) == (CHANNEL, root["ts"])
        await ana.say(CHANNEL, "@celery-oncall act", thread_ts=root["ts"])
        await ana.click(await last_whisper(ana, containing="Choose an action…"), "act")
        await open_view(ana, "What is to be done?")


async def test_what_is_asked_elsewhere_says_where_it_goes_on(slack: LocalSlack, place: Office) -> None:
    """A form opened in another channel, or by the shortcut, ends with where to look."""
    async with bot_of(slack, place), Person(slack.url, "U0ANA") as ana:
        await ana.command("/celery pause", "C0GENERAL")
        form = await open_view(ana, "Pause queue", containing="For how long")
        await ana.submit(form["id"], values(form, queue="notifications"))
        preview = await open_view(ana, "Pause queue", containing="Nothing has happened yet")
        await ana.submit(preview["id"], {})
        await open_view(ana, "celery-oncall", containing=f"<#{CHANNEL}>")
        await until(lambda: ana.messages(CHANNEL))
