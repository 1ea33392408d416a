"""Payouts as their providers and the exchange's accountants may see them, and money that waits for a person."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload, selectinload

from exchange import settings
from exchange.database import Page, page, session
from exchange.errors import NotFound, text
from exchange.identity.models import Member
from exchange.identity.queries import organizations_by_id
from settlement import matching, rules
from settlement.models import CreditNote, Invoice, OnlineRefund, Payout, PayoutBatch, Receipt


def _visible_to(member: Member) -> Select[Payout]:
    query = select(Payout).options(selectinload(Payout.lines), selectinload(Payout.batch))
    return query if rules.keeps_books(member) else query.where(Payout.provider_id == member.organization_id)


def payouts_seen_by(
    member: Member, *, state: str | None = None, limit: int = 20, cursor: str | None = None
) -> Page[Payout]:
    """A page of a provider's own payouts, or of all for accountants of the exchange; newest first."""
    query = _visible_to(member)
    return page(query.where(Payout.state == state) if state else query, Payout.id, limit=limit, cursor=cursor)


def due_payouts(*, provider_id: str | None = None, limit: int = 500) -> list[Payout]:
    """Payouts above zero that still gather, of one provider or of all; the earliest date first."""
    query = select(Payout).where(Payout.state == "due", Payout.amount_jpy > 0)
    if provider_id:
        query = query.where(Payout.provider_id == provider_id)
    return list(session.scalars(query.order_by(Payout.due_on, Payout.id).limit(limit)))


def payout_seen_by(member: Member, payout_id: str) -> Payout:
    """A payout with its lines; raises `NotFound` for strangers."""
    query = _visible_to(member).where(Payout.id == payout_id).execution_options(populate_existing=True)
    found = session.scalars(query).first()
    if found is None:
        raise NotFound(text("支払いが見つかりません。"))
    return found


def receipts_for(payout: Payout, *, limit: int = 20) -> list[Receipt]:
    """Unapplied money that may be a payout that came back: of its amount, since its transfer."""
    if payout.state not in ("batched", "sent") or payout.batch is None:
        return []
    query = select(Receipt).where(Receipt.unapplied_jpy == payout.amount_jpy, Receipt.payout_id.is_(None))
    query = query.where(Receipt.received_on >= payout.batch.transfer_on)
    return list(session.scalars(query.order_by(Receipt.id).limit(limit)))


def providers_of(payouts: Iterable[Payout]) -> dict[str, str]:
    """Names of the providers of payouts, by id."""
    return {key: o.name for key, o in organizations_by_id([p.provider_id for p in payouts]).items()}


def batch_seen_by(member: Member, batch_id: str) -> PayoutBatch:
    """A transfer file with its payouts, for accountants of the exchange; raises `NotFound`."""
    query = select(PayoutBatch).where(PayoutBatch.id == batch_id).options(selectinload(PayoutBatch.payouts))
    found = session.scalars(query.execution_options(populate_existing=True)).first()
    if found is None or not rules.keeps_books(member):
        raise NotFound(text("振込ファイルが見つかりません。"))
    return found


def batches(*, limit: int = 12) -> list[PayoutBatch]:
    """The last transfer files, the newest first."""
    return list(session.scalars(select(PayoutBatch).order_by(PayoutBatch.id.desc()).limit(limit)))


def unapplied_receipts(*, limit: int = 100) -> list[Receipt]:
    """Money received that pays nothing yet, the oldest first."""
    query = select(Receipt).where(Receipt.unapplied_jpy > 0).options(selectinload(Receipt.applications))
    return list(session.scalars(query.order_by(Receipt.received_on, Receipt.id).limit(limit)))


def receipts_waiting(*, limit: int = 20, cursor: str | None = None) -> Page[Receipt]:
    """A page of money received that pays nothing yet, the last recorded first, with what each paid."""
    query = select(Receipt).where(Receipt.unapplied_jpy > 0).options(selectinload(Receipt.applications))
    return page(query, Receipt.id, limit=limit, cursor=cursor)


@dataclass(frozen=True)
class RefundToSend:
    """A credit note, and how many yen of it have to be sent to the buyer by bank transfer."""

    note: CreditNote
    amount_jpy: int

    @property
    def issued_at(self) -> datetime:
        """Since when the money is owed."""
        return self.note.issued_at


def refunds_to_send(*, limit: int = 100) -> list[RefundToSend]:
    """Credit notes whose money still has to be sent by bank transfer, the oldest first, with their invoices.

    What goes back through Stripe is left out.
    """
    online = select(func.coalesce(func.sum(OnlineRefund.amount_jpy), 0))
    left = CreditNote.repaid_jpy - online.where(OnlineRefund.credit_note_id == CreditNote.id).scalar_subquery()
    query = select(CreditNote, left).where(left > 0, CreditNote.repaid_at.is_(None))
    query = query.options(joinedload(CreditNote.invoice)).order_by(CreditNote.id).limit(limit)
    return [RefundToSend(note, int(amount)) for note, amount in session.execute(query)]


def receipt_seen_by(member: Member, receipt_id: str) -> Receipt:
    """A receipt with what it paid, for accountants of the exchange; raises `NotFound`."""
    query = select(Receipt).where(Receipt.id == receipt_id).options(selectinload(Receipt.applications))
    found = session.scalars(query.execution_options(populate_existing=True)).first()
    if found is None or not rules.keeps_books(member):
        raise NotFound(text("入金の記録が見つかりません。"))
    return found


def suggestions(receipt: Receipt) -> list[matching.Suggestion]:
    """What unapplied money may be meant for, the likeliest first."""
    if not receipt.unapplied_jpy or receipt.reason == "abroad":
        return []
    return matching.suggestions(receipt, charge_max_jpy=settings.current().transfer_charge_max_jpy)


def short_by_charge(*, limit: int = 100) -> list[Invoice]:
    """Invoices paid but for what may be the bank's charge, the oldest first; a person decides who bears it."""
    most = settings.current().transfer_charge_max_jpy
    query = select(Invoice).where(Invoice.state == "issued", Invoice.paid_jpy > 0, matching.still_due <= most)
    return list(session.scalars(query.order_by(Invoice.id).limit(limit)))
