"""My organization: its data, its account for payouts, its members."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    EmailField,
    HiddenField,
    PasswordField,
    RadioField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    widgets,
)
from wtforms.validators import InputRequired

from exchange import clock
from exchange.errors import Forbidden, NotFound, text
from exchange.identity import accounts, bank_accounts, joining, managing, queries, rules
from exchange.identity.models import BankAccountChange, Member
from exchange.web.access import me, signed_in
from exchange.web.forms import Form, attempt

blueprint = Blueprint("organization", __name__, url_prefix="/desk/organization")


class MultiCheckboxField(SelectMultipleField):
    """Several of a few choices."""

    widget = widgets.ListWidget(prefix_label=False)
    option_widget = widgets.CheckboxInput()


class ProfileForm(Form):
    """What an owner may change without a new check of identity."""

    name_en = StringField(_l("英語の名称"))
    address = StringField(_l("所在地"), [InputRequired(_l("所在地を300文字以内で入力してください。"))])
    representative = StringField(
        _l("代表者の役職と氏名"), [InputRequired(_l("代表者の役職と氏名を100文字以内で入力してください。"))]
    )
    registration_number = StringField(_l("適格請求書発行事業者の登録番号"))
    introduction = TextAreaField(_l("紹介文"))


class BankAccountForm(Form):
    """Where money is paid out to."""

    bank_code = StringField(_l("金融機関コード"), [InputRequired(_l("金融機関コードは4桁の数字で入力してください。"))])
    bank_name = StringField(_l("金融機関名"), [InputRequired(_l("金融機関名を入力してください。"))])
    branch_code = StringField(_l("支店コード"), [InputRequired(_l("支店コードは3桁の数字で入力してください。"))])
    branch_name = StringField(_l("支店名"), [InputRequired(_l("支店名を入力してください。"))])
    account_type = RadioField(
        _l("預金の種類"),
        [InputRequired(_l("預金の種類を選んでください。"))],
        choices=[(key, _l(title)) for key, title in bank_accounts.TYPES.items()],
    )
    account_number = StringField(_l("口座番号"), [InputRequired(_l("口座番号は7桁の数字で入力してください。"))])
    account_holder_kana = StringField(
        _l("口座名義(カナ)"), [InputRequired(_l("口座名義をカタカナで入力してください。"))]
    )
    password = PasswordField(_l("あなたのパスワード"), [InputRequired(_l("パスワードを入力してください。"))])


class ConfirmAccountForm(Form):
    """The second person's word for an account."""

    password = PasswordField(_l("あなたのパスワード"), [InputRequired(_l("パスワードを入力してください。"))])


class PayerNamesForm(Form):
    """Under which names this organization pays by transfer."""

    payer_names = TextAreaField(_l("振込名義(カナ)"))


class MemberForm(Form):
    """Roles and department of a member."""

    department = StringField(_l("部署"))
    roles = MultiCheckboxField(_l("役割"), [InputRequired(_l("役割を1つ以上選んでください。"))])
    may_bind = BooleanField(_l("この組織を代表して契約を結ぶ権限がある(契約権者)"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = rules.OPERATOR_ROLES if me().is_operator else rules.MEMBER_ROLES
        self.roles.choices = [(role, _(rules.ROLE_TITLES[role])) for role in known]


class InviteForm(MemberForm):
    """Who is invited, and as what."""

    email = EmailField(_l("メールアドレス"), [InputRequired(_l("メールアドレスを入力してください。"))])
    name = StringField(_l("お名前"), [InputRequired(_l("お名前を100文字以内で入力してください。"))])


class ConfirmForm(Form):
    """Nothing but the deed itself."""

    confirm = HiddenField()


@blueprint.get("")
@signed_in()
def show() -> Any:
    """What the exchange knows of my organization, and who belongs to it."""
    member = me()
    return render_template(
        "identity/organization.html",
        organization=member.organization,
        members=queries.members_of(member.organization_id),
        may_manage=rules.may_manage_members(member),
        may_set_account=rules.may_set_bank_account(member) and not member.is_operator,
        kind_titles=rules.KIND_TITLES,
        role_titles=rules.ROLE_TITLES,
        account_types=bank_accounts.TYPES,
        waiting=accounts.waiting_of(member.organization_id),
    )


@blueprint.route("/edit", methods=["GET", "POST"])
@signed_in("owner")
def edit() -> Any:
    """Change the organization's data."""
    organization = me().organization
    form = ProfileForm(obj=organization)
    if form.validate_on_submit():
        with attempt(form) as tried:
            profile = managing.Profile(
                name_en=form.name_en.data or "",
                address=form.address.data,
                representative=form.representative.data,
                introduction=form.introduction.data or "",
                registration_number=form.registration_number.data or "",
            )
            managing.save_profile(organization, profile, by=me(), at=clock.now())
        if tried.ok:
            flash(_("変更を保存しました。"), "success")
            return redirect(url_for("organization.show"), 303)
    page = render_template("identity/organization_edit.html", form=form, organization=organization)
    return page, 422 if form.errors else 200


@blueprint.route("/bank-account", methods=["GET", "POST"])
@signed_in("owner", "accountant")
def bank_account() -> Any:
    """Set the account that payouts go to."""
    organization = me().organization
    form = BankAccountForm(data=organization.bank_account)
    if form.validate_on_submit():
        with attempt(form) as tried:
            account = {name: form[name].data or "" for name in bank_accounts.FIELDS}
            accounts.enter(organization, account, password=form.password.data, by=me(), at=clock.now())
        if tried.ok:
            flash(_("口座を入力しました。別の人が確認すると有効になります。"), "success")
            return redirect(url_for("organization.show"), 303)
    return render_template("identity/bank_account.html", form=form), 422 if form.errors else 200


@blueprint.route("/bank-account/confirm", methods=["GET", "POST"])
@signed_in("owner", "accountant")
def confirm_bank_account() -> Any:
    """A second person looks at the account that waits, and puts it in force."""
    change, form = _waiting_account(), ConfirmAccountForm()
    if form.validate_on_submit():
        with attempt(form) as tried:
            accounts.confirm(change, password=form.password.data, by=me(), at=clock.now())
        if tried.ok:
            flash(_("振込先の口座を有効にしました。"), "success")
            return redirect(url_for("organization.show"), 303)
    page = render_template(
        "identity/bank_account_confirm.html",
        form=form,
        change=change,
        names=queries.names_of({change.entered_by}),
        is_own=change.entered_by == me().id,
        has_other=bool(accounts.others_who_may(change)),
        account_types=bank_accounts.TYPES,
    )
    return page, 422 if form.errors else 200


def _waiting_account() -> BankAccountChange:
    change = accounts.waiting_of(me().organization_id)
    if change is None:
        raise NotFound(text("確認を待っている口座はありません。"))
    return change


@blueprint.post("/bank-account/withdraw")
@signed_in("owner", "accountant")
def withdraw_bank_account() -> Any:
    """Take back an account that nobody confirmed yet."""
    accounts.withdraw(_waiting_account(), by=me(), at=clock.now())
    flash(_("口座の入力を取り下げました。"), "success")
    return redirect(url_for("organization.show"), 303)


@blueprint.route("/payer-names", methods=["GET", "POST"])
@signed_in("owner", "accountant")
def payer_names() -> Any:
    """Under which names my organization pays by transfer."""
    organization = me().organization
    form = PayerNamesForm(data={"payer_names": "\n".join(organization.payer_names)})
    if form.validate_on_submit():
        names = (form.payer_names.data or "").splitlines()
        with attempt(form) as tried:
            managing.save_payer_names(organization, names, by=me(), at=clock.now())
        if tried.ok:
            flash(_("振込名義を保存しました。"), "success")
            return redirect(url_for("organization.show"), 303)
    return render_template("identity/payer_names.html", form=form), 422 if form.errors else 200


def _manager() -> Member:
    member = me()
    if not rules.may_manage_members(member):
        raise Forbidden(text("この操作に必要な役割がありません。組織の責任者にご確認ください。"))
    return member


@blueprint.route("/members/invite", methods=["GET", "POST"])
@signed_in()
def invite() -> Any:
    """Invite a colleague by mail."""
    manager = _manager()
    form = InviteForm()
    if form.validate_on_submit():
        with attempt(form) as tried:
            joining.invite(
                manager.organization,
                email=form.email.data,
                name=form.name.data,
                department=form.department.data or "",
                roles=form.roles.data,
                may_bind=form.may_bind.data,
                by=manager,
                at=clock.now(),
            )
        if tried.ok:
            flash(_("%(email)s に招待のメールを送りました。", email=form.email.data), "success")
            return redirect(url_for("organization.show"), 303)
    page = render_template("identity/invite.html", form=form, is_operator=manager.is_operator)
    return page, 422 if form.errors else 200


@blueprint.route("/members/<member_id>", methods=["GET", "POST"])
@signed_in()
def member(member_id: str) -> Any:
    """Change what a member may do."""
    manager = _manager()
    found = managing.member_seen_by(manager, member_id)
    form = MemberForm(obj=found)
    if form.validate_on_submit():
        with attempt(form) as tried:
            managing.change_member(
                found,
                roles=form.roles.data,
                may_bind=form.may_bind.data,
                department=form.department.data or "",
                by=manager,
                at=clock.now(),
            )
        if tried.ok:
            flash(_("%(name)sさんの役割を保存しました。", name=found.name), "success")
            return redirect(url_for("organization.show"), 303)
    page = render_template("identity/member.html", form=form, member=found, is_operator=manager.is_operator)
    return page, 422 if form.errors else 200


@blueprint.post("/members/<member_id>/invite")
@signed_in()
def invite_again(member_id: str) -> Any:
    """Send the invitation again."""
    manager = _manager()
    found = managing.member_seen_by(manager, member_id)
    joining.invite_again(found, by=manager, at=clock.now())
    flash(_("%(email)s に招待のメールを送りました。", email=found.email), "success")
    return redirect(url_for("organization.show"), 303)


@blueprint.route("/members/<member_id>/remove", methods=["GET", "POST"])
@signed_in()
def remove(member_id: str) -> Any:
    """End a membership, after a page that says what that means."""
    manager = _manager()
    found = managing.member_seen_by(manager, member_id)
    form = ConfirmForm()
    if form.validate_on_submit():
        with attempt(form) as tried:
            managing.remove_member(found, by=manager, at=clock.now())
        if tried.ok:
            flash(_("%(name)sさんをメンバーから外しました。", name=found.name), "success")
            return redirect(url_for("organization.show"), 303)
    return render_template("identity/member_remove.html", form=form, member=found), 422 if form.errors else 200
