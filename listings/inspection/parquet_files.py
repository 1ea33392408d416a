"""Parquet uploads: the file's own types stand, and the file is its own twin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as pt

from exchange.errors import text

from .delimited import too_wide
from .headers import clean_name
from .limits import COLUMNS_MAX
from .results import Refused
from .tables import Table, identifier, literal

DAMAGED = text(
    "Parquetファイルとして開けません。ファイルが途中で切れているか、壊れています。書き出し直して、もう一度アップロードしてください。"
)
TYPES = (
    ("boolean", pt.is_boolean),
    ("integer", pt.is_integer),
    ("decimal", pt.is_floating),
    ("decimal", pt.is_decimal),
    ("date", pt.is_date),
    ("datetime", pt.is_timestamp),
    ("binary", pt.is_binary),
    ("binary", pt.is_large_binary),
    ("binary", pt.is_fixed_size_binary),
)


def read_parquet(path: Path, con: duckdb.DuckDBPyConnection) -> Table:
    """The table in a Parquet file. Refuses one that cannot be read to its end."""
    try:
        with pq.ParquetFile(path) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Refused(DAMAGED) from error
    if len(schema) > COLUMNS_MAX:
        raise too_wide(len(schema))
    table = Table([clean_name(name) or f"列{n}" for n, name in enumerate(schema.names, 1)], "", rows)
    table.types = {n: _type(schema.field(n)) for n in range(len(schema))}
    table.source = _source(path, schema, table.types)
    try:
        con.execute(
            f"SELECT count(*), {', '.join(f'max(length(c{n}))' for n in range(len(schema)))} FROM {table.source}"
        )
    except duckdb.Error as error:
        raise Refused(DAMAGED) from error
    return table


def _source(path: Path, schema: Any, types: dict[int, str]) -> str:
    cells = ", ".join(f"{_cell(identifier(name), types[n])} AS c{n}" for n, name in enumerate(schema.names))
    return (
        f"(SELECT file_row_number + 1 AS line, {cells} FROM read_parquet({literal(str(path))}, file_row_number = true))"
    )


def _cell(column: str, type_: str) -> str:
    if type_ in ("binary", "geometry"):
        return f"CASE WHEN {column} IS NOT NULL THEN '（バイナリ）' END"
    if type_ == "decimal":
        return f"regexp_replace(CAST({column} AS VARCHAR), '^([0-9-]+)\\.0$', '\\1')"
    return f"nullif(CAST({column} AS VARCHAR), '')"


def _type(field: Any) -> str:
    if b"ARROW:extension:name" in (field.metadata or {}) and "geo" in str(field.metadata).lower():
        return "geometry"
    return next((name for name, test in TYPES if test(field.type)), "text")
