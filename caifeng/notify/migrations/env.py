"""Alembic environment of the outbox: beside the register's, with a version table of its own."""

from alembic import context

from caifeng.notify.outbox import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
    transaction_per_migration=False,
)
context.run_migrations()
