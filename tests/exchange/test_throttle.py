"""A token may make 1,200 requests a minute, over all processes together."""

from __future__ import annotations

from typing import Any

import pytest

from exchange.errors import TooMany
from exchange.identity import throttle


def taken(key: str, **limits: int) -> int:
    for n in range(10_000):
        try:
            throttle.take(key, seconds=10**6, **limits)
        except TooMany:
            return n
    return 10_000


def test_exactly_the_limit_is_granted(db: Any) -> None:
    assert taken("a", limit=45, lease=20) == 45


def test_two_processes_share_one_limit(db: Any) -> None:
    assert taken("b", limit=30, lease=20) == 30
    throttle._held.clear()  # another process holds nothing yet

    assert taken("b", limit=30, lease=20) == 0


def test_a_refusal_says_how_long_to_wait(db: Any) -> None:
    throttle.take("c", limit=1, seconds=60)
    with pytest.raises(TooMany) as refusal:
        throttle.take("c", limit=1, seconds=60)

    assert 1 <= int(refusal.value.headers()["Retry-After"]) <= 60
