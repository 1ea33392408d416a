"""Cards authorized before a contract is active, in the books: held, captured up to the hold, voided, expired.

Nothing here speaks to Stripe. A hold stands on the memorandum account `captured`: what a card was authorized for is
nobody's money yet. The money itself is booked as any payment through Stripe; the hold is posted beside it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select, update

from contracts import pricing as prices
from contracts.models import Contract
from exchange import clock, jobs
from exchange.database import new_id, session
from exchange.errors import WrongState, text
from settlement import ledger, rules, stripe_gateway
from settlement.ledger import Move
from settlement.models import CardAuthorization, OnlinePayment
from settlement.stripe_gateway import IntentSeen

# The hold outlives Stripe's own by a day, so that a capture in its last minutes is posted although word of it is late.
HELD_LONGER = timedelta(days=1)


def amount_jpy(contract: Contract) -> int:
    """What the invoice of a one-off price will come to, tax included; zero for every other price."""
    price = prices.activation_charge_jpy(prices.parse(contract.pricing))
    return sum(t.taxable_jpy + t.tax_jpy for t in rules.totals_by_rate([rules.Line("", price)]))


def reread(authorization_id: str) -> CardAuthorization:
    """An authorization as the database has it, its row locked."""
    return session.get_one(CardAuthorization, authorization_id, populate_existing=True, with_for_update=True)


def hold(row: CardAuthorization, seen: IntentSeen, *, at: datetime) -> None:
    """→ authorized: hold in the ledger what Stripe says the card was authorized for.

    Raises `WrongState` where that is another amount than was asked for.
    """
    if seen.currency != stripe_gateway.CURRENCY or seen.capturable_jpy != row.amount_jpy:
        raise WrongState(text("Stripe の与信枠がこの契約の代金と一致しません。"), state=seen.status)
    contract = session.get_one(Contract, row.contract_id)
    row.authorized_at = seen.charged_at or at
    row.expires_at = seen.capture_before or row.authorized_at + timedelta(days=rules.AUTHORIZED_DAYS)
    held = ledger.hold(
        f"authorization/{row.id}",
        Move(row.amount_jpy, ledger.captured_for(contract.provider_id), ledger.captured(row.payer_id)),
        at=at,
        expires_at=max(row.expires_at, at) + HELD_LONGER,
        reference=f"contract/{contract.id}",
        words=f"カード与信 {contract.number}",
    )
    row.hold_id, row.state = held.id, "authorized"


def capture_for(issued: Sequence[tuple[str, str]], *, at: datetime) -> None:
    """Have authorized cards pay the invoices, just issued, of their contracts (contract and invoice ids)."""
    invoices = dict(issued)
    if not invoices:
        return
    query = select(CardAuthorization).where(CardAuthorization.contract_id.in_(invoices))
    rows = session.scalars(query.where(CardAuthorization.state == "authorized").with_for_update()).all()
    for row in rows:
        intend_capture(row, invoices[row.contract_id], at=at)


def intend_capture(row: CardAuthorization, invoice_id: str, *, at: datetime) -> None:
    """Write that an authorized card is to pay an invoice; a job makes the call. The caller holds the row."""
    payment = OnlinePayment(
        id=new_id(),
        invoice_id=invoice_id,
        payer_id=row.payer_id,
        kind="authorized",
        amount_jpy=row.amount_jpy,
        state="intended",
        begun_at=at,
        begun_by=row.begun_by,
        intent_id=row.intent_id,
        method="card",
        authorization_id=row.id,
    )
    session.add(payment)
    session.flush()
    jobs.enqueue("stripe-payment", {"payment_id": payment.id}, at=at, key=f"stripe-payment/{payment.id}")


def intend_release(row: CardAuthorization, reason: str, *, at: datetime) -> None:
    """→ releasing: write that a card, or the page for one, is not needed any more; a job tells Stripe."""
    row.state, row.reason = "releasing", reason
    session.flush()
    key = f"stripe-authorization/{row.id}"
    jobs.enqueue("stripe-authorization", {"authorization_id": row.id}, at=at, key=key)


def captured(payment: OnlinePayment, received_jpy: int, *, at: datetime) -> None:
    """→ captured: post so much of the hold as was captured, and release the rest of it."""
    row = reread(payment.authorization_id or "")
    if row.hold_id is not None and not _has_ended(row.hold_id, at):
        amount = min(received_jpy, row.amount_jpy)
        ledger.post_hold(row.hold_id, amount, at=at, booked_on=clock.day_of(at))
    row.state, row.ended_at = "captured", at


def end(row: CardAuthorization, state: str, *, at: datetime) -> None:
    """→ released, lapsed, abandoned or failed: the hold is voided, and what was to be captured is not.

    A hold whose time is over stays for the job that expires holds.
    """
    if row.hold_id is not None and not _has_ended(row.hold_id, at):
        ledger.void_hold(row.hold_id, at=at)
    waiting = update(OnlinePayment).where(OnlinePayment.authorization_id == row.id)
    waiting = waiting.where(OnlinePayment.state.in_(rules.UNDER_WAY))
    session.execute(waiting.values(state="expired", settled_at=at))
    row.state, row.ended_at, row.url = state, at, None


def _has_ended(hold_id: str, at: datetime) -> bool:
    return not ledger.is_waiting(hold_id, at=at)
