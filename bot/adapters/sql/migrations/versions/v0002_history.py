"""What was seen of clusters, and the forecasts that were made of their queues."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make both tables; nothing that was there is touched."""
    op.create_table(
        "history",
        sa.Column("cluster", sa.Text, primary_key=True),
        sa.Column("seconds", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("heard_until", sa.BigInteger),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_index("ix_history_at", "history", ["at"])
    op.create_table(
        "forecasts",
        sa.Column("place", sa.Integer, primary_key=True),
        sa.Column("cluster", sa.Text, nullable=False),
        sa.Column("queue", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("goal", sa.Integer, nullable=False),
        sa.Column("seconds", sa.Integer),
        sa.Column("due", sa.BigInteger, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
    )
    op.create_index("ix_forecasts_cluster_outcome", "forecasts", ["cluster", "outcome"])
    op.create_index("ix_forecasts_at", "forecasts", ["at"])
