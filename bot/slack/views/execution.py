"""An execution's message: progress, then what the cluster itself shows, and the way back."""

from bot.domain.action import Execution, ExecutionState
from bot.domain.card import ExecutionCard
from bot.domain.mitigation import RATE, MitigationState
from bot.slack.ids import ActionId
from bot.slack.views.activity import mitigation_line, trouble
from bot.slack.views.blocks import Block, actions, button, confirm, context, lines, message, section
from bot.slack.views.formatting import bold, escape, mention, name, people, prose, when
from bot.slack.views.message import Message
from bot.slack.views.phrases import capital, doing, short, target, what

MOST_PROGRESS = 6


def execution_message(card: ExecutionCard) -> Message:
    """Return the outcome in one line, what follows from it, Undo while it can be undone, and the audit's witness."""
    execution = card.execution
    first = outcome_line(execution)
    return message(
        first,
        section("\n".join([bold(first), *_details(card)])),
        lines([f"• {prose(p, 200)}" for p in _progress(execution)], MOST_PROGRESS + 1),
        actions("execution", _undo(execution)) if card.undoable else None,
        context(_small_print(card)),
    )


def outcome_line(execution: Execution) -> str:
    """Return where it stands, on its cluster."""
    proposal = execution.proposal
    wish, where = escape(what(proposal)), name(proposal.cluster)
    match execution.state:
        case ExecutionState.QUEUED:
            return f"⏳ About to {wish} on {where}"
        case ExecutionState.RUNNING:
            return f"▶️ {escape(capital(doing(proposal)))} on {where}"
        case ExecutionState.VERIFIED:
            return f"✅ {prose(execution.verdict.sentence) if execution.verdict else f'Done: {wish}.'}"
        case ExecutionState.FAILED:
            return f"❌ {_failure(execution)}"
        case ExecutionState.INTERRUPTED:
            return f"⚠️ A person must look: it is not known whether “{wish}” worked on {where}"
        case ExecutionState.UNDONE:
            return f"↩️ Undone: {wish} on {where}"
        case ExecutionState.DRY_RUN:
            return f"👀 Observe mode: nothing was done on {where}"


def _failure(execution: Execution) -> str:
    """What never began touched nothing, and says so in its own words."""
    if execution.started_at is None:
        return trouble(execution)
    return f"Not fully done. {trouble(execution)}"


def _details(card: ExecutionCard) -> list[str]:
    execution = card.execution
    match execution.state:
        case ExecutionState.QUEUED | ExecutionState.RUNNING:
            return [prose(execution.preview.summary)]
        case ExecutionState.VERIFIED:
            return [*_in_force(card), *_noted(execution)]
        case ExecutionState.FAILED:
            return _in_force(card)
        case ExecutionState.INTERRUPTED:
            return [_what_to_check(execution), *_in_force(card), *_noted(execution)]
        case ExecutionState.DRY_RUN:
            return [f"It would have run: {prose(execution.preview.summary)}"]
    return []


def _noted(execution: Execution) -> list[str]:
    return [prose(execution.error)] if execution.error else []


def _what_to_check(execution: Execution) -> str:
    queue, where = escape(target(execution.proposal)), name(execution.proposal.cluster)
    about = f"Check which workers take tasks from {queue}" if queue else "Check the cluster"
    return f"{about}: `/celery status {where}`. Nothing is repeated by itself."


def _in_force(card: ExecutionCard) -> list[str]:
    """Say what stands now, and that it ends by itself."""
    mitigation = card.mitigation
    if mitigation is None or card.execution.proposal.action not in ("pause_queue", "limit_rate"):
        return []
    if mitigation.state is MitigationState.IN_FORCE and mitigation.kind == RATE:
        return [f"Limited until {when(mitigation.ends_at, card.now)}. It is lifted by itself then."]
    if mitigation.state is MitigationState.IN_FORCE:
        return [f"Paused until {when(mitigation.ends_at, card.now)}. It resumes by itself then."]
    return [mitigation_line(mitigation, card.now)]


def _progress(execution: Execution) -> tuple[str, ...]:
    """Progress is of use while it runs, and where somebody must find out how far it came."""
    shown = (ExecutionState.RUNNING, ExecutionState.INTERRUPTED)
    return execution.progress[-MOST_PROGRESS:] if execution.state in shown else ()


def _undo(execution: Execution) -> Block:
    back = short(execution.undo) if execution.undo else f"undo {short(execution.proposal)}"
    return button(
        "Undo",
        ActionId.UNDO,
        execution.id,
        confirm=confirm(f"Undo: {back}?", [f"This will {back} now."], capital(back), no="Leave it"),
    )


def _small_print(card: ExecutionCard) -> str:
    execution = card.execution
    ended = f", {when(execution.ended_at, card.now)}" if execution.ended_at else ""
    witness = f"audit #{execution.audit_seq} · {(execution.audit_hash or '')[:8]}" if execution.audit_seq else ""
    final = prose(execution.irreversible, 200) if execution.irreversible else ""
    parts = [f"{consented(execution)}{ended}", name(execution.proposal.cluster), witness, final]
    return " · ".join(p for p in parts if p)


def consented(execution: Execution) -> str:
    """Return who asked and who consented, in words."""
    if execution.requested_by == "system":
        return "By itself, as agreed when it began"
    asked = f"Asked by {mention(execution.requested_by)}"
    by = execution.consent.removeprefix("approved by ")
    if by != execution.consent:
        return f"{asked}, approved by {people([p.strip() for p in by.split(',')], 'and')}"
    if execution.consent == "policy low":
        return f"{asked}, low risk: no second person needed"
    return f"{asked}, {prose(execution.consent, 200)}"
