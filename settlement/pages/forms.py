"""The forms of settlement. Amounts are text, so that `１１，０００円` is understood and what was typed stays."""

from typing import Any

from flask import request
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired
from marshmallow import Schema, ValidationError
from wtforms import DateField, StringField, TextAreaField
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


class RefundForm(Form):
    """How much is taken off an invoice, and why."""

    amount_jpy = StringField(
        _l("返還額(円・税込)"), validators=[InputRequired(_l("返還額を入力してください。")), Length(max=30)]
    )
    reason = TextAreaField(_l("理由"), validators=[InputRequired(_l("理由を入力してください。")), Length(max=500)])


class StatementForm(Form):
    """A bank statement."""

    file = FileField(_l("入出金明細(CSV)"), validators=[FileRequired(_l("ファイルを選んでください。"))])


class ApplyForm(Form):
    """Which invoice a receipt pays."""

    reference = StringField(
        _l("請求書の照合番号(9桁)"), validators=[InputRequired(_l("照合番号を入力してください。")), Length(max=20)]
    )


class BatchForm(Form):
    """When the bank shall transfer."""

    transfer_on = DateField(_l("振込指定日"), validators=[Optional()])


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
