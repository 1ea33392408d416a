"""Our own invoice for what a statement says: uploaded by the seller, read by the buyer."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired
from wtforms import DateField, StringField
from wtforms.validators import InputRequired, Length

from exchange import clock
from exchange.errors import NotFound
from exchange.web.access import me, signed_in
from exchange.web.forms import Form, attempt
from settlement import actions, queries, rules
from settlement.actions.own_invoices import BYTES_MAX, NUMBER_LENGTH_MAX
from settlement.files import file_response
from settlement.pages import blueprint
from settlement.pages.forms import yen_of

ENVELOPE_BYTES = 1_500_000  # what is sent beside the PDF, and one that is a little too large is told so


class OwnInvoiceForm(Form):
    """A seller's own invoice."""

    file = FileField(_l("請求書(PDF)"), validators=[FileRequired(_l("ファイルを選んでください。"))])
    number = StringField(
        _l("請求書の番号"),
        validators=[InputRequired(_l("請求書の番号を入力してください。")), Length(max=NUMBER_LENGTH_MAX)],
    )
    issued_on = DateField(_l("発行日"), validators=[InputRequired(_l("発行日を入力してください。"))])
    total_jpy = StringField(
        _l("請求額(円・税込)"), validators=[InputRequired(_l("請求額を入力してください。")), Length(max=30)]
    )


@blueprint.url_value_preprocessor
def _room_for_an_invoice(endpoint: str | None, values: dict[str, Any] | None) -> None:
    # Before the protection against forged requests looks for its token in the body, and so reads it.
    if endpoint == "settlement.own_invoice":
        request.max_content_length = BYTES_MAX + ENVELOPE_BYTES


@blueprint.route("/desk/invoices/<invoice_id>/own", methods=["GET", "POST"])
@signed_in("owner", "accountant")
def own_invoice(invoice_id: str) -> Any:
    """Upload the invoice that we issued ourselves."""
    found, form = queries.invoice_seen_by(me(), invoice_id), OwnInvoiceForm(data={"issued_on": clock.today()})
    if not found.is_statement or not rules.pays_for(me(), found.issuer_id):
        raise NotFound()
    if form.validate_on_submit():
        with attempt(form) as tried:
            told = {"number": form.number.data or "", "issued_on": form.issued_on.data}
            content = form.file.data.read(BYTES_MAX + 1)
            actions.upload_own_invoice(
                invoice_id, **told, total_jpy=yen_of(form.total_jpy), content=content, by=me(), at=clock.now()
            )
        if tried.ok:
            flash(_("請求書をアップロードしました。利用者にお知らせしました。"), "success")
            return redirect(url_for("settlement.invoice", invoice_id=invoice_id), 303)
    page = render_template("settlement/own_invoice.html", form=form, invoice=found)
    return page, 422 if form.errors else 200


@blueprint.get("/desk/invoices/<invoice_id>/own.pdf")
@signed_in()
def own_invoice_pdf(invoice_id: str) -> Any:
    """The seller's own invoice to keep; an earlier version where one is asked for."""
    found = queries.invoice_seen_by(me(), invoice_id)
    own, content = actions.own_invoice_document(found, request.args.get("version"))
    return file_response(content, "application/pdf", f"{own.id}.pdf")
