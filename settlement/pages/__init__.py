"""The pages of settlement: invoices and payouts of everybody, the books of the exchange's accountants."""

from flask import Blueprint

blueprint = Blueprint("settlement", __name__)

from settlement.pages import (  # noqa: E402, F401 - they hang their routes on the blueprint
    amounts,
    assessments,
    books,
    invoices,
    online_payments,
    own_invoices,
    papers,
    payouts,
    receipts,
)
from settlement.pages.desk import fill_registries  # noqa: E402

__all__ = [
    "Blueprint",
    "amounts",
    "assessments",
    "books",
    "fill_registries",
    "invoices",
    "own_invoices",
    "papers",
    "payouts",
    "receipts",
]
