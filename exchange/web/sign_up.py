"""Coming in: an organization signs up, an address is confirmed, someone invited sets a password."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, EmailField, HiddenField, PasswordField, RadioField, StringField
from wtforms.validators import InputRequired

from exchange import clock
from exchange.identity import joining, rules, signing_in, terms, throttle
from exchange.web.access import me_or_none, public
from exchange.web.forms import Form, attempt
from exchange.web.presentation import locale
from exchange.web.sign_in import end_session, go_on

blueprint = Blueprint("sign_up", __name__)
SIGN_UPS_PER_MINUTE = 30


class SignUpForm(Form):
    """An organization, and who signs it up. What the numbers must be is said by the rules, all at once."""

    kind = RadioField(
        _l("組織の種類"),
        [InputRequired(_l("組織の種類を選んでください。"))],
        choices=[(kind, _l(rules.KIND_TITLES[kind])) for kind in joining.KINDS],
        validate_choice=False,
    )
    name = StringField(_l("組織の名称"), [InputRequired(_l("組織の名称を200文字以内で入力してください。"))])
    name_en = StringField(_l("英語の名称"))
    corporate_number = StringField(_l("法人番号"))
    municipality_code = StringField(_l("全国地方公共団体コード"))
    registration_number = StringField(_l("適格請求書発行事業者の登録番号"))
    address = StringField(_l("所在地"), [InputRequired(_l("所在地を300文字以内で入力してください。"))])
    representative = StringField(
        _l("代表者の役職と氏名"), [InputRequired(_l("代表者の役職と氏名を100文字以内で入力してください。"))]
    )
    is_abroad = BooleanField(_l("本店または主たる事務所は日本国外にあります"))
    person_name = StringField(_l("お名前"), [InputRequired(_l("お名前を100文字以内で入力してください。"))])
    department = StringField(_l("部署"))
    email = EmailField(_l("メールアドレス"), [InputRequired(_l("メールアドレスを入力してください。"))])
    password = PasswordField(_l("パスワード"), [InputRequired(_l("パスワードを入力してください。"))])
    may_bind = BooleanField(_l("私は、この組織を代表して契約を結ぶ権限を持っています(契約権者)"))
    accept_terms = BooleanField(
        _l("データ提供者規約、データ利用者規約、プライバシーポリシーに同意します"),
        [InputRequired(_l("規約とプライバシーポリシーをお読みのうえ、同意してください。"))],
    )


class WelcomeForm(Form):
    """What an invited person says of themselves."""

    name = StringField(_l("お名前"), [InputRequired(_l("お名前を100文字以内で入力してください。"))])
    password = PasswordField(_l("パスワード"), [InputRequired(_l("パスワードを入力してください。"))])
    accept_terms = BooleanField(_l("データ提供者規約、データ利用者規約、プライバシーポリシーに同意します"))


class ConfirmForm(Form):
    """Nothing but the deed itself: mail scanners open links, but press no buttons."""

    confirm = HiddenField()


@blueprint.route("/sign-up", methods=["GET", "POST"])
@public
def sign_up() -> Any:
    """Sign an organization up; the answer is the same for every mail address."""
    if request.method == "GET" and me_or_none():
        return redirect("/desk", 303)
    form = SignUpForm()
    if request.method == "POST" and _signed_up(form):
        return render_template("identity/mail_sent.html", email=form.email.data, purpose="confirm")
    page = render_template("identity/sign_up.html", form=form, terms=terms.IN_FORCE.values())
    return page, 422 if form.errors else 200


def _signed_up(form: SignUpForm) -> bool:
    form.validate()
    if form.csrf_token.errors or any(field.process_errors for field in form):
        return False
    throttle.take(f"sign-up/{signing_in.network_of(request.remote_addr or '')}", limit=SIGN_UPS_PER_MINUTE, lease=1)
    found = {name: list(field.errors) for name, field in form._fields.items() if field.errors}
    with attempt(form) as tried:
        joining.sign_up(
            _body(form),
            _person(form),
            accepted=list(terms.IN_FORCE) if form.accept_terms.data else [],
            address=request.remote_addr or "",
            at=clock.now(),
        )
    for name, messages in found.items():  # one message a field is enough
        form[name].errors = messages
    return tried.ok and not found


def _body(form: SignUpForm) -> joining.Body:
    return joining.Body(
        kind=form.kind.data or "",
        name=form.name.data or "",
        name_en=form.name_en.data or "",
        corporate_number=form.corporate_number.data or "",
        municipality_code=form.municipality_code.data or "",
        registration_number=form.registration_number.data or "",
        address=form.address.data or "",
        representative=form.representative.data or "",
        is_abroad=bool(form.is_abroad.data),
    )


def _person(form: SignUpForm) -> joining.Person:
    return joining.Person(
        name=form.person_name.data or "",
        department=form.department.data or "",
        email=form.email.data or "",
        password=form.password.data or "",
        may_bind=bool(form.may_bind.data),
        language=locale(),
    )


@blueprint.route("/confirm/<secret>", methods=["GET", "POST"])
@public
def confirm(secret: str) -> Any:
    """Confirm a mail address by a link in a mail and a button."""
    member = joining.holder_of("confirm", secret, at=clock.real_now())[1]
    form = ConfirmForm()
    if form.validate_on_submit():
        joining.confirm_address(secret, at=clock.now())
        flash(_("メールアドレスを確認しました。サインインしてください。"), "success")
        return redirect(url_for("sign_in.sign_in"), 303)
    return render_template("identity/confirm.html", form=form, member=member)


@blueprint.route("/welcome/<secret>", methods=["GET", "POST"])
@public
def welcome(secret: str) -> Any:
    """Let someone invited, or a first administrator, set a password and go on to the second factor."""
    member = joining.holder_of("welcome", secret, at=clock.real_now())[1]
    form = WelcomeForm(name=member.name)
    if form.validate_on_submit():
        with attempt(form) as tried:
            member = joining.come_in(
                secret,
                name=form.name.data,
                password=form.password.data,
                accepted=list(terms.IN_FORCE) if form.accept_terms.data else [],
                address=request.remote_addr or "",
                at=clock.now(),
            )
        if tried.ok:
            end_session()
            return go_on(member, "/desk")
    page = render_template("identity/welcome.html", form=form, member=member, terms=terms.IN_FORCE.values())
    return page, 422 if form.errors else 200
