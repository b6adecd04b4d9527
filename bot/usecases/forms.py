"""What a form needs to be drawn, and what is made of it when it comes back."""

import inspect
import re
from dataclasses import dataclass
from typing import Any

from bot.domain.action import Proposal, Risk
from bot.domain.approval import ApprovalRequest, Reason, Refused, RequestState
from bot.domain.cluster import ClusterSpec
from bot.domain.errors import UnknownName
from bot.domain.form import Described, KnownNames
from bot.domain.run import StepState
from bot.domain.window import OTHER_TASKS, UNNAMED, Span
from bot.ports import Action, Ports
from bot.usecases.requests import Where, draft_at, may_ask


@dataclass(frozen=True)
class Subject:
    """What an incident tells a form: its cluster, and its queue if it has one."""

    cluster: str
    queue: str | None


def known_names(ports: Ports, cluster: str) -> KnownNames:
    """Return the names that forms offer: what is declared, and what was seen last. Asks nobody; raises UnknownName."""
    spec = ports.clusters.spec(cluster)
    last = next(iter(reversed(ports.samples.snapshots(cluster))), None)
    workers = last.workers if last else ()
    heard = {row.name for row in ports.clusters.live(cluster).window(Span.DAY, ports.clock.now()).tasks}
    queues = {q.name for q in spec.queues} | {q.name for q in (last.queues if last else ())}
    return KnownNames(
        queues=tuple(sorted(queues)),
        workers=tuple(sorted(w.name for w in workers)),
        tasks=tuple(sorted(({name for w in workers for name in w.totals} | heard) - {OTHER_TASKS, UNNAMED})),
    )


def action_named(ports: Ports, name: str) -> Action[Any]:
    """Return an action; raises UnknownName."""
    action = ports.registry.actions.get(name)
    if action is None:
        raise UnknownName("action", name, ports.registry.actions)
    return action


def described(action: Action[Any], spec: ClusterSpec) -> Described:
    """Return an action in the words of its own docstrings."""
    what = (inspect.getdoc(type(action)) or action.name).splitlines()[0]
    title = action.name.replace("_", " ").capitalize()
    return Described(action.name, title, what, _risk(action), here=action.available(spec))


def all_described(ports: Ports, cluster: str) -> tuple[Described, ...]:
    """Return every action by name; raises UnknownName."""
    spec = ports.clusters.spec(cluster)
    return tuple(described(action, spec) for _, action in sorted(ports.registry.actions.items()))


def _risk(action: Action[Any]) -> str:
    """Return which risks an action can have, as the help text of its risk names them: "low or high"."""
    words = re.findall(r"[a-z]+", (inspect.getdoc(type(action).risk) or "").partition("\n")[0].lower())
    return " or ".join(dict.fromkeys(word for word in words if word in set(Risk)))


def subject(ports: Ports, incident_id: str) -> Subject:
    """Return what an incident tells a form; raises NotFound."""
    with ports.store.read() as tx:
        incident = tx.incidents.get(incident_id)
    return Subject(incident.cluster, incident.queue)


def offered(ports: Ports, offer: str) -> tuple[Proposal, str] | Refused:
    """Return what a runbook's step offers now, and of which incident; `offer` is "run id/step id". Raises NotFound."""
    run_id, _, step_id = offer.partition("/")
    with ports.store.read() as tx:
        run = tx.runs.get(run_id)
    result = run.result(step_id)
    if result is None or result.proposal is None or result.state is not StepState.OFFERED:
        return Refused(reason=Reason.ALREADY_DONE, detail="no longer offered")
    return result.proposal, run.incident_id


def draft_of(ports: Ports, draft_id: str, by: str) -> ApprovalRequest | Refused:
    """Return a person's own draft, to be changed; raises NotFound."""
    with ports.store.read() as tx:
        request = tx.requests.get(draft_id)
    if by != request.requested_by:
        return Refused(reason=Reason.NOT_YOURS, by=request.requested_by)
    if request.state is not RequestState.DRAFT:
        return Refused(reason=Reason.ALREADY_DONE, by=request.requested_by, at=request.decided_at, detail=request.id)
    return request


def allowed(ports: Ports, by: str) -> Refused | None:
    """Return why somebody need not fill in a form at all, if so."""
    with ports.store.read() as tx:
        return may_ask(ports, tx, by)


def draft(ports: Ports, proposal: Proposal, by: str, reason: str, where: Where) -> ApprovalRequest | Refused:
    """Draft what a form means. An incident's goes into its own thread, whatever the form says of a place.

    Blocks on the cluster; raises ClusterUnreachable, UnknownName, NotFound or BadInput in words.
    """
    if where.incident_id is not None:
        with ports.store.read() as tx:
            incident = tx.incidents.get(where.incident_id)
        where = Where(incident.channel, incident.root_ts, incident.id)
    return draft_at(ports, proposal, by, reason, where)
