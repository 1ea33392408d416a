"""GeoJSON geometries as WKT, the text that every database reads (RFC 7946; OGC 06-103r4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

DEPTHS = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}


def wkt(geometry: Any) -> str | None:
    """The geometry as WKT; None where there is none or it is not one."""
    try:
        return _wkt(geometry) if geometry else None
    except (KeyError, TypeError, ValueError, IndexError, RecursionError, AttributeError):
        return None


def _wkt(geometry: dict[str, Any]) -> str:
    kind = geometry["type"]
    if kind == "GeometryCollection":
        parts = [_wkt(part) for part in geometry["geometries"]]
        return f"GEOMETRYCOLLECTION ({', '.join(parts)})" if parts else "GEOMETRYCOLLECTION EMPTY"
    coordinates, depth = geometry["coordinates"], DEPTHS[kind]
    if not coordinates:
        return f"{kind.upper()} EMPTY"
    z = " Z" if _dimensions(coordinates, depth) > 2 else ""
    inner = _nested(coordinates, depth, 3 if z else 2)
    return f"{kind.upper()}{z} {inner if depth else f'({inner})'}"


def _dimensions(coordinates: Any, depth: int) -> int:
    return len(coordinates) if depth == 0 else _dimensions(coordinates[0], depth - 1)


def _nested(coordinates: Sequence[Any], depth: int, dimensions: int) -> str:
    if depth == 0:
        return " ".join(_number(part) for part in coordinates[:dimensions])
    return "(" + ", ".join(_nested(part, depth - 1, dimensions) for part in coordinates) + ")"


def _number(part: Any) -> str:
    if isinstance(part, bool) or not isinstance(part, int | float):
        raise TypeError(part)
    return repr(part)
