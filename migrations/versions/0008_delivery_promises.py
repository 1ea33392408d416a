"""Warnings at limits, who may receive under level L3, and records of provision to third parties."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"

ID, MOMENT = sa.String(26), sa.DateTime(timezone=True)


def upgrade() -> None:
    _named_user()
    _limit_warning()
    _provision_record()


def _named_user() -> None:
    of = (("contract_id", "contract"), ("member_id", "member"), ("named_by", "member"))
    op.create_table(
        "contract_named_user",
        sa.Column("id", ID, nullable=False),
        *(sa.Column(name, ID, nullable=False) for name, _ in of),
        sa.Column("named_at", MOMENT, nullable=False),
        sa.Column("removed_at", MOMENT),
        *(
            sa.ForeignKeyConstraint([name], [f"{table}.id"], name=op.f(f"fk_contract_named_user_{name}_{table}"))
            for name, table in of
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_named_user")),
    )
    now = {"unique": True, "postgresql_where": sa.text("removed_at IS NULL")}
    op.create_index("uq_contract_named_user_now", "contract_named_user", ["contract_id", "member_id"], **now)


def _limit_warning() -> None:
    op.create_table(
        "limit_warning",
        sa.Column("contract_id", ID, nullable=False),
        sa.Column("month", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("limited", sa.String(), nullable=False),
        sa.Column("value", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("percent", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.Boolean(), nullable=False),
        sa.Column("noted_at", MOMENT, nullable=False),
        sa.Column("told_at", MOMENT),
        sa.CheckConstraint("kind IN ('own','quota')", name=op.f("ck_limit_warning_kind")),
        sa.CheckConstraint("limited IN ('bytes','downloads','amount_jpy')", name=op.f("ck_limit_warning_limited")),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_limit_warning_contract_id_contract")),
        sa.PrimaryKeyConstraint(
            "contract_id", "month", "kind", "limited", "value", "percent", name=op.f("pk_limit_warning")
        ),
    )
    op.create_index(
        "ix_limit_warning_untold", "limit_warning", ["contract_id"], postgresql_where=sa.text("told_at IS NULL")
    )


def _provision_record() -> None:
    words = (
        "contract_number",
        "data_class",
        "articles",
        "consent",
        "acquired",
        "subjects",
        "file_name",
        "variant",
        "sha256",
    )
    op.create_table(
        "provision_record",
        sa.Column("id", ID, nullable=False),
        sa.Column("grant_id", ID, nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("contract_id", ID, nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in words),
        sa.Column("provided_at", MOMENT, nullable=False),
        sa.Column("partner", postgresql.JSONB(), nullable=False),
        sa.Column("items", postgresql.JSONB(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("keep_until", sa.Date(), nullable=False),
        sa.CheckConstraint("side IN ('provider','buyer')", name=op.f("ck_provision_record_side")),
        *(
            sa.ForeignKeyConstraint([f"{of}_id"], [f"{table}.id"], name=op.f(f"fk_provision_record_{of}_id_{table}"))
            for of, table in (
                ("grant", "delivery_grant"),
                ("organization", "organization"),
                ("contract", "contract"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provision_record")),
        sa.UniqueConstraint("grant_id", "side", name=op.f("uq_provision_record_grant_id_side")),
    )
    op.create_index("ix_provision_record_kept_by", "provision_record", ["organization_id", "id"])
    op.create_index(op.f("ix_provision_record_contract_id"), "provision_record", ["contract_id"])
    op.create_index(op.f("ix_provision_record_keep_until"), "provision_record", ["keep_until"])
    op.execute(RECORD_KEPT)


RECORD_KEPT = """
CREATE OR REPLACE FUNCTION provision_record_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND OLD.keep_until < nullif(current_setting('exchange.today', true), '')::date THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'records of provision are not changed, and kept until their term is over';
END $$;
CREATE TRIGGER provision_record_kept BEFORE UPDATE OR DELETE ON provision_record
  FOR EACH ROW EXECUTE FUNCTION provision_record_kept();
"""
