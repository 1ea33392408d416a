"""Alembic's entry: all migrations that are due, in one transaction, so that a crash leaves the database as it was."""

from alembic import context
from sqlalchemy import create_engine

import wsgi  # noqa: F401  every chapter's models are known once the house stands
from exchange.database import Base

engine = create_engine(context.config.attributes["url"])
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
