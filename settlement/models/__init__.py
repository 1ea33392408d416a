"""The tables of settlement: the ledger, invoices, money in, money out, months."""

from settlement.models.assessments import Assessment, AssessmentLine
from settlement.models.invoices import (
    CorrectedInvoice,
    CreditNote,
    Invoice,
    InvoiceCounter,
    InvoiceLine,
    RegistrationNotice,
    Reminder,
    SalesReport,
    SellerInvoice,
)
from settlement.models.ledger import Account, DaySum, Entry, Held, Hold, Seal, Transfer, Unsealed
from settlement.models.online import (
    CardAuthorization,
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
    "Assessment",
    "AssessmentLine",
    "CardAuthorization",
    "CorrectedInvoice",
    "CreditNote",
    "DaySum",
    "Entry",
    "Held",
    "Hold",
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
    "RegistrationNotice",
    "Reminder",
    "SalesReport",
    "SavedCard",
    "Seal",
    "SellerInvoice",
    "StripeEvent",
    "StripeMovement",
    "StripeStanding",
    "Transfer",
    "Unsealed",
]
