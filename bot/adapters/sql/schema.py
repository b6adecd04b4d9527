"""The tables as they are today. How a database came to have them stands in the migrations; a test compares the two."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, CheckConstraint, Column, Dialect, Index, Integer, MetaData, Table, Text
from sqlalchemy.types import TypeDecorator

from bot.domain.audit import microseconds

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Moment(TypeDecorator[datetime]):
    """A moment as whole microseconds since 1970 UTC: exact, and the same on every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return what is stored."""
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - likewise
        """Return what was stored, in UTC."""
        return None if value is None else _EPOCH + timedelta(microseconds=value)


metadata = MetaData()


def _documents(name: str, *indexed: str) -> Table:
    """Return the table of one noun: `place` is the order of arrival; indexed fields are copies from `document`."""
    return Table(
        name,
        metadata,
        Column("place", Integer, primary_key=True),
        Column("id", Text, nullable=False, unique=True),
        Column("version", Integer, nullable=False),
        Column("document", Text, nullable=False),
        *(Column(field, Text, index=True) for field in indexed),
    )


incidents = _documents("incidents", "key", "state", "channel", "root_ts")
runs = _documents("runs", "incident_id")
requests = _documents("requests", "state", "incident_id")
executions = _documents("executions", "state", "incident_id", "request_id", "undoes", "mitigation_id")
mitigations = _documents("mitigations", "state", "cluster", "target", "incident_id")

counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("last", Integer, nullable=False),
)

inbox = Table(
    "inbox",
    metadata,
    Column("place", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("done_at", Moment),
    Index("ix_inbox_done_at_received_at", "done_at", "received_at"),
)

cards = Table(
    "cards",
    metadata,
    Column("place", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("version", Integer, nullable=False),
    Column("kind", Text, nullable=False, index=True),
    Column("subject", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("thread_ts", Text),
    Column("wanted", Integer, nullable=False),
    Column("published", Integer, nullable=False),
    Column("ts", Text),
    Column("shown", Text),
    Column("text", Text),
    Column("dead", Text),
    Column("retry_at", Moment),
    Column("wanted_at", Moment, nullable=False),
)
_PENDING = (cards.c.wanted > cards.c.published) & cards.c.dead.is_(None)
Index("ix_cards_pending", cards.c.wanted_at, sqlite_where=_PENDING, postgresql_where=_PENDING)

notes = Table(
    "notes",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("until", Moment, nullable=False),
)

history = Table(
    "history",
    metadata,
    Column("cluster", Text, primary_key=True),
    Column("seconds", Integer, primary_key=True, autoincrement=False),
    Column("at", Moment, primary_key=True, autoincrement=False),
    Column("heard_until", Moment),
    Column("document", Text, nullable=False),
    Index("ix_history_at", "at"),
)
"""What was seen of each cluster; `seconds` is the grain: 5, or 60 for merged records."""

forecasts = Table(
    "forecasts",
    metadata,
    Column("place", Integer, primary_key=True),
    Column("cluster", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("goal", Integer, nullable=False),
    Column("seconds", Integer),
    Column("due", Moment, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("ended_at", Moment),
    Index("ix_forecasts_cluster_outcome", "cluster", "outcome"),
    Index("ix_forecasts_at", "at"),
)
"""`seconds` is in how many a drain was forecast; empty: that the queue will not drain."""

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at_us", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("subject", Text, nullable=False, index=True),
    Column("facts", Text, nullable=False),
    Column("prev_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
)
"""Never batch-altered: Alembic's batch mode makes a new table, and the triggers would stay with the old one."""

audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="one_head"), primary_key=True, autoincrement=False),
    Column("seq", Integer, nullable=False),
    Column("hash", Text, nullable=False),
)
"""One row: the newest entry's number and hash. A trigger on `audit_entries` moves it; nothing else can."""
