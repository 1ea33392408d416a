"""Transfer files for the bank: 全銀 総合振込, records of 120 bytes in JIS X 0201. Bytes only.

Source: 全国銀行協会 全銀協標準フォーマット 総合振込.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from exchange.identity import bank_accounts

# --- accounts and kana ----------------------------------------------------------------------------------------

DEPOSIT_KINDS = {"ordinary": "1", "current": "2", "savings": "4", "other": "9"}
FIELD_TITLES = {
    "bank_code": "金融機関コード(数字4桁)",
    "bank_name": "金融機関名",
    "branch_code": "支店コード(数字3桁)",
    "branch_name": "支店名",
    "account_type": "預金の種類",
    "account_number": "口座番号(数字7桁)",
    "account_holder_kana": "口座名義(カナ)",
}
_ALLOWED = re.compile(r"[0-9A-Zｦ-ﾟ().\-/¥｢｣ ]")


def whole_account(account: Mapping[str, Any] | None) -> dict[str, str]:
    """An account with every field, tidied; empty text where nothing was entered."""
    return bank_accounts.tidy({name: str((account or {}).get(name) or "") for name in bank_accounts.FIELDS})


def missing_in(account: Mapping[str, Any] | None) -> list[str]:
    """What a bank account lacks before it can stand in a transfer file, in words; nothing when it is whole."""
    return [FIELD_TITLES[name] for name in bank_accounts.errors_in(whole_account(account))]


def zengin_text(written: str, width: int) -> str:
    """Text as transfer files take it: half-width capitals, digits and kana, cut and padded to a width in bytes.

    What cannot be written so, kanji above all, is left out.
    """
    half = bank_accounts.holder_name(written)
    return "".join(c for c in half if _ALLOWED.fullmatch(c))[:width].ljust(width)


# --- transfer files out ---------------------------------------------------------------------------------------

RECORD_BYTES = 120
TRANSFER_MAX_JPY = 9_999_999_999


@dataclass(frozen=True)
class Transfer:
    """One transfer of a file: to whose account, how much, under which reference."""

    account: Mapping[str, Any]
    amount_jpy: int
    reference: str


def zengin_file(
    transfers: Sequence[Transfer], *, account: Mapping[str, Any], consignor_code: str, consignor: str, transfer_on: date
) -> bytes:
    """A 総合振込 file: header, one record a transfer, trailer with count and sum, end; CR LF after each record."""
    records = [_header(account, consignor_code, consignor, transfer_on), *map(_data, transfers)]
    total = sum(t.amount_jpy for t in transfers)
    records += [f"8{len(transfers):06d}{total:012d}".ljust(RECORD_BYTES), "9".ljust(RECORD_BYTES)]
    return b"".join(jis_x_0201(record) + b"\r\n" for record in records)


def jis_x_0201(record: str) -> bytes:
    """One record in JIS X 0201, where the yen sign stands at 0x5C; exactly 120 bytes."""
    encoded = record.replace("¥", "\\").encode("cp932")
    if len(encoded) != RECORD_BYTES:
        raise ValueError(f"a record of {len(encoded)} bytes")
    return encoded


def _header(account: Mapping[str, Any], consignor_code: str, consignor: str, transfer_on: date) -> str:
    start = f"1210{int(consignor_code):010d}{zengin_text(consignor, 40)}{transfer_on:%m%d}"
    return (start + _branch(account) + _number(account)).ljust(RECORD_BYTES)


def _data(transfer: Transfer) -> str:
    to, clearing_house = transfer.account, " " * 4
    holder = zengin_text(to["account_holder_kana"], 30)
    end = f"{transfer.amount_jpy:010d}0{zengin_text(transfer.reference, 20)}7Y"  # 7: by wire; Y: a reference is given
    return ("2" + _branch(to) + clearing_house + _number(to) + holder + end).ljust(RECORD_BYTES)


def _branch(account: Mapping[str, Any]) -> str:
    bank_name, branch_name = zengin_text(account["bank_name"], 15), zengin_text(account["branch_name"], 15)
    return f"{account['bank_code']}{bank_name}{account['branch_code']}{branch_name}"


def _number(account: Mapping[str, Any]) -> str:
    return DEPOSIT_KINDS[account["account_type"]] + str(account["account_number"])
