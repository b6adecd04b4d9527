"""Lift a rate limit: each worker gets back the limit that it had, or none."""

import shlex

from pydantic import Field

from bot.actions.limit_rate import told
from bot.domain.action import BlastRadius, Irreversible, Observation, Outcome, Preview, Proposal, Risk, Verdict
from bot.domain.approval import Policy
from bot.domain.cluster import ClusterSnapshot, ClusterSpec
from bot.domain.errors import BadInput
from bot.domain.mitigation import RATE
from bot.domain.rates import RatesFound, in_words, same
from bot.domain.wording import counted, listed, verb
from bot.ports import Action, Params, Progress, Target


class LiftParams(Params):
    """The limited task."""

    task: str = Field(min_length=1, max_length=300, title="Task", description="Its whole name.")


class LiftRateLimit(Action[LiftParams]):
    """Give workers back the rate limits that they had before ours."""

    name = "lift_rate_limit"
    params = LiftParams

    def risk(self, params: LiftParams, spec: ClusterSpec, policy: Policy) -> Risk:  # noqa: ARG002 - always
        """Low: to end a limit must not be harder than to wait for its end."""
        return Risk.LOW

    def observe(self, params: LiftParams, target: Target, snapshot: ClusterSnapshot) -> Observation:
        """Ask the workers that the limit touched for their limit now."""
        limit = target.limit_of(params.task)
        if limit is None:
            known = sorted(m.target for m in target.mitigations if m.kind == RATE and m.live)
            others = f" Limited: {listed(known)}." if known else ""
            raise BadInput(f"`{params.task}` is not limited by the bot on `{target.spec.name}`.{others}")
        up = {w.name for w in snapshot.workers}
        asked = {w.name for w in snapshot.workers if w.answered} | (up & set(limit.rates))
        found = target.means.rates.of(params.task, sorted(asked))
        rates = found.by_plugin(limit.rate) | dict(limit.rates)
        facts = {"found": found.model_dump(mode="json"), "rates": rates, "rate": limit.rate}
        return Observation(snapshot=snapshot, recorded=tuple(sorted(up & set(rates))), facts=facts)

    def preview(self, params: LiftParams, observation: Observation, spec: ClusterSpec) -> Preview:  # noqa: ARG002
        """Say who starts the tasks as fast as before."""
        who, rate = observation.recorded, observation.facts["rate"]
        back = sorted({observation.facts["rates"][w] for w in who} - {""})
        tasks = f"{params.task}, now limited to {in_words(rate)}"
        some = f"have {listed(back)} again for {tasks}"
        to = some if back else f"start {params.task} without a limit again, now limited to {in_words(rate)}"
        return Preview(
            summary=f"{counted(len(who), 'worker')} would {to}.",
            radius=BlastRadius(workers=who),
            notes=("Tasks that a worker holds back already go on at the old rate, until it has none of them left.",),
            warnings=() if who else ("None of the workers that were limited is running.",),
        )

    def ends(self, params: LiftParams) -> tuple[str, str]:
        """It ends the limit of its task."""
        return RATE, params.task

    def touches(self, params: LiftParams) -> str:
        """One task is not limited and let go at once."""
        return f"task {params.task}"

    def run(self, params: LiftParams, before: Observation, target: Target, progress: Progress) -> Outcome:
        """Tell each worker what it had before, again until it has it."""
        found = RatesFound.model_validate(before.facts["found"])
        wanted = {w: before.facts["rates"][w] for w in before.recorded}
        return told(params.task, wanted, found, target, progress)

    def verify(self, params: LiftParams, before: Observation, after: Observation) -> Verdict:
        """Ask each worker for its limit."""
        found = RatesFound.model_validate(after.facts["found"])
        up = {w.name for w in after.snapshot.workers}
        wanted = {w: before.facts["rates"][w] for w in before.recorded if w in up}
        back = {w for w, r in found.rates.items() if w in wanted and same(r, wanted[w])}
        missing = set(wanted) - back
        sentence = (
            f"{counted(len(back), 'worker')} {verb(len(back), 'have')} the limit from before again for {params.task}"
        )
        if len(back) == 1:
            sentence = f"1 worker has the limit from before again for {params.task}"
        if missing:
            sentence += f"; not yet: {listed(sorted(missing))}"
        return Verdict(
            verified=not missing,
            sentence=f"{sentence}.",
            confirmed=tuple(sorted(back)),
            missing=tuple(sorted(missing)),
        )

    def undo(self, params: LiftParams, before: Observation, cluster: str) -> Proposal | Irreversible:  # noqa: ARG002
        """Tasks that ran in between cannot be taken back, so this is a new limit, not an undo."""
        return Irreversible(why=f"Tasks of {params.task} have run; limit it anew if that was too early.")

    def command(self, params: LiftParams, spec: ClusterSpec) -> str:
        """Directed; it takes away a limit of the application's own, too."""
        return f"celery -A {spec.app} control -d <worker@host> rate_limit {shlex.quote(params.task)} 0"
