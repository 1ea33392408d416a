"""A hearing before an organization is suspended: the administrators' steps, and the organization's answer."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateField, RadioField, StringField, TextAreaField
from wtforms.validators import InputRequired, Optional

from exchange import clock
from exchange.errors import NotFound, text
from exchange.identity import hearings, queries, rules
from exchange.identity.models import Member, Organization
from exchange.web import desk
from exchange.web.access import me, operator, signed_in
from exchange.web.forms import Form, attempt

blueprint = Blueprint("hearings", __name__, url_prefix="/desk")
GROUND = TextAreaField(_l("理由(確かめた事実)"), [InputRequired(_l("理由を入力してください。"))])
ARTICLE = StringField(_l("根拠となる規約の条"), [InputRequired(_l("根拠となる条を入力してください。"))])


class NoticeForm(Form):
    """The ground for a measure, and until when it may be answered."""

    ground, article = GROUND, ARTICLE
    answer_by = DateField(_l("弁明の期限"), [Optional()], format="%Y-%m-%d", render_kw={"type": "date"})


class UrgentForm(Form):
    """The ground for a suspension at once, and why it cannot wait."""

    ground, article = GROUND, ARTICLE
    urgency = TextAreaField(_l("急ぐ理由"), [InputRequired(_l("先に停止しなければならない理由を入力してください。"))])


class DecisionForm(Form):
    """What is decided, and why; the organization is told."""

    decision = RadioField(_l("決定"), [InputRequired(_l("決定を選んでください。"))], validate_choice=False)
    reason = TextAreaField(_l("決定の理由"), [InputRequired(_l("理由を入力してください。"))])


class AnswerForm(Form):
    """What the organization has to say."""

    answer = TextAreaField(_l("弁明"), [InputRequired(_l("弁明を入力してください。"))])


def _organization(organization_id: str) -> Organization:
    found = queries.organization(organization_id)
    if found.kind == "operator":
        raise NotFound()
    return found


def _step(organization: Organization, form: Form, deed: Callable[[], Any], **shown: Any) -> Any:
    """A page that asks for what a step needs, and the step."""
    if form.validate_on_submit():
        with attempt(form) as tried:
            deed()
        if tried.ok:
            flash(_("記録し、%(name)s に知らせました。", name=organization.name), "success")
            return redirect(url_for("organizations.show", organization_id=organization.id), 303)
    page = render_template("operator/hearing_step.html", form=form, organization=organization, **shown)
    return page, 422 if form.errors else 200


@blueprint.route("/organizations/<organization_id>/hearing", methods=["GET", "POST"])
@operator("approver")
def notice(organization_id: str) -> Any:
    """Tell an organization why it is to be suspended, and until when it may answer."""
    organization, at = _organization(organization_id), clock.now()
    form = NoticeForm(data={"answer_by": clock.today() + timedelta(hearings.ANSWER_DAYS_MIN)})

    def deed() -> None:
        told: dict[str, Any] = {name: form[name].data for name in ("ground", "article", "answer_by")}
        hearings.give_notice(organization, **told, by=me(), at=at)

    lead = _("規約により、停止の前に理由を知らせ、14日以上の期間を定めて弁明を待ちます。")
    return _step(organization, form, deed, heading=_("理由を知らせて弁明を待つ"), lead=lead, button=_("知らせる"))


@blueprint.route("/organizations/<organization_id>/suspend-at-once", methods=["GET", "POST"])
@operator("approver")
def at_once(organization_id: str) -> Any:
    """Suspend an organization where harm must be prevented, and hear it afterwards."""
    organization, form, at = _organization(organization_id), UrgentForm(), clock.now()

    def deed() -> None:
        told: dict[str, Any] = {name: form[name].data for name in ("ground", "article", "urgency")}
        hearings.suspend_at_once(organization, **told, by=me(), at=at)

    lead = _(
        "急いで被害を防ぐ必要があるときだけ、先に停止できます。弁明を受けた日から14日以内に、続けるかどうかを決めます。"
    )
    return _step(organization, form, deed, heading=_("急いで利用を停止する"), lead=lead, button=_("すぐに停止する"))


@blueprint.route("/organizations/<organization_id>/decision", methods=["GET", "POST"])
@operator("approver")
def decision(organization_id: str) -> Any:
    """Decide, once the organization was heard."""
    organization, form, at = _organization(organization_id), DecisionForm(), clock.now()
    found = hearings.open_of(organization.id)
    if found is None:
        raise NotFound(text("決定を待っている手続はありません。"))
    form.decision.choices = [(key, text(hearings.DECISIONS[key][0])) for key in found.choices]

    def deed() -> None:
        told: dict[str, Any] = {"decision": form.decision.data, "reason": form.reason.data}
        hearings.decide(organization, **told, by=me(), at=at)

    lead = _("弁明を読み、理由とともに決定を知らせます。")
    return _step(organization, form, deed, heading=_("措置を決定する"), lead=lead, button=_("決定する"), hearing=found)


@blueprint.route("/hearing", methods=["GET", "POST"])
@signed_in("owner")
def own() -> Any:
    """What one's own organization is told, its answer, and what was decided."""
    found, form = hearings.seen_by(me()), AnswerForm()
    if form.validate_on_submit():
        with attempt(form) as tried:
            hearings.answer(me().organization_id, form.answer.data or "", by=me(), at=clock.now())
        if tried.ok:
            flash(_("弁明を提出しました。決定をお待ちください。"), "success")
            return redirect(url_for("hearings.own"), 303)
    page = render_template("identity/hearing.html", hearings=found, form=form, decisions=hearings.DECISIONS)
    return page, 422 if form.errors else 200


def waiting(member: Member) -> list[desk.Task]:
    """A notice to answer, for owners; hearings to decide, for those who decide."""
    if member.is_operator:
        found = hearings.to_decide(at=clock.now()) if rules.has_role(member, "approver") else []
        if not found:
            return []
        due_on = min((each.decide_by for each in found if each.decide_by), default=None)
        url = url_for("organizations.show", organization_id=found[0].organization_id)
        return [desk.Task(text("措置の決定"), len(found), found[0].noticed_at, url, due_on)]
    asked = hearings.open_of(member.organization_id) if rules.has_role(member, "owner") else None
    if asked is None or asked.answered_at is not None:
        return []
    return [desk.Task(text("利用停止についての弁明"), 1, asked.noticed_at, url_for("hearings.own"), asked.answer_by)]
