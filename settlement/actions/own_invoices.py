"""Invoices that sellers issue themselves: uploaded for what a statement (請求明細) says, and asked for when late.

awaited ──uploaded──▶ unpaid, with a due date that counts from then ──uploaded again──▶ the newest counts, none is lost
"""

import hashlib
from datetime import date, datetime, timedelta

from sqlalchemy import insert, select

from exchange import audit, clock, database, settings, storage
from exchange.database import new_id, session
from exchange.errors import Forbidden, Invalid, NotFound, Words, WrongState, text
from exchange.identity.actions import Word, notify_each
from exchange.identity.models import Member
from settlement import documents, fiscal_years, papers, queries, rules
from settlement.actions.locks import MONEY
from settlement.models import Invoice, Reminder, SellerInvoice

BYTES_MAX = 10_000_000
NUMBER_LENGTH_MAX = 50
VERSIONS_MAX = 20  # of one statement: a mistake or two, not an archive
AT_ONCE = 500


def upload_own_invoice(
    invoice_id: str, *, number: str, issued_on: date, total_jpy: int, content: bytes, by: Member, at: datetime
) -> Invoice:
    """awaited → unpaid: the seller's own invoice for a statement, as PDF of at most 10 MB, with its number and date.

    The due date counts from the first upload, and the buyer is told. Uploaded again, the newest counts. `total_jpy`,
    with tax, is what the statement says, else the refusal names both sums; a number is used for one invoice alone.
    """
    invoice = queries.invoice_seen_by(by, invoice_id)
    if not rules.pays_for(by, invoice.issuer_id) or by.is_operator:
        raise Forbidden(text("請求書をアップロードできるのは、提供者の責任者と経理担当だけです。"))
    database.lock(MONEY)
    database.lock(f"settlement/own-invoices/{invoice.issuer_id}")
    invoice = queries.invoice_seen_by(by, invoice_id)
    if not invoice.is_statement or invoice.state not in ("issued", "paid"):
        words = text("提供者が自ら請求書を発行する取引で、有効な請求明細にだけアップロードできます。")
        raise WrongState(words, state=invoice.state, allowed=["issued", "paid"])
    number = number.strip()
    errors = _errors(invoice, number, issued_on, total_jpy, content, clock.day_of(at))
    if errors:
        raise Invalid(errors)
    own = _kept(invoice, number, issued_on, content, by, at)
    if invoice.due_on is None:
        kind, until, on = invoice.recipient.get("kind", ""), invoice.supplied_until, clock.day_of(at)
        days = settings.current().due_days
        invoice.due_on = fiscal_years.due_on(on, days, buyer_kind=kind, supplied_until=until)
        session.flush()
    detail = {"number": own.number, "statement": invoice.number, "sha256": own.document_sha256}
    subject = f"invoice/{invoice.id}"
    audit.record("invoice.upload", actor=by.id, subject=subject, organization=invoice.issuer_id, at=at, detail=detail)
    _tell_buyer(invoice, own, at)
    return queries.invoice_seen_by(by, invoice_id)


def _errors(
    invoice: Invoice, number: str, issued_on: date, total_jpy: int, content: bytes, today: date
) -> dict[str, list[Words]]:
    errors: dict[str, list[Words]] = {}
    if not 0 < len(number) <= NUMBER_LENGTH_MAX:
        errors["number"] = [text("請求書の番号を%(max)s文字以内で入力してください。", max=NUMBER_LENGTH_MAX)]
    elif _is_taken(invoice, number):
        errors["number"] = [text("この番号は別の請求書で使われています。")]
    if not invoice.supplied_from <= issued_on <= today:
        first = clock.words(invoice.supplied_from)
        errors["issued_on"] = [text("発行日は%(first)sから今日までの日付にしてください。", first=first)]
    if total_jpy != invoice.total_jpy:
        errors["total_jpy"] = [
            text(
                "金額(税込)が請求明細と一致しません(入力 %(told)s円、請求明細 %(total)s円)。請求明細どおりの請求書をアップロードしてください。",
                told=f"{total_jpy:,}",
                total=f"{invoice.total_jpy:,}",
            )
        ]
    if not content.startswith(b"%PDF-") or b"%%EOF" not in content[-2048:] or len(content) > BYTES_MAX:
        errors["file"] = [text("10 MB 以内の、壊れていない PDF を選んでください。")]
    if len(invoice.seller_invoices) >= VERSIONS_MAX:
        errors["file"] = [text("差し替えは%(max)s回までです。運営者にご連絡ください。", max=VERSIONS_MAX)]
    return errors


def _is_taken(invoice: Invoice, number: str) -> bool:
    """Whether the seller used a number for another invoice, also one that another replaced since."""
    query = select(SellerInvoice.id).where(SellerInvoice.issuer_id == invoice.issuer_id)
    query = query.where(SellerInvoice.number == number, SellerInvoice.invoice_id != invoice.id)
    return session.scalar(query.limit(1)) is not None


def _kept(invoice: Invoice, number: str, issued_on: date, content: bytes, by: Member, at: datetime) -> SellerInvoice:
    if before := invoice.seller_invoice:
        before.superseded_at = at
        session.flush()
    digest, own_id = hashlib.sha256(content).hexdigest(), new_id()
    own = SellerInvoice(
        id=own_id,
        invoice_id=invoice.id,
        issuer_id=invoice.issuer_id,
        number=number,
        issued_on=issued_on,
        total_jpy=invoice.total_jpy,
        uploaded_at=at,
        uploaded_by=by.id,
        document_key=f"documents/seller_invoice/{own_id}/{digest}.pdf",
        document_sha256=digest,
    )
    storage.put(own.document_key, content, "application/pdf")
    session.add(own)
    session.flush()
    return own


def _tell_buyer(invoice: Invoice, own: SellerInvoice, at: datetime) -> None:
    body = text(
        "%(seller)s から請求書 %(number)s、%(total)s円が届きました。お支払期限は%(due)sです。",
        seller=invoice.seller["name"],
        number=own.number,
        total=f"{invoice.total_jpy:,}",
        due=clock.words(invoice.payable_by),
    )
    word = Word(invoice.recipient_id, text("請求書が届きました"), body, f"/desk/invoices/{invoice.id}")
    notify_each([word], roles=papers.MONEY_ROLES, at=at)


def own_invoice_document(invoice: Invoice, own_id: str | None = None) -> tuple[SellerInvoice, bytes]:
    """The PDF that the seller uploaded: the one that counts, or an earlier one; raises `NotFound` for none."""
    own = next((o for o in invoice.seller_invoices if o.id == own_id), None) if own_id else invoice.seller_invoice
    if own is None:
        raise NotFound(text("提供者の請求書はまだ届いていません。"))
    return own, documents.kept(own)


def remind_of_own_invoices(*, at: datetime) -> int:
    """Tell sellers, once each, of statements that wait for their invoice for a week; how many."""
    database.lock(MONEY)
    since = clock.day_of(at) - timedelta(days=rules.UPLOAD_WITHIN_DAYS)
    told = select(Reminder.invoice_id).where(Reminder.invoice_id == Invoice.id, Reminder.kind == "upload")
    query = select(Invoice).where(Invoice.due_on.is_(None), Invoice.state.in_(["issued", "paid"]))
    query = query.where(Invoice.issued_on <= since, ~told.exists()).order_by(Invoice.id).limit(AT_ONCE)
    late = list(session.scalars(query))
    if late:
        session.execute(insert(Reminder), [{"invoice_id": i.id, "kind": "upload", "at": at} for i in late])
        subjects = [(f"invoice/{i.id}", i.issuer_id, {"word": "upload", "number": i.number}) for i in late]
        audit.record_each("invoice.remind", subjects, actor=None, at=at)
        notify_each([_late_word(invoice) for invoice in late], roles=papers.MONEY_ROLES, at=at)
    return len(late)


def _late_word(invoice: Invoice) -> Word:
    body = text(
        "請求明細 %(number)s(%(buyer)s、%(total)s円)の請求書がまだアップロードされていません。お支払期限は、アップロードの日から数えます。",
        number=invoice.number,
        buyer=invoice.recipient["name"],
        total=f"{invoice.total_jpy:,}",
    )
    return Word(invoice.issuer_id, text("請求書のアップロードをお待ちしています"), body, f"/desk/invoices/{invoice.id}")
