"""JSON, JSON Lines and GeoJSON, read value by value so that size costs time and not memory."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from exchange.errors import text

from .delimited import decoding_problem, too_wide
from .encodings import TextSource, text_encoding
from .geometry import wkt
from .headers import unique_names
from .limits import COLUMNS_MAX, JSON_VALUE_CHARS_MAX, MEBIBYTE
from .results import Problem, Refused
from .tables import RowWriter, Table

GEOMETRY = "geometry"
BLANKS = re.compile(r"[ \t\n\r]*")
FIRST_CHARS = 64 * 1024
FLUSH_CHARS = 8 * MEBIBYTE


class NotTabular(Exception):
    """Sound JSON, but no list of objects: stored, not previewed."""


class _Scanner:
    """Takes JSON values off a text that is still being read."""

    def __init__(self, path: Path, encoding: str) -> None:
        self.source = TextSource(path, encoding)
        self._blocks = self.source.blocks()
        self._text, self._at, self._passed = "", 0, 0
        self._decoder = json.JSONDecoder()

    def peek(self) -> str:
        """The next character that is no blank, or nothing at the end."""
        while True:
            match = BLANKS.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def take(self, wanted: str) -> bool:
        """Step over this sign if it is next."""
        if self.peek() != wanted:
            return False
        self._at += 1
        return True

    def value(self) -> Any:
        """The next whole value, reading on as long as it takes."""
        self.peek()
        wanted = FIRST_CHARS
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                # Wrong well before the end of what is read is wrong; wrong at the end may be half a value.
                if error.pos < len(self._text) - 64 and "Unterminated string" not in error.msg:
                    raise self._broken(error.pos, error.msg) from error
                if not self._fill(wanted):
                    raise self._broken(error.pos, error.msg) from error
                wanted *= 2
                if len(self._text) - self._at > JSON_VALUE_CHARS_MAX:
                    raise NotTabular from error
                continue
            except RecursionError as error:
                raise NotTabular from error
            if end >= len(self._text) - 1 and self._text[end - 1] not in '"}]' and self._more():
                continue  # a number may go on
            self._at = end
            return value

    def _fill(self, chars: int) -> bool:
        before = len(self._text)
        while len(self._text) - before < chars:
            if not self._more():
                break
        return len(self._text) > before

    def _more(self) -> bool:
        block = next(self._blocks, None)
        if block is None:
            return False
        self._passed += self._text.count("\n", 0, self._at)
        self._text, self._at = self._text[self._at :] + block, 0
        return True

    def broken(self) -> Refused:
        """Refuses at the present place."""
        return self._broken(self._at, "")

    def _broken(self, at: int, why: str) -> Refused:
        line = self._passed + self._text.count("\n", 0, at) + 1
        return Refused(
            text(
                "JSONとして読めません（%(line)s行目の付近）。カンマや括弧、引用符の過不足を直して、もう一度アップロードしてください。",
                line=line,
            )
        )


@dataclass
class _Shape:
    """What a first pass over the records found."""

    keys: dict[str, int]
    records: int
    geometries: int
    form: str  # array | lines | features


def read_document(path: Path, workdir: Path) -> tuple[Table, str]:
    """The table in a JSON or GeoJSON file, and which of the two it is.

    Refuses broken JSON; raises NotTabular for sound JSON without rows.
    """
    encoding = text_encoding(path)
    shape = _shape(path, encoding)
    if not shape.records or not (shape.keys or shape.geometries):
        raise NotTabular
    is_geo = shape.form == "features"
    names, _, _ = unique_names([*shape.keys, *([GEOMETRY] if is_geo else [])])
    if len(names) > COLUMNS_MAX:
        raise too_wide(len(names))
    source, scanner = _records(path, encoding)
    written = 0
    with RowWriter(workdir / "rows.parquet", len(names)) as writer:
        for number, record in enumerate(source, 1):
            writer.add(number, _row(record, shape.keys, is_geo))
            if scanner.source.loaded_chars - written > FLUSH_CHARS:
                writer.flush()
                written = scanner.source.loaded_chars
    table = Table(list(names), writer.source, writer.rows, encoding=encoding)
    if is_geo:
        table.types[len(names) - 1] = "geometry"
    table.problems = _problems(scanner, shape)
    return table, "geojson" if is_geo else "json"


def _problems(scanner: _Scanner, shape: _Shape) -> list[Problem]:
    problems = [decoding_problem(scanner.source, line, before) for line, before in scanner.source.spoiled]
    lacking = shape.records - shape.geometries
    if shape.form == "features" and lacking:
        problems.append(
            Problem(
                "no_geometry",
                "warning",
                text("位置（geometry）のない地物が%(count)s件あります。", count=lacking),
                text("位置のない地物を除くか、座標を入れてください。"),
                count=lacking,
                column=GEOMETRY,
            )
        )
    return problems


def _shape(path: Path, encoding: str) -> _Shape:
    """One pass that finds every key, in the order met, and that the file is sound to its end."""
    keys: dict[str, int] = {}
    records = geometries = 0
    source, scanner = _records(path, encoding)
    for record in source:
        records += 1
        if not isinstance(record, dict):
            raise NotTabular
        is_feature = scanner.form == "features"
        properties = record.get("properties") if is_feature else record
        if is_feature and wkt(record.get("geometry")):
            geometries += 1
        for key in properties if isinstance(properties, dict) else ():
            if key not in keys:
                keys[key] = len(keys)
                if len(keys) > 20 * COLUMNS_MAX:
                    raise NotTabular  # a map keyed by id, not a table
    return _Shape(keys, records, geometries, scanner.form)


class _Document(_Scanner):
    form = "array"


def _records(path: Path, encoding: str) -> tuple[Iterator[Any], _Document]:
    scanner = _Document(path, encoding)
    return _each(scanner), scanner


def _each(scanner: _Document) -> Iterator[Any]:
    first = scanner.peek()
    if first == "[":
        yield from _items(scanner)
    elif first == "{":
        yield from _object(scanner)
    else:
        scanner.value()
        raise NotTabular
    if scanner.peek():
        raise scanner.broken()


def _items(scanner: _Document) -> Iterator[Any]:
    scanner.take("[")
    if scanner.take("]"):
        return
    while True:
        yield scanner.value()
        if scanner.take("]"):
            return
        if not scanner.take(","):
            raise scanner.broken()


def _object(scanner: _Document) -> Iterator[Any]:
    """A FeatureCollection's features, a single feature, or the objects of JSON Lines."""
    members: dict[str, Any] = {}
    scanner.take("{")
    while not scanner.take("}"):
        key = scanner.value()
        if not isinstance(key, str) or not scanner.take(":"):
            raise scanner.broken()
        if key == "features" and scanner.peek() == "[":
            scanner.form = "features"
            yield from _items(scanner)
        else:
            members[key] = scanner.value()
        if not scanner.take(",") and scanner.peek() != "}":
            raise scanner.broken()
    if scanner.form == "features":
        return
    if scanner.peek() == "{":
        scanner.form = "lines"
        yield from chain([members], _lines(scanner))
    elif members.get("type") == "Feature":
        scanner.form = "features"
        yield members
    else:
        raise NotTabular


def _lines(scanner: _Document) -> Iterator[Any]:
    while scanner.peek():
        yield scanner.value()


def _row(record: Any, keys: dict[str, int], is_geo: bool) -> list[str | None]:
    properties = record.get("properties") if is_geo else record
    row: list[str | None] = [None] * (len(keys) + is_geo)
    for key, value in properties.items() if isinstance(properties, dict) else ():
        row[keys[key]] = _cell(value)
    if is_geo:
        row[-1] = wkt(record.get("geometry"))
    return row


def _cell(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if value is None:
        return None
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value)
