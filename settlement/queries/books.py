"""The books: trial balance, accounts, entries. For accountants of the exchange only; their doors see to that."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import selectinload

from exchange import clock
from exchange.database import Page, page, session
from exchange.identity.models import Organization
from exchange.identity.queries import organizations_by_id
from settlement import ledger, rules
from settlement.journal import AccountShown, EntryShown, TransferShown
from settlement.models import Account, Entry, Transfer
from settlement.queries.months import check_month


@dataclass(frozen=True)
class AccountBalance:
    """An account and its balance in yen on its own side."""

    account: AccountShown
    balance_jpy: int


@dataclass(frozen=True)
class TrialRow:
    """One account of a trial balance (試算表): balance carried in, debits, credits, balance carried out, in yen."""

    account: AccountShown
    opening_jpy: int
    debit_jpy: int
    credit_jpy: int
    closing_jpy: int


def accounts(*, until: datetime | None = None) -> list[AccountBalance]:
    """Every account in the order of the chart, with its balance now, or as it was booked before a moment."""
    sums = ledger.sums(until=until)
    return [
        AccountBalance(_named(account, partner), _on_side(account.side, sums.get(account.code, (0, 0))))
        for account, partner in _in_chart_order()
    ]


def _in_chart_order() -> list[tuple[Account, str | None]]:
    query = select(Account, Organization.name).outerjoin(Organization, Organization.id == Account.organization_id)
    order = list(rules.CHART)
    rows = [(account, name) for account, name in session.execute(query)]
    return sorted(rows, key=lambda row: (order.index(row[0].heading), row[1] or "", row[0].code))


def _named(account: Account, partner: str | None) -> AccountShown:
    title = rules.CHART[account.heading].title
    code, partner_id = account.code, account.organization_id
    return AccountShown(code, account.heading, title, account.kind, account.side, partner, partner_id)


def trial_balance(month: str) -> list[TrialRow]:
    """The trial balance of a month, by the days entries count for. Debits and credits of the whole are equal."""
    check_month(month)
    sums, rows = _before_and_within(*_days(month)), []
    for account, partner in _in_chart_order():
        before, within = sums.get(account.code, ((0, 0), (0, 0)))
        opening = _on_side(account.side, before)
        closing = opening + _on_side(account.side, within)
        if opening or any(within):
            rows.append(TrialRow(_named(account, partner), opening, *within, closing))
    return rows


Sums = tuple[int, int]


def _before_and_within(first: date, after: date) -> dict[str, tuple[Sums, Sums]]:
    """Debits and credits by account before a span of days and within it, in one read."""
    moved = ledger.postings()
    before, within = moved.c.booked_on < first, and_(moved.c.booked_on >= first, moved.c.booked_on < after)
    totals = [
        func.coalesce(func.sum(amount).filter(when), 0)
        for when in (before, within)
        for amount in (moved.c.debit_jpy, moved.c.credit_jpy)
    ]
    found = session.execute(select(moved.c.account, *totals).group_by(moved.c.account))
    return {code: ((int(a), int(b)), (int(c), int(d))) for code, a, b, c, d in found}


def _on_side(side: str, sums: tuple[int, int]) -> int:
    return sums[0] - sums[1] if side == "debit" else sums[1] - sums[0]


def _days(month: str) -> tuple[date, date]:
    since, until = clock.month_bounds(month)
    return since.date(), until.date()


def entries(
    *,
    account: str | None = None,
    since: date | None = None,
    until: date | None = None,
    least_jpy: int | None = None,
    most_jpy: int | None = None,
    partner: str | None = None,
    limit: int = 20,
    cursor: str | None = None,
) -> Page[EntryShown]:
    """A page of entries, newest first: with a transfer on this account (or heading), of such an amount, with that
    partner (an organization's id or part of its name), and booked for a day from `since` to `until`, all together.
    """
    query = select(Entry).options(selectinload(Entry.transfers))
    if since:
        query = query.where(Entry.booked_on >= since)
    if until:
        query = query.where(Entry.booked_on <= until)
    wanted: list[ColumnElement[bool]] = []
    if account:
        wanted.append(_touches(select(Account.code).where(or_(Account.code == account, Account.heading == account))))
    if partner:
        wanted.append(_touches(_accounts_of(partner)))
    if least_jpy is not None:
        wanted.append(Transfer.amount_jpy >= least_jpy)
    if most_jpy is not None:
        wanted.append(Transfer.amount_jpy <= most_jpy)
    if wanted:
        query = query.where(select(Transfer.line).where(Transfer.entry_id == Entry.id, *wanted).exists())
    found = page(query, Entry.id, limit=limit, cursor=cursor)
    return Page(_shown(found.items), found.next_cursor)


def _touches(codes: Select[str]) -> ColumnElement[bool]:
    return or_(Transfer.source.in_(codes), Transfer.destination.in_(codes))


def _accounts_of(partner: str) -> Select[str]:
    query = select(Account.code).join(Organization, Organization.id == Account.organization_id)
    return query.where(or_(Organization.id == partner, Organization.name.icontains(partner, autoescape=True)))


def _shown(found: Sequence[Entry]) -> list[EntryShown]:
    codes = {code for entry in found for t in entry.transfers for code in (t.source, t.destination)}
    known = list(session.scalars(select(Account).where(Account.code.in_(codes))))
    names = {k: o.name for k, o in organizations_by_id([a.organization_id for a in known if a.organization_id]).items()}
    named = {a.code: _named(a, names.get(a.organization_id or "")) for a in known}
    return [
        EntryShown(
            entry.id,
            entry.at,
            entry.booked_on,
            entry.cause,
            entry.reference,
            entry.words,
            [TransferShown(named[t.destination], named[t.source], t.amount_jpy) for t in entry.transfers],
        )
        for entry in found
    ]


def entries_between(since: date | None = None, until: date | None = None) -> Iterator[EntryShown]:
    """Every entry booked for a day in [since, until), in the order of days and then of booking."""
    query = select(Entry).options(selectinload(Entry.transfers)).order_by(Entry.booked_on, Entry.id)
    if since:
        query = query.where(Entry.booked_on >= since)
    if until:
        query = query.where(Entry.booked_on < until)
    for found in session.scalars(query.execution_options(yield_per=500)).partitions():
        yield from _shown(found)


def month_entries(month: str) -> Iterator[EntryShown]:
    """Every entry that counts for a month."""
    check_month(month)
    return entries_between(*_days(month))


@dataclass(frozen=True)
class HeadingBalance:
    """A heading of the chart and the balance of all its accounts, in yen."""

    title: str
    balance_jpy: int


@dataclass(frozen=True)
class DepositsAndBank:
    """Whether what is held for others is covered by what is at the bank and on its way there, in yen."""

    bank_jpy: int
    stripe_jpy: int
    held: Sequence[HeadingBalance]
    fees_jpy: int
    advances_jpy: int

    @property
    def held_jpy(self) -> int:
        """What of it belongs to others."""
        return sum(line.balance_jpy for line in self.held)

    @property
    def own_jpy(self) -> int:
        """What is left of both for the exchange itself; below zero, money of others is missing."""
        return self.bank_jpy + self.stripe_jpy - self.held_jpy


def deposits_and_bank() -> DepositsAndBank:
    """What is at the bank and at Stripe beside everything in it that belongs to others, and the fees of all time."""
    by_heading: dict[str, int] = {}
    for found in accounts():
        by_heading[found.account.heading] = by_heading.get(found.account.heading, 0) + found.balance_jpy
    lines = [
        HeadingBalance(rules.CHART[heading].title, by_heading.get(heading, 0)) for heading in rules.HELD_FOR_OTHERS
    ]
    bank, fees, advances = (by_heading.get(heading, 0) for heading in ("bank", "fees", "advances"))
    stripe = by_heading.get("stripe", 0) + by_heading.get("stripe-transit", 0)
    return DepositsAndBank(bank, stripe, lines, fees, advances)
