"""Papers: charges named on their lines, who issues, corrections, reminders, sheets of municipalities, sales reports."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"

NAMED = """
UPDATE invoice SET seller = issuer, mode = CASE title WHEN '適格請求書' THEN 'proxy' ELSE 'plain' END;
UPDATE invoice_line l SET contract_id = i.contract_id,
  ground = CASE WHEN l.month IS NULL THEN i.ground ELSE 'late/' || i.period || '/' || l.month END
FROM invoice i WHERE i.id = l.invoice_id;
"""
MOVING = {
    "invoice_correction": "document_key,document_sha256",
    "assessment": "state,notice_number,noticed_on,notice_due_on,fiscal_year,paid_on,told_at,told_by,document_key,document_sha256",
}
AS_ISSUED = """
CREATE OR REPLACE FUNCTION {table}_as_issued() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND (to_jsonb(OLD) - '{{{moving}}}'::text[]) = (to_jsonb(NEW) - '{{{moving}}}'::text[])
     AND (OLD.document_sha256 IS NULL OR OLD.document_sha256 = NEW.document_sha256) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'what was issued does not change: % on %', TG_OP, TG_TABLE_NAME;
END $$;
CREATE TRIGGER {table}_as_issued BEFORE UPDATE OR DELETE ON {table}
  FOR EACH ROW EXECUTE FUNCTION {table}_as_issued();
"""
FOREVER = """
CREATE OR REPLACE FUNCTION settlement_forever() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'what was issued stays: % on %', TG_OP, TG_TABLE_NAME; END $$;
"""
KEPT = {
    "invoice": "TRUNCATE",
    "invoice_line": "TRUNCATE",
    "credit_note": "TRUNCATE",
    "invoice_correction": "TRUNCATE",
    "assessment": "TRUNCATE",
    "invoice_reminder": "UPDATE OR DELETE OR TRUNCATE",
    "sales_report": "UPDATE OR DELETE OR TRUNCATE",
    "assessment_line": "UPDATE OR DELETE OR TRUNCATE",
}


def upgrade() -> None:
    op.create_table(
        "registration_notice",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("organization_id", sa.String(length=26), nullable=False),
        sa.Column("registration_number", sa.String(), nullable=True),
        sa.Column("issues_itself", sa.Boolean(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("given_by", sa.String(length=26), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "issues_itself OR registration_number IS NOT NULL", name=op.f("ck_registration_notice_number")
        ),
        sa.ForeignKeyConstraint(["given_by"], ["member.id"], name=op.f("fk_registration_notice_given_by_member")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_registration_notice_organization_id_organization")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registration_notice")),
    )
    op.create_index(
        op.f("ix_registration_notice_organization_id"), "registration_notice", ["organization_id"], unique=False
    )
    op.create_index(
        "uq_registration_notice_standing",
        "registration_notice",
        ["organization_id"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.create_table(
        "assessment",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("provider_id", sa.String(length=26), nullable=False),
        sa.Column("buyer_id", sa.String(length=26), nullable=False),
        sa.Column("contract_id", sa.String(length=26), nullable=False),
        sa.Column("ground", sa.String(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("supplied_from", sa.Date(), nullable=False),
        sa.Column("supplied_until", sa.Date(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("revenue_kind", sa.String(), nullable=False),
        sa.Column("price_basis", sa.String(), nullable=False),
        sa.Column("contract_number", sa.String(), nullable=False),
        sa.Column("purchase_order", sa.String(), nullable=True),
        sa.Column("provider", postgresql.JSONB(), nullable=False),
        sa.Column("buyer", postgresql.JSONB(), nullable=False),
        sa.Column("totals_by_rate", postgresql.JSONB(), nullable=False),
        sa.Column("taxable_jpy", sa.BigInteger(), nullable=False),
        sa.Column("tax_jpy", sa.BigInteger(), nullable=False),
        sa.Column("total_jpy", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("notice_number", sa.String(), nullable=True),
        sa.Column("noticed_on", sa.Date(), nullable=True),
        sa.Column("notice_due_on", sa.Date(), nullable=True),
        sa.Column("fiscal_year", sa.Integer(), nullable=True),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_by", sa.String(length=26), nullable=True),
        sa.Column("document_key", sa.String(), nullable=True),
        sa.Column("document_sha256", sa.String(), nullable=True),
        sa.CheckConstraint("(state = 'paid') = (paid_on IS NOT NULL)", name=op.f("ck_assessment_paid")),
        sa.CheckConstraint("revenue_kind IN ('occasional','fixed')", name=op.f("ck_assessment_revenue_kind")),
        sa.CheckConstraint("state IN ('prepared','noticed','paid','withdrawn')", name=op.f("ck_assessment_state")),
        sa.CheckConstraint(
            "state NOT IN ('noticed','paid') OR (notice_number IS NOT NULL AND noticed_on IS NOT NULL AND notice_due_on IS NOT NULL AND fiscal_year IS NOT NULL)",
            name=op.f("ck_assessment_noticed"),
        ),
        sa.CheckConstraint("total_jpy = taxable_jpy + tax_jpy AND total_jpy > 0", name=op.f("ck_assessment_total")),
        sa.ForeignKeyConstraint(["buyer_id"], ["organization.id"], name=op.f("fk_assessment_buyer_id_organization")),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_assessment_contract_id_contract")),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["organization.id"], name=op.f("fk_assessment_provider_id_organization")
        ),
        sa.ForeignKeyConstraint(["told_by"], ["member.id"], name=op.f("fk_assessment_told_by_member")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assessment")),
        sa.UniqueConstraint("provider_id", "number", name=op.f("uq_assessment_provider_id_number")),
    )
    op.create_index(op.f("ix_assessment_buyer_id"), "assessment", ["buyer_id"], unique=False)
    op.create_index(op.f("ix_assessment_contract_id"), "assessment", ["contract_id"], unique=False)
    op.create_index(op.f("ix_assessment_period"), "assessment", ["period"], unique=False)
    op.create_table(
        "sales_report",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("contract_id", sa.String(length=26), nullable=False),
        sa.Column("month", sa.String(), nullable=False),
        sa.Column("sales_jpy", sa.BigInteger(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reported_by", sa.String(length=26), nullable=False),
        sa.CheckConstraint("month ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'", name=op.f("ck_sales_report_month")),
        sa.CheckConstraint("sales_jpy >= 0", name=op.f("ck_sales_report_sales")),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_sales_report_contract_id_contract")),
        sa.ForeignKeyConstraint(["reported_by"], ["member.id"], name=op.f("fk_sales_report_reported_by_member")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sales_report")),
    )
    op.create_index("ix_sales_report_month", "sales_report", ["month", "contract_id", "id"], unique=False)
    op.create_table(
        "assessment_line",
        sa.Column("assessment_id", sa.String(length=26), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("quantity", sa.String(), nullable=False),
        sa.Column("amount_jpy", sa.BigInteger(), nullable=False),
        sa.Column("rate_percent", sa.Integer(), nullable=False),
        sa.Column("month", sa.String(), nullable=True),
        sa.Column("contract_id", sa.String(length=26), nullable=False),
        sa.Column("ground", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["assessment_id"], ["assessment.id"], name=op.f("fk_assessment_line_assessment_id_assessment")
        ),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_assessment_line_contract_id_contract")),
        sa.PrimaryKeyConstraint("assessment_id", "position", name=op.f("pk_assessment_line")),
    )
    op.create_index("uq_assessment_line_charge", "assessment_line", ["contract_id", "ground"], unique=True)
    op.create_table(
        "invoice_correction",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("issuer_id", sa.String(length=26), nullable=False),
        sa.Column("invoice_id", sa.String(length=26), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("changed", postgresql.JSONB(), nullable=False),
        sa.Column("issuer", postgresql.JSONB(), nullable=False),
        sa.Column("recipient", postgresql.JSONB(), nullable=False),
        sa.Column("purchase_order", sa.String(), nullable=True),
        sa.Column("document_key", sa.String(), nullable=True),
        sa.Column("document_sha256", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_invoice_correction_invoice_id_invoice")),
        sa.ForeignKeyConstraint(
            ["issuer_id"], ["organization.id"], name=op.f("fk_invoice_correction_issuer_id_organization")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_correction")),
        sa.UniqueConstraint("issuer_id", "number", name=op.f("uq_invoice_correction_issuer_id_number")),
    )
    op.create_index(op.f("ix_invoice_correction_invoice_id"), "invoice_correction", ["invoice_id"], unique=False)
    op.create_table(
        "invoice_reminder",
        sa.Column("invoice_id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('before','overdue','last','stopped')", name=op.f("ck_invoice_reminder_kind")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_invoice_reminder_invoice_id_invoice")),
        sa.PrimaryKeyConstraint("invoice_id", "kind", name=op.f("pk_invoice_reminder")),
    )

    op.execute("ALTER TABLE invoice DISABLE TRIGGER USER; ALTER TABLE invoice_line DISABLE TRIGGER USER")
    op.add_column("invoice", sa.Column("kind", sa.String(), nullable=False, server_default="sale"))
    op.add_column("invoice", sa.Column("mode", sa.String(), nullable=False, server_default="proxy"))
    op.add_column("invoice", sa.Column("seller", postgresql.JSONB()))
    op.add_column("invoice_line", sa.Column("contract_id", sa.String(26)))
    op.add_column("invoice_line", sa.Column("ground", sa.String()))
    op.execute(NAMED)
    for name in ("kind", "mode"):
        op.alter_column("invoice", name, server_default=None)
    op.alter_column("invoice", "seller", nullable=False)
    op.execute("ALTER TABLE invoice ENABLE TRIGGER USER; ALTER TABLE invoice_line ENABLE TRIGGER USER")
    op.drop_constraint("uq_invoice_contract_id_ground", "invoice", type_="unique")
    op.create_check_constraint(op.f("ck_invoice_kind"), "invoice", "kind IN ('sale','fee')")
    modes = "mode IN ('intermediary','proxy','self','plain')"
    op.create_check_constraint(op.f("ck_invoice_mode"), "invoice", modes)
    fee = sa.text("kind = 'fee'")
    op.create_index("uq_invoice_fee", "invoice", ["recipient_id", "ground"], unique=True, postgresql_where=fee)
    charged = sa.text("contract_id IS NOT NULL")
    columns = ["contract_id", "ground"]
    op.create_index("uq_invoice_line_charge", "invoice_line", columns, unique=True, postgresql_where=charged)
    key = op.f("fk_invoice_line_contract_id_contract")
    op.create_foreign_key(key, "invoice_line", "contract", ["contract_id"], ["id"])
    for table, moving in MOVING.items():
        op.execute(AS_ISSUED.format(table=table, moving=moving))
    op.execute(FOREVER)
    for table, deeds in KEPT.items():
        op.execute(
            f"CREATE TRIGGER {table}_forever BEFORE {deeds} ON {table}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION settlement_forever()"
        )
