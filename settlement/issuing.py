"""Who issues the invoice of a sale, and what its buyer may deduct. Pure.

    both registered on the day, notice given before the trade ──▶ intermediary   the exchange's name and number
    the seller registered on the day                          ──▶ proxy          the seller's name and number
    the seller issues its own                                 ──▶ self           a statement; the seller uploads its invoice
    the seller not registered on the day                      ──▶ plain          a claim, which says it is no 適格請求書

What counts is the day of supply, not the day of issue: a number cancelled in between was in force for that trade
(基本通達1-8-8 for the time after, 消費税法57条の4 for the duty), and one that began later was not.

Sources: 消費税法57条の4, 施行令70条の12 (媒介者交付特例); 平成28年改正法附則52条, 53条 (transitional deduction).
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from exchange.errors import N_
from settlement import rules

INTERMEDIARY, PROXY, SELF, PLAIN = "intermediary", "proxy", "self", "plain"
MODE_TITLES = {
    INTERMEDIARY: N_("運営者が自己の名称と登録番号で交付(媒介者交付特例)"),
    PROXY: N_("運営者が提供者の名称と登録番号で交付(代理交付)"),
    SELF: N_("提供者が自ら交付"),
    PLAIN: N_("適格請求書ではない請求書"),
}


class Notice(Protocol):
    """What a seller told the exchange: its number, and who shall issue."""

    registration_number: str | None
    issues_itself: bool
    given_at: datetime
    valid_from: datetime
    withdrawn_at: datetime | None


@dataclass(frozen=True)
class Issuing:
    """Who issues, and the registration number the document carries, if it carries one."""

    mode: str
    registration_number: str | None

    @property
    def title(self) -> str:
        """適格請求書 only where it carries a number in force (消費税法57条の5 forbids anything that looks like one)."""
        return rules.STATEMENT if self.mode == SELF else rules.invoice_title(self.registration_number)


def decide(
    seller: rules.Registered,
    notices: list[Notice],
    *,
    operator_number: str | None,
    begun_at: datetime,
    supplied_until: date,
) -> Issuing:
    """Who issues the invoice of a trade that began at a moment and was supplied until a day.

    A notice counts for trades that begin after it is in force, until it is withdrawn.
    """
    number = rules.registration_on(seller, supplied_until)
    before = [n for n in notices if n.valid_from < begun_at and (n.withdrawn_at is None or n.withdrawn_at >= begun_at)]
    notice = max(before, key=lambda n: (n.valid_from, n.given_at), default=None)
    if number is None:
        return Issuing(PLAIN, None)
    if notice is not None and notice.issues_itself:
        return Issuing(SELF, None)
    if notice is not None and notice.registration_number == number and operator_number:
        return Issuing(INTERMEDIARY, operator_number)
    return Issuing(PROXY, number)


# The share of the tax that a buyer may still deduct on a purchase from an unregistered seller, until and including a
# day. From the outline of the tax reform of fiscal 2026; figures, so that a change of law is a change of this table.
DEDUCTIBLE_UNTIL = [
    (date(2026, 9, 30), 80),
    (date(2028, 9, 30), 70),
    (date(2030, 9, 30), 50),
    (date(2031, 9, 30), 30),
]


def deductible_percent(on: date) -> int:
    """The percentage of the tax on a purchase of a day that its buyer may deduct without a qualified invoice."""
    return next((percent for last, percent in DEDUCTIBLE_UNTIL if on <= last), 0)
