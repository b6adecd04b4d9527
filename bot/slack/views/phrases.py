"""What a proposal does, in words: "pause analytics for 30 min". Plain text; escape it where markup is read."""

from bot.domain.action import Preview, Proposal
from bot.domain.duration import lasting, seconds_of
from bot.domain.wording import counted
from bot.slack.views.formatting import one_line

_VERBS = {
    "pause_queue": ("pause", "pausing"),
    "resume_queue": ("resume", "resuming"),
    "scale_workers": ("start more workers for", "starting more workers for"),
}


def short(proposal: Proposal) -> str:
    """Return "pause analytics"."""
    return _said(proposal, 0)


def doing(proposal: Proposal) -> str:
    """Return "pausing analytics"."""
    return _said(proposal, 1)


def what(proposal: Proposal) -> str:
    """Return "pause analytics for 30 min"."""
    given = proposal.params.get("seconds", proposal.params.get("for"))
    seconds = seconds_of(given) if isinstance(given, str) else given
    return f"{short(proposal)} for {lasting(seconds)}" if isinstance(seconds, int) else short(proposal)


def target(proposal: Proposal) -> str:
    """Return the queue it is about, or nothing."""
    return one_line(str(proposal.params.get("queue", "")))


def capital(text: str) -> str:
    """Return text with its first letter large and the rest as it was."""
    return text[:1].upper() + text[1:]


def preview_sentences(preview: Preview) -> list[str]:
    """Return a preview for a dialog: what happens, what to beware of, what it does not stop."""
    return [preview.summary, *preview.warnings, *preview.notes]


def _resizing(proposal: Proposal, form: int) -> str | None:
    """Return "add 2 slots for booking" or "take 2 slots from booking"; None where the number makes no sense."""
    by, of = proposal.params.get("by"), proposal.params.get("queue") or proposal.params.get("worker") or ""
    if proposal.action != "resize_pools" or not isinstance(by, int) or not by:
        return None
    verb, towards = (("add", "adding"), "for") if by > 0 else (("take", "taking"), "from")
    return f"{verb[form]} {counted(abs(by), 'slot')} {towards} {one_line(str(of))}"


def _on_tasks(proposal: Proposal, form: int) -> str | None:
    """Return "set aside shop.book in booking" and the like, by task where one is named; None for other actions."""
    said, queue = proposal.params, one_line(str(proposal.params.get("queue") or ""))
    ids, named = said.get("ids") or (), said.get("task") or said.get("exception")
    tasks = one_line(str(named)) if named else ""
    if isinstance(ids, list | tuple) and ids:
        tasks = counted(len(ids), "task") if len(ids) > 1 else f"task {one_line(str(ids[0]))[:8]}"
    what, archive = tasks or "everything", one_line(str(said.get("archive") or ""))
    match proposal.action:
        case "purge_queue":
            return f"{('set aside', 'setting aside')[form]} {what} in {queue}"
        case "revoke_tasks":
            verb = ("end", "ending") if said.get("terminate") else ("revoke", "revoking")
            return f"{verb[form]} {what}{f' in {queue}' if queue else ''}"
        case "requeue_failed":
            return f"{('send failed', 'sending failed')[form]} {tasks} again"
        case "restore_archive":
            return f"{('put', 'putting')[form]} {archive} back{f' into {queue}' if queue else ''}"
        case "limit_rate":
            rate = one_line(str(said.get("rate") or ""))
            return f"{('limit', 'limiting')[form]} {tasks} to {rate}"
        case "lift_rate_limit":
            return f"{('lift the rate limit of', 'lifting the rate limit of')[form]} {tasks}"
        case "limit_time":
            limits = [f"{said[kind]} s {kind}" for kind in ("soft", "hard") if isinstance(said.get(kind), int)]
            if said.get("workers"):
                return f"{('take', 'taking')[form]} {' and '.join(limits)} off {tasks}"
            return f"{('limit', 'limiting')[form]} {tasks} to {' and '.join(limits)}"
        case "drop_archive":
            return f"{('delete', 'deleting')[form]} {archive} for good"
    return None


def _said(proposal: Proposal, form: int) -> str:
    if special := _resizing(proposal, form) or _on_tasks(proposal, form):
        return special
    plain = one_line(proposal.action.replace("_", " "))
    verb = _VERBS.get(proposal.action, (plain, f"running {plain}:"))[form]
    return f"{verb} {target(proposal)}".strip().rstrip(":")
