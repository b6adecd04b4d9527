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
            values={"n": found.n, "sampled": found.sampled, "without_end": found.without_end},
            unknown=("Not all results were looked at in time.",) if found.at_least else (),
            estimated=_estimated(found),
        )


def _counted(n: int, found: StoredResults) -> str:
    return f"{'at least ' if found.at_least else ''}{counted(n, 'result')}"


def _well(found: StoredResults) -> str:
    if not found.n:
        return f"{found.backend} holds {'no results that were seen' if found.at_least else 'no results'}."
    first = f", the first in {lasting(found.oldest_end)}" if found.oldest_end else ""
    which = "all of them" if found.sampled >= found.n else f"all of the {found.sampled:,} looked at"
    return f"{found.backend} holds {_counted(found.n, found)}; {which} expire{first}."


def _troubles(params: OldResultsParams, found: StoredResults) -> list[Trouble]:
    troubles = []
    if found.without_end:
        each = f", of about {size(found.bytes_sampled / found.sampled)} each" if found.bytes_sampled else ""
        words = (
            f"{found.without_end:,} of {counted(found.sampled, 'result')} looked at in {found.backend} never expire "
            f"({_counted(found.n, found)} in all{each}): set `result_expires`, and delete old ones: "
            "`/celery results clean without end`."
        )
        troubles.append(Trouble(Level.WARN, words))
    if found.n > params.alert:
        words = (
            f"{found.backend} holds {_counted(found.n, found)}: shorten `result_expires`, or set `ignore_result` where "
            "nobody reads them."
        )
        troubles.append(Trouble(Level.BAD, words))
    return troubles


def _estimated(found: StoredResults) -> str | None:
    if not found.without_end or found.sampled >= found.n:
        return None
    n = round(found.n * found.without_end / found.sampled)
    return f"Of all, about {n:,} never expire, by a sample of {found.sampled:,}."
