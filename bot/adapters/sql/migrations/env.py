"""Run by Alembic: works in the transaction that the caller has begun."""

from alembic import context

from bot.adapters.sql.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    version_table=context.config.attributes["version_table"],
    target_metadata=metadata,
)
with context.begin_transaction():
    context.run_migrations()
