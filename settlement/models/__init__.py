"""The tables of settlement: the ledger, invoices, money in, money out, months."""

from settlement.models.invoices import CreditNote, Invoice, InvoiceCounter, InvoiceLine
from settlement.models.ledger import Account, Entry, Held, Transfer
from settlement.models.online import (
    OnlineCustomer,
    OnlinePayment,
    OnlineRefund,
    PaymentDispute,
    SavedCard,
    StripeEvent,
    StripeMovement,
    StripeStanding,
)
from settlement.models.payments import Application, Receipt
from settlement.models.payouts import Payout, PayoutBatch, PayoutLine
from settlement.models.periods import Period

__all__ = [
    "Account",
    "Application",
    "CreditNote",
    "Entry",
    "Held",
    "Invoice",
    "InvoiceCounter",
    "InvoiceLine",
    "OnlineCustomer",
    "OnlinePayment",
    "OnlineRefund",
    "PaymentDispute",
    "Payout",
    "PayoutBatch",
    "PayoutLine",
    "Period",
    "Receipt",
    "SavedCard",
    "StripeEvent",
    "StripeMovement",
    "StripeStanding",
    "Transfer",
]
