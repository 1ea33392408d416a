"""Whether a file can be left out: no row of it meets what the client looks for. Pure.

Hints are best effort (PROTOCOL.md, "JSON predicates for Filtering" and "SQL Expressions for Filtering"): the client
applies them again, so whatever is not understood keeps the file. Only what is certain leaves it out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from delivery.sharing.parquet import Bounds, Described, Kind

DEPTH_MAX = 50
MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}
SIGNS = {"equal": "=", "lessThan": "<", "lessThanOrEqual": "<=", "greaterThan": ">", "greaterThanOrEqual": ">="}
# Compared as they are: another type would have the client cast the column first.
FITTING: Mapping[Any, Kind] = {
    "int": "int",
    "long": "int",
    "double": "float",
    "string": "string",
    "date": "date",
    "timestamp": "timestamp",
}
COLUMN = r"(?P<column>`[^`]+`|[^\W\d]\w*)"
LITERAL = r"(?P<literal>'[^'\\]*'|[+-]?\d+(?:\.\d+)?)"
SIGN = r"\s*(?P<sign><=|>=|=|<|>)\s*"
SQL = tuple(
    re.compile(rf"\s*{pattern}\s*", re.IGNORECASE)
    for pattern in (COLUMN + SIGN + LITERAL, LITERAL + SIGN + COLUMN, COLUMN + r"\s+IS\s+(?P<filled>NOT\s+)?NULL")
)


def excluded(file: Described, *, sql: Sequence[str], tree: str | None) -> bool:
    """Whether no row of a file can meet all SQL hints and the JSON hint."""
    return any(_sure(_sql, file, hint) for hint in sql) or (tree is not None and _sure(_json, file, tree))


def _sure(ask: Callable[..., bool], *told: Any) -> bool:
    try:
        return ask(*told)
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        return False  # not a hint of ours to read


def _sql(file: Described, hint: str) -> bool:
    for reads_backwards, pattern in zip((False, True, False), SQL, strict=True):
        found = pattern.fullmatch(hint)
        if found is None:
            continue
        bounds = file.bounds[found["column"].strip("`")]
        if "sign" not in found.groupdict():
            return bounds.nulls == (file.rows if found["filled"] else 0)
        is_quoted = found["literal"].startswith("'")
        if bounds.kind == "timestamp" or (bounds.kind == "string" and not is_quoted):
            return False  # read by the client's own zone, or with the column cast to a number
        sign = MIRRORED[found["sign"]] if reads_backwards else found["sign"]
        return _misses(bounds, sign, found["literal"].strip("'"))
    return False


def _json(file: Described, tree: str) -> bool:
    return _tree(file, json.loads(tree), 0)


def _tree(file: Described, node: Any, depth: int) -> bool:
    """Whether no row can meet this node of a predicate."""
    if depth > DEPTH_MAX:
        return False
    op, children = node["op"], node.get("children") or []
    if op in ("and", "or"):
        each = [_sure(_tree, file, child, depth + 1) for child in children]
        return any(each) if op == "and" else bool(each) and all(each)
    if op == "isNull":
        return file.bounds[children[0]["name"]].nulls == 0
    if op == "not":
        inner = children[0]
        return inner["op"] == "isNull" and file.bounds[inner["children"][0]["name"]].nulls == file.rows
    return _compared(file, SIGNS[op], *children)


def _compared(file: Described, sign: str, left: Any, right: Any) -> bool:
    if left["op"] == "literal":
        left, right, sign = right, left, MIRRORED[sign]
    bounds = file.bounds[left["name"]]
    types = {side.get("valueType") for side in (left, right)}
    if {FITTING.get(each) for each in types} != {bounds.kind} or ("int" in types and not _fits_int(bounds)):
        return False
    return _misses(bounds, sign, str(right["value"]))


def _fits_int(bounds: Bounds) -> bool:
    """Whether no value changes when a client casts the column to 32 bits."""
    return bounds.low is not None and -(2**31) <= bounds.low <= bounds.high < 2**31


def _misses(bounds: Bounds, sign: str, words: str) -> bool:
    """Whether every value of a column lies where the comparison does not hold; missing values never meet it."""
    value = READ[bounds.kind](words)
    low, high = bounds.low, bounds.high
    below, above = low is not None and value < low, high is not None and value > high
    return {
        "=": below or above,
        "<": below or value == low,
        "<=": below,
        ">": above or value == high,
        ">=": above,
    }[sign]


def _moment(words: str) -> datetime:
    found = datetime.fromisoformat(words)
    if found.tzinfo is None:
        raise ValueError("a moment needs its zone")
    return found


READ: Mapping[Kind, Any] = {
    "int": int,
    "float": float,
    "date": date.fromisoformat,
    "timestamp": _moment,
    "string": str,
}
