"""Invoices, credit notes and corrections. What was issued never changes: a trigger lets only payment and state move on."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    DDL,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Sequence,
    UniqueConstraint,
    event,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from exchange.database import Base, Id

REFERENCE_NUMBERS = Sequence("payment_reference_number", start=10_000_001, metadata=Base.metadata)


class InvoiceCounter(Base):
    """The last number an issuer gave, by series; taken in the issuing transaction, so numbers have no gaps."""

    __tablename__ = "invoice_counter"

    issuer_id: Mapped[str] = mapped_column(ForeignKey("organization.id"), primary_key=True)
    series: Mapped[str] = mapped_column(primary_key=True)
    last: Mapped[int]


class Invoice(Base):
    """An invoice as issued, and how far it is paid: of a provider's sales to a buyer, or of the exchange's fee to a
    provider. Amounts in yen.

    One whose amounts are wrong is `replaced` by another of the next `revision`, which says what was `changed` and takes
    over what was paid and credited; the first stays as it was on that day. Only the newest is owed.

    `issuer_id` is whose claim it is; `issuer` is who stands on the paper, which under 媒介者交付特例 is the exchange.
    `paid_jpy` is what the buyer's money covered, `credited_jpy` what credit notes took off (tax included),
    `refunded_jpy` the part of that which had been paid and goes back.
    """

    __tablename__ = "invoice"
    __table_args__ = (
        UniqueConstraint("issuer_id", "number"),
        CheckConstraint("kind IN ('sale','fee')", name="kind"),
        CheckConstraint("mode IN ('intermediary','proxy','self','plain')", name="mode"),
        Index("uq_invoice_fee", "recipient_id", "ground", unique=True, postgresql_where="kind = 'fee'"),
        CheckConstraint("state IN ('issued','paid','void','credited','replaced')", name="state"),
        CheckConstraint("num_nulls(replaces_id, first_id, changed) IN (0, 3)", name="replacement"),
        CheckConstraint("(revision = 0) = (replaces_id IS NULL)", name="revision"),
        CheckConstraint("due_on IS NOT NULL OR (mode = 'self' AND kind = 'sale')", name="due_on"),
        UniqueConstraint("replaces_id"),
        UniqueConstraint("first_id", "revision"),
        CheckConstraint("total_jpy = taxable_jpy + tax_jpy AND total_jpy > 0", name="total"),
        CheckConstraint("paid_jpy BETWEEN 0 AND total_jpy", name="paid"),
        CheckConstraint("credited_jpy BETWEEN 0 AND total_jpy", name="credited"),
        CheckConstraint("refunded_jpy BETWEEN 0 AND paid_jpy AND refunded_jpy <= credited_jpy", name="refunded"),
        CheckConstraint("total_jpy - credited_jpy - paid_jpy + refunded_jpy >= 0", name="due"),
        CheckConstraint("fee_taken_jpy BETWEEN 0 AND fee_jpy", name="fee"),
        Index("ix_invoice_open", "due_on", postgresql_where="state = 'issued'"),
    )

    id: Mapped[Id]
    number: Mapped[str]
    issuer_id: Mapped[str] = mapped_column(ForeignKey("organization.id"))
    recipient_id: Mapped[str] = mapped_column(ForeignKey("organization.id"), index=True)
    kind: Mapped[str] = mapped_column(default="sale")
    mode: Mapped[str] = mapped_column(default="proxy")  # who issues, see settlement.issuing
    contract_id: Mapped[str | None] = mapped_column(ForeignKey("contract.id"))  # where all lines are of one
    ground: Mapped[str]  # activation | month/YYYY-MM | fee/YYYY-MM
    period: Mapped[str] = mapped_column(index=True)
    supplied_from: Mapped[date]
    supplied_until: Mapped[date]
    issued_at: Mapped[datetime]
    issued_on: Mapped[date]
    due_on: Mapped[date | None]  # none while the seller's own invoice is awaited, set once with it
    payment_reference: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    issuer: Mapped[dict[str, Any]]  # name, address, registration_number as they stood on the day
    seller: Mapped[dict[str, Any]]  # whose claim it is, with its own registration number
    recipient: Mapped[dict[str, Any]]
    totals_by_rate: Mapped[list[Any]] = mapped_column(JSONB)
    taxable_jpy: Mapped[int] = mapped_column(BigInteger)
    tax_jpy: Mapped[int] = mapped_column(BigInteger)
    total_jpy: Mapped[int] = mapped_column(BigInteger)
    fee_percent: Mapped[int]
    fee_jpy: Mapped[int] = mapped_column(BigInteger)
    purchase_order: Mapped[str | None]
    revision: Mapped[int] = mapped_column(default=0)
    replaces_id: Mapped[str | None] = mapped_column(ForeignKey("invoice.id"))  # the one just before
    first_id: Mapped[str | None] = mapped_column(ForeignKey("invoice.id"))  # the one of revision 0
    changed: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))  # see settlement.amending

    state: Mapped[str] = mapped_column(default="issued")
    paid_jpy: Mapped[int] = mapped_column(BigInteger, default=0)
    refunded_jpy: Mapped[int] = mapped_column(BigInteger, default=0)
    credited_jpy: Mapped[int] = mapped_column(BigInteger, default=0)
    fee_taken_jpy: Mapped[int] = mapped_column(BigInteger, default=0)
    paid_at: Mapped[datetime | None]
    document_key: Mapped[str | None]
    document_sha256: Mapped[str | None]

    lines: Mapped[list["InvoiceLine"]] = relationship(lazy="raise_on_sql", order_by="InvoiceLine.position")
    credit_notes: Mapped[list["CreditNote"]] = relationship(
        lazy="raise_on_sql", order_by="CreditNote.id", back_populates="invoice"
    )
    corrections: Mapped[list["CorrectedInvoice"]] = relationship(
        lazy="raise_on_sql", order_by="CorrectedInvoice.id", back_populates="invoice"
    )
    replacement: Mapped["Invoice | None"] = relationship(
        lazy="raise_on_sql", foreign_keys=[replaces_id], uselist=False, viewonly=True
    )

    seller_invoices: Mapped[list["SellerInvoice"]] = relationship(
        lazy="raise_on_sql", order_by="SellerInvoice.id", back_populates="invoice"
    )

    @property
    def is_statement(self) -> bool:
        """Whether it is a statement (請求明細) for a seller that issues the invoice itself."""
        return self.kind == "sale" and self.mode == "self"

    @property
    def seller_invoice(self) -> "SellerInvoice | None":
        """The seller's own invoice that counts, if it is here."""
        return next((own for own in self.seller_invoices if own.superseded_at is None), None)

    @property
    def payable_by(self) -> date:
        """The due date of an invoice that is known to have one."""
        assert self.due_on is not None
        return self.due_on

    @property
    def is_qualified(self) -> bool:
        """Whether it is a qualified invoice (適格請求書): it carries a registration number in force."""
        return bool(self.issuer["registration_number"])

    @property
    def due_jpy(self) -> int:
        """What is still to be paid."""
        if self.state in ("void", "replaced"):
            return 0
        return self.total_jpy - self.credited_jpy - self.paid_jpy + self.refunded_jpy


class InvoiceLine(Base):
    """A line of an invoice, without tax."""

    __tablename__ = "invoice_line"
    __table_args__ = (
        # a charge is invoiced exactly once, and once again by each invoice that replaces that one
        Index(
            "uq_invoice_line_charge",
            *("contract_id", "ground", "revision"),
            unique=True,
            postgresql_where="contract_id IS NOT NULL",
        ),
    )

    invoice_id: Mapped[str] = mapped_column(ForeignKey("invoice.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    description: Mapped[str]
    quantity: Mapped[str]
    amount_jpy: Mapped[int] = mapped_column(BigInteger)
    rate_percent: Mapped[int]
    month: Mapped[str | None]  # whose usage it charges, where that is not the invoice's own period
    contract_id: Mapped[str | None] = mapped_column(ForeignKey("contract.id"))
    ground: Mapped[str | None]  # activation | month/YYYY-MM | late/YYYY-MM/YYYY-MM: with the contract, the charge
    revision: Mapped[int] = mapped_column(default=0)  # its invoice's


class SellerInvoice(Base):
    """An invoice that the seller itself issued for what a statement says, as it uploaded it. The newest counts."""

    __tablename__ = "seller_invoice"
    __table_args__ = (
        Index("uq_seller_invoice_number", "issuer_id", "number", unique=True, postgresql_where="superseded_at IS NULL"),
        Index("uq_seller_invoice_invoice", "invoice_id", unique=True, postgresql_where="superseded_at IS NULL"),
    )

    id: Mapped[Id]
    invoice_id: Mapped[str] = mapped_column(ForeignKey("invoice.id"), index=True)
    issuer_id: Mapped[str] = mapped_column(ForeignKey("organization.id"))
    number: Mapped[str]
    issued_on: Mapped[date]
    total_jpy: Mapped[int] = mapped_column(BigInteger)
    uploaded_at: Mapped[datetime]
    uploaded_by: Mapped[str] = mapped_column(ForeignKey("member.id"))
    superseded_at: Mapped[datetime | None]
    document_key: Mapped[str]
    document_sha256: Mapped[str]

    invoice: Mapped[Invoice] = relationship(lazy="raise_on_sql", back_populates="seller_invoices")


class CreditNote(Base):
    """A credit note (返還): what was taken off an invoice, tax included, and what of it is paid back."""

    __tablename__ = "credit_note"
    __table_args__ = (
        UniqueConstraint("issuer_id", "number"),
        CheckConstraint("amount_jpy > 0 AND amount_jpy = taxable_jpy + tax_jpy", name="amount"),
        CheckConstraint("repaid_jpy BETWEEN 0 AND amount_jpy", name="repaid"),
    )

    id: Mapped[Id]
    number: Mapped[str]
    issuer_id: Mapped[str] = mapped_column(ForeignKey("organization.id"))
    invoice_id: Mapped[str] = mapped_column(ForeignKey("invoice.id"), index=True)
    issued_at: Mapped[datetime]
    issued_on: Mapped[date]
    title: Mapped[str]
    reason: Mapped[str]
    rate_percent: Mapped[int]
    amount_jpy: Mapped[int] = mapped_column(BigInteger)
    taxable_jpy: Mapped[int] = mapped_column(BigInteger)
    tax_jpy: Mapped[int] = mapped_column(BigInteger)
    repaid_jpy: Mapped[int] = mapped_column(BigInteger)
    fee_back_jpy: Mapped[int] = mapped_column(BigInteger)

    repaid_at: Mapped[datetime | None]
    document_key: Mapped[str | None]
    document_sha256: Mapped[str | None]

    invoice: Mapped[Invoice] = relationship(lazy="raise_on_sql", back_populates="credit_notes")


class CorrectedInvoice(Base):
    """A corrected invoice (修正適格請求書): the whole paper as it should have been, pointing at the first.

    It mends what the paper says of the parties; wrong amounts take another invoice in the place of the first.
    """

    __tablename__ = "invoice_correction"
    __table_args__ = (UniqueConstraint("issuer_id", "number"),)

    id: Mapped[Id]
    number: Mapped[str]
    issuer_id: Mapped[str] = mapped_column(ForeignKey("organization.id"))
    invoice_id: Mapped[str] = mapped_column(ForeignKey("invoice.id"), index=True)
    issued_at: Mapped[datetime]
    issued_on: Mapped[date]
    title: Mapped[str]
    reason: Mapped[str]
    changed: Mapped[dict[str, Any]]  # what it says otherwise: {part: [before, after]}
    issuer: Mapped[dict[str, Any]]
    recipient: Mapped[dict[str, Any]]
    purchase_order: Mapped[str | None]

    document_key: Mapped[str | None]
    document_sha256: Mapped[str | None]

    invoice: Mapped[Invoice] = relationship(lazy="raise_on_sql", back_populates="corrections")


class Reminder(Base):
    """That a buyer was told of an invoice's due date, or a seller of the invoice it owes; once for each kind of word."""

    __tablename__ = "invoice_reminder"
    __table_args__ = (CheckConstraint("kind IN ('before','overdue','last','stopped','upload')", name="kind"),)

    invoice_id: Mapped[str] = mapped_column(ForeignKey("invoice.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]


class RegistrationNotice(Base):
    """What a seller told the exchange before its trades: its registration number, and who shall issue its invoices.

    媒介者交付特例 needs it (施行令70条の12): given before the trade, and ended at once with the registration.
    """

    __tablename__ = "registration_notice"
    __table_args__ = (
        CheckConstraint("issues_itself OR registration_number IS NOT NULL", name="number"),
        CheckConstraint("valid_from >= given_at", name="valid_from"),
        Index(
            "uq_registration_notice_standing", "organization_id", unique=True, postgresql_where="withdrawn_at IS NULL"
        ),
    )

    id: Mapped[Id]
    organization_id: Mapped[str] = mapped_column(ForeignKey("organization.id"), index=True)
    registration_number: Mapped[str | None]
    issues_itself: Mapped[bool]
    given_at: Mapped[datetime]
    valid_from: Mapped[datetime]  # for trades that begin after it; never before it was given
    given_by: Mapped[str] = mapped_column(ForeignKey("member.id"))
    withdrawn_at: Mapped[datetime | None]


class SalesReport(Base):
    """What a buyer says it sold in a month, which a share of revenue is computed from; the newest counts."""

    __tablename__ = "sales_report"
    __table_args__ = (
        CheckConstraint("sales_jpy >= 0", name="sales"),
        CheckConstraint("month ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'", name="month"),
        Index("ix_sales_report_month", "month", "contract_id", "id"),
    )

    id: Mapped[Id]
    contract_id: Mapped[str] = mapped_column(ForeignKey("contract.id"))
    month: Mapped[str]
    sales_jpy: Mapped[int] = mapped_column(BigInteger)
    reported_at: Mapped[datetime]
    reported_by: Mapped[str] = mapped_column(ForeignKey("member.id"))


# Electronic-books law (電子帳簿保存法, 電子計算機を使用して作成する国税関係帳簿書類の保存方法等の特例に関する法律):
# what was issued can be neither altered nor removed; a document, once fixed, stays.
AS_ISSUED = """
CREATE OR REPLACE FUNCTION {table}_as_issued() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND (to_jsonb(OLD) - '{{{moving}}}'::text[]) = (to_jsonb(NEW) - '{{{moving}}}'::text[])
     AND (OLD.document_sha256 IS NULL OR OLD.document_sha256 = NEW.document_sha256){and_} THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'what was issued does not change: % on %', TG_OP, TG_TABLE_NAME;
END $$;
CREATE TRIGGER {table}_as_issued BEFORE UPDATE OR DELETE ON {table}
  FOR EACH ROW EXECUTE FUNCTION {table}_as_issued();
"""
MOVING = {
    "invoice": "state,due_on,paid_jpy,refunded_jpy,credited_jpy,fee_taken_jpy,paid_at,document_key,document_sha256",
    "seller_invoice": "superseded_at",
    "credit_note": "repaid_at,document_key,document_sha256",
    "invoice_correction": "document_key,document_sha256",
}
ONCE = {
    "invoice": " AND (OLD.due_on IS NULL OR OLD.due_on = NEW.due_on)",
    "seller_invoice": " AND OLD.superseded_at IS NULL",
}
for model in (Invoice, CreditNote, CorrectedInvoice, SellerInvoice):
    name = model.__tablename__
    statement = AS_ISSUED.format(table=name, moving=MOVING[name], and_=ONCE.get(name, ""))
    event.listen(model.__table__, "after_create", DDL(statement.replace("%", "%%")))

LINES = """
CREATE OR REPLACE FUNCTION invoice_line_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'lines of an invoice do not change'; END $$;
CREATE TRIGGER invoice_line_fixed BEFORE UPDATE OR DELETE ON invoice_line
  FOR EACH ROW EXECUTE FUNCTION invoice_line_fixed();
"""
event.listen(InvoiceLine.__table__, "after_create", DDL(LINES))

# No statement may empty these tables either, and what was reported or told stays as it was.
FOREVER = """
CREATE OR REPLACE FUNCTION settlement_forever() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'what was issued stays: % on %', TG_OP, TG_TABLE_NAME; END $$;
CREATE TRIGGER {table}_forever BEFORE {deeds} ON {table}
  FOR EACH STATEMENT EXECUTE FUNCTION settlement_forever();
"""


def keep_forever(model: type[Base], deeds: str) -> None:
    """Let the database refuse these deeds on a table, whoever asks."""
    statement = FOREVER.format(table=model.__tablename__, deeds=deeds)
    event.listen(model.__table__, "after_create", DDL(statement.replace("%", "%%")))


for table in (Invoice, InvoiceLine, CreditNote, CorrectedInvoice, SellerInvoice):
    keep_forever(table, "TRUNCATE")
keep_forever(Reminder, "UPDATE OR DELETE OR TRUNCATE")
keep_forever(SalesReport, "UPDATE OR DELETE OR TRUNCATE")
