"""Statements in: the house's own CSV layout, the layouts of banks' CSV files, and 全銀 records. Bytes and rows only.

A bank's layout is known by its heading row, wherever in the first lines it stands: a column for the day, one for
credits (or a signed amount, or an amount with a word for its direction), and what the bank wrote beside it. Debits
are passed over. What cannot be read is named line by line, and then nothing of the statement is taken.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from exchange.errors import Invalid, Words, text
from settlement.bank import kana, records
from settlement.bank.records import TEXT_LENGTH_MAX, StatementLine
from settlement.bank.written import is_debit, is_nothing, read_amount, read_date

COLUMNS = ["date", "payer", "amount_jpy", "reference"]
LINES_MAX = 2_000
CELLS_MAX = 60
HEADING_WITHIN = 30  # banks put the account and the period above the heading row
ERRORS_SHOWN = 20

# Headings as banks write them, without width, blanks, お/ご and brackets. The first known one of a kind is taken.
# fmt: off
DAY = ["取引日", "日付", "取引日付", "取扱日付", "取扱日", "勘定日", "入出金日", "入金日", "年月日", "振込日", "起算日"]
CREDIT = [
    "預り金額", "預かり金額", "預入金額", "預入額", "預け入れ", "預入れ", "預入", "入金金額", "入金額", "入金",
    "受入金額", "受取金額", "預け入れ金額", "預入れ金額", "預け入れ額", "振込金額", "預り", "預かり",
]
BOTH_WAYS = ["入出金", "入出金額", "入出金金額"]
SIGNED = [*BOTH_WAYS, "金額", "取引金額"]
DIRECTION = ["入払区分", "入出金区分", "入出区分", "区分", "取引区分", "貸借区分"]
PAYER = ["振込依頼人名", "依頼人名", "振込依頼人", "振込人名", "依頼人", "振込人", "取引先名", "入出金先内容"]
WORDS = ["摘要", "摘要内容", "取引内容", "取扱内容", "取り扱い内容", "内容", "取引名", "入出金内容", "取引明細", "備考", "メモ", "明細", "詳細1", "詳細2"]
BESIDE = ["edi情報", "照合番号", "依頼人コード", "振込依頼人コード", "取引番号", "照会番号"]
# fmt: on
IN_WORDS, OUT_WORDS = {"入金", "入", "貸方", "預入", "1", "振込入金"}, {"出金", "出", "借方", "払出", "支払", "2"}


@dataclass
class _Reading:
    """A statement while it is read."""

    today: date
    found: list[StatementLine] = field(default_factory=list)
    errors: dict[str, list[Words]] = field(default_factory=dict)

    def wrong(self, number: int, words: Words) -> None:
        self.errors.setdefault(f"line {number}", []).append(words)


def read_statement(content: bytes, *, today: date, account: Mapping[str, Any] | None = None) -> list[StatementLine]:
    """The credits of a statement. CSV in UTF-8 (also with a byte order mark) or CP932, or 全銀 records of 200 bytes.

    With an account, records that name another one are refused. Raises `Invalid` with every line that cannot be read;
    then nothing of the statement is taken.
    """
    if records.are_records(content):
        return records.read_records(content, today=today, account=account)
    rows = _rows(_decoded(content))
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    reading = _Reading(today)
    if header == COLUMNS:
        _read_house(rows, reading)
    else:
        _read_bank(rows, reading)
    if reading.errors:
        raise Invalid(dict(list(reading.errors.items())[:ERRORS_SHOWN]))
    return reading.found


def _refuse(words: Words) -> Invalid:
    return Invalid({"file": [words]})


def _decoded(content: bytes) -> str:
    for encoding in ("utf-8-sig", "cp932"):
        try:
            decoded = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in decoded:
            return decoded
    raise _refuse(text("文字コードを読み取れません。UTF-8 の CSV にしてください。"))


def _rows(decoded: str) -> list[list[str]]:
    delimiter = "\t" if "\t" in decoded.partition("\n")[0] else ","
    try:
        rows = list(csv.reader(io.StringIO(decoded, newline=""), delimiter=delimiter))
    except csv.Error:
        raise _refuse(text("CSV として読み取れません。銀行から取得したままのファイルを選んでください。")) from None
    if len(rows) > LINES_MAX:
        raise _refuse(text("明細は%(max)s行までです。期間を分けて取り込んでください。", max=LINES_MAX))
    return rows


# --- the house's own layout -----------------------------------------------------------------------------------


def _read_house(rows: list[list[str]], reading: _Reading) -> None:
    for number, cells in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(COLUMNS):
            reading.wrong(number, text("%(n)s行目: 列が%(want)s列ではありません。", n=number, want=len(COLUMNS)))
            continue
        amount = read_amount(cells[2])
        if amount is None:
            reading.wrong(number, text("%(n)s行目: 金額は1円以上の整数で書いてください。", n=number))
        _take(reading, number, cells[0], cells[1].strip(), amount, cells[3].strip(), "house")


def _take(
    reading: _Reading, number: int, day: str, payer: str, amount: int | None, reference: str, layout: str
) -> None:
    """Keep a line unless its day or its texts are wrong; an amount of None was found wrong already."""
    received_on = read_date(day)
    if received_on is None or received_on > reading.today:
        reading.wrong(number, text("%(n)s行目: 日付は今日までの日付を 2026-11-23 の形で書いてください。", n=number))
    if max(len(payer), len(reference)) > TEXT_LENGTH_MAX:
        reading.wrong(number, text("%(n)s行目: 文字数が多すぎます。", n=number))
    if received_on and amount and f"line {number}" not in reading.errors:
        reading.found.append(StatementLine(number, received_on, payer, amount, reference, layout))


# --- banks' layouts -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Layout:
    """Which column of a bank's file holds what; -1 where there is none."""

    day: list[int]  # one column, or three for year, month and day
    credit: int
    signed: int
    direction: int
    payer: int
    words: list[int]


def _read_bank(rows: list[list[str]], reading: _Reading) -> None:
    headings = ((n, _layout_of(row)) for n, row in enumerate(rows[:HEADING_WITHIN], start=1))
    heading_at, layout = next(((n, found) for n, found in headings if found), (0, None))
    if layout is None:
        raise _refuse(
            text(
                "見出し行を読み取れません。1行目を %(columns)s にするか、日付・摘要・お預り金額などの見出しがある銀行の明細を選んでください。",
                columns=",".join(COLUMNS),
            )
        )
    for number, cells in enumerate(rows[heading_at:], start=heading_at + 1):
        if sum(bool(cell.strip()) for cell in cells) > 1:  # a single cell is a remark at the foot
            _take_bank_line(reading, number, cells, layout)


def _heading(cell: str) -> str:
    plain = re.sub(r"\s|[(\[].*?[)\]]", "", unicodedata.normalize("NFKC", cell).lower())
    return re.sub(r"^[お御ご]", "", plain)


def _layout_of(row: Sequence[str]) -> _Layout | None:
    """The layout a row of headings describes, or None for any other row."""
    if len(row) > CELLS_MAX:
        return None
    names = [_heading(cell) for cell in row]

    def first(known: list[str]) -> int:
        return next((names.index(name) for name in known if name in names), -1)

    credit, signed = first(CREDIT), first(SIGNED)
    day, direction = _split_day(row) or [first(DAY)], first(DIRECTION)
    if day[0] < 0 or (credit < 0 and signed < 0):
        return None
    if credit < 0 and names[signed] not in BOTH_WAYS and direction < 0:
        return None  # amounts alone do not say whether they came or went
    words = [n for n, name in enumerate(names) if name in WORDS or name in BESIDE]
    return _Layout(day, credit, -1 if credit >= 0 else signed, direction, first(PAYER), words)


def _split_day(row: Sequence[str]) -> list[int]:
    """The columns 操作日(年), 操作日(月), 操作日(日), where a bank writes its days in three."""
    plain = [unicodedata.normalize("NFKC", cell).replace(" ", "") for cell in row]
    found = [next((n for n, cell in enumerate(plain) if cell.endswith(f"日({part})")), -1) for part in "年月日"]
    return found if min(found) >= 0 else []


def _take_bank_line(reading: _Reading, number: int, cells: Sequence[str], layout: _Layout) -> None:
    def cell(n: int) -> str:
        return cells[n].strip() if 0 <= n < len(cells) else ""

    written = cell(layout.credit if layout.credit >= 0 else layout.signed)
    direction = unicodedata.normalize("NFKC", cell(layout.direction)).strip()
    if is_nothing(written) or is_debit(written) or (layout.signed >= 0 and direction in OUT_WORDS):
        return
    if layout.signed >= 0 <= layout.direction and direction not in IN_WORDS:
        reading.wrong(number, text("%(n)s行目: 入金か出金かを読み取れません。", n=number))
    day = "-".join(cell(n) for n in layout.day)
    if not day.strip("-") and not read_amount(written):
        return
    amount = read_amount(written.lstrip("+＋"))
    if amount is None:
        reading.wrong(number, text("%(n)s行目: 金額「%(value)s」を読み取れません。", n=number, value=written[:30]))
    texts = [cell(n) for n in layout.words if cell(n)]
    payer = kana.payer_name(cell(layout.payer)) or _payer_in(texts)
    beside = " ".join(each for each in texts if each != payer)
    _take(reading, number, day, payer[:TEXT_LENGTH_MAX], amount, beside[:TEXT_LENGTH_MAX], "bank")


def _payer_in(texts: Sequence[str]) -> str:
    """The first of a line's texts that names somebody, without the bank's own word for a credit."""
    return next((name for each in texts if (name := kana.payer_name(each))), texts[0] if texts else "")
