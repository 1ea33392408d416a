"""`ingest`: log lines counted a second, against DuckDB reading the same file and COPY into a table with a unique id."""

from __future__ import annotations

import json
import random
import statistics
import time
from pathlib import Path

import duckdb
import psycopg

from bench import delivered, load
from bench.house import House
from delivery import actions
from exchange import clock
from exchange.config import config
from exchange.database import session

LINES, GRANTS = 200_000, 20_000
ROUNDS = 5
REACH = 0.5
TABLE = """
CREATE TABLE IF NOT EXISTS bare_line (request_id text PRIMARY KEY, at double precision, method text, status int,
  sent bigint, uri text, remote text, user_agent text)
"""
SELECT = """
SELECT request_id, ts, request.method, status, size, request.uri, request.client_ip, request.headers['User-Agent'][1]
FROM read_json('{path}', format = 'newline_delimited', columns = {{request_id: 'VARCHAR', ts: 'DOUBLE', status: 'INT',
  size: 'BIGINT', request: 'STRUCT(method VARCHAR, uri VARCHAR, client_ip VARCHAR, headers MAP(VARCHAR, VARCHAR[]))'}})
"""


def run(house: House) -> bool:
    """Print both rates and their ratio; whether it reaches what it has to."""
    made = delivered.deal()
    log = config().access_log_dir / "access.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    _write(log, made.object_key)
    ours, bare = [], []
    for turn in range(ROUNDS + 1):
        delivered.forget()
        delivered.grants(made, first=1, last=GRANTS, used=False)
        counted, rates = _ours(), _bare(log)
        if turn:  # the first one warms up
            ours.append(counted)
            bare.append(rates)
    ratio = load.median_ratio(ours, bare)
    print(
        f"ingest: {ratio:.2f} × DuckDB and COPY into a table with a unique id, at least {REACH};"
        f" {statistics.median(ours):,.0f} against {statistics.median(bare):,.0f} lines/s"
    )
    return ratio >= REACH


def _write(path: Path, key: str) -> None:
    rng, at = random.Random(7), clock.real_now().timestamp()
    with path.open("w") as log:
        for n in range(LINES):
            start = rng.randrange(0, 1_000_000)
            sent = rng.randrange(1, 1_000_001 - start)
            uri = f"/objects/{key}?x-grant={delivered.grant_id(1 + n % GRANTS)}&X-Amz-Date=20261125T000000Z&X-Amz-Signature=-"
            headers = {"User-Agent": ["curl/8"], "Range": [f"bytes={start}-{start + sent - 1}"]}
            request = {"client_ip": "203.0.113.9", "method": "GET", "uri": uri, "headers": headers}
            line = {"ts": at + n / 1000, "request_id": f"{n:032x}", "request": request, "size": sent, "status": 206}
            log.write(json.dumps(line) + "\n")


def _ours() -> float:
    began, done = time.perf_counter(), False
    counted = 0
    while not done:
        reading = actions.read_access_logs(at=clock.now())
        session.commit()
        counted, done = counted + reading.counted, reading.is_complete
    if counted != LINES:
        raise RuntimeError(f"{counted} lines were counted, not {LINES}")
    return LINES / (time.perf_counter() - began)


def _bare(log: Path) -> float:
    with psycopg.connect(config().database_url.replace("+psycopg", "")) as connection:
        connection.execute(TABLE)
        connection.execute("TRUNCATE bare_line")
        connection.commit()
        began, table = time.perf_counter(), log.with_suffix(".csv")
        duckdb.connect(config={"threads": 1}).execute(f"COPY ({SELECT.format(path=log)}) TO '{table}' (HEADER false)")
        with connection.cursor().copy("COPY bare_line FROM STDIN (FORMAT csv)") as copy, table.open("rb") as rows:
            while piece := rows.read(1 << 20):
                copy.write(piece)
        connection.commit()
        took = time.perf_counter() - began
        table.unlink()
    return LINES / took
