"""What comes in and goes out of the JSON doors about papers: sheets, corrections, notices, reports, previews."""

from datetime import date
from decimal import Decimal
from typing import Any

from marshmallow import fields, validate

from exchange.money import JPY_MAX
from exchange.web.api import Answer, PageArgs, Schema
from settlement import amending, fiscal_years, rules
from settlement.amending import LineChange
from settlement.models import Assessment, RegistrationNotice

MONTH = validate.Regexp(r"^20[0-9]{2}-(0[1-9]|1[0-2])\Z")
REASON = validate.Length(1, 500)
STATES = ("prepared", "noticed", "paid", "withdrawn")


class AssessmentArgs(PageArgs):
    """Sheets of one state or one month, or all."""

    state = fields.String(load_default=None, validate=validate.OneOf(STATES))
    period = fields.String(load_default=None, validate=MONTH)


class AssessmentFileArgs(Schema):
    """Which sheets a municipality's accounting system takes, and in which encoding."""

    period = fields.String(load_default=None, validate=MONTH)
    encoding = fields.String(load_default="utf-8", validate=validate.OneOf(["utf-8", "shift_jis"]))


class NoticeBody(Schema):
    """The municipality's own notice (納入通知書); the due date proposed holds where none is told."""

    notice_number = fields.String(required=True, validate=validate.Length(1, 50))
    noticed_on = fields.Date(required=True)
    notice_due_on = fields.Date(load_default=None, allow_none=True)


class MunicipalPaymentBody(Schema):
    """The day on which the municipality received the money."""

    paid_on = fields.Date(required=True)


class ReasonBody(Schema):
    """Why."""

    reason = fields.String(required=True, validate=REASON)


class CorrectionBody(Schema):
    """What a corrected invoice says otherwise. `registration_number` takes `on-file`: as the register has it."""

    reason = fields.String(required=True, validate=REASON)
    recipient_name = fields.String(validate=validate.Length(1, 200))
    recipient_address = fields.String(validate=validate.Length(0, 300))
    purchase_order = fields.String(validate=validate.Length(0, 100))
    registration_number = fields.String(validate=validate.OneOf(["on-file"]))


class LineChangeBody(Schema):
    """How one line should have been; what is not given stays. A position past the last line adds one.

    With `unit_price_jpy` the amount is quantity × unit price, rounded down once; the quantity begins with its number.
    """

    position = fields.Integer(required=True, strict=True, validate=validate.Range(1, 10_000))
    description = fields.String(validate=validate.Length(1, amending.DESCRIPTION_MAX))
    quantity = fields.String(validate=validate.Length(0, amending.QUANTITY_MAX))
    unit_price_jpy = fields.String(validate=validate.Regexp(r"^[0-9]{1,12}(\.[0-9]{1,6})?\Z"))
    amount_jpy = fields.Integer(strict=True, validate=validate.Range(-JPY_MAX, JPY_MAX))
    remove = fields.Boolean(load_default=False)


class AmountsBody(Schema):
    """What an invoice should have charged, and why; tax is computed anew."""

    reason = fields.String(required=True, validate=REASON)
    lines = fields.List(fields.Nested(LineChangeBody), required=True, validate=validate.Length(1, amending.LINES_MAX))


def line_change(line: dict[str, Any]) -> LineChange:
    """What a body says of one line."""
    price = line.pop("unit_price_jpy", None)
    return LineChange(**line, unit_price_jpy=None if price is None else Decimal(price))


class RegistrationBody(Schema):
    """Who issues the invoices of one's sales from now on."""

    issues_itself = fields.Boolean(load_default=False)
    valid_from = fields.Date(load_default=None, allow_none=True)


class OwnInvoiceArgs(Schema):
    """What a seller's own invoice says; the PDF is the body."""

    number = fields.String(required=True, validate=validate.Length(1, 50))
    issued_on = fields.Date(required=True)
    total_jpy = fields.Integer(required=True, validate=validate.Range(0, JPY_MAX))


class SalesBody(Schema):
    """What was sold in a month, in yen without tax."""

    month = fields.String(required=True, validate=MONTH)
    sales_jpy = fields.Integer(required=True, strict=True, validate=validate.Range(0, 10**12))


# ---- what goes out


class PaperPartyAnswer(Answer):
    """An organization as a paper names it."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    address = fields.String(required=True)


class PaperLineAnswer(Answer):
    """A line, without tax."""

    description = fields.String(required=True)
    quantity = fields.String(required=True)
    amount_jpy = fields.Integer(required=True)
    rate_percent = fields.Integer(required=True)
    month = fields.String(required=True, allow_none=True)
    contract_id = fields.String(required=True, allow_none=True)


class AssessmentAnswer(Answer):
    """An assessment sheet (調定用明細): what a municipality needs to bill by itself, and what it told of its notice."""

    id = fields.String(required=True)
    number = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    provider = fields.Nested(PaperPartyAnswer, required=True)
    buyer = fields.Nested(PaperPartyAnswer, required=True)
    contract_id = fields.String(required=True)
    period = fields.String(required=True)
    supplied_from = fields.Date(required=True)
    supplied_until = fields.Date(required=True)
    issued_on = fields.Date(required=True)
    due_on = fields.Date(required=True)
    price_basis = fields.String(required=True)
    revenue_kind = fields.String(required=True, validate=validate.OneOf(["occasional", "fixed"]))
    lines = fields.List(fields.Nested(PaperLineAnswer), required=True)
    taxable_jpy = fields.Integer(required=True)
    tax_jpy = fields.Integer(required=True)
    total_jpy = fields.Integer(required=True)
    notice_number = fields.String(required=True, allow_none=True)
    noticed_on = fields.Date(required=True, allow_none=True)
    notice_due_on = fields.Date(required=True, allow_none=True)
    fiscal_year = fields.Integer(required=True, allow_none=True)
    books_close_on = fields.Date(required=True, allow_none=True)
    paid_on = fields.Date(required=True, allow_none=True)
    carried_over = fields.Boolean(required=True)
    document_url = fields.String(required=True)


def assessment_answer(sheet: Assessment) -> dict[str, Any]:
    """A sheet with its lines loaded."""
    shown = {name: getattr(sheet, name) for name in AssessmentAnswer._declared_fields if hasattr(sheet, name)}
    return shown | {
        "books_close_on": books_close_on(sheet),
        "carried_over": carried_over(sheet),
        "document_url": f"/api/v1/assessments/{sheet.id}/document",
    }


def books_close_on(sheet: Assessment) -> date | None:
    """Until when the books of the revenue's fiscal year take a payment, once the year is known."""
    return fiscal_years.books_close_on(sheet.fiscal_year) if sheet.fiscal_year else None


def carried_over(sheet: Assessment) -> bool:
    """Whether the payment came after its year's books were closed (収入未済, 翌年度繰越)."""
    if sheet.fiscal_year is None or sheet.paid_on is None:
        return False
    return fiscal_years.receipt(sheet.fiscal_year, sheet.paid_on).carried_over


class CorrectionAnswer(Answer):
    """A corrected invoice (修正適格請求書)."""

    id = fields.String(required=True)
    number = fields.String(required=True)
    invoice_id = fields.String(required=True)
    title = fields.String(required=True)
    issued_on = fields.Date(required=True)
    reason = fields.String(required=True)
    changed = fields.Dict(required=True)
    document_url = fields.String(required=True)


def correction_answer(made: Any) -> dict[str, Any]:
    """A corrected invoice."""
    shown = {name: getattr(made, name) for name in CorrectionAnswer._declared_fields if hasattr(made, name)}
    return shown | {"document_url": f"/api/v1/invoices/{made.invoice_id}/corrections/{made.id}/document"}


class RegistrationAnswer(Answer):
    """What a seller told of its registration as an issuer, and since when it holds."""

    registration_number = fields.String(required=True, allow_none=True)
    issues_itself = fields.Boolean(required=True)
    given_at = fields.AwareDateTime(required=True, allow_none=True)
    valid_from = fields.AwareDateTime(required=True, allow_none=True)


def registration_answer(notice: RegistrationNotice | None) -> dict[str, Any]:
    """A notice that stands, or that there is none."""
    if notice is None:
        return {"registration_number": None, "issues_itself": False, "given_at": None, "valid_from": None}
    return {name: getattr(notice, name) for name in RegistrationAnswer._declared_fields}


class SalesReportAnswer(Answer):
    """What a buyer reported."""

    id = fields.String(required=True)
    contract_id = fields.String(required=True)
    month = fields.String(required=True)
    sales_jpy = fields.Integer(required=True)
    reported_at = fields.AwareDateTime(required=True)


class PreviewAnswer(Answer):
    """One paper of the running month as it will be, if nothing more happens."""

    provider_id = fields.String(required=True)
    provider = fields.String(required=True)
    buyer_id = fields.String(required=True)
    buyer = fields.String(required=True)
    title = fields.String(
        required=True, validate=validate.OneOf([rules.QUALIFIED, rules.PLAIN, rules.STATEMENT, "納入通知書"])
    )
    lines = fields.List(fields.Nested(PaperLineAnswer), required=True)
    supplied_from = fields.Date(required=True)
    supplied_until = fields.Date(required=True)
    taxable_jpy = fields.Integer(required=True)
    tax_jpy = fields.Integer(required=True)
    total_jpy = fields.Integer(required=True)
