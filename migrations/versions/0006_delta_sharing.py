"""Delta Sharing: profiles, of whose tokens only the digest is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "sharing_profile",
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("contract_id", sa.String(26), nullable=False),
        sa.Column("member_id", sa.String(26), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.Column("last_used_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_sharing_profile_contract_id_contract")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_sharing_profile_member_id_member")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sharing_profile")),
        sa.UniqueConstraint("digest", name=op.f("uq_sharing_profile_digest")),
    )
    live = {"unique": True, "postgresql_where": sa.text("revoked_at IS NULL")}
    op.create_index("uq_sharing_profile_live", "sharing_profile", ["contract_id"], **live)
