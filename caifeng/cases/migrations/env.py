"""Alembic environment: runs on the connection that the register hands over."""

from alembic import context

from caifeng.cases.store import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transaction_per_migration=False,
)
context.run_migrations()
