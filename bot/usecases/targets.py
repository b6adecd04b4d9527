"""What an action or check works on, put together from the ports."""

from datetime import datetime

from pydantic import ValidationError

from bot.domain.action import Proposal
from bot.domain.errors import BadInput, UnknownName
from bot.domain.mitigation import LIVE
from bot.ports import Action, Params, Ports, Target, Tx
from bot.usecases.gone import gone


def target_of(ports: Ports, cluster: str, execution_id: str | None = None) -> Target:
    """Return the cluster with its configuration and what is in force there; raises UnknownName.

    `execution_id` is whose work it is for, if it is an execution's.
    """
    spec, control = ports.clusters.spec(cluster), ports.clusters.control(cluster)
    with ports.store.read() as tx:
        live = tx.mitigations.find(cluster=cluster, state=LIVE)
        acted = last_acted(tx, cluster)
        left = gone(tx, cluster, ports.clock.now())
    earlier = ports.samples.snapshots(cluster)
    return Target(
        spec=spec,
        control=control,
        clock=ports.clock,
        mitigations=tuple(live),
        acted=acted,
        earlier=[s for s in earlier if acted is None or s.taken_at >= acted],
        diagnostics=ports.clusters.diagnostics(cluster),
        means=ports.clusters.means(cluster),
        execution_id=execution_id,
        live=ports.clusters.live(cluster),
        gone=left,
        metrics=ports.metrics,
        http=ports.http,
        samples=ports.samples,
        wait=ports.wait,
    )


def last_acted(tx: Tx, cluster: str) -> datetime | None:
    """Return when a pause last began or ended on a cluster."""
    note = tx.note(_acted(cluster))
    return datetime.fromisoformat(note) if note else None


def acted_now(tx: Tx, cluster: str, now: datetime) -> None:
    """Remember that a pause begins or ends on a cluster, or that something else is done to it."""
    tx.set_note(_acted(cluster), now.isoformat())


def _acted(cluster: str) -> str:
    return f"acted:{cluster}"


def action_of(ports: Ports, proposal: Proposal) -> tuple[Action[Params], Params]:
    """Return the action of a proposal and its checked parameters; raises UnknownName or BadInput in words."""
    action = ports.registry.actions.get(proposal.action)
    if action is None:
        raise UnknownName("action", proposal.action, ports.registry.actions)
    if action.version != proposal.version:
        raise BadInput(
            f"`{proposal.action}` was asked for in version {proposal.version}, and the bot now has version "
            f"{action.version}. Ask again."
        )
    try:
        return action, action.params.model_validate(proposal.params)
    except ValidationError as e:
        first = e.errors()[0]
        where = ".".join(str(p) for p in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        said = f"`{where}` {said[:1].lower()}{said[1:]}" if where else said
        raise BadInput(f"`{proposal.action}`: {said}.") from None
