"""What the operator sets: name, registration number, bank account, fees, deadlines."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import EmailField, IntegerField, RadioField, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from exchange import clock, settings
from exchange.errors import Invalid, Words, text
from exchange.identity import bank_accounts, queries, rules
from exchange.settings import Settings
from exchange.web.access import me, operator
from exchange.web.forms import Form, attempt

blueprint = Blueprint("settings", __name__, url_prefix="/desk/settings")
FEE_KINDS = ("company", "municipality", "npo", "university")
CHARGE = _l("0円から2,000円までの整数で入力してください。")
KEEP = _l("保存年数は7から30までの整数で入力してください。")
MONTH = _l("決算月は1から12までの整数で入力してください。")
PERCENT = _l("手数料率は0から50までの整数で入力してください。")


def _percent(kind: str) -> IntegerField:
    checks = [InputRequired(PERCENT), NumberRange(0, 50, message=PERCENT)]
    return IntegerField(_l(rules.KIND_TITLES[kind]), checks)


def _days(label: Any, most: int, least: int = 1) -> IntegerField:
    message = _l("%(least)s日から%(most)s日までの日数を入力してください。", least=least, most=most)
    return IntegerField(label, [InputRequired(message), NumberRange(least, most, message=message)])


class SettingsForm(Form):
    """Everything on one page, saved together."""

    operator_name = StringField(
        _l("運営者の名称"),
        [
            InputRequired(_l("運営者の名称を入力してください。")),
            Length(max=200, message=_l("運営者の名称は200文字以内で入力してください。")),
        ],
    )
    operator_address = StringField(
        _l("運営者の所在地"), [Length(max=300, message=_l("所在地は300文字以内で入力してください。"))]
    )
    operator_registration_number = StringField(_l("適格請求書発行事業者の登録番号"))
    contact_email = EmailField(
        _l("お問い合わせ先のメールアドレス"), [InputRequired(_l("メールアドレスを入力してください。"))]
    )
    bank_code = StringField(_l("金融機関コード"))
    bank_name = StringField(_l("金融機関名"))
    branch_code = StringField(_l("支店コード"))
    branch_name = StringField(_l("支店名"))
    account_type = RadioField(
        _l("預金の種類"),
        choices=[(key, _l(title)) for key, title in bank_accounts.TYPES.items()],
        validate_choice=False,
    )
    account_number = StringField(_l("口座番号"))
    account_holder_kana = StringField(_l("口座名義(カナ)"))
    consignor_code = StringField(_l("委託者コード"))
    fee_company = _percent("company")
    fee_municipality = _percent("municipality")
    fee_npo = _percent("npo")
    fee_university = _percent("university")
    due_days = _days(_l("請求書の支払期限(発行から)"), 90)
    grace_days = _days(_l("期限を過ぎてから提供を止めるまでの猶予"), 90, 0)
    approval_days = _days(_l("審査の標準日数(営業日)"), 30)
    transfer_charge_max_jpy = IntegerField(
        _l("振込手数料とみなす不足の上限(円)"), [Optional(), NumberRange(0, 2000, message=CHARGE)]
    )
    keep_years = IntegerField(_l("請求書などの保存年数(申告期限から)"), [Optional(), NumberRange(7, 30, message=KEEP)])
    fiscal_year_end_month = IntegerField(_l("運営者の決算月"), [Optional(), NumberRange(1, 12, message=MONTH)])


@blueprint.route("", methods=["GET", "POST"])
@operator("finance", "system")
def show() -> Any:
    """Show and save the settings; the versions before stay in the log."""
    form = SettingsForm(data=_shown(settings.current()))
    if form.validate_on_submit():
        with attempt(form) as tried:
            settings.save(_read(form), actor=me().id, at=clock.now())
        if tried.ok:
            flash(_("設定を保存しました。"), "success")
            return redirect(url_for("settings.show"), 303)
    history = settings.history()
    page = render_template(
        "operator/settings.html",
        form=form,
        history=history,
        names=queries.names_of({version.actor for version in history if version.actor}),
    )
    return page, 422 if form.errors else 200


def _shown(current: Settings) -> dict[str, Any]:
    fees = {f"fee_{kind}": current.fee_percent.get(kind, 0) for kind in FEE_KINDS}
    names = ("operator_name", "operator_address", "operator_registration_number", "contact_email", "consignor_code")
    days = ("due_days", "grace_days", "approval_days", "transfer_charge_max_jpy", "keep_years", "fiscal_year_end_month")
    return {name: getattr(current, name) for name in names + days} | fees | dict(current.bank_account)


def _read(form: SettingsForm) -> Settings:
    """The settings a form holds; raises `Invalid` with every field that cannot be taken."""
    errors: dict[str, list[Words]] = {}
    number = rules.tidy_number(form.operator_registration_number.data or "")
    if number and not rules.is_registration_number(number):
        errors["operator_registration_number"] = [
            text("適格請求書発行事業者の登録番号は、T と13桁の数字で入力してください。")
        ]
    if not rules.is_email(form.contact_email.data):
        errors["contact_email"] = [text("メールアドレスを「name@example.jp」の形で入力してください。")]
    consignor = rules.tidy_number(form.consignor_code.data or "")
    if consignor and not (consignor.isascii() and consignor.isdigit() and len(consignor) == 10):
        errors["consignor_code"] = [text("委託者コードは、銀行から通知された10桁の数字で入力してください。")]
    account = bank_accounts.tidy({name: form[name].data or "" for name in bank_accounts.FIELDS})
    is_blank = not any(value for name, value in account.items() if name != "account_type")
    errors |= {} if is_blank else bank_accounts.errors_in(account)
    if errors:
        raise Invalid(errors)
    return Settings(
        operator_name=form.operator_name.data,
        operator_address=form.operator_address.data or "",
        operator_registration_number=number or None,
        contact_email=form.contact_email.data,
        bank_account={} if is_blank else account,
        consignor_code=consignor,
        fee_percent={kind: form[f"fee_{kind}"].data for kind in FEE_KINDS},
        due_days=form.due_days.data,
        grace_days=form.grace_days.data,
        approval_days=form.approval_days.data,
        transfer_charge_max_jpy=form.transfer_charge_max_jpy.data or 0,
        keep_years=form.keep_years.data or Settings.keep_years,
        fiscal_year_end_month=form.fiscal_year_end_month.data or Settings.fiscal_year_end_month,
    )
