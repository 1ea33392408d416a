"""The journal in the formats of others: CSV for accounting software (仕訳), and hledger's. Formats only."""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from settlement import rules

CSV_COLUMNS = (
    ["取引日", "伝票番号"]
    + [f"借方{name}" for name in ("勘定科目", "補助科目", "税区分", "金額")]
    + [f"貸方{name}" for name in ("勘定科目", "補助科目", "税区分", "金額")]
    + ["摘要"]
)
ENCODINGS = {"utf-8": "utf-8-sig", "shift_jis": "cp932"}  # with a byte order mark, for spreadsheets; as Windows has it
OUT_OF_SCOPE = "対象外"
FEE_GIVEN_BACK = "課税売上返還等10%"


@dataclass(frozen=True)
class AccountShown:
    """An account with its heading's title and its partner's name."""

    code: str
    heading: str
    title: str
    kind: str
    side: str
    partner: str | None
    partner_id: str | None


@dataclass(frozen=True)
class TransferShown:
    """One transfer of an entry: debited, credited, and how many yen."""

    debit: AccountShown
    credit: AccountShown
    amount_jpy: int


@dataclass(frozen=True)
class EntryShown:
    """One entry as people read it."""

    id: str
    at: datetime
    booked_on: date
    cause: str
    reference: str
    words: str
    transfers: Sequence[TransferShown]

    @property
    def total_jpy(self) -> int:
        """What the entry moves in all, outside the memorandum accounts if it does."""
        real = [t.amount_jpy for t in self.transfers if t.debit.kind != "memorandum"]
        return sum(real or [t.amount_jpy for t in self.transfers])


def as_csv(entries: Iterable[EntryShown]) -> Iterator[str]:
    """One row a transfer, with tax categories; memorandum accounts (管理勘定) stand outside the books and are left out.

    Fees include their consumption tax (税込経理方式).
    """
    yield row(CSV_COLUMNS)
    for entry in entries:
        for transfer in entry.transfers:
            if transfer.debit.kind != "memorandum":
                yield row(_cells(entry, transfer))


def _cells(entry: EntryShown, transfer: TransferShown) -> list[str]:
    debit, credit, amount = transfer.debit, transfer.credit, str(transfer.amount_jpy)
    debit_tax = FEE_GIVEN_BACK if debit.heading == "fees" else rules.CHART[debit.heading].tax
    cells = [entry.booked_on.isoformat(), entry.id, debit.title, debit.partner or "", debit_tax, amount]
    cells += [credit.title, credit.partner or "", rules.CHART[credit.heading].tax, amount, entry.words]
    return [unharmful(cell) for cell in cells]


def unharmful(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return "'" + cell if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def encoded(lines: Iterable[str], encoding: str) -> bytes:
    """A file's bytes in one of `ENCODINGS`; what Shift_JIS does not have becomes 〓 (下駄), as printers did."""
    return "".join(lines).encode(ENCODINGS[encoding], errors="geta")


def _geta(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return "〓" * (error.end - error.start), error.end


codecs.register_error("geta", _geta)


def row(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue()


def as_hledger(accounts: Iterable[AccountShown], entries: Iterable[EntryShown]) -> Iterator[str]:
    """The whole journal with commodity and accounts declared, so that hledger's strict checks accept it."""
    yield "commodity 1000. JPY\n\n"
    for account in accounts:
        yield f"account {hledger_account(account)}\n"
    for entry in entries:
        yield f"\n{entry.booked_on.isoformat()} ({entry.id}) {_plain(entry.words)}  ; {_plain(entry.cause)}\n"
        for transfer in entry.transfers:
            yield f"    {hledger_account(transfer.debit)}  {transfer.amount_jpy} JPY\n"
            yield f"    {hledger_account(transfer.credit)}  -{transfer.amount_jpy} JPY\n"


def hledger_account(account: AccountShown) -> str:
    """An account's name: kind, heading, and partner with the end of its id, since names are not unique."""
    parts = [rules.KIND_TITLES[account.kind], account.title]
    if account.partner_id:
        parts.append(f"{account.partner or ''} {account.partner_id[-6:]}")
    return ":".join(_plain(part).replace(":", "：") for part in parts)


def _plain(words: str) -> str:
    """Words without what hledger reads as structure: comments, payees, tabs, double blanks."""
    return re.sub(r"\s+", " ", words.replace(";", "；").replace("|", "｜")).strip()
