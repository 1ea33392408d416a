"""CSV and TSV: delimiter, header, ragged rows, line breaks in cells, blank rows, each with its line."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from exchange.errors import text

from .encodings import TextSource, text_encoding
from .headers import Header, filled, read_header, unique_names
from .limits import BATCH_CELLS, COLUMNS_MAX, LINE_BYTES_MAX, MEBIBYTE, PROBLEMS_PER_KIND_MAX
from .results import Problem, Refused
from .tables import RowWriter, Table

DELIMITERS = ",\t;|"
HEAD_RECORDS = 200
HEAD_CHARS = 512 * 1024
BATCH_CHARS = 8 * MEBIBYTE
IDENTIFIERS = re.compile(r"[A-Za-z_]\w*(,[A-Za-z_]\w*)+", re.ASCII)  # a header alone, as in an empty GTFS table
csv.field_size_limit(LINE_BYTES_MAX)


EMPTY = text("値が1つも入っていません。元のファイルを確かめて、もう一度アップロードしてください。")


@dataclass
class Oddities:
    """What the rows themselves got wrong, counted, with the first few lines."""

    short: int = 0
    long: int = 0
    blank: int = 0
    unclosed: int | None = None  # the line where a quote opens and never closes
    long_lines: list[int] = field(default_factory=list)
    short_lines: list[int] = field(default_factory=list)


def read_delimited(path: Path, workdir: Path, *, expected: str) -> Table:
    """The table in a delimited text file. Refuses what is no text, or too wide."""
    source = TextSource(path, text_encoding(path))
    delimiter = sniff(path, source.encoding, expected=expected)
    header, lines, width = _head(path, source.encoding, delimiter)
    if not lines:
        raise Refused(EMPTY)
    odd = Oddities()
    with RowWriter(workdir / "rows.parquet", width) as writer:
        flushed = 0
        for line, row in _data_rows(source, delimiter, header, lines, width, odd):
            writer.add(line, row)
            if source.loaded_chars - flushed > BATCH_CHARS:  # few rows, but large ones
                writer.flush()
                flushed = source.loaded_chars
    header_row = lines[header.index] if header.index is not None else None
    names, _, _ = unique_names([*header.names, *[""] * (width - len(header.names))])
    return Table(
        list(names[:width]),
        writer.source,
        writer.rows,
        header_row=header_row,
        encoding=source.encoding,
        delimiter=delimiter,
        problems=[*_decoding_problems(source), *_row_problems(odd, width), *header_problems(header, header_row)],
        unnamed={*header.unnamed, *range(len(header.names), width)},
    )


def sniff(path: Path, encoding: str, *, expected: str) -> str:
    """The delimiter under which most of the first rows have the same width; the expected one where none does."""
    lines = _head_lines(path, encoding)
    longest = max(lines, key=len, default="")
    if longest.count(expected) > COLUMNS_MAX * 50 and '"' not in longest:
        raise too_wide(longest.count(expected) + 1)
    best, most = expected, 0.0
    for delimiter in [expected, *(d for d in DELIMITERS if d != expected)]:
        score = _agreement(lines, delimiter)
        if score > most:
            best, most = delimiter, score
    return best


def is_tabular(path: Path) -> str | None:
    """The delimiter of a .txt that is a table in all but name, else None."""
    encoding = text_encoding(path)
    delimiter = sniff(path, encoding, expected=",")
    lines = _head_lines(path, encoding)
    enough = len(lines) >= 2 or (lines and IDENTIFIERS.fullmatch(lines[0].strip().replace(delimiter, ",")))
    return delimiter if enough and _agreement(lines, delimiter) >= 0.8 else None


def _agreement(lines: Sequence[str], delimiter: str) -> float:
    if not any(delimiter in line for line in lines):
        return 0.0
    widths = Counter(len(row) for row in _parsed(lines, delimiter) if filled(row))
    width, rows = max(widths.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
    return rows / sum(widths.values()) if width > 1 else 0.0


def _head_lines(path: Path, encoding: str) -> list[str]:
    source = TextSource(path, encoding)
    lines, chars = [], 0
    for line in islice(source.lines(), HEAD_RECORDS):
        lines.append(line)
        chars += len(line)
        if chars > HEAD_CHARS:
            break
    return lines


def _parsed(lines: Sequence[str] | Iterator[str], delimiter: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(lines, delimiter=delimiter)
    except csv.Error as error:
        raise Refused(
            text(
                '1つのセルが%(limit)s MBを超えています。閉じていない引用符（"）がないか確かめて、もう一度アップロードしてください。',
                limit=LINE_BYTES_MAX // MEBIBYTE,
            )
        ) from error


def too_wide(columns: int) -> Refused:
    """Refuses a table that no one could describe column by column."""
    return Refused(
        text(
            "列が%(columns)s列あります。扱えるのは%(limit)s列までです。縦持ち（1行に1つの値）に直すか、ファイルを分けてください。",
            columns=columns,
            limit=COLUMNS_MAX,
        )
    )


def _head(path: Path, encoding: str, delimiter: str) -> tuple[Header, list[int], int]:
    """The header, the line of each of the first filled rows, and how many cells a row has."""
    reader = _Records(_head_lines(path, encoding), delimiter)
    records = [(line, row) for line, row in reader if filled(row)]
    header = read_header([row for _, row in records[:50]])
    widths = Counter(len(row) for _, row in records[header.first :])
    usual = widths.most_common(1)[0] if widths else (0, 0)
    width = len(header.names)
    if not width or (usual[0] > width and usual[1] > 0.5 * sum(widths.values())):
        width = usual[0]
    if width > COLUMNS_MAX:
        raise too_wide(width)
    return header, [line for line, _ in records], max(1, width)


class _Records:
    """Rows with the line each begins on."""

    def __init__(self, lines: Sequence[str] | Iterator[str], delimiter: str) -> None:
        self._reader = csv.reader(self._watched(iter(lines), delimiter), delimiter=delimiter)
        self._quotes = 0
        self.unclosed: int | None = None

    def _watched(self, lines: Iterator[str], delimiter: str) -> Iterator[str]:
        for line in lines:
            if len(line) > MEBIBYTE and line.count(delimiter) > BATCH_CELLS and '"' not in line:
                raise too_wide(line.count(delimiter) + 1)
            if '"' in line:
                self._quotes += line.count('"')
            yield line

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        reader, line, began = self._reader, 1, 1
        try:
            for row in reader:
                yield line, row
                began, line = line, reader.line_num + 1
            if self._quotes % 2 and line - began > 1:
                self.unclosed = began
        except csv.Error as error:
            raise Refused(
                text(
                    '%(line)s行目から始まるセルが%(limit)s MBを超えています。閉じていない引用符（"）がないか確かめて、もう一度アップロードしてください。',
                    line=line,
                    limit=LINE_BYTES_MAX // MEBIBYTE,
                )
            ) from error


def _data_rows(
    source: TextSource, delimiter: str, header: Header, lines: Sequence[int], width: int, odd: Oddities
) -> Iterator[tuple[int, list[str]]]:
    first = lines[header.first] if header.first < len(lines) else None
    after = lines[header.index] if header.index is not None else 0
    expected = len(header.names) or width
    pending_blank = 0
    records = _Records(source.lines(), delimiter)
    for line, row in records:
        if line <= after or (first is not None and line < first):
            continue
        if not any(row) or "".join(row).isspace():
            pending_blank += 1
            continue
        if header.linked and row[0].startswith("#"):
            continue
        odd.blank += pending_blank  # only blank rows between rows count; those at the end mean nothing
        pending_blank = 0
        if len(row) != expected:
            _note_ragged(row, line, width, expected, odd)
        yield line, row
    odd.unclosed = records.unclosed


def _note_ragged(row: Sequence[str], line: int, width: int, expected: int, odd: Oddities) -> None:
    if len(row) > width and any(row[width:]):
        odd.long += 1
        if len(odd.long_lines) < PROBLEMS_PER_KIND_MAX:
            odd.long_lines.append(line)
    elif len(row) < min(width, expected):
        odd.short += 1
        if len(odd.short_lines) < PROBLEMS_PER_KIND_MAX:
            odd.short_lines.append(line)


def _decoding_problems(source: TextSource) -> list[Problem]:
    return [decoding_problem(source, line, before) for line, before in source.spoiled]


def decoding_problem(source: TextSource, line: int, before: str) -> Problem:
    """A byte that is no text, by its line and what stands before it."""
    where = text("「%(before)s」の後", before=before) if before else text("行の先頭")
    return Problem(
        "encoding",
        "error",
        text(
            "%(line)s行目に、文字コード%(encoding)sでは読めない文字があります（%(where)s）。",
            line=line,
            encoding=source.encoding,
            where=str(where),
        ),
        text("その文字を入力し直し、UTF-8で保存してください。読めない文字は「�」に置き換えて表示しています。"),
        count=source.spoiled_count,
        line=line,
    )


def _row_problems(odd: Oddities, width: int) -> list[Problem]:
    problems = []
    if odd.unclosed:
        problems.append(
            Problem(
                "unclosed_quote",
                "error",
                text(
                    '%(line)s行目で開いた引用符（"）が閉じられていません。そこからファイルの終わりまでが1つのセルになっています。',
                    line=odd.unclosed,
                ),
                text(
                    "%(line)s行目のセルの終わりに引用符を付けるか、不要な引用符を削除してください。", line=odd.unclosed
                ),
                line=odd.unclosed,
            )
        )
    if odd.long:
        problems.append(
            Problem(
                "too_many_cells",
                "error",
                text(
                    "列が見出しより多い行が%(count)s行あります（%(lines)s）。はみ出したセルは読み取っていません。",
                    count=odd.long,
                    lines=lines_in_words(odd.long_lines),
                ),
                text('値の中のカンマや改行を引用符（"）で囲み、どの行も%(width)s列にしてください。', width=width),
                count=odd.long,
                line=odd.long_lines[0],
            )
        )
    if odd.short:
        problems.append(
            Problem(
                "too_few_cells",
                "warning",
                text(
                    "列が見出しより少ない行が%(count)s行あります（%(lines)s）。足りないセルは空として読み取りました。",
                    count=odd.short,
                    lines=lines_in_words(odd.short_lines),
                ),
                text("空のセルもカンマで区切り、どの行も%(width)s列にしてください。", width=width),
                count=odd.short,
                line=odd.short_lines[0],
            )
        )
    if odd.blank:
        problems.append(
            Problem(
                "blank_rows",
                "note",
                text("表の途中に空の行が%(count)s行あります。読み飛ばしました。", count=odd.blank),
                text("空の行を削除してください。"),
                count=odd.blank,
            )
        )
    return problems


def lines_in_words(lines: Sequence[int]) -> str:
    """「3、8、12」: line numbers for a sentence, the first five."""
    return "、".join(f"{line}行目" for line in lines[:5]) + ("…" if len(lines) > 5 else "")


def header_problems(header: Header, header_row: int | None, *, sheet: str | None = None) -> list[Problem]:
    """What is odd about the header, of a text file or a sheet."""
    problems = []
    if header.index is None and header.names:
        problems.append(
            Problem(
                "no_header",
                "warning",
                text("見出しの行が見つかりません。列に「列1」「列2」…と仮の名前を付けました。"),
                text("1行目に項目名を入れてください。"),
                line=1,
                sheet=sheet,
            )
        )
    if header.titles and header_row:
        problems.append(
            Problem(
                "title_rows",
                "note",
                text(
                    "見出し（%(row)s行目）の上に、表題などの行が%(count)s行あります。読み飛ばしました。",
                    row=header_row,
                    count=header.titles,
                ),
                text("1行目を項目名にし、表題や出典は説明欄に移してください。"),
                count=header.titles,
                line=header_row,
                sheet=sheet,
            )
        )
    if header.grouped:
        problems.append(
            Problem(
                "grouped_header",
                "note",
                text("見出しが2行に分かれています。「上の見出し_下の見出し」という1つの名前にまとめました。"),
                text("見出しを1行にし、項目名を1列に1つずつ付けてください。"),
                line=header_row,
                sheet=sheet,
            )
        )
    if header.repeated:
        problems.append(
            Problem(
                "repeated_names",
                "warning",
                text(
                    "同じ項目名の列があります（%(names)s）。2つ目からは「_2」などを付けて区別しました。",
                    names="、".join(header.repeated[:5]),
                ),
                text("項目名をすべて違う名前にしてください。表が横に並んでいる場合は、別のファイルに分けてください。"),
                count=len(header.repeated),
                line=header_row,
                sheet=sheet,
            )
        )
    return problems


def unnamed_problem(names: Sequence[str], header_row: int | None, *, sheet: str | None = None) -> Problem:
    """Columns with values but no name."""
    return Problem(
        "unnamed_columns",
        "warning",
        text(
            "項目名のない列が%(count)s列あります。「%(name)s」のように仮の名前を付けました。",
            count=len(names),
            name=names[0],
        ),
        text("すべての列に項目名を付けてください。"),
        count=len(names),
        line=header_row,
        column=names[0],
        sheet=sheet,
    )
