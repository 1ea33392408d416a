"""Which fiscal year public money belongs to, and until when its books take it. Pure.

Sources: 地方自治法208条 (the year runs from April to March), 235条の5 (books close on 31 May: 出納整理期間), 施行令142条
(year of a revenue), 143条 (year of an expenditure), 150条 (what came too late is carried over), and
政府契約の支払遅延防止等に関する法律6条 and 14条 (a public buyer pays within 30 days of a valid request).
"""

from dataclasses import dataclass
from datetime import date, timedelta

from exchange import bank_days

PAYS_WITHIN_DAYS = 30
REIWA_BEGAN = 2019
OCCASIONAL, FIXED = "occasional", "fixed"  # 随時の収入, 納期の一定している収入


def of_day(day: date) -> int:
    """The fiscal year a day belongs to: 2026 runs from 1 April 2026 to 31 March 2027."""
    return day.year if day.month >= 4 else day.year - 1


def books_close_on(year: int) -> date:
    """The last day on which money of a fiscal year can still be taken or paid for it."""
    return date(year + 1, 5, 31)


def words(year: int) -> str:
    """A fiscal year as Japanese papers write it: 令和8年度."""
    number = year - REIWA_BEGAN + 1
    return f"令和{'元' if number == 1 else number}年度" if number > 0 else f"{year}年度"


def revenue_kind(price_model: str) -> str:
    """A subscription falls due on fixed dates; every other price is revenue as it arises."""
    return FIXED if price_model == "subscription" else OCCASIONAL


def of_revenue(kind: str, *, due_on: date, noticed_on: date | None, received_on: date | None = None) -> int:
    """The fiscal year of a municipality's revenue (施行令142条).

    Fixed dates: the year of the last day for paying, or of the notice where that was sent after the year was over (2項).
    As it arises: the year in which the notice was sent; without a notice, in which it was received.
    """
    if kind == FIXED:
        return max(of_day(due_on), of_day(noticed_on or due_on))
    return of_day(noticed_on or received_on or due_on)


@dataclass(frozen=True)
class Receipt:
    """Into which year's books a payment goes, and whether it was carried over as uncollected (収入未済)."""

    year: int
    carried_over: bool


def receipt(year: int, received_on: date) -> Receipt:
    """A payment until 31 May counts for the revenue's own year; later it is carried over to the next."""
    late = received_on > books_close_on(year)
    return Receipt(year + 1 if late else year, late)


def of_expenditure(supplied_until: date) -> int:
    """The fiscal year a public buyer pays from: that in which the supply was made (施行令143条1項4号)."""
    return of_day(supplied_until)


def due_on(issued_on: date, due_days: int, *, buyer_kind: str, supplied_until: date) -> date:
    """The last day for paying an invoice.

    A municipal buyer pays within 30 days and before its books of the year of supply close, where that is still ahead.
    """
    if buyer_kind != "municipality":
        return issued_on + timedelta(days=due_days)
    last = issued_on + timedelta(days=min(due_days, PAYS_WITHIN_DAYS))
    closing = bank_days.bank_day_before(books_close_on(of_expenditure(supplied_until)))
    return min(last, closing) if closing > issued_on else last


def proposed_due_on(prepared_on: date, due_days: int) -> date:
    """The last day for paying that is proposed to a municipal seller: a day on which banks settle."""
    day = prepared_on + timedelta(days=due_days)
    return day if bank_days.is_bank_day(day) else bank_days.bank_day_after(day)
