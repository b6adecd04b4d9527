"""The Home tab: what waits for me, what is in force, what is wrong, and whether the bot may act."""

from collections.abc import Callable
from typing import Any

from bot.domain.approval import ApprovalRequest
from bot.domain.card import HomeView
from bot.domain.cluster import Mode
from bot.domain.incident import Incident, IncidentState
from bot.domain.mitigation import Mitigation
from bot.slack.ids import ActionId
from bot.slack.views.activity import mitigation_line
from bot.slack.views.blocks import Block, actions, button, context, divider, header, home, section, sections
from bot.slack.views.buttons import approve_button, deny_button, extend_button, resume_button
from bot.slack.views.formatting import bold, count, escape, linked, mention, name, prose, when
from bot.slack.views.phrases import what

Link = Callable[[Incident], str]

MOST_REQUESTS = 12
MOST_IN_FORCE = 12
MOST_INCIDENTS = 20


def home_view(view: HomeView, link: Link) -> dict[str, Any]:
    """Return the tab, made anew whenever something changes. `link` gives the address of an incident's thread."""
    return home(
        [
            header("celery-oncall"),
            *sections(_modes(view), most=20),
            _act(view),
            divider(),
            *_part("Waiting for you", "Nothing waits for you.", _waiting(view), len(view.waiting) - MOST_REQUESTS),
            *_part("In force", "Nothing is paused or limited.", _in_force(view), len(view.in_force) - MOST_IN_FORCE),
            *_part("Open incidents", "No open incidents. All quiet.", _incidents(view, link), 0),
            divider(),
            context(_audit(view)),
            context("`/celery status` counts everything now. `/celery help` shows what else you can say."),
        ]
    )


def _act(view: HomeView) -> Block | None:
    """Return the way to all that can be done, on the default cluster first; the form lets one choose another."""
    cluster = next(iter(view.modes), None)
    return None if not cluster or view.frozen else actions("act", button("Act…", ActionId.ACT, cluster))


def _part(title: str, empty: str, blocks: list[Block], more: int) -> list[Block]:
    rest = [context(f"… and {count(more)} more")] if more > 0 else []
    return [section(bold(title)), *(blocks or [context(empty)]), *rest]


def _modes(view: HomeView) -> list[str]:
    modes = [_mode(cluster, mode, view) for cluster, mode in sorted(view.modes.items())]
    frozen = ["❄️ *Frozen: nothing new is executed anywhere.* `/celery unfreeze` brings the buttons back."]
    return [*(frozen if view.frozen else []), *(modes or ["No cluster is configured yet."])]


def _mode(cluster: str, mode: Mode, view: HomeView) -> str:
    if mode is Mode.OBSERVE:
        return f"👀 {name(cluster)}: observe only, nothing is changed"
    may = "nothing is changed while frozen" if view.frozen else "the bot may act, with consent"
    return f"{'❄️' if view.frozen else '🟢'} {name(cluster)}: {may}"


def _waiting(view: HomeView) -> list[Block]:
    blocks: list[Block] = []
    for request in view.waiting[:MOST_REQUESTS]:
        row = actions(f"request {request.id}", approve_button(request), deny_button(request))
        blocks += [section(_request(request, view)), *([row] if row and not view.frozen else [])]
    return blocks


def _request(request: ApprovalRequest, view: HomeView) -> str:
    wish = (
        f"{mention(request.requested_by)} asks to {escape(what(request.proposal))} on {name(request.proposal.cluster)}"
    )
    where = f"In <#{request.channel}>, expires {when(request.expires_at, view.now)}"
    return f"{wish}\n{prose(request.preview.summary, 300)}\n{where}"


def _in_force(view: HomeView) -> list[Block]:
    blocks: list[Block] = []
    for pause in view.in_force[:MOST_IN_FORCE]:
        row = actions(f"pause {pause.id}", resume_button(pause, "Resume"), extend_button(pause))
        blocks += [section(_pause(pause, view)), *([row] if row and not view.frozen else [])]
    return blocks


def _pause(pause: Mitigation, view: HomeView) -> str:
    reason = f"\nWhy: {prose(pause.reason, 300)}" if pause.reason else ""
    return f"{mitigation_line(pause, view.now)}, on {name(pause.cluster)}{reason}"


def _incidents(view: HomeView, link: Link) -> list[Block]:
    newest_first = sorted(view.incidents, key=lambda i: i.opened_at, reverse=True)
    return sections([_incident(i, view, link) for i in newest_first], most=MOST_INCIDENTS)


def _incident(incident: Incident, view: HomeView, link: Link) -> str:
    mark = "🟠" if incident.state is IncidentState.MITIGATED else "🔴"
    owner = f"{mention(incident.owner)} has it" if incident.owner else "nobody has it yet"
    about = f"{linked(incident.queue or incident.alert.name, link(incident))} on {name(incident.cluster)}"
    return f"{mark} {about}, since {when(incident.opened_at, view.now)}, {owner}, in <#{incident.channel}>"


def _audit(view: HomeView) -> str:
    check = view.audit_check
    if check is None:
        return "The audit log has not been checked yet."
    words = f"Audit log checked {when(check.at, view.now)}: {prose(check.sentence, 300)}"
    return f"✅ {words}" if check.sound else f"❌ {words} Do not trust it; tell whoever keeps the bot."
