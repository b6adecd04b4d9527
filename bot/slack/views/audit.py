"""The newest entries of the audit log."""

from collections.abc import Sequence

from bot.domain.audit import AuditEntry
from bot.slack.views.blocks import context, message, section, sections
from bot.slack.views.formatting import count, mention, name, when
from bot.slack.views.message import Message


def audit_message(entries: Sequence[AuditEntry]) -> Message:
    """Return the entries, newest first, with the hash that outside witnesses can compare."""
    if not entries:
        return message("The audit log is empty: nothing was done yet.", section("The audit log is empty so far."))
    newest = entries[0]
    return message(
        f"The newest of {count(newest.seq)} audit entries: {name(newest.event)}.",
        section(f"*Audit log*, newest of {count(newest.seq)} entries first"),
        *sections([_line(e) for e in entries], most=20),
        context("`celery-oncall audit verify` checks the whole chain; `audit export` writes it out."),
    )


def _line(entry: AuditEntry) -> str:
    cluster = entry.facts.get("cluster")
    where = f" on {name(str(cluster))}" if cluster else ""
    who = f"{when(entry.at, seconds=True)} {mention(entry.actor)}"
    about = f": {told}" if (told := _told(entry)) else ""
    return f"`#{entry.seq} {entry.hash[:8]}` {who}: {name(entry.event)}, {name(entry.subject)}{where}{about}"


def _told(entry: AuditEntry) -> str:
    """Return what it was about: how it came out, what was asked for, or which queue; nothing for what says it all."""
    facts = {key: str(value) for key, value in entry.facts.items() if value}
    asked = f"{facts['action'].replace('_', ' ')} {facts.get('queue', '')}".strip() if "action" in facts else ""
    told = facts.get("verdict") or asked or facts.get("queue") or facts.get("alert")
    return name(told, 120) if told else ""
