"""Close connections: chosen ones to the cluster's Redis, by id; ours, replicas and monitors are spared."""

from collections import Counter
from collections.abc import Sequence

from pydantic import Field, model_validator

from bot.domain.action import BlastRadius, Irreversible, Observation, Outcome, Preview, Risk, Verdict
from bot.domain.approval import Policy
from bot.domain.cluster import ClusterSnapshot, ClusterSpec
from bot.domain.connections import SPARED, Chosen, Connection, Sort, longest_idle
from bot.domain.duration import Seconds, lasting
from bot.domain.errors import BadInput
from bot.domain.wording import counted, listed, verb
from bot.ports import Action, Params, Progress, Target

MOST = 1000
"""Connections that one execution closes."""

MOST_SHOWN = 5


class CloseParams(Params):
    """Connections by `ids`; or those idle for `idle` (seconds, or as `1h`), from a `host`, `named` so, or all of these.

    Those that may be a worker's are left alone without `workers`: a task may run twice when one is closed.
    """

    ids: tuple[int, ...] = Field(
        default=(),
        max_length=MOST,
        title="Connections",
        description="Ids, one a line: /celery connections shows them. Or choose below.",
    )
    idle: Seconds | None = Field(
        default=None, ge=60, le=365 * 24 * 3600, title="Idle for longer than", description="As 30m or 1h."
    )
    host: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        title="From this host",
        description="Its address, as /celery connections shows it.",
    )
    named: str | None = Field(
        default=None, min_length=1, max_length=200, title="With this name", description="As the client called itself."
    )
    workers: bool = Field(
        default=False,
        title="Also those that may be a worker's",
        description="A task may run twice when one of these is closed.",
    )
    reason: str = Field(default="", max_length=300, title="Why", description="For those who approve, and the audit.")

    @model_validator(mode="after")
    def _some(self) -> "CloseParams":
        if self.ids and (self.idle is not None or self.host or self.named):
            raise ValueError("name `ids`, or choose by `idle`, `host` and `named`, one of them")
        if not (self.ids or self.idle is not None or self.host or self.named):
            raise ValueError("name `ids`, or choose by `idle`, `host` or `named`")
        return self

    @property
    def chosen(self) -> Chosen:
        """Return which connections are meant."""
        return Chosen(ids=self.ids, idle=self.idle, host=self.host, named=self.named, workers=self.workers)


class CloseConnections(Action[CloseParams]):
    """Close chosen connections to Redis; programs that still need one open it again by themselves."""

    name = "close_connections"
    params = CloseParams

    def risk(self, params: CloseParams, spec: ClusterSpec, policy: Policy) -> Risk:  # noqa: ARG002 - always
        """High; destructive with workers, whose tasks may run twice."""
        return Risk.DESTRUCTIVE if params.workers else Risk.HIGH

    def observe(self, params: CloseParams, target: Target, snapshot: ClusterSnapshot) -> Observation:
        """List who is connected now: what is meant, and which ids there are at all."""
        found = target.means.connections.all()
        meant = longest_idle(c for c in found if params.chosen.means(c))
        closing = [c for c in meant if params.chosen.may_close(c)]
        left = [c for c in meant if not params.chosen.may_close(c)]
        facts = {
            "closing": [c.model_dump(mode="json", exclude_defaults=True) for c in closing[:MOST]],
            "more": max(0, len(closing) - MOST),
            "spared": Counter(c.sort.value for c in left if c.sort in SPARED),
            "workers": sum(c.sort not in SPARED for c in left),
            "there": [c.id for c in found],
        }
        return Observation(snapshot=snapshot, facts=facts)

    def preview(self, params: CloseParams, observation: Observation, spec: ClusterSpec) -> Preview:  # noqa: ARG002
        """Say what would be closed, what is left alone, and what comes back."""
        closing, facts = _closing(observation), observation.facts
        _check(params, closing, facts)
        sorts = Counter(c.sort.value for c in closing)
        kinds = "; ".join(f"{n:,} {sort}" for sort, n in sorts.most_common())
        return Preview(
            summary=f"{counted(len(closing), 'connection')} to Redis would be closed: {kinds}.",
            radius=BlastRadius(connections=len(closing)),
            notes=_notes(params, closing, facts),
            warnings=_warnings(closing),
        )

    def run(self, params: CloseParams, before: Observation, target: Target, progress: Progress) -> Outcome:
        """Close them by id; each is looked at again right before, and left alone when it is no longer what it was."""
        closed = target.means.connections.close(_closing(before), params.chosen, progress)
        return Outcome(summary=f"Closed {counted(closed, 'connection')}.")

    def verify(self, params: CloseParams, before: Observation, after: Observation) -> Verdict:  # noqa: ARG002
        """Look whether their ids are gone: Redis gives none of them again, whoever connects."""
        asked, there = _closing(before), set(after.facts["there"])
        left = [c for c in asked if c.id in there]
        gone = len(asked) - len(left)
        if not left:
            return Verdict(verified=True, sentence=f"{counted(gone, 'connection')} {_are(gone)} gone.")
        ids = listed([str(c.id) for c in left], MOST_SHOWN)
        return Verdict(
            verified=False,
            sentence=f"{gone:,} of {len(asked):,} connections are gone; still there: {ids}. One that came into use "
            "meanwhile is left alone.",
        )

    def undo(self, params: CloseParams, before: Observation, cluster: str) -> Irreversible:  # noqa: ARG002
        """There is nothing to put back."""
        return Irreversible(why="A closed connection cannot be opened from here; clients connect again by themselves.")

    def command(self, params: CloseParams, spec: ClusterSpec) -> str:  # noqa: ARG002
        """By id: `CLIENT KILL TYPE normal` would take workers and the bot with it."""
        return "\n".join(f"redis-cli client kill id {i}" for i in params.ids[:10] or ("<id>",))


def _closing(observation: Observation) -> tuple[Connection, ...]:
    return tuple(Connection.model_validate(c) for c in observation.facts["closing"])


def _check(params: CloseParams, closing: Sequence[Connection], facts: dict[str, object]) -> None:
    """Refuse what would close nothing, and an id that is not there or must stay."""
    there = set(facts["there"])  # type: ignore[call-overload]  # ours, of observe
    gone = [i for i in params.ids if i not in there]
    if gone:
        raise BadInput(
            f"There is no connection {listed([str(i) for i in gone], MOST_SHOWN)} any more. `/celery connections` "
            "lists those that are there."
        )
    if closing:
        return
    if facts["workers"]:
        raise BadInput(
            "What you named may be a worker's: a task may run twice when it is closed. If that is meant, say it with "
            "`including workers`."
        )
    if facts["spared"]:
        raise BadInput("Nothing else is meant than the bot's own connections, replicas or monitors; they stay.")
    raise BadInput("No connection is like that. `/celery connections` lists those that are there.")


def _notes(params: CloseParams, closing: Sequence[Connection], facts: dict[str, object]) -> tuple[str, ...]:
    hosts = Counter(c.host for c in closing)
    found = ["From " + listed([f"{host} ({n:,})" for host, n in hosts.most_common()], MOST_SHOWN) + "."]
    found.append(f"Idle for {lasting(min(c.idle for c in closing))} at least.")
    if more := facts["more"]:
        found.append(f"{more:,} more are like that: one request closes {MOST:,}, the longest idle first.")
    spared = facts["spared"]
    if isinstance(spared, dict) and spared:
        found.append("Left alone: " + ", ".join(f"{n:,} {sort}" for sort, n in spared.items()) + ".")
    if facts["workers"] and not params.workers:
        found.append(f"Left alone: {facts['workers']:,} that may be a worker's (`including workers` takes them, too).")
    found.append("Programs connect again by themselves when they need Redis next, workers within some 2 s.")
    return tuple(found)


def _warnings(closing: Sequence[Connection]) -> tuple[str, ...]:
    consumers = sum(c.sort is Sort.CONSUMER for c in closing)
    workers = sum(c.worker for c in closing)
    if not workers:
        return ()
    take = f" ({consumers:,} {verb(consumers, 'take')} messages)" if consumers else ""
    return (
        f"{counted(workers, 'connection')} may be a worker's{take}: a task that it has at that moment may run twice.",
    )


def _are(n: int) -> str:
    return "is" if n == 1 else "are"
