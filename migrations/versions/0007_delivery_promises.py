"""Warnings at limits, who may receive under level L3, and records of provision to third parties."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

ID, MOMENT = sa.String(26), sa.DateTime(timezone=True)


def upgrade() -> None:
    _limit_warning()


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
