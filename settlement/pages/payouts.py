"""When does my money come? Payouts, and the transfer files of the exchange's accountants."""

from typing import Any

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _

from exchange import clock
from exchange.web.access import me, operator, signed_in
from exchange.web.forms import Form, attempt
from settlement import actions, queries, rules, schemas
from settlement.files import batch_response
from settlement.pages import blueprint
from settlement.pages.forms import BatchForm, search_of


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
    found = queries.payout_seen_by(me(), payout_id)
    name = queries.providers_of([found])[found.provider_id]
    return render_template(
        "settlement/payout.html", payout=found, provider=name, state=rules.PAYOUT_STATES[found.state]
    )


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
    return batch_response(queries.batch_seen_by(me(), batch_id))


@blueprint.post("/desk/payouts/batch/<batch_id>/sent")
@operator("finance")
def batch_sent(batch_id: str) -> Any:
    """The bank has executed a transfer file."""
    actions.record_batch_sent(batch_id, by=me(), at=clock.now())
    return redirect(url_for("settlement.payouts"), 303)
