"""What purges set aside and nobody has put back."""

from datetime import timedelta

from pydantic import Field

from bot.domain.amounts import since
from bot.domain.archive import Archive
from bot.domain.cluster import ClusterSnapshot
from bot.domain.run import Finding, Level
from bot.domain.troubles import table
from bot.domain.wording import counted
from bot.ports import Check, Params, Target


class SetAsideParams(Params):
    """Of which queue."""

    queue: str | None = Field(default=None, description="a queue; all without it")


class SetAside(Check[SetAsideParams]):
    """Messages that a purge or a revoke set aside and that were not put back."""

    name = "set_aside"
    params = SetAsideParams

    def run(self, params: SetAsideParams, snapshot: ClusterSnapshot, target: Target) -> Finding:
        """`restarted`: every worker of the queue began anew since; then a fix may be deployed. Raises as `archives`."""
        held = [a for a in target.means.archives.all() if a.undoable and params.queue in (None, a.queue)]
        n = sum(a.messages for a in held)
        newest = max(held, key=lambda a: a.made_at, default=None)
        values = {"n": n, "archive": newest.id if newest else "", "restarted": _restarted(newest, snapshot)}
        where = f" of {params.queue}" if params.queue else ""
        if newest is None:
            return Finding(
                level=Level.OK, sentence=f"Nothing{where} is set aside.", at=snapshot.taken_at, values=values
            )
        are = "is" if n == 1 else "are"
        aside = f"{counted(n, 'message')}{where} {are} set aside in {counted(len(held), 'archive')}"
        return Finding(
            level=Level.WARN,
            sentence=f"{aside}: they do not run until they are put back, `/celery restore {newest.id}`.",
            at=snapshot.taken_at,
            values=values,
            table=table(("archive", "n", "age"), [_row(a, snapshot) for a in held]),
        )


def _restarted(archive: Archive | None, snapshot: ClusterSnapshot) -> bool:
    """Return whether it is known that every consumer of the archive's queue started after it was made."""
    if archive is None:
        return False
    uptimes = [w.uptime_seconds for w in snapshot.consumers(archive.queue)]
    age = snapshot.taken_at - archive.made_at
    return bool(uptimes) and all(u is not None and timedelta(seconds=u) < age for u in uptimes)


def _row(archive: Archive, snapshot: ClusterSnapshot) -> tuple[str, str, str]:
    return (archive.id, f"{archive.messages:,}", since(archive.made_at, snapshot.taken_at))
