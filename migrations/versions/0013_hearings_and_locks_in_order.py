"""Hearings before an organization is suspended; balances locked in one order where a hold is posted."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

LOCK_HELD = """
CREATE OR REPLACE FUNCTION ledger_lock_held(codes text[]) RETURNS void LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN PERFORM 1 FROM ledger_held WHERE account = ANY(codes) ORDER BY account FOR UPDATE; END $$;
"""
ID, MOMENT = sa.String(26), sa.DateTime(timezone=True)


def upgrade() -> None:
    op.execute(LOCK_HELD)
    _hearing()


def _hearing() -> None:
    op.create_table(
        "hearing",
        sa.Column("id", ID, nullable=False),
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("ground", sa.String(), nullable=False),
        sa.Column("article", sa.String(), nullable=False),
        sa.Column("is_urgent", sa.Boolean(), nullable=False),
        sa.Column("urgency", sa.String(), nullable=False),
        sa.Column("noticed_at", MOMENT, nullable=False),
        sa.Column("noticed_by", ID, nullable=False),
        sa.Column("answer_by", sa.Date(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("answered_at", MOMENT),
        sa.Column("answered_by", ID),
        sa.Column("decision", sa.String()),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("decided_at", MOMENT),
        sa.Column("decided_by", ID),
        sa.CheckConstraint("decision IN ('suspend','none','keep','lift')", name=op.f("ck_hearing_decision")),
        sa.CheckConstraint("(decision IS NULL) = (decided_at IS NULL)", name=op.f("ck_hearing_decided")),
        sa.CheckConstraint("is_urgent = (urgency <> '')", name=op.f("ck_hearing_urgency")),
        sa.CheckConstraint(
            "decision IS NULL OR is_urgent = (decision IN ('keep','lift'))", name=op.f("ck_hearing_of_its_kind")
        ),
        *(
            sa.ForeignKeyConstraint([name], [f"{table}.id"], name=op.f(f"fk_hearing_{name}_{table}"))
            for name, table in (
                ("organization_id", "organization"),
                ("noticed_by", "member"),
                ("answered_by", "member"),
                ("decided_by", "member"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hearing")),
    )
    op.create_index(op.f("ix_hearing_organization_id"), "hearing", ["organization_id"])
    now = {"unique": True, "postgresql_where": sa.text("decision IS NULL")}
    op.create_index("uq_hearing_open", "hearing", ["organization_id"], **now)
