"""Rows that the benchmarks of delivery stand on: many files under one contract, many grants with their usage."""

from __future__ import annotations

from sqlalchemy import text

from bench import market
from contracts.models import Contract
from exchange import clock
from exchange.database import new_id, session
from listings.models import File


def deal() -> market.Deal:
    """A contract in force on a file, with a few tokens."""
    kept, market.TOKENS = market.TOKENS, 50
    try:
        return market.contract_with_tokens(bare_table="SELECT 1")
    finally:
        market.TOKENS = kept


SET = ("id", "object_key", "name", "parquet_key", "parquet_size", "parquet_sha256")


def files(made: market.Deal, count: int, *, twin_size: int = 0) -> list[str]:
    """So many more files under the contract, with a Parquet twin of a size where that is told; their ids."""
    first = session.get_one(File, made.file_id)
    columns = [c.name for c in File.__table__.columns if c.name not in SET]
    ids = [new_id() for _ in range(count)]
    names = ", ".join(f'"{name}"' for name in columns)
    session.execute(
        text(
            f"INSERT INTO file ({', '.join(SET)}, {names}) SELECT i, 'files/' || i || '/data.csv', i || '.csv',"
            f" 'files/' || i || '/data.parquet', CAST(:twin AS bigint), repeat('0', 64), {names}"
            " FROM file, unnest(CAST(:ids AS text[])) AS i WHERE file.id = :first"
        ),
        {"ids": ids, "first": first.id, "twin": twin_size},
    )
    session.commit()
    return ids


GRANTS = """
INSERT INTO delivery_grant (id, contract_id, listing_id, file_id, variant, member_id, object_key, size, sha256, issued_at,
  expires_at, month, pool)
SELECT prefix || lpad(to_hex(n), 12, '0'), :contract_id, :listing_id, :file_id, 'original', :member_id, :key, 1000000,
  repeat('0', 64), :at, :at, :month, prefix || n
FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS n, (SELECT '00bench0000000' AS prefix) AS p
"""
USAGE = """
INSERT INTO grant_usage (grant_id, delivered_bytes, billable_bytes, downloads, last_at)
SELECT id, 1000000, 1000000, 1, :at FROM delivery_grant WHERE id LIKE '00bench%' ON CONFLICT DO NOTHING
"""
LINES = """
INSERT INTO request_line (request_id, grant_id, at, method, status, bytes_sent, covered, added_bytes, remote, user_agent,
  digest)
SELECT 'r' || id, id, :at, 'GET', 200, 1000000, '[0,1000000)', 1000000, '203.0.113.9', 'curl/8', md5(id)
FROM delivery_grant WHERE id LIKE '00bench%' ON CONFLICT DO NOTHING
"""
COVERED = """
INSERT INTO delivery_coverage (pool, covered, rangeless_bytes) SELECT pool, '{[0,1000000)}', 0 FROM delivery_grant
WHERE id LIKE '00bench%' ON CONFLICT DO NOTHING
"""


def grants(made: market.Deal, *, first: int, last: int, used: bool) -> None:
    """Grants of the running month numbered from first to last, read whole where `used`."""
    contract = session.get_one(Contract, made.contract_id)
    at = clock.now()
    told = {"contract_id": contract.id, "listing_id": contract.listing_id, "file_id": made.file_id, "at": at}
    told |= {"member_id": contract.requested_by, "key": made.object_key, "month": clock.month_of(at)}
    session.execute(text(GRANTS), told | {"first": first, "last": last})
    for statement in (USAGE, LINES, COVERED) if used else ():
        session.execute(text(statement), {"at": at})
    session.commit()
    session.execute(text("ANALYZE"))
    session.commit()


def forget() -> None:
    """Take all grants and what was counted away."""
    tables = "delivery_grant, grant_usage, request_line, delivery_coverage, log_file, log_reading, log_set_aside"
    session.execute(text(f"TRUNCATE {tables} CASCADE"))
    session.commit()


def grant_id(number: int) -> str:
    """The id of a numbered grant."""
    return f"00bench0000000{number:012x}"
