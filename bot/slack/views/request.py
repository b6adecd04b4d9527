"""A request for approval: a message of its own, since edits notify nobody; and the draft its author sees first."""

from bot.domain.approval import ApprovalRequest, RequestState
from bot.domain.card import RequestCard
from bot.domain.wording import counted
from bot.slack.ids import ActionId
from bot.slack.views.activity import decision, execution_line
from bot.slack.views.blocks import Block, actions, button, confirm, context, message, section
from bot.slack.views.buttons import approve_button, deny_button
from bot.slack.views.formatting import bold, clip, escape, fitted, linked, mention, name, people, prose, when
from bot.slack.views.message import Message
from bot.slack.views.phrases import capital, preview_sentences, short, what

MOST_MENTIONED = 20


def request_message(card: RequestCard, link: str = "") -> Message:
    """Return who asks what and why, what it would touch, and the buttons; after the decision, who decided and when.

    `link` is the address of its incident's thread, if it has one.
    """
    request = card.request
    open_still = request.state is RequestState.PENDING
    asks = f"{mention(request.requested_by)} asks to {escape(what(request.proposal))} on {_cluster(request)}"
    call = _call(card) if open_still else decision(request, card.now)
    outcome = f"\n{execution_line(card.execution)}" if card.execution else ""
    return message(
        f"{call}\n{asks}.",
        section(f"{call}{outcome}"),
        section("\n".join([bold(asks), *_why(card, link), *_touches(request)])),
        actions("request", *_buttons(card)) if open_still else None,
        context(_small_print(card)),
    )


def _cluster(request: ApprovalRequest) -> str:
    return name(request.proposal.cluster)


def _call(card: RequestCard) -> str:
    """Return the line that calls exactly those who may approve."""
    asked = card.request.asked
    if card.reader:
        return "You are asked to decide."
    if not asked:
        return "Nobody may approve this. Ask whoever keeps the settings to name approvers."
    return f"{people(asked, 'or', MOST_MENTIONED)}: please decide."


def _why(card: RequestCard, link: str) -> list[str]:
    incident = card.incident
    subject = (incident.queue or incident.alert.name) if incident else ""
    about = [f"Incident: {linked(subject, link) if link else name(subject)}"] if incident else []
    return [*about, *reason_lines(card.request)]


def reason_lines(request: ApprovalRequest) -> list[str]:
    """Return why it is asked for, if that was said."""
    return [f"Why: {prose(request.reason, 300)}"] if request.reason else []


def _touches(request: ApprovalRequest) -> list[str]:
    """Return the preview: all of it while people decide, then only what they decided on."""
    return preview_lines(request)[: None if request.state is RequestState.PENDING else 1]


def preview_lines(request: ApprovalRequest) -> list[str]:
    """Return what people consent to: what happens, what it does not stop, what to beware of."""
    preview = request.preview
    notes = [f"• {prose(n, 300)}" for n in preview.notes]
    warnings = [f"⚠️ {prose(w, 300)}" for w in preview.warnings]
    return [clip(prose(preview.summary), 900), *fitted([*warnings, *notes], 10, 1500)]


def _buttons(card: RequestCard) -> list[Block | None]:
    request = card.request
    withdraw = None if card.reader else button("Withdraw", ActionId.WITHDRAW, request.id)
    return [approve_button(request), deny_button(request), withdraw] if request.asked else [withdraw]


def _small_print(card: RequestCard) -> str:
    request = card.request
    came = [f"From <#{request.channel}>, where everybody sees it"] if card.reader else []
    ends = [f"expires {when(request.expires_at, card.now)}"] if request.state is RequestState.PENDING else []
    agreed = [r.by for r in request.reviews] if request.state is RequestState.PENDING else []
    so_far = [f"{people(agreed, 'and')} agreed so far"] if agreed else []
    needs = [_needs(request)] if request.state is RequestState.PENDING else []
    return " · ".join([*came, *needs, *so_far, *ends, f"asked {when(request.requested_at, card.now)}"])


def _needs(request: ApprovalRequest) -> str:
    ways = [f"{counted(a.approve, 'approval')} from {name(a.by)}" for a in request.alternatives[:4]]
    return f"needs {' or '.join(ways)}" if ways else "needs no approval"


def draft_message(request: ApprovalRequest, alone: bool) -> Message:
    """Return what its author sees before anything happens; `alone`: this person may do it without others."""
    wish = what(request.proposal)
    title = f"{escape(capital(wish))} on {_cluster(request)}?"
    label = capital(wish) if alone else "Ask for approval"
    dialog = confirm(f"{capital(wish)}?", preview_sentences(request.preview), capital(short(request.proposal)))
    submit = button(label, ActionId.SUBMIT_DRAFT, request.id, confirm=dialog if alone else None, primary=True)
    return message(
        f"{title} {prose(request.preview.summary, 300)}",
        section("\n".join([bold(title), *reason_lines(request), *preview_lines(request)])),
        actions("draft", submit, button("Cancel", ActionId.DISCARD_DRAFT, request.id)),
        context(consent_line(request, alone)),
    )


def consent_line(request: ApprovalRequest, alone: bool) -> str:
    """Return who must agree to a draft, for its author."""
    asks = "Your on-call role is enough for this." if alone else f"This asks {people(request.asked)}."
    return f"{asks} {_KEPT}"


_KEPT = "Nothing has happened yet."
