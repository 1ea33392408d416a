"""What counts as fresh. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

# How long a release stays fresh, by the update frequency its provider promised; twice the period, as updates run late.
FRESH_FOR = {
    "realtime": timedelta(days=2),
    "daily": timedelta(days=4),
    "weekly": timedelta(days=14),
    "monthly": timedelta(days=62),
    "quarterly": timedelta(days=184),
    "annual": timedelta(days=731),
}


def is_fresh(frequency: str, *, released_at: datetime, at: datetime) -> bool:
    """Whether a release is no older than twice the promised period; without a promise it stays fresh."""
    lifetime = FRESH_FOR.get(frequency)
    return lifetime is None or at - released_at <= lifetime
