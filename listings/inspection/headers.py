"""Where a table begins: the header under its title rows, and a name for every column.

Japanese sheets open with a title, a date and a source, and then the header; sometimes groups stand over it
(総数 | | | 外国人 | |) and sometimes there is none at all.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

Row = Sequence[str]

NUMBER = re.compile(r"[-+▲△]?[0-9][0-9,]*(\.[0-9]+)?([eE][-+]?[0-9]+)?%?")
VALUE = re.compile(
    r"[-+▲△]?[0-9][0-9,]*(\.[0-9]+)?%?"  # a number
    r"|\.[0-9]+"
    r"|[0-9]{1,4}[-/年][0-9]{1,2}[-/月][0-9]{1,2}日?([ T].*)?"  # a date
    r"|[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?"
    r"|0[0-9]{1,4}-[0-9]{1,4}-[0-9]{3,4}"
    r"|https?://\S+|[^@\s]+@[^@\s]+\.[a-z]+"
)
YEAR = re.compile(r"(19|20)[0-9]{2}(年度?)?")
NAME_CHARS_MAX = 200


@dataclass(frozen=True)
class Header:
    """`index` is the last header row among those looked at, None where the table has no header;
    `first` is the index of the first data row, `titles` how many filled rows stand above."""

    index: int | None
    first: int
    names: tuple[str, ...]
    titles: int = 0
    unnamed: tuple[int, ...] = ()
    repeated: tuple[str, ...] = ()
    grouped: bool = False
    linked: bool = False  # the #LINK form, whose comment rows start with #


def read_header(rows: Sequence[Row]) -> Header:
    """The header among the first rows of a table."""
    if rows and rows[0] and rows[0][0].strip() == "#LINK":
        for place, row in enumerate(rows):
            if row and row[0].strip() == "#property":
                return _named(place, place + 1, [list(row)], rows, linked=True)
    index = _densest_from_above(rows)
    if index is None:
        return Header(None, 0, ())
    if _is_data(rows[index], rows[index + 1 : index + 11]):
        width = max(len(row) for row in rows[index : index + 50])
        return Header(None, index, tuple(f"列{n}" for n in range(1, width + 1)), _filled_rows(rows[:index]))
    levels, last = _levels(rows, index)
    return _named(last, last + 1, levels, rows)


def _named(index: int, first: int, levels: list[list[str]], rows: Sequence[Row], *, linked: bool = False) -> Header:
    names, unnamed, repeated = unique_names(["_".join(_distinct(parts)) for parts in zip(*levels, strict=True)])
    titles = _filled_rows(rows[: index + 1 - len(levels)])
    return Header(index, first, names, titles, unnamed, repeated, grouped=len(levels) > 1, linked=linked)


def _filled_rows(rows: Sequence[Row]) -> int:
    return sum(1 for row in rows if filled(row))


def filled(row: Row) -> int:
    """How many cells hold something."""
    return sum(1 for cell in row if cell and not cell.isspace())


def _densest_from_above(rows: Sequence[Row]) -> int | None:
    """The first row that is nearly as full as the fullest: titles and notes are sparse, headers are not."""
    counts = [filled(row) for row in rows]
    most = max(counts, default=0)
    if not most:
        return None
    needed = most if most <= 2 else max(2, -(-most * 6 // 10))
    return next(index for index, count in enumerate(counts) if count >= needed)


def _is_data(row: Row, following: Sequence[Row]) -> bool:
    """Values where names should be, with the same kind of value under them."""
    if not following:
        return False
    places = [n for n, cell in enumerate(row) if VALUE.fullmatch(cell.strip())]
    if not places or len(places) < 0.3 * filled(row):
        return False
    numbers = [row[n].strip() for n in places]
    if all(YEAR.fullmatch(number) for number in numbers) or (len(numbers) >= 3 and _rising(numbers)):
        return False  # years or hours across the top
    alike = [n for n in places if _mostly_values(n, following)]
    return len(alike) >= max(1, 0.6 * len(places))


def _rising(numbers: Sequence[str]) -> bool:
    return all(n.isdigit() for n in numbers) and all(int(a) < int(b) for a, b in pairwise(numbers))


def _mostly_values(place: int, rows: Sequence[Row]) -> bool:
    cells = [row[place].strip() for row in rows if len(row) > place and row[place].strip()]
    return bool(cells) and sum(1 for cell in cells if VALUE.fullmatch(cell)) > 0.5 * len(cells)


def _levels(rows: Sequence[Row], index: int) -> tuple[list[list[str]], int]:
    """The header row with the group row over it or the detail row under it, where there is one."""
    header = list(rows[index])
    while header and not header[-1].strip():
        header.pop()
    width = len(header)
    blank = {n for n in range(width) if not header[n].strip()}
    cleaned = [cell.strip() for cell in header if cell.strip()]
    above = list(rows[index - 1][:width]) if index else []
    if len(set(cleaned)) < len(cleaned) and 2 <= filled(above) < filled(header) and not _any_value(above):
        above += [""] * (width - len(above))
        return [_carried(above), header], index
    below = list(rows[index + 1]) if index + 1 < len(rows) else []
    if blank and below and _completes(header, below, blank):
        wide = max(width, len(below))
        below += [""] * (wide - len(below))
        upper = header + [""] * (wide - width)
        return [[c if not below[n].strip() else _carried(upper)[n] for n, c in enumerate(upper)], below], index + 1
    return [header], index


def _any_value(row: Row) -> bool:
    return any(VALUE.fullmatch(cell.strip()) for cell in row if cell.strip() and not YEAR.fullmatch(cell.strip()))


def _completes(header: Row, below: Row, blank: set[int]) -> bool:
    """Words under the header's gaps, nothing under the first named column: the second line of one header."""
    words = {n for n, cell in enumerate(below) if cell.strip()}
    return (
        bool(words & blank) and 0 not in words and not _any_value(below) and len(words) < max(len(header), len(below))
    )


def _carried(row: Sequence[str]) -> list[str]:
    carried, last = [], ""
    for cell in row:
        last = cell.strip() or last
        carried.append(last)
    return carried


def _distinct(parts: Sequence[str]) -> list[str]:
    tidy = [clean_name(part) for part in parts]
    return [part for n, part in enumerate(tidy) if part and part not in tidy[:n]]


def clean_name(cell: str) -> str:
    """A header cell on one line."""
    return " ".join(cell.replace("\0", "").split())[:NAME_CHARS_MAX]


def unique_names(cells: Sequence[str]) -> tuple[tuple[str, ...], tuple[int, ...], tuple[str, ...]]:
    """A name for each column, unlike every other even where capitals do not count; which had none; which repeat.

    Readers of Parquet (DuckDB, Spark) take `Name` and `name` for one.
    """
    taken: set[str] = set()
    names, unnamed, repeated = [], [], []
    for place, cell in enumerate(cells):
        wanted = clean_name(cell)
        if not wanted:
            unnamed.append(place)
            wanted = f"列{place + 1}"
        name, n = wanted, 2
        while name.casefold() in taken:
            name, n = f"{wanted}_{n}", n + 1
        if name != wanted and cell.strip():
            repeated.append(wanted)
        taken.add(name.casefold())
        names.append(name)
    return tuple(names), tuple(unnamed), tuple(dict.fromkeys(repeated))


def letters(column: int) -> str:
    """The column's letters in a spreadsheet: 0 is A, 26 is AA."""
    column, rest = divmod(column, 26)
    return (letters(column - 1) if column else "") + chr(65 + rest)


def plain(words: str) -> str:
    """Full-width letters and digits as half-width ones, for comparing only."""
    return unicodedata.normalize("NFKC", words).strip()
