"""Money out: one payout a provider gathers until it leaves in a transfer file.

due ──batch──> batched ──sent──> sent
"""

from datetime import date, datetime

from sqlalchemy import select

from exchange import clock
from exchange.database import new_id, session
from exchange.identity.models import Organization
from settlement import ledger, rules
from settlement.ledger import BANK, PAYOUT_CLEARING, Move
from settlement.models import Application, CreditNote, Invoice, Payout, PayoutBatch, PayoutLine


def open_payout(provider_id: str, *, received_on: date, at: datetime) -> Payout:
    """The provider's payout that still gathers, opened if there is none. Its date follows its oldest receipt."""
    found = session.scalars(select(Payout).where(Payout.provider_id == provider_id, Payout.state == "due")).first()
    if found is None:
        due_on = rules.payout_due_on(received_on)
        found = Payout(
            id=new_id(), provider_id=provider_id, opened_at=at, due_on=due_on, gross_jpy=0, fee_jpy=0, amount_jpy=0
        )
        session.add(found)
    return found


def add_sale(invoice: Invoice, application: Application, *, received_on: date, payer: str, at: datetime) -> None:
    """Add what a receipt brought the provider to its payout."""
    payout = open_payout(invoice.issuer_id, received_on=received_on, at=at)
    payout.due_on = min(payout.due_on, rules.payout_due_on(received_on))
    line = PayoutLine(invoice_id=invoice.id, application_id=application.id, at=at, words=f"{invoice.number} {payer}")
    _add(payout, line, application.amount_jpy, application.fee_jpy)


def add_refund(invoice: Invoice, note: CreditNote, *, at: datetime) -> None:
    """Take what goes back to a buyer from the provider's payout; below zero it waits for new sales."""
    payout = open_payout(invoice.issuer_id, received_on=note.issued_on, at=at)
    words = f"{note.number} {invoice.number}の返還"
    line = PayoutLine(invoice_id=invoice.id, credit_note_id=note.id, at=at, words=words)
    _add(payout, line, -note.repaid_jpy, -note.fee_back_jpy)


def _add(payout: Payout, line: PayoutLine, gross_jpy: int, fee_jpy: int) -> None:
    line.id, line.payout_id, line.gross_jpy, line.fee_jpy = new_id(), payout.id, gross_jpy, fee_jpy
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


def put_in_batch(payout: Payout, provider: Organization, batch: PayoutBatch, *, at: datetime) -> None:
    """Book that a payout left the deposits held and is on its way to the bank."""
    payout.state, payout.batch_id = "batched", batch.id
    ledger.post(
        f"payout/{payout.id}/batched",
        [Move(payout.amount_jpy, PAYOUT_CLEARING, ledger.deposits(payout.provider_id))],
        at=at,
        booked_on=at.astimezone(clock.JST).date(),
        reference=f"payout/{payout.id}",
        words=f"振込手続 {provider.name}",
    )


def mark_sent(batch: PayoutBatch, *, at: datetime) -> None:
    """Book that the bank has executed a transfer file: the money has left the account."""
    batch.sent_at = at
    for payout in session.scalars(select(Payout).where(Payout.batch_id == batch.id).order_by(Payout.id)):
        payout.state, payout.sent_at = "sent", at
        ledger.post(
            f"payout/{payout.id}/sent",
            [Move(payout.amount_jpy, BANK, PAYOUT_CLEARING)],
            at=at,
            booked_on=max(batch.transfer_on, at.astimezone(clock.JST).date()),
            reference=f"payout/{payout.id}",
            words="提供者への振込",
        )
