"""What do I owe, by when? Invoices, and what accountants of the exchange do with one."""

from datetime import date, timedelta
from typing import Any

from flask import redirect, render_template, request, url_for

from exchange import clock
from exchange.web.access import me, operator, signed_in
from exchange.web.forms import attempt
from settlement import actions, documents, issuing, queries, rules, schemas, stripe_gateway
from settlement.files import file_response
from settlement.models import Invoice
from settlement.pages import blueprint
from settlement.pages.forms import PaymentForm, RefundForm, search_of, yen_of


@blueprint.get("/desk/invoices")
@signed_in()
def invoices() -> Any:
    """Unpaid invoices first, with where to pay; then all, searched by date, amount and partner."""
    at = clock.now()
    actions.issue_what_is_due(at=at)
    args, typed = search_of(schemas.InvoiceArgs)
    search, paging = schemas.invoice_filter(args)
    found = queries.invoices_seen_by(me(), search, today=at.date(), **paging)
    searched = any(key != "cursor" for key in typed)
    return render_template(
        "settlement/invoices.html",
        unpaid=[] if searched or paging["cursor"] else queries.unpaid_of(me()),
        found=found.items,
        next_url=_next(found.next_cursor, typed),
        typed=typed,
        searched=searched,
        bank=documents.bank_words(),
        takes_transfers=documents.takes_transfers(),
        keeps_books=rules.keeps_books(me()),
        pays_online=stripe_gateway.is_on() and rules.pays_for(me(), me().organization_id),
        shown_state=shown_state,
        states=rules.INVOICE_STATES,
        export_url=url_for("settlement.export", **dict[str, Any]({k: v for k, v in typed.items() if k != "cursor"})),
        may_sell=not me().is_operator,
        may_choose=bool({"owner", "accountant"} & set(me().roles)),
    )


def _next(cursor: str | None, typed: dict[str, str]) -> str | None:
    return url_for("settlement.invoices", **dict[str, Any](typed | {"cursor": cursor})) if cursor else None


def shown_state(invoice: Invoice) -> tuple[str, str]:
    """The label and kind of an invoice's state today."""
    state = rules.state_shown(invoice.state, due_on=invoice.due_on, today=clock.today())
    return rules.INVOICE_STATES[state]


@blueprint.get("/desk/invoices/<invoice_id>")
@signed_in()
def invoice(invoice_id: str) -> Any:
    """One invoice: what it charges, where to pay, what was paid."""
    found = queries.invoice_seen_by(me(), invoice_id)
    return render_template(
        "settlement/invoice.html",
        invoice=found,
        bank=documents.bank_words(),
        takes_transfers=documents.takes_transfers(),
        state=shown_state(found),
        period=documents.period_words(found),
        books=rules.keeps_books(me()),
        mode=issuing.MODE_TITLES[found.mode],
        kept_until=documents.kept_until(found.issued_on),
        deductible=None
        if found.is_qualified or found.is_statement
        else issuing.deductible_percent(found.supplied_until),
        fiscal_year=_fiscal_year(found),
        mended_on=date.fromisoformat(found.changed["replaces"]["issued_on"]) if found.changed else None,
        online=queries.online_offer(me(), found),
        is_back=bool(request.args.get("paid")),
        card_on=found.due_on - timedelta(days=rules.CARD_DAYS_BEFORE_DUE) if found.due_on else None,
        uploads=found.is_statement and rules.pays_for(me(), found.issuer_id) and found.state in ("issued", "paid"),
    )


def _fiscal_year(invoice: Invoice) -> str | None:
    """For a public buyer: the fiscal year it pays from, and until when."""
    is_public = invoice.recipient.get("kind") == "municipality"
    return documents.expenditure_words(invoice.supplied_until) if is_public else None


@blueprint.get("/desk/invoices/<invoice_id>.pdf")
@signed_in()
def invoice_pdf(invoice_id: str) -> Any:
    """The invoice to keep."""
    found = queries.invoice_seen_by(me(), invoice_id)
    return file_response(actions.invoice_document(found), "application/pdf", f"{found.number}.pdf")


@blueprint.get("/desk/invoices/<invoice_id>/credit-notes/<credit_note_id>.pdf")
@signed_in()
def credit_note_pdf(invoice_id: str, credit_note_id: str) -> Any:
    """A credit note to keep."""
    note, content = actions.credit_note_document(queries.invoice_seen_by(me(), invoice_id), credit_note_id)
    return file_response(content, "application/pdf", f"{note.number}.pdf")


@blueprint.route("/desk/invoices/<invoice_id>/payment", methods=["GET", "POST"])
@operator("finance")
def record_payment(invoice_id: str) -> Any:
    """Record a bank payment; the reference decides which invoice it pays."""
    found = queries.invoice_seen_by(me(), invoice_id)
    form = PaymentForm(data={"received_on": clock.today(), "reference": found.payment_reference})
    if form.validate_on_submit():
        with attempt(form) as tried:
            actions.record_payment(**payment_of(form), by=me(), at=clock.now())
        if tried.ok:
            return redirect(url_for("settlement.invoice", invoice_id=invoice_id), 303)
    page = render_template("settlement/payment.html", form=form, invoice=found)
    return page, 422 if form.errors else 200


def payment_of(form: PaymentForm) -> dict[str, Any]:
    """What a payment form says."""
    return {
        "received_on": form.received_on.data,
        "payer": form.payer.data,
        "amount_jpy": yen_of(form.amount_jpy),
        "reference": form.reference.data or "",
        "another": bool(form.another.data),
    }


@blueprint.route("/desk/invoices/<invoice_id>/refund", methods=["GET", "POST"])
@operator("finance")
def refund(invoice_id: str) -> Any:
    """Take an amount off an invoice."""
    found, form = queries.invoice_seen_by(me(), invoice_id), RefundForm()
    if form.validate_on_submit():
        amount, reason = yen_of(form.amount_jpy), form.reason.data
        with attempt(form) as tried:
            actions.refund(invoice_id, amount_jpy=amount, reason=reason, by=me(), at=clock.now())
        if tried.ok:
            return redirect(url_for("settlement.invoice", invoice_id=invoice_id), 303)
    return render_template("settlement/refund.html", form=form, invoice=found), 422 if form.errors else 200
