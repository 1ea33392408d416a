"""Assessment sheets (調定用明細): what a municipality needs to bill for itself. No money of it is ours to hold.

prepared ──noticed──▶ noticed ──paid──▶ paid          withdrawn: the municipality does not bill it
    └───────────────────withdrawn
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import DDL, BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from exchange.database import Base, Id
from settlement.models.invoices import AS_ISSUED, keep_forever


class Assessment(Base):
    """One sheet: payer, amount, ground, period and proposed due date, and what the municipality told of its own notice.

    Notice and payment stand here as information: they move nothing in the books.
    """

    __tablename__ = "assessment"
    __table_args__ = (
        UniqueConstraint("provider_id", "number"),
        CheckConstraint("state IN ('prepared','noticed','paid','withdrawn')", name="state"),
        CheckConstraint("revenue_kind IN ('occasional','fixed')", name="revenue_kind"),
        CheckConstraint("total_jpy = taxable_jpy + tax_jpy AND total_jpy > 0", name="total"),
        CheckConstraint(
            "state NOT IN ('noticed','paid') OR (notice_number IS NOT NULL AND noticed_on IS NOT NULL"
            " AND notice_due_on IS NOT NULL AND fiscal_year IS NOT NULL)",
            name="noticed",
        ),
        CheckConstraint("(state = 'paid') = (paid_on IS NOT NULL)", name="paid"),
    )

    id: Mapped[Id]
    number: Mapped[str]
    provider_id: Mapped[str] = mapped_column(ForeignKey("organization.id"))
    buyer_id: Mapped[str] = mapped_column(ForeignKey("organization.id"), index=True)
    contract_id: Mapped[str] = mapped_column(ForeignKey("contract.id"), index=True)
    ground: Mapped[str]
    period: Mapped[str] = mapped_column(index=True)
    supplied_from: Mapped[date]
    supplied_until: Mapped[date]
    issued_at: Mapped[datetime]
    issued_on: Mapped[date]
    due_on: Mapped[date]  # proposed
    revenue_kind: Mapped[str]
    price_basis: Mapped[str]
    contract_number: Mapped[str]
    purchase_order: Mapped[str | None]
    provider: Mapped[dict[str, Any]]
    buyer: Mapped[dict[str, Any]]
    totals_by_rate: Mapped[list[Any]] = mapped_column(JSONB)
    taxable_jpy: Mapped[int] = mapped_column(BigInteger)
    tax_jpy: Mapped[int] = mapped_column(BigInteger)
    total_jpy: Mapped[int] = mapped_column(BigInteger)

    state: Mapped[str] = mapped_column(default="prepared")
    notice_number: Mapped[str | None]
    noticed_on: Mapped[date | None]
    notice_due_on: Mapped[date | None]
    fiscal_year: Mapped[int | None]
    paid_on: Mapped[date | None]
    told_at: Mapped[datetime | None]
    told_by: Mapped[str | None] = mapped_column(ForeignKey("member.id"))
    document_key: Mapped[str | None]
    document_sha256: Mapped[str | None]

    lines: Mapped[list["AssessmentLine"]] = relationship(lazy="raise_on_sql", order_by="AssessmentLine.position")


class AssessmentLine(Base):
    """A line of an assessment sheet, without tax."""

    __tablename__ = "assessment_line"
    __table_args__ = (Index("uq_assessment_line_charge", "contract_id", "ground", unique=True),)

    assessment_id: Mapped[str] = mapped_column(ForeignKey("assessment.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    description: Mapped[str]
    quantity: Mapped[str]
    amount_jpy: Mapped[int] = mapped_column(BigInteger)
    rate_percent: Mapped[int]
    month: Mapped[str | None]
    contract_id: Mapped[str] = mapped_column(ForeignKey("contract.id"))
    ground: Mapped[str]


MOVING = "state,notice_number,noticed_on,notice_due_on,fiscal_year,paid_on,told_at,told_by,document_key,document_sha256"
_as_issued = AS_ISSUED.format(table="assessment", moving=MOVING, and_="")
event.listen(Assessment.__table__, "after_create", DDL(_as_issued.replace("%", "%%")))
keep_forever(Assessment, "TRUNCATE")
keep_forever(AssessmentLine, "UPDATE OR DELETE OR TRUNCATE")
