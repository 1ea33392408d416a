"""Above which amount does an owner confirm what we request? Set by owners, for their own organization."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from wtforms import StringField

from contracts import actions, queries
from contracts.pages import fields
from exchange import clock
from exchange.errors import Invalid, text
from exchange.web.access import me, signed_in
from exchange.web.forms import Form, attempt

blueprint = Blueprint("policy", __name__, url_prefix="/desk/contracts/policy")


class PolicyForm(Form):
    """An amount, or nothing."""

    confirm_above_jpy = StringField(
        text("確認が必要になる金額（1年分、税抜、円）"),
        description=text("この額を超える申込みに、責任者の確認が必要になります。空欄にすると、確認は不要です。"),
        render_kw={"inputmode": "numeric"},
        validators=[fields.longest(20)],
    )


@blueprint.route("", methods=["GET", "POST"])
@signed_in("owner")
def edit() -> Any:
    """See and set the amount."""
    amount = queries.confirm_above_jpy(me().organization_id)
    form: Any = PolicyForm(data={"confirm_above_jpy": "" if amount is None else f"{amount:,}"})
    if form.validate_on_submit():
        with attempt(form) as tried:
            actions.set_confirm_above(_amount(form.confirm_above_jpy.data or ""), by=me(), at=clock.now())
        if tried.ok:
            flash(_("変更を保存しました。"), "success")
            return redirect(url_for("policy.edit"), 303)
    return render_template("contracts/policy.html", form=form, amount=amount), 422 if form.errors else 200


def _amount(typed: str) -> int | None:
    digits = typed.replace(",", "")
    if digits and not (digits.isascii() and digits.isdigit()):
        raise Invalid({"confirm_above_jpy": [text("半角の数字で入力してください。")]})
    return int(digits) if digits else None
