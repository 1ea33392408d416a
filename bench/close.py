"""`close`: closing a month of a million links under two thousand contracts, against the bare SQL for the same result.

The baseline is one aggregation of the usage, and the inserts of exactly the rows that the close wrote, by psycopg, into
tables without indexes, keys, triggers or checks. Printing the papers is work of its own, before and after.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import psycopg
from psycopg.types.json import Jsonb
from sqlalchemy import insert, select, text

from bench import market
from bench.house import House
from contracts.models import Contract
from exchange import clock, jobs
from exchange.config import config
from exchange.database import new_id, session, transaction
from exchange.identity.models import Organization
from settlement.models import Period

PROVIDERS, BUYERS, CONTRACTS, LINKS = 40, 250, 2_000, 1_000_000
AT_MOST = 5.0
WROTE = [
    *("invoice", "invoice_line", "invoice_counter", "ledger_account", "ledger_entry", "ledger_transfer"),
    *("audit_entry", "task", "notice", "letter"),
]
LINK = """
INSERT INTO delivery_grant (id, contract_id, listing_id, file_id, variant, member_id, object_key, size, sha256, issued_at,
  expires_at, month, pool)
SELECT '00close' || lpad(n::text, 19, '0'), ids[1 + n % :count], 'listing', 'file', 'original', 'member', 'files/x',
  1000000, repeat('0', 64), :at, :at, :month, 'pool' || n
FROM generate_series(1, :links) AS n, (SELECT CAST(:ids AS text[]) AS ids) AS contracts
"""
USAGE = """
INSERT INTO grant_usage (grant_id, delivered_bytes, billable_bytes, downloads, last_at)
SELECT id, 1000000, 1000000, 1, :at FROM delivery_grant WHERE id LIKE '00close%'
"""
AGGREGATION = """
SELECT g.contract_id, sum(u.billable_bytes), sum(u.downloads) FROM delivery_grant g
JOIN grant_usage u ON u.grant_id = g.id WHERE g.month = %s AND g.contract_id IS NOT NULL GROUP BY g.contract_id
"""


def run(house: House) -> bool:
    """Print the ratio; whether it stays below the most."""
    month = _deals()
    before = _count()
    started = time.perf_counter()
    _close(month)
    took = time.perf_counter() - started
    bare = _bare(month, before)
    ratio = took / bare
    papers = session.execute(text("SELECT count(*), sum(total_jpy) FROM invoice")).one()
    print(
        f"close: {ratio:.2f} × the bare aggregation and inserts, at most {AT_MOST:.0f}; {took:.2f} against {bare:.2f} s for"
        f" {LINKS:,} usage rows, {CONTRACTS:,} contracts, {papers[0]:,} invoices of {papers[1]:,} yen"
    )
    session.rollback()
    return ratio <= AT_MOST


def _deals() -> str:
    """Contracts in force through last month, and its usage; the month."""
    since, _ = clock.month_bounds(clock.month_of(clock.now()))
    at = (since - timedelta(days=1)).replace(day=1)
    month = clock.month_of(at)
    sellers = [market._party(f"提供社 {n}", at) for n in range(PROVIDERS)]
    buyers = [market._party(f"利用社 {n}", at) for n in range(BUYERS)]
    offers = []
    for seller in sellers:
        listing, _release, _file = market._listing(seller, at, "地区別 人口", "説明")
        offers.append(market._offer(listing, seller, at))
    rows = [_contract(n, sellers, buyers, offers, at) for n in range(CONTRACTS)]
    session.execute(insert(Contract), rows)
    told = {"ids": [row["id"] for row in rows], "count": CONTRACTS, "links": LINKS, "at": at, "month": month}
    session.execute(text(LINK), told)
    session.execute(text(USAGE), {"at": at})
    session.add(Organization(name="運営事務局", kind="operator", state="verified", created_at=at))
    session.add(Period(month=month, state="closing", requested_at=clock.now()))
    jobs.enqueue("close-month", {"month": month, "after": None}, at=clock.now())
    session.commit()
    session.execute(text("ANALYZE"))
    session.commit()
    session.remove()
    return month


def _contract(n: int, sellers: Sequence[Any], buyers: Sequence[Any], offers: Sequence[Any], at: Any) -> dict[str, Any]:
    seller, buyer = n % PROVIDERS, n % BUYERS
    terms = {"variables": {}, "pricing": market.PRICE, "template_key": "provision-licence", "template_version": "1"}
    return terms | {
        "id": new_id(),
        "number": f"C-2026-{n:06d}",
        "offer_id": offers[seller].id,
        "listing_id": offers[seller].listing_id,
        "provider_id": sellers[seller].organization_id,
        "buyer_id": buyers[buyer].organization_id,
        "state": "active",
        "turn": None,
        "purpose": "検証",
        "requested_by": buyers[buyer].id,
        "requested_at": at,
        "answer_by": at,
        "activated_at": at,
        "starts_on": at.date(),
        "document_sha256": "0" * 64,
        "lock_version": 1,
    }


def _close(month: str) -> None:
    """As the worker does it: one step a transaction, until the month is closed."""
    while True:
        with transaction():
            step = select(jobs.Task).where(jobs.Task.kind == "close-month", jobs.Task.done_at.is_(None))
            jobs._attempt(session.scalars(step).one(), clock.now())
        session.remove()
        state = session.get_one(Period, month).state
        session.rollback()
        if state == "closed":
            return


def _connection() -> psycopg.Connection[Any]:
    return psycopg.connect(config().database_url.replace("+psycopg", ""))


def _count() -> dict[str, int]:
    with _connection() as connection:
        return {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in WROTE}  # type: ignore[index]


def _bare(month: str, before: dict[str, int]) -> float:
    """Seconds for the aggregation and the inserts, each table's rows as the close left them."""
    with _connection() as connection:
        kept = {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in WROTE}
        for name in WROTE:
            connection.execute(f"CREATE TABLE bare_{name} (LIKE {name})")
        connection.commit()
        values = {name: [_adapted(row) for row in rows[before[name] :]] for name, rows in kept.items()}
        started = time.perf_counter()
        connection.execute(AGGREGATION, [month]).fetchall()
        for name, rows in values.items():
            if rows:
                with connection.cursor() as cursor:
                    cursor.executemany(f"INSERT INTO bare_{name} VALUES ({', '.join(['%s'] * len(rows[0]))})", rows)
        connection.commit()
        return time.perf_counter() - started


def _adapted(row: Sequence[Any]) -> list[Any]:
    return [Jsonb(value) if isinstance(value, (dict, list)) else value for value in row]
