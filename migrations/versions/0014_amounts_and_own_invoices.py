"""Invoices that replace others because their amounts were wrong; invoices that sellers issue themselves."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"

APPLIED = """
CREATE OR REPLACE FUNCTION receipt_application_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND OLD.released_at IS NULL AND to_jsonb(OLD) - 'released_at' = to_jsonb(NEW) - 'released_at' THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'what was applied stays applied; a corrected invoice or a credit note corrects it';
END $$;
"""
AS_ISSUED = """
CREATE OR REPLACE FUNCTION {table}_as_issued() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND (to_jsonb(OLD) - '{{{moving}}}'::text[]) = (to_jsonb(NEW) - '{{{moving}}}'::text[])
     AND (OLD.document_sha256 IS NULL OR OLD.document_sha256 = NEW.document_sha256){and_} THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'what was issued does not change: % on %', TG_OP, TG_TABLE_NAME;
END $$;
"""
GUARDS = """
CREATE TRIGGER seller_invoice_as_issued BEFORE UPDATE OR DELETE ON seller_invoice
  FOR EACH ROW EXECUTE FUNCTION seller_invoice_as_issued();
CREATE TRIGGER seller_invoice_forever BEFORE TRUNCATE ON seller_invoice
  FOR EACH STATEMENT EXECUTE FUNCTION settlement_forever();
"""
MOVING = "state,due_on,paid_jpy,refunded_jpy,credited_jpy,fee_taken_jpy,paid_at,document_key,document_sha256"
DUE_ONCE = " AND (OLD.due_on IS NULL OR OLD.due_on = NEW.due_on)"
WORDS = "kind IN ('before','overdue','last','stopped','upload')"
STATES = "state IN ('issued','paid','void','credited','replaced')"
GROUNDS = "num_nonnulls(application_id, credit_note_id, returned_payout_id, dispute_id, replacement_id) = 1"


def upgrade() -> None:
    _invoices()
    _money()
    _sellers_own()
    _notices()


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


def _sellers_own() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "seller_invoice",
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("invoice_id", sa.String(26), nullable=False),
        sa.Column("issuer_id", sa.String(26), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("total_jpy", sa.BigInteger(), nullable=False),
        sa.Column("uploaded_at", moment, nullable=False),
        sa.Column("uploaded_by", sa.String(26), nullable=False),
        sa.Column("superseded_at", moment),
        sa.Column("document_key", sa.String(), nullable=False),
        sa.Column("document_sha256", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_seller_invoice_invoice_id_invoice")),
        sa.ForeignKeyConstraint(
            ["issuer_id"], ["organization.id"], name=op.f("fk_seller_invoice_issuer_id_organization")
        ),
        sa.ForeignKeyConstraint(["uploaded_by"], ["member.id"], name=op.f("fk_seller_invoice_uploaded_by_member")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seller_invoice")),
    )
    op.create_index(op.f("ix_seller_invoice_invoice_id"), "seller_invoice", ["invoice_id"])
    for name, columns in (("number", ["issuer_id", "number"]), ("invoice", ["invoice_id"])):
        stands = sa.text("superseded_at IS NULL")
        op.create_index(f"uq_seller_invoice_{name}", "seller_invoice", columns, unique=True, postgresql_where=stands)
    op.alter_column("invoice", "due_on", nullable=True)
    due = "due_on IS NOT NULL OR (mode = 'self' AND kind = 'sale')"
    op.create_check_constraint(op.f("ck_invoice_due_on"), "invoice", due)
    op.execute(AS_ISSUED.format(table="invoice", moving=MOVING, and_=DUE_ONCE))
    op.execute(AS_ISSUED.format(table="seller_invoice", moving="superseded_at", and_=" AND OLD.superseded_at IS NULL"))
    op.execute(GUARDS)
    op.drop_constraint("ck_invoice_reminder_kind", "invoice_reminder")
    op.create_check_constraint(op.f("ck_invoice_reminder_kind"), "invoice_reminder", WORDS)


def _notices() -> None:
    op.add_column("registration_notice", sa.Column("valid_from", sa.DateTime(timezone=True)))
    op.execute("UPDATE registration_notice SET valid_from = given_at")
    op.alter_column("registration_notice", "valid_from", nullable=False)
    later = "valid_from >= given_at"
    op.create_check_constraint(op.f("ck_registration_notice_valid_from"), "registration_notice", later)
