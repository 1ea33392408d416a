"""Which invoice a payment means: by the reference it carries, else by amount and name when exactly one fits.

Whatever fits less is for a person, who asks the payer. Our own transfers that come back are told by their words.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, select

from exchange.database import session
from exchange.identity.models import Organization
from settlement import bank, replacing, rules
from settlement.bank import StatementLine
from settlement.models import Invoice, Payout, PayoutBatch, Receipt

PAIRED_MAX = 40  # of one buyer's invoices, so that the pairs stay few
BACK_WITHIN = timedelta(days=60)
still_due = Invoice.total_jpy - Invoice.credited_jpy - Invoice.paid_jpy + Invoice.refunded_jpy


@dataclass(frozen=True)
class Meant:
    """The invoice a payment pays and how that was found out, or why none was: unknown, ambiguous, abroad, bounced."""

    invoice: Invoice | None = None
    by: str = "reference"
    reason: str | None = None


def meant_by(line: StatementLine) -> Meant:
    """What a payment is for. Money from abroad pays nothing here: this exchange settles within Japan alone."""
    words = f"{line.payer} {line.reference}"
    if bank.is_from_abroad(words):
        return Meant(reason="abroad")
    if bank.is_returned_transfer(words):
        return Meant(reason="bounced")
    found = invoices_named(line.reference, line.payer)
    if len(found) == 1:
        return Meant(found[0])
    if found:
        return Meant(reason="ambiguous")
    named = [i for i in _open(line.amount_jpy) if bank.payer_key(line.payer) in _keys(*i)]
    if len(named) == 1:
        return Meant(named[0][0], by="name")
    return Meant(reason="ambiguous" if named else "unknown")


def invoices_named(*written: str) -> list[Invoice]:
    """The invoices whose references stand in what somebody wrote, each once."""
    return list({invoice.id: invoice for invoice in invoices_by_reference(*written).values()}.values())


def invoices_by_reference(*written: str) -> dict[str, Invoice]:
    """By each reference in what somebody wrote its invoice; one that was replaced means the one in its place."""
    references = rules.references_in(*written)
    query = select(Invoice).where(Invoice.payment_reference.in_(references)).order_by(Invoice.id)
    named = session.scalars(query.execution_options(populate_existing=True)).all() if references else []
    standing = replacing.newest(named)
    return {invoice.payment_reference: standing[invoice.id] for invoice in named}


def _open(amount_jpy: int | None = None) -> list[tuple[Invoice, Organization]]:
    """Invoices still due (of just this amount, if given), with who is to pay them."""
    query = select(Invoice, Organization).join(Organization, Organization.id == Invoice.recipient_id)
    query = query.where(Invoice.state == "issued", still_due == amount_jpy if amount_jpy is not None else still_due > 0)
    rows = session.execute(
        query.order_by(Invoice.due_on, Invoice.id).limit(1_000).execution_options(populate_existing=True)
    )
    return [(invoice, recipient) for invoice, recipient in rows]


def _keys(invoice: Invoice, recipient: Organization) -> set[str]:
    """The names under which a recipient may pay, brought to one form."""
    names = [recipient.name, recipient.name_en or "", invoice.recipient["name"], *recipient.payer_names]
    return {bank.payer_key(name) for name in names} - {""}


@dataclass(frozen=True)
class Suggestion:
    """An invoice a receipt may be meant for, or several that it would pay together; and why."""

    invoices: list[Invoice]
    why: str  # reference | amount-and-name | amount | short | together | name


def suggestions(receipt: Receipt, *, charge_max_jpy: int, most: int = 8) -> list[Suggestion]:
    """What a receipt may be meant for, the likeliest first. A person decides, with the payer's word."""
    amount, key = receipt.unapplied_jpy, bank.payer_key(receipt.payer)
    named = {i.id for i in invoices_named(receipt.reference, receipt.payer)}
    found: dict[str, list[Suggestion]] = {why: [] for why in rules.SUGGESTED}
    by_name: dict[str, list[Invoice]] = {}
    for invoice, recipient in _open():
        is_name = key in _keys(invoice, recipient)
        if is_name:
            by_name.setdefault(recipient.id, []).append(invoice)
        why = rules.why_suggested(
            referred=invoice.id in named,
            named=is_name,
            due_jpy=invoice.due_jpy,
            amount_jpy=amount,
            charge_max_jpy=charge_max_jpy,
        )
        if why:
            found[why].append(Suggestion([invoice], why))
    for invoices in (invoices[:PAIRED_MAX] for invoices in by_name.values()):
        pairs = [[a, b] for n, a in enumerate(invoices) for b in invoices[n + 1 :] if a.due_jpy + b.due_jpy == amount]
        found["together"] += [Suggestion(pair, "together") for pair in pairs]
    return [each for why in rules.SUGGESTED for each in found[why]][:most]


def payout_come_back(line: StatementLine) -> tuple[Payout | None, bool]:
    """Our own transfer that a credit brings back, if exactly one fits by amount and by reference or holder's name.

    The second is whether a person recorded its return before, so that only the bank's credit was missing.
    """
    words = f"{line.payer} {line.reference}"
    recorded = (Payout.state == "returned") & ~select(Receipt.id).where(Receipt.payout_id == Payout.id).exists()
    waiting: ColumnElement[bool] = Payout.state.in_(["batched", "sent"]) | recorded
    query = select(Payout).join(PayoutBatch, PayoutBatch.id == Payout.batch_id)
    query = query.where(waiting, Payout.amount_jpy == line.amount_jpy, PayoutBatch.discarded_at.is_(None))
    query = query.where(PayoutBatch.transfer_on.between(line.received_on - BACK_WITHIN, line.received_on))
    fitting = [p for p in session.scalars(query.execution_options(populate_existing=True)) if _fits(p, words)]
    payout = fitting[0] if len(fitting) == 1 else None
    return payout, payout is not None and payout.state == "returned"


def _fits(payout: Payout, words: str) -> bool:
    holder = bank.payer_key((payout.account or {}).get("account_holder_kana", ""))
    return reference_of(payout) in words.upper() or (bool(holder) and holder in bank.payer_key(words))


def reference_of(payout: Payout) -> str:
    """What stands beside a payout's transfer in the file (EDI情報) and comes back with it."""
    return payout.id[-10:].upper()
