"""An invoice whose amounts were wrong gives way to another: its booking is reversed, what was paid goes over.

first ──replaced by──> second ──replaced by──> third …          the newest alone is owed, paid, credited, reminded

What was paid is kept as far as the new total takes it. The rest is the payer's again: unapplied money of the receipts
it came with, the last first, to be returned or to pay another invoice on the payer's word. What the provider was paid
out too much is advanced, and stands as one line in its next payout. The caller holds the lock `settlement/money`.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, insert, select

from exchange import clock, settings
from exchange.database import new_id, session
from exchange.errors import WrongState, text
from settlement import arrears, collecting, documents, fiscal_years, issuing, ledger, papers, payouts, rules
from settlement.amending import Corrected
from settlement.ledger import FEES, TRANSFER_CHARGES, UNAPPLIED, Move
from settlement.models import Application, Entry, Invoice, InvoiceLine, Receipt

SERIES = {True: "MCR", False: "COR"}  # of the exchange as issuer, and of a seller: the numbers of all corrections


def newest(invoices: Sequence[Invoice]) -> dict[str, Invoice]:
    """By the id of each invoice the one that stands in its place now, which mostly is itself."""
    firsts = {i.first_id or i.id for i in invoices if i.state == "replaced"}
    query = select(Invoice).where(Invoice.first_id.in_(firsts), Invoice.state != "replaced")
    standing = session.scalars(query.execution_options(populate_existing=True)) if firsts else ()
    found = {invoice.first_id: invoice for invoice in standing}
    return {i.id: found[i.first_id or i.id] if i.state == "replaced" else i for i in invoices}


def replace(invoice: Invoice, made: Corrected, *, reason: str, at: datetime) -> Invoice:
    """issued or paid → replaced, by an invoice of these lines. Lines and corrections of the first are loaded.

    The new total is at least what was credited already; what was credited stays so. Raises `WrongState` when money
    would become free of payments that an objection took back in part.
    """
    money = papers.amounts(rules.totals_by_rate(made.lines))
    split = rules.split_kept(
        paid_jpy=invoice.paid_jpy,
        refunded_jpy=invoice.refunded_jpy,
        credited_jpy=invoice.credited_jpy,
        total_jpy=money["total_jpy"],
    )
    changed = _changed(invoice, made, reason, money["total_jpy"], split)
    new = _as_replacing(invoice, money, changed, split.first_jpy, at)
    invoice.state = "replaced"
    session.flush()
    session.add(new)
    session.flush()
    rows = [{"invoice_id": new.id, "position": n, **asdict(line)} for n, line in enumerate(made.lines, 1)]
    session.execute(insert(InvoiceLine), [row | {"revision": new.revision} for row in rows])
    _book(invoice, new, _carry_over(invoice, new, split, at), at)
    _settle(invoice, new, at)
    return new


def _changed(invoice: Invoice, made: Corrected, reason: str, total_jpy: int, split: rules.Split) -> dict[str, Any]:
    """What is kept and printed of a correction: which paper it mends, why, each line before and after."""
    first = session.get_one(Invoice, invoice.first_id) if invoice.first_id else invoice
    return {
        "reason": reason,
        "replaces": {"number": invoice.number, "issued_on": invoice.issued_on.isoformat()},
        "first": {"number": first.number, "issued_on": first.issued_on.isoformat()},
        "lines": made.differences,
        "total_jpy": [invoice.total_jpy, total_jpy],
        "kept_jpy": split.first_jpy - invoice.refunded_jpy,
        "freed_jpy": split.rest_jpy,
        "credited_jpy": invoice.credited_jpy,
        "due_jpy": total_jpy - invoice.credited_jpy - split.first_jpy + invoice.refunded_jpy,
    }


COPIED = (
    *(
        "issuer_id",
        "recipient_id",
        "kind",
        "mode",
        "contract_id",
        "ground",
        "period",
        "supplied_from",
        "supplied_until",
    ),
    *("seller", "fee_percent", "credited_jpy", "refunded_jpy"),
)


def _as_replacing(
    invoice: Invoice, money: dict[str, Any], changed: dict[str, Any], paid_jpy: int, at: datetime
) -> Invoice:
    on, said = clock.day_of(at), documents.newest_words(invoice)
    kind, until = invoice.recipient.get("kind", ""), invoice.supplied_until
    own, is_statement = invoice.mode == issuing.INTERMEDIARY, invoice.is_statement
    title = rules.STATEMENT if is_statement else rules.invoice_title(said.issuer["registration_number"])
    series = "STM" if is_statement else SERIES[own]
    due_on = fiscal_years.due_on(on, settings.current().due_days, buyer_kind=kind, supplied_until=until)
    fee = rules.fee_jpy(money["taxable_jpy"], invoice.fee_percent)
    kept = paid_jpy - invoice.refunded_jpy
    return Invoice(
        id=new_id(),
        number=papers.next_number(invoice.issuer["id"] if own else invoice.issuer_id, series),
        issued_at=at,
        issued_on=on,
        due_on=None if is_statement else due_on,
        payment_reference=papers.references(1)[0],
        title=rules.CORRECTED + title,
        issuer=said.issuer,
        recipient=said.recipient | {"kind": kind},
        purchase_order=said.purchase_order,
        revision=invoice.revision + 1,
        replaces_id=invoice.id,
        first_id=invoice.first_id or invoice.id,
        changed=changed,
        state="issued",
        paid_jpy=paid_jpy,
        fee_jpy=fee,
        fee_taken_jpy=rules.fee_due(fee, received_jpy=kept, total_jpy=money["total_jpy"]),
        **{name: getattr(invoice, name) for name in COPIED},
        **money,
    )


# ---- what was paid


@dataclass(frozen=True)
class Freed:
    """What of the payments is the payer's again, and what of it the exchange had borne, in yen."""

    payer_jpy: int = 0
    borne_jpy: int = 0

    @property
    def total_jpy(self) -> int:
        return self.payer_jpy + self.borne_jpy


def _applied(invoice: Invoice) -> Select[Application, Receipt]:
    query = select(Application, Receipt).join(Receipt, Receipt.id == Application.receipt_id)
    query = query.where(Application.invoice_id == invoice.id, Application.released_at.is_(None))
    return query.order_by(Application.id).execution_options(populate_existing=True)


def _carry_over(invoice: Invoice, new: Invoice, split: rules.Split, at: datetime) -> Freed:
    """Let payments pay the new invoice in the order in which they came, as far as it takes them; the rest is free."""
    left, done, freed = _held_of_payments(invoice, split), 0, Freed()
    for application, receipt in session.execute(_applied(invoice)).all():
        kept = min(left, application.amount_jpy)
        application.released_at = at
        if kept:
            fees = [rules.fee_due(new.fee_jpy, received_jpy=n, total_jpy=new.total_jpy) for n in (done, done + kept)]
            session.add(_taken_over(application, new, kept, fees[1] - fees[0], at))
        freed = _free(application, receipt, application.amount_jpy - kept, freed, at)
        left, done = left - kept, done + kept
    session.flush()
    return freed


def _held_of_payments(invoice: Invoice, split: rules.Split) -> int:
    """What of the payments is kept. One that an objection took back still stands as applied, and cannot become free."""
    query = select(func.coalesce(func.sum(Application.amount_jpy), 0))
    live = Application.invoice_id == invoice.id, Application.released_at.is_(None)
    applied = int(session.scalar(query.where(*live)) or 0)
    if split.rest_jpy and applied != invoice.paid_jpy:
        words = text("異議申立てにより取り消された入金があるため、減額は返還請求書で行ってください。")
        raise WrongState(words, state="disputed", allowed=[])
    return applied - split.rest_jpy


def _taken_over(application: Application, new: Invoice, amount_jpy: int, fee_jpy: int, at: datetime) -> Application:
    return Application(
        id=new_id(),
        receipt_id=application.receipt_id,
        invoice_id=new.id,
        amount_jpy=amount_jpy,
        fee_jpy=fee_jpy,
        at=at,
        matched_by=application.matched_by,
        instruction=application.instruction,
        borne=application.borne,
        first_id=application.first_id or application.id,
    )


def _free(application: Application, receipt: Receipt, amount_jpy: int, freed: Freed, at: datetime) -> Freed:
    if not amount_jpy:
        return freed
    if application.borne:
        return Freed(freed.payer_jpy, freed.borne_jpy + amount_jpy)
    receipt.unapplied_jpy += amount_jpy
    receipt.freed_on, receipt.reason, receipt.reminded_at = clock.day_of(at), "corrected", None
    return Freed(freed.payer_jpy + amount_jpy, freed.borne_jpy)


# ---- the books


def _book(invoice: Invoice, new: Invoice, freed: Freed, at: datetime) -> None:
    """What is free and the change of the fee, the new claim, and the first claim reversed: three entries.

    In this order no memorandum account falls below zero on the way.
    """
    words = f"請求の修正 {invoice.number} → {new.number}"
    fee = new.fee_taken_jpy - invoice.fee_taken_jpy
    if freed.total_jpy or fee:
        payouts.add_correction(new, -freed.total_jpy, fee, words=words, at=at)
        _post(new, "taken-over", _taken_over_moves(new, freed, fee), words, at)
    claim = Move(new.total_jpy, ledger.uncollected(new.issuer_id), ledger.billed(new.recipient_id))
    _post(new, "issued", [claim], f"請求 {new.seller['name']} {new.number}", at)
    entry = session.scalar(select(Entry.id).where(Entry.cause == f"invoice/{invoice.id}/issued"))
    assert entry is not None
    ledger.reverse(entry, at=at, booked_on=new.issued_on, words=words)


def _taken_over_moves(new: Invoice, freed: Freed, fee_jpy: int) -> list[Move]:
    """What the provider's money held gives, or gets, by a correction; short of it, it is advanced."""
    provider = new.issuer_id
    held, advances = ledger.deposits(provider), ledger.advances(provider)
    lost = freed.total_jpy + fee_jpy  # below zero where the provider gains
    return [
        Move(max(0, -fee_jpy), held, FEES),
        Move(max(0, lost - ledger.held(held)), held, advances),
        Move(max(0, fee_jpy), FEES, held),
        Move(freed.payer_jpy, UNAPPLIED, held),
        Move(freed.borne_jpy, TRANSFER_CHARGES, held),
        Move(min(ledger.held(advances), max(0, -lost)), advances, held),
        Move(freed.total_jpy, ledger.uncollected(provider), ledger.billed(new.recipient_id)),
    ]


def _post(new: Invoice, deed: str, moves: list[Move], words: str, at: datetime) -> None:
    subject = f"invoice/{new.id}"
    ledger.post(f"{subject}/{deed}", moves, at=at, booked_on=new.issued_on, reference=subject, words=words)


def _settle(invoice: Invoice, new: Invoice, at: datetime) -> None:
    """The state of the new invoice follows from its amounts; what stopped for the first waits for the new due date."""
    collecting.settle_state(new, at)
    arrears.settle(invoice, at=at)


__all__ = ["newest", "replace"]
