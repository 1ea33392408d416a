"""The JSON doors of papers: a municipality's sheets, corrected and void invoices, previews, exports, what parties tell."""

from typing import Any

from flask import Response, request

from exchange import clock
from exchange.web import api
from exchange.web.access import me, operator, signed_in
from settlement import actions, exporting, paper_schemas, queries, schemas
from settlement.actions.own_invoices import BYTES_MAX
from settlement.files import file_response

blueprint = api.blueprint("papers", "Papers: sheets of municipalities, corrections, previews, exports.")
BINARY = {"type": "string", "format": "binary"}
ENVELOPE_BYTES = 500_000  # so that a PDF that is a little too large is told so
PDF, CSV, ZIP = (
    ("application/pdf", "application/json"),
    ("text/csv", "application/json"),
    ("application/zip", "application/json"),
)


# ---- municipalities bill for themselves


@blueprint.route("/assessments")
@signed_in()
@blueprint.arguments(paper_schemas.AssessmentArgs, location="query")
@blueprint.response(200, api.page_of(paper_schemas.AssessmentAnswer))
def assessments(args: dict[str, Any]) -> Any:
    """A municipality's assessment sheets, or those that name one's own organization as payer; the newest first."""
    actions.issue_what_is_due(at=clock.now())
    found = queries.assessments_seen_by(me(), **args)
    items = [paper_schemas.assessment_answer(sheet) for sheet in found.items]
    return {"items": items, "next_cursor": found.next_cursor}


@blueprint.route("/assessments.csv")
@signed_in()
@api.offers(*CSV)
@blueprint.arguments(paper_schemas.AssessmentFileArgs, location="query")
@blueprint.response(200, BINARY, content_type="text/csv")
def assessments_csv(args: dict[str, Any]) -> Response:
    """A municipality's own sheets for its accounting system."""
    sheets = queries.assessments_to_export(me(), period=args["period"])
    return file_response(exporting.assessments_csv(sheets, args["encoding"]), "text/csv", "assessments.csv")


@blueprint.route("/assessments/<assessment_id>")
@signed_in()
@blueprint.response(200, paper_schemas.AssessmentAnswer)
def assessment(assessment_id: str) -> Any:
    """An assessment sheet."""
    return paper_schemas.assessment_answer(queries.assessment_seen_by(me(), assessment_id))


@blueprint.route("/assessments/<assessment_id>/document")
@signed_in()
@api.offers(*PDF)
@blueprint.response(200, BINARY, content_type="application/pdf")
def assessment_document(assessment_id: str) -> Response:
    """The sheet as PDF; the same bytes every time."""
    sheet = queries.assessment_seen_by(me(), assessment_id)
    return file_response(actions.assessment_document(sheet), "application/pdf", f"{sheet.number}.pdf")


@blueprint.route("/assessments/<assessment_id>/notice", methods=["POST"])
@signed_in("owner", "accountant", "data_officer")
@api.errors(403, 404, 409, 422)
@blueprint.arguments(paper_schemas.NoticeBody)
@blueprint.response(200, paper_schemas.AssessmentAnswer)
def notice(body: dict[str, Any], assessment_id: str) -> Any:
    """The municipality has sent its notice (納入通知書); kept as information."""
    told = {"number": body["notice_number"], "noticed_on": body["noticed_on"], "due_on": body["notice_due_on"]}
    return paper_schemas.assessment_answer(actions.record_notice(assessment_id, **told, by=me(), at=clock.now()))


@blueprint.route("/assessments/<assessment_id>/payment", methods=["POST"])
@signed_in("owner", "accountant", "data_officer")
@api.errors(403, 404, 409, 422)
@blueprint.arguments(paper_schemas.MunicipalPaymentBody)
@blueprint.response(200, paper_schemas.AssessmentAnswer)
def payment(body: dict[str, Any], assessment_id: str) -> Any:
    """The municipality was paid; kept as information."""
    sheet = actions.record_municipal_payment(assessment_id, **body, by=me(), at=clock.now())
    return paper_schemas.assessment_answer(sheet)


@blueprint.route("/assessments/<assessment_id>/withdraw", methods=["POST"])
@signed_in("owner", "accountant", "data_officer")
@api.errors(403, 404, 409, 422)
@blueprint.arguments(paper_schemas.ReasonBody)
@blueprint.response(200, paper_schemas.AssessmentAnswer)
def withdraw(body: dict[str, Any], assessment_id: str) -> Any:
    """The municipality does not bill this."""
    sheet = actions.withdraw_assessment(assessment_id, **body, by=me(), at=clock.now())
    return paper_schemas.assessment_answer(sheet)


# ---- invoices to come, wrong, and kept


@blueprint.route("/invoices/preview")
@signed_in()
@blueprint.response(200, api.page_of(paper_schemas.PreviewAnswer))
def preview() -> Any:
    """What the running month will be invoiced as if nothing more happens: what one owes, and what one is owed."""
    return {"items": queries.previews(me(), at=clock.now()), "next_cursor": None}


@blueprint.route("/invoices/<invoice_id>/corrections", methods=["POST"])
@operator("finance")
@api.errors(403, 404, 409, 422)
@blueprint.arguments(paper_schemas.CorrectionBody)
@blueprint.response(201, paper_schemas.CorrectionAnswer)
def correct(body: dict[str, Any], invoice_id: str) -> Any:
    """Issue a corrected invoice (修正適格請求書) that points at the first, paid or not."""
    reason = body.pop("reason")
    made = actions.correct(invoice_id, changes=body, reason=reason, by=me(), at=clock.now())
    return paper_schemas.correction_answer(made)


@blueprint.route("/invoices/<invoice_id>/amounts", methods=["POST"])
@operator("finance")
@api.errors(403, 404, 409, 422)
@blueprint.arguments(paper_schemas.AmountsBody)
@blueprint.response(201, schemas.InvoiceAnswer)
def correct_amounts(body: dict[str, Any], invoice_id: str) -> Any:
    """Replace an invoice by one with the right amounts (修正適格請求書), paid or not; answers the new one."""
    at = clock.now()
    changes = [paper_schemas.line_change(line) for line in body["lines"]]
    made = actions.correct_amounts(invoice_id, changes=changes, reason=body["reason"], by=me(), at=at)
    return schemas.invoice_answer(made, today=at.date())


@blueprint.route("/invoices/<invoice_id>/corrections/<correction_id>/document")
@signed_in()
@api.offers(*PDF)
@blueprint.response(200, BINARY, content_type="application/pdf")
def correction_document(invoice_id: str, correction_id: str) -> Response:
    """A corrected invoice as PDF; the same bytes every time."""
    found = queries.invoice_seen_by(me(), invoice_id)
    made, content = actions.correction_document(found, correction_id)
    return file_response(content, "application/pdf", f"{made.number}.pdf")


# ---- invoices that sellers issue themselves


@blueprint.url_value_preprocessor
def _room_for_an_invoice(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Before anything reads the body."""
    if endpoint and endpoint.endswith(".upload_own_invoice"):
        request.max_content_length = BYTES_MAX + ENVELOPE_BYTES


@blueprint.route("/invoices/<invoice_id>/own-invoice", methods=["PUT"])
@signed_in("owner", "accountant")
@api.errors(403, 404, 409, 422)
@api.accepts("application/pdf")
@blueprint.doc(
    requestBody={"required": True, "content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}}
)
@blueprint.arguments(paper_schemas.OwnInvoiceArgs, location="query")
@blueprint.response(200, schemas.InvoiceAnswer)
def upload_own_invoice(args: dict[str, Any], invoice_id: str) -> Any:
    """The seller's own invoice for a statement (請求明細), as PDF of at most 10 MB; uploaded again, the newest counts."""
    at = clock.now()
    found = actions.upload_own_invoice(invoice_id, **args, content=request.get_data(), by=me(), at=at)
    return schemas.invoice_answer(found, today=at.date())


@blueprint.route("/invoices/<invoice_id>/own-invoice")
@signed_in()
@api.offers(*PDF)
@blueprint.response(200, BINARY, content_type="application/pdf")
def own_invoice(invoice_id: str) -> Response:
    """The seller's own invoice as it was uploaded."""
    own, content = actions.own_invoice_document(queries.invoice_seen_by(me(), invoice_id))
    return file_response(content, "application/pdf", f"{own.id}.pdf")


# ---- what parties tell


@blueprint.route("/registration-notice")
@signed_in("owner", "accountant")
@blueprint.response(200, paper_schemas.RegistrationAnswer)
def registration() -> Any:
    """What one's organization told of its registration as an issuer of qualified invoices."""
    return paper_schemas.registration_answer(queries.registration_notice(me().organization_id))


@blueprint.route("/registration-notice", methods=["PUT"])
@signed_in("owner", "accountant")
@api.errors(403, 409, 422)
@blueprint.arguments(paper_schemas.RegistrationBody)
@blueprint.response(200, paper_schemas.RegistrationAnswer)
def give_registration(body: dict[str, Any]) -> Any:
    """Tell the exchange one's registration number for trades from now on, and who issues the invoices."""
    return paper_schemas.registration_answer(actions.give_registration_notice(**body, by=me(), at=clock.now()))


@blueprint.route("/registration-notice", methods=["DELETE"])
@signed_in("owner", "accountant")
@api.errors(403, 409)
@blueprint.response(204)
def withdraw_registration() -> None:
    """Take it back for trades from now on, at once when the registration ends."""
    actions.withdraw_registration_notice(by=me(), at=clock.now())


@blueprint.route("/contracts/<contract_id>/sales-reports")
@signed_in()
@blueprint.response(200, api.page_of(paper_schemas.SalesReportAnswer))
def sales_reports(contract_id: str) -> Any:
    """What the buyer reported to have sold, the newest first; the newest of a month counts."""
    return {"items": queries.sales_reports(me(), contract_id), "next_cursor": None}


@blueprint.route("/contracts/<contract_id>/sales-reports", methods=["POST"])
@signed_in("owner", "accountant", "data_officer")
@api.errors(403, 404, 409, 422)
@blueprint.arguments(paper_schemas.SalesBody)
@blueprint.response(201, paper_schemas.SalesReportAnswer)
def report_sales(body: dict[str, Any], contract_id: str) -> Any:
    """Report a month's sales, which a share of revenue is computed from; a later report replaces it."""
    return actions.report_sales(contract_id, **body, by=me(), at=clock.now())
