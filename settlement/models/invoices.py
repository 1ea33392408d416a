"""Invoices and credit notes. What was issued never changes: a trigger lets only payment and state move on."""

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
    """An invoice of a provider to a buyer, as issued, and how far it is paid. Amounts in yen.

    `paid_jpy` is what the buyer's money covered, `credited_jpy` what credit notes took off (tax included),
    `refunded_jpy` the part of that which had been paid and goes back.
    """

    __tablename__ = "invoice"
    __table_args__ = (
        UniqueConstraint("issuer_id", "number"),
        UniqueConstraint("contract_id", "ground"),  # a charge is invoiced exactly once
        CheckConstraint("state IN ('issued','paid','void','credited')", name="state"),
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
    contract_id: Mapped[str | None] = mapped_column(ForeignKey("contract.id"))
    ground: Mapped[str]  # activation | month/YYYY-MM
    period: Mapped[str] = mapped_column(index=True)
    supplied_from: Mapped[date]
    supplied_until: Mapped[date]
    issued_at: Mapped[datetime]
    issued_on: Mapped[date]
    due_on: Mapped[date]
    payment_reference: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    issuer: Mapped[dict[str, Any]]  # name, address, registration_number as they stood on the day
    recipient: Mapped[dict[str, Any]]
    totals_by_rate: Mapped[list[Any]] = mapped_column(JSONB)
    taxable_jpy: Mapped[int] = mapped_column(BigInteger)
    tax_jpy: Mapped[int] = mapped_column(BigInteger)
    total_jpy: Mapped[int] = mapped_column(BigInteger)
    fee_percent: Mapped[int]
    fee_jpy: Mapped[int] = mapped_column(BigInteger)
    purchase_order: Mapped[str | None]

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

    @property
    def due_jpy(self) -> int:
        """What is still to be paid."""
        if self.state == "void":
            return 0
        return self.total_jpy - self.credited_jpy - self.paid_jpy + self.refunded_jpy


class InvoiceLine(Base):
    """A line of an invoice, without tax."""

    __tablename__ = "invoice_line"

    invoice_id: Mapped[str] = mapped_column(ForeignKey("invoice.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    description: Mapped[str]
    quantity: Mapped[str]
    amount_jpy: Mapped[int] = mapped_column(BigInteger)
    rate_percent: Mapped[int]
    month: Mapped[str | None]  # whose usage it charges, where that is not the invoice's own period


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


# Electronic-books law (電子帳簿保存法, 電子計算機を使用して作成する国税関係帳簿書類の保存方法等の特例に関する法律):
# what was issued can be neither altered nor removed; a document, once fixed, stays.
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
MOVING = {
    "invoice": "state,paid_jpy,refunded_jpy,credited_jpy,fee_taken_jpy,paid_at,document_key,document_sha256",
    "credit_note": "repaid_at,document_key,document_sha256",
}
for model in (Invoice, CreditNote):
    statement = AS_ISSUED.format(table=model.__tablename__, moving=MOVING[model.__tablename__])
    event.listen(model.__table__, "after_create", DDL(statement.replace("%", "%%")))

LINES = """
CREATE OR REPLACE FUNCTION invoice_line_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'lines of an invoice do not change'; END $$;
CREATE TRIGGER invoice_line_fixed BEFORE UPDATE OR DELETE ON invoice_line
  FOR EACH ROW EXECUTE FUNCTION invoice_line_fixed();
"""
event.listen(InvoiceLine.__table__, "after_create", DDL(LINES))
