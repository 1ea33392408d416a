"""XLSX and XLS: the first sheet with a table is read, the others are named.

A workbook is a ZIP that anyone may have made, and calamine holds a sheet in memory with its empty cells, so
three things are known before it is opened: that every part unpacks to what it says, that the sum is bounded,
and that no cell stands so far out that the sheet between would not fit.
"""

from __future__ import annotations

import datetime
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetVisibleEnum

from exchange.errors import text

from .delimited import header_problems, too_wide
from .headers import filled, letters, read_header, unique_names
from .limits import (
    BLOCK_BYTES,
    COLUMNS_MAX,
    MEBIBYTE,
    WORKBOOK_BYTES_MAX,
    WORKBOOK_CELLS_MAX,
    WORKBOOK_PARTS_MAX,
    WORKBOOK_UNPACKED_BYTES_MAX,
)
from .results import Problem, Refused, Sheet
from .tables import RowWriter, Table

HEAD_ROWS = 60
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ADDRESS = re.compile(rb'\br="([A-Z]{0,3})([0-9]{1,7})"')
DAMAGED = text(
    "Excelブックとして開けません。ファイルが途中で切れているか、壊れています。Excelで開けることを確かめて保存し直し、もう一度アップロードしてください。"
)
PROTECTED = text(
    "パスワードの付いたExcelブックは読めません。パスワードを外して保存し、もう一度アップロードしてください。"
)


@dataclass(frozen=True)
class Workbook:
    """The table of the sheet that was read, if any has one, and all sheets."""

    table: Table | None
    sheets: tuple[Sheet, ...]
    problems: tuple[Problem, ...]


class TooLargeToPreview(Exception):
    """Sound as far as one can see, but more than is held in memory: stored, not previewed."""


def read_workbook(path: Path, workdir: Path, *, old: bool) -> Workbook:
    """The first table of a workbook. Refuses what is damaged, protected or a bomb."""
    with path.open("rb") as file:
        start = file.read(8)
    if start == OLE and not old:
        raise Refused(PROTECTED)  # an encrypted workbook is an OLE file; an .xls named .xlsx is as unreadable to many
    if start[:4] == b"PK\x03\x04":
        check_package(path)
    elif start != OLE:
        raise Refused(DAMAGED)
    if path.stat().st_size > WORKBOOK_BYTES_MAX:
        raise TooLargeToPreview
    try:
        with path.open("rb") as file:
            book = CalamineWorkbook.from_filelike(file)
            return _first_table(book, workdir)
    except PasswordError as error:
        raise Refused(PROTECTED) from error
    except CalamineError as error:
        raise Refused(DAMAGED) from error


def check_package(path: Path) -> None:
    """Unpack every part once, counting; refuse what does not come out as its directory says."""
    try:
        with zipfile.ZipFile(path) as package:
            parts = package.infolist()
            total = sum(part.file_size for part in parts)
            if total > WORKBOOK_UNPACKED_BYTES_MAX or len(parts) > WORKBOOK_PARTS_MAX:
                raise Refused(
                    text(
                        "展開すると%(limit)s MBを超えるExcelブックは受け付けていません。不要なシートや書式を削除するか、CSVで保存してアップロードしてください。",
                        limit=WORKBOOK_UNPACKED_BYTES_MAX // MEBIBYTE,
                    )
                )
            if any(part.flag_bits & 1 for part in parts):
                raise Refused(PROTECTED)
            if not any(part.filename.lower() == "xl/workbook.xml" for part in parts):
                raise Refused(DAMAGED)
            for part in parts:
                _check_part(package, part)
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, ValueError, RuntimeError) as error:
        raise Refused(DAMAGED) from error
    except zipfile.zlib.error as error:  # type: ignore[attr-defined]
        raise Refused(DAMAGED) from error


def _check_part(package: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    is_sheet = part.filename.lower().startswith("xl/worksheets/") and part.filename.lower().endswith(".xml")
    across = down = 0
    tail = b""
    with package.open(part) as stream:
        while piece := stream.read(BLOCK_BYTES):
            if is_sheet:
                for columns, row in ADDRESS.findall(tail + piece):
                    across, down = max(across, len(columns) and _number(columns)), max(down, int(row))
                tail = piece[-16:]
    if across > 4 * COLUMNS_MAX and across * down > WORKBOOK_CELLS_MAX:
        raise too_wide(across)
    if across * down > WORKBOOK_CELLS_MAX:
        raise TooLargeToPreview


def _number(columns: bytes) -> int:
    number = 0
    for letter in columns:
        number = number * 26 + letter - 64
    return number


def _first_table(book: CalamineWorkbook, workdir: Path) -> Workbook:
    """Sheets are read in order until one has a table; of the rest only name and size are told."""
    table: Table | None = None
    sheets: list[Sheet] = []
    for place, about in enumerate(book.sheets_metadata):
        hidden = about.visible != SheetVisibleEnum.Visible
        try:
            sheet = book.get_sheet_by_index(place)
        except CalamineError:
            if table is None and len(book.sheet_names) == 1:
                raise
            sheets.append(Sheet(about.name, 0, 0, read=False, hidden=hidden))
            continue
        read = False
        if table is None and not hidden:
            table = _read_sheet(sheet, workdir)
            read = table is not None
        sheets.append(Sheet(about.name, sheet.height, sheet.width, read=read, hidden=hidden))
    return Workbook(table, tuple(sheets), tuple(_sheet_problems(table, sheets)))


def _sheet_problems(table: Table | None, sheets: Sequence[Sheet]) -> Iterator[Problem]:
    others = [sheet.name for sheet in sheets if not sheet.read and sheet.rows > 0]
    if table is not None and others:
        yield Problem(
            "other_sheets",
            "note",
            text(
                "シート「%(read)s」を読み取りました。ほかに%(count)s枚のシートがあります（%(names)s）。",
                read=table.sheet,
                count=len(others),
                names="、".join(others[:5]),
            ),
            text("ほかのシートの表も見せたい場合は、1シートを1ファイルに分けてください。"),
            count=len(others),
        )
    hidden = [sheet.name for sheet in sheets if sheet.hidden]
    if hidden:
        yield Problem(
            "hidden_sheets",
            "warning",
            text(
                "非表示のシートがあります（%(names)s）。ファイルと一緒に相手に渡ります。", names="、".join(hidden[:5])
            ),
            text("渡さない内容であれば、非表示のシートを削除してください。"),
            count=len(hidden),
            sheet=hidden[0],
        )


def _read_sheet(sheet: Any, workdir: Path) -> Table | None:
    if sheet.start is None:
        return None
    top, left = sheet.start
    head = [_words(row) for row in islice(sheet.iter_rows(), HEAD_ROWS)]
    numbered = [(top + n, row) for n, row in enumerate(head) if filled(row)]
    header = read_header([row for _, row in numbered])
    width = len(header.names)
    if not width or (width < 2 and sheet.height < 3) or header.first >= len(numbered) + (sheet.height > HEAD_ROWS):
        return None
    if width > COLUMNS_MAX:
        raise too_wide(width)
    header_row = numbered[header.index][0] + 1 if header.index is not None else None
    first = header_row if header_row is not None else numbered[header.first][0]
    width = min(COLUMNS_MAX, max(width, max(len(_trimmed(row)) for _, row in numbered)))
    with RowWriter(workdir / "rows.parquet", width) as writer:
        for line, cells in enumerate(sheet.iter_rows(), top):
            row = _words(cells) if line >= first else None
            if row and any(row) and not (header.linked and row[0].startswith("#")):
                writer.add(line + 1, row)
    names, _, _ = unique_names([*header.names, *[""] * (width - len(header.names))])
    return Table(
        list(names),
        writer.source,
        writer.rows,
        header_row=header_row,
        problems=header_problems(header, header_row, sheet=sheet.name) + _merged_problems(sheet, header_row),
        unnamed={*header.unnamed, *range(len(header.names), width)},
        sheet=sheet.name,
        left=left,
        lettered=True,
    )


def _trimmed(row: Sequence[str]) -> Sequence[str]:
    end = len(row)
    while end and not row[end - 1]:
        end -= 1
    return row[:end]


def _merged_problems(sheet: Any, header_row: int | None) -> list[Problem]:
    below = [area for area in sheet.merged_cell_ranges or () if header_row is None or area[1][0] >= header_row]
    if not below:
        return []
    (row, column), _ = below[0]
    address = f"{letters(column)}{row + 1}"
    return [
        Problem(
            "merged_cells",
            "warning",
            text(
                "セルの結合が%(count)sか所あります（%(cell)sなど）。結合したセルは左上だけに値があるものとして読み取りました。",
                count=len(below),
                cell=address,
            ),
            text("セルの結合を解除し、どのセルにも値を入れてください。"),
            count=len(below),
            line=row + 1,
            cell=address,
            sheet=sheet.name,
        )
    ]


def _words(row: Sequence[Any]) -> list[str]:
    return [cell if type(cell) is str else _word(cell) for cell in row]


def _word(cell: Any) -> str:
    """A cell as one would type it: 12.0 is 12, midnight is no time."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime.datetime):
        return cell.date().isoformat() if cell.time() == datetime.time() else cell.isoformat(sep=" ")
    if isinstance(cell, datetime.date | datetime.time):
        return cell.isoformat()
    return str(cell)
