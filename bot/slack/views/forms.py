"""The modals of an action: which one, what exactly, what it would touch, and what came of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.action import Risk
from bot.domain.approval import ApprovalRequest
from bot.domain.form import Described, KnownNames
from bot.domain.wording import listed
from bot.slack.forms.fields import FormField, Kind
from bot.slack.forms.filled import Typed
from bot.slack.forms.origin import Origin
from bot.slack.forms.state import CLUSTER, NOTHING, OTHER, block_of
from bot.slack.ids import ActionId, ViewId
from bot.slack.views.blocks import Block, actions, beside, button, context, section
from bot.slack.views.formatting import bold, escape, name, told
from bot.slack.views.modal import (
    MOST_OPTIONS,
    OPTION_VALUE,
    asked,
    checkbox_field,
    dispatching,
    modal,
    number_field,
    select_field,
    text_field,
)
from bot.slack.views.phrases import capital, what
from bot.slack.views.request import consent_line, preview_lines, reason_lines

MOST_NAMED = 5
"""Known names that a hint lists where they cannot be chosen."""


@dataclass(frozen=True)
class Form:
    """What an action's form is made from. `trouble` (mrkdwn) is what was wrong with it when it was sent last."""

    what: Described
    fields: tuple[FormField, ...]
    origin: Origin
    clusters: tuple[str, ...]
    known: KnownNames
    typed: Typed
    trouble: str = ""


def waiting_view(sentence: str = "One moment …") -> Block:
    """Return what stands there while something is looked up; it has no button that could be pressed meanwhile."""
    return modal(ViewId.NOTE, "celery-oncall", [section(f"⏳ {sentence}")])


def note_view(mrkdwn: str, title: str = "celery-oncall") -> Block:
    """Return one sentence, of a view's making."""
    return modal(ViewId.NOTE, title, [section(mrkdwn)])


def chooser_view(found: Iterable[Described], origin: Origin, about: str = "") -> Block:
    """Return every action with what it does and how risky it is, to choose from; `about` is an incident's queue."""
    on = f"On {name(origin.cluster)}{f', about {name(about)}' if about else ''}."
    rows = [beside(f"do {d.name}", _choice(d), _choose(d.name, origin)) for d in found]
    first = context(f"{on} You see what it would touch before anything happens.")
    return modal(ViewId.CHOOSER, "What is to be done?", [first, *rows], close="Cancel", about=origin.metadata)


def _choice(d: Described) -> str:
    means = "" if d.here else "\nThe bot cannot do this here; it shows the command."
    risk = f" · {name(d.risk)}" if d.risk else ""
    return f"{bold(name(d.title))}{risk}\n{told(d.what, 300)}{means}"


def _choose(action: str, origin: Origin) -> Block:
    return button("Choose", ActionId.FILL, fill_value(action, origin.incident, origin.cluster))


def fill_value(action: str, incident: str, cluster: str) -> str:
    """Return what the button carries that opens an action's form."""
    return f"{action}/{incident[:200]}/{cluster[:200]}"


def form_view(form: Form) -> Block:
    """Return the form of an action: its parameters one by one, with what is known filled in."""
    trouble = section(f"⚠️ {form.trouble}") if form.trouble else None
    one = len(form.clusters) < 2
    on = f"On {name(form.origin.cluster)}. " if one else ""
    return modal(
        ViewId.FORM,
        form.what.title,
        [
            trouble,
            context(f"{told(form.what.what, 300)} {on}Nothing happens yet."),
            None if one else _cluster(form),
            *[_asked(field, form) for field in form.fields],
        ],
        submit="Show preview",
        close="Cancel",
        about=form.origin.metadata,
    )


def _cluster(form: Form) -> Block:
    options = [(cluster, cluster) for cluster in form.clusters]
    return dispatching(asked(CLUSTER, "Cluster", select_field(options, form.origin.cluster)), ActionId.FORM_CLUSTER)


def _asked(field: FormField, form: Form) -> Block:
    typed = form.typed.get(field.name, field.start)
    start = "" if isinstance(typed, bool) else typed
    match field.kind:
        case Kind.NAME:
            return _name(field, form, start)
        case Kind.NUMBER:
            element = number_field(start, field.least, field.most)
        case Kind.FLAG:
            element = checkbox_field("Yes", on=typed is True)
        case Kind.CHOICE:
            element = select_field([(word, word) for word in field.choices], start)
        case Kind.LINES | Kind.REASON:
            element = text_field(start, longest=field.longest, multiline=True)
        case _:
            element = text_field(start, longest=field.longest)
    return asked(field.name, field.label, element, hint=field.hint, optional=not field.needed)


def _name(field: FormField, form: Form, start: str) -> Block:
    """Return the field of a name: a choice of the known ones and of another, or a field to type in."""
    known, cluster = form.known.of(field.name), form.origin.cluster
    options = _options(field, known, start) if field.name not in form.origin.typing.split(",") else None
    block_id = block_of(field.name, cluster, typing=options is None)
    if options is not None:
        choice = asked(block_id, field.label, select_field(options, start), hint=field.hint, optional=not field.needed)
        return dispatching(choice, ActionId.FORM_NAME)
    many = f" Known: {listed(known, MOST_NAMED)}." if len(known) >= MOST_OPTIONS else ""
    element = text_field(start, longest=field.longest)
    return asked(block_id, field.label, element, hint=f"{field.hint}{many}".strip(), optional=not field.needed)


def _options(field: FormField, known: Sequence[str], start: str) -> list[tuple[str, str]] | None:
    """Return the names to choose from, with none and another; None where none, too many or too long ones are known."""
    names = [*known, *([start] if start and start not in known else [])]
    none = [] if field.needed else [NOTHING]
    choices = [*none, *names, OTHER]
    if not known or len(choices) > MOST_OPTIONS or any(len(n) > OPTION_VALUE for n in names):
        return None
    return [(choice, choice) for choice in choices]


def preview_view(request: ApprovalRequest, origin: Origin, title: str) -> Block:
    """Return what a draft would touch; the modal's own button does it, or asks for it."""
    alone = request.risk is Risk.LOW
    wish = bold(f"{escape(capital(what(request.proposal)))} on {name(request.proposal.cluster)}?")
    return modal(
        ViewId.PREVIEW,
        title,
        [
            section("\n".join([wish, *reason_lines(request), *preview_lines(request)])),
            context(consent_line(request, alone)),
            actions("draft", button("Change…", ActionId.BACK, request.id)),
        ],
        submit=title if alone else "Ask for approval",
        close="Cancel",
        about=origin.about(draft=request.id).metadata,
    )


def opener(origin: Origin, label: str) -> dict[str, Any]:
    """Return the button that opens what an origin is about, from wherever it stands."""
    if origin.offer:
        return button(label, ActionId.CHANGE, origin.offer)
    if origin.action:
        return button(label, ActionId.FILL, fill_value(origin.action, origin.incident, origin.cluster))
    if origin.incident:
        return button(label, ActionId.ACT_ON, origin.incident)
    return button(label, ActionId.ACT, origin.cluster)
