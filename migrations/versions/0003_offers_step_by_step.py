"""Offers drafted step by step: which topics were gone through."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Offers that are there were made in one go: nothing of them waits to be looked at."""
    looked_at = sa.Column("looked_at", postgresql.JSONB(), nullable=False, server_default=sa.text("'[]'::jsonb"))
    op.add_column("offer", looked_at)
    op.alter_column("offer", "looked_at", server_default=None)
