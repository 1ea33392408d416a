"""Payment through Stripe: what was begun there, what it told, and what of it stands in the books.

Each call to Stripe is a step between two transactions: a row says what is to be done (`intended`), its id is the
idempotency key of the call, and the answer moves the row on. A crash in between leaves an intended row, which the
reconciliation repeats with the same key.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts.models import Contract
from exchange.database import Base, Id
from settlement.models.invoices import Invoice
from settlement.models.payments import Receipt


class OnlineCustomer(Base):
    """A paying organization as Stripe knows it."""

    __tablename__ = "online_customer"

    organization_id: Mapped[str] = mapped_column(ForeignKey("organization.id"), primary_key=True)
    customer_id: Mapped[str] = mapped_column(unique=True)
    made_at: Mapped[datetime]


class OnlinePayment(Base):
    """One attempt to pay an invoice: by a page of Stripe's (`checkout`), with the saved card (`saved`), or by capturing
    what a card was authorized for before the contract was (`authorized`).

    An invoice has one attempt under way at a time, so that nobody pays it twice from two windows.
    """

    __tablename__ = "online_payment"
    __table_args__ = (
        CheckConstraint("kind IN ('checkout','saved','authorized')", name="kind"),
        CheckConstraint("(kind = 'authorized') = (authorization_id IS NOT NULL)", name="authorized"),
        CheckConstraint("state IN ('intended','open','processing','succeeded','failed','expired')", name="state"),
        CheckConstraint("amount_jpy > 0", name="amount_positive"),
        CheckConstraint("(state = 'succeeded') = (receipt_id IS NOT NULL)", name="received"),
        Index(
            "uq_online_payment_under_way",
            "invoice_id",
            unique=True,
            postgresql_where="state IN ('intended','open','processing')",
        ),
        Index("ix_online_payment_under_way", "id", postgresql_where="state IN ('intended','open','processing')"),
    )

    id: Mapped[Id]
    invoice_id: Mapped[str] = mapped_column(ForeignKey("invoice.id"), index=True)
    payer_id: Mapped[str] = mapped_column(ForeignKey("organization.id"))
    kind: Mapped[str]
    amount_jpy: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(default="intended")
    begun_at: Mapped[datetime]
    begun_by: Mapped[str | None]
    session_id: Mapped[str | None] = mapped_column(unique=True)
    url: Mapped[str | None]
    intent_id: Mapped[str | None] = mapped_column(unique=True)
    charge_id: Mapped[str | None] = mapped_column(index=True)
    method: Mapped[str | None]
    settled_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    receipt_id: Mapped[str | None] = mapped_column(ForeignKey("receipt.id"), unique=True)
    authorization_id: Mapped[str | None] = mapped_column(ForeignKey("card_authorization.id"), unique=True)

    invoice: Mapped[Invoice] = relationship(lazy="raise_on_sql")
    receipt: Mapped[Receipt | None] = relationship(lazy="raise_on_sql")


class CardAuthorization(Base):
    """A card authorized (与信) for a one-off price while its contract waits: nothing is taken before it is active.

    intended ──page──> open ──card──> authorized ──captured, by an `OnlinePayment` of the contract's invoice──> captured
        │                │                 ├──its time is over──> lapsed
        └──> abandoned <─┘                 └──not needed any more──> releasing ──> released

    A contract has one under way at a time. `hold_id` is the ledger's hold, from `authorized` on.
    """

    __tablename__ = "card_authorization"
    __table_args__ = (
        CheckConstraint(
            "state IN ('intended','open','authorized','captured','releasing','released','lapsed','abandoned','failed')",
            name="state",
        ),
        CheckConstraint("amount_jpy > 0", name="amount_positive"),
        CheckConstraint(
            "state NOT IN ('authorized','captured') OR (hold_id IS NOT NULL AND expires_at IS NOT NULL)", name="held"
        ),
        Index(
            "uq_card_authorization_under_way",
            "contract_id",
            unique=True,
            postgresql_where="state IN ('intended','open','authorized','releasing')",
        ),
        Index(
            "ix_card_authorization_under_way",
            "id",
            postgresql_where="state IN ('intended','open','authorized','releasing')",
        ),
    )

    id: Mapped[Id]
    contract_id: Mapped[str] = mapped_column(ForeignKey("contract.id"), index=True)
    payer_id: Mapped[str] = mapped_column(ForeignKey("organization.id"))
    amount_jpy: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(default="intended")
    begun_at: Mapped[datetime]
    begun_by: Mapped[str]
    session_id: Mapped[str | None] = mapped_column(unique=True)
    url: Mapped[str | None]
    intent_id: Mapped[str | None] = mapped_column(unique=True)
    authorized_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]  # Stripe gives the card free then
    hold_id: Mapped[str | None] = mapped_column(ForeignKey("ledger_hold.id"), unique=True)
    ended_at: Mapped[datetime | None]
    reason: Mapped[str | None]  # why it was released: contract, buyer, paid; or the bank's word

    contract: Mapped[Contract] = relationship(lazy="raise_on_sql")


class SavedCard(Base):
    """An organization's card, kept at Stripe for its monthly invoices with its consent: intended → open → saved → withdrawn.

    The exchange knows of it what a person needs to recognise it; the number is Stripe's alone.
    """

    __tablename__ = "saved_card"
    __table_args__ = (
        CheckConstraint("state IN ('intended','open','saved','withdrawn','expired')", name="state"),
        CheckConstraint("state <> 'saved' OR (method_id IS NOT NULL AND consented_at IS NOT NULL)", name="saved"),
        Index("uq_saved_card_saved", "organization_id", unique=True, postgresql_where="state = 'saved'"),
        Index(
            "uq_saved_card_under_way",
            "organization_id",
            unique=True,
            postgresql_where="state IN ('intended','open')",
        ),
    )

    id: Mapped[Id]
    organization_id: Mapped[str] = mapped_column(ForeignKey("organization.id"), index=True)
    state: Mapped[str] = mapped_column(default="intended")
    begun_at: Mapped[datetime]
    begun_by: Mapped[str]
    session_id: Mapped[str | None] = mapped_column(unique=True)
    url: Mapped[str | None]
    method_id: Mapped[str | None]
    brand: Mapped[str | None]
    last4: Mapped[str | None]
    expires: Mapped[str | None]  # YYYY-MM
    consented_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]


class OnlineRefund(Base):
    """Money going back the way it came: for a credit note, or what of a receipt pays nothing.

    A failed one is sent by bank transfer instead, recorded in `sent_at`.
    """

    __tablename__ = "online_refund"
    __table_args__ = (
        CheckConstraint("state IN ('intended','pending','succeeded','failed')", name="state"),
        CheckConstraint("amount_jpy > 0", name="amount_positive"),
        CheckConstraint("sent_at IS NULL OR state = 'failed'", name="sent"),
        Index("ix_online_refund_under_way", "id", postgresql_where="state IN ('intended','pending')"),
    )

    id: Mapped[Id]
    payment_id: Mapped[str] = mapped_column(ForeignKey("online_payment.id"), index=True)
    credit_note_id: Mapped[str | None] = mapped_column(ForeignKey("credit_note.id"), index=True)
    amount_jpy: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(default="intended")
    begun_at: Mapped[datetime]
    refund_id: Mapped[str | None] = mapped_column(unique=True)
    settled_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    entry_id: Mapped[str | None] = mapped_column(ForeignKey("ledger_entry.id"))  # the booking, while it stands
    sent_at: Mapped[datetime | None]

    payment: Mapped[OnlinePayment] = relationship(lazy="raise_on_sql")


class PaymentDispute(Base):
    """A payer's objection to a card payment (異議申立て), open until the card network decides it."""

    __tablename__ = "payment_dispute"
    __table_args__ = (
        CheckConstraint("state IN ('open','won','lost')", name="state"),
        CheckConstraint("amount_jpy > 0", name="amount_positive"),
        CheckConstraint("(state = 'open') = (closed_at IS NULL)", name="closed"),
    )

    id: Mapped[Id]
    dispute_id: Mapped[str] = mapped_column(unique=True)
    payment_id: Mapped[str] = mapped_column(ForeignKey("online_payment.id"), index=True)
    amount_jpy: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str]
    state: Mapped[str] = mapped_column(default="open")
    answer_by: Mapped[datetime | None]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    unfrozen_jpy: Mapped[int] = mapped_column(BigInteger)  # what had left in a payout before, and could not be held

    payment: Mapped[OnlinePayment] = relationship(lazy="raise_on_sql")


class StripeEvent(Base):
    """An event as Stripe sent it, stored before anything else, and whether it was looked into."""

    __tablename__ = "stripe_event"
    __table_args__ = (Index("ix_stripe_event_waiting", "id", postgresql_where="handled_at IS NULL"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    payload: Mapped[dict[str, Any]]
    received_at: Mapped[datetime]
    asked: Mapped[bool]  # whether we had to ask for it
    handled_at: Mapped[datetime | None]


class StripeMovement(Base):
    """A movement of the balance at Stripe, as it told; its fee is booked once, and its payouts to the bank."""

    __tablename__ = "stripe_movement"

    id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    amount_jpy: Mapped[int] = mapped_column(BigInteger)
    fee_jpy: Mapped[int] = mapped_column(BigInteger)
    source_id: Mapped[str | None]
    at: Mapped[datetime]
    seen_at: Mapped[datetime]
    receipt_id: Mapped[str | None] = mapped_column(ForeignKey("receipt.id"))  # a payout that arrived at the bank


class StripeStanding(Base):
    """How far Stripe was asked, and whether its balance is what the books say."""

    __tablename__ = "stripe_standing"
    __table_args__ = (CheckConstraint("id = 'stripe'", name="one"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    asked_at: Mapped[datetime]
    balance_jpy: Mapped[int] = mapped_column(BigInteger)
    books_jpy: Mapped[int] = mapped_column(BigInteger)
