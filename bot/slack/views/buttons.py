"""Buttons that stand on more than one card."""

from bot.domain.approval import ApprovalRequest
from bot.domain.mitigation import Mitigation
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
    """Return the button that ends a pause early."""
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


def extend_button(mitigation: Mitigation) -> Block:
    """Return the button that moves a pause's end by half an hour."""
    return button(
        "Extend 30 min",
        ActionId.EXTEND,
        f"{mitigation.id}/{int(mitigation.ends_at.timestamp())}",
        confirm=confirm(
            f"Pause {mitigation.target} 30 min longer?",
            ["Workers leave it alone for 30 more minutes. If that makes it long, other people are asked first."],
            "Extend",
        ),
    )
