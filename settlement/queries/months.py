"""Months: open, closing, closed, and what was invoiced and paid out for them."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from delivery import queries as delivery
from delivery.queries import Awaited
from exchange import clock
from exchange.database import session
from exchange.errors import NotFound, text
from settlement.models import Invoice, Payout, PayoutLine, Period


@dataclass(frozen=True)
class Month:
    """How a month stands: invoices of its charges, payouts that hold its receipts, and the sum invoiced in yen."""

    month: str
    state: str
    invoices: int
    payouts: int
    total_jpy: int
    requested_at: datetime | None
    closed_at: datetime | None
    is_over: bool


def check_month(month: str) -> None:
    """Raises `NotFound` for anything that is no month `YYYY-MM` of this exchange's time."""
    if not re.fullmatch(r"20[0-9]{2}-(0[1-9]|1[0-2])", month):
        raise NotFound(text("月は 2026-10 の形で指定してください。"))


def month(month: str, *, at: datetime) -> Month:
    """One month; raises `NotFound` when it is none."""
    check_month(month)
    period = session.get(Period, month, populate_existing=True)
    since, until = clock.month_bounds(month)
    invoiced = session.execute(
        select(func.count(), func.coalesce(func.sum(Invoice.total_jpy), 0)).where(
            Invoice.period == month, Invoice.state != "replaced"
        )
    ).one()
    paid_out = select(func.count(Payout.id.distinct())).join(PayoutLine, PayoutLine.payout_id == Payout.id)
    return Month(
        month,
        period.state if period else "open",
        int(invoiced[0]),
        session.scalar(paid_out.where(PayoutLine.at >= since, PayoutLine.at < until)) or 0,
        int(invoiced[1]),
        period.requested_at if period else None,
        period.closed_at if period else None,
        month < clock.month_of(at),
    )


def last_months(*, at: datetime, count: int = 6) -> list[Month]:
    """The last months before the running one, the newest first."""
    found = []
    since, _ = clock.month_bounds(clock.month_of(at))
    for _ in range(count):
        since = (since - timedelta(days=1)).replace(day=1)
        found.append(month(f"{since:%Y-%m}", at=at))
    return found


def logs_awaited(month: str) -> list[Awaited]:
    """The contracts that a month's close waits with, since a holder's own log is not read far enough; none before."""
    period = session.get(Period, month)
    return delivery.logs_awaited(month) if period is not None and period.state == "closing" else []


def closes_waiting() -> list[str]:
    """The months whose close waits for a holder's log, the oldest first."""
    closing = session.scalars(select(Period.month).where(Period.state == "closing").order_by(Period.month))
    return [month for month in closing if delivery.logs_awaited(month)]  # rarely more than one
