"""Payments through Stripe as payers and the exchange's accountants may see them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from contracts.models import Contract
from exchange.database import session
from exchange.identity.models import Member
from settlement import authorizing, rules, stripe_gateway
from settlement.models import (
    CardAuthorization,
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
        return self.last is not None and (self.last.state == "processing" or self.is_being_captured)

    @property
    def is_being_captured(self) -> bool:
        """Whether a card authorized beforehand is about to pay it."""
        return self.last is not None and self.last.kind == "authorized" and self.last.state in rules.UNDER_WAY


def online_offer(member: Member, invoice: Invoice) -> OnlineOffer:
    """How a member may pay an invoice through Stripe; nothing without a key, for others' invoices or other amounts."""
    query = select(OnlinePayment).where(OnlinePayment.invoice_id == invoice.id).order_by(OnlinePayment.id.desc())
    last = session.scalars(query.limit(1)).first()
    may = stripe_gateway.is_on() and rules.pays_for(member, invoice.recipient_id) and invoice.state == "issued"
    may = may and invoice.due_on is not None
    is_monthly = may and invoice.ground.startswith("month/")
    offer = OnlineOffer((), last, saved_card(invoice.recipient_id) if is_monthly else None)
    return replace(offer, ways=rules.ways_to_pay(invoice.due_jpy) if may and not offer.is_on_its_way else ())


@dataclass(frozen=True)
class CardOffer:
    """What someone of the buyer may do or know about authorizing a card while a contract waits."""

    amount_jpy: int  # tax included
    last: CardAuthorization | None
    waits: bool  # the contract does, and a card may be authorized for it
    may_begin: bool
    may_release: bool


def may_be_authorized(contract: Contract) -> bool:
    """Whether a card can be authorized for a contract: a one-off price that Stripe takes, billed through us.

    A municipality bills for itself. What an owner of the buyer has not confirmed is not asked of the provider yet.
    """
    is_ours = stripe_gateway.is_on() and contract.provider.kind != "municipality" and not contract.awaits_confirmation
    is_once = contract.pricing["model"] == "one_off"
    return is_ours and is_once and bool(rules.ways_to_pay(authorizing.amount_jpy(contract)))


def card_offer(member: Member, contract: Contract) -> CardOffer | None:
    """How a member of the buyer may authorize a card for a contract, or how that stands; None where it is not offered."""
    if member.organization_id != contract.buyer_id or contract.pricing["model"] != "one_off":
        return None
    query = select(CardAuthorization).where(CardAuthorization.contract_id == contract.id)
    last = session.scalars(query.order_by(CardAuthorization.id.desc()).limit(1)).first()
    waits = rules.authorization_fate(contract.state, is_activated=contract.activated_at is not None) == "wait"
    if not waits or not may_be_authorized(contract):
        return CardOffer(last.amount_jpy, last, False, False, False) if last and last.hold_id else None
    may, state = rules.pays_for(member, contract.buyer_id), last.state if last else "none"
    may_begin = may and state not in ("authorized", "releasing")
    return CardOffer(authorizing.amount_jpy(contract), last, True, may_begin, may and state == "authorized")


def card_authorizations(*, limit: int = 50) -> list[CardAuthorization]:
    """The newest authorizations of cards that anything was held for, with their contracts and buyers."""
    query = select(CardAuthorization).options(joinedload(CardAuthorization.contract).joinedload(Contract.buyer))
    query = query.where(CardAuthorization.hold_id.is_not(None)).order_by(CardAuthorization.id.desc())
    return list(session.scalars(query.limit(limit)))


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
