"""What people can ask about money, each only about what is theirs to know."""

from settlement.queries.books import (
    AccountBalance,
    DepositsAndBank,
    TrialRow,
    accounts,
    deposits_and_bank,
    entries,
    entries_between,
    month_entries,
    trial_balance,
)
from settlement.queries.invoices import (
    InvoiceFilter,
    charge_so_far,
    checked,
    invoice_seen_by,
    invoices_seen_by,
    open_sums,
    unpaid_of,
)
from settlement.queries.months import Month, check_month, last_months, month
from settlement.queries.payouts import (
    batch_seen_by,
    batches,
    due_payouts,
    payout_seen_by,
    payouts_seen_by,
    providers_of,
    refunds_to_send,
    unapplied_receipts,
)

__all__ = [
    "AccountBalance",
    "DepositsAndBank",
    "InvoiceFilter",
    "Month",
    "TrialRow",
    "accounts",
    "batch_seen_by",
    "batches",
    "charge_so_far",
    "check_month",
    "checked",
    "deposits_and_bank",
    "due_payouts",
    "entries",
    "entries_between",
    "invoice_seen_by",
    "invoices_seen_by",
    "last_months",
    "month",
    "month_entries",
    "open_sums",
    "payout_seen_by",
    "payouts_seen_by",
    "providers_of",
    "refunds_to_send",
    "trial_balance",
    "unapplied_receipts",
    "unpaid_of",
]
