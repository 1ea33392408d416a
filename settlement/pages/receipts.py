"""Money in by bank: statements, single payments, and what a person does with what they leave over."""

from typing import Any

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _

from exchange import clock
from exchange.errors import NotFound, text
from exchange.web.access import me, operator
from exchange.web.forms import attempt
from settlement import actions, queries, rules
from settlement.models import Receipt
from settlement.pages import blueprint
from settlement.pages.forms import ApplyForm, ChargeForm, NoteForm, PaymentForm, StatementForm, ToldForm
from settlement.pages.invoices import payment_of

REASONS = {
    "unknown": text("照合番号がありません"),
    "ambiguous": text("当てはまる請求書が1件に決まりません"),
    "settled": text("支払済みの請求書です"),
    "over": text("請求額より多い入金です"),
    "short": text("振込手数料とみられる不足があります"),
    "abroad": text("国外からの入金です(返金してください)"),
    "bounced": text("振込が戻ったものとみられます"),
    "corrected": text("請求書の修正により余った入金です"),
}
WHY = {
    "reference": text("照合番号が書かれています"),
    "amount-and-name": text("金額と名義が一致します"),
    "together": text("同じ利用者の請求書2件の合計と一致します"),
    "short": text("名義が一致し、振込手数料とみられる額だけ不足しています"),
    "amount": text("金額が一致します"),
    "name": text("名義が一致します"),
}
HANDLED = "settlement.receipts"


@blueprint.get("/desk/ledger/receipts")
@operator("finance")
def receipts() -> Any:
    """Money that pays nothing yet, with its age and the day by which it goes back; invoices short by a charge."""
    today, found = clock.today(), queries.unapplied_receipts()
    return render_template(
        "settlement/receipts.html",
        rows=[_row(receipt, today) for receipt in found],
        total_jpy=sum(receipt.unapplied_jpy for receipt in found),
        short=queries.short_by_charge(),
        reasons=REASONS,
    )


def _row(receipt: Receipt, today: Any) -> dict[str, Any]:
    return_by = rules.return_by(receipt.waits_since)
    near, days = rules.is_near(return_by, today=today), (today - receipt.waits_since).days
    return {"receipt": receipt, "days": days, "return_by": return_by, "is_near": near}


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
    """A receipt that waits: let it pay invoices as the payer says, or record that it was sent back."""
    form = ApplyForm(data={"told_on": clock.today()})
    if form.validate_on_submit():
        with attempt(form) as tried:
            invoices = actions.apply_receipt(
                receipt_id, reference=form.reference.data or "", instruction=told(form), by=me(), at=clock.now()
            )
        if tried.ok:
            numbers = "、".join(invoice.number for invoice in invoices)
            flash(_("請求書 %(number)s に消し込みました。", number=numbers), "success")
            return redirect(url_for(HANDLED), 303)
    return _receipt_page(receipt_id, form, NoteForm(formdata=None))


def told(form: ToldForm) -> actions.Instruction:
    """What a form says of the payer's word."""
    how = form.told_how.data or ""
    return actions.Instruction(by=form.told_by.data or "", on=form.told_on.data, how=how)


def _receipt_page(receipt_id: str, form: ApplyForm, note_form: NoteForm) -> Any:
    found = queries.receipt_seen_by(me(), receipt_id)
    page = render_template(
        "settlement/receipt.html",
        form=form,
        note_form=note_form,
        suggestions=queries.suggestions(found),
        why=WHY,
        reasons=REASONS,
        **_row(found, clock.today()),
    )
    return page, 422 if form.errors or note_form.errors else 200


@blueprint.post("/desk/ledger/receipts/<receipt_id>/return")
@operator("finance")
def return_receipt(receipt_id: str) -> Any:
    """Unapplied money was sent back to its payer."""
    return _let_go(receipt_id, actions.return_receipt, _("返金を記録しました。"))


@blueprint.post("/desk/ledger/receipts/<receipt_id>/own")
@operator("finance")
def keep_receipt(receipt_id: str) -> Any:
    """Unapplied money is the exchange's own, interest for example."""
    return _let_go(receipt_id, actions.keep_receipt, _("運営者の入金として記録しました。"))


def _let_go(receipt_id: str, deed: Any, done: str) -> Any:
    form = NoteForm()
    if form.validate_on_submit():
        with attempt(form) as tried:
            deed(receipt_id, note=form.note.data or "", by=me(), at=clock.now())
        if tried.ok:
            flash(done, "success")
            return redirect(url_for(HANDLED), 303)
    return _receipt_page(receipt_id, ApplyForm(formdata=None, data={"told_on": clock.today()}), form)


@blueprint.route("/desk/ledger/charges/<invoice_id>", methods=["GET", "POST"])
@operator("finance")
def bear_charge(invoice_id: str) -> Any:
    """A payment was short by the bank's charge: who bears it?"""
    invoice, form = queries.invoice_seen_by(me(), invoice_id), ChargeForm(data={"told_on": clock.today()})
    if invoice.state != "issued" or not invoice.paid_jpy:
        raise NotFound(text("振込手数料とみられる不足はありません。"))
    if form.validate_on_submit():
        with attempt(form) as tried:
            bearer = form.bearer.data or ""
            actions.bear_charge(invoice_id, bearer=bearer, instruction=told(form), by=me(), at=clock.now())
        if tried.ok:
            flash(_("振込手数料の負担を記録しました。"), "success")
            return redirect(url_for(HANDLED), 303)
    return render_template("settlement/charge.html", form=form, invoice=invoice), 422 if form.errors else 200
