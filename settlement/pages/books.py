"""The books: does everything add up, what waits for an accountant, which month is closed?"""

from typing import Any

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _

from exchange import clock
from exchange.errors import WrongState, text
from exchange.web.access import me, operator
from exchange.web.forms import attempt
from settlement import actions, queries, rules, schemas
from settlement.files import csv_response, hledger_response
from settlement.pages import blueprint
from settlement.pages.forms import ApplyForm, ConfirmForm, PaymentForm, StatementForm, search_of
from settlement.pages.invoices import payment_of

REASONS = {
    "unknown": text("照合番号がありません"),
    "ambiguous": text("照合番号が複数あります"),
    "settled": text("支払済みの請求書です"),
    "over": text("請求額より多い入金です"),
}


@blueprint.get("/desk/ledger")
@operator("finance")
def ledger() -> Any:
    """What waits, months, money in; then the trial balance of a month."""
    at = clock.now()
    args, _typed = search_of(schemas.LedgerArgs)
    month = args["month"] or clock.month_of(at)
    rows = queries.trial_balance(month)
    return render_template(
        "settlement/ledger.html",
        month=month,
        rows=rows,
        totals=_totals([r for r in rows if r.account.kind != "memorandum"]),
        months=queries.last_months(at=at),
        states=rules.PERIOD_STATES,
        kinds=rules.KIND_TITLES,
        held=queries.deposits_and_bank(),
        receipts=queries.unapplied_receipts(),
        refunds=queries.refunds_to_send(),
        reasons=REASONS,
    )


def _totals(rows: list[queries.TrialRow]) -> tuple[int, int]:
    return sum(r.debit_jpy for r in rows), sum(r.credit_jpy for r in rows)


@blueprint.route("/desk/ledger/payment", methods=["GET", "POST"])
@operator("finance")
def ledger_payment() -> Any:
    """Record a bank payment."""
    form = PaymentForm(data={"received_on": clock.today()})
    if form.validate_on_submit():
        with attempt(form) as tried:
            receipt = actions.record_payment(**payment_of(form), by=me(), at=clock.now())
        if tried.ok:
            _say_recorded(receipt.unapplied_jpy)
            return redirect(url_for("settlement.ledger"), 303)
    return render_template("settlement/payment.html", form=form, invoice=None), 422 if form.errors else 200


def _say_recorded(unapplied_jpy: int) -> None:
    if unapplied_jpy:
        flash(_("請求書に消し込めない額があります。「確認が必要な入金」をご覧ください。"), "warning")
    else:
        flash(_("入金を記録しました。"), "success")


@blueprint.route("/desk/ledger/statement", methods=["GET", "POST"])
@operator("finance")
def ledger_statement() -> Any:
    """Take a bank statement; the same one again changes nothing."""
    form = StatementForm()
    if form.validate_on_submit():
        with attempt(form) as tried:
            taken = actions.take_statement(form.file.data.read(), by=me(), at=clock.now())
        if tried.ok:
            return render_template("settlement/statement_taken.html", taken=taken, reasons=REASONS)
    return render_template("settlement/statement.html", form=form), 422 if form.errors else 200


@blueprint.route("/desk/ledger/receipts/<receipt_id>", methods=["GET", "POST"])
@operator("finance")
def receipt(receipt_id: str) -> Any:
    """A receipt that waits: let it pay an invoice, or record that it was sent back."""
    found, form = queries.receipt_seen_by(me(), receipt_id), ApplyForm()
    if form.validate_on_submit():
        with attempt(form) as tried:
            invoice = actions.apply_receipt(receipt_id, reference=form.reference.data or "", by=me(), at=clock.now())
        if tried.ok:
            flash(_("請求書 %(number)s に消し込みました。", number=invoice.number), "success")
            return redirect(url_for("settlement.ledger"), 303)
    page = render_template("settlement/receipt.html", receipt=found, form=form, reasons=REASONS)
    return page, 422 if form.errors else 200


@blueprint.post("/desk/ledger/receipts/<receipt_id>/return")
@operator("finance")
def return_receipt(receipt_id: str) -> Any:
    """Unapplied money was sent back to its payer."""
    actions.return_receipt(receipt_id, by=me(), at=clock.now())
    flash(_("返金を記録しました。"), "success")
    return redirect(url_for("settlement.ledger"), 303)


@blueprint.post("/desk/ledger/refunds/<credit_note_id>/sent")
@operator("finance")
def refund_sent(credit_note_id: str) -> Any:
    """The money of a credit note was sent to the buyer."""
    actions.record_refund_sent(credit_note_id, by=me(), at=clock.now())
    flash(_("返金を記録しました。"), "success")
    return redirect(url_for("settlement.ledger"), 303)


@blueprint.route("/desk/ledger/close/<month>", methods=["GET", "POST"])
@operator("finance")
def close_month(month: str) -> Any:
    """Closing cannot be undone, so a page asks first."""
    at, form = clock.now(), ConfirmForm()
    found = queries.month(month, at=at)
    if not found.is_over:
        raise WrongState(text("終わっていない月は締められません。"), state=found.state)
    if form.validate_on_submit():
        actions.close_month(month, by=me(), at=at)
        flash(_("締め処理を始めました。完了するとこの一覧に表示されます。"), "success")
        return redirect(url_for("settlement.ledger"), 303)
    return render_template("settlement/close.html", found=found, form=form, state=rules.PERIOD_STATES[found.state])


@blueprint.get("/desk/ledger/entries")
@operator("finance")
def entries() -> Any:
    """Entries by account, day, amount and partner."""
    args, typed = search_of(schemas.EntryArgs)
    found = queries.entries(**schemas.checked_search(args))
    next_url = _next(found.next_cursor, typed)
    return render_template(
        "settlement/entries.html", found=found.items, next_url=next_url, typed=typed, accounts=queries.accounts()
    )


def _next(cursor: str | None, typed: dict[str, str]) -> str | None:
    return url_for("settlement.entries", **dict[str, Any](typed | {"cursor": cursor})) if cursor else None


@blueprint.get("/desk/ledger/journal-<month>.csv")
@operator("finance")
def journal_csv(month: str) -> Any:
    """A month's journal for accounting software."""
    return csv_response(month)


@blueprint.get("/desk/ledger/journal.hledger")
@operator("finance")
def journal_hledger() -> Any:
    """The whole journal for hledger."""
    return hledger_response()
