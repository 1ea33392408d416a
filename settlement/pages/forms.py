"""The forms of settlement. Amounts are text, so that `１１，０００円` is understood and what was typed stays."""

from typing import Any

from flask import request
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired
from marshmallow import Schema, ValidationError
from wtforms import BooleanField, DateField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from exchange.errors import Invalid, text
from exchange.web.forms import Form
from settlement import bank


class PaymentForm(Form):
    """One payment seen at the bank."""

    received_on = DateField(_l("入金日"), validators=[InputRequired(_l("入金日を入力してください。"))])
    payer = StringField(
        _l("振込依頼人"), validators=[InputRequired(_l("振込依頼人を入力してください。")), Length(max=200)]
    )
    amount_jpy = StringField(
        _l("入金額(円)"), validators=[InputRequired(_l("入金額を入力してください。")), Length(max=30)]
    )
    reference = StringField(_l("照合番号"), validators=[Optional(), Length(max=200)])
    another = BooleanField(_l("別の入金として記録する(同じ日・名義・金額の入金がすでにあるとき)"))


class RefundForm(Form):
    """How much is taken off an invoice, and why."""

    amount_jpy = StringField(
        _l("返還額(円・税込)"), validators=[InputRequired(_l("返還額を入力してください。")), Length(max=30)]
    )
    reason = TextAreaField(_l("理由"), validators=[InputRequired(_l("理由を入力してください。")), Length(max=500)])


class StatementForm(Form):
    """A bank statement."""

    file = FileField(_l("入出金明細(CSV・全銀形式)"), validators=[FileRequired(_l("ファイルを選んでください。"))])


class ToldForm(Form):
    """On whose word: who said so, when, and how it was recorded."""

    told_by = StringField(
        _l("指示した人(組織と氏名)"), validators=[InputRequired(_l("指示した人を入力してください。")), Length(max=200)]
    )
    told_on = DateField(_l("指示を受けた日"), validators=[InputRequired(_l("指示を受けた日を入力してください。"))])
    told_how = TextAreaField(
        _l("確認の方法"),
        validators=[InputRequired(_l("どのように確認したかを入力してください。")), Length(max=500)],
    )


class ApplyForm(ToldForm):
    """Which invoices a receipt pays, as the payer says."""

    reference = StringField(
        _l("請求書の照合番号(9桁)"), validators=[InputRequired(_l("照合番号を入力してください。")), Length(max=200)]
    )


class ChargeForm(ToldForm):
    """Who bears the bank's charge that a payer took off."""

    bearer = RadioField(
        _l("負担する側"),
        choices=[
            ("exchange", _l("運営者が負担する(支払手数料として記帳し、提供者には全額を支払う)")),
            ("provider", _l("提供者が値引きする(返還請求書を発行する)")),
        ],
        validators=[InputRequired(_l("振込手数料を負担する側を選んでください。"))],
    )


class NoteForm(Form):
    """What became of money that pays nothing here."""

    note = TextAreaField(
        _l("記録"), validators=[InputRequired(_l("記録する内容を500文字以内で入力してください。")), Length(max=500)]
    )


class ReturnedForm(Form):
    """A transfer that came back."""

    reason = StringField(_l("理由"), validators=[InputRequired(_l("理由を入力してください。")), Length(max=200)])
    returned_on = DateField(_l("戻った日"), validators=[Optional()])
    receipt_id = SelectField(_l("戻った資金の入金"), validators=[Optional()], validate_choice=False)


class DiscardForm(Form):
    """Why a transfer file is not handed to the bank."""

    reason = StringField(_l("理由"), validators=[InputRequired(_l("理由を入力してください。")), Length(max=200)])


class BatchForm(Form):
    """When the bank shall transfer."""

    transfer_on = DateField(_l("振込指定日"), validators=[Optional()])


class NoticeForm(Form):
    """The municipality's own notice."""

    notice_number = StringField(
        _l("納入通知書の番号"), validators=[InputRequired(_l("納入通知書の番号を入力してください。")), Length(max=50)]
    )
    noticed_on = DateField(_l("通知した日"), validators=[InputRequired(_l("通知した日を入力してください。"))])
    notice_due_on = DateField(_l("納期限"), validators=[InputRequired(_l("納期限を入力してください。"))])


class MunicipalPaymentForm(Form):
    """When the municipality was paid."""

    paid_on = DateField(_l("納付された日"), validators=[InputRequired(_l("納付された日を入力してください。"))])


class ReasonForm(Form):
    """Why."""

    reason = TextAreaField(_l("理由"), validators=[InputRequired(_l("理由を入力してください。")), Length(max=500)])


class CorrectForm(Form):
    """What a corrected invoice says otherwise."""

    recipient_name = StringField(
        _l("請求先の名称"), validators=[InputRequired(_l("請求先の名称を入力してください。")), Length(max=200)]
    )
    recipient_address = StringField(_l("請求先の所在地"), validators=[Optional(), Length(max=300)])
    purchase_order = StringField(_l("ご注文番号"), validators=[Optional(), Length(max=100)])
    registration_number = BooleanField(_l("登録番号を、取引日の登録内容に合わせる"))
    reason = TextAreaField(
        _l("修正する理由"), validators=[InputRequired(_l("理由を入力してください。")), Length(max=500)]
    )


class SalesForm(Form):
    """A month's sales."""

    month = SelectField(_l("対象の月"), validators=[InputRequired(_l("対象の月を選んでください。"))])
    sales_jpy = StringField(
        _l("売上額(円・税抜)"), validators=[InputRequired(_l("売上額を入力してください。")), Length(max=30)]
    )


class CardForm(Form):
    """Consent to have monthly invoices taken from a card."""

    consents = BooleanField(
        _l("請求書が発行されるたびに、登録したカードから自動で支払うことに同意します"),
        validators=[InputRequired(_l("カードを登録するには、自動で支払うことへの同意が必要です。"))],
    )


class IssuingForm(Form):
    """From when on a notice about who issues holds."""

    valid_from = DateField(_l("適用を始める日"), validators=[Optional()])


class ConfirmForm(Form):
    """A deed that needs no more than a yes."""


def yen_of(field: Any) -> int:
    """The whole yen typed into a field; 0, which every action refuses with the reason, for anything else."""
    return bank.read_amount(field.data or "") or 0


def search_of(schema: type[Schema]) -> tuple[dict[str, Any], dict[str, str]]:
    """What a search form asked for, read by the API's own schema, and the values as typed.

    Raises `Invalid` naming the fields that cannot be read. Empty fields ask for nothing.
    """
    typed = {key: value.strip() for key, value in request.args.items() if value.strip() and key != "lang"}
    known = {field.data_key or name for name, field in schema._declared_fields.items()}
    given: dict[str, Any] = {key: value for key, value in typed.items() if key in known}
    for name in ("min", "max"):
        if name in given:
            given[name] = bank.read_amount(given[name]) or given[name]
    try:
        return dict(schema().load(given)), typed
    except ValidationError:
        raise Invalid({"q": [text("日付は 2026-10-01、金額は数字で入力してください。")]}) from None
