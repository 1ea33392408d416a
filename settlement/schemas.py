"""What comes in and goes out of the JSON doors of settlement."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from marshmallow import fields, validate

from exchange.web.api import Answer, PageArgs, Schema
from settlement import documents, issuing, journal, queries, rules
from settlement.actions import BatchMade, Taken
from settlement.journal import AccountShown, EntryShown
from settlement.models import CreditNote, Invoice, Payout, PayoutBatch, Receipt
from settlement.queries import AccountBalance, InvoiceFilter, TrialRow

AMOUNT = validate.Range(0, 10**14)
RECEIPT_REASONS = ("unknown", "ambiguous", "settled", "over", "short", "abroad", "bounced", "corrected")
NAME = validate.Length(1, 200)
MONTH = validate.Regexp(r"^20[0-9]{2}-(0[1-9]|1[0-2])\Z")


# ---- what comes in


class _Search(PageArgs):
    since = fields.Date(data_key="from", load_default=None)
    until = fields.Date(data_key="to", load_default=None)
    least_jpy = fields.Integer(data_key="min", load_default=None, validate=AMOUNT)
    most_jpy = fields.Integer(data_key="max", load_default=None, validate=AMOUNT)
    partner = fields.String(
        load_default=None, validate=NAME, metadata={"description": "An organization's id, or part of its name."}
    )


class InvoiceArgs(_Search):
    """Search by date of issue, total and partner, alone or together."""

    state = fields.String(load_default=None, validate=validate.OneOf(list(rules.INVOICE_STATES)))
    contract_id = fields.String(load_default=None, validate=validate.Length(1, 40))
    period = fields.String(load_default=None, validate=MONTH)


class EntryArgs(_Search):
    """Search entries by account (code or heading), day, amount and partner, alone or together."""

    account = fields.String(load_default=None, validate=validate.Length(1, 100))


class PayoutArgs(PageArgs):
    """Payouts of one state, or all."""

    state = fields.String(load_default=None, validate=validate.OneOf(list(rules.PAYOUT_STATES)))


class MonthArgs(Schema):
    """A month by Japan's calendar."""

    month = fields.String(required=True, validate=MONTH)


class JournalArgs(MonthArgs):
    """A month, and how its file is encoded: accounting software made for Windows often wants Shift_JIS."""

    encoding = fields.String(load_default="utf-8", validate=validate.OneOf(list(journal.ENCODINGS)))


class PartnerArgs(Schema):
    """Days of a partner's accounts; the running month where left out."""

    partner = fields.String(load_default=None, validate=validate.Length(1, 40))
    since = fields.Date(data_key="from", load_default=None)
    until = fields.Date(data_key="to", load_default=None)


class LedgerArgs(Schema):
    """A month of the books; the running one where left out."""

    month = fields.String(load_default=None, validate=MONTH)


class RefundBody(Schema):
    """How much is taken off an invoice, tax included, and why."""

    amount_jpy = fields.Integer(required=True, strict=True, validate=validate.Range(1, 10**13))
    reason = fields.String(required=True, validate=validate.Length(1, 500))


class InstructionBody(Schema):
    """On whose word: who said so, on which day, and how it was recorded."""

    told_by = fields.String(required=True, validate=NAME)
    told_on = fields.Date(required=True)
    told_how = fields.String(required=True, validate=validate.Length(1, 500))


class ApplyBody(InstructionBody):
    """Which invoices unapplied money pays: their payment references, separated by blanks."""

    reference = fields.String(required=True, validate=NAME)


class NoteBody(Schema):
    """What became of unapplied money, in words."""

    note = fields.String(required=True, validate=validate.Length(1, 500))


class ReturnedBody(Schema):
    """Why a transfer came back, when, and the bank's credit that brought it back, where it waits as unapplied money."""

    reason = fields.String(required=True, validate=validate.Length(1, 200))
    returned_on = fields.Date(load_default=None, allow_none=True)
    receipt_id = fields.String(load_default=None, allow_none=True, validate=validate.Length(1, 40))


class DiscardBody(Schema):
    """Why a transfer file is not handed to the bank."""

    reason = fields.String(required=True, validate=validate.Length(1, 200))


class BatchBody(Schema):
    """When the bank shall transfer; the next bank day where left out."""

    transfer_on = fields.Date(load_default=None, allow_none=True)


def _filter(args: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    paging = {name: args.pop(name) for name in ("limit", "cursor")}
    return args, paging


def invoice_filter(args: dict[str, Any]) -> tuple[InvoiceFilter, dict[str, Any]]:
    """The search and the paging that a client asked for."""
    search, paging = _filter(args)
    return queries.checked(InvoiceFilter(**search)), paging


def checked_search(args: dict[str, Any]) -> dict[str, Any]:
    """The same arguments; raises `Invalid` when bounds are the wrong way round."""
    bounds = ("since", "until", "least_jpy", "most_jpy")
    queries.checked(InvoiceFilter(**{name: args[name] for name in bounds}))
    return args


# ---- what goes out


class InvoicePartyAnswer(Answer):
    """An organization as an invoice names it."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    address = fields.String(required=True)
    registration_number = fields.String(allow_none=True)


class InvoiceLineAnswer(Answer):
    """A line, without tax. `month` is whose usage it charges, where that is not the invoice's own period."""

    description = fields.String(required=True)
    quantity = fields.String(required=True)
    amount_jpy = fields.Integer(required=True)
    rate_percent = fields.Integer(required=True)
    month = fields.String(required=True, allow_none=True)
    contract_id = fields.String(required=True, allow_none=True)


class RateTotalAnswer(Answer):
    """What is charged at one rate; the tax is rounded down once."""

    rate_percent = fields.Integer(required=True)
    taxable_jpy = fields.Integer(required=True)
    tax_jpy = fields.Integer(required=True)


class InvoiceDocumentAnswer(Answer):
    """Where the PDF is, and its hash once it is fixed."""

    sha256 = fields.String(required=True, allow_none=True)
    url = fields.String(required=True)


class CreditNoteAnswer(Answer):
    """A credit note (返還)."""

    id = fields.String(required=True)
    number = fields.String(required=True)
    invoice_id = fields.String(required=True)
    title = fields.String(required=True)
    issued_on = fields.Date(required=True)
    reason = fields.String(required=True)
    amount_jpy = fields.Integer(required=True)
    taxable_jpy = fields.Integer(required=True)
    tax_jpy = fields.Integer(required=True)
    rate_percent = fields.Integer(required=True)
    repaid_jpy = fields.Integer(required=True)
    repaid_at = fields.AwareDateTime(required=True, allow_none=True)
    document = fields.Nested(InvoiceDocumentAnswer, required=True)


class InvoiceCorrectionAnswer(Answer):
    """That an invoice was corrected: by which paper, and why."""

    id = fields.String(required=True)
    number = fields.String(required=True)
    title = fields.String(required=True)
    issued_on = fields.Date(required=True)
    reason = fields.String(required=True)


class SellerInvoiceAnswer(Answer):
    """A seller's own invoice, as it uploaded it."""

    number = fields.String(required=True)
    issued_on = fields.Date(required=True)
    total_jpy = fields.Integer(required=True)
    uploaded_at = fields.AwareDateTime(required=True)
    document = fields.Nested(InvoiceDocumentAnswer, required=True)


class LineWordsAnswer(Answer):
    """How a line reads."""

    description = fields.String(required=True)
    quantity = fields.String(required=True)
    amount_jpy = fields.Integer(required=True)


class LineDifferenceAnswer(Answer):
    """A corrected line before and after; null where it was added or taken away."""

    before = fields.Nested(LineWordsAnswer, required=True, allow_none=True)
    after = fields.Nested(LineWordsAnswer, required=True, allow_none=True)


class PaperPointedAtAnswer(Answer):
    """A paper, as a later one points at it."""

    number = fields.String(required=True)
    issued_on = fields.Date(required=True)


class InvoiceChangeAnswer(Answer):
    """What an invoice says otherwise than the one it replaces, in yen; `freed_jpy` of the payments is the payer's."""

    reason = fields.String(required=True)
    replaces = fields.Nested(PaperPointedAtAnswer, required=True)
    first = fields.Nested(PaperPointedAtAnswer, required=True)
    lines = fields.List(fields.Nested(LineDifferenceAnswer), required=True)
    total_jpy = fields.List(fields.Integer(), required=True, validate=validate.Length(equal=2))
    kept_jpy = fields.Integer(required=True)
    freed_jpy = fields.Integer(required=True)


class InvoiceAnswer(Answer):
    """An invoice."""

    id = fields.String(required=True)
    number = fields.String(required=True)
    contract_id = fields.String(required=True, allow_none=True)
    period = fields.String(required=True)
    issued_on = fields.Date(required=True)
    due_on = fields.Date(
        required=True,
        allow_none=True,
        metadata={"description": "null while the seller's own invoice is awaited: it counts from the upload."},
    )
    payment_reference = fields.String(required=True)
    kind = fields.String(
        required=True,
        validate=validate.OneOf(["sale", "fee"]),
        metadata={"description": "A provider's sales, or the exchange's fee to a provider."},
    )
    mode = fields.String(
        required=True,
        validate=validate.OneOf(list(issuing.MODE_TITLES)),
        metadata={"description": "Who issues: 媒介者交付特例, 代理交付, the seller itself, or no qualified invoice."},
    )
    title = fields.String(required=True, validate=validate.OneOf(rules.INVOICE_TITLES))
    issuer = fields.Nested(InvoicePartyAnswer, required=True)
    seller = fields.Nested(InvoicePartyAnswer, required=True)
    recipient = fields.Nested(InvoicePartyAnswer, required=True)
    lines = fields.List(fields.Nested(InvoiceLineAnswer), required=True)
    totals_by_rate = fields.List(fields.Nested(RateTotalAnswer), required=True)
    total_jpy = fields.Integer(required=True)
    paid_jpy = fields.Integer(required=True)
    credited_jpy = fields.Integer(required=True)
    due_jpy = fields.Integer(required=True)
    state = fields.String(required=True, validate=validate.OneOf(list(rules.INVOICE_STATES)))
    supplied_from = fields.Date(required=True)
    supplied_until = fields.Date(required=True)
    purchase_order = fields.String(required=True, allow_none=True)
    credit_notes = fields.List(fields.Nested(CreditNoteAnswer), required=True)
    corrections = fields.List(fields.Nested(InvoiceCorrectionAnswer), required=True)
    replaces_id = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The invoice whose amounts this one corrects (修正適格請求書)."},
    )
    replaced_by_id = fields.String(
        required=True, allow_none=True, metadata={"description": "The invoice that corrected the amounts of this one."}
    )
    changed = fields.Nested(
        InvoiceChangeAnswer, required=True, allow_none=True, metadata={"description": "What it corrects, and why."}
    )
    seller_invoice = fields.Nested(
        SellerInvoiceAnswer,
        required=True,
        allow_none=True,
        metadata={"description": "The invoice that the seller issued itself and uploaded."},
    )
    kept_until = fields.Date(required=True)
    document = fields.Nested(InvoiceDocumentAnswer, required=True)


def invoice_answer(invoice: Invoice, *, today: date) -> dict[str, Any]:
    """An invoice with its lines and credit notes loaded, as it stands today."""
    shown = {name: getattr(invoice, name) for name in InvoiceAnswer._declared_fields if hasattr(invoice, name)}
    return shown | {
        "state": rules.state_shown(invoice.state, due_on=invoice.due_on, today=today),
        "credit_notes": [credit_note_answer(note) for note in invoice.credit_notes],
        "kept_until": documents.kept_until(invoice.issued_on),
        "replaced_by_id": invoice.replacement.id if invoice.replacement else None,
        "changed": _change_answer(invoice.changed),
        "seller_invoice": _seller_invoice_answer(invoice),
        "document": {"sha256": invoice.document_sha256, "url": f"/api/v1/invoices/{invoice.id}/document"},
    }


def _seller_invoice_answer(invoice: Invoice) -> dict[str, Any] | None:
    own = invoice.seller_invoice
    if own is None:
        return None
    shown = {name: getattr(own, name) for name in SellerInvoiceAnswer._declared_fields if hasattr(own, name)}
    url = f"/api/v1/invoices/{invoice.id}/own-invoice"
    return shown | {"document": {"sha256": own.document_sha256, "url": url}}


def _change_answer(changed: dict[str, Any] | None) -> dict[str, Any] | None:
    if changed is None:
        return None
    pointed = ("replaces", "first")
    days = {name: date.fromisoformat(changed[name]["issued_on"]) for name in pointed}
    return changed | {name: changed[name] | {"issued_on": days[name]} for name in pointed}


def credit_note_answer(note: CreditNote) -> dict[str, Any]:
    """A credit note."""
    shown = {name: getattr(note, name) for name in CreditNoteAnswer._declared_fields if hasattr(note, name)}
    url = f"/api/v1/invoices/{note.invoice_id}/credit-notes/{note.id}/document"
    return shown | {"document": {"sha256": note.document_sha256, "url": url}}


class PeriodAnswer(Answer):
    """How a month stands."""

    month = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(list(rules.PERIOD_STATES)))
    invoices = fields.Integer(required=True)
    payouts = fields.Integer(required=True)
    total_jpy = fields.Integer(required=True)
    requested_at = fields.AwareDateTime(required=True, allow_none=True)
    closed_at = fields.AwareDateTime(required=True, allow_none=True)


class AppliedAnswer(Answer):
    """What a receipt paid of an invoice."""

    invoice_id = fields.String(required=True)
    amount_jpy = fields.Integer(required=True)


class ReceiptAnswer(Answer):
    """A line of a statement, and what became of it."""

    id = fields.String(required=True)
    date = fields.Date(required=True)
    payer = fields.String(required=True)
    amount_jpy = fields.Integer(required=True)
    reference = fields.String(required=True)
    applied = fields.List(fields.Nested(AppliedAnswer), required=True)
    unapplied_jpy = fields.Integer(required=True)
    reason = fields.String(required=True, allow_none=True, validate=validate.OneOf(list(RECEIPT_REASONS)))


class StatementAnswer(Answer):
    """What a statement brought."""

    matched = fields.List(fields.Nested(ReceiptAnswer), required=True)
    unmatched = fields.List(fields.Nested(ReceiptAnswer), required=True)
    new = fields.Integer(required=True)


def statement_answer(taken: Taken) -> dict[str, Any]:
    """Lines that paid an invoice, and lines that wait for a person."""
    matched, unmatched = ([receipt_answer(r) for r in rows] for rows in (taken.matched, taken.unmatched))
    return {"matched": matched, "unmatched": unmatched, "new": taken.new_count}


def receipt_answer(receipt: Receipt) -> dict[str, Any]:
    """A receipt with its applications loaded."""
    applied = [{"invoice_id": a.invoice_id, "amount_jpy": a.amount_jpy} for a in receipt.applications]
    shown = {
        name: getattr(receipt, name) for name in ("id", "payer", "amount_jpy", "reference", "unapplied_jpy", "reason")
    }
    return shown | {"date": receipt.received_on, "applied": applied}


class ReceiptShown(ReceiptAnswer):
    """Money that pays nothing yet, and the day by which it goes back to its payer."""

    return_by = fields.Date(required=True)


def receipt_shown(receipt: Receipt) -> dict[str, Any]:
    """A receipt with its applications loaded, and its deadline."""
    return receipt_answer(receipt) | {"return_by": rules.return_by(receipt.waits_since)}


class PayoutLineAnswer(Answer):
    """One receipt, refund or returned transfer in a payout."""

    invoice_id = fields.String(required=True, allow_none=True)
    returned_payout_id = fields.String(required=True, allow_none=True)
    at = fields.AwareDateTime(required=True)
    words = fields.String(required=True)
    gross_jpy = fields.Integer(required=True)
    fee_jpy = fields.Integer(required=True)
    carried_jpy = fields.Integer(required=True)


class PayoutAnswer(Answer):
    """A payout: what was received for a provider, less fees and refunds."""

    id = fields.String(required=True)
    provider = fields.Dict(required=True)
    state = fields.String(required=True, validate=validate.OneOf(list(rules.PAYOUT_STATES)))
    due_on = fields.Date(required=True)
    gross_jpy = fields.Integer(required=True)
    fee_jpy = fields.Integer(required=True)
    carried_jpy = fields.Integer(required=True)
    amount_jpy = fields.Integer(required=True)
    returned_on = fields.Date(required=True, allow_none=True)
    return_reason = fields.String(required=True, allow_none=True)
    batch_id = fields.String(required=True, allow_none=True)
    sent_at = fields.AwareDateTime(required=True, allow_none=True)
    lines = fields.List(fields.Nested(PayoutLineAnswer), required=True)


def payout_answers(payouts: Sequence[Payout]) -> list[dict[str, Any]]:
    """Payouts with their lines loaded."""
    names = queries.providers_of(payouts)
    return [
        {name: getattr(p, name) for name in PayoutAnswer._declared_fields if hasattr(p, name)}
        | {"provider": {"id": p.provider_id, "name": names[p.provider_id]}}
        for p in payouts
    ]


class LeftOutAnswer(Answer):
    """A payout that could not stand in a transfer file, and why."""

    payout_id = fields.String(required=True)
    whose = fields.String(required=True)
    what = fields.List(fields.String(), required=True)


class BatchAnswer(Answer):
    """A transfer file."""

    id = fields.String(required=True)
    transfer_on = fields.Date(required=True)
    made_at = fields.AwareDateTime(required=True)
    sent_at = fields.AwareDateTime(required=True, allow_none=True)
    discarded_at = fields.AwareDateTime(required=True, allow_none=True)
    count = fields.Integer(required=True)
    total_jpy = fields.Integer(required=True)
    sha256 = fields.String(required=True)
    url = fields.String(required=True)
    payouts = fields.List(fields.String(), required=True)
    left_out = fields.List(fields.Nested(LeftOutAnswer), required=True)


def batch_answer(batch: PayoutBatch, made: BatchMade | None = None) -> dict[str, Any]:
    """A transfer file with its payouts loaded."""
    names = ("id", "transfer_on", "made_at", "sent_at", "discarded_at", "total_jpy", "sha256")
    shown = {name: getattr(batch, name) for name in names}
    return shown | {
        "count": batch.payout_count,
        "url": f"/api/v1/payouts/batch/{batch.id}.txt",
        "payouts": [p.id for p in batch.payouts],
        "left_out": made.left_out if made else [],
    }


class AccountAnswer(Answer):
    """An account of the ledger."""

    code = fields.String(required=True)
    heading = fields.String(required=True)
    title = fields.String(required=True)
    kind = fields.String(required=True)
    side = fields.String(required=True, validate=validate.OneOf(["debit", "credit"]))
    partner = fields.String(required=True, allow_none=True)
    partner_id = fields.String(required=True, allow_none=True)


class AccountBalanceAnswer(AccountAnswer):
    """An account with its balance on its own side."""

    balance_jpy = fields.Integer(required=True)


def account_answer(found: AccountBalance) -> dict[str, Any]:
    """An account with its balance."""
    return _account(found.account) | {"balance_jpy": found.balance_jpy}


def _account(account: AccountShown) -> dict[str, Any]:
    return {name: getattr(account, name) for name in AccountAnswer._declared_fields}


class AccountsAnswer(Answer):
    """Every account."""

    items = fields.List(fields.Nested(AccountBalanceAnswer), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class TrialRowAnswer(AccountAnswer):
    """An account in the trial balance."""

    opening_jpy = fields.Integer(required=True)
    debit_jpy = fields.Integer(required=True)
    credit_jpy = fields.Integer(required=True)
    closing_jpy = fields.Integer(required=True)


class TrialBalanceAnswer(Answer):
    """The trial balance of a month (試算表). Debits and credits are equal."""

    month = fields.String(required=True)
    accounts = fields.List(fields.Nested(TrialRowAnswer), required=True)
    debit_jpy = fields.Integer(required=True)
    credit_jpy = fields.Integer(required=True)


def trial_balance_answer(month: str, rows: Sequence[TrialRow]) -> dict[str, Any]:
    """The trial balance with its totals."""
    amounts = ("opening_jpy", "debit_jpy", "credit_jpy", "closing_jpy")
    return {
        "month": month,
        "accounts": [_account(r.account) | {name: getattr(r, name) for name in amounts} for r in rows],
        "debit_jpy": sum(r.debit_jpy for r in rows),
        "credit_jpy": sum(r.credit_jpy for r in rows),
    }


class PostingAnswer(Answer):
    """One side of a transfer."""

    account = fields.String(required=True)
    title = fields.String(required=True)
    partner = fields.String(required=True, allow_none=True)
    debit_jpy = fields.Integer(required=True)
    credit_jpy = fields.Integer(required=True)


class EntryAnswer(Answer):
    """An entry with its postings."""

    id = fields.String(required=True)
    at = fields.AwareDateTime(required=True)
    booked_on = fields.Date(required=True)
    cause = fields.String(required=True)
    reference = fields.String(required=True)
    words = fields.String(required=True)
    postings = fields.List(fields.Nested(PostingAnswer), required=True)


def entry_answer(entry: EntryShown) -> dict[str, Any]:
    """An entry; each transfer as a debit and a credit."""
    shown = {name: getattr(entry, name) for name in ("id", "at", "booked_on", "cause", "reference", "words")}
    postings = []
    for t in entry.transfers:
        postings.append(_posting(t.debit, t.amount_jpy, 0))
        postings.append(_posting(t.credit, 0, t.amount_jpy))
    return shown | {"postings": postings}


def _posting(account: AccountShown, debit_jpy: int, credit_jpy: int) -> dict[str, Any]:
    shown = {"account": account.code, "title": account.title, "partner": account.partner}
    return shown | {"debit_jpy": debit_jpy, "credit_jpy": credit_jpy}
