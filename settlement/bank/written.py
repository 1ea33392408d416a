"""Dates and amounts as banks and people write them. Pure."""

import re
import unicodedata
from datetime import date

AMOUNT_MAX = 10**13
ERAS = {"令和": 2018, "R": 2018, "平成": 1988, "H": 1988}  # the year before each first year
_WESTERN = re.compile(r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?")
_ERA = re.compile(r"(令和|平成|[RrHh])\.?(元|\d{1,2})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")


def read_date(written: str) -> date | None:
    """A date as 2026-11-23, 2026/11/23, 20261123, 2026年11月23日, 令和8年11月23日 or R8.11.23, in any width."""
    plain = re.sub(r"\s", "", unicodedata.normalize("NFKC", written))
    if match := _ERA.fullmatch(plain):
        era, year, month, day = match.groups()
        return _day(ERAS[era.upper()] + (1 if year == "元" else int(year)), month, day)
    match = _WESTERN.fullmatch(plain)
    return _day(*match.groups()) if match else None


def _day(year: int | str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def read_six_digits(written: str, *, today: date) -> date | None:
    """A date as YYMMDD: the era's year as the standard has it (和暦), or the last two digits of ours as some banks do.

    The reading that is the nearest to today and not after it is taken.
    """
    if not re.fullmatch(r"[0-9]{6}", written):
        return None
    year, month, day = int(written[:2]), written[2:4], written[4:]
    found = [_day(before + year, month, day) for before in (ERAS["令和"], 2000, ERAS["平成"])]
    return max((d for d in found if d and d <= today), default=None)


def read_amount(written: str) -> int | None:
    """Whole yen from 1: `11000`, `11,000`, `１１，０００円`, `¥11,000`; None for anything else."""
    plain = unicodedata.normalize("NFKC", written).strip().strip("¥\\円").strip()
    if not re.fullmatch(r"\d{1,3}(,\d{3})+|\d+", plain) or not plain.isascii():
        return None
    amount = int(plain.replace(",", "")) if len(plain) < 20 else 0
    return amount if 0 < amount <= AMOUNT_MAX else None


def is_nothing(written: str) -> bool:
    """Whether a bank wrote that no money moved on this side: blank, a dash, or zero."""
    return unicodedata.normalize("NFKC", written).strip().strip("¥\\円") in {"", "0", "-", "*", "ー", "―", "‐"}


def is_debit(written: str) -> bool:
    """Whether a signed amount takes money away: a minus or a triangle before the figures."""
    plain = unicodedata.normalize("NFKC", written).strip().lstrip("¥\\").strip()
    return len(plain) > 1 and plain[0] in "-−–△▲▽▼" and read_amount(plain[1:]) is not None
