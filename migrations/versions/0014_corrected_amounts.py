"""Invoices that replace others because their amounts were wrong, and what of their payments is kept."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0012"

APPLIED = """
CREATE OR REPLACE FUNCTION receipt_application_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND OLD.released_at IS NULL AND to_jsonb(OLD) - 'released_at' = to_jsonb(NEW) - 'released_at' THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'what was applied stays applied; a corrected invoice or a credit note corrects it';
END $$;
"""
STATES = "state IN ('issued','paid','void','credited','replaced')"
GROUNDS = "num_nonnulls(application_id, credit_note_id, returned_payout_id, dispute_id, replacement_id) = 1"


def upgrade() -> None:
    _invoices()
    _money()


def _invoices() -> None:
    op.drop_constraint("ck_invoice_state", "invoice")
    op.create_check_constraint(op.f("ck_invoice_state"), "invoice", STATES)
    op.add_column("invoice", sa.Column("revision", sa.Integer(), nullable=False, server_default="0"))
    op.alter_column("invoice", "revision", server_default=None)
    op.add_column("invoice", sa.Column("replaces_id", sa.String(26)))
    op.add_column("invoice", sa.Column("first_id", sa.String(26)))
    op.add_column("invoice", sa.Column("changed", postgresql.JSONB()))
    for column in ("replaces_id", "first_id"):
        op.create_foreign_key(op.f(f"fk_invoice_{column}_invoice"), "invoice", "invoice", [column], ["id"])
    op.create_unique_constraint(op.f("uq_invoice_replaces_id"), "invoice", ["replaces_id"])
    op.create_unique_constraint(op.f("uq_invoice_first_id_revision"), "invoice", ["first_id", "revision"])
    replaced = "num_nulls(replaces_id, first_id, changed) IN (0, 3)"
    op.create_check_constraint(op.f("ck_invoice_replacement"), "invoice", replaced)
    op.create_check_constraint(op.f("ck_invoice_revision"), "invoice", "(revision = 0) = (replaces_id IS NULL)")
    op.add_column("invoice_line", sa.Column("revision", sa.Integer(), nullable=False, server_default="0"))
    op.alter_column("invoice_line", "revision", server_default=None)
    op.drop_index("uq_invoice_line_charge", "invoice_line")
    op.create_index(
        "uq_invoice_line_charge",
        "invoice_line",
        ["contract_id", "ground", "revision"],
        unique=True,
        postgresql_where=sa.text("contract_id IS NOT NULL"),
    )


def _money() -> None:
    op.add_column("receipt", sa.Column("freed_on", sa.Date()))
    op.add_column("receipt_application", sa.Column("released_at", sa.DateTime(timezone=True)))
    op.add_column("receipt_application", sa.Column("first_id", sa.String(26)))
    op.create_foreign_key(
        op.f("fk_receipt_application_first_id_receipt_application"),
        *("receipt_application", "receipt_application"),
        ["first_id"],
        ["id"],
    )
    op.execute(APPLIED)
    op.add_column("payout_line", sa.Column("replacement_id", sa.String(26)))
    op.create_foreign_key(
        op.f("fk_payout_line_replacement_id_invoice"), "payout_line", "invoice", ["replacement_id"], ["id"]
    )
    op.create_unique_constraint(op.f("uq_payout_line_replacement_id"), "payout_line", ["replacement_id"])
    op.drop_constraint("ck_payout_line_one_ground", "payout_line")
    op.create_check_constraint(op.f("ck_payout_line_one_ground"), "payout_line", GROUNDS)
