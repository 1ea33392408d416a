"""The tables of settlement: the ledger, invoices, money in, money out, months."""

from settlement.models.invoices import CreditNote, Invoice, InvoiceCounter, InvoiceLine
from settlement.models.ledger import Account, Entry, Held, Transfer
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
    "Payout",
    "PayoutBatch",
    "PayoutLine",
    "Period",
    "Receipt",
    "Transfer",
]
