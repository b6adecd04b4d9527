"""The first tables. The audit's triggers stand in `triggers_0001`, beside this folder."""

import sqlalchemy as sa
from alembic import op

from bot.adapters.sql.migrations.triggers_0001 import statements

revision = "0001"
down_revision = None

_DOCUMENTS = {
    "incidents": ("key", "state", "channel", "root_ts"),
    "runs": ("incident_id",),
    "requests": ("state", "incident_id"),
    "executions": ("state", "incident_id", "request_id", "undoes", "mitigation_id"),
    "mitigations": ("state", "cluster", "target", "incident_id"),
}


def upgrade() -> None:
    """Make every table, and the audit's head row before the trigger that refuses another."""
    for name, indexed in _DOCUMENTS.items():
        _documents(name, indexed)
    _small_tables()
    _inbox()
    _cards()
    _audit()
    op.execute("INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, '" + "0" * 64 + "')")
    for statement in statements(op.get_bind().dialect.name):
        op.execute(statement)


def _documents(name: str, indexed: tuple[str, ...]) -> None:
    op.create_table(
        name,
        sa.Column("place", sa.Integer, primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        *(sa.Column(field, sa.Text) for field in indexed),
    )
    for field in indexed:
        op.create_index(f"ix_{name}_{field}", name, [field])


def _small_tables() -> None:
    op.create_table(
        "counters",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("last", sa.Integer, nullable=False),
    )
    op.create_table(
        "notes",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
    )


def _inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("place", sa.Integer, primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("done_at", sa.BigInteger),
    )
    op.create_index("ix_inbox_done_at_received_at", "inbox", ["done_at", "received_at"])


def _cards() -> None:
    op.create_table(
        "cards",
        sa.Column("place", sa.Integer, primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("thread_ts", sa.Text),
        sa.Column("wanted", sa.Integer, nullable=False),
        sa.Column("published", sa.Integer, nullable=False),
        sa.Column("ts", sa.Text),
        sa.Column("shown", sa.Text),
        sa.Column("text", sa.Text),
        sa.Column("dead", sa.Text),
        sa.Column("retry_at", sa.BigInteger),
        sa.Column("wanted_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_cards_kind", "cards", ["kind"])
    pending = sa.text("wanted > published AND dead IS NULL")  # asked for several times a second
    op.create_index("ix_cards_pending", "cards", ["wanted_at"], sqlite_where=pending, postgresql_where=pending)


def _audit() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("prev_hash", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
    )
    op.create_index("ix_audit_entries_subject", "audit_entries", ["subject"])
    op.create_table(
        "audit_head",
        sa.Column(
            "id", sa.Integer, sa.CheckConstraint("id = 1", name="one_head"), primary_key=True, autoincrement=False
        ),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
    )
