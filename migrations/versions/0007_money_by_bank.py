"""Money by bank: payers' names, accounts that two people confirm, instructions, transfers that came back."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"

JSON = postgresql.JSONB(none_as_null=True, astext_type=sa.Text())
MOMENT = sa.DateTime(timezone=True)
FILE_FIXED = """
CREATE OR REPLACE FUNCTION payout_batch_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND (to_jsonb(OLD) - '{sent_at,discarded_at}'::text[])
     = (to_jsonb(NEW) - '{sent_at,discarded_at}'::text[]) THEN RETURN NEW; END IF;
  RAISE EXCEPTION 'a transfer file stays as it was made';
END $$;
CREATE TRIGGER payout_batch_fixed BEFORE UPDATE OR DELETE ON payout_batch
  FOR EACH ROW EXECUTE FUNCTION payout_batch_fixed();
"""


def upgrade() -> None:
    """Everything paid so far was matched by its reference and came from Japan."""
    _organizations()
    _receipts()
    _payouts()


def _add_filled(table: str, column: sa.Column[object], default: str) -> None:
    """Add a column that is never null, filled for the rows that are there."""
    column.nullable, column.server_default = False, sa.DefaultClause(sa.text(default))
    op.add_column(table, column)
    op.alter_column(table, column.name, server_default=None)


def _organizations() -> None:
    _add_filled("organization", sa.Column("payer_names", postgresql.ARRAY(sa.String())), "'{}'")
    _add_filled("organization", sa.Column("is_abroad", sa.Boolean()), "false")
    op.create_table(
        "bank_account_change",
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("organization_id", sa.String(26), nullable=False),
        sa.Column("account", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("entered_by", sa.String(26), nullable=False),
        sa.Column("entered_at", MOMENT, nullable=False),
        sa.Column("confirmed_by", sa.String(26)),
        sa.Column("confirmed_at", MOMENT),
        sa.Column("replaced", sa.Boolean(), nullable=False),
        sa.Column("withdrawn_at", MOMENT),
        sa.CheckConstraint("confirmed_at IS NULL OR withdrawn_at IS NULL", name=op.f("ck_bank_account_change_one_end")),
        sa.CheckConstraint(
            "confirmed_by IS NULL OR confirmed_by <> entered_by", name=op.f("ck_bank_account_change_two_people")
        ),
        sa.CheckConstraint(
            "(confirmed_at IS NULL) = (confirmed_by IS NULL)",
            name=op.f("ck_bank_account_change_confirmed_by_somebody"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_bank_account_change_organization_id_organization")
        ),
        sa.ForeignKeyConstraint(["entered_by"], ["member.id"], name=op.f("fk_bank_account_change_entered_by_member")),
        sa.ForeignKeyConstraint(
            ["confirmed_by"], ["member.id"], name=op.f("fk_bank_account_change_confirmed_by_member")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_account_change")),
    )
    op.create_index(op.f("ix_bank_account_change_organization_id"), "bank_account_change", ["organization_id"])
    waiting = {"unique": True, "postgresql_where": sa.text("confirmed_at IS NULL AND withdrawn_at IS NULL")}
    op.create_index("uq_bank_account_change_waiting", "bank_account_change", ["organization_id"], **waiting)


def _receipts() -> None:
    op.add_column("receipt", sa.Column("payout_id", sa.String(26)))
    op.add_column("receipt", sa.Column("return_note", sa.String()))
    op.add_column("receipt", sa.Column("reminded_at", MOMENT))
    op.create_foreign_key(op.f("fk_receipt_payout_id_payout"), "receipt", "payout", ["payout_id"], ["id"])
    op.create_unique_constraint(op.f("uq_receipt_payout_id"), "receipt", ["payout_id"])
    _add_filled("receipt_application", sa.Column("matched_by", sa.String()), "'reference'")
    op.add_column("receipt_application", sa.Column("instruction", JSON))
    _add_filled("receipt_application", sa.Column("borne", sa.Boolean()), "false")
    known = "matched_by IN ('reference','name','person')"
    op.create_check_constraint(op.f("ck_receipt_application_matched_by"), "receipt_application", known)
    instructed = "instruction IS NOT NULL OR matched_by <> 'person'"
    op.create_check_constraint(op.f("ck_receipt_application_instructed"), "receipt_application", instructed)


def _payouts() -> None:
    op.add_column("payout_batch", sa.Column("discarded_at", MOMENT))
    one_end = "sent_at IS NULL OR discarded_at IS NULL"
    op.create_check_constraint(op.f("ck_payout_batch_one_end"), "payout_batch", one_end)
    op.execute(FILE_FIXED)
    _add_filled("payout", sa.Column("carried_jpy", sa.BigInteger()), "0")
    for column in (
        sa.Column("account", JSON),
        sa.Column("returned_on", sa.Date()),
        sa.Column("return_reason", sa.String()),
        sa.Column("warned_at", MOMENT),
        sa.Column("document_key", sa.String()),
        sa.Column("document_sha256", sa.String()),
    ):
        op.add_column("payout", column)
    _replace("payout", "state", "state IN ('due','batched','sent','returned')")
    _replace("payout", "made_up", "amount_jpy = gross_jpy - fee_jpy + carried_jpy")
    op.alter_column("payout_line", "invoice_id", nullable=True)
    op.add_column("payout_line", sa.Column("returned_payout_id", sa.String(26)))
    _add_filled("payout_line", sa.Column("carried_jpy", sa.BigInteger()), "0")
    name = op.f("fk_payout_line_returned_payout_id_payout")
    op.create_foreign_key(name, "payout_line", "payout", ["returned_payout_id"], ["id"])
    op.create_unique_constraint(op.f("uq_payout_line_returned_payout_id"), "payout_line", ["returned_payout_id"])
    _replace("payout_line", "one_ground", "num_nonnulls(application_id, credit_note_id, returned_payout_id) = 1")
    for name, must in (
        ("invoice", "(invoice_id IS NULL) = (returned_payout_id IS NOT NULL)"),
        ("carried", "(carried_jpy = 0) = (returned_payout_id IS NULL)"),
    ):
        op.create_check_constraint(op.f(f"ck_payout_line_{name}"), "payout_line", must)


def _replace(table: str, name: str, must: str) -> None:
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, must)
