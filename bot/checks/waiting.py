"""What waits in a queue, by task name."""

from pydantic import Field

from bot.checks.running import must_exist
from bot.domain.archive import Census
from bot.domain.cluster import ClusterSnapshot
from bot.domain.run import Finding, Level
from bot.domain.troubles import brief, table
from bot.domain.wording import counted
from bot.ports import Check, Params, Target

MOST_NAMES = 3
"""Task names in the sentence; the table shows more."""


class WaitingParams(Params):
    """The queue to look at."""

    queue: str = Field(description="the queue to look at")


class Waiting(Check[WaitingParams]):
    """What waits in a queue, by task name."""

    name = "waiting"
    params = WaitingParams

    def run(self, params: WaitingParams, snapshot: ClusterSnapshot, target: Target) -> Finding:
        """Of a long queue the next messages are looked at, and it is said of how many.

        Raises UnknownName or ClusterUnreachable.
        """
        must_exist(params.queue, snapshot, target)
        census = target.means.archives.census(params.queue)
        names = dict(sorted(census.by_task.items(), key=lambda n: (-n[1], n[0])))
        part = f"counted in the next {census.looked_at:,} of {census.messages:,}"
        return Finding(
            level=Level.OK,
            sentence=_sentence(params.queue, census, names),
            at=snapshot.taken_at,
            values={"n": census.messages, "tasks": names, "most": next(iter(names), "")},
            table=table(("task", "n"), [(brief(name), f"{n:,}") for name, n in names.items()]),
            estimated=f"Task names are {part}." if census.looked_at < census.messages else None,
        )


def _sentence(queue: str, census: Census, names: dict[str, int]) -> str:
    if not census.messages:
        return f"Nothing waits in {queue}."
    words = ", ".join(f"{n:,} × {name}" for name, n in list(names.items())[:MOST_NAMES])
    more = f" and {counted(len(names) - MOST_NAMES, 'more name')}" if len(names) > MOST_NAMES else ""
    of = f" of the next {census.looked_at:,}" if census.looked_at < census.messages else ""
    return f"{counted(census.messages, 'message')} in {queue}; by task{of}: {words}{more}."
