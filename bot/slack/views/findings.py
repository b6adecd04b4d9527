"""What a runbook's steps found: checks worst first, then what can be done, then notes."""

from collections.abc import Collection, Iterator

from bot.domain.run import Finding, Level, Run, StepResult, StepState
from bot.domain.runbook import Step, StepKind
from bot.slack.ids import ActionId
from bot.slack.views.blocks import Block, beside, button, context, message, section, sections
from bot.slack.views.formatting import code, escape, fitted, name, one_line, prose, told
from bot.slack.views.message import Message

MOST_CHECKS = 10
MOST_STEPS = 8

ICONS = {Level.BAD: "❌", Level.WARN: "⚠️", Level.UNKNOWN: "❓", Level.OK: "✅"}
"""What stands before a finding; the worst first."""
_WORST_FIRST = list(ICONS)


def check_lines(run: Run) -> list[str]:
    """Return a line for each check, worst first; one that could not run says why."""
    ran = [(step, result) for step, result in _steps(run) if step.kind is StepKind.CHECK]
    findings = sorted((r.finding for _, r in ran if r.finding), key=lambda f: _WORST_FIRST.index(f.level))
    failed = [f"❓ {name(s.title, 80)}: {prose(r.why or 'it could not run')}" for s, r in ran if _failed(r)]
    return [*(_finding(f) for f in findings), *failed]


def _failed(result: StepResult) -> bool:
    return result.finding is None and result.state is StepState.FAILED


def _finding(finding: Finding) -> str:
    unknown = " ".join(f"{u.rstrip('.')}." for u in finding.unknown)
    return f"{ICONS[finding.level]} {told(finding.sentence, 300)}{f' ❓ {told(unknown, 200)}' if unknown else ''}"


def step_blocks(run: Run, offered: Collection[str], to_run: str | None = None) -> list[Block]:
    """Return what can be done and what to think of; what is not needed now is one small line.

    `offered` are the ids of steps that may be taken up now: those that are under way stand elsewhere on the card. The
    command of the step `to_run` is shown; any other's stands behind a button, since it is a wall on a phone.
    """
    shown = [block for step, result in _steps(run) if (block := _step(run, step, result, offered, to_run))]
    if len(shown) > MOST_STEPS:
        shown = [*shown[:MOST_STEPS], context(f"… and {len(shown) - MOST_STEPS:,} more steps")]
    skipped = _skipped(run)
    return [*shown, *([context("\n".join(fitted(skipped, 5, 1500)))] if skipped else [])]


def _step(run: Run, step: Step, result: StepResult, offered: Collection[str], to_run: str | None) -> Block | None:
    title = f"*{name(step.title, 150)}*"
    match step.kind, result.state:
        case StepKind.NOTE, StepState.DONE:
            return section(f"{title}\n{_note(result.text or step.note or '')}")
        case StepKind.ACTION, StepState.OFFERED:
            shown = result.preview if step.id in offered else None
            return section(f"{title}\n{prose(shown.summary)}") if shown else None
        case StepKind.ACTION, StepState.BY_HAND if step.id != to_run:
            show = button("Show command", ActionId.COMMANDS, run.incident_id)
            return beside(f"step {step.id}", f"{title}\nThe bot cannot do this here, but you can.", show)
        case StepKind.ACTION, StepState.BY_HAND:
            yourself = f"{title}. The bot cannot do this here; run it yourself:\n{code(result.command or '')}"
            return section(yourself + _goal(step, result))
        case StepKind.ACTION | StepKind.NOTE, StepState.FAILED:
            return section(f"{title}\n❓ {prose(result.why or 'This step could not be worked out.')}")
    return None


def _goal(step: Step, result: StepResult) -> str:
    """Return what a step is to bring about, and whether it has."""
    if step.verify is None or result.reached is None:
        return ""
    how = "reached" if result.reached else f"not yet; give it {name(step.verify.within, 20)}"
    return f"\nGoal: {name(step.verify.that, 120)}: {how}."


def _note(text: str) -> str:
    """Return a note with its line breaks: runbooks are written for people."""
    return "\n".join(fitted([_note_line(line) for line in text.strip().splitlines()[:40]], 12, 1800))


def _note_line(line: str) -> str:
    """Return one line; a command in a note is there to be copied too."""
    return code(line, 400) if line.strip().startswith(("celery ", "/celery ")) else escape(one_line(line, 400))


def _skipped(run: Run) -> list[str]:
    """Return one line for each reason, with the steps it is the reason of."""
    titles: dict[str, list[str]] = {}
    for step, result in _steps(run):
        if result.state is StepState.SKIPPED:
            why = prose(result.why or "Not needed now.", 200).removesuffix(".")
            titles.setdefault(f"{why[:1].lower()}{why[1:]}", []).append(name(step.title, 150))
    return [f"Skipped: {'; '.join(steps)} ({why})" for why, steps in titles.items()]


def commands_message(run: Run | None) -> Message:
    """Return every command of a run for one's own shell, for one person alone."""
    found = [(step, r.command) for step, r in _steps(run) if r.command] if run else []
    if not found:
        text = "No commands here: the runbook's steps need none, or nothing was worked out yet."
        return message(text, section(text))
    return message(
        f"Commands to copy, {len(found)} in all.",
        section(
            "*To do it from your own shell.* Put a worker's name where it says so; the bot does not see what you do."
        ),
        *[section(f"*{name(step.title, 150)}*\n{code(command)}") for step, command in found[:20]],
        *sections([f"… and {len(found) - 20:,} more"] if len(found) > 20 else [], most=1),
    )


def _steps(run: Run) -> Iterator[tuple[Step, StepResult]]:
    """Yield each step that was worked with its result, in the runbook's order."""
    for step in run.runbook.steps if run.runbook else ():
        if result := run.result(step.id):
            yield step, result
