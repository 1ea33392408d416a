"""API tokens on the desk: made, shown once, revoked."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, session, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import IntegerField, StringField
from wtforms.validators import InputRequired

from exchange import clock
from exchange.identity import actions, queries
from exchange.web.access import me, signed_in
from exchange.web.forms import Form, attempt

blueprint = Blueprint("tokens", __name__, url_prefix="/desk/tokens")
DAYS_DEFAULT = 90


class TokenForm(Form):
    """What a token is for, and for how long."""

    name = StringField(_l("名前"), [InputRequired(_l("名前は1文字以上100文字以内で入力してください。"))])
    days = IntegerField(
        _l("有効期間(日)"), [InputRequired(_l("有効期間を日数で入力してください。"))], default=DAYS_DEFAULT
    )


@blueprint.route("", methods=["GET", "POST"])
@signed_in()
def show() -> Any:
    """One's tokens, and a form for a new one. The new secret is shown on the page after, and nowhere else."""
    form = TokenForm()
    if form.validate_on_submit():
        with attempt(form) as tried:
            token, secret = actions.issue_token(me(), name=form.name.data, days=form.days.data, at=clock.real_now())
        if tried.ok:
            session["new_token"] = {"name": token.name, "secret": secret}
            return redirect(url_for("tokens.show"), 303)
    page = render_template(
        "identity/tokens.html",
        form=form,
        tokens=queries.tokens_of(me()),
        now=clock.real_now(),
        new_token=session.pop("new_token", None),
    )
    return page, 422 if form.errors else 200


@blueprint.post("/<token_id>/revoke")
@signed_in()
def revoke(token_id: str) -> Any:
    """End a token."""
    token = actions.revoke_token(token_id, by=me(), at=clock.real_now())
    flash(_("トークン「%(name)s」を取り消しました。", name=token.name), "success")
    return redirect(url_for("tokens.show"), 303)
