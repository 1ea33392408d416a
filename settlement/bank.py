"""What banks write and read: statements in, transfer files (全銀 総合振込) out. Bytes and rows only, no database.

Source of the transfer file: 全国銀行協会 全銀協標準フォーマット 総合振込, records of 120 bytes in JIS X 0201.
"""

import csv
import hashlib
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from exchange.errors import Invalid, Words, text
from exchange.identity import bank_accounts

COLUMNS = ["date", "payer", "amount_jpy", "reference"]
LINES_MAX = 2_000
TEXT_LENGTH_MAX = 200
AMOUNT_MAX = 10**13
ERRORS_SHOWN = 20


# --- statements in --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StatementLine:
    """One payment received, as the bank wrote it."""

    number: int
    received_on: date
    payer: str
    amount_jpy: int
    reference: str
    fingerprint: str


def read_statement(content: bytes, *, today: date) -> list[StatementLine]:
    """The lines of a statement in the house's layout `date,payer,amount_jpy,reference` (UTF-8 or CP932).

    Raises `Invalid` with every line that cannot be read; then nothing of the statement is taken.
    """
    rows = list(csv.reader(io.StringIO(_decoded(content), newline="")))
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    if header != COLUMNS:
        raise Invalid({"file": [text("1行目は %(columns)s にしてください。", columns=",".join(COLUMNS))]})
    if len(rows) > LINES_MAX:
        raise Invalid({"file": [text("明細は%(max)s行までです。期間を分けて取り込んでください。", max=LINES_MAX)]})
    errors: dict[str, list[Words]] = {}
    found: list[StatementLine] = []
    seen: Counter[str] = Counter()
    for number, cells in enumerate(rows[1:], start=2):
        if any(cell.strip() for cell in cells):
            _take_line(number, cells, today, errors, found, seen)
    if errors:
        raise Invalid(dict(list(errors.items())[:ERRORS_SHOWN]))
    return found


def _decoded(content: bytes) -> str:
    for encoding in ("utf-8-sig", "cp932"):
        try:
            decoded = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in decoded:
            return decoded
    raise Invalid({"file": [text("文字コードを読み取れません。UTF-8 の CSV にしてください。")]})


def _take_line(
    number: int,
    cells: Sequence[str],
    today: date,
    errors: dict[str, list[Words]],
    found: list[StatementLine],
    seen: Counter[str],
) -> None:
    if len(cells) != len(COLUMNS):
        errors[f"line {number}"] = [text("%(n)s行目: 列が%(want)s列ではありません。", n=number, want=len(COLUMNS))]
        return
    received_on, amount = read_date(cells[0]), read_amount(cells[2])
    wrong: list[Words] = []
    if received_on is None or received_on > today:
        wrong.append(text("%(n)s行目: 日付は今日までの日付を 2026-11-23 の形で書いてください。", n=number))
    if amount is None:
        wrong.append(text("%(n)s行目: 金額は1円以上の整数で書いてください。", n=number))
    if len(cells[1]) > TEXT_LENGTH_MAX or len(cells[3]) > TEXT_LENGTH_MAX:
        wrong.append(text("%(n)s行目: 文字数が多すぎます。", n=number))
    if wrong or received_on is None or amount is None:
        errors[f"line {number}"] = wrong
        return
    payer, reference = cells[1].strip(), cells[3].strip()
    same = f"{received_on}|{payer}|{amount}|{reference}"
    seen[same] += 1
    found.append(StatementLine(number, received_on, payer, amount, reference, fingerprint(same, seen[same])))


def fingerprint(same: str, occurrence: int) -> str:
    """What makes a payment itself: day, payer, amount, reference, and which of several such lines it is."""
    return hashlib.sha256(f"{same}|{occurrence}".encode()).hexdigest()


def fingerprint_of(received_on: date, payer: str, amount_jpy: int, reference: str) -> str:
    """The fingerprint that the same payment has as the first such line of a statement."""
    return fingerprint(f"{received_on}|{payer}|{amount_jpy}|{reference}", 1)


def read_date(written: str) -> date | None:
    """A date as 2026-11-23, 2026/11/23 or 20261123, in any width."""
    match = re.fullmatch(r"(\d{4})[-/.]?(\d{1,2})[-/.]?(\d{1,2})", unicodedata.normalize("NFKC", written).strip())
    try:
        return date(*map(int, match.groups())) if match else None
    except ValueError:
        return None


def read_amount(written: str) -> int | None:
    """Whole yen from 1: `11000`, `11,000`, `１１，０００円`, `¥11,000`; None for anything else."""
    plain = unicodedata.normalize("NFKC", written).strip().strip("¥\\円").strip()
    if not re.fullmatch(r"\d{1,3}(,\d{3})+|\d+", plain) or not plain.isascii():
        return None
    amount = int(plain.replace(",", "")) if len(plain) < 20 else 0
    return amount if 0 < amount <= AMOUNT_MAX else None


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
