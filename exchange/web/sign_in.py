"""Signing in and out: password, second factor, forgotten password.

    /sign-in ──password──> signed in
        │  └──second factor on──> /sign-in/second-factor ──code──> signed in
        └──administrator without one──> /sign-in/second-factor/set-up ──code──> recovery codes, signed in

What is proved so far is kept in the session cookie for ten minutes; the member is signed in only at the end.
"""

from typing import Any
from urllib.parse import urlsplit

import segno
from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import login_user, logout_user
from werkzeug.wrappers import Response
from wtforms import EmailField, HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired

from exchange import clock
from exchange.errors import TooMany, Unauthorized, text
from exchange.identity import actions, joining, queries, second_factor, signing_in, throttle
from exchange.identity.models import Member
from exchange.web.access import SignedIn, me_or_none, public
from exchange.web.forms import Form, attempt
from exchange.web.presentation import LANGUAGES

blueprint = Blueprint("sign_in", __name__)
PENDING_SECONDS = 600
RESETS_PER_MINUTE = 30


class SignInForm(Form):
    """Mail address and password."""

    email = EmailField(_l("メールアドレス"), [InputRequired(_l("メールアドレスを入力してください。"))])
    password = PasswordField(_l("パスワード"), [InputRequired(_l("パスワードを入力してください。"))])
    next = HiddenField()


class CodeForm(Form):
    """A code of the authenticator app, or a recovery code."""

    code = StringField(_l("確認コード"), [InputRequired(_l("確認コードを入力してください。"))])


class ResetRequestForm(Form):
    """Where to send a link to."""

    email = EmailField(_l("メールアドレス"), [InputRequired(_l("メールアドレスを入力してください。"))])


class NewPasswordForm(Form):
    """A new password."""

    password = PasswordField(_l("新しいパスワード"), [InputRequired(_l("新しいパスワードを入力してください。"))])


def local_path(target: str | None) -> str:
    """Where to go after signing in: a path of this site, else the desk."""
    target = target or ""
    parts = urlsplit(target)
    is_local = target.startswith("/") and not target.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return target if is_local and target.isprintable() and "\\" not in target else "/desk"


@blueprint.route("/sign-in", methods=["GET", "POST"])
@public
def sign_in() -> Any:
    """Ask for mail address and password."""
    form = SignInForm(next=request.args.get("next"))
    if request.method == "GET" and me_or_none():
        return redirect(local_path(form.next.data), 303)
    if form.validate_on_submit():
        return _try_password(form)
    return render_template("identity/sign_in.html", form=form), 422 if form.errors else 200


def _try_password(form: SignInForm) -> Any:
    email, address, at = form.email.data, request.remote_addr or "", clock.real_now()
    try:
        attempt_id = signing_in.begin(email, address, at=at)
    except TooMany as refusal:
        form.form_errors.append(str(refusal.detail))
        return render_template("identity/sign_in.html", form=form), 429, refusal.headers()
    member = queries.member_by_email(email)
    if not actions.password_fits(member, form.password.data) or member is None:
        form.form_errors.append(_("メールアドレスまたはパスワードが正しくありません。"))
        return render_template("identity/sign_in.html", form=form), 422
    signing_in.went_well(attempt_id)
    if member.confirmed_at is None:
        joining.send_confirmation_again(member, at=clock.now())
        form.form_errors.append(
            _("メールアドレスの確認が済んでいません。確認のメールをもう一度送りましたので、リンクを開いてください。")
        )
        return render_template("identity/sign_in.html", form=form), 422
    return go_on(member, form.next.data)


def go_on(member: Member, target: str | None) -> Response:
    """The next step for someone whose password was right: a second factor, setting one up, or in."""
    if second_factor.is_on(member):
        return _wait_for(member, target, "sign_in.ask_code")
    if second_factor.is_demanded(member):
        return _wait_for(member, target, "sign_in.set_up")
    _come_in(member)
    return redirect(local_path(target), 303)


def _wait_for(member: Member, target: str | None, endpoint: str) -> Response:
    session["pending"] = {
        "member": member.id,
        "stamp": member.session_stamp,
        "at": int(clock.real_now().timestamp()),
        "next": local_path(target),
    }
    return redirect(url_for(endpoint), 303)


def _pending() -> tuple[Member, str]:
    """Who gave the right password within the last ten minutes; raises `Unauthorized` when nobody did."""
    kept = session.get("pending") or {}
    fresh = clock.real_now().timestamp() - kept.get("at", 0) < PENDING_SECONDS
    member = queries.member(kept["member"]) if fresh else None
    if member is None or member.session_stamp != kept["stamp"]:
        raise Unauthorized(text("もう一度メールアドレスとパスワードを入力してください。"))
    return member, str(kept["next"])


def _come_in(member: Member) -> None:
    language = session.get("lang", member.language)
    session.clear()  # nothing of before, so that no session is handed over
    session["lang"] = language if language in LANGUAGES else "ja"
    session.permanent = True
    login_user(SignedIn(member))
    signing_in.forget_failures(member)
    signing_in.record(member, address=request.remote_addr or "", at=clock.now())


@blueprint.route("/sign-in/second-factor", methods=["GET", "POST"])
@public
def ask_code() -> Any:
    """Ask for a code of the app, or a recovery code."""
    member, target = _pending()
    form = CodeForm()
    if form.validate_on_submit():
        try:
            attempt_id = signing_in.begin(member.email, request.remote_addr or "", at=clock.real_now())
        except TooMany as refusal:
            form.form_errors.append(str(refusal.detail))
            return render_template("identity/second_factor.html", form=form), 429, refusal.headers()
        if second_factor.passes(member, form.code.data, at=clock.real_now()):
            signing_in.went_well(attempt_id)
            _come_in(member)
            return redirect(target, 303)
        form.code.errors = [_(second_factor.WRONG)]
    return render_template("identity/second_factor.html", form=form), 422 if form.errors else 200


@blueprint.route("/sign-in/second-factor/set-up", methods=["GET", "POST"])
@public
def set_up() -> Any:
    """Let an administrator set up the second factor without which nobody of theirs signs in."""
    member, target = _pending()
    if second_factor.is_on(member):
        return redirect(url_for("sign_in.ask_code"), 303)
    second_factor.begin(member)
    form = CodeForm()
    if form.validate_on_submit():
        with attempt(form) as tried:
            codes = second_factor.confirm(member, form.code.data, at=clock.real_now())
        if tried.ok:
            _come_in(member)
            return render_template("identity/recovery_codes.html", codes=codes, target=target)
    page = render_template(
        "identity/second_factor_set_up.html",
        form=form,
        member=member,
        image=qr_code(second_factor.provisioning_uri(member)),
        action=url_for("sign_in.set_up"),
        demanded=True,
    )
    return page, 422 if form.errors else 200


def qr_code(words: str) -> str:
    """A QR code as an SVG image in a `data:` address, which our content security policy allows for images."""
    return segno.make(words, error="m").svg_data_uri(scale=5, border=4, dark="#000", light="#fff")


@blueprint.post("/sign-out")
@public
def sign_out() -> Response:
    """End this session."""
    end_session()
    flash(_("サインアウトしました。"), "success")
    return redirect("/", 303)


@blueprint.route("/password-reset", methods=["GET", "POST"])
@public
def ask_for_reset() -> Any:
    """Send a link to set a new password; the answer is the same for every address."""
    form = ResetRequestForm()
    if form.validate_on_submit():
        throttle.take(f"reset/{signing_in.network_of(request.remote_addr or '')}", limit=RESETS_PER_MINUTE, lease=1)
        joining.ask_for_reset(form.email.data, at=clock.now())
        return render_template("identity/mail_sent.html", email=form.email.data, purpose="reset")
    return render_template("identity/ask_for_reset.html", form=form), 422 if form.errors else 200


@blueprint.route("/reset/<secret>", methods=["GET", "POST"])
@public
def reset(secret: str) -> Any:
    """Set a new password by a link in a mail."""
    member = joining.holder_of("reset", secret, at=clock.real_now())[1]
    form = NewPasswordForm()
    if form.validate_on_submit():
        with attempt(form) as tried:
            member = joining.reset_password(secret, form.password.data, at=clock.now())
        if tried.ok:
            signing_in.forget_failures(member)
            end_session()
            flash(_("新しいパスワードを設定しました。サインインしてください。"), "success")
            return redirect(url_for("sign_in.sign_in"), 303)
    return render_template("identity/reset.html", form=form, member=member), 422 if form.errors else 200


def end_session() -> None:
    """Forget who was signed in here, keep the language."""
    language = session.get("lang")
    logout_user()
    session.clear()
    if language in LANGUAGES:
        session["lang"] = language
