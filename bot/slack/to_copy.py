"""The commands of a runbook's steps, for a person's own shell."""

from bot.domain.run import Run
from bot.slack.views.blocks import message, section
from bot.slack.views.formatting import code, name
from bot.slack.views.message import Message


def commands_message(run: Run | None) -> Message:
    """Return every command that the run has ready, each under its step's title."""
    titles = {step.id: step.title for step in run.runbook.steps} if run and run.runbook else {}
    found = [(titles.get(r.id, r.id), r.command) for r in (run.results if run else ()) if r.command]
    if not found:
        none = "There is no command to copy for this incident yet."
        return message(none, section(none))
    return message("Commands to copy", *(section(f"*{name(title, 150)}*\n{code(command)}") for title, command in found))
