"""Payments through Stripe as payers and the exchange's accountants may see them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from exchange.database import session
from exchange.identity.models import Member
from settlement import rules, stripe_gateway
from settlement.models import (
    Invoice,
    OnlinePayment,
    OnlineRefund,
    PaymentDispute,
    SavedCard,
    StripeStanding,
)


@dataclass(frozen=True)
class OnlineOffer:
    """What someone who looks at an invoice may do or know about paying it through Stripe."""

    ways: Sequence[str]  # empty: no button
    last: OnlinePayment | None
    card: SavedCard | None  # will pay it by itself

    @property
    def is_on_its_way(self) -> bool:
        """Whether a payment was made that is not confirmed yet."""
        return self.last is not None and self.last.state == "processing"


def online_offer(member: Member, invoice: Invoice) -> OnlineOffer:
    """How a member may pay an invoice through Stripe; nothing without a key, for others' invoices or other amounts."""
    query = select(OnlinePayment).where(OnlinePayment.invoice_id == invoice.id).order_by(OnlinePayment.id.desc())
    last = session.scalars(query.limit(1)).first()
    may = stripe_gateway.is_on() and rules.pays_for(member, invoice.recipient_id) and invoice.state == "issued"
    may = may and invoice.due_on is not None
    ways = rules.ways_to_pay(invoice.due_jpy) if may and not (last and last.state == "processing") else ()
    is_monthly = may and invoice.ground.startswith("month/")
    return OnlineOffer(ways, last, saved_card(invoice.recipient_id) if is_monthly else None)


def saved_card(organization_id: str) -> SavedCard | None:
    """The card an organization left for its monthly invoices."""
    query = select(SavedCard).where(SavedCard.organization_id == organization_id, SavedCard.state == "saved")
    return session.scalars(query).first()


def online_payments(*, limit: int = 50) -> list[OnlinePayment]:
    """The newest payments through Stripe, with their invoices."""
    query = select(OnlinePayment).options(joinedload(OnlinePayment.invoice)).order_by(OnlinePayment.id.desc())
    return list(session.scalars(query.limit(limit)))


def payment_disputes(*, limit: int = 50) -> list[PaymentDispute]:
    """Payers' objections, the open ones first, with their invoices."""
    query = select(PaymentDispute).options(joinedload(PaymentDispute.payment).joinedload(OnlinePayment.invoice))
    query = query.order_by(PaymentDispute.closed_at.desc().nulls_first(), PaymentDispute.id.desc())
    return list(session.scalars(query.limit(limit)))


def online_refunds(*, limit: int = 50) -> list[OnlineRefund]:
    """Money sent back through Stripe, the newest first, with its invoices."""
    query = select(OnlineRefund).options(joinedload(OnlineRefund.payment).joinedload(OnlinePayment.invoice))
    return list(session.scalars(query.order_by(OnlineRefund.id.desc()).limit(limit)))


def failed_refunds(*, limit: int = 100) -> list[OnlineRefund]:
    """Refunds that failed at Stripe and still have to be sent by bank transfer, the oldest first."""
    query = select(OnlineRefund).where(OnlineRefund.state == "failed", OnlineRefund.sent_at.is_(None))
    query = query.options(joinedload(OnlineRefund.payment).joinedload(OnlinePayment.invoice))
    return list(session.scalars(query.order_by(OnlineRefund.id).limit(limit)))


def stripe_standing() -> StripeStanding | None:
    """When Stripe was asked last, and whether its balance was what the books say."""
    return session.get(StripeStanding, "stripe")
