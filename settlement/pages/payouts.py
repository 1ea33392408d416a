"""When does my money come? Payouts, and the transfer files of the exchange's accountants."""

from typing import Any

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _

from exchange import clock
from exchange.web.access import me, operator, signed_in
from exchange.web.forms import Form, attempt
from settlement import actions, queries, rules, schemas
from settlement.files import batch_response, file_response
from settlement.pages import blueprint
from settlement.pages.forms import BatchForm, DiscardForm, ReturnedForm, search_of


@blueprint.get("/desk/payouts")
@signed_in()
def payouts() -> Any:
    """The next date and amount and how it is made up; then past payouts."""
    return _page(BatchForm(None))


def _page(form: Form, status: int = 200) -> Any:
    args, _typed = search_of(schemas.PayoutArgs)
    books = rules.keeps_books(me())
    found = queries.payouts_seen_by(me(), **args)
    waiting = [p for p in found.items if p.state == "due"]
    page = render_template(
        "settlement/payouts.html",
        waiting=waiting,
        held=actions.held_back(waiting, at=clock.now()),
        past=[p for p in found.items if p.state != "due"],
        names=queries.providers_of(found.items),
        states=rules.PAYOUT_STATES,
        next_url=url_for("settlement.payouts", cursor=found.next_cursor) if found.next_cursor else None,
        books=books,
        batches=queries.batches() if books else [],
        form=form,
    )
    return page, status


@blueprint.get("/desk/payouts/<payout_id>")
@signed_in()
def payout(payout_id: str) -> Any:
    """One payout's statement (支払明細)."""
    return _payout_page(payout_id, ReturnedForm(formdata=None, data={"returned_on": clock.today()}))


def _payout_page(payout_id: str, form: ReturnedForm) -> Any:
    found = queries.payout_seen_by(me(), payout_id)
    books = rules.keeps_books(me())
    nothing = [("", _("入金はまだ取り込んでいない"))]
    waiting = queries.receipts_for(found) if books else []
    form.receipt_id.choices = nothing + [(r.id, f"{r.received_on} {r.payer} {r.amount_jpy:,}円") for r in waiting]
    page = render_template(
        "settlement/payout.html",
        payout=found,
        provider=queries.providers_of([found])[found.provider_id],
        state=rules.PAYOUT_STATES[found.state],
        form=form if books and found.state in ("batched", "sent") else None,
    )
    return page, 422 if form.errors else 200


@blueprint.get("/desk/payouts/<payout_id>.pdf")
@signed_in()
def payout_pdf(payout_id: str) -> Any:
    """The statement to keep."""
    found = queries.payout_seen_by(me(), payout_id)
    return file_response(actions.payout_document(found), "application/pdf", f"payout-{found.id}.pdf")


@blueprint.post("/desk/payouts/<payout_id>/returned")
@operator("finance")
def payout_returned(payout_id: str) -> Any:
    """The bank could not credit a transfer."""
    form = ReturnedForm()
    if form.validate_on_submit():
        with attempt(form) as tried:
            actions.record_payout_returned(
                payout_id,
                reason=form.reason.data or "",
                returned_on=form.returned_on.data,
                receipt_id=form.receipt_id.data or None,
                by=me(),
                at=clock.now(),
            )
        if tried.ok:
            flash(_("振込不能を記録しました。次回の支払いに繰り越します。"), "success")
            return redirect(url_for("settlement.payout", payout_id=payout_id), 303)
    return _payout_page(payout_id, form)


@blueprint.post("/desk/payouts")
@operator("finance")
def make_batch() -> Any:
    """Make the bank's transfer file of every payout that can leave."""
    form = BatchForm()
    if form.validate_on_submit():
        with attempt(form) as tried:
            made = actions.make_batch(transfer_on=form.transfer_on.data, by=me(), at=clock.now())
        if tried.ok:
            _say_left_out(made)
            return redirect(url_for("settlement.payouts"), 303)
        _say_missing(form, tried.refusal)
    return _page(form, 422)


def _say_left_out(made: actions.BatchMade) -> None:
    for each in made.left_out:
        what = "、".join(map(str, each["what"])) if isinstance(each["what"], list) else str(each["what"])
        flash(_("%(whose)s への支払いは含めていません: %(what)s", whose=each["whose"], what=what), "warning")


def _say_missing(form: Form, refusal: Any) -> None:
    for each in getattr(refusal, "extra", {}).get("missing", []):
        form.form_errors.append(f"{each['whose']}: {'、'.join(each['what'])}")


@blueprint.get("/desk/payouts/batch/<batch_id>.txt")
@operator("finance")
def batch_file(batch_id: str) -> Any:
    """The transfer file for the bank."""
    return batch_response(actions.transfer_file(batch_id, by=me()))


@blueprint.route("/desk/payouts/batch/<batch_id>/discard", methods=["GET", "POST"])
@operator("finance")
def discard_batch(batch_id: str) -> Any:
    """Giving up a file cannot be undone, so a page asks first."""
    batch, form = queries.batch_seen_by(me(), batch_id), DiscardForm()
    if form.validate_on_submit():
        with attempt(form) as tried:
            actions.discard_batch(batch_id, reason=form.reason.data or "", by=me(), at=clock.now())
        if tried.ok:
            flash(_("振込ファイルを取り消しました。支払いは次のファイルに入ります。"), "success")
            return redirect(url_for("settlement.payouts"), 303)
    return render_template("settlement/discard.html", form=form, batch=batch), 422 if form.errors else 200


@blueprint.post("/desk/payouts/batch/<batch_id>/sent")
@operator("finance")
def batch_sent(batch_id: str) -> Any:
    """The bank has executed a transfer file."""
    actions.record_batch_sent(batch_id, by=me(), at=clock.now())
    return redirect(url_for("settlement.payouts"), 303)
