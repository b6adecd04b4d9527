"""What was seen of clusters, in SQL."""

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select, tuple_

from bot.adapters.sql.history_codec import decoded, encoded
from bot.adapters.sql.schema import history
from bot.domain.history import Grain, Record
from bot.ports.storage import Mark


class SqlHistory:
    """Implements `History` in one transaction."""

    def __init__(self, connection: Connection) -> None:
        """Work on the history's table."""
        self._connection = connection

    def add(self, cluster: str, grain: Grain, record: Record, heard_until: datetime | None) -> None:
        """Store a record; one of the same moment is replaced."""
        at, document = record.at, encoded(record)
        self._connection.execute(delete(history).where(_of(cluster, grain), history.c.at == at))
        row = {"cluster": cluster, "seconds": int(grain), "at": at, "heard_until": heard_until, "document": document}
        self._connection.execute(insert(history).values(**row))

    def last(self, cluster: str, grain: Grain, by: datetime) -> Mark | None:
        """Return the newest record's mark that ends at `by` or before."""
        return self._mark(and_(_of(cluster, grain), history.c.at <= by), history.c.at.desc())

    def first(self, cluster: str, grain: Grain, after: datetime) -> Mark | None:
        """Return the oldest record's mark that ends after a moment."""
        return self._mark(and_(_of(cluster, grain), history.c.at > after), history.c.at.asc())

    def _mark(self, these: ColumnElement[bool], order: ColumnElement[datetime]) -> Mark | None:
        wanted = select(history.c.at, history.c.heard_until).where(these).order_by(order).limit(1)
        row = self._connection.execute(wanted).one_or_none()
        return None if row is None else Mark(row.at, row.heard_until)

    def between(self, cluster: str, grain: Grain, after: datetime, until: datetime) -> list[Record]:
        """Return the records that end after `after` and at `until` or before, oldest first."""
        these = and_(_of(cluster, grain), history.c.at > after, history.c.at <= until)
        rows = self._connection.execute(select(history.c.at, history.c.document).where(these).order_by(history.c.at))
        return [decoded(row.at, row.document) for row in rows]

    def forget(self, before: datetime, limit: int, *, cluster: str | None = None, grain: Grain | None = None) -> int:
        """Delete at most `limit` records, oldest first, that ended before that moment; returns how many."""
        these = [history.c.at < before]
        these += [history.c.cluster == cluster] if cluster is not None else []
        these += [history.c.seconds == int(grain)] if grain is not None else []
        key = (history.c.cluster, history.c.seconds, history.c.at)
        old = select(*key).where(*these).order_by(history.c.at).limit(limit)
        return self._connection.execute(delete(history).where(tuple_(*key).in_(old))).rowcount


def _of(cluster: str, grain: Grain) -> ColumnElement[bool]:
    return and_(history.c.cluster == cluster, history.c.seconds == int(grain))
