"""A table on its way in: rows of text into a Parquet file of text columns, in bounded memory.

Every kind of file with rows becomes this one form (`line`, `c0`, `c1`, …; empty cells null), so that types,
quality and personal data are asked of it once, in SQL, whatever it came from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from .limits import BATCH_CELLS, ENGINE_MEMORY, ENGINE_THREADS
from .results import Problem


@dataclass
class Table:
    """What a reader hands over: names, the relation to ask (`source` is SQL), and what it noticed."""

    names: list[str]
    source: str
    rows: int
    header_row: int | None = None
    encoding: str | None = None
    delimiter: str | None = None
    problems: list[Problem] = field(default_factory=list)
    types: dict[int, str] = field(default_factory=dict)  # known beforehand, not to be inferred
    unnamed: set[int] = field(default_factory=set)
    sheet: str | None = None
    lettered: bool = False  # cells have addresses like B5
    left: int = 0  # empty columns left of the table, for those addresses


class RowWriter:
    """Writes rows as they come; a row has at most `width` cells, shorter ones are filled up."""

    def __init__(self, path: Path, width: int) -> None:
        self.path, self.width, self.rows = path, width, 0
        self._schema = pa.schema([("line", pa.int64()), *((f"c{n}", pa.string()) for n in range(width))])
        self._writer = pq.ParquetWriter(
            path, self._schema, compression="lz4", write_statistics=False, use_dictionary=width <= 200
        )
        self.batch_rows = max(16, min(20_000, BATCH_CELLS // max(1, width)))
        self._lines: list[int] = []
        self._rows: list[Sequence[str | None]] = []

    def add(self, line: int, row: Sequence[str | None]) -> None:
        """One row, with the line it began on."""
        self._lines.append(line)
        self._rows.append(row)
        if len(self._rows) >= self.batch_rows:
            self.flush()

    def flush(self) -> None:
        """Write what has gathered."""
        if not self._rows:
            return
        width, blank = self.width, [None] * self.width
        rows = [row if len(row) == width else [*row[:width], *blank[len(row) :]] for row in self._rows]
        arrays = [pa.array(self._lines, pa.int64()), *(_texts(column) for column in zip(*rows, strict=True))]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        self.rows += len(rows)
        self._lines, self._rows = [], []

    def __enter__(self) -> RowWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.flush()
        self._writer.close()

    @property
    def source(self) -> str:
        """The written rows as SQL."""
        return f"read_parquet({literal(str(self.path))})"


def _texts(column: Sequence[str | None]) -> Any:
    try:
        return pa.array([cell if cell and not cell.isspace() else None for cell in column], pa.string())
    except (UnicodeEncodeError, pa.ArrowInvalid):  # half of a surrogate pair, as "\ud800" in JSON
        return pa.array([cell.encode("utf-8", "replace").decode() if cell else None for cell in column], pa.string())


def literal(words: str) -> str:
    """A string as SQL."""
    return "'" + words.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def engine(workdir: Path) -> duckdb.DuckDBPyConnection:
    """A database of its own for one file, that spills into `workdir` and fetches nothing."""
    con = duckdb.connect(
        config={
            "memory_limit": ENGINE_MEMORY,
            "threads": ENGINE_THREADS,
            "temp_directory": str(workdir / "spill"),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "python_enable_replacements": False,
        }
    )
    con.execute("SET TimeZone = 'UTC'")
    return con
