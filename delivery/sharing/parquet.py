"""What a Parquet file says of itself at its end: its schema in Spark's words, and what its columns hold.

Objects never change, so what was read once is kept; only the end of a file is fetched.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache, partial
from typing import Any, Literal

from exchange import storage
from exchange.database import session
from listings import held
from listings.models import StoragePlace

END_BYTES = 64 * 1024  # holds the footer of all but the widest tables
STATISTICS_COLUMNS_MAX = 32  # as Delta Lake does by default
STATISTICS_TEXT_MAX = 32
Kind = Literal["int", "float", "date", "timestamp", "string"]


@dataclass(frozen=True)
class Bounds:
    """The least and greatest value of a column, where its file tells them, and how many are missing."""

    kind: Kind
    low: Any = None
    high: Any = None
    nulls: int | None = None


@dataclass(frozen=True)
class Described:
    """A Parquet file: rows, fields of its schema (Spark SQL's JSON), bounds by column."""

    rows: int
    fields: tuple[dict[str, Any], ...]
    bounds: dict[str, Bounds]

    def schema_string(self, comments: dict[str, Any]) -> str:
        """The schema as the protocol has it: JSON within JSON, with what the provider says of its columns."""
        told = [
            field | {"metadata": {"comment": comments[field["name"]]} if comments.get(field["name"]) else {}}
            for field in self.fields
        ]
        return json.dumps({"type": "struct", "fields": told}, ensure_ascii=False)

    def statistics(self) -> str:
        """The statistics as the protocol has them: JSON within JSON."""
        told: dict[str, Any] = {"numRecords": self.rows}
        for name, of in (("minValues", "low"), ("maxValues", "high"), ("nullCount", "nulls")):
            found = {column: getattr(bounds, of) for column, bounds in self.bounds.items()}
            told[name] = {column: _shown(value) for column, value in found.items() if value is not None}
        return json.dumps(told, ensure_ascii=False)


def _shown(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


def described(key: str, size: int, *, place_id: str | None = None) -> Described:
    """What the Parquet object under a key (of so many bytes) says of itself; `place_id` is its holder's own bucket."""
    return _described(key, size, place_id)


@lru_cache(maxsize=128)
def _described(key: str, size: int, place_id: str | None) -> Described:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(pa.BufferReader(_footer(key, size, place_id))) as file:
        metadata, schema = file.metadata, file.schema_arrow
        fields = tuple(
            {"name": field.name, "type": spark_type(field.type), "nullable": field.nullable} for field in schema
        )
        return Described(metadata.num_rows, fields, dict(_bounds(metadata, schema)))


def _footer(key: str, size: int, place_id: str | None) -> bytes:
    """The end of the object from its footer on: 4 bytes before the last 4 say how long the footer is."""
    place = session.get_one(StoragePlace, place_id) if place_id else None
    piece = partial(held.piece, place) if place else storage.piece
    end = piece(key, start=max(0, size - END_BYTES), stop=size)
    length = int.from_bytes(end[-8:-4], "little") + 8
    return end if length <= len(end) else piece(key, start=size - length, stop=size)


# ── types ────────────────────────────────────────────────────────────────────────────────────────────────────────────

PLAIN = {
    "bool": "boolean",
    "int8": "byte",
    "int16": "short",
    "int32": "integer",
    "int64": "long",
    "uint8": "short",
    "uint16": "integer",
    "uint32": "long",
    "uint64": "decimal(20,0)",
    "halffloat": "float",
    "float": "float",
    "double": "double",
    "date32[day]": "date",
    "date64[ms]": "date",
    "binary": "binary",
    "large_binary": "binary",
    "binary_view": "binary",
}


def spark_type(of: Any) -> Any:
    """An Arrow type in Spark SQL's JSON (PROTOCOL.md, "Schema Object"); what Spark does not know is `string`."""
    from pyarrow import types as pt

    if isinstance(of, _extension_type()):
        return spark_type(of.storage_type)
    if pt.is_dictionary(of):
        return spark_type(of.value_type)
    if pt.is_timestamp(of):
        return "timestamp"
    if pt.is_decimal(of):
        return f"decimal({min(of.precision, 38)},{min(of.scale, 38)})"
    if pt.is_fixed_size_binary(of):
        return "binary"
    if pt.is_duration(of):
        return "long"
    return _nested(of) or PLAIN.get(str(of), "string")


def _extension_type() -> Any:
    import pyarrow as pa

    return pa.BaseExtensionType


def _nested(of: Any) -> dict[str, Any] | None:
    from pyarrow import types as pt

    if pt.is_struct(of):
        fields = [of.field(n) for n in range(of.num_fields)]
        told = [{"name": f.name, "type": spark_type(f.type), "nullable": f.nullable, "metadata": {}} for f in fields]
        return {"type": "struct", "fields": told}
    if pt.is_map(of):
        value = {"valueType": spark_type(of.item_type), "valueContainsNull": of.item_field.nullable}
        return {"type": "map", "keyType": spark_type(of.key_type)} | value
    if pt.is_list(of) or pt.is_large_list(of) or pt.is_fixed_size_list(of):
        contained = {"elementType": spark_type(of.value_type), "containsNull": of.value_field.nullable}
        return {"type": "array"} | contained
    return None


# ── bounds ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _bounds(metadata: Any, schema: Any) -> Iterator[tuple[str, Bounds]]:
    """Bounds of the first plain columns, unless names repeat."""
    if len(set(schema.names)) < len(schema.names):
        return
    groups = [metadata.row_group(n) for n in range(metadata.num_row_groups)]
    # A file of other makers may hold NaN beyond its greatest value; DuckDB, which writes ours, gives no bounds then.
    is_ours = str(metadata.created_by).startswith("DuckDB")
    leaf = left = 0
    for field in schema:
        width, kind = _leaves(field.type), _kind(field.type)
        if kind and left < STATISTICS_COLUMNS_MAX:
            found = _column_bounds([group.column(leaf).statistics for group in groups], kind)
            yield field.name, Bounds(kind, found.low, found.high if kind != "float" or is_ours else None, found.nulls)
            left += 1
        leaf += width


def _leaves(of: Any) -> int:
    """How many columns of the file an Arrow type takes."""
    from pyarrow import types as pt

    if isinstance(of, _extension_type()):
        return _leaves(of.storage_type)
    if pt.is_struct(of):
        return sum(_leaves(of.field(n).type) for n in range(of.num_fields))
    if pt.is_map(of):
        return _leaves(of.key_type) + _leaves(of.item_type)
    return _leaves(of.value_type) if pt.is_nested(of) else 1


def _kind(of: Any) -> Kind | None:
    from pyarrow import types as pt

    if pt.is_integer(of):
        return "int"
    if pt.is_float64(of):
        return "float"
    if pt.is_date(of):
        return "date"
    if pt.is_timestamp(of) and of.unit != "ns":
        return "timestamp"
    return "string" if pt.is_string(of) or pt.is_large_string(of) else None


def _column_bounds(statistics: list[Any], kind: Kind) -> Bounds:
    try:
        return _told(statistics, kind)
    except (ArithmeticError, TypeError, ValueError):  # bounds beyond what Python's dates or text can say
        return Bounds(kind)


def _told(statistics: list[Any], kind: Kind) -> Bounds:
    if any(s is None for s in statistics):
        return Bounds(kind)
    nulls = sum(s.null_count for s in statistics) if all(s.has_null_count for s in statistics) else None
    filled = [s for s in statistics if s.num_values]  # a group of nothing but nulls has no values to bound
    if not filled or not all(s.has_min_max for s in filled):
        return Bounds(kind, nulls=nulls)
    low, high = min(_of_kind(s.min, kind) for s in filled), max(_of_kind(s.max, kind) for s in filled)
    return Bounds(kind, low, high, nulls) if _is_telling(low) and _is_telling(high) else Bounds(kind, nulls=nulls)


def _of_kind(value: Any, kind: Kind) -> Any:
    """Moments without a zone are taken as UTC, as the protocol's only timestamp has it."""
    return value.replace(tzinfo=UTC) if kind == "timestamp" and value.tzinfo is None else value


def _is_telling(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(value, str) or len(value) <= STATISTICS_TEXT_MAX
