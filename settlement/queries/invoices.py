"""Invoices as their parties and the exchange's accountants may see them."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import selectinload
from sqlalchemy.orm.strategy_options import _AbstractLoad as Load

from contracts.models import Contract
from exchange import clock
from exchange.database import Page, page, session
from exchange.errors import Invalid, NotFound, text
from exchange.identity.models import Member
from settlement import charges, rules
from settlement.models import Invoice, InvoiceLine

STATES = tuple(rules.INVOICE_STATES)


@dataclass(frozen=True, kw_only=True)
class InvoiceFilter:
    """What to search invoices by; the law asks for date, amount and partner, alone and together (電子帳簿保存法)."""

    state: str | None = None
    since: date | None = None
    until: date | None = None
    least_jpy: int | None = None
    most_jpy: int | None = None
    partner: str | None = None
    contract_id: str | None = None
    period: str | None = None


def _whole() -> list[Load]:
    """What is shown with an invoice."""
    papers = selectinload(Invoice.lines), selectinload(Invoice.credit_notes), selectinload(Invoice.corrections)
    return [*papers, selectinload(Invoice.replacement), selectinload(Invoice.seller_invoices)]


def _visible_to(member: Member) -> Select[Invoice]:
    query = select(Invoice)
    if rules.keeps_books(member):
        return query
    mine = member.organization_id
    return query.where(or_(Invoice.issuer_id == mine, Invoice.recipient_id == mine))


def _filtered(query: Select[Invoice], asked: InvoiceFilter, today: date) -> Select[Invoice]:
    if asked.state == "overdue":
        query = query.where(Invoice.state == "issued", Invoice.due_on < today)
    elif asked.state == "issued":
        query = query.where(Invoice.state == "issued", Invoice.due_on >= today)
    elif asked.state == "awaited":
        query = query.where(Invoice.state == "issued", Invoice.due_on.is_(None))
    elif asked.state:
        query = query.where(Invoice.state == asked.state)
    if asked.since:
        query = query.where(Invoice.issued_on >= asked.since)
    if asked.until:
        query = query.where(Invoice.issued_on <= asked.until)
    if asked.least_jpy is not None:
        query = query.where(Invoice.total_jpy >= asked.least_jpy)
    if asked.most_jpy is not None:
        query = query.where(Invoice.total_jpy <= asked.most_jpy)
    if asked.contract_id:
        on = select(InvoiceLine.invoice_id).where(InvoiceLine.contract_id == asked.contract_id)
        query = query.where(Invoice.id.in_(on))
    if asked.period:
        query = query.where(Invoice.period == asked.period)
    return query.where(_partner_is(asked.partner)) if asked.partner else query


def _partner_is(partner: str) -> ColumnElement[bool]:
    names = [Invoice.seller["name"].astext, Invoice.issuer["name"].astext, Invoice.recipient["name"].astext]
    ids = [Invoice.issuer_id == partner, Invoice.recipient_id == partner]
    return or_(*ids, *(name.icontains(partner, autoescape=True) for name in names))


def invoices_seen_by(
    member: Member, asked: InvoiceFilter, *, today: date, limit: int = 20, cursor: str | None = None
) -> Page[Invoice]:
    """A page of the invoices of a member's organization, or of all for accountants of the exchange; newest first."""
    query = _filtered(_visible_to(member), asked, today)
    query = query.options(*_whole())
    return page(query, Invoice.id, limit=limit, cursor=cursor)


EXPORT_MAX = 500


def invoices_to_export(member: Member, asked: InvoiceFilter, *, today: date) -> list[Invoice]:
    """All invoices that a search finds, the oldest first; raises `Invalid` when they are too many for one file."""
    query = _filtered(_visible_to(member), asked, today).options(*_whole()).order_by(Invoice.id)
    found = list(session.scalars(query.limit(EXPORT_MAX + 1)))
    if len(found) > EXPORT_MAX:
        words = text(
            "一度に書き出せる請求書は%(max)s件までです。期間を短くして、分けて書き出してください。", max=EXPORT_MAX
        )
        raise Invalid({"from": [words]})
    return found


def invoice_seen_by(member: Member, invoice_id: str) -> Invoice:
    """An invoice with its lines and credit notes, as it stands now; raises `NotFound` for strangers."""
    query = _visible_to(member).where(Invoice.id == invoice_id)
    query = query.options(*_whole())
    found = session.scalars(query.execution_options(populate_existing=True)).first()
    if found is None:
        raise NotFound(text("請求書が見つかりません。"))
    return found


def unpaid_of(member: Member, *, limit: int = 100) -> list[Invoice]:
    """What a member's organization owes, or for accountants of the exchange what anyone owes; the earliest due first."""
    query = select(Invoice).where(Invoice.state == "issued", Invoice.due_on.is_not(None))
    if not rules.keeps_books(member):
        query = query.where(Invoice.recipient_id == member.organization_id)
    query = query.options(*_whole())
    return list(session.scalars(query.order_by(Invoice.due_on, Invoice.id).limit(limit)))


@dataclass(frozen=True)
class OpenSums:
    """How many invoices are unpaid and overdue, the oldest of them, and what is due in all."""

    unpaid: int
    overdue: int
    due_jpy: int
    oldest_at: datetime | None
    first_due_on: date | None


def open_sums(*, recipient_id: str | None, today: date) -> OpenSums:
    """Unpaid invoices of one buyer, or of everybody."""
    due = Invoice.total_jpy - Invoice.credited_jpy - Invoice.paid_jpy + Invoice.refunded_jpy
    query = select(
        func.count(Invoice.due_on),
        func.count().filter(Invoice.due_on < today),
        func.coalesce(func.sum(due), 0),
        func.min(Invoice.issued_at),
        func.min(Invoice.due_on),
    ).where(Invoice.state == "issued")
    if recipient_id:
        query = query.where(Invoice.recipient_id == recipient_id)
    row = session.execute(query).one()
    return OpenSums(int(row[0]), int(row[1]), int(row[2]), row[3], row[4])


@dataclass(frozen=True)
class Awaited:
    """How many statements wait for a seller's own invoice, and since when the oldest does."""

    count: int
    oldest_at: datetime | None


def awaited_of(issuer_id: str) -> Awaited:
    """Statements (請求明細) for which a seller has not uploaded its invoice."""
    query = select(func.count(), func.min(Invoice.issued_at)).where(Invoice.issuer_id == issuer_id)
    row = session.execute(query.where(Invoice.due_on.is_(None), Invoice.state.in_(["issued", "paid"]))).one()
    return Awaited(int(row[0]), row[1])


def charge_so_far(contract: Contract, *, at: datetime) -> int:
    """What the running month of a contract, loaded with its parties, costs without tax up to and including today.

    A one-off price counts in the month in which the contract became active.
    """
    if contract.activated_at is None:
        return 0
    month, model = clock.month_of(at), contract.pricing["model"]
    if model == "one_off":
        charge = charges.activation_charge(contract)
        return charge.lines[0].amount_jpy if charge.period == month else 0
    if model not in charges.MONTHLY_MODELS:
        return 0
    basis = charges.counted(month, [contract.id])
    return basis.amount_jpy(contract, month, until=clock.day_of(at))


def checked(asked: InvoiceFilter) -> InvoiceFilter:
    """The same search; raises `Invalid` when its bounds are the wrong way round."""
    if asked.since and asked.until and asked.since > asked.until:
        raise Invalid({"from": [text("開始日は終了日以前にしてください。")]})
    if asked.least_jpy is not None and asked.most_jpy is not None and asked.least_jpy > asked.most_jpy:
        raise Invalid({"min": [text("下限は上限以下にしてください。")]})
    return asked
