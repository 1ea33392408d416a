"""What people can do about money. Each deed: who may, one lock, one booking, one line in the audit log."""

from settlement.actions.months import LogBehind, close_month, continue_close, issue_what_is_due
from settlement.actions.receipts import (
    AlreadyRecorded,
    Taken,
    apply_receipt,
    record_payment,
    return_receipt,
    take_statement,
)
from settlement.actions.refunds import (
    credit_note_document,
    invoice_document,
    print_credit_note,
    print_invoice,
    record_refund_sent,
    refund,
)
from settlement.actions.transfers import (
    AccountMissing,
    BatchMade,
    NothingToPay,
    make_batch,
    record_batch_sent,
    why_not_payable,
)

__all__ = [
    "AccountMissing",
    "AlreadyRecorded",
    "BatchMade",
    "LogBehind",
    "NothingToPay",
    "Taken",
    "apply_receipt",
    "close_month",
    "continue_close",
    "credit_note_document",
    "invoice_document",
    "issue_what_is_due",
    "make_batch",
    "print_credit_note",
    "print_invoice",
    "record_batch_sent",
    "record_payment",
    "record_refund_sent",
    "refund",
    "return_receipt",
    "take_statement",
    "why_not_payable",
]
