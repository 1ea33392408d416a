"""What would trip a reader of the values: numbers that are not, eras, blanks at the ends, Excel's errors.

After the machine-readability rules of the Digital Agency (rulebook 6.4), as far as one file can tell.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from exchange.errors import text

from .headers import letters
from .limits import COLUMNS_MAX
from .profile import DATE, DECIMAL, EDGE_BLANKS, Profile, cell, count_where
from .results import Problem
from .tables import Table

MOSTLY = 0.6  # this share of clean values makes the rest mistakes
# Leading zeros make a code, which is no mistake in a column of numbers.
NUMBER = (
    f"(regexp_full_match({{}}, '{DECIMAL}') AND regexp_matches({{}}, '[0-9]') OR regexp_full_match({{}}, '[0-9]+'))"
)
DIGITS = "translate({}, '０１２３４５６７８９．，－−', '0123456789.,--')"
LOOSE_NUMBER = r"regexp_full_match({}, '[-+▲△¥￥]?[0-9][0-9,]*(\.[0-9]+)?[円人件%％]?')".replace("{}", DIGITS)
DAY = f"regexp_full_match({{}}, '{DATE}')"
ERA = "regexp_full_match({}, '(明治|大正|昭和|平成|令和|[MTSHR])[ 　]?([0-9０-９]{1,2}|元)[年.．/].{0,8}')"
EXCEL_ERROR = "{} IN ('#REF!', '#N/A', '#VALUE!', '#DIV/0!', '#NAME?', '#NULL!', '#NUM!')"
LOST = "contains({raw}, '\ufffd')"
EDGES = f"{{raw}} <> trim({{raw}}, {EDGE_BLANKS})"
PLACEHOLDERS = (
    "-",
    "－",
    "―",
    "ー",
    "‐",
    "−",
    "…",
    "***",
    "*",
    "x",
    "X",
    "×",
    "・",
    "NULL",
    "null",
    "N/A",
    "NA",
    "なし",
    "不明",
    "未定",
    "・・・",
    "...",
)
FEW = 3
ROWS_COMPARED_MAX = 1_000_000


def problems_in(con: duckdb.DuckDBPyConnection, table: Table, found: Profile) -> list[Problem]:
    """Problems in the values, each with its first address. Needs the views that `profile` made."""
    texts = [
        n for n, kind in enumerate(found.kinds) if kind is None and n not in table.types and found.columns[n].filled
    ]
    problems = _mixed(con, table, found, texts)
    for kind, test in (("excel_error", EXCEL_ERROR), ("lost_characters", LOST)):
        maybe = [n for n in texts if (found.traits[n].lost if kind == "lost_characters" else found.traits[n].hashes)]
        counts = count_where(con, [_said_of(test, n) for n in maybe])
        for n, count in zip(maybe, counts, strict=True):
            if count and not (kind == "lost_characters" and any(p.kind == "encoding" for p in table.problems)):
                line, value = _first(con, n, _said_of(test, n))[0]
                problems.append(_damaged_problem(kind, table, n, count, line, value))
    problems += _edge_blanks(con, table, found, texts)
    return problems + _era(con, table, found, texts) + _repeated_rows(con, table)


def _said_of(test: str, n: int) -> str:
    return f"c{n} IS NOT NULL AND " + test.replace("{raw}", f"c{n}").replace("{}", cell(n))


def _first(con: duckdb.DuckDBPyConnection, n: int, test: str) -> list[tuple[int, str]]:
    rows = con.execute(f"SELECT line, c{n} FROM raw WHERE {test} ORDER BY line LIMIT {FEW}").fetchall()
    return [(int(line), str(value)[:60]) for line, value in rows]


def _at(table: Table, n: int, line: int) -> str | None:
    return f"{letters(n + table.left)}{line}" if table.lettered else None


def _mixed(con: duckdb.DuckDBPyConnection, table: Table, found: Profile, texts: Sequence[int]) -> list[Problem]:
    """Columns of numbers or dates that a few cells keep from being so."""
    problems = []
    for test, what in ((NUMBER, text("数値")), (DAY, text("日付"))):
        likely = _mostly(con, test, texts)
        fits = count_where(con, [_said_of(test, n) for n in likely])
        for n, count in zip(likely, fits, strict=True):
            misfits = found.columns[n].filled - count
            if misfits and count >= MOSTLY * found.columns[n].filled:
                problems.append(_misfit_problem(con, table, found, n, test, str(what), misfits))
    known = {p.column for p in problems}
    almost = _mostly(con, f"NOT {NUMBER} AND {LOOSE_NUMBER}", texts)
    loose = count_where(con, [_said_of(f"NOT {NUMBER} AND {LOOSE_NUMBER}", n) for n in almost])
    for n, count in zip(almost, loose, strict=True):
        name = found.columns[n].name
        if count >= MOSTLY * found.columns[n].filled and name not in known and count > 1:
            problems.append(_misfit_problem(con, table, found, n, NUMBER, str(text("数値")), count))
    return problems


def _mostly(con: duckdb.DuckDBPyConnection, test: str, columns: Sequence[int], share: float = MOSTLY) -> list[int]:
    """The columns whose first rows mostly pass: those worth asking in full."""
    passing = count_where(con, [_said_of(test, n) for n in columns], "head")
    filled = count_where(con, [f"c{n} IS NOT NULL" for n in columns], "head")
    return [n for n, some, all_ in zip(columns, passing, filled, strict=True) if all_ and some >= share * all_]


def _misfit_problem(
    con: duckdb.DuckDBPyConnection, table: Table, found: Profile, n: int, test: str, what: str, misfits: int
) -> Problem:
    name = found.columns[n].name
    few = _first(con, n, f"c{n} IS NOT NULL AND NOT " + test.replace("{}", cell(n)))
    line, value = few[0] if few else (0, "")
    return Problem(
        "mixed_values",
        "warning",
        text(
            "「%(column)s」列は%(what)sの列のようですが、そのまま読めない値が%(count)s件あります（例: %(line)s行目「%(value)s」）。",
            column=name,
            what=what,
            count=misfits,
            line=line,
            value=value,
        ),
        _how_to_mend(value),
        count=misfits,
        line=line,
        column=name,
        cell=_at(table, n, line),
        sheet=table.sheet,
    )


def _how_to_mend(value: str) -> text:
    value = value.strip()
    if value in PLACEHOLDERS:
        return text("値がないことを表す記号は空欄に直し、意味は説明欄に書いてください。")
    if any("０" <= letter <= "９" for letter in value):
        return text("全角の数字を半角に直してください。")
    if "," in value:
        return text("桁区切りのカンマを取り除いてください。")
    return text("単位や注記は別の列に移し、値だけを入れてください。")


def _damaged_problem(kind: str, table: Table, n: int, count: int, line: int, value: str) -> Problem:
    name = table.names[n]
    said, mend = {
        "excel_error": (
            text(
                "「%(column)s」列に、計算式の誤り（%(value)s）が%(count)s件あります（%(line)s行目など）。",
                column=name,
                count=count,
                line=line,
                value=value,
            ),
            text("表計算ソフトで式を直し、値にしてから保存してください。"),
        ),
        "lost_characters": (
            text(
                "「%(column)s」列に、すでに失われた文字（�）が%(count)s件あります（%(line)s行目など）。",
                column=name,
                count=count,
                line=line,
            ),
            text("元のデータから書き出し直してください。"),
        ),
    }[kind]
    return Problem(
        kind, "error", said, mend, count, line=line, column=name, cell=_at(table, n, line), sheet=table.sheet
    )


def _edge_blanks(con: duckdb.DuckDBPyConnection, table: Table, found: Profile, texts: Sequence[int]) -> list[Problem]:
    """Blanks at the ends of values: common, harmless to people, so said once for all columns."""
    having = {n: found.traits[n].edges for n in texts if found.traits[n].edges}
    if not having:
        return []
    n, total = next(iter(having)), sum(having.values())
    line, _ = _first(con, n, _said_of(EDGES, n))[0]
    names = "、".join(table.names[m] for m in list(having)[:5]) + ("…" if len(having) > 5 else "")
    return [
        Problem(
            "edge_blanks",
            "note",
            text(
                "前後に空白や改行のある値が%(count)s件あります（%(line)s行目「%(column)s」など。列: %(names)s）。",
                count=total,
                line=line,
                column=table.names[n],
                names=names,
            ),
            text("値の前後の空白や改行を取り除いてください。"),
            count=total,
            line=line,
            column=table.names[n],
            cell=_at(table, n, line),
            sheet=table.sheet,
        )
    ]


def _era(con: duckdb.DuckDBPyConnection, table: Table, found: Profile, texts: Sequence[int]) -> list[Problem]:
    problems = []
    likely = _mostly(con, ERA, texts, share=0.5)
    for n, count in zip(likely, count_where(con, [_said_of(ERA, n) for n in likely]), strict=True):
        if count >= max(2, 0.5 * found.columns[n].filled):
            line, value = _first(con, n, _said_of(ERA, n))[0]
            name = found.columns[n].name
            problems.append(
                Problem(
                    "era_dates",
                    "note",
                    text(
                        "「%(column)s」列の日付は和暦です（例: %(line)s行目「%(value)s」）。文字のまま保存します。",
                        column=name,
                        line=line,
                        value=value,
                    ),
                    text("西暦（2026-11-24 の形）の列を加えると、並べ替えや集計ができます。"),
                    count=count,
                    line=line,
                    column=name,
                    cell=_at(table, n, line),
                    sheet=table.sheet,
                )
            )
    return problems


def _repeated_rows(con: duckdb.DuckDBPyConnection, table: Table) -> list[Problem]:
    width = len(table.names)
    if table.rows > ROWS_COMPARED_MAX or table.rows * width > 20 * ROWS_COMPARED_MAX or width > COLUMNS_MAX // 4:
        return []
    row = ", ".join(f"c{n}" for n in range(width))
    again = con.execute(
        f"SELECT max(line), count(*) - 1 FROM (SELECT line, hash({row}) AS print FROM raw)"
        " GROUP BY print HAVING count(*) > 1 ORDER BY 1"
    ).fetchall()
    if not again:
        return []
    count, line = sum(int(extra) for _, extra in again), int(again[0][0])
    return [
        Problem(
            "repeated_rows",
            "note",
            text("すべての値が同じ行が%(count)s行あります（%(line)s行目など）。", count=count, line=line),
            text("二重に登録されていないか確かめてください。"),
            count=count,
            line=line,
            sheet=table.sheet,
        )
    ]
