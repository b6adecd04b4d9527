"""One line each for what is asked, running, done and in force: the same words on every card that shows them."""

from datetime import datetime

from bot.domain.action import Execution, ExecutionState
from bot.domain.approval import Answer, ApprovalRequest, RequestState
from bot.domain.mitigation import RATE, Mitigation, MitigationState
from bot.domain.rates import in_words
from bot.slack.views.formatting import escape, mention, name, people, prose, when
from bot.slack.views.phrases import capital, doing, short, what


def request_line(request: ApprovalRequest, now: datetime) -> str:
    """Return how a request stands."""
    wish = escape(what(request.proposal))
    if request.state is RequestState.PENDING:
        return f"⏳ {capital(wish)}: waits for {people(request.asked)} until {when(request.expires_at, now)}"
    return f"{decision(request, now)}: {wish}"


def decision(request: ApprovalRequest, now: datetime) -> str:
    """Return who decided a request and when; nothing while nobody has."""
    at = when(request.decided_at, now) if request.decided_at else "an unknown time"
    match request.state:
        case RequestState.APPROVED:
            yes = [r.by for r in request.reviews if r.answer is Answer.APPROVE]
            return f"✅ Approved by {people(yes or [request.requested_by], 'and')}, {at}"
        case RequestState.DENIED:
            no = [r.by for r in request.reviews if r.answer is Answer.DENY]
            return f"🚫 Denied by {people(no, 'and')}, {at}"
        case RequestState.WITHDRAWN:
            return f"↩️ Withdrawn by {mention(request.requested_by)}, {at}"
        case RequestState.EXPIRED:
            return f"⌛ Expired {at}, nobody answered"
    return ""


def execution_line(execution: Execution) -> str:
    """Return how an execution stands."""
    wish = escape(capital(short(execution.proposal)))
    match execution.state:
        case ExecutionState.QUEUED:
            return f"⏳ {escape(capital(doing(execution.proposal)))}: about to start"
        case ExecutionState.RUNNING:
            return f"▶️ {escape(capital(doing(execution.proposal)))} now"
        case ExecutionState.VERIFIED:
            return f"✅ {prose(execution.verdict.sentence) if execution.verdict else f'{wish}: done'}"
        case ExecutionState.FAILED:
            return f"❌ {wish}: {trouble(execution)}"
        case ExecutionState.INTERRUPTED:
            return f"⚠️ {wish}: a person must look"
        case ExecutionState.UNDONE:
            return f"↩️ {wish}: undone"
        case ExecutionState.DRY_RUN:
            return f"👀 {wish}: only observed, nothing was done"


def trouble(execution: Execution) -> str:
    """Return what went wrong: what the cluster shows first, then what the bot ran into."""
    said = [execution.verdict.sentence if execution.verdict else "", execution.error or ""]
    return prose(" ".join(s for s in said if s)) or "it did not work"


def mitigation_line(mitigation: Mitigation, now: datetime) -> str:
    """Return what is in force, by whom, until when."""
    if mitigation.kind == RATE:
        return _limit_line(mitigation, now)
    queue, until = name(mitigation.target), when(mitigation.ends_at, now)
    match mitigation.state:
        case MitigationState.APPLYING:
            return f"⏸️ {queue}: pause begins now, until {until}"
        case MitigationState.PARTIAL:
            return f"⚠️ {queue} may be paused only in part: a person must look. Ends {until}"
        case MitigationState.ENDING:
            return f"▶️ {queue}: pause is ending now"
        case MitigationState.ENDED | MitigationState.RETURNING:
            ended = f" {when(mitigation.ended_at, now)}" if mitigation.ended_at else ""
            return f"▶️ {queue}: pause ended{ended}"
    return f"⏸️ {queue} is paused until {until} by {mention(mitigation.owner)}"


def _limit_line(limit: Mitigation, now: datetime) -> str:
    task, until = name(limit.target), when(limit.ends_at, now)
    rate = f"{in_words(limit.rate or '')} on each worker"
    match limit.state:
        case MitigationState.APPLYING:
            return f"🐢 {task}: limit of {rate} begins now, until {until}"
        case MitigationState.PARTIAL:
            return f"⚠️ {task} may be limited only in part: a person must look. Ends {until}"
        case MitigationState.ENDING:
            return f"▶️ {task}: rate limit is ending now"
        case MitigationState.ENDED | MitigationState.RETURNING:
            ended = f" {when(limit.ended_at, now)}" if limit.ended_at else ""
            return f"▶️ {task}: rate limit ended{ended}"
    return f"🐢 {task} is limited to {rate} until {until} by {mention(limit.owner)}"
