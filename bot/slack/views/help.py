"""What can be said to the bot."""

from bot.slack.commands import USAGES, Usage
from bot.slack.views.blocks import context, message, sections
from bot.slack.views.formatting import escape
from bot.slack.views.message import Message


def help_message() -> Message:
    """Return every command with what it does; the table is the grammar's own."""
    return message(
        "Commands: " + ", ".join(f"`/celery {u.verb}`" for u in USAGES),
        *sections([f"{_paragraph(u)}\n" for u in USAGES], len(USAGES)),
        context(
            "In a thread, mention the bot instead: `@celery-oncall status`. "
            "With several clusters, write `cluster/queue`, `cluster/task` and so on, or the cluster alone. "
            "A person's message is an alert too, once you choose “Treat as an alert” from its menu."
        ),
    )


def _paragraph(usage: Usage) -> str:
    example = f"\nFor example: `/celery {escape(usage.example)}`" if usage.example else ""
    return f"`/celery {escape(usage.usage)}`\n{escape(usage.what)}{example}"
