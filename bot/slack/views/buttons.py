"""Buttons that stand on more than one card."""

from bot.domain.approval import ApprovalRequest
from bot.domain.mitigation import RATE, Mitigation
from bot.slack.ids import ActionId
from bot.slack.views.blocks import Block, button, confirm
from bot.slack.views.phrases import capital, preview_sentences, what


def approve_button(request: ApprovalRequest) -> Block:
    """Return Approve, whose dialog says once more what will happen."""
    return button(
        "Approve",
        ActionId.APPROVE,
        request.id,
        primary=True,
        confirm=confirm(f"{capital(what(request.proposal))}?", preview_sentences(request.preview), "Approve"),
    )


def deny_button(request: ApprovalRequest) -> Block:
    """Return Deny."""
    return button("Deny", ActionId.DENY, request.id)


def resume_button(mitigation: Mitigation, label: str = "") -> Block:
    """Return the button that ends a pause or a rate limit early."""
    if mitigation.kind == RATE:
        return _lift_button(mitigation)
    workers = len(mitigation.workers)
    back = f"{workers:,} worker{'' if workers == 1 else 's'}" if workers else "Its workers"
    return button(
        label or f"Resume {mitigation.target}",
        ActionId.RESUME,
        mitigation.id,
        confirm=confirm(
            f"Resume {mitigation.target}?",
            [f"{back} will take tasks from {mitigation.target} again, now. What waits there starts to run."],
            "Resume",
        ),
    )


def _lift_button(limit: Mitigation) -> Block:
    return button(
        "Lift the limit",
        ActionId.RESUME,
        limit.id,
        confirm=confirm(
            f"Lift the rate limit of {limit.target}?",
            ["Each worker gets back the limit it had before, now. Tasks it holds back already go on at the old rate."],
            "Lift",
        ),
    )


def extend_button(mitigation: Mitigation) -> Block:
    """Return the button that moves an end by half an hour."""
    if mitigation.kind == RATE:
        title, will = f"Limit {mitigation.target} 30 min longer?", "Workers start it no faster for 30 more minutes."
    else:
        title, will = f"Pause {mitigation.target} 30 min longer?", "Workers leave it alone for 30 more minutes."
    return button(
        "Extend 30 min",
        ActionId.EXTEND,
        f"{mitigation.id}/{int(mitigation.ends_at.timestamp())}",
        confirm=confirm(
            title,
            [f"{will} If that makes it long, other people are asked first."],
            "Extend",
        ),
    )
