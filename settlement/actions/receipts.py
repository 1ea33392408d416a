"""Money in: bank statements and single payments, and what a person does with what they leave over."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from exchange import audit, clock, database
from exchange.database import new_id, session
from exchange.errors import N_, Conflict, Invalid, NotFound, Words, WrongState, text
from exchange.identity.actions import notify
from exchange.identity.models import Member
from settlement import bank, collecting, rules
from settlement.actions.locks import MONEY, only_finance
from settlement.models import Invoice, Receipt


class AlreadyRecorded(Conflict):
    """The same payment was recorded before."""

    title_ja = N_("同じ入金がすでに記録されています")


@dataclass
class Taken:
    """What became of a statement's lines."""

    matched: list[Receipt] = field(default_factory=list)
    unmatched: list[Receipt] = field(default_factory=list)
    new_count: int = 0


def take_statement(content: bytes, *, by: Member, at: datetime) -> Taken:
    """Record every payment of a bank statement, each once however often the statement comes.

    A line pays the invoice whose payment reference it carries; anything else, and what is paid too much, waits as
    unapplied money for a person. Raises `Invalid` naming every unreadable line, and then records none.
    """
    only_finance(by)
    lines = bank.read_statement(content, today=at.astimezone(clock.JST).date())
    database.lock(MONEY)
    known = _receipts_of([line.fingerprint for line in lines])
    taken = Taken()
    for line in lines:
        receipt = known.get(line.fingerprint)
        if receipt is None:
            receipt = _record(line, by=by, at=at)
            taken.new_count += 1
        (taken.unmatched if receipt.unapplied_jpy == receipt.amount_jpy else taken.matched).append(receipt)
    if taken.new_count:
        detail = {"lines": len(lines), "new": taken.new_count, "sha256": hashlib.sha256(content).hexdigest()}
        audit.record("statement.take", actor=by.id, subject="bank-statement", at=at, detail=detail)
    found = _receipts_of([r.fingerprint for r in (*taken.matched, *taken.unmatched)])
    taken.matched = [found[r.fingerprint] for r in taken.matched]
    taken.unmatched = [found[r.fingerprint] for r in taken.unmatched]
    return taken


def _receipts_of(fingerprints: Sequence[str]) -> dict[str, Receipt]:
    session.flush()
    query = select(Receipt).where(Receipt.fingerprint.in_(fingerprints)).options(selectinload(Receipt.applications))
    return {r.fingerprint: r for r in session.scalars(query.execution_options(populate_existing=True))}


def _record(line: bank.StatementLine, *, by: Member, at: datetime) -> Receipt:
    receipt = Receipt(
        id=new_id(),
        fingerprint=line.fingerprint,
        received_on=line.received_on,
        payer=line.payer,
        amount_jpy=line.amount_jpy,
        reference=line.reference,
        unapplied_jpy=line.amount_jpy,
        returned_jpy=0,
        recorded_at=at,
        recorded_by=by.id,
    )
    invoice, receipt.reason = _invoice_meant(line.reference, line.payer)
    before = invoice.state if invoice else None
    if invoice and invoice.due_jpy < line.amount_jpy:
        receipt.reason = "over" if invoice.due_jpy else "settled"
    collecting.receive(receipt, invoice, at=at)
    if invoice and invoice.state == "paid" and before != "paid":
        _tell_paid(invoice, at)
    return receipt


def _invoice_meant(*written: str) -> tuple[Invoice | None, str | None]:
    """The one invoice whose reference a bank wrote, or why there is none: unknown, ambiguous."""
    references = rules.references_in(*written)
    query = select(Invoice).where(Invoice.payment_reference.in_(references))
    found = session.scalars(query.execution_options(populate_existing=True)).all() if references else []
    if len(found) == 1:
        return found[0], None
    return None, "ambiguous" if found else "unknown"


def _tell_paid(invoice: Invoice, at: datetime) -> None:
    notify(
        organization_id=invoice.issuer_id,
        roles=("owner", "accountant"),
        title=text("ご入金がありました"),
        body=text(
            "%(buyer)s から請求書 %(number)s の代金 %(total)s円が支払われました。手数料を差し引いて振り込みます。",
            buyer=invoice.recipient["name"],
            number=invoice.number,
            total=f"{invoice.paid_jpy:,}",
        ),
        path="/desk/payouts",
        at=at,
    )


def record_payment(
    *, received_on: date, payer: str, amount_jpy: int, reference: str, by: Member, at: datetime
) -> Receipt:
    """Record one payment seen at the bank; the same one again is `AlreadyRecorded`, also from a statement later."""
    only_finance(by)
    errors: dict[str, list[Words]] = {}
    if received_on > at.astimezone(clock.JST).date():
        errors["received_on"] = [text("入金日は今日までの日付にしてください。")]
    if not 0 < amount_jpy <= bank.AMOUNT_MAX:
        errors["amount_jpy"] = [text("金額は1円以上の整数で入力してください。")]
    if not payer.strip() or max(len(payer), len(reference)) > bank.TEXT_LENGTH_MAX:
        errors["payer"] = [text("振込依頼人は1文字以上%(max)s文字以内で入力してください。", max=bank.TEXT_LENGTH_MAX)]
    if errors:
        raise Invalid(errors)
    database.lock(MONEY)
    payer, reference = payer.strip(), reference.strip()
    fingerprint = bank.fingerprint_of(received_on, payer, amount_jpy, reference)
    if _receipts_of([fingerprint]):
        raise AlreadyRecorded(
            text(
                "同じ日、同じ名義、同じ金額、同じ照合番号の入金がすでにあります。別の入金であれば、照合番号の後に「2件目」などと書き添えてください。"
            )
        )
    line = bank.StatementLine(1, received_on, payer, amount_jpy, reference, fingerprint)
    receipt = _record(line, by=by, at=at)
    detail = {"amount_jpy": amount_jpy, "unapplied_jpy": receipt.unapplied_jpy}
    audit.record("receipt.record", actor=by.id, subject=f"receipt/{receipt.id}", at=at, detail=detail)
    return receipt


def apply_receipt(receipt_id: str, *, reference: str, by: Member, at: datetime) -> Invoice:
    """Let unapplied money pay an invoice on the payer's instruction, as far as it is due."""
    only_finance(by)
    database.lock(MONEY)
    receipt = _unapplied(receipt_id)
    invoice, _ = _invoice_meant(reference)
    if invoice is None:
        raise Invalid(
            {"reference": [text("この照合番号の請求書はありません。請求書に記載の9桁の番号を入力してください。")]}
        )
    if not invoice.due_jpy:
        raise Invalid({"reference": [text("この請求書に未払いの額はありません。")]})
    before = invoice.state
    amount = min(invoice.due_jpy, receipt.unapplied_jpy)
    collecting.apply_later(receipt, invoice, amount, at=at)
    detail = {"invoice": invoice.id, "amount_jpy": amount}
    audit.record("receipt.apply", actor=by.id, subject=f"receipt/{receipt.id}", at=at, detail=detail)
    if invoice.state == "paid" and before != "paid":
        _tell_paid(invoice, at)
    return invoice


def return_receipt(receipt_id: str, *, by: Member, at: datetime) -> Receipt:
    """Record that unapplied money was sent back to its payer."""
    only_finance(by)
    database.lock(MONEY)
    receipt = _unapplied(receipt_id)
    amount = collecting.give_back(receipt, at=at)
    audit.record("receipt.return", actor=by.id, subject=f"receipt/{receipt.id}", at=at, detail={"amount_jpy": amount})
    return receipt


def _unapplied(receipt_id: str) -> Receipt:
    receipt = session.get(Receipt, receipt_id, populate_existing=True)
    if receipt is None:
        raise NotFound()
    if not receipt.unapplied_jpy:
        raise WrongState(text("この入金に未消込の額は残っていません。"), state="applied")
    return receipt
