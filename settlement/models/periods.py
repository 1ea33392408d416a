"""Months and whether they are closed. A month without a row is open."""

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from exchange.database import Base


class Period(Base):
    """A month being closed, or closed: open ──close──> closing ──all invoiced──> closed."""

    __tablename__ = "period"
    __table_args__ = (
        CheckConstraint("month ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'", name="month"),
        CheckConstraint("state IN ('closing','closed')", name="state"),
    )

    month: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    requested_at: Mapped[datetime]
    requested_by: Mapped[str | None]
    closed_at: Mapped[datetime | None]
