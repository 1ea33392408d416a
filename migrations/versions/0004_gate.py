"""Links that end with their contract: the address a link is bound to, and links for one use."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Links that are there are bound to no address."""
    op.add_column("delivery_grant", sa.Column("remote", sa.String()))
    op.create_table(
        "delivery_once",
        sa.Column("grant_id", sa.String(26), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["delivery_grant.id"], name=op.f("fk_delivery_once_grant_id_delivery_grant")
        ),
        sa.PrimaryKeyConstraint("grant_id", name=op.f("pk_delivery_once")),
    )
