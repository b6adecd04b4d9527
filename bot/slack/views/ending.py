"""The warning five minutes before a pause ends: what will happen then, and how to have it otherwise."""

from bot.domain.card import EndingCard
from bot.domain.mitigation import RATE, Mitigation
from bot.domain.wording import counted
from bot.slack.views.activity import mitigation_line
from bot.slack.views.blocks import actions, context, message, section
from bot.slack.views.buttons import extend_button, resume_button
from bot.slack.views.formatting import bold, count, lasted, mention, name, prose, when
from bot.slack.views.message import Message


def ending_message(card: EndingCard) -> Message:
    """Return the warning; once the pause ended, or its end was moved, that instead."""
    pause = card.mitigation
    moved = pause.warned_for is not None and pause.ends_at > pause.warned_for
    if not pause.live or moved:
        line = f"⏰ Extended until {when(pause.ends_at, card.now)}: {name(pause.target)}" if pause.live else ""
        return message(line or mitigation_line(pause, card.now), section(line or mitigation_line(pause, card.now)))
    what, done = ("rate limit", "limited") if pause.kind == RATE else ("pause", "paused")
    first = f"⏰ {mention(pause.owner)}: the {what} of {name(pause.target)} ends at {when(pause.ends_at, card.now)}"
    return message(
        f"{first}. {_then(card)}",
        section(f"{bold(first)}\n{_then(card)}"),
        actions("pause", extend_button(pause), resume_button(pause, "Resume now")),
        context(f"{name(pause.cluster)} · {done} for {lasted(pause.ends_at - pause.began_at)}{_reason(pause)}"),
    )


def _then(card: EndingCard) -> str:
    """Return what happens at the end."""
    if card.mitigation.kind == RATE:
        return "Then its workers have the rate limits again that they had before."
    workers = counted(len(card.mitigation.workers), "worker") if card.mitigation.workers else "the workers that are up"
    if card.waiting is None:
        return f"Then {workers} will take its tasks again. How many wait is not known."
    if card.waiting == 0:
        return f"Then {workers} will take its tasks again. None wait now."
    tasks = "1 waiting task" if card.waiting == 1 else f"{count(card.waiting)} waiting tasks"
    return f"Then {tasks} will be consumed again by {workers}."


def _reason(pause: Mitigation) -> str:
    return f" · {prose(pause.reason, 200)}" if pause.reason else ""
