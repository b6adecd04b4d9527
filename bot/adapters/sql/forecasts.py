"""Forecasts in SQL: decided many at a time, without reading them."""

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from bot.adapters.sql.schema import forecasts
from bot.domain.scoring import KeptForecast, Outcome


class SqlForecasts:
    """Implements `Forecasts` in one transaction."""

    def __init__(self, connection: Connection) -> None:
        """Work on the forecasts' table."""
        self._connection = connection

    def add(self, cluster: str, made: KeptForecast) -> None:
        """Store one."""
        values = made.model_dump(exclude={"minutes"})
        seconds = None if made.minutes is None else round(made.minutes * 60)
        self._connection.execute(insert(forecasts).values(cluster=cluster, seconds=seconds, **values))

    def open(self, cluster: str) -> list[tuple[str, int]]:
        """Return the queues and goals of those that are not decided yet."""
        wanted = select(forecasts.c.queue, forecasts.c.goal).where(_open(cluster)).distinct()
        return [(row.queue, row.goal) for row in self._connection.execute(wanted.order_by("queue", "goal"))]

    def drained(self, cluster: str, queue: str, goal: int, at: datetime) -> int:
        """Decide those made before `at` and due then or later: the queue fell below `goal`. Returns how many."""
        these = (
            _open(cluster)
            & (forecasts.c.queue == queue)
            & (forecasts.c.goal == goal)
            & (forecasts.c.at < at)
            & (forecasts.c.due >= at)
        )
        return self._end(these, Outcome.DRAINED, at)

    def overdue(self, cluster: str, now: datetime) -> int:
        """Decide those that were due before `now`: the queue did not drain. Returns how many."""
        return self._end(_open(cluster) & (forecasts.c.due < now), Outcome.NOT_DRAINED, now)

    def void(self, cluster: str, now: datetime, *, made_by: datetime, queue: str | None = None) -> int:
        """End undecided ones made by a moment: they can be decided no more. Returns how many."""
        these = _open(cluster) & (forecasts.c.at <= made_by)
        if queue is not None:
            these &= forecasts.c.queue == queue
        return self._end(these, Outcome.VOID, now)

    def _end(self, these: ColumnElement[bool], outcome: Outcome, at: datetime) -> int:
        ended = update(forecasts).where(these).values(outcome=outcome.value, ended_at=at)
        return self._connection.execute(ended).rowcount

    def ended(self, cluster: str, since: datetime, limit: int) -> list[KeptForecast]:
        """Return the newest decided ones made since that moment, oldest first; void ones are left out."""
        decided = forecasts.c.outcome.in_([Outcome.DRAINED.value, Outcome.NOT_DRAINED.value])
        wanted = select(forecasts).where(forecasts.c.cluster == cluster, decided, forecasts.c.at >= since)
        rows = self._connection.execute(wanted.order_by(forecasts.c.at.desc()).limit(limit))
        return [_made(row) for row in rows][::-1]

    def forget(self, before: datetime, limit: int) -> int:
        """Delete at most `limit` of those made before that moment; returns how many."""
        old = select(forecasts.c.place).where(forecasts.c.at < before).order_by(forecasts.c.at).limit(limit)
        return self._connection.execute(delete(forecasts).where(forecasts.c.place.in_(old))).rowcount


def _open(cluster: str) -> ColumnElement[bool]:
    return (forecasts.c.cluster == cluster) & (forecasts.c.outcome == Outcome.OPEN.value)


def _made(row: object) -> KeptForecast:
    seconds: int | None = getattr(row, "seconds", None)
    fields = {name: getattr(row, name) for name in ("queue", "at", "goal", "due", "outcome", "ended_at")}
    return KeptForecast.model_validate({**fields, "minutes": None if seconds is None else seconds / 60})
