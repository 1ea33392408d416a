"""Money out: what each provider is owed, how it is made up, and the transfer files it leaves in."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, deferred, mapped_column, relationship

from exchange.database import Base, Id


class PayoutBatch(Base):
    """A transfer file for the bank (全銀 総合振込), as it was made."""

    __tablename__ = "payout_batch"

    id: Mapped[Id]
    transfer_on: Mapped[date]
    made_at: Mapped[datetime]
    made_by: Mapped[str | None]
    payout_count: Mapped[int]
    total_jpy: Mapped[int] = mapped_column(BigInteger)
    content: Mapped[bytes] = deferred(mapped_column(LargeBinary))
    sha256: Mapped[str]
    sent_at: Mapped[datetime | None]
    payouts: Mapped[list["Payout"]] = relationship(lazy="raise_on_sql", order_by="Payout.id", back_populates="batch")


class Payout(Base):
    """What a provider is paid: due while money gathers, batched once in a file, sent once the bank has it.

    A provider has one due payout at a time. `amount_jpy` = sales − fees − refunds carried, and may be below zero
    while refunds after an earlier payout wait for new sales; then nothing is paid out.
    """

    __tablename__ = "payout"
    __table_args__ = (
        CheckConstraint("state IN ('due','batched','sent')", name="state"),
        CheckConstraint("(state = 'due') = (batch_id IS NULL)", name="batched"),
        CheckConstraint("state = 'due' OR amount_jpy > 0", name="amount"),
        CheckConstraint("amount_jpy = gross_jpy - fee_jpy", name="made_up"),
        Index("uq_payout_due", "provider_id", unique=True, postgresql_where="state = 'due'"),
    )

    id: Mapped[Id]
    provider_id: Mapped[str] = mapped_column(ForeignKey("organization.id"), index=True)
    state: Mapped[str] = mapped_column(default="due")
    opened_at: Mapped[datetime]
    due_on: Mapped[date]
    gross_jpy: Mapped[int] = mapped_column(BigInteger, default=0)
    fee_jpy: Mapped[int] = mapped_column(BigInteger, default=0)
    amount_jpy: Mapped[int] = mapped_column(BigInteger, default=0)
    batch_id: Mapped[str | None] = mapped_column(ForeignKey("payout_batch.id"), index=True)
    sent_at: Mapped[datetime | None]
    batch: Mapped[PayoutBatch | None] = relationship(lazy="raise_on_sql", back_populates="payouts")
    lines: Mapped[list["PayoutLine"]] = relationship(lazy="raise_on_sql", order_by="PayoutLine.id")


class PayoutLine(Base):
    """One receipt or refund in a payout; amounts below zero take back."""

    __tablename__ = "payout_line"
    __table_args__ = (CheckConstraint("(application_id IS NULL) <> (credit_note_id IS NULL)", name="one_ground"),)

    id: Mapped[Id]
    payout_id: Mapped[str] = mapped_column(ForeignKey("payout.id"), index=True)
    invoice_id: Mapped[str] = mapped_column(ForeignKey("invoice.id"), index=True)
    application_id: Mapped[str | None] = mapped_column(ForeignKey("receipt_application.id"), unique=True)
    credit_note_id: Mapped[str | None] = mapped_column(ForeignKey("credit_note.id"), unique=True)
    at: Mapped[datetime]
    words: Mapped[str]
    gross_jpy: Mapped[int] = mapped_column(BigInteger)
    fee_jpy: Mapped[int] = mapped_column(BigInteger)
