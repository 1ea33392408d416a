"""What each column holds: type, gaps, distinct values, and the Parquet twin in which the types are real.

A type is given only where every filled cell has it. Codes with leading zeros, full-width digits, thousands
separators and years of an era (令和8年) stay text: a twin that changes what was written would be another file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from .limits import (
    CELL_SHOWN_MAX,
    EXACT_DISTINCT_CELLS_MAX,
    EXAMPLE_SHOWN_MAX,
    HEAD_CELLS_MAX,
    HEAD_ROWS,
    SAMPLE_ROWS,
    TABLE_CELLS_MAX,
    TWIN_GROUP_CELLS,
)
from .results import Column, Twin
from .tables import Table, identifier, literal

INTEGER = r"[+-]?(0|[1-9][0-9]{0,17})"
DECIMAL = r"[+-]?(0|[1-9][0-9]*)?(\.[0-9]+)?([eE][+-][0-9]{1,3})?"
DATE = r"[12][0-9]{3}([-/][0-9]{1,2}[-/][0-9]{1,2}|年[0-9]{1,2}月[0-9]{1,2}日)"
TIME = r"[ T][0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
OFFSET = r"(Z|[+-][0-9]{2}:?[0-9]{2})"
GROUP = 40  # columns asked in one statement


@dataclass(frozen=True)
class Kind:
    """A type: how to tell that a cell has it, and how to cast (`{}` is the trimmed cell)."""

    type: str
    test: str
    cast: str


_DASHED = "rtrim(regexp_replace({}, '[/年月]', '-', 'g'), '日')"
_STAMP = "replace(replace({}, '/', '-'), 'T', ' ')"
KINDS = (
    Kind("boolean", "{} IN ('true', 'false', 'TRUE', 'FALSE', 'True', 'False')", "lower({}) = 'true'"),
    Kind("integer", f"regexp_full_match({{}}, '{INTEGER}')", "CAST({} AS BIGINT)"),
    Kind(
        "decimal",
        f"(regexp_full_match({{}}, '{DECIMAL}') AND regexp_matches({{}}, '[0-9]')"
        " AND isfinite(TRY_CAST({} AS DOUBLE)))",
        "CAST({} AS DOUBLE)",
    ),
    Kind(
        "date",
        f"(regexp_full_match({{}}, '{DATE}') AND try_strptime({_DASHED}, '%Y-%m-%d') IS NOT NULL)",
        f"CAST(strptime({_DASHED}, '%Y-%m-%d') AS DATE)",
    ),
    Kind(
        "datetime",
        f"(regexp_full_match({{}}, '{DATE}{TIME}') AND TRY_CAST({_STAMP} AS TIMESTAMP) IS NOT NULL)",
        f"CAST({_STAMP} AS TIMESTAMP)",
    ),
    Kind(
        "datetime",
        f"(regexp_full_match({{}}, '{DATE}{TIME}{OFFSET}') AND TRY_CAST({_STAMP} AS TIMESTAMPTZ) IS NOT NULL)",
        f"CAST({_STAMP} AS TIMESTAMPTZ)",
    ),
)


@dataclass(frozen=True)
class Traits:
    """What one cheap pass tells of a column, so that costly questions are put only where they can matter."""

    filled: int
    distinct: int
    longest: int
    at_signs: int
    hashes: int
    mentions: int  # of マイナンバー or 個人番号
    lost: int
    edges: int


EDGE_BLANKS = "' 　\t\n\r'"
TRAITS = (
    "count({c})",
    "{distinct}",
    "coalesce(max(length({c})), 0)",
    "count_if(contains({c}, '@') OR contains({c}, '＠'))",
    "count_if(starts_with({c}, '#'))",
    "count_if(contains({c}, 'マイナンバー') OR contains({c}, '個人番号'))",
    "count_if(contains({c}, '\ufffd'))",
    f"count_if({{c}} <> trim({{c}}, {EDGE_BLANKS}))",
)


@dataclass(frozen=True)
class Profile:
    """The columns as described, which of KINDS each was found to have (None is text), and the first rows."""

    columns: tuple[Column, ...]
    kinds: tuple[Kind | None, ...]
    traits: tuple[Traits, ...]
    sample: tuple[tuple[str, ...], ...]


def profile(con: duckdb.DuckDBPyConnection, table: Table) -> Profile:
    """Ask every column what it holds. `con` gets `raw` and, its first rows, `head`."""
    width = len(table.names)
    head_rows = max(200, min(HEAD_ROWS, HEAD_CELLS_MAX // max(1, width)))
    kept = "TEMP TABLE" if table.rows * width <= TABLE_CELLS_MAX else "VIEW"
    con.execute(f"CREATE OR REPLACE {kept} raw AS SELECT * FROM {table.source}")
    con.execute(f"CREATE OR REPLACE TEMP TABLE head AS SELECT * FROM raw LIMIT {head_rows}")
    kinds = _kinds(con, table)
    exact = table.rows * width <= EXACT_DISTINCT_CELLS_MAX
    traits = _traits(con, width, exact=exact)
    examples = _examples(con, width)
    columns = tuple(
        Column(
            name,
            table.types.get(n) or (kind.type if kind else "text"),
            nullable=traits[n].filled < table.rows,
            distinct=min(traits[n].distinct, traits[n].filled),
            example=shorten(examples[n], EXAMPLE_SHOWN_MAX),
            filled=traits[n].filled,
        )
        for n, (name, kind) in enumerate(zip(table.names, kinds, strict=True))
    )
    return Profile(columns, kinds, traits, _sample(con, width))


def cell(n: int) -> str:
    """Column n's cell without blanks around it, as SQL."""
    return f"trim(c{n}, ' \t')"


def _groups(columns: Iterable[int]) -> Iterable[list[int]]:
    waiting = list(columns)
    return (waiting[start : start + GROUP] for start in range(0, len(waiting), GROUP))


def one_row(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[object, ...]:
    """The single row of an aggregate."""
    row = con.execute(sql).fetchone()
    assert row is not None  # aggregates always answer
    return row


def count_where(con: duckdb.DuckDBPyConnection, tests: Sequence[str], source: str = "raw") -> list[int]:
    """How many rows meet each condition, in as few passes as the statement's size allows."""
    counts: list[int] = []
    for start in range(0, len(tests), 4 * GROUP):
        wanted = ", ".join(f"count_if({test})" for test in tests[start : start + 4 * GROUP])
        counts += [int(str(n or 0)) for n in one_row(con, f"SELECT {wanted} FROM {source}")]
    return counts


def _kinds(con: duckdb.DuckDBPyConnection, table: Table) -> tuple[Kind | None, ...]:
    """The head proposes, the whole file decides."""
    asked = [n for n in range(len(table.names)) if n not in table.types]
    found: dict[int, Kind | None] = dict.fromkeys(range(len(table.names)))
    proposed, unsure = {}, []
    for n, (kind, some) in _fitting(con, asked, "head").items():
        if kind:
            proposed[n] = kind
        elif not some:
            unsure.append(n)
    tests = [f"c{n} IS NOT NULL AND NOT {kind.test.replace('{}', cell(n))}" for n, kind in proposed.items()]
    for (n, kind), misfits in zip(proposed.items(), count_where(con, tests), strict=True):
        if misfits:
            unsure.append(n)
        else:
            found[n] = kind
    found |= {n: kind for n, (kind, _) in _fitting(con, unsure, "raw").items()}
    return tuple(found[n] for n in range(len(table.names)))


def _fitting(
    con: duckdb.DuckDBPyConnection, columns: Sequence[int], source: str
) -> dict[int, tuple[Kind | None, bool]]:
    """For each column the first kind that all its filled cells have, and whether any is filled."""
    fitting: dict[int, tuple[Kind | None, bool]] = {}
    for group in _groups(columns):
        tests = [
            test for n in group for test in (f"c{n} IS NOT NULL", *(kind.test.replace("{}", cell(n)) for kind in KINDS))
        ]
        counts = count_where(con, tests, source)
        size = len(KINDS) + 1
        for place, n in enumerate(group):
            some, *each = counts[place * size : (place + 1) * size]
            kind = next((k for k, count in zip(KINDS, each, strict=True) if some and count == some), None)
            fitting[n] = (kind, some > 0)
    return fitting


def _traits(con: duckdb.DuckDBPyConnection, width: int, *, exact: bool) -> tuple[Traits, ...]:
    """The cheap pass. Distinct values are an estimate for large tables."""
    distinct = "count(DISTINCT {c})" if exact else "approx_count_distinct({c})"
    traits: list[Traits] = []
    for group in _groups(range(width)):
        wanted = [trait.replace("{distinct}", distinct).replace("{c}", f"c{n}") for n in group for trait in TRAITS]
        row = [int(str(n or 0)) for n in one_row(con, f"SELECT {', '.join(wanted)} FROM raw")]
        traits += [Traits(*row[start : start + len(TRAITS)]) for start in range(0, len(row), len(TRAITS))]
    return tuple(traits)


def _examples(con: duckdb.DuckDBPyConnection, width: int) -> list[str | None]:
    examples: list[str | None] = []
    for group in _groups(range(width)):
        wanted = ", ".join(f"arg_min(c{n}, line) FILTER (c{n} IS NOT NULL)" for n in group)
        examples += [None if v is None else str(v) for v in one_row(con, f"SELECT {wanted} FROM head")]
    return examples


def _sample(con: duckdb.DuckDBPyConnection, width: int) -> tuple[tuple[str, ...], ...]:
    wanted = ", ".join(f"c{n}" for n in range(width))
    rows = con.execute(f"SELECT {wanted} FROM head ORDER BY line LIMIT {SAMPLE_ROWS}").fetchall()
    return tuple(tuple(shorten(value, CELL_SHOWN_MAX) or "" for value in row) for row in rows)


def shorten(words: str | None, limit: int) -> str | None:
    """For showing and storing: no NUL (PostgreSQL keeps none), and not endless."""
    if words is None:
        return None
    tidy = words.replace("\0", "")
    return tidy if len(tidy) <= limit else tidy[: limit - 1] + "…"


def write_twin(con: duckdb.DuckDBPyConnection, found: Profile, keep: Sequence[int], target: Path) -> Twin:
    """The kept columns as typed Parquet, in the file's order, row groups bounded by cells."""
    wanted = ", ".join(
        f"{kind.cast.replace('{}', cell(n)) if (kind := found.kinds[n]) else f'c{n}'}"
        f" AS {identifier(found.columns[n].name)}"
        for n in keep
    )
    rows = max(2048, min(122_880, TWIN_GROUP_CELLS // max(1, len(keep))))
    con.execute(
        f"COPY (SELECT {wanted} FROM raw) TO {literal(str(target))}"
        f" (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {rows})"
    )
    return twin_of(target)


def twin_of(path: Path) -> Twin:
    """A Parquet file with its size and digest."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Twin(path, path.stat().st_size, digest)
