"""Statements in 全銀 records of 200 bytes: 入出金取引明細 (種別 03) and 振込入金通知 (種別 01). Bytes only.

Each account is a header, its lines, and a trailer with counts and sums, which must agree; the file ends in an end
record. Line ends after each record or none. Source: 全国銀行協会 全銀協標準フォーマット.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from exchange.errors import Invalid, Words, text
from settlement.bank.written import AMOUNT_MAX, read_six_digits

RECORD_BYTES = 200
RECORDS_MAX = 10_000
TEXT_LENGTH_MAX = 200
MOVEMENTS, NOTICE = "03", "01"
ERRORS_SHOWN = 20


@dataclass(frozen=True)
class StatementLine:
    """One payment received, as the bank wrote it, and in which layout (house, bank, zengin-03, zengin-01, person)."""

    number: int
    received_on: date
    payer: str
    amount_jpy: int
    reference: str
    layout: str


# Where each field stands, by position from 0 and length.
FIELDS = {
    MOVEMENTS: {
        "header": {"bank": (22, 4), "branch": (41, 3), "account": (63, 10)},
        "line": {"day": (9, 6), "credit": (21, 1), "amount": (24, 12), "payer": (81, 48), "words": (159, 20)}
        | {"edi": (179, 20)},
        "trailer": {"in_count": (1, 6), "in_sum": (7, 13), "out_count": (20, 6), "out_sum": (26, 13), "lines": (54, 7)},
    },
    NOTICE: {
        "header": {"bank": (22, 4), "branch": (41, 3), "account": (60, 7)},
        "line": {"day": (7, 6), "amount": (19, 10), "payer": (49, 48), "undone": (127, 1), "edi": (128, 20)},
        "trailer": {"in_count": (1, 6), "in_sum": (7, 12), "out_count": (19, 6), "out_sum": (25, 12)},
    },
}


@dataclass
class _Sums:
    """What the lines of one account add up to: credits, and debits or credits undone."""

    kind: str
    counts: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})
    sums: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})


def are_records(content: bytes) -> bool:
    """Whether bytes begin like 全銀 records rather than like CSV."""
    return content[:3] in (b"103", b"101") and b"," not in content[:RECORD_BYTES]


def read_records(content: bytes, *, today: date, account: Mapping[str, Any] | None) -> list[StatementLine]:
    """The credits of the file's accounts. Raises `Invalid` naming records that are wrong, and totals that disagree."""
    found: list[StatementLine] = []
    errors: dict[str, list[Words]] = {}
    open_account: _Sums | None = None
    ended = False
    for number, record in enumerate(_split(content), start=1):
        kind = record[0]
        try:
            if ended or (open_account is None) != (kind in "19"):
                raise _wrong(text("レコードの順序が正しくありません。"))
            if kind == "1":
                open_account = _open(record, account)
            elif kind == "2" and open_account:
                _take(number, record, open_account, today, found)
            elif kind == "8" and open_account:
                _check_totals(record, open_account)
                open_account = None
            elif kind == "9":
                ended = True
            else:
                raise _wrong(text("データ区分「%(kind)s」は使えません。", kind=kind))
        except Invalid as refusal:
            errors[f"line {number}"] = [_at(number, word) for word in refusal.errors["file"]]
            if kind != "2":
                break
    if not errors and not ended:
        errors["file"] = [text("エンドレコードがありません。ファイルが途中で切れていないか確認してください。")]
    if errors:
        raise Invalid(dict(list(errors.items())[:ERRORS_SHOWN]))
    return found


def _wrong(words: Words) -> Invalid:
    return Invalid({"file": [words]})


def _at(number: int, words: Words) -> Words:
    return text("%(n)s件目のレコード: %(words)s", n=number, words=str(words))


def _split(content: bytes) -> list[str]:
    plain = content.replace(b"\r", b"").replace(b"\n", b"").rstrip(b"\x1a")
    if len(plain) % RECORD_BYTES or len(plain) // RECORD_BYTES > RECORDS_MAX:
        raise _wrong(text("全銀形式のレコードは200バイトです。ファイルの長さ(%(n)sバイト)が合いません。", n=len(plain)))
    parts = [plain[n : n + RECORD_BYTES] for n in range(0, len(plain), RECORD_BYTES)]
    if any(byte > 0xDF or 0x80 <= byte <= 0xA0 for byte in plain):
        raise _wrong(text("全銀形式の文字コードは JIS(半角)です。EBCDIC ではなく JIS で取得してください。"))
    return [part.decode("cp932") for part in parts]


def _cut(record: str, kind: str, part: str, name: str) -> str:
    at, length = FIELDS[kind][part][name]
    return record[at : at + length].strip()


def _number(record: str, kind: str, part: str, name: str) -> int:
    written = _cut(record, kind, part, name) or "0"
    if not (written.isascii() and written.isdigit()):
        raise _wrong(text("数字の欄に「%(value)s」があります。", value=written[:20]))
    return int(written)


def _open(record: str, account: Mapping[str, Any] | None) -> _Sums:
    kind = record[1:3]
    if kind not in FIELDS or record[3] != "0":
        raise _wrong(text("入出金取引明細(03)か振込入金通知(01)の、JIS の文字コードのファイルを選んでください。"))
    if account and account.get("account_number"):
        names = ("bank", "branch", "account")
        given = tuple(_number(record, kind, "header", name) for name in names)
        ours = tuple(int(account[name] or 0) for name in ("bank_code", "branch_code", "account_number"))
        if given != ours:
            raise _wrong(text("設定にある運営者の口座の明細ではありません。口座番号を確認してください。"))
    return _Sums(kind)


def _take(number: int, record: str, sums: _Sums, today: date, found: list[StatementLine]) -> None:
    """Count a line; a credit is kept, a debit passed over, and a notice that takes one back removes that one."""
    kind = sums.kind
    is_credit = _cut(record, kind, "line", "credit") == "1" if kind == MOVEMENTS else not _is_undone(record)
    amount = _number(record, kind, "line", "amount")
    sums.counts[is_credit] += 1
    sums.sums[is_credit] += amount
    if is_credit:
        found.append(_line(number, record, kind, amount, today))
    elif kind == NOTICE:
        _undo(_cut(record, kind, "line", "payer"), amount, found)


def _undo(payer: str, amount: int, found: list[StatementLine]) -> None:
    for line in reversed(found):
        if (line.payer, line.amount_jpy) == (payer, amount):
            found.remove(line)
            return
    raise _wrong(text("取り消された入金がこのファイルにありません。入出金取引明細のファイルで確認してください。"))


def _line(number: int, record: str, kind: str, amount: int, today: date) -> StatementLine:
    day = read_six_digits(_cut(record, kind, "line", "day"), today=today)
    if day is None:
        raise _wrong(text("勘定日を読み取れません。"))
    if not 0 < amount <= AMOUNT_MAX:
        raise _wrong(text("入金の金額が0円です。"))
    payer = _cut(record, kind, "line", "payer")
    words = _cut(record, kind, "line", "words") if kind == MOVEMENTS else ""
    beside = " ".join(filter(None, [_cut(record, kind, "line", "edi"), words if payer else ""]))
    return StatementLine(number, day, payer or words, amount, beside, f"zengin-{kind}")


def _is_undone(record: str) -> bool:
    """Whether a notice takes back an earlier one (取消区分 1)."""
    return _cut(record, NOTICE, "line", "undone") == "1"


def _check_totals(record: str, sums: _Sums) -> None:
    told = {name: _number(record, sums.kind, "trailer", name) for name in FIELDS[sums.kind]["trailer"]}
    counted = {"in_count": sums.counts[True], "in_sum": sums.sums[True]}
    counted |= {"out_count": sums.counts[False], "out_sum": sums.sums[False], "lines": sum(sums.counts.values())}
    for name, value in told.items():
        if counted[name] != value:
            raise _wrong(
                text(
                    "合計が明細と一致しません(ファイルの合計 %(told)s、明細 %(counted)s)。",
                    told=f"{value:,}",
                    counted=f"{counted[name]:,}",
                )
            )
