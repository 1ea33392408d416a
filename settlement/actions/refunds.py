"""What is taken off an invoice, before or after it was paid, and the papers of both."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from exchange import audit, database, jobs
from exchange.database import session
from exchange.errors import Invalid, NotFound, Words, WrongState, text
from exchange.identity.actions import notify
from exchange.identity.models import Member
from settlement import collecting, documents, online, papers, queries
from settlement.actions.locks import MONEY, only_finance
from settlement.models import CreditNote, Invoice

REASON_LENGTH_MAX = 500


def refund(invoice_id: str, *, amount_jpy: int, reason: str, by: Member, at: datetime) -> CreditNote:
    """issued, overdue or paid → credited when nothing is left. Issues a credit note (返還), before or after payment.

    `amount_jpy` includes tax and is at most what is not credited yet. A municipality's revenue is never ours to give
    back (`PublicMoney`), and a fee goes back with the sale it was taken from.
    """
    only_finance(by)
    database.lock(MONEY)
    if queries.is_public_money(invoice_id):
        raise papers.refuse_public_money("public")
    invoice = queries.invoice_seen_by(by, invoice_id)
    if invoice.kind == "fee":
        words = text("手数料は、元の請求の対価を返還すると、その分が次の手数料の請求から差し引かれます。")
        raise WrongState(words, state=invoice.state, allowed=[])
    if invoice.state not in ("issued", "paid"):
        raise WrongState(
            text("この請求書は返還できる状態ではありません。"), state=invoice.state, allowed=["issued", "paid"]
        )
    left = invoice.total_jpy - invoice.credited_jpy
    errors: dict[str, list[Words]] = {}
    if not 0 < amount_jpy <= left:
        errors["amount_jpy"] = [text("返還額は1円以上%(left)s円以下にしてください。", left=f"{left:,}")]
    if not reason.strip() or len(reason) > REASON_LENGTH_MAX:
        errors["reason"] = [text("理由を%(max)s文字以内で入力してください。", max=REASON_LENGTH_MAX)]
    if errors:
        raise Invalid(errors)
    online.refuse_if_disputed(invoice.id)
    note = credit(invoice, amount_jpy, reason=reason.strip(), by=by, at=at)
    online.send_back(note, at=at)
    return note


def credit(invoice: Invoice, amount_jpy: int, *, reason: str, by: Member | None, at: datetime) -> CreditNote:
    """Issue a credit note, print it, and tell both sides; `by` is nobody where a refund was made elsewhere."""
    note = collecting.credit(invoice, amount_jpy, reason=reason, at=at)
    detail = {"amount_jpy": amount_jpy, "repaid_jpy": note.repaid_jpy, "number": note.number}
    actor, subject = by.id if by else None, f"invoice/{invoice.id}"
    audit.record("invoice.refund", actor=actor, subject=subject, organization=invoice.issuer_id, at=at, detail=detail)
    jobs.enqueue("print-credit-note", {"credit_note_id": note.id}, at=at)
    for organization_id in (invoice.recipient_id, invoice.issuer_id):
        notify(
            organization_id=organization_id,
            roles=("owner", "accountant"),
            title=text("返還請求書が発行されました"),
            body=text(
                "請求書 %(number)s について %(amount)s円を返還します。", number=invoice.number, amount=f"{amount_jpy:,}"
            ),
            path=f"/desk/invoices/{invoice.id}",
            at=at,
        )
    session.expire(invoice, ["credit_notes"])
    return note


def record_refund_sent(credit_note_id: str, *, by: Member, at: datetime) -> CreditNote:
    """Record that the money of a credit note was sent to the buyer's bank account."""
    only_finance(by)
    database.lock(MONEY)
    note = session.get(CreditNote, credit_note_id, populate_existing=True)
    if note is None:
        raise NotFound()
    amount = online.by_bank_jpy(note)
    if note.repaid_at or not amount:
        raise WrongState(text("この返還に振り込む額は残っていません。"), state="sent")
    invoice = queries.invoice_seen_by(by, note.invoice_id)
    collecting.send_refund(note, invoice, amount, at=at)
    subject = f"credit-note/{note.id}"
    audit.record("refund.send", actor=by.id, subject=subject, at=at, detail={"amount_jpy": amount})
    return note


def invoice_document(invoice: Invoice) -> bytes:
    """The PDF of an invoice, fixed on first use."""
    return documents.kept(invoice, invoice)


def credit_note_document(invoice: Invoice, credit_note_id: str) -> tuple[CreditNote, bytes]:
    """The PDF of one of an invoice's credit notes, fixed on first use."""
    note = next((n for n in invoice.credit_notes if n.id == credit_note_id), None)
    if note is None:
        raise NotFound()
    return note, documents.kept(note, invoice)


def print_invoice(invoice_id: str) -> None:
    """Fix the PDF of an invoice, if nobody asked for it before."""
    query = select(Invoice).where(Invoice.id == invoice_id).options(selectinload(Invoice.lines))
    invoice = session.scalars(query).one()
    documents.kept(invoice, invoice)


def print_credit_note(credit_note_id: str) -> None:
    """Fix the PDF of a credit note, if nobody asked for it before."""
    query = select(CreditNote).where(CreditNote.id == credit_note_id).options(joinedload(CreditNote.invoice))
    note = session.scalars(query).one()
    documents.kept(note, note.invoice)
