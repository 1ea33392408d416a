"""Money in, and back: receipts pay invoices, credit notes take off, and the ledger says where each yen stands.

Every function here is called under the lock `settlement/money`, so that two payments of one invoice, or a payment
and a refund, see each other.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from contracts import actions as contract_actions
from contracts.models import Contract
from exchange import clock
from exchange.database import new_id, session
from settlement import arrears, invoicing, ledger, payouts, rules
from settlement.ledger import (
    BANK,
    DISPUTED,
    FEES,
    OTHER_INCOME,
    STRIPE,
    TRANSFER_CHARGES,
    UNAPPLIED,
    Move,
    Place,
)
from settlement.models import Application, CreditNote, Invoice, PaymentDispute, Period, Receipt

CASH = {"bank": BANK, "stripe": STRIPE}  # where what came through a channel stands


def booking_day(on: date, at: datetime) -> date:
    """The day a deed counts for: its own, unless that month is closed already; then the day it is booked."""
    return clock.day_of(at) if session.get(Period, f"{on:%Y-%m}") else on


@dataclass(frozen=True)
class Match:
    """How a receipt came to pay an invoice: by reference, by amount and name, or as the payer told a person."""

    by: str = "reference"
    instruction: dict[str, Any] | None = None
    borne: bool = False


def receive(receipt: Receipt, invoice: Invoice | None, *, at: datetime, match: Match = Match()) -> Application | None:
    """Book a new receipt: what it pays of the invoice, the exchange's fee on that, and what is left unapplied."""
    due = invoice.due_jpy if invoice else 0
    split = rules.split_payment(due_jpy=due, received_jpy=receipt.amount_jpy)
    receipt.unapplied_jpy = split.rest_jpy
    session.add(receipt)
    session.flush()
    cash = CASH[receipt.channel]
    moves = [Move(split.rest_jpy, UNAPPLIED, cash)]
    application = None
    if invoice and split.first_jpy:
        application, paid = _apply(receipt, invoice, split.first_jpy, source_of_cash=cash, match=match, at=at)
        moves = [*paid, *moves]
    ledger.post(
        f"receipt/{receipt.id}",
        moves,
        at=at,
        booked_on=booking_day(receipt.received_on, at),
        reference=f"invoice/{invoice.id}" if application and invoice else f"receipt/{receipt.id}",
        words=f"入金 {receipt.payer}" + (f" {invoice.number}" if application and invoice else ""),
    )
    return application


def apply_later(
    receipt: Receipt, invoice: Invoice, amount_jpy: int, *, instruction: dict[str, Any], at: datetime
) -> Application:
    """Let unapplied money of a receipt pay an invoice; the amount is at most what is due and what is unapplied."""
    match = Match("person", instruction)
    application, moves = _apply(receipt, invoice, amount_jpy, source_of_cash=UNAPPLIED, match=match, at=at)
    receipt.unapplied_jpy -= amount_jpy
    ledger.post(
        f"application/{application.id}",
        moves,
        at=at,
        booked_on=clock.day_of(at),
        reference=f"invoice/{invoice.id}",
        words=f"入金の消込 {receipt.payer} {invoice.number}",
    )
    return application


def bear_charge(receipt: Receipt, invoice: Invoice, *, instruction: dict[str, Any], at: datetime) -> Application:
    """Book that the exchange pays what a receipt fell short of an invoice: the bank's charge that the payer took off."""
    match, short = Match("person", instruction, borne=True), invoice.due_jpy
    application, moves = _apply(receipt, invoice, short, source_of_cash=TRANSFER_CHARGES, match=match, at=at)
    ledger.post(
        f"application/{application.id}",
        moves,
        at=at,
        booked_on=clock.day_of(at),
        reference=f"invoice/{invoice.id}",
        words=f"振込手数料の負担 {receipt.payer} {invoice.number}",
    )
    return application


def keep_as_income(receipt: Receipt, *, note: str, at: datetime) -> int:
    """Book that a receipt's unapplied money is the exchange's own (interest, say); the amount in yen."""
    amount = receipt.unapplied_jpy
    receipt.unapplied_jpy, receipt.returned_jpy, receipt.return_note = 0, receipt.returned_jpy + amount, note
    ledger.post(
        f"receipt/{receipt.id}/own/{receipt.returned_jpy}",
        [Move(amount, OTHER_INCOME, UNAPPLIED)],
        at=at,
        booked_on=clock.day_of(at),
        reference=f"receipt/{receipt.id}",
        words=f"運営者の入金 {receipt.payer} {note}",
    )
    return amount


def _apply(
    receipt: Receipt, invoice: Invoice, amount_jpy: int, *, source_of_cash: Place, match: Match, at: datetime
) -> tuple[Application, list[Move]]:
    """Pay so much of an invoice: held for the provider, less the fee and what it still owes the exchange."""
    invoice.paid_jpy += amount_jpy
    fee = _fee_step(invoice)
    invoice.fee_taken_jpy += fee
    settle_state(invoice, at)
    application = Application(
        id=new_id(),
        receipt_id=receipt.id,
        invoice_id=invoice.id,
        amount_jpy=amount_jpy,
        fee_jpy=fee,
        at=at,
        matched_by=match.by,
        instruction=match.instruction,
        borne=match.borne,
    )
    session.add(application)
    session.flush()
    if invoice.kind == "fee":  # the exchange's own claim: revenue as it is received
        claim = ledger.uncollected(invoice.issuer_id)
        return application, [
            Move(amount_jpy, FEES, source_of_cash),
            Move(amount_jpy, ledger.billed(invoice.recipient_id), claim),
        ]
    payouts.add_sale(invoice, application, received_on=receipt.received_on, payer=receipt.payer, at=at)
    held, provider = ledger.deposits(invoice.issuer_id), invoice.issuer_id
    repaid = min(ledger.held(ledger.advances(provider)), amount_jpy - fee)
    return application, [
        Move(amount_jpy, held, source_of_cash),
        Move(fee, FEES, held),
        Move(repaid, ledger.advances(provider), held),
        Move(amount_jpy, ledger.billed(invoice.recipient_id), ledger.uncollected(provider)),
    ]


def _fee_step(invoice: Invoice) -> int:
    """How far the fee taken is from the fee earned by what the provider keeps of this invoice."""
    kept = invoice.paid_jpy - invoice.refunded_jpy
    earned = rules.fee_due(invoice.fee_jpy, received_jpy=kept, total_jpy=invoice.total_jpy)
    return earned - invoice.fee_taken_jpy


def settle_state(invoice: Invoice, at: datetime) -> None:
    """Let an invoice's state follow from its amounts, with what hangs on it: delivery opened, or no longer stopped."""
    before = invoice.state
    invoice.state = rules.state_after(
        total_jpy=invoice.total_jpy, due_jpy=invoice.due_jpy, credited_jpy=invoice.credited_jpy
    )
    if invoice.state == "paid" and before != "paid":
        invoice.paid_at = at
        _tell_contract(invoice, at)
    elif invoice.state == "issued":
        invoice.paid_at = None
    if invoice.state != before:
        session.flush()
        arrears.settle(invoice, at=at)


def _tell_contract(invoice: Invoice, at: datetime) -> None:
    """A price paid in advance opens delivery."""
    if invoice.contract_id and _is_prepaid(invoice):
        contract_actions.payment_received(invoice.contract_id, at=at)


def _is_prepaid(invoice: Invoice) -> bool:
    if invoice.ground != invoicing.ACTIVATION or invoice.contract_id is None:
        return False
    return session.scalar(select(Contract.payment).where(Contract.id == invoice.contract_id)) == "prepaid"


def give_back(receipt: Receipt, *, note: str, at: datetime) -> int:
    """Book that a receipt's unapplied money was sent back to its payer; the amount in yen."""
    amount = receipt.unapplied_jpy
    receipt.unapplied_jpy, receipt.returned_jpy, receipt.return_note = 0, receipt.returned_jpy + amount, note
    ledger.post(
        f"receipt/{receipt.id}/returned/{receipt.returned_jpy}",
        [Move(amount, BANK, UNAPPLIED)],
        at=at,
        booked_on=clock.day_of(at),
        reference=f"receipt/{receipt.id}",
        words=f"仮受金の返還 {receipt.payer}",
    )
    return amount


def credit(invoice: Invoice, amount_jpy: int, *, reason: str, at: datetime) -> CreditNote:
    """Take an amount, tax included, off an invoice: first off what is due, the rest is owed back to the buyer.

    The fee on what goes back is given back. What the provider was paid out already is advanced and taken from its
    next sales.
    """
    split = rules.split_refund(due_jpy=invoice.due_jpy, amount_jpy=amount_jpy)
    rate = int(invoice.totals_by_rate[0]["rate_percent"])
    tax = rules.credit_tax(credited_before_jpy=invoice.credited_jpy, amount_jpy=amount_jpy, rate_percent=rate)
    invoice.credited_jpy += amount_jpy
    invoice.refunded_jpy += split.rest_jpy
    fee_back = -_fee_step(invoice)
    invoice.fee_taken_jpy -= fee_back
    settle_state(invoice, at)
    note = CreditNote(
        id=new_id(),
        number=invoicing.credit_note_number(invoice),
        issuer_id=invoice.issuer_id,
        invoice_id=invoice.id,
        issued_at=at,
        issued_on=clock.day_of(at),
        title=rules.credit_note_title(invoice.issuer["registration_number"]),
        reason=reason,
        rate_percent=rate,
        amount_jpy=amount_jpy,
        taxable_jpy=amount_jpy - tax,
        tax_jpy=tax,
        repaid_jpy=split.rest_jpy,
        fee_back_jpy=fee_back,
    )
    session.add(note)
    session.flush()
    _book_credit(invoice, note, at)
    return note


def _book_credit(invoice: Invoice, note: CreditNote, at: datetime) -> None:
    provider, buyer = invoice.issuer_id, invoice.recipient_id
    if note.repaid_jpy and invoice.kind == "sale":
        payouts.add_refund(invoice, note, at=at)
    ledger.post(
        f"credit-note/{note.id}",
        [
            *_taken_off(invoice, note.repaid_jpy, note.fee_back_jpy, to=ledger.refunds(buyer)),
            Move(note.amount_jpy - note.repaid_jpy, ledger.billed(buyer), ledger.uncollected(provider)),
        ],
        at=at,
        booked_on=note.issued_on,
        reference=f"invoice/{invoice.id}",
        words=f"返還 {note.number} ({invoice.number})",
    )


def _taken_off(invoice: Invoice, amount_jpy: int, fee_back_jpy: int, *, to: Place) -> list[Move]:
    """What a payment brought, on its way back: from what is held for the provider, a fee from the exchange's revenue."""
    if invoice.kind == "fee":
        return [Move(amount_jpy, to, FEES)]
    held, provider = ledger.deposits(invoice.issuer_id), invoice.issuer_id
    short = max(0, amount_jpy - fee_back_jpy - ledger.held(held))
    return [
        Move(fee_back_jpy, held, FEES),
        Move(short, held, ledger.advances(provider)),
        Move(amount_jpy, to, held),
    ]


def undo_payment(invoice: Invoice, amount_jpy: int, dispute: PaymentDispute, *, at: datetime) -> None:
    """Book that so much of an invoice's payment was taken back by its payer's card company: it is due again.

    The fee on it is given back. The provider, whose claim it is, loses it from its payout; what was paid out already
    is advanced and taken from its next sales. What was delivered only because it was paid stops. At most what was paid
    and not refunded.
    """
    invoice.paid_jpy -= amount_jpy
    fee_back = -_fee_step(invoice)
    invoice.fee_taken_jpy -= fee_back
    settle_state(invoice, at)
    session.flush()
    words, provider = f"{invoice.number} 異議申立てによる入金の取消", invoice.issuer_id
    if invoice.kind == "sale":
        payouts.add_dispute(invoice, dispute, -amount_jpy, -fee_back, words=words, at=at)
    ledger.post(
        f"dispute/{dispute.id}/lost/{invoice.id}",
        [
            *_taken_off(invoice, amount_jpy, fee_back, to=DISPUTED),
            Move(amount_jpy, ledger.uncollected(provider), ledger.billed(invoice.recipient_id)),
        ],
        at=at,
        booked_on=clock.day_of(at),
        reference=f"invoice/{invoice.id}",
        words=words,
    )
    if _is_prepaid(invoice) and invoice.state == "issued":
        arrears.stop_at_once(invoice, at=at)


def send_refund(note: CreditNote, invoice: Invoice, amount_jpy: int, *, at: datetime) -> None:
    """Book that the money of a credit note that is not going back through Stripe was sent to the buyer's account."""
    note.repaid_at = at
    ledger.post(
        f"credit-note/{note.id}/sent",
        [Move(amount_jpy, BANK, ledger.refunds(invoice.recipient_id))],
        at=at,
        booked_on=clock.day_of(at),
        reference=f"invoice/{invoice.id}",
        words=f"返金の振込 {note.number}",
    )
