"""`/celery check`: what one check found, and the list of them."""

from collections.abc import Mapping

from bot.domain.run import Finding
from bot.domain.views import Age, CheckView
from bot.domain.wording import counted
from bot.slack.looks import RunCheck, line_of
from bot.slack.views.blocks import context, message, section, sections
from bot.slack.views.findings import ICONS
from bot.slack.views.formatting import escape, name, one_line, told
from bot.slack.views.frame import BODY, framed
from bot.slack.views.message import Message
from bot.slack.views.tables import table

MOST_UNKNOWN = 8
MOST_CHECKS = 60


def check_message(view: CheckView, words: tuple[tuple[str, str], ...] = (), *, shared: bool = False) -> Message:
    """Return the finding: its sentence, its table, what is not known; `words` are the parameters it was run with."""
    finding = view.finding
    again = line_of(RunCheck(view.cluster, view.name, words))
    return framed(
        f"{ICONS[finding.level]} {told(finding.sentence)}",
        Age(now=view.now, taken_at=finding.at),
        [
            section(table(finding.table)) if finding.table and finding.table.rows else None,
            *sections(_unsure(finding), MOST_UNKNOWN),
        ],
        again=again,
        shared=shared,
        notes=[
            f"{name(view.cluster)} · {escape(one_line(view.title, 200))}",
            f"Again: `/celery {escape(one_line(again, 300))}`",
        ],
    )


def _unsure(finding: Finding) -> list[str]:
    """Return what could not be learned, and what was not counted but estimated."""
    unknown = [f"❓ {told(u, 300)}" for u in finding.unknown]
    return [*unknown, *([f"Estimated: {told(finding.estimated, 300)}"] if finding.estimated else [])]


def checks_message(cluster: str, titles: Mapping[str, str]) -> Message:
    """Return every check by name with what it looks at."""
    said = [f"`{name(check)}` {escape(one_line(title, 150))}" for check, title in sorted(titles.items())]
    return message(
        f"{counted(len(titles), 'check')} can be run.",
        *sections([f"*{counted(len(titles), 'check')}*, each read-only:", *said], MOST_CHECKS, BODY),
        context(
            f"Run one: `/celery check {name(cluster)}/&lt;name&gt;`, with `key=value` behind it where it takes "
            "parameters; quotes hold a value with blanks together."
        ),
    )
