"""The JSON doors of settlement: invoices, months, bank statements, payouts, the ledger."""

from typing import Any

from flask import Response, request

from exchange import clock
from exchange.web import api
from exchange.web.access import me, operator, signed_in
from settlement import actions, exporting, paper_schemas, queries, schemas
from settlement.files import batch_response, csv_response, file_response, hledger_response

blueprint = api.blueprint("settlement", "Settlement: what is owed, paid and paid out.")
BINARY = {"type": "string", "format": "binary"}
# A file has one form; programs that send `Accept: application/json` with every request get it all the same.
PDF, CSV, PLAIN = (
    ("application/pdf", "application/json"),
    ("text/csv", "application/json"),
    ("text/plain", "application/json"),
)


# ---- invoices


@blueprint.route("/invoices")
@signed_in()
@blueprint.arguments(schemas.InvoiceArgs, location="query")
@blueprint.response(200, api.page_of(schemas.InvoiceAnswer))
def invoices(args: dict[str, Any]) -> Any:
    """Invoices to and from one's own organization, the newest first; the exchange's accountants see all."""
    at = clock.now()
    actions.issue_what_is_due(at=at)
    search, paging = schemas.invoice_filter(args)
    found = queries.invoices_seen_by(me(), search, today=at.date(), **paging)
    items = [schemas.invoice_answer(invoice, today=at.date()) for invoice in found.items]
    return {"items": items, "next_cursor": found.next_cursor}


@blueprint.route("/invoices/export.zip")
@signed_in()
@api.errors(422)
@api.offers("application/zip", "application/json")
@blueprint.arguments(schemas.InvoiceArgs, location="query")
@blueprint.response(200, BINARY, content_type="application/zip")
def export(args: dict[str, Any]) -> Response:
    """The papers that a search finds, and an index as CSV (電子帳簿保存法); at most 500 invoices at once."""
    search, _ = schemas.invoice_filter(args)
    found = queries.invoices_to_export(me(), search, today=clock.today())
    return file_response(exporting.archive(found), "application/zip", "invoices.zip")


@blueprint.route("/invoices/<invoice_id>/void", methods=["POST"])
@operator("finance")
@api.errors(403, 404, 409, 422)
@blueprint.arguments(paper_schemas.ReasonBody)
@blueprint.response(200, schemas.InvoiceAnswer)
def void(body: dict[str, Any], invoice_id: str) -> Any:
    """Take an invoice back before anything was delivered under it."""
    found = actions.void(invoice_id, **body, by=me(), at=clock.now())
    return schemas.invoice_answer(found, today=clock.today())


@blueprint.route("/invoices/<invoice_id>")
@signed_in()
@blueprint.response(200, schemas.InvoiceAnswer)
def invoice(invoice_id: str) -> Any:
    """An invoice."""
    return schemas.invoice_answer(queries.invoice_seen_by(me(), invoice_id), today=clock.today())


@blueprint.route("/invoices/<invoice_id>/document")
@signed_in()
@api.offers(*PDF)
@blueprint.response(200, BINARY, content_type="application/pdf")
def invoice_document(invoice_id: str) -> Response:
    """The invoice as PDF; the same bytes every time."""
    found = queries.invoice_seen_by(me(), invoice_id)
    return file_response(actions.invoice_document(found), "application/pdf", f"{found.number}.pdf")


@blueprint.route("/invoices/<invoice_id>/refund", methods=["POST"])
@operator("finance")
@api.errors(403, 404, 409, 422)
@blueprint.arguments(schemas.RefundBody)
@blueprint.response(201, schemas.CreditNoteAnswer)
def refund(body: dict[str, Any], invoice_id: str) -> Any:
    """Take an amount, tax included, off an invoice: a credit note, before or after payment."""
    return schemas.credit_note_answer(actions.refund(invoice_id, **body, by=me(), at=clock.now()))


@blueprint.route("/invoices/<invoice_id>/credit-notes/<credit_note_id>/document")
@signed_in()
@api.offers(*PDF)
@blueprint.response(200, BINARY, content_type="application/pdf")
def credit_note_document(invoice_id: str, credit_note_id: str) -> Response:
    """A credit note as PDF; the same bytes every time."""
    found = queries.invoice_seen_by(me(), invoice_id)
    note, content = actions.credit_note_document(found, credit_note_id)
    return file_response(content, "application/pdf", f"{note.number}.pdf")


# ---- months and statements


@blueprint.route("/periods/<month>")
@operator("finance")
@blueprint.response(200, schemas.PeriodAnswer)
def period(month: str) -> Any:
    """How a month `YYYY-MM` stands: open, closing or closed."""
    return queries.month(month, at=clock.now())


@blueprint.route("/periods/<month>/close", methods=["POST"])
@operator("finance")
@api.errors(403, 404, 409)
@blueprint.response(202, schemas.PeriodAnswer)
def close_period(month: str) -> Any:
    """Close a past month: its charges are invoiced in the background. Closing twice changes nothing."""
    return actions.close_month(month, by=me(), at=clock.now())


@blueprint.route("/bank-statements", methods=["POST"])
@operator("finance")
@api.errors(403, 422)
@api.accepts("text/csv", "application/csv", "application/vnd.ms-excel", "text/plain")
@blueprint.doc(requestBody={"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}})
@blueprint.response(200, schemas.StatementAnswer)
def bank_statement() -> Any:
    """Record the payments of a bank statement; twice changes nothing.

    Header `date,payer,amount_jpy,reference`, a bank's own CSV (its heading row tells), or 全銀 records of 200 bytes.
    """
    return schemas.statement_answer(actions.take_statement(request.get_data(), by=me(), at=clock.now()))


@blueprint.route("/receipts")
@operator("finance")
@blueprint.arguments(api.PageArgs, location="query")
@blueprint.response(200, api.page_of(schemas.ReceiptShown))
def receipts(args: dict[str, Any]) -> Any:
    """Money received that pays nothing yet, the last recorded first, with the day by which it goes back."""
    found = queries.receipts_waiting(**args)
    return {"items": [schemas.receipt_shown(r) for r in found.items], "next_cursor": found.next_cursor}


@blueprint.route("/receipts/<receipt_id>/apply", methods=["POST"])
@operator("finance")
@api.errors(403, 404, 409, 422)
@blueprint.arguments(schemas.ApplyBody)
@blueprint.response(200, schemas.ReceiptShown)
def apply_receipt(body: dict[str, Any], receipt_id: str) -> Any:
    """Let unapplied money pay invoices, on the payer's recorded word."""
    told = actions.Instruction(by=body["told_by"], on=body["told_on"], how=body["told_how"])
    actions.apply_receipt(receipt_id, reference=body["reference"], instruction=told, by=me(), at=clock.now())
    return schemas.receipt_shown(queries.receipt_seen_by(me(), receipt_id))


@blueprint.route("/receipts/<receipt_id>/return", methods=["POST"])
@operator("finance")
@api.errors(403, 404, 409, 422)
@blueprint.arguments(schemas.NoteBody)
@blueprint.response(200, schemas.ReceiptShown)
def return_receipt(body: dict[str, Any], receipt_id: str) -> Any:
    """Record that unapplied money was sent back to its payer."""
    actions.return_receipt(receipt_id, note=body["note"], by=me(), at=clock.now())
    return schemas.receipt_shown(queries.receipt_seen_by(me(), receipt_id))


# ---- payouts


@blueprint.route("/payouts")
@signed_in()
@blueprint.arguments(schemas.PayoutArgs, location="query")
@blueprint.response(200, api.page_of(schemas.PayoutAnswer))
def payouts(args: dict[str, Any]) -> Any:
    """A provider's payouts, the newest first; the exchange's accountants see all."""
    found = queries.payouts_seen_by(me(), **args)
    return {"items": schemas.payout_answers(found.items), "next_cursor": found.next_cursor}


@blueprint.route("/payouts/<payout_id>")
@signed_in()
@blueprint.response(200, schemas.PayoutAnswer)
def payout(payout_id: str) -> Any:
    """A payout and how it is made up."""
    return schemas.payout_answers([queries.payout_seen_by(me(), payout_id)])[0]


@blueprint.route("/payouts/<payout_id>/document")
@signed_in()
@api.offers(*PDF)
@blueprint.response(200, BINARY, content_type="application/pdf")
def payout_document(payout_id: str) -> Response:
    """The statement of a payout (支払明細) as PDF; the same bytes once it is in a transfer file."""
    found = queries.payout_seen_by(me(), payout_id)
    return file_response(actions.payout_document(found), "application/pdf", f"payout-{found.id}.pdf")


@blueprint.route("/payouts/<payout_id>/returned", methods=["POST"])
@operator("finance")
@api.errors(403, 404, 409, 422)
@blueprint.arguments(schemas.ReturnedBody)
@blueprint.response(200, schemas.PayoutAnswer)
def payout_returned(body: dict[str, Any], payout_id: str) -> Any:
    """Record that a transfer did not arrive: its amount stands in the provider's next payout, once."""
    found = actions.record_payout_returned(payout_id, **body, by=me(), at=clock.now())
    return schemas.payout_answers([found])[0]


@blueprint.route("/payouts/batch", methods=["POST"])
@operator("finance")
@api.errors(403, 409, 422)
@blueprint.arguments(schemas.BatchBody)
@blueprint.response(201, schemas.BatchAnswer)
def make_batch(body: dict[str, Any]) -> Any:
    """Make a transfer file (全銀 総合振込) of every payout that can leave; the others are named with what they lack."""
    made = actions.make_batch(**body, by=me(), at=clock.now())
    return schemas.batch_answer(made.batch, made)


@blueprint.route("/payouts/batch/<batch_id>.txt")
@operator("finance")
@api.offers(*PLAIN)
@blueprint.response(200, BINARY, content_type="text/plain")
def batch_file(batch_id: str) -> Response:
    """The transfer file for the bank: records of 120 bytes in JIS X 0201, CR LF after each."""
    return batch_response(actions.transfer_file(batch_id, by=me()))


@blueprint.route("/payouts/batch/<batch_id>/sent", methods=["POST"])
@operator("finance")
@api.errors(403, 404, 409)
@blueprint.response(200, schemas.BatchAnswer)
def batch_sent(batch_id: str) -> Any:
    """Record that the bank has executed a transfer file."""
    return schemas.batch_answer(actions.record_batch_sent(batch_id, by=me(), at=clock.now()))


@blueprint.route("/payouts/batch/<batch_id>/discard", methods=["POST"])
@operator("finance")
@api.errors(403, 404, 409, 422)
@blueprint.arguments(schemas.DiscardBody)
@blueprint.response(200, schemas.BatchAnswer)
def discard_batch(body: dict[str, Any], batch_id: str) -> Any:
    """Give up a transfer file that the bank never got: its payouts stand in the next one."""
    return schemas.batch_answer(actions.discard_batch(batch_id, **body, by=me(), at=clock.now()))


# ---- the ledger


@blueprint.route("/ledger/trial-balance")
@operator("finance")
@blueprint.arguments(schemas.MonthArgs, location="query")
@blueprint.response(200, schemas.TrialBalanceAnswer)
def trial_balance(args: dict[str, Any]) -> Any:
    """The trial balance of a month (試算表)."""
    return schemas.trial_balance_answer(args["month"], queries.trial_balance(args["month"]))


@blueprint.route("/ledger/journal.csv")
@operator("finance")
@api.offers(*CSV)
@blueprint.arguments(schemas.JournalArgs, location="query")
@blueprint.response(200, BINARY, content_type="text/csv")
def journal_csv(args: dict[str, Any]) -> Response:
    """The journal of a month (仕訳) with tax categories, for accounting software; memorandum accounts left out."""
    return csv_response(**args)


@blueprint.route("/ledger/journal.hledger")
@operator("finance")
@api.offers(*PLAIN)
@blueprint.response(200, BINARY, content_type="text/plain")
def journal_hledger() -> Response:
    """The whole journal in hledger's format."""
    return hledger_response()


@blueprint.route("/ledger/accounts")
@operator("finance")
@blueprint.response(200, schemas.AccountsAnswer)
def accounts() -> Any:
    """Every account with its balance, in the order of the chart."""
    return {"items": [schemas.account_answer(found) for found in queries.accounts()], "next_cursor": None}


@blueprint.route("/ledger/entries")
@operator("finance")
@blueprint.arguments(schemas.EntryArgs, location="query")
@blueprint.response(200, api.page_of(schemas.EntryAnswer))
def entries(args: dict[str, Any]) -> Any:
    """Entries with their postings, the newest first."""
    found = queries.entries(**schemas.checked_search(args))
    return {"items": [schemas.entry_answer(entry) for entry in found.items], "next_cursor": found.next_cursor}
