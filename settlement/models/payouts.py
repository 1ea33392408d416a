"""Money out: what each provider is owed, how it is made up, and the transfer files it leaves in."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import DDL, BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, deferred, mapped_column, relationship

from exchange.database import Base, Id


class PayoutBatch(Base):
    """A transfer file for the bank (全銀 総合振込), as it was made; its bytes never change. Discarded before it was sent,
    it leaves its payouts to the next file.
    """

    __tablename__ = "payout_batch"
    __table_args__ = (CheckConstraint("sent_at IS NULL OR discarded_at IS NULL", name="one_end"),)

    id: Mapped[Id]
    transfer_on: Mapped[date]
    made_at: Mapped[datetime]
    made_by: Mapped[str | None]
    payout_count: Mapped[int]
    total_jpy: Mapped[int] = mapped_column(BigInteger)
    content: Mapped[bytes] = deferred(mapped_column(LargeBinary))
    sha256: Mapped[str]
    sent_at: Mapped[datetime | None]
    discarded_at: Mapped[datetime | None]
    payouts: Mapped[list["Payout"]] = relationship(lazy="raise_on_sql", order_by="Payout.id", back_populates="batch")


class Payout(Base):
    """What a provider is paid: due while money gathers, batched once in a file, sent once the bank has it.

    A provider has one due payout at a time. `amount_jpy` = sales − fees − refunds + what came back, and may be below
    zero while refunds after an earlier payout wait for new sales; then nothing is paid out. A transfer that failed is
    `returned`: its amount stands as a line in the provider's next payout, once.
    """

    __tablename__ = "payout"
    __table_args__ = (
        CheckConstraint("state IN ('due','batched','sent','returned')", name="state"),
        CheckConstraint("(state = 'due') = (batch_id IS NULL)", name="batched"),
        CheckConstraint("state = 'due' OR amount_jpy > 0", name="amount"),
        CheckConstraint("amount_jpy = gross_jpy - fee_jpy + carried_jpy", name="made_up"),
        Index("uq_payout_due", "provider_id", unique=True, postgresql_where="state = 'due'"),
    )

    id: Mapped[Id]
    provider_id: Mapped[str] = mapped_column(ForeignKey("organization.id"), index=True)
    state: Mapped[str] = mapped_column(default="due")
    opened_at: Mapped[datetime]
    due_on: Mapped[date]
    gross_jpy: Mapped[int] = mapped_column(BigInteger, default=0)
    fee_jpy: Mapped[int] = mapped_column(BigInteger, default=0)
    carried_jpy: Mapped[int] = mapped_column(BigInteger, default=0)  # transfers that came back and leave again
    amount_jpy: Mapped[int] = mapped_column(BigInteger, default=0)
    batch_id: Mapped[str | None] = mapped_column(ForeignKey("payout_batch.id"), index=True)
    sent_at: Mapped[datetime | None]
    account: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))  # where it went, as it stood then
    returned_on: Mapped[date | None]
    return_reason: Mapped[str | None]
    warned_at: Mapped[datetime | None]  # when accountants were told that its day is near
    document_key: Mapped[str | None]
    document_sha256: Mapped[str | None]
    batch: Mapped[PayoutBatch | None] = relationship(lazy="raise_on_sql", back_populates="payouts")
    lines: Mapped[list["PayoutLine"]] = relationship(
        lazy="raise_on_sql", order_by="PayoutLine.id", foreign_keys="PayoutLine.payout_id"
    )


class PayoutLine(Base):
    """One receipt, refund, correction, returned transfer or step of a payer's objection in a payout; amounts below zero
    take back.
    """

    __tablename__ = "payout_line"
    __table_args__ = (
        CheckConstraint(
            "num_nonnulls(application_id, credit_note_id, returned_payout_id, dispute_id, replacement_id) = 1",
            name="one_ground",
        ),
        CheckConstraint("(invoice_id IS NULL) = (returned_payout_id IS NOT NULL)", name="invoice"),
        CheckConstraint("(carried_jpy = 0) = (returned_payout_id IS NULL)", name="carried"),
    )

    id: Mapped[Id]
    payout_id: Mapped[str] = mapped_column(ForeignKey("payout.id"), index=True)
    invoice_id: Mapped[str | None] = mapped_column(ForeignKey("invoice.id"), index=True)
    application_id: Mapped[str | None] = mapped_column(ForeignKey("receipt_application.id"), unique=True)
    credit_note_id: Mapped[str | None] = mapped_column(ForeignKey("credit_note.id"), unique=True)
    returned_payout_id: Mapped[str | None] = mapped_column(ForeignKey("payout.id"), unique=True)
    dispute_id: Mapped[str | None] = mapped_column(ForeignKey("payment_dispute.id"), index=True)
    replacement_id: Mapped[str | None] = mapped_column(ForeignKey("invoice.id"), unique=True)  # a corrected invoice
    at: Mapped[datetime]
    words: Mapped[str]
    gross_jpy: Mapped[int] = mapped_column(BigInteger)
    fee_jpy: Mapped[int] = mapped_column(BigInteger)
    carried_jpy: Mapped[int] = mapped_column(BigInteger, default=0)


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
event.listen(PayoutBatch.__table__, "after_create", DDL(FILE_FIXED))
