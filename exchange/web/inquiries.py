"""Letters to the exchange: the public form, and the administrators' desk."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import EmailField, HiddenField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired

from exchange import clock, settings
from exchange.errors import N_, TooMany, text
from exchange.identity import inquiries, queries, signing_in, throttle
from exchange.identity.models import Member
from exchange.web import desk
from exchange.web.access import me, me_or_none, operator, public
from exchange.web.forms import Form, attempt

blueprint = Blueprint("inquiries", __name__)
LETTERS_PER_HOUR = 20
FILTERS = {"open": inquiries.OPEN, "answered": ("answered",), "closed": ("closed",), "all": ()}
FILTER_TITLES = {"open": N_("未回答"), "answered": N_("回答済み"), "closed": N_("終了"), "all": N_("すべて")}


class ContactForm(Form):
    """A question or complaint."""

    kind = SelectField(
        _l("お問い合わせの種類"),
        [InputRequired(_l("お問い合わせの種類を選んでください。"))],
        choices=[("", _l("選んでください"))] + [(key, _l(title)) for key, title in inquiries.KINDS.items()],
        validate_choice=False,
    )
    name = StringField(_l("お名前"), [InputRequired(_l("お名前を100文字以内で入力してください。"))])
    email = EmailField(_l("メールアドレス"), [InputRequired(_l("メールアドレスを入力してください。"))])
    organization_name = StringField(_l("組織名"))
    about = StringField(_l("対象のページや契約番号"))
    body = TextAreaField(_l("内容"), [InputRequired(_l("内容を入力してください。"))])


class AnswerForm(Form):
    """What is answered by mail."""

    answer = TextAreaField(_l("回答"), [InputRequired(_l("回答を入力してください。"))])


class DeedForm(Form):
    """Nothing but the deed itself."""

    deed = HiddenField()


@blueprint.route("/contact", methods=["GET", "POST"])
@public
def contact() -> Any:
    """Write to the exchange; no account is needed."""
    member = me_or_none()
    form = ContactForm(
        name=member.name if member else None,
        email=member.email if member else None,
        organization_name=member.organization.name if member else None,
        about=request.args.get("about", "")[:500],
    )
    if form.validate_on_submit():
        _limit()
        with attempt(form) as tried:
            inquiry = inquiries.receive(_letter(form), by=member, at=clock.now())
        if tried.ok:
            return render_template("legal/contact_received.html", inquiry=inquiry)
    page = render_template("legal/contact.html", form=form, settings=settings.current())
    return page, 422 if form.errors else 200


def _limit() -> None:
    network = signing_in.network_of(request.remote_addr or "")
    try:
        throttle.take(f"contact/{network}", limit=LETTERS_PER_HOUR, seconds=3600, lease=1)
    except TooMany as refusal:
        words = text("短い時間に多くのお問い合わせをいただきました。1時間ほど置いてから、もう一度お送りください。")
        raise TooMany(words, retry_after=refusal.retry_after) from None


def _letter(form: ContactForm) -> inquiries.Letter:
    return inquiries.Letter(
        kind=form.kind.data,
        name=form.name.data,
        email=form.email.data,
        organization_name=form.organization_name.data or "",
        about=form.about.data or "",
        body=form.body.data,
    )


@blueprint.get("/desk/inquiries")
@operator()
def index() -> Any:
    """Letters, those without an answer first to be seen."""
    chosen = request.args.get("state", "open")
    chosen = chosen if chosen in FILTERS else "open"
    page = inquiries.listed(states=FILTERS[chosen], cursor=request.args.get("cursor"))
    return render_template(
        "operator/inquiries.html",
        page=page,
        chosen=chosen,
        filters=FILTER_TITLES,
        today=clock.today(),
        kinds=inquiries.KINDS,
        states=inquiries.STATES,
        next_url=url_for("inquiries.index", state=chosen, cursor=page.next_cursor) if page.next_cursor else None,
        first_url=url_for("inquiries.index", state=chosen) if request.args.get("cursor") else None,
    )


@blueprint.route("/desk/inquiries/<inquiry_id>", methods=["GET", "POST"])
@operator()
def show(inquiry_id: str) -> Any:
    """One letter, and its answer."""
    inquiry = inquiries.by_id(inquiry_id, lock=request.method == "POST")
    form = AnswerForm()
    if form.validate_on_submit():
        with attempt(form) as tried:
            inquiries.answer(inquiry, form.answer.data, by=me(), at=clock.now())
        if tried.ok:
            flash(_("回答をメールで送りました。"), "success")
            return redirect(url_for("inquiries.show", inquiry_id=inquiry.id), 303)
    page = render_template(
        "operator/inquiry.html",
        inquiry=inquiry,
        form=form,
        kinds=inquiries.KINDS,
        states=inquiries.STATES,
        allowed=inquiries.allowed(inquiry),
        today=clock.today(),
        names=queries.names_of({inquiry.answered_by} if inquiry.answered_by else set()),
    )
    return page, 422 if form.errors else 200


@blueprint.post("/desk/inquiries/<inquiry_id>/investigate")
@operator()
def investigate(inquiry_id: str) -> Any:
    """Say that someone looks into it."""
    inquiry = inquiries.by_id(inquiry_id, lock=True)
    inquiries.investigate(inquiry, by=me(), at=clock.now())
    return redirect(url_for("inquiries.show", inquiry_id=inquiry.id), 303)


@blueprint.post("/desk/inquiries/<inquiry_id>/close")
@operator()
def close(inquiry_id: str) -> Any:
    """Say that nothing is left to do."""
    inquiry = inquiries.by_id(inquiry_id, lock=True)
    inquiries.close(inquiry, by=me(), at=clock.now())
    return redirect(url_for("inquiries.show", inquiry_id=inquiry.id), 303)


def waiting(member: Member) -> list[desk.Task]:
    """Letters without an answer, for administrators."""
    if not member.is_operator:
        return []
    (count, oldest), late = inquiries.waiting(), inquiries.late(at=clock.now())
    due_on = clock.day_of(oldest + inquiries.ANSWER_WITHIN) if oldest else None
    tasks = [desk.Task(text("お問い合わせへの回答"), count, oldest, url_for("inquiries.index"), due_on)]
    if late:
        first = min(each.begin_by or each.answer_by for each in late)
        title = text("約束の期限を過ぎたお問い合わせ・苦情")
        tasks.append(desk.Task(title, len(late), late[0].received_at, url_for("inquiries.index"), first))
    return tasks
