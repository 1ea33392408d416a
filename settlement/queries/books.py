"""The books: trial balance, accounts, entries. For accountants of the exchange only; their doors see to that."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, selectinload

from exchange import clock
from exchange.database import Page, page, session
from exchange.identity.models import Organization
from exchange.identity.queries import organizations_by_id
from settlement import rules
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


def accounts() -> list[AccountBalance]:
    """Every account in the order of the chart, with its balance now."""
    sums = _sums(None)
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


def _sums(within: ColumnElement[bool] | None) -> dict[str, tuple[int, int]]:
    """Debits and credits by account, of the entries within a condition."""

    def by(column: InstrumentedAttribute[str]) -> dict[str, int]:
        query = select(column, func.sum(Transfer.amount_jpy)).group_by(column)
        if within is not None:
            query = query.join(Entry, Entry.id == Transfer.entry_id).where(within)
        return {str(code): int(amount) for code, amount in session.execute(query)}

    debits, credits = by(Transfer.destination), by(Transfer.source)
    return {code: (debits.get(code, 0), credits.get(code, 0)) for code in debits.keys() | credits.keys()}


def trial_balance(month: str) -> list[TrialRow]:
    """The trial balance of a month, by the days entries count for. Debits and credits of the whole are equal."""
    check_month(month)
    first, after = _days(month)
    before = _sums(Entry.booked_on < first)
    within = _sums(and_(Entry.booked_on >= first, Entry.booked_on < after))
    rows = []
    for account, partner in _in_chart_order():
        debit, credit = within.get(account.code, (0, 0))
        opening = _on_side(account.side, before.get(account.code, (0, 0)))
        closing = opening + _on_side(account.side, (debit, credit))
        if opening or debit or credit:
            rows.append(TrialRow(_named(account, partner), opening, debit, credit, closing))
    return rows


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
class DepositsAndBank:
    """Whether what is held for others is covered by what is at the bank and on its way there, in yen."""

    bank_jpy: int
    stripe_jpy: int
    held_jpy: int
    fees_jpy: int


def deposits_and_bank() -> DepositsAndBank:
    """The bank balance beside everything in it that belongs to others, and the fees of all time."""
    own = case((Account.heading.startswith("stripe"), "stripe"), else_=Account.heading)
    heading = case((own.in_(("bank", "stripe", "fees")), own), else_="held").label("heading")
    wanted = ("bank", "stripe", "stripe-transit", "fees", "deposits", "frozen", "unapplied", "refunds")

    def by(column: InstrumentedAttribute[str]) -> dict[str, int]:
        query = select(heading, func.sum(Transfer.amount_jpy)).join(Account, Account.code == column)
        rows = session.execute(query.where(Account.heading.in_((*wanted, "payout-clearing"))).group_by(heading))
        return {str(name): int(amount) for name, amount in rows}

    debits, credits = by(Transfer.destination), by(Transfer.source)
    net = {key: debits.get(key, 0) - credits.get(key, 0) for key in ("bank", "stripe", "held", "fees")}
    return DepositsAndBank(net["bank"], net["stripe"], -net["held"], -net["fees"])
