"""Opening a form: a view that only waits comes at once, since Slack's leave lasts three seconds; then it is drawn."""

from dataclasses import replace
from typing import Any

import structlog

from bot.domain.approval import Refused
from bot.domain.errors import OncallError
from bot.domain.form import Described
from bot.slack.acts import FORMS
from bot.slack.answers import Place
from bot.slack.forms.fields import REASON, FormField, fields_of, typed_of
from bot.slack.forms.filled import Typed
from bot.slack.forms.origin import Origin
from bot.slack.outcomes import UNREACHABLE, code_of
from bot.slack.tools import Tools
from bot.slack.views.blocks import Block, actions, message, section
from bot.slack.views.formatting import prose
from bot.slack.views.forms import Form, chooser_view, form_view, note_view, opener, waiting_view
from bot.slack.views.message import Message
from bot.slack.views.words import refused_sentence
from bot.usecases import forms

log = structlog.get_logger(__name__)

NOT_DRAWN = "The form could not be drawn, and nothing was done. `/celery help` shows how to say it in words."


def from_here(place: Place) -> Origin:
    """Return where something was asked for, as a form remembers it."""
    return Origin(channel=place.channel or "", thread_ts=place.thread_ts or "")


async def open_form(tools: Tools, place: Place, origin: Origin, *, above: bool = False) -> None:
    """Open what an origin is about, for whoever asked; `above` the view that was clicked in.

    Where Slack gives no leave (a mention) or it is over, a button is shown that opens it.
    """
    view_id = await _opened(tools, place, above=above)
    if view_id is None:
        await tools.answers.alone(place, press_message(tools, origin, late=place.trigger is not None))
        return
    try:
        await tools.people.know(place.user)
        view = await drawn(tools, place.user, origin)
    except Exception:
        await show(tools, view_id, note_view(NOT_DRAWN))
        raise
    if not await show(tools, view_id, view):
        await show(tools, view_id, note_view(NOT_DRAWN))


async def _opened(tools: Tools, place: Place, *, above: bool) -> str | None:
    """Return the id of a view that waits, or None when Slack did not open one."""
    if place.trigger is None:
        return None
    open_view = tools.client.views_push if above else tools.client.views_open
    try:
        answer = await open_view(trigger_id=place.trigger, view=waiting_view())
    except UNREACHABLE as e:
        log.warning("no view opened", why=code_of(e))
        return None
    return str(answer["view"]["id"])


async def show(tools: Tools, view_id: str, view: Block) -> bool:
    """Put a view where another stands; returns whether that was still open."""
    try:
        await tools.client.views_update(view_id=view_id, view=view)
    except UNREACHABLE as e:
        closed = code_of(e) == "not_found"
        (log.info if closed else log.error)("view not updated", why=code_of(e))
        return False
    return True


def press_message(tools: Tools, origin: Origin, *, late: bool = False) -> Message:
    """Return the button that opens a form, for where it could not be opened by itself."""
    named = tools.ports.registry.actions.get(origin.action)
    what = origin.action.replace("_", " ").capitalize() if named else "Choose an action"
    if not origin.cluster:
        origin = origin.about(cluster=tools.ports.clusters.for_channel(origin.channel))
    why = "Slack gave the bot no time to open the form." if late else "Press to open the form."
    return message(why, section(why), actions("form", opener(origin, f"{what}…")))


async def drawn(tools: Tools, user: str, origin: Origin, typed: Typed | None = None, trouble: str = "") -> Block:
    """Return the view of what an origin is about; what stands in the way instead, in words."""
    try:
        if refused := await tools.db(forms.allowed, user):
            return note_view(refused_sentence(refused))
        if origin.offer and typed is None:
            found = await tools.db(forms.offered, origin.offer)
            if isinstance(found, Refused):
                return note_view(refused_sentence(found))
            offer, incident = found
            origin = origin.about(action=offer.action, cluster=offer.cluster, incident=incident)
            return _form(tools, origin, offered_typed(tools, offer.action, offer.params), trouble)
        return await _by_incident(tools, origin, typed, trouble)
    except OncallError as e:
        return note_view(prose(str(e)))


async def _by_incident(tools: Tools, origin: Origin, typed: Typed | None, trouble: str) -> Block:
    """Return the chooser or the form, with what an incident tells."""
    subject = await tools.db(forms.subject, origin.incident) if origin.incident else None
    cluster = origin.cluster or (subject.cluster if subject else tools.ports.clusters.for_channel(origin.channel))
    origin = origin.about(cluster=cluster)
    queue = (subject.queue if subject else None) or ""
    if not origin.action:
        found = sorted(forms.all_described(tools.ports, cluster), key=_usual)
        return chooser_view(found, origin, queue)
    if typed is None:
        asked = fields_of(forms.action_named(tools.ports, origin.action).params)
        typed = {f.name: queue for f in asked if queue and f.name == "queue" and not f.elsewhere}
    return _form(tools, origin, typed, trouble)


def _usual(what: Described) -> tuple[int, str]:
    """Return where an action stands in the list: as its command does, those without one last."""
    order = list(dict.fromkeys(FORMS.values()))
    return order.index(what.name) if what.name in order else len(order), what.name


def _form(tools: Tools, origin: Origin, typed: Typed, trouble: str) -> Block:
    action = forms.action_named(tools.ports, origin.action)
    return form_view(
        Form(
            what=forms.described(action, tools.ports.clusters.spec(origin.cluster)),
            fields=fields_of(action.params),
            origin=origin,
            clusters=tuple(tools.ports.clusters.names()),
            known=forms.known_names(tools.ports, origin.cluster),
            typed=typed,
            trouble=trouble,
        )
    )


def offered_typed(tools: Tools, action: str, params: dict[str, Any], reason: str = "") -> dict[str, str | bool]:
    """Return the parameters of a proposal as they would have been typed; its reason stands among them or beside."""
    asked: tuple[FormField, ...] = fields_of(forms.action_named(tools.ports, action).params)
    return {REASON: reason, **typed_of(asked, params)}


async def other_cluster(tools: Tools, user: str, origin: Origin, typed: Typed, cluster: str) -> Block:
    """Return the same form for another cluster: names that are not known there are left out."""
    try:
        known = forms.known_names(tools.ports, cluster)
    except OncallError as e:
        return note_view(prose(str(e)))
    kept = {name: value for name, value in typed.items() if name not in ("queue", "worker") or value in known.of(name)}
    return await drawn(tools, user, replace(origin, cluster=cluster), kept)
