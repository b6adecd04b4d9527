"""An execution with all that is needed to run or verify it."""

from dataclasses import dataclass
from typing import Any

from bot.domain.action import Execution, Observation, Preview
from bot.ports import Action, Ports, Target
from bot.usecases.looking import look
from bot.usecases.targets import action_of, target_of


@dataclass(frozen=True)
class Work:
    """One execution, its action with checked parameters, and its cluster."""

    execution: Execution
    action: Action[Any]
    params: Any
    target: Target

    def observe(self) -> Observation:
        """Look at the cluster now; raises ClusterUnreachable, UnknownName or BadInput in words."""
        return self.action.observe(self.params, self.target, look(self.target))

    def preview(self, observation: Observation) -> Preview:
        """Say what would be touched now."""
        return self.action.preview(self.params, observation, self.target.spec)


def work_of(ports: Ports, execution: Execution) -> Work:
    """Return what is needed for an execution; raises UnknownName or BadInput when its action is gone or has changed."""
    action, params = action_of(ports, execution.proposal)
    return Work(execution, action, params, target_of(ports, execution.proposal.cluster, execution.id))
