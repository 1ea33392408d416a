"""The books by partner: the subsidiary ledger (補助元帳) and the ageing of what is unpaid (年齢表)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Row, and_, func, or_, select

from exchange.database import session
from exchange.errors import NotFound
from exchange.identity.models import Organization
from settlement import ledger, rules
from settlement.models import Account, Entry, Invoice, Transfer

LINES_MAX = 1_000


@dataclass(frozen=True)
class PartnerLine:
    """One transfer on an account of a partner, with the balance after it, in yen."""

    booked_on: date
    words: str
    reference: str
    other: str
    debit_jpy: int
    credit_jpy: int
    balance_jpy: int


@dataclass(frozen=True)
class PartnerAccount:
    """An account of a partner over some days: carried in, each transfer, carried out."""

    code: str
    title: str
    opening_jpy: int
    lines: Sequence[PartnerLine]
    is_cut: bool

    @property
    def closing_jpy(self) -> int:
        """The balance after the last line."""
        return self.lines[-1].balance_jpy if self.lines else self.opening_jpy


def partners() -> list[Organization]:
    """Every organization that accounts are kept for, by name."""
    kept = select(Account.organization_id).where(Account.organization_id.is_not(None))
    return list(session.scalars(select(Organization).where(Organization.id.in_(kept)).order_by(Organization.name)))


def partner(organization_id: str) -> Organization:
    """An organization that accounts are kept for; raises `NotFound` for any other."""
    found = next((each for each in partners() if each.id == organization_id), None)
    if found is None:
        raise NotFound
    return found


def partner_accounts(organization_id: str, *, since: date, until: date) -> list[PartnerAccount]:
    """The accounts of a partner in the order of the chart, from the first day to the last, both counted."""
    query = select(Account).where(Account.organization_id == organization_id)
    order = list(rules.CHART)
    accounts = sorted(session.scalars(query), key=lambda account: order.index(account.heading))
    codes = [account.code for account in accounts]
    opening, moved = _carried_in(codes, since), _transfers(codes, since, until)
    return [_account(each, opening.get(each.code, 0), moved) for each in accounts]


def _carried_in(codes: Sequence[str], since: date) -> dict[str, int]:
    """Debits less credits before a day, by account."""
    moved = ledger.postings()
    debits = func.sum(moved.c.debit_jpy - moved.c.credit_jpy)
    query = select(moved.c.account, debits).where(moved.c.account.in_(codes), moved.c.booked_on < since)
    return {code: int(amount) for code, amount in session.execute(query.group_by(moved.c.account))}


def _transfers(codes: Sequence[str], since: date, until: date) -> Sequence[Row[Entry, Transfer]]:
    """Transfers on any of these accounts, by day and as they were booked; one more than is shown, if there is."""
    query = select(Entry, Transfer).join(Transfer, Transfer.entry_id == Entry.id)
    query = query.where(or_(Transfer.source.in_(codes), Transfer.destination.in_(codes)))
    query = query.where(Entry.booked_on.between(since, until)).order_by(Entry.booked_on, Entry.id, Transfer.line)
    return session.execute(query.limit(LINES_MAX + 1)).all()


def _account(account: Account, opening: int, moved: Sequence[Row[Entry, Transfer]]) -> PartnerAccount:
    sign = 1 if account.side == "debit" else -1
    balance, lines = opening * sign, []
    for entry, transfer in moved[:LINES_MAX]:
        if account.code not in (transfer.source, transfer.destination):
            continue
        is_debit = transfer.destination == account.code
        debit, credit = (transfer.amount_jpy, 0) if is_debit else (0, transfer.amount_jpy)
        balance += sign * (debit - credit)
        other = rules.CHART[(transfer.source if is_debit else transfer.destination).partition("/")[0]].title
        lines.append(PartnerLine(entry.booked_on, entry.words, entry.reference, other, debit, credit, balance))
    title = rules.CHART[account.heading].title
    return PartnerAccount(account.code, title, opening * sign, lines, len(moved) > LINES_MAX)


@dataclass(frozen=True)
class AgeingRow:
    """What one buyer has not paid, in yen, by how long it is overdue; buckets as `rules.AGES`, then the sum."""

    partner_id: str
    partner: str
    oldest_due_on: date | None  # none where only sellers' own invoices are awaited, which are due later
    buckets: Sequence[int]
    total_jpy: int


def ageing(*, on: date) -> list[AgeingRow]:
    """The ageing of unpaid invoices as of a day, the largest debts first; one read."""
    due = Invoice.total_jpy - Invoice.credited_jpy - Invoice.paid_jpy + Invoice.refunded_jpy
    buckets = []
    for age in rules.AGES:
        late = [Invoice.due_on <= on - timedelta(days=age.days_from)] if age.days_from is not None else []
        if age.days_until is not None:
            not_yet = Invoice.due_on > on - timedelta(days=age.days_until)
            late.append(or_(not_yet, Invoice.due_on.is_(None)) if age.days_from is None else not_yet)
        buckets.append(func.coalesce(func.sum(due).filter(and_(*late)), 0))
    total = func.sum(due)
    query = select(Organization.id, Organization.name, func.min(Invoice.due_on), total, *buckets)
    query = query.join(Organization, Organization.id == Invoice.recipient_id).where(Invoice.state == "issued", due > 0)
    rows = session.execute(query.group_by(Organization.id, Organization.name).order_by(total.desc(), Organization.id))
    return [AgeingRow(row[0], row[1], row[2], [int(amount) for amount in row[4:]], int(row[3])) for row in rows]
