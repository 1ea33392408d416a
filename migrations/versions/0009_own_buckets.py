"""Holders' own storage places, files that stay there, and role sessions that were revoked."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"

IMMUTABLE = """
CREATE OR REPLACE FUNCTION file_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT state FROM release WHERE id = OLD.release_id) = 'published' AND (
    TG_OP = 'DELETE' OR (NEW.sha256, NEW.size, NEW.name, NEW.release_id, NEW.removed_at, NEW.parquet_sha256, NEW.place_id)
      IS DISTINCT FROM (OLD.sha256, OLD.size, OLD.name, OLD.release_id, OLD.removed_at, OLD.parquet_sha256, OLD.place_id)
  ) THEN
    RAISE EXCEPTION 'files of a published release never change';
  END IF;
  RETURN COALESCE(NEW, OLD);
END $$;
"""


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "storage_place",
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("organization_id", sa.String(26), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("endpoint_url", sa.String()),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("bucket", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("probe_key", sa.String(), nullable=False),
        sa.Column("role_arn", sa.String()),
        sa.Column("external_id", sa.String()),
        sa.Column("access_key", sa.String()),
        sa.Column("secret_sealed", sa.String()),
        sa.Column("accepts_wide", sa.Boolean(), nullable=False),
        sa.Column("log_source", sa.String()),
        sa.Column("log_location", sa.String()),
        sa.Column("log_read_at", moment),
        sa.Column("is_logged", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("checks", postgresql.JSONB(), nullable=False),
        sa.Column("checked_at", moment),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("created_by", sa.String(26), nullable=False),
        sa.CheckConstraint("state IN ('checking','usable','refused','closed')", name=op.f("ck_storage_place_state")),
        sa.CheckConstraint(
            "CASE kind WHEN 'role' THEN role_arn IS NOT NULL AND external_id IS NOT NULL AND secret_sealed IS NULL"
            " WHEN 'key' THEN access_key IS NOT NULL AND (secret_sealed IS NOT NULL OR state = 'closed') ELSE false END",
            name=op.f("ck_storage_place_way_in"),
        ),
        sa.CheckConstraint(
            "NOT is_logged OR (log_source IS NOT NULL AND log_location IS NOT NULL)", name=op.f("ck_storage_place_log")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_storage_place_organization_id_organization")
        ),
        sa.ForeignKeyConstraint(["created_by"], ["member.id"], name=op.f("fk_storage_place_created_by_member")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_storage_place")),
    )
    op.create_index("ix_storage_place_organization_id", "storage_place", ["organization_id"])
    op.add_column("file", sa.Column("place_id", sa.String(26)))
    op.add_column("file", sa.Column("version_id", sa.String()))
    op.add_column("file", sa.Column("etag", sa.String()))
    op.create_foreign_key(op.f("fk_file_place_id_storage_place"), "file", "storage_place", ["place_id"], ["id"])
    op.create_index("ix_file_place", "file", ["place_id"], postgresql_where=sa.text("place_id IS NOT NULL"))
    op.execute(IMMUTABLE)
    op.create_table(
        "identity_revocation",
        sa.Column("contract_id", sa.String(26), nullable=False),
        sa.Column("revoked_at", moment, nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contract.id"], name=op.f("fk_identity_revocation_contract_id_contract")
        ),
        sa.PrimaryKeyConstraint("contract_id", name=op.f("pk_identity_revocation")),
    )
    op.create_index("ix_identity_revocation_revoked_at", "identity_revocation", ["revoked_at"])
