"""Administrators look at organizations, verify and suspend them."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateField, PasswordField, TextAreaField
from wtforms.validators import InputRequired, Optional

from exchange import audit, clock
from exchange.errors import N_, NotFound, text
from exchange.identity import accounts, bank_accounts, hearings, managing, queries, rules
from exchange.identity.models import Member, Organization
from exchange.web import desk
from exchange.web.access import me, operator
from exchange.web.forms import Form, attempt

blueprint = Blueprint("organizations", __name__, url_prefix="/desk/organizations")
STATES = {
    "pending": (N_("確認待ち"), "warning"),
    "verified": (N_("確認済み"), "success"),
    "suspended": (N_("利用停止中"), "error"),
}


class VerifyForm(Form):
    """What the register of qualified invoice issuers says."""

    registration_valid_from = DateField(_l("登録年月日"), [Optional()], format="%Y-%m-%d", render_kw={"type": "date"})
    registration_valid_until = DateField(
        _l("登録の取消・失効の日"), [Optional()], format="%Y-%m-%d", render_kw={"type": "date"}
    )


class SuspendForm(Form):
    """Why an organization is suspended; it is told so."""

    reason = TextAreaField(_l("理由"), [InputRequired(_l("理由を入力してください。"))])


class AccountForm(Form):
    """How the organization was asked about an account that nobody else there can confirm."""

    checked = TextAreaField(
        _l("確認の方法と結果"), [InputRequired(_l("組織にどのように確認したかを500文字以内で入力してください。"))]
    )
    password = PasswordField(_l("あなたのパスワード"), [InputRequired(_l("パスワードを入力してください。"))])


@blueprint.get("")
@operator()
def index() -> Any:
    """Organizations, by state and name."""
    state = request.args.get("state") if request.args.get("state") in STATES else None
    q = request.args.get("q", "").strip()[:200]
    page = managing.organizations(state=state, q=q, cursor=request.args.get("cursor"))
    return render_template(
        "operator/organizations.html",
        page=page,
        state=state,
        q=q,
        states=STATES,
        kind_titles=rules.KIND_TITLES,
        next_url=url_for("organizations.index", state=state, q=q or None, cursor=page.next_cursor)
        if page.next_cursor
        else None,
        first_url=url_for("organizations.index", state=state, q=q or None) if request.args.get("cursor") else None,
    )


def _organization(organization_id: str) -> Organization:
    found = queries.organization(organization_id)
    if found.kind == "operator":
        raise NotFound()
    return found


@blueprint.get("/<organization_id>")
@operator()
def show(organization_id: str) -> Any:
    """One organization with what the exchange could check by itself."""
    organization = _organization(organization_id)
    return _page(organization, VerifyForm(obj=organization), SuspendForm())


def _page(organization: Organization, verify_form: VerifyForm, suspend_form: SuspendForm) -> Any:
    members = queries.members_of(organization.id)
    history = audit.entries(subject=f"organization/{organization.id}").items
    held = hearings.of(organization.id)
    page = render_template(
        "operator/organization.html",
        organization=organization,
        members=members,
        checks=managing.checks(organization, members),
        history=history,
        names=queries.names_of({entry.actor for entry in history if entry.actor}),
        verify_form=verify_form,
        suspend_form=suspend_form,
        states=STATES,
        kind_titles=rules.KIND_TITLES,
        role_titles=rules.ROLE_TITLES,
        may_decide=rules.has_role(me(), "approver"),
        held=held,
        hearing=next((each for each in held if each.decision is None), None),
        decisions=hearings.DECISIONS,
    )
    return page, 422 if verify_form.errors or suspend_form.errors else 200


@blueprint.post("/<organization_id>/verify")
@operator("approver")
def verify(organization_id: str) -> Any:
    """Say that an organization is who it claims to be."""
    organization = _organization(organization_id)
    form = VerifyForm()
    if form.validate_on_submit():
        with attempt(form) as tried:
            managing.verify(
                organization,
                registration_valid_from=form.registration_valid_from.data,
                registration_valid_until=form.registration_valid_until.data,
                by=me(),
                at=clock.now(),
            )
        if tried.ok:
            flash(_("%(name)s を確認済みにしました。", name=organization.name), "success")
            return redirect(url_for("organizations.show", organization_id=organization.id), 303)
    return _page(organization, form, SuspendForm(formdata=None))


@blueprint.post("/<organization_id>/registration")
@operator("approver", "finance")
def registration(organization_id: str) -> Any:
    """Keep what the register of qualified invoice issuers says of a verified organization."""
    organization = _organization(organization_id)
    form = VerifyForm()
    if form.validate_on_submit():
        with attempt(form) as tried:
            managing.record_registration(
                organization,
                valid_from=form.registration_valid_from.data,
                valid_until=form.registration_valid_until.data,
                by=me(),
                at=clock.now(),
            )
        if tried.ok:
            flash(_("変更を保存しました。"), "success")
            return redirect(url_for("organizations.show", organization_id=organization.id), 303)
    return _page(organization, form, SuspendForm(formdata=None))


@blueprint.post("/<organization_id>/suspend")
@operator("approver")
def suspend(organization_id: str) -> Any:
    """Turn away an organization that was never verified, for a reason it is told."""
    organization = _organization(organization_id)
    form = SuspendForm()
    if form.validate_on_submit():
        with attempt(form) as tried:
            managing.suspend(organization, reason=form.reason.data, by=me(), at=clock.now())
        if tried.ok:
            flash(_("%(name)s の利用を停止しました。", name=organization.name), "success")
            return redirect(url_for("organizations.show", organization_id=organization.id), 303)
    return _page(organization, VerifyForm(formdata=None, obj=organization), form)


@blueprint.route("/<organization_id>/bank-account", methods=["GET", "POST"])
@operator("finance")
def bank_account(organization_id: str) -> Any:
    """Confirm an account for payouts where the organization has nobody else to do it."""
    organization, form = _organization(organization_id), AccountForm()
    change = accounts.waiting_of(organization.id)
    if change is None:
        raise NotFound(text("確認を待っている口座はありません。"))
    if form.validate_on_submit():
        with attempt(form) as tried:
            accounts.confirm(
                change, password=form.password.data, checked=form.checked.data or "", by=me(), at=clock.now()
            )
        if tried.ok:
            flash(_("振込先の口座を有効にしました。"), "success")
            return redirect(url_for("organizations.show", organization_id=organization.id), 303)
    page = render_template(
        "operator/bank_account.html",
        form=form,
        organization=organization,
        change=change,
        names=queries.names_of({change.entered_by}),
        others=accounts.others_who_may(change),
        account_types=bank_accounts.TYPES,
    )
    return page, 422 if form.errors else 200


def accounts_waiting(member: Member) -> list[desk.Task]:
    """Accounts for payouts that a second person has to confirm."""
    found = accounts.waiting_for(member)
    if not found:
        return []
    own = url_for("organization.confirm_bank_account")
    url = url_for("organizations.bank_account", organization_id=found[0].organization_id) if member.is_operator else own
    return [desk.Task(text("振込先の口座の確認"), len(found), found[0].entered_at, url)]


def waiting(member: Member) -> list[desk.Task]:
    """Organizations that wait for an administrator, for those who verify."""
    if not member.is_operator or not rules.has_role(member, "approver"):
        return []
    count, oldest = managing.waiting()
    return [desk.Task(text("組織の確認"), count, oldest, url_for("organizations.index", state="pending"))]
