"""What somebody asked for in words, by slash command or by mention: parse it, do it, show it."""

from collections.abc import Mapping

from bot.domain.action import Proposal, Risk
from bot.domain.approval import ApprovalRequest, Refused
from bot.domain.card import CardKind
from bot.domain.errors import ClusterUnreachable, UnknownName
from bot.ports import Ports
from bot.slack.acts import Act
from bot.slack.answers import Place
from bot.slack.commands import AuditTail, Command, Fill, Freeze, Help, Pause, Resume, Status, Unfreeze, parse
from bot.slack.forms.opening import from_here, open_form
from bot.slack.looked import looked
from bot.slack.looks import Look
from bot.slack.tools import Tools
from bot.slack.views.request import draft_message
from bot.slack.views.status import status_message
from bot.slack.views.words import audit_message, help_message
from bot.usecases import requests, status, switches
from bot.usecases.auditing import audit_tail


async def do(tools: Tools, place: Place, text: str) -> None:
    """Do what a line of words asks for. Raises BadInput and UnknownName in words."""
    command = await _parsed(tools, place, text)
    if isinstance(command, Fill):  # first of all: Slack's leave to open a form is short
        await open_form(tools, place, from_here(place).about(action=command.action, cluster=command.cluster))
        return
    await tools.people.know(place.user)
    if isinstance(command, Look):
        await tools.answers.alone(place, await looked(tools, command))
        return
    match command:
        case Status():
            message = status_message(await tools.cluster(status.status, command.cluster))
            await tools.answers.alone(place, message)
        case Act() | Pause() | Resume():
            await _draft(tools, place, command)
        case Freeze() | Unfreeze():
            await _switch(tools, place, freeze=isinstance(command, Freeze))
        case AuditTail():
            await tools.answers.alone(place, audit_message(await tools.db(audit_tail)))
        case Help():
            await tools.answers.alone(place, help_message())


async def _parsed(tools: Tools, place: Place, text: str) -> Command:
    """Parse with the queues that are configured; a name among none of them is looked for in the clusters themselves."""
    clusters = tools.ports.clusters
    channel = place.channel or ""

    def parsed(queues: Mapping[str, frozenset[str]]) -> Command:
        return parse(text, queues=queues, clusters=clusters.names(), default_cluster=clusters.for_channel(channel))

    try:
        return parsed({name: _declared(tools.ports, name) for name in clusters.names()})
    except UnknownName as e:
        if e.kind != "queue":
            raise
    return parsed(await tools.cluster(_discovered))


def _declared(ports: Ports, cluster: str) -> frozenset[str]:
    return frozenset(q.name for q in ports.clusters.spec(cluster).queues)


def _discovered(ports: Ports) -> dict[str, frozenset[str]]:
    """Return what is configured and what is there; a cluster that cannot be read has what is configured."""
    found = {}
    for name in ports.clusters.names():
        try:
            seen = frozenset(ports.clusters.control(name).depths())
        except ClusterUnreachable:
            seen = frozenset()
        found[name] = _declared(ports, name) | seen
    return found


async def _draft(tools: Tools, place: Place, command: Act | Pause | Resume) -> None:
    """Show what it would touch to the person alone, with the button that does it or asks for it."""
    reason = "" if isinstance(command, Resume) else command.reason
    channel, thread_ts = public_place(tools, place)
    result = await tools.cluster(requests.draft, proposal_of(command), place.user, reason, channel, thread_ts)
    if isinstance(result, ApprovalRequest):
        await tools.answers.alone(place, draft_message(result, alone=result.risk is Risk.LOW))
    else:
        await tools.refused(place, result)


def public_place(tools: Tools, place: Place) -> tuple[str, str | None]:
    """Return where all may see what comes of it: where it was asked, if the bot is at home there."""
    channels = tools.config.channels
    if place.channel in channels or not channels:
        return place.channel or place.user, place.thread_ts
    return channels[0], None


def proposal_of(command: Act | Pause | Resume) -> Proposal:
    """Return the action that a command means."""
    if isinstance(command, Act):
        return Proposal(action=command.action, cluster=command.cluster, params=dict(command.params))
    if isinstance(command, Resume):
        return Proposal(action="resume_queue", cluster=command.cluster, params={"queue": command.queue})
    params = {"queue": command.queue, "seconds": command.seconds, "reason": command.reason}
    return Proposal(action="pause_queue", cluster=command.cluster, params=params)


async def _switch(tools: Tools, place: Place, *, freeze: bool) -> None:
    """Freeze or unfreeze, and let the channel know when that changed anything."""
    result: bool | Refused = await tools.db(switches.freeze if freeze else switches.unfreeze, place.user)
    if await tools.refused(place, result):
        return
    if result:
        who = f"<@{place.user}>"
        told = f"❄️ {who} froze executions. {_UNTIL}" if freeze else f"{who} ended the freeze. Executions run again."
        await tools.db(_announce, tools.config.channels, told)
    if freeze:
        await tools.tell(place, f"Executions {'are now' if result else 'were already'} frozen. {_UNTIL}")
    else:
        await tools.tell(place, "Executions run again." if result else "Executions were not frozen.")


_UNTIL = "Nothing new runs until somebody says `/celery unfreeze`; what is paused stays paused."


def _announce(ports: Ports, channels: tuple[str, ...], text: str) -> None:
    now = ports.clock.now()
    with ports.store.write() as tx:
        for channel in channels:
            tx.cards.want(CardKind.NOTICE, f"switch/{channel}/{now.timestamp():.6f}", channel, now, text=text)
