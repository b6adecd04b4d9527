"""Forms between people and a real bot: the ways in, what is wrong in them, the preview, and what is done."""

import asyncio
from dataclasses import replace
from typing import Any

from bot.adapters.expressions import JinjaExpressions
from bot.domain.approval import RequestState
from bot.slack.forms.origin import Origin, origin_of
from bot.slack.forms.state import OTHER
from playground.slack import LocalSlack, Person, Webhook
from tests.slack.incoming import alert, incidents, thread
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
        assert "Did you mean “analytics”" in typo["errors"]["queue@prod+"]
        await ana.submit(form["id"], values(form, queue="analytics"))
        await open_view(ana, "Pause queue", containing="Nothing has happened yet")


async def test_a_name_that_is_not_listed_is_typed_instead(slack: LocalSlack, place: Office) -> None:
    """What stands in the other fields stays; a known name that was chosen changes nothing."""
    async with bot_of(slack, place), Person(slack.url, "U0ANA") as ana:
        await ana.command("/celery pause", CHANNEL)
        form = await open_view(ana, "Pause queue", containing="For how long")
        here = {"view_id": form["id"]}
        typed = values(form, seconds="45m")
        await ana.click(here, "form_name", value="booking", values=typed)
        await ana.click(here, "form_name", value=OTHER, values=typed)
        again = await open_view(ana, "Pause queue", containing="queue@prod+")
        assert field(again, "seconds")["element"]["initial_value"] == "45m"
        typo = await ana.submit(again["id"], values(again, queue="analitics", seconds="45m"))
        assert typo["errors"] == {"queue@prod+": "There is no queue “analitics”. Did you mean “analytics”?"}
        await ana.submit(again["id"], values(again, queue="analytics"))
        await open_view(ana, "Pause queue", containing="analytics for 45 min")


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
        assert "*Purge queue* · destructive" in read
        assert "*Pause queue* · low or high" in read
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


async def with_offer(person: Person) -> dict[str, Any]:
    """Return an incident's card once it offers something."""

    async def look() -> dict[str, Any] | None:
        found = await thread(person)
        return found[0] if found and "'change'" in shown(found[0]) else None

    card: dict[str, Any] = await until(look)
    return card


async def test_what_a_runbook_offers_can_be_changed_first(slack: LocalSlack, place: Office) -> None:
    """The form holds the offer's parameters; what comes of it goes into the incident's thread."""
    ports = replace(place.ports(), expressions=JinjaExpressions())
    async with bot_of(slack, place, ports=ports), Person(slack.url, "U0ANA") as ana:
        await Webhook(slack.url).post(alert())
        card = await with_offer(ana)
        await ana.click(card, "change")
        form = await open_view(ana, "Pause queue", containing="For how long")
        assert field(form, "queue")["element"]["initial_option"]["value"] == "analytics"
        assert field(form, "seconds")["element"]["initial_value"] == "30m"
        assert "ai_generation is backed up" in field(form, "reason")["element"]["initial_value"]
        await ana.submit(form["id"], values(form, seconds="45m", queue="notifications"))
        preview = await open_view(ana, "Pause queue", containing="for 45 min")
        await ana.submit(preview["id"], {})
        (request,) = await until(lambda: requests_of(ports, RequestState.PENDING))
        (incident,) = incidents(ports)
        assert (request.incident_id, request.thread_ts) == (incident.id, incident.root_ts)


async def test_an_incident_fills_in_its_queue_and_nothing_that_the_form_says_moves_it(
    slack: LocalSlack, place: Office
) -> None:
    """Where it is shown is read from the incident, not from what travels with the form."""
    ports = place.ports()
    async with bot_of(slack, place, ports=ports), Person(slack.url, "U0ANA") as ana:
        await Webhook(slack.url).post(alert())
        await until(lambda: thread(ana))
        (incident,) = incidents(ports)
        await ana.click((await thread(ana))[0], "act_on", forge=True, value=incident.id)
        chooser = await open_view(ana, "What is to be done?", containing="about ai_generation")
        await ana.click({"view_id": chooser["id"]}, "fill", block_id="do pause_queue")
        form = await open_view(ana, "Pause queue", containing="For how long")
        assert field(form, "queue")["element"]["initial_option"]["value"] == "ai_generation"
        elsewhere = origin_of(form["private_metadata"]).about(channel="C0GENERAL", thread_ts="1.2")
        for view in slack.backend.views.stack("U0ANA"):
            view["private_metadata"] = elsewhere.metadata
        await ana.submit(form["id"], {})
        preview = await open_view(ana, "Pause queue", containing="Nothing has happened yet")
        await ana.submit(preview["id"], {})
        (request,) = await until(lambda: requests_of(ports, RequestState.PENDING))
        assert (request.channel, request.thread_ts) == (CHANNEL, incident.root_ts)


async def test_a_form_that_carries_nonsense_is_answered_in_words(slack: LocalSlack, place: Office) -> None:
    """An incident of another database, a channel that is not the bot's, no JSON at all."""
    ports = place.ports()
    async with bot_of(slack, place, ports=ports), Person(slack.url, "U0ANA") as ana:
        for metadata, answer in (
            (Origin(action="pause_queue", cluster="prod", incident="inc-99").metadata, "no incident `inc-99`"),
            (Origin(action="pause_everything", cluster="prod").metadata, "no action `pause_everything`"),
            (Origin(action="pause_queue", cluster="moon").metadata, "no cluster `moon`"),
            ("{", "another version of the bot"),
        ):
            await ana.command("/celery pause", CHANNEL)
            form = await open_view(ana, "Pause queue", containing="For how long")
            slack.backend.views.stack("U0ANA")[-1]["private_metadata"] = metadata
            await ana.submit(form["id"], values(form, queue="analytics"))
            told = await open_view(ana, "celery-oncall", containing=answer)
            await ana.close_view(told["id"])
        await ana.command("/celery pause", CHANNEL)
        form = await open_view(ana, "Pause queue", containing="For how long")
        slack.backend.views.stack("U0ANA")[-1]["private_metadata"] = Origin(
            action="pause_queue", cluster="prod", channel="C0GENERAL", draft="req-1"
        ).metadata
        await ana.submit(form["id"], values(form, queue="notifications"))
        preview = await open_view(ana, "Pause queue", containing="Nothing has happened yet")
        await ana.submit(preview["id"], {})
        (request,) = await until(lambda: requests_of(ports, RequestState.PENDING))
        assert request.channel == CHANNEL


async def test_another_persons_draft_is_not_sent_by_a_form(slack: LocalSlack, place: Office) -> None:
    """Whoever presses must be who drafted it."""
    ports = place.ports()
    async with bot_of(slack, place, ports=ports), Person(slack.url, "U0ANA") as ana, Person(slack.url, "U0BEN") as ben:
        drafts = {}
        for person, queue in ((ana, "notifications"), (ben, "analytics")):
            await person.command("/celery pause", CHANNEL)
            form = await open_view(person, "Pause queue", containing="For how long")
            await person.submit(form["id"], values(form, queue=queue))
            drafts[person.id] = await open_view(person, "Pause queue", containing="Nothing has happened yet")
        stack = slack.backend.views.stack("U0ANA")
        stack[-1]["private_metadata"] = drafts["U0BEN"]["private_metadata"]
        await ana.submit(drafts["U0ANA"]["id"], {})
        await open_view(ana, "celery-oncall", containing="only <@U0BEN> can do that")
    assert place.dispatcher.sent == []


async def test_home_and_status_lead_to_the_list(slack: LocalSlack, place: Office) -> None:
    """From the Home tab nobody knows a channel: the end says where it goes on."""
    ports = place.ports()
    async with bot_of(slack, place, ports=ports), Person(slack.url, "U0ANA") as ana:
        await ana.open_home()
        home = await until(ana.home)
        await ana.click({"view_id": home["id"]}, "act")
        chooser = await open_view(ana, "What is to be done?")
        await ana.click({"view_id": chooser["id"]}, "fill", block_id="do pause_queue")
        form = await open_view(ana, "Pause queue", containing="For how long")
        await ana.submit(form["id"], values(form, queue="notifications"))
        preview = await open_view(ana, "Pause queue", containing="Nothing has happened yet")
        await ana.submit(preview["id"], {})
        told = await open_view(ana, "celery-oncall", containing=f"<#{CHANNEL}>")
        await ana.close_view(told["id"])
        await ana.command("/celery status", CHANNEL)
        await ana.click(await last_whisper(ana, containing="ai_generation"), "act")
        await open_view(ana, "What is to be done?", containing="On prod")
