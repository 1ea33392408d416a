"""What do I agree to? The page on which a buyer applies for a contract."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from wtforms import BooleanField, HiddenField, StringField, TextAreaField
from wtforms.validators import DataRequired

from contracts import actions, guideline, queries
from contracts.actions.deals import ORDER_LENGTH_MAX, PURPOSE_LENGTH_MAX
from contracts.guideline.parts import Variable
from contracts.models import Contract, Offer
from contracts.pages import fields, reading, shown
from exchange import clock, settings
from exchange.database import new_id
from exchange.errors import text
from exchange.web.access import me, signed_in
from exchange.web.forms import Form, attempt

blueprint = Blueprint("applying", __name__)


class ApplyForm(Form):
    """Purpose, order number, consent."""

    form_id = HiddenField(validators=[fields.longest(60)])
    purpose = TextAreaField(
        text("利用目的"),
        description=text(
            "何のために、どのように使うかを書いてください。契約書の第1条に入ります。この目的以外には使えません。"
        ),
        validators=[DataRequired(text("利用目的を入力してください。")), fields.longest(PURPOSE_LENGTH_MAX)],
    )
    purchase_order = StringField(
        text("注文番号"),
        description=text("社内の注文番号があれば入力してください。請求書に記載されます。"),
        validators=[fields.longest(ORDER_LENGTH_MAX)],
    )
    accept_terms = BooleanField(
        text("契約の条件を読み、同意して申し込みます"),
        validators=[DataRequired(text("契約の条件に同意する場合だけ、申し込めます。"))],
    )


@blueprint.route("/offers/<offer_id>/apply", methods=["GET", "POST"])
@signed_in()
def apply(offer_id: str) -> Any:
    """Steps, purpose, the open choices, the checklist, the terms in full, the total, who decides and when."""
    offer = queries.offer_seen_by(me(), offer_id)
    template = guideline.template(offer.template_key)
    refusal = actions.may_request(offer, me())
    if template.is_open or refusal is not None:
        page = render_template("contracts/apply_refused.html", offer=offer, refusal=refusal, template=template)
        return page, 200 if template.is_open else 403
    form = _form(offer)
    if request.form.get("then") == "here":  # the terms as they read with what was chosen so far; nothing is sent yet
        return _page(offer, form)
    if form.validate_on_submit():
        with attempt(form) as tried:
            contract = _requested(offer, form)
        if tried.ok:
            flash(_applied(contract), "success")
            return redirect(url_for("deals.show", contract_id=contract.id), 303)
    return _page(offer, form), 422 if form.errors else 200


def _open(offer: Offer) -> list[Variable]:
    """What the buyer chooses, in the order of the articles."""
    template = guideline.template(offer.template_key)
    keys = actions.open_to_buyer(template, offer)
    return [v for v in template.variables if v.key in keys]


def _form(offer: Offer) -> Any:
    variables = _open(offer)
    kind = fields.with_checklist(fields.with_variables(ApplyForm, variables), "buyer")
    return kind(data={"form_id": new_id(), **fields.standing_data(variables, reading.values_of(offer))})


def _chosen(offer: Offer, form: Any) -> dict[str, Any]:
    return fields.chosen(form, _open(offer), reading.values_of(offer))


def _requested(offer: Offer, form: Any) -> Contract:
    return actions.request(
        offer,
        purpose=form.purpose.data,
        variables=_chosen(offer, form),
        accept_terms=bool(form.accept_terms.data),
        purchase_order=form.purchase_order.data,
        checklist=fields.answers(form, "buyer"),
        form_id=form.form_id.data or None,
        remote=request.remote_addr,
        by=me(),
        at=clock.now(),
    )


def _applied(contract: Contract) -> str:
    if contract.awaits_confirmation:
        return _("申し込みました。責任者の確認が済むと、提供者に伝わります。")
    if contract.state == "accepted":
        return _("申し込みました。提供条件により承諾され、運営者の承認を待っています。")
    return _("申し込みました。提供者の回答をお待ちください。")


def _page(offer: Offer, form: Any) -> str:
    return render_template(
        "contracts/apply.html",
        form=form,
        offer=offer,
        template=guideline.template(offer.template_key),
        price=shown.price(offer.pricing),
        variables=_open(offer),
        reading=_read(offer, form),
        standard={v.key: shown.said(v.shown(reading.values_of(offer)[v.key])) for v in _open(offer)},
        checklist_refused=any((name or "").startswith(fields.POINT) for name in form.errors),
        steps=shown.steps(),
        approval_days=settings.current().approval_days,
        said=shown.said,
    )


def _read(offer: Offer, form: Any) -> reading.Reading:
    return reading.of(offer, _chosen(offer, form), buyer=me().organization)


@blueprint.post("/offers/<offer_id>/apply/reading")
@signed_in()
def read(offer_id: str) -> Any:
    """The terms as they would read with what is chosen; sends nothing. The page's script asks for it."""
    offer = queries.offer_seen_by(me(), offer_id)
    return render_template("contracts/parts/terms.html", reading=_read(offer, _form(offer)), offer=offer)
