"""Words of ODRL: constraints, periods, days and figures, each written in one way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Literal

JAPAN = {"@id": "https://www.iso.org/obp/ui/#iso:code:3166:JP"}
YEN = {"@id": "http://dbpedia.org/resource/Japanese_yen"}
GIGABYTE = {"@id": "http://qudt.org/vocab/unit/GigaBYTE"}  # 10**9 bytes, as the exchange meters
POLICY_USAGE = {"@id": "odrl:policyUsage"}
Node = dict[str, Any]
Kind = Literal["permission", "prohibition", "obligation"]
Rules = Iterator[tuple[Kind, Node]]


def constraint(left: str, operator: str, right: Any) -> Node:
    """A limit of a rule, or of a duty: left operand, operator, right operand."""
    return {"leftOperand": left, "operator": operator, "rightOperand": right}


def recipient(operator: str, *who: str) -> Node:
    """Who may receive or use: one by `eq`, several by `isAnyOf` or `isNoneOf`."""
    known = [{"@id": each} for each in who]
    return constraint("recipient", operator, known[0] if operator == "eq" else known)


def beforehand() -> Node:
    """Before what the duty is a condition of."""
    return constraint("event", "lt", POLICY_USAGE)


def every(interval: str) -> Node:
    """Once in each interval, an ISO 8601 duration."""
    return constraint("timeInterval", "eq", typed(interval, "duration"))


def if_any(name: str, found: Sequence[Node]) -> Node:
    """A property with all that was found; no property where nothing was."""
    return {name: list(found)} if found else {}


def whole_day(value: str) -> Node:
    """A whole day in Japan."""
    return typed(f"{date.fromisoformat(value)}+09:00", "date")


def typed(value: Any, xsd: str) -> Node:
    """A literal of an XML Schema type; decimals in full, without an exponent."""
    written = format(value, "f") if xsd == "decimal" and not isinstance(value, int) else str(value)
    return {"@value": written, "@type": f"xsd:{xsd}"}


def in_language(lang: str, words: str) -> Node:
    """Words in a language, `ja` or `en`."""
    return {"@value": words, "@language": lang}
