"""What was wrong on a paper: a corrected invoice that points at the first, or, before anything was delivered, none.

issued ──void──▶ void            what the paper says of the parties is corrected without touching state, amounts, books
issued, paid ──correct amounts──▶ replaced, by an invoice that points at it and takes over what was paid
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from contracts.queries import contracts_by_ids
from delivery.queries import drawn_under
from exchange import audit, clock, database, jobs
from exchange.database import new_id, session
from exchange.errors import Invalid, NotFound, Words, WrongState, text
from exchange.identity import queries as identity
from exchange.identity.actions import Word, notify_each
from exchange.identity.models import Member
from settlement import (
    amending,
    arrears,
    charges,
    documents,
    issuing,
    ledger,
    online,
    papers,
    queries,
    replacing,
    rules,
)
from settlement.actions.locks import MONEY, only_finance
from settlement.amending import LineChange
from settlement.models import CorrectedInvoice, Entry, Invoice

REASON_LENGTH_MAX, TEXT_LENGTH_MAX = 500, 300
PARTS = ("recipient_name", "recipient_address", "purchase_order", "registration_number")


def correct(invoice_id: str, *, changes: Mapping[str, str], reason: str, by: Member, at: datetime) -> CorrectedInvoice:
    """Issue a corrected invoice (修正適格請求書), whether the first is paid or not; it says what the first should have.

    `changes` may name `recipient_name`, `recipient_address`, `purchase_order` and `registration_number`: `on-file`
    takes the seller's number as the register has it for the day of supply. Amounts are mended by `correct_amounts`, by
    credit notes and by the next invoice. Refuses changes that change nothing, and invoices void or replaced.
    """
    only_finance(by)
    database.lock(MONEY)
    invoice = queries.invoice_seen_by(by, invoice_id)
    _only_standing(invoice)
    if invoice.is_statement:
        words = text("提供者が自ら発行する請求書は、提供者が修正し、アップロードし直します。")
        raise WrongState(words, state=invoice.state, allowed=[])
    before = documents.as_corrected(invoice)
    after, errors = _wanted(invoice, before, changes), _reason_errors(reason)
    if len(after.get("purchase_order") or "") > TEXT_LENGTH_MAX or not (after["recipient_name"] or "").strip():
        errors["recipient_name"] = [text("請求先の名称を%(max)s文字以内で入力してください。", max=TEXT_LENGTH_MAX)]
    changed = {part: [before[part], after[part]] for part in PARTS if before[part] != after[part]}
    if not changed and not errors:
        errors["recipient_name"] = [text("変更する項目がありません。修正する内容を入力してください。")]
    if errors:
        raise Invalid(errors)
    made = _written(invoice, after, changed, reason.strip(), at)
    subject, detail = f"invoice/{invoice.id}", {"number": made.number, "changed": sorted(changed)}
    audit.record("invoice.correct", actor=by.id, subject=subject, organization=invoice.issuer_id, at=at, detail=detail)
    jobs.enqueue("print-correction", {"correction_id": made.id}, at=at)
    _tell(invoice, text("修正した請求書が発行されました"), made.reason, at)
    session.expire(invoice, ["corrections"])
    return made


def _only_standing(invoice: Invoice) -> None:
    """Raises `WrongState` for an invoice that was taken back, or that another replaced: only the newest is corrected."""
    if invoice.state == "void":
        raise WrongState(text("取り消した請求書は修正できません。"), state="void", allowed=[])
    if invoice.state == "replaced" and invoice.replacement:
        words = text(
            "この請求書は %(number)s に差し替えられています。最新の請求書を修正してください。",
            number=invoice.replacement.number,
        )
        raise WrongState(words, state="replaced", allowed=[])


def correct_amounts(
    invoice_id: str, *, changes: Sequence[LineChange], reason: str, by: Member, at: datetime
) -> Invoice:
    """issued, overdue or paid → replaced; the invoice (修正適格請求書) that says what the first should have charged.

    Tax is computed anew, once per rate. The new invoice has a due date of its own; what was paid goes over, and what is
    paid too much is the payer's again, unapplied. Refuses amounts that stay the same, a total below what was credited
    or not above zero, fees and municipal revenue, and anything but the newest version. While the payer objects to a
    payment, or where an objection took one back and money would become free, a credit note is the way.
    """
    only_finance(by)
    database.lock(MONEY)
    if queries.is_public_money(invoice_id):
        raise papers.refuse_public_money("public")
    invoice = queries.invoice_seen_by(by, invoice_id)
    _only_standing(invoice)
    if invoice.kind == "fee" or invoice.state not in ("issued", "paid"):
        words = text(
            "未払い・支払済みの、対価の請求書だけを修正できます。手数料は、元の請求の修正に応じて精算されます。"
        )
        raise WrongState(words, state=invoice.state, allowed=["issued", "paid"])
    online.refuse_if_disputed(invoice.id)
    errors = _reason_errors(reason)
    made = amending.corrected(invoice.lines, changes)
    total = sum(t.taxable_jpy + t.tax_jpy for t in rules.totals_by_rate(made.lines))
    if total < invoice.credited_jpy:
        least = f"{invoice.credited_jpy:,}"
        errors["lines"] = [text("すでに返還した%(least)s円(税込)を下回る額には修正できません。", least=least)]
    if errors:
        raise Invalid(errors)
    new = replacing.replace(invoice, made, reason=reason.strip(), at=at)
    _record_replacement(invoice, new, by, at)
    return queries.invoice_seen_by(by, new.id)


def _record_replacement(invoice: Invoice, new: Invoice, by: Member, at: datetime) -> None:
    changed = new.changed or {}
    detail = {"number": new.number, "replaces": invoice.number, "freed_jpy": changed["freed_jpy"]}
    detail |= {"total_jpy": changed["total_jpy"], "reason": changed["reason"]}
    subject = f"invoice/{new.id}"
    audit.record("invoice.replace", actor=by.id, subject=subject, organization=new.issuer_id, at=at, detail=detail)
    jobs.enqueue("print-invoice", {"invoice_id": new.id}, at=at)
    body = text(
        "請求書 %(old)s を %(new)s に差し替えました。請求額は%(before)s円から%(after)s円になりました。理由: %(reason)s",
        old=invoice.number,
        new=new.number,
        before=f"{invoice.total_jpy:,}",
        after=f"{new.total_jpy:,}",
        reason=changed["reason"],
    )
    title, path = text("金額を修正した請求書が発行されました"), f"/desk/invoices/{new.id}"
    words = [Word(party, title, body, path) for party in (new.recipient_id, new.issuer_id)]
    notify_each(words, roles=papers.MONEY_ROLES, at=at)


def _wanted(invoice: Invoice, before: Mapping[str, Any], changes: Mapping[str, str]) -> dict[str, Any]:
    after = dict(before)
    for part in PARTS[:3]:
        if part in changes:
            after[part] = changes[part].strip()[: TEXT_LENGTH_MAX + 1] or None
    if changes.get("registration_number") == "on-file" and invoice.mode in (issuing.PROXY, issuing.PLAIN):
        seller = identity.organization(invoice.issuer_id)
        after["registration_number"] = rules.registration_on(seller, invoice.supplied_until)
    return after


def _reason_errors(reason: str) -> dict[str, list[Words]]:
    if reason.strip() and len(reason) <= REASON_LENGTH_MAX:
        return {}
    return {"reason": [text("理由を%(max)s文字以内で入力してください。", max=REASON_LENGTH_MAX)]}


def _written(
    invoice: Invoice, after: Mapping[str, Any], changed: dict[str, Any], reason: str, at: datetime
) -> CorrectedInvoice:
    number = after["registration_number"]
    own = invoice.mode == issuing.INTERMEDIARY
    made = CorrectedInvoice(
        id=new_id(),
        number=papers.next_number(invoice.issuer["id"] if own else invoice.issuer_id, "MCR" if own else "COR"),
        issuer_id=invoice.issuer_id,
        invoice_id=invoice.id,
        issued_at=at,
        issued_on=clock.day_of(at),
        title=f"{rules.CORRECTED}{rules.invoice_title(number)}",
        reason=reason,
        changed=changed,
        issuer=invoice.issuer | {"registration_number": number},
        recipient=invoice.recipient | {"name": after["recipient_name"], "address": after["recipient_address"] or ""},
        purchase_order=after["purchase_order"],
    )
    session.add(made)
    session.flush()
    return made


def void(invoice_id: str, *, reason: str, by: Member, at: datetime) -> Invoice:
    """issued → void, with the booking reversed: only before anything was delivered, paid or credited.

    The contracts on it must be over or suspended, so that nothing is delivered afterwards either. What was delivered
    is taken back by a credit note (返還), never by pretending that there was no invoice.
    """
    only_finance(by)
    database.lock(MONEY)
    invoice = queries.invoice_seen_by(by, invoice_id)
    if errors := _reason_errors(reason):
        raise Invalid(errors)
    if why := _why_not_void(invoice, at):
        raise WrongState(why, state=invoice.state, allowed=[])
    entry = session.scalar(select(Entry.id).where(Entry.cause == f"invoice/{invoice.id}/issued"))
    assert entry is not None
    words = f"請求の取消 {invoice.seller['name']} {invoice.number}"
    ledger.reverse(entry, at=at, booked_on=clock.day_of(at), words=words)
    invoice.state = "void"
    session.flush()
    arrears.settle(invoice, at=at)
    subject, detail = f"invoice/{invoice.id}", {"number": invoice.number, "reason": reason.strip()}
    audit.record("invoice.void", actor=by.id, subject=subject, organization=invoice.issuer_id, at=at, detail=detail)
    _tell(invoice, text("請求書が取り消されました"), reason.strip(), at)
    return invoice


def _why_not_void(invoice: Invoice, at: datetime) -> Words | None:
    if invoice.state != "issued" or invoice.paid_jpy or invoice.credited_jpy:
        return text("未払いで、返還のない請求書だけを取り消せます。")
    if invoice.kind == "fee":
        return text("手数料の請求書は取り消せません。")
    contracts = contracts_by_ids(sorted(arrears.contracts_on([invoice.id]).get(invoice.id, set())))
    if any(contract.state == "active" for contract in contracts):
        return text("契約が有効な間は取り消せません。契約を解約または停止してから取り消してください。")
    since, until = _supplied(invoice, at)
    if drawn_under([c.id for c in contracts], since=since, until=until):
        return text("データを引き渡した後の請求書は取り消せません。返還請求書で対価を返還してください。")
    return None


def _supplied(invoice: Invoice, at: datetime) -> tuple[datetime, datetime]:
    """[since, until) in which what the invoice charges can have been delivered: its months, or ever since."""
    since, _ = clock.month_bounds(f"{invoice.supplied_from:%Y-%m}")
    _, until = clock.month_bounds(f"{invoice.supplied_until:%Y-%m}")
    return since, at if invoice.ground == charges.ACTIVATION else until


def _tell(invoice: Invoice, title: Words, reason: str, at: datetime) -> None:
    body = text("請求書 %(number)s について: %(reason)s", number=invoice.number, reason=reason)
    path = f"/desk/invoices/{invoice.id}"
    words = [Word(party, title, body, path) for party in (invoice.recipient_id, invoice.issuer_id)]
    notify_each(words, roles=papers.MONEY_ROLES, at=at)


def correction_document(invoice: Invoice, correction_id: str) -> tuple[CorrectedInvoice, bytes]:
    """The PDF of one of an invoice's corrections, fixed on first use."""
    made = next((c for c in invoice.corrections if c.id == correction_id), None)
    if made is None:
        raise NotFound()
    return made, documents.kept(made, invoice)


def print_correction(correction_id: str) -> None:
    """Fix the PDF of a corrected invoice, if nobody asked for it before."""
    query = select(CorrectedInvoice).where(CorrectedInvoice.id == correction_id)
    whole = joinedload(CorrectedInvoice.invoice).options(selectinload(Invoice.lines))
    made = session.scalars(query.options(whole)).one()
    documents.kept(made, made.invoice)
