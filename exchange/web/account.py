"""One's own account: name, language, password, second factor."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, session, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import PasswordField, RadioField, StringField
from wtforms.validators import InputRequired, Length

from exchange import audit, clock
from exchange.errors import Invalid, text
from exchange.identity import actions, second_factor, signing_in
from exchange.web.access import me, signed_in
from exchange.web.forms import Form, attempt
from exchange.web.sign_in import CodeForm, end_session, qr_code

blueprint = Blueprint("account", __name__, url_prefix="/desk/account")


class PersonForm(Form):
    """Name, department and language."""

    name = StringField(
        _l("お名前"),
        [
            InputRequired(_l("お名前を100文字以内で入力してください。")),
            Length(max=100, message=_l("お名前を100文字以内で入力してください。")),
        ],
    )
    department = StringField(_l("部署"), [Length(max=100, message=_l("部署名は100文字以内で入力してください。"))])
    language = RadioField(_l("表示する言語"), choices=[("ja", "日本語"), ("en", "English")])


class PasswordForm(Form):
    """A new password, for someone who knows the present one."""

    current = PasswordField(_l("現在のパスワード"), [InputRequired(_l("現在のパスワードを入力してください。"))])
    password = PasswordField(_l("新しいパスワード"), [InputRequired(_l("新しいパスワードを入力してください。"))])


class SureForm(Form):
    """The password again, before something that weakens the account."""

    password = PasswordField(_l("パスワード"), [InputRequired(_l("パスワードを入力してください。"))])


@blueprint.route("", methods=["GET", "POST"])
@signed_in()
def show() -> Any:
    """Name and language; ways to the rest."""
    member = me()
    form = PersonForm(obj=member)
    if form.validate_on_submit():
        member.name, member.department = form.name.data, form.department.data or ""
        member.language = session["lang"] = form.language.data
        audit.record("member.save", actor=member.id, subject=f"member/{member.id}", at=clock.now())
        flash(_("変更を保存しました。"), "success")
        return redirect(url_for("account.show"), 303)
    return _page(form), 422 if form.errors else 200


def _page(form: PersonForm) -> str:
    member = me()
    return render_template(
        "identity/account.html",
        form=form,
        member=member,
        second_factor_on=second_factor.is_on(member),
        second_factor_demanded=second_factor.is_demanded(member),
        recovery_codes_left=len(member.recovery_hashes or []),
    )


@blueprint.route("/password", methods=["GET", "POST"])
@signed_in()
def change_password() -> Any:
    """A new password; every session ends, this one too."""
    form = PasswordForm()
    if form.validate_on_submit():
        attempt_id = signing_in.begin(me().email, "", at=clock.real_now())
        with attempt(form) as tried:
            if not actions.password_fits(me(), form.current.data):
                raise Invalid({"current": [text("現在のパスワードが正しくありません。")]})
            actions.set_password(me(), form.password.data, at=clock.now())
        if form.current.errors == []:
            signing_in.went_well(attempt_id)
        if tried.ok:
            end_session()
            flash(
                _("パスワードを変更し、すべての端末でサインアウトしました。新しいパスワードでサインインしてください。"),
                "success",
            )
            return redirect(url_for("sign_in.sign_in"), 303)
    return render_template("identity/change_password.html", form=form), 422 if form.errors else 200


@blueprint.route("/second-factor", methods=["GET", "POST"])
@signed_in()
def set_up() -> Any:
    """Turn the second factor on with a first code."""
    member = me()
    if second_factor.is_on(member):
        return redirect(url_for("account.show"), 303)
    second_factor.begin(member)
    form = CodeForm()
    if form.validate_on_submit():
        with attempt(form) as tried:
            codes = second_factor.confirm(member, form.code.data, at=clock.real_now())
        if tried.ok:
            return render_template("identity/recovery_codes.html", codes=codes, target=url_for("account.show"))
    page = render_template(
        "identity/second_factor_set_up.html",
        form=form,
        member=member,
        image=qr_code(second_factor.provisioning_uri(member)),
        action=url_for("account.set_up"),
        demanded=False,
    )
    return page, 422 if form.errors else 200


@blueprint.route("/second-factor/remove", methods=["GET", "POST"])
@signed_in()
def remove() -> Any:
    """Turn the second factor off, for those who may do without."""
    form = SureForm()
    if form.validate_on_submit():
        with attempt(form) as tried:
            second_factor.remove(me(), password=form.password.data, at=clock.now())
        if tried.ok:
            flash(_("二段階認証を解除しました。"), "success")
            return redirect(url_for("account.show"), 303)
    return render_template("identity/second_factor_remove.html", form=form), 422 if form.errors else 200


@blueprint.route("/recovery-codes", methods=["GET", "POST"])
@signed_in()
def renew_recovery_codes() -> Any:
    """New recovery codes; the earlier ones are void."""
    if not second_factor.is_on(me()):
        return redirect(url_for("account.set_up"), 303)
    form = SureForm()
    if form.validate_on_submit():
        if actions.password_fits(me(), form.password.data):
            codes = second_factor.renew_recovery_codes(me(), at=clock.now())
            return render_template("identity/recovery_codes.html", codes=codes, target=url_for("account.show"))
        form.password.errors = [_("パスワードが正しくありません。")]
    return render_template("identity/renew_recovery_codes.html", form=form), 422 if form.errors else 200
