"""Alembic's entry: runs migrations on the house's engine, each in its own transaction."""

from alembic import context

import wsgi  # noqa: F401  every chapter's models are known once the house stands
from exchange import database

with database.engine().connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=database.Base.metadata,
        transaction_per_migration=True,
        compare_type=True,
        compare_server_default=False,
    )
    with context.begin_transaction():
        context.run_migrations()
