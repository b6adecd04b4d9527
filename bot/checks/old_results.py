"""Results that nobody will ever clean up."""

from pydantic import Field

from bot.domain.amounts import size
from bot.domain.broker import StoredResults
from bot.domain.cluster import ClusterSnapshot
from bot.domain.duration import lasting
from bot.domain.run import Finding, Level
from bot.domain.troubles import Trouble, told
from bot.domain.wording import counted
from bot.ports import Check, Params, Target


class OldResultsParams(Params):
    """How many are too many."""

    alert: int = Field(default=1_000_000, ge=1, description="how many results are too many, whatever their end")


class OldResults(Check[OldResultsParams]):
    """Stored results that never expire, and how many there are in all."""

    name = "old_results"
    needs_snapshot = False
    params = OldResultsParams

    def run(self, params: OldResultsParams, snapshot: ClusterSnapshot, target: Target) -> Finding:  # noqa: ARG002
        """Celery gives each result an end (`result_expires`) unless it is told not to."""
        found = target.diagnostics.results()
        level, sentence = told(_troubles(params, found), _well(found))
        return Finding(
            level=level,
            sentence=sentence,
            at=found.at,
            values={"n": found.n, "without_end": found.without_end, "at_least": found.at_least},
            unknown=("Not all results were looked at in time.",) if found.at_least else (),
        )


def _counted(n: int, found: StoredResults) -> str:
    return f"{'at least ' if found.at_least else ''}{counted(n, 'result')}"


def _well(found: StoredResults) -> str:
    if not found.n:
        return f"{found.backend} holds {'no results that were seen' if found.at_least else 'no results'}."
    last = f", the last within {lasting(found.oldest_end)}" if found.oldest_end else ""
    return f"{found.backend} holds {_counted(found.n, found)}; all of them expire{last}."


def _troubles(params: OldResultsParams, found: StoredResults) -> list[Trouble]:
    troubles = []
    if found.without_end:
        about = f", about {size(found.bytes_sampled)} of memory seen" if found.bytes_sampled else ""
        words = (
            f"{_counted(found.without_end, found).capitalize()} of {found.n:,} in {found.backend} never expire{about}: "
            "set `result_expires`, and clean up those that are there."
        )
        troubles.append(Trouble(Level.WARN, words))
    if found.n > params.alert:
        words = (
            f"{_counted(found.n, found).capitalize()} stored in {found.backend}: shorten `result_expires`, or set "
            "`ignore_result` where nobody reads them."
        )
        troubles.append(Trouble(Level.BAD, words))
    return troubles
