"""What should this invoice have charged? Its lines as a form, and the paper that replaces it."""

import unicodedata
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from exchange import clock
from exchange.errors import Invalid, Words, text
from exchange.web.access import me, operator
from exchange.web.forms import Form, attempt
from settlement import actions, amending, queries
from settlement.amending import LineChange
from settlement.models import Invoice, InvoiceLine
from settlement.pages import blueprint

READABLE = 30  # characters of a number


@blueprint.route("/desk/invoices/<invoice_id>/amounts", methods=["GET", "POST"])
@operator("finance")
def correct_amounts(invoice_id: str) -> Any:
    """Replace an invoice by one with the right amounts."""
    found = queries.invoice_seen_by(me(), invoice_id)
    form, rows = _form(found)
    if form.validate_on_submit():
        with attempt(form) as tried:
            changes = _changes(form, rows)
            made = actions.correct_amounts(
                invoice_id, changes=changes, reason=form["reason"].data, by=me(), at=clock.now()
            )
        if tried.ok:
            flash(_("金額を修正した請求書 %(number)s を発行しました。", number=made.number), "success")
            return redirect(url_for("settlement.invoice", invoice_id=made.id), 303)
    page = render_template("settlement/amounts.html", form=form, invoice=found, rows=[row.position for row in rows])
    return page, 422 if form.errors else 200


def _form(invoice: Invoice) -> tuple[Form, Sequence[InvoiceLine]]:
    """A form with the fields of each line and of one to be added, which is the last row."""
    last = max(line.position for line in invoice.lines)
    rows = [*invoice.lines, InvoiceLine(position=last + 1, description="", quantity="", amount_jpy=None)]
    fields: dict[str, Any] = {}
    for row in rows:
        fields |= _fields(row, is_new=row.position > last)
    required = [InputRequired(_l("理由を入力してください。")), Length(max=500)]
    fields["reason"] = TextAreaField(_l("修正する理由"), validators=required)
    return type("AmountsForm", (Form,), fields)(), rows


def _fields(row: InvoiceLine, *, is_new: bool) -> dict[str, Any]:
    name, number = f"lines.{row.position}", [Optional(), Length(max=READABLE)]
    amount = "" if row.amount_jpy is None else str(row.amount_jpy)
    description, quantity = Length(max=amending.DESCRIPTION_MAX), Length(max=amending.QUANTITY_MAX)
    fields = {
        f"{name}.description": StringField(_l("内容"), default=row.description, validators=[Optional(), description]),
        f"{name}.quantity": StringField(_l("数量"), default=row.quantity, validators=[Optional(), quantity]),
        f"{name}.unit_price": StringField(_l("単価(円・税抜)"), validators=number),
        name: StringField(_l("金額(円・税抜)"), default=amount, validators=number),
    }
    return fields if is_new else fields | {f"{name}.remove": BooleanField(_l("この行を削除する"))}


def _changes(form: Any, rows: Sequence[InvoiceLine]) -> list[LineChange]:
    """What the form says otherwise; raises `Invalid` by field for numbers that cannot be read."""
    errors: dict[str, list[Words]] = {}
    found = [_change(form, row, errors) for row in rows]
    if errors:
        raise Invalid(errors)
    return [change for change in found if change]


def _change(form: Any, row: InvoiceLine, errors: dict[str, list[Words]]) -> LineChange | None:
    name = f"lines.{row.position}"
    if f"{name}.remove" in form and form[f"{name}.remove"].data:
        return LineChange(position=row.position, remove=True)
    description, quantity = (_said(form[f"{name}.{part}"], getattr(row, part)) for part in ("description", "quantity"))
    amount = _said(form[name], "" if row.amount_jpy is None else str(row.amount_jpy))
    price = form[f"{name}.unit_price"].data or None
    if description is None and quantity is None and amount is None and price is None:
        return None
    return LineChange(
        position=row.position,
        description=description,
        quantity=quantity,
        unit_price_jpy=_number(price, f"{name}.unit_price", errors),
        amount_jpy=_whole(amount, name, errors),
    )


def _said(field: Any, was: str) -> str | None:
    """What was typed, if it is not what stood there."""
    return field.data if field.data is not None and field.data != was and (field.data or was) else None


def _number(typed: str | None, name: str, errors: dict[str, list[Words]]) -> Decimal | None:
    plain = unicodedata.normalize("NFKC", typed or "").replace(",", "").replace("−", "-").removesuffix("円").strip()
    if not plain:
        return None
    try:
        return Decimal(plain)
    except InvalidOperation:
        errors[name] = [text("数字で入力してください。")]
        return None


def _whole(typed: str | None, name: str, errors: dict[str, list[Words]]) -> int | None:
    amount = _number(typed, name, errors)
    if amount is None:
        return None
    if not amount.is_finite() or amount != amount.to_integral_value():
        errors[name] = [text("金額は1円単位の整数で入力してください。")]
        return None
    return int(amount)
