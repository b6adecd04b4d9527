"""Work the steps of a runbook: checks of one block side by side, the rest one after the other."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog

from bot.domain.action import Proposal
from bot.domain.cluster import ClusterSnapshot
from bot.domain.errors import BadInput, OncallError, UnknownName
from bot.domain.run import StepResult, StepState
from bot.domain.runbook import Runbook, Step, StepKind
from bot.ports import Ports, Target
from bot.usecases.checks import Asked, asked_for, run_checks
from bot.usecases.targets import action_of

log = structlog.get_logger(__name__)

T = TypeVar("T")

_REFERENCE = re.compile(r"\bchecks\b(?:\s*\.\s*(\w+)|\s*\[\s*['\"](\w+)['\"]\s*\])?")


def work_steps(
    ports: Ports, runbook: Runbook, names: dict[str, Any], snapshot: ClusterSnapshot, target: Target
) -> list[StepResult]:
    """Return the result of every step on this snapshot; each check adds its values to `names["checks"]`."""
    bench = _Bench(ports, runbook, names, snapshot, target)
    results: list[StepResult] = []
    for block in blocks(runbook.steps):
        done = bench.checks(block) if block[0].kind is StepKind.CHECK else [bench.step(step) for step in block]
        for result in done:
            if result.finding:
                names["checks"][result.id] = result.finding.values
        results += done
    return results


def blocks(steps: Sequence[Step]) -> Iterator[list[Step]]:
    """Yield consecutive checks together, as long as none needs what another of them finds; other steps alone."""
    block: list[Step] = []
    for step in steps:
        if block and not _joins(step, block):
            yield block
            block = []
        block.append(step)
    if block:
        yield block


def _joins(step: Step, block: Sequence[Step]) -> bool:
    if step.kind is not StepKind.CHECK or block[0].kind is not StepKind.CHECK:
        return False
    needed = _needed(step)
    return None not in needed and not needed & {s.id for s in block}


def _needed(step: Step) -> set[str | None]:
    """Return the checks whose values a step uses; None among them: it cannot be seen which."""
    texts = _texts((step.when, step.note, step.params))
    return {match[1] or match[2] for text in texts for match in _REFERENCE.finditer(text)}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _texts(tuple(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


@dataclass(frozen=True)
class _Bench:
    """What the steps of one run are worked with."""

    ports: Ports
    runbook: Runbook
    names: Mapping[str, Any]
    snapshot: ClusterSnapshot
    target: Target

    def checks(self, block: Sequence[Step]) -> list[StepResult]:
        """Work a block of checks; whatever goes wrong before one begins is its own result."""
        prepared = [self._prepared(step) for step in block]
        asked = [p for p in prepared if not isinstance(p, StepResult)]
        findings = iter(run_checks(asked, self.snapshot, self.target))
        return [
            p if isinstance(p, StepResult) else StepResult(id=step.id, state=StepState.DONE, finding=next(findings))
            for step, p in zip(block, prepared, strict=True)
        ]

    def _prepared(self, step: Step) -> "Asked | StepResult":
        return self._tried(step, self._asked)

    def _asked(self, step: Step) -> Asked:
        if step.check not in self.ports.registry.checks:
            raise BadInput(f"There is no check `{step.check}` any more.")
        return asked_for(self.ports.registry, step.check or "", self.ports.expressions.render(step.params, self.names))

    def step(self, step: Step) -> StepResult:
        """Work one step that is no check; whatever goes wrong in it is its own result."""
        return self._tried(step, self._note if step.kind is StepKind.NOTE else self._action)

    def _tried(self, step: Step, work: Callable[[Step], T]) -> T | StepResult:
        """Return what `work` makes of a step, or in words why it is left out or failed; the other steps go on."""
        try:
            if step.when and not self.ports.expressions.evaluate(step.when, self.names):
                return StepResult(id=step.id, state=StepState.SKIPPED, why="Not needed now.")
            return work(step)
        except OncallError as e:
            if isinstance(e, UnknownName) and e.kind == "name" and e.name in self.runbook.inputs:
                why = f"The alert does not say which {e.name}, and nothing else does."
                return StepResult(id=step.id, state=StepState.SKIPPED, why=why)
            if untold := sorted(c for c in _needed(step) if c and self.names["checks"].get(c) == {}):
                why = f"It needs what `{untold[0]}` finds, which could not be learned now."
                return StepResult(id=step.id, state=StepState.SKIPPED, why=why)
            return StepResult(id=step.id, state=StepState.FAILED, why=str(e))
        except Exception:  # a mistake in one step must not leave the card without any number
            log.exception("runbook step broke", step=step.id)
            why = "The bot made a mistake in this step; its log holds the details."
            return StepResult(id=step.id, state=StepState.FAILED, why=why)

    def _note(self, step: Step) -> StepResult:
        text = str(self.ports.expressions.render(step.note, self.names))
        return StepResult(id=step.id, state=StepState.DONE, text=text)

    def _action(self, step: Step) -> StepResult:
        """Offer the action with a preview on this snapshot, or its command where the bot has no means."""
        ports, target, names = self.ports, self.target, self.names
        proposal = Proposal(
            action=step.action or "",
            cluster=target.spec.name,
            params=dict(ports.expressions.render(step.params, names)),
        )
        action, params = action_of(ports, proposal)
        proposal = proposal.model_copy(update={"params": params.model_dump(mode="json")})
        command = action.command(params, target.spec)
        reached = bool(ports.expressions.evaluate(step.verify.that, names)) if step.verify else None
        if not action.available(target.spec):
            return StepResult(id=step.id, state=StepState.BY_HAND, proposal=proposal, command=command, reached=reached)
        observation = action.observe(params, target, self.snapshot)
        if by_hand := action.instead(params, observation, target.spec):
            return StepResult(id=step.id, state=StepState.BY_HAND, proposal=proposal, command=by_hand, reached=reached)
        preview = action.preview(params, observation, target.spec)
        return StepResult(
            id=step.id, state=StepState.OFFERED, proposal=proposal, preview=preview, command=command, reached=reached
        )
