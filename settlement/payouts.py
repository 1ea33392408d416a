"""Money out: one payout a provider gathers until it leaves in a transfer file.

due ──batch──> batched ──sent──> sent
                  └──came back──> returned <──came back── sent       its amount is a line of the next payout, once
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from exchange import clock
from exchange.database import new_id, session
from exchange.errors import text
from exchange.identity.actions import notify
from exchange.identity.models import Organization
from settlement import ledger, rules
from settlement.ledger import BANK, PAYOUT_CLEARING, UNAPPLIED, Move
from settlement.models import (
    Application,
    CreditNote,
    Invoice,
    PaymentDispute,
    Payout,
    PayoutBatch,
    PayoutLine,
    Receipt,
)


def open_payout(provider_id: str, *, received_on: date, at: datetime) -> Payout:
    """The provider's payout that still gathers, opened if there is none. Its date follows its oldest receipt."""
    found = session.scalars(select(Payout).where(Payout.provider_id == provider_id, Payout.state == "due")).first()
    if found is None:
        due_on = rules.payout_due_on(received_on)
        nothing = {"gross_jpy": 0, "fee_jpy": 0, "carried_jpy": 0, "amount_jpy": 0}
        found = Payout(id=new_id(), provider_id=provider_id, opened_at=at, due_on=due_on, **nothing)
        session.add(found)
    return found


def add_sale(invoice: Invoice, application: Application, *, received_on: date, payer: str, at: datetime) -> None:
    """Add what a receipt brought the provider to its payout."""
    payout = open_payout(invoice.issuer_id, received_on=received_on, at=at)
    _bring_forward(payout, received_on)
    line = PayoutLine(invoice_id=invoice.id, application_id=application.id, at=at, words=f"{invoice.number} {payer}")
    _add(payout, line, application.amount_jpy, application.fee_jpy)


def _bring_forward(payout: Payout, received_on: date) -> None:
    """Its date follows its oldest money; what only waited to be set off had no date to keep."""
    due_on = rules.payout_due_on(received_on)
    payout.due_on = min(payout.due_on, due_on) if payout.amount_jpy > 0 else due_on


def add_refund(invoice: Invoice, note: CreditNote, *, at: datetime) -> None:
    """Take what goes back to a buyer from the provider's payout; below zero it waits for new sales."""
    payout = open_payout(invoice.issuer_id, received_on=note.issued_on, at=at)
    words = f"{note.number} {invoice.number}の返還"
    line = PayoutLine(invoice_id=invoice.id, credit_note_id=note.id, at=at, words=words)
    _add(payout, line, -note.repaid_jpy, -note.fee_back_jpy)


def add_dispute(
    invoice: Invoice, dispute: PaymentDispute, gross_jpy: int, fee_jpy: int, *, words: str, at: datetime
) -> None:
    """Take what a payer objects to from the provider's payout, or give it back, as a line that says why."""
    payout = open_payout(invoice.issuer_id, received_on=clock.day_of(at), at=at)
    line = PayoutLine(invoice_id=invoice.id, dispute_id=dispute.id, at=at, words=words)
    _add(payout, line, gross_jpy, fee_jpy)


def add_correction(invoice: Invoice, gross_jpy: int, fee_jpy: int, *, words: str, at: datetime) -> None:
    """Take what a corrected invoice no longer charges from the provider's payout, with its fee, as one line."""
    payout = open_payout(invoice.issuer_id, received_on=invoice.issued_on, at=at)
    line = PayoutLine(invoice_id=invoice.id, replacement_id=invoice.id, at=at, words=words)
    _add(payout, line, gross_jpy, fee_jpy)


def _add(payout: Payout, line: PayoutLine, gross_jpy: int, fee_jpy: int) -> None:
    line.id, line.payout_id, line.gross_jpy, line.fee_jpy, line.carried_jpy = new_id(), payout.id, gross_jpy, fee_jpy, 0
    payout.gross_jpy += gross_jpy
    payout.fee_jpy += fee_jpy
    payout.amount_jpy += gross_jpy - fee_jpy
    session.flush()
    session.add(line)


def ready() -> list[tuple[Payout, Organization]]:
    """Payouts that could leave now, with their providers, the earliest date first."""
    query = select(Payout, Organization).join(Organization, Organization.id == Payout.provider_id)
    query = query.where(Payout.state == "due", Payout.amount_jpy > 0).order_by(Payout.due_on, Payout.id)
    return [(payout, provider) for payout, provider in session.execute(query)]


def put_in_batch(
    payout: Payout, provider: Organization, account: dict[str, Any], batch: PayoutBatch, *, at: datetime
) -> None:
    """Book that a payout left the deposits held and is on its way to the bank, for this account."""
    payout.state, payout.batch_id, payout.account = "batched", batch.id, account
    ledger.post(
        f"payout/{payout.id}/batched",
        [Move(payout.amount_jpy, PAYOUT_CLEARING, ledger.deposits(payout.provider_id))],
        at=at,
        booked_on=clock.day_of(at),
        reference=f"payout/{payout.id}",
        words=f"振込手続 {provider.name}",
    )


def mark_sent(batch: PayoutBatch, *, at: datetime) -> None:
    """Book that the bank has executed a transfer file: the money has left the account. What came back stays back."""
    batch.sent_at = at
    query = select(Payout).where(Payout.batch_id == batch.id, Payout.state == "batched").order_by(Payout.id)
    for payout in session.scalars(query):
        _send(payout, batch.transfer_on, at)


def _send(payout: Payout, transfer_on: date, at: datetime) -> None:
    payout.state, payout.sent_at = "sent", at
    ledger.post(
        f"payout/{payout.id}/sent",
        [Move(payout.amount_jpy, BANK, PAYOUT_CLEARING)],
        at=at,
        booked_on=max(transfer_on, clock.day_of(at)),
        reference=f"payout/{payout.id}",
        words="提供者への振込",
    )


def take_back(payout: Payout, *, reason: str, on: date, receipt: Receipt | None, at: datetime) -> None:
    """batched or sent → returned. Book that a transfer did not arrive: its amount is held for the provider again and
    stands as a line in its next payout. A receipt is the bank's credit that brought it back: so it had been sent.
    """
    if receipt:
        if payout.state == "batched":
            _send(payout, on, at)
        receipt.payout_id, receipt.unapplied_jpy = payout.id, receipt.unapplied_jpy - payout.amount_jpy
    source = UNAPPLIED if receipt else PAYOUT_CLEARING if payout.state == "batched" else BANK
    payout.state, payout.returned_on, payout.return_reason = "returned", on, reason
    held, advances = ledger.deposits(payout.provider_id), ledger.advances(payout.provider_id)
    repaid = min(ledger.held(advances), payout.amount_jpy)
    ledger.post(
        f"payout/{payout.id}/returned",
        [Move(payout.amount_jpy, held, source), Move(repaid, advances, held)],
        at=at,
        booked_on=clock.day_of(at),
        reference=f"payout/{payout.id}",
        words=f"振込不能 {reason}",
    )
    _carry(payout, on=on, at=at)


def _carry(payout: Payout, *, on: date, at: datetime) -> None:
    following = open_payout(payout.provider_id, received_on=on, at=at)
    _bring_forward(following, on)
    words = f"{clock.words(on)}に戻った振込の再振込"
    line = PayoutLine(
        id=new_id(),
        payout_id=following.id,
        returned_payout_id=payout.id,
        at=at,
        words=words,
        gross_jpy=0,
        fee_jpy=0,
        carried_jpy=payout.amount_jpy,
    )
    following.carried_jpy += payout.amount_jpy
    following.amount_jpy += payout.amount_jpy
    session.flush()
    session.add(line)


def tell_returned(payout: Payout, *, at: datetime) -> None:
    """Tell a provider that its money came back, and what it should look at."""
    notify(
        organization_id=payout.provider_id,
        roles=("owner", "accountant"),
        title=text("振込ができませんでした"),
        body=text(
            "%(amount)s円の振込が戻りました(%(reason)s)。登録した口座を確認してください。次回の支払いに繰り越します。",
            amount=f"{payout.amount_jpy:,}",
            reason=payout.return_reason,
        ),
        path="/desk/organization",
        at=at,
    )
