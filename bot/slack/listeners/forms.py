"""The buttons that open a form, and a form's own: choose, change, send, confirm."""

from slack_bolt.async_app import AsyncApp

from bot.domain.approval import Refused
from bot.slack.answers import Place, place_of
from bot.slack.deliveries import Body, value_of
from bot.slack.forms.opening import drawn, from_here, offered_typed, open_form, other_cluster, show
from bot.slack.forms.origin import origin_of
from bot.slack.forms.sending import confirmed, previewed
from bot.slack.forms.state import OTHER, name_of, typed_in
from bot.slack.handling import handled, submitted
from bot.slack.ids import ActionId, CallbackId, ViewId
from bot.slack.tools import Tools
from bot.slack.views.forms import note_view
from bot.slack.views.words import refused_sentence
from bot.usecases import forms


def register(app: AsyncApp, tools: Tools) -> None:
    """Listen for them."""
    app.shortcut(CallbackId.ACT.value)(handled(tools, act))
    app.action(ActionId.ACT.value)(handled(tools, act))
    app.action(ActionId.ACT_ON.value)(handled(tools, act_on))
    app.action(ActionId.CHANGE.value)(handled(tools, change))
    app.action(ActionId.FILL.value)(handled(tools, fill))
    app.action(ActionId.FORM_CLUSTER.value)(handled(tools, move))
    app.action(ActionId.FORM_NAME.value)(handled(tools, named))
    app.action(ActionId.BACK.value)(handled(tools, back))
    app.view(ViewId.FORM.value)(submitted(tools, previewed))
    app.view(ViewId.PREVIEW.value)(submitted(tools, confirmed))


def asked_by(body: Body) -> tuple[Place, str]:
    """Return who pressed where, and what the button carries."""
    place = place_of(body)
    assert place is not None  # noqa: S101 - whoever presses or chooses is a person
    return place, value_of(body["actions"][0]) if body.get("actions") else ""


async def act(tools: Tools, body: Body) -> None:
    """Choose what to do on a cluster."""
    place, cluster = asked_by(body)
    await open_form(tools, place, from_here(place).about(cluster=cluster))


async def act_on(tools: Tools, body: Body) -> None:
    """Choose what to do about an incident."""
    place, incident = asked_by(body)
    await open_form(tools, place, from_here(place).about(incident=incident))


async def change(tools: Tools, body: Body) -> None:
    """Change what a runbook offers."""
    place, offer = asked_by(body)
    await open_form(tools, place, from_here(place).about(offer=offer))


async def fill(tools: Tools, body: Body) -> None:
    """Open an action's form: from the list of all of them, which stays below it, or from a message."""
    place, value = asked_by(body)
    action, incident, cluster = value.split("/", 2)
    chooser = body.get("view")
    origin = origin_of(chooser["private_metadata"]) if chooser else from_here(place)
    above = chooser is not None and chooser["type"] == "modal"
    await open_form(tools, place, origin.about(action=action, incident=incident, cluster=cluster), above=above)


async def move(tools: Tools, body: Body) -> None:
    """Another cluster was chosen."""
    place, cluster = asked_by(body)
    view = body["view"]
    origin = origin_of(view["private_metadata"])
    await show(tools, view["id"], await other_cluster(tools, place.user, origin, typed_in(view), cluster))


async def named(tools: Tools, body: Body) -> None:
    """A name was chosen. That is all, unless it is to be another one, which is typed."""
    place, value = asked_by(body)
    view = body["view"]
    if value == OTHER:
        origin = origin_of(view["private_metadata"]).typed(name_of(body["actions"][0]["block_id"]))
        await show(tools, view["id"], await drawn(tools, place.user, origin, typed_in(view)))


async def back(tools: Tools, body: Body) -> None:
    """From a preview back to the form, as it was filled in."""
    place, draft = asked_by(body)
    view, found = body["view"], await tools.db(forms.draft_of, draft, place.user)
    if isinstance(found, Refused):
        await show(tools, view["id"], note_view(refused_sentence(found)))
        return
    typed = offered_typed(tools, found.proposal.action, found.proposal.params, found.reason)
    origin = origin_of(view["private_metadata"]).about(draft="")
    await show(tools, view["id"], await drawn(tools, place.user, origin, typed))
