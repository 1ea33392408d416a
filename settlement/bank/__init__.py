"""What banks write and read: statements in, transfer files (全銀 総合振込) out. Bytes and rows only, no database."""

from settlement.bank.kana import is_from_abroad, is_returned_transfer, payer_key, payer_name
from settlement.bank.records import TEXT_LENGTH_MAX, StatementLine
from settlement.bank.statements import LINES_MAX, read_statement
from settlement.bank.transfers import (
    TRANSFER_MAX_JPY,
    Transfer,
    missing_in,
    whole_account,
    zengin_file,
    zengin_text,
)
from settlement.bank.written import AMOUNT_MAX, read_amount, read_date

__all__ = [
    "AMOUNT_MAX",
    "LINES_MAX",
    "TEXT_LENGTH_MAX",
    "TRANSFER_MAX_JPY",
    "StatementLine",
    "Transfer",
    "is_from_abroad",
    "is_returned_transfer",
    "missing_in",
    "payer_key",
    "payer_name",
    "read_amount",
    "read_date",
    "read_statement",
    "whole_account",
    "zengin_file",
    "zengin_text",
]
