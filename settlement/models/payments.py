"""Money in: what the bank says was received, and which invoices it paid."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import DDL, BigInteger, CheckConstraint, ForeignKey, Index, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from exchange.database import Base, Id


class Receipt(Base):
    """One payment received: at the bank, from a statement or recorded by a person, or through Stripe.

    Each is recorded once, by its fingerprint.
    """

    __tablename__ = "receipt"
    __table_args__ = (
        CheckConstraint("amount_jpy > 0", name="amount_positive"),
        CheckConstraint("unapplied_jpy BETWEEN 0 AND amount_jpy", name="unapplied"),
        CheckConstraint("channel IN ('bank','stripe')", name="channel"),
        Index("ix_receipt_unapplied", "id", postgresql_where="unapplied_jpy > 0"),
    )

    id: Mapped[Id]
    fingerprint: Mapped[str] = mapped_column(unique=True)
    channel: Mapped[str] = mapped_column(default="bank")
    received_on: Mapped[date]
    payer: Mapped[str]
    amount_jpy: Mapped[int] = mapped_column(BigInteger)
    reference: Mapped[str]
    unapplied_jpy: Mapped[int] = mapped_column(BigInteger)  # what waits for a person: applied or returned later
    returned_jpy: Mapped[int] = mapped_column(BigInteger, default=0)
    # Why something of it was not applied, or what is odd:
    # unknown | ambiguous | settled | over | short | abroad | bounced | corrected
    reason: Mapped[str | None]
    payout_id: Mapped[str | None] = mapped_column(ForeignKey("payout.id"), unique=True)  # a transfer that came back
    freed_on: Mapped[date | None]  # when a corrected invoice last set some of it free
    return_note: Mapped[str | None]  # how unapplied money was sent back, as recorded by a person
    reminded_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str | None]
    applications: Mapped[list["Application"]] = relationship(
        lazy="raise_on_sql",
        order_by="Application.id",
        back_populates="receipt",
        primaryjoin="and_(Receipt.id == Application.receipt_id, Application.released_at.is_(None))",
    )

    @property
    def waits_since(self) -> date:
        """Since when what of it pays nothing waits: since it came, or since a correction set it free."""
        return self.freed_on or self.received_on


class Application(Base):
    """So much of a receipt paid so much of an invoice, and the fee taken with it. It only ends, once: `released`.

    Matched by its reference, by amount and name, or by a person on the payer's instruction (`by`, `on`, `how`). What
    is `borne` was a transfer fee that the payer took off: the exchange pays it, not the receipt. An invoice that
    replaces another takes over its payments: each is released, and what is kept of it is another application that
    names the one under which the money came (`first_id`).
    """

    __tablename__ = "receipt_application"
    __table_args__ = (
        CheckConstraint("amount_jpy > 0", name="amount_positive"),
        CheckConstraint("fee_jpy BETWEEN 0 AND amount_jpy", name="fee"),
        CheckConstraint("matched_by IN ('reference','name','person')", name="matched_by"),
        CheckConstraint("instruction IS NOT NULL OR matched_by <> 'person'", name="instructed"),
    )

    id: Mapped[Id]
    receipt_id: Mapped[str] = mapped_column(ForeignKey("receipt.id"), index=True)
    invoice_id: Mapped[str] = mapped_column(ForeignKey("invoice.id"), index=True)
    amount_jpy: Mapped[int] = mapped_column(BigInteger)
    fee_jpy: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    matched_by: Mapped[str] = mapped_column(default="reference")
    instruction: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    borne: Mapped[bool] = mapped_column(default=False)
    released_at: Mapped[datetime | None]
    first_id: Mapped[str | None] = mapped_column(ForeignKey("receipt_application.id"))
    receipt: Mapped[Receipt] = relationship(lazy="raise_on_sql", back_populates="applications")


KEPT = """
CREATE OR REPLACE FUNCTION receipt_application_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND OLD.released_at IS NULL AND to_jsonb(OLD) - 'released_at' = to_jsonb(NEW) - 'released_at' THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'what was applied stays applied; a corrected invoice or a credit note corrects it';
END $$;
CREATE TRIGGER receipt_application_fixed BEFORE UPDATE OR DELETE ON receipt_application
  FOR EACH ROW EXECUTE FUNCTION receipt_application_fixed();
"""
event.listen(Application.__table__, "after_create", DDL(KEPT))
