"""Limits on how often: counted in the database so that they hold over all web machines.

A process takes allowances in leases that double while a key is busy, so that few requests write a row. The price: where
several processes serve one key, up to a lease each may go unused in a window.
"""

import threading

from sqlalchemy import text

from exchange import clock, database
from exchange.errors import TooMany
from exchange.errors import text as words

TAKE = text("""
INSERT INTO allowance AS a (key, "window", used) VALUES (:key, :window, :lease)
ON CONFLICT (key) DO UPDATE SET "window" = excluded."window",
  used = CASE WHEN a."window" = excluded."window" THEN a.used + excluded.used ELSE excluded.used END
RETURNING used
""")

LEASE_SHARE = 12  # no lease is more than this part of the limit

_held: dict[str, tuple[int, int, int]] = {}  # key: (window, allowances left, size of the last lease)
_guard = threading.Lock()


def take(key: str, *, limit: int, seconds: int = 60, lease: int = 20) -> None:
    """Use one of `limit` allowances per window of so many seconds; raises `TooMany` when none is left."""
    now = int(clock.real_now().timestamp())
    window = now // seconds
    with _guard:
        held_window, left, size = _held.get(key, (window, 0, 0))
        if held_window != window or left <= 0:
            again = held_window == window and size > 0
            size = max(lease, min(size * 2, limit // LEASE_SHARE)) if again else lease
            left = _lease(key, window, limit, size)
        if left <= 0:
            raise TooMany(
                words(
                    "1分あたりの上限(%(limit)s回)に達しました。しばらくしてからもう一度お試しください。", limit=limit
                ),
                retry_after=max(1, (window + 1) * seconds - now),
            )
        if len(_held) > 10_000:
            _held.clear()
        _held[key] = (window, left - 1, size)


def _lease(key: str, window: int, limit: int, lease: int) -> int:
    with database.own_transaction() as beside:
        beside.execute(text("SET LOCAL synchronous_commit = off"))
        used = beside.scalar(TAKE, {"key": key, "window": window, "lease": lease}) or 0
    return min(lease, limit - (used - lease))
