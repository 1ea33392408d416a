"""`ledger`: durable entries of three transfers, against the same rows inserted by bare psycopg without any check.

And the same posting with a million entries in the books, against ten thousand: two databases, taken in turn.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable
from typing import Any

import psycopg
from sqlalchemy import Engine, create_engine, make_url

from bench import load
from bench.house import House
from exchange import clock, database
from exchange.config import config
from exchange.database import new_id
from settlement import ledger
from settlement.ledger import BANK, FEES, Move

ROUNDS, ENTRIES = 9, 1_000
REACH = 0.6
FEW, MANY = 10_000, 1_000_000
GROWTH_ROUNDS, GROWTH_ENTRIES = 15, 400
AT_MOST = 1.2
PARTNERS = 500  # organizations with accounts of their own, in turn

# The same columns and the same indexes to find them by; no constraint, no trigger, nothing unique.
BARE = """
CREATE TABLE bare_entry (id varchar(26), at timestamptz, booked_on date, cause varchar, reference varchar, words varchar,
  transfer_count int, reverses_id varchar(26));
CREATE TABLE bare_transfer (entry_id varchar(26), transfer_count int, line int, amount_jpy numeric, source varchar,
  destination varchar);
CREATE INDEX ON bare_entry (id);
CREATE INDEX ON bare_entry (cause);
CREATE INDEX ON bare_entry (booked_on, id);
CREATE INDEX ON bare_transfer (entry_id, line);
CREATE INDEX ON bare_transfer (source, entry_id);
CREATE INDEX ON bare_transfer (destination, entry_id)
"""

_numbers = itertools.count()


FILL = """
ALTER TABLE ledger_entry DISABLE TRIGGER ALL;
ALTER TABLE ledger_transfer DISABLE TRIGGER ALL;
INSERT INTO ledger_entry (id, at, booked_on, cause, reference, words, transfer_count)
SELECT '00bench' || lpad(n::text, 19, '0'), now() - n * interval '25 seconds', current_date - (n * 25 / 86400)::int,
  'fill/' || n, 'fill/' || n, '入金', 3
FROM generate_series({first}, {last}) AS n;
INSERT INTO ledger_transfer (entry_id, transfer_count, line, amount_jpy, source, destination)
SELECT '00bench' || lpad(n::text, 19, '0'), 3, line, 11000,
  CASE line WHEN 3 THEN 'fees' WHEN 2 THEN 'deposits/' || partner ELSE 'uncollected/' || partner END,
  CASE line WHEN 3 THEN 'deposits/' || partner WHEN 2 THEN 'bank' ELSE 'billed/' || partner END
FROM generate_series({first}, {last}) AS n, generate_series(1, 3) AS line,
  LATERAL (SELECT (ARRAY(SELECT id FROM organization ORDER BY id))[1 + n % {partners}] AS partner) AS p;
ALTER TABLE ledger_entry ENABLE TRIGGER ALL;
ALTER TABLE ledger_transfer ENABLE TRIGGER ALL
"""


def run(house: House) -> bool:
    """Print entries per second of each side with their ratio, and how posting grows; whether both are as they must."""
    partners = _organizations()
    with psycopg.connect(_address()) as bare:
        bare.execute(BARE)
        bare.commit()
        found = _alternated({"ledger": lambda: _post(partners), "bare": lambda: _insert(bare, partners)}, rounds=ROUNDS)
    rates = {name: [ENTRIES / seconds for seconds in runs] for name, runs in found.items()}
    told = {name: statistics.median(values) for name, values in rates.items()}
    ratio = load.median_ratio(rates["ledger"], rates["bare"])
    print(
        f"ledger: {ratio:.2f} × the same rows inserted by bare psycopg without any check, at least {REACH};"
        f" {told['ledger']:.0f} against {told['bare']:.0f} entries/s (3 transfers, one durable commit each)",
        flush=True,
    )
    return _growth(partners) and ratio >= REACH


def _growth(partners: list[str]) -> bool:
    """Posting into a small and a large ledger in turn."""
    engines = {"few": _filled("ledger_few", FEW), "many": _filled("ledger_many", MANY)}

    def side(name: str, entries: int = GROWTH_ENTRIES) -> Callable[[], None]:
        def post() -> None:
            database.session.remove()
            database.session.configure(bind=engines[name])
            _post(partners, entries=entries)

        return post

    for name in engines:  # after a checkpoint each page is written whole once: every partner's, before it counts
        side(name, entries=2 * PARTNERS)()
    found = _alternated({name: side(name) for name in engines}, rounds=GROWTH_ROUNDS)
    database.session.remove()
    database.connect()
    for engine in engines.values():
        engine.dispose()
    ratio = load.median_ratio(found["many"], found["few"])
    told = {name: statistics.median(values) / GROWTH_ENTRIES * 1000 for name, values in found.items()}
    print(
        f"ledger: posting takes {ratio:.2f} × as long with {MANY:,} entries as with {FEW:,}, at most {AT_MOST};"
        f" {told['many']:.2f} against {told['few']:.2f} ms at the median"
    )
    return ratio <= AT_MOST


def _filled(name: str, entries: int) -> Engine:
    """A copy of the database, with so many entries in its books; the clerks of the database have been through."""
    database.session.remove()
    database.dispose()
    ours = make_url(config().database_url).database
    with psycopg.connect(_address("template1"), autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [ours])
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {ours}")
    with psycopg.connect(_address(name), autocommit=True) as connection:
        connection.execute(FILL.format(first=1, last=entries, partners=PARTNERS))
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
    return create_engine(make_url(config().database_url).set(database=name))


def _address(name: str | None = None) -> str:
    url = make_url(config().database_url).set(drivername="postgresql")
    return (url.set(database=name) if name else url).render_as_string(hide_password=False)


def _alternated(sides: dict[str, Callable[[], None]], *, rounds: int) -> dict[str, list[float]]:
    """Seconds of each side, round by round, after a round that warms up."""
    found: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(rounds + 1):
        for name, side in sides.items():
            began = time.perf_counter()
            side()
            if turn:
                found[name].append(time.perf_counter() - began)
    return found


def _organizations() -> list[str]:
    """Organizations to keep accounts for."""
    from exchange.identity.models import Organization

    at = clock.now()
    with database.transaction():
        made = [
            Organization(name=f"相手 {n}", kind="company", corporate_number=f"{n:013}", state="verified", created_at=at)
            for n in range(PARTNERS)
        ]
        database.session.add_all(made)
        database.session.flush()
        return [each.id for each in made]


def _moves(partner: str) -> list[Move]:
    return [
        Move(11_000, ledger.uncollected(partner), ledger.billed(partner)),
        Move(11_000, ledger.deposits(partner), BANK),
        Move(1_000, FEES, ledger.deposits(partner)),
    ]


def _post(partners: list[str], *, entries: int = ENTRIES) -> None:
    at = clock.now()
    for turn in range(entries):
        with database.transaction():
            cause = f"bench/{next(_numbers)}"
            ledger.post(
                cause,
                _moves(partners[turn % PARTNERS]),
                at=at,
                booked_on=at.date(),
                reference=cause,
                words="入金",
            )


def _insert(connection: psycopg.Connection[Any], partners: list[str]) -> None:
    at = clock.now()
    for turn in range(ENTRIES):
        entry_id = new_id()
        cause = f"bench/{next(_numbers)}"
        connection.execute(
            "INSERT INTO bare_entry VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            [entry_id, at, at.date(), cause, cause, "入金", 3, None],
        )
        rows = [
            [entry_id, 3, line, move.amount_jpy, move.source.code, move.destination.code]
            for line, move in enumerate(_moves(partners[turn % PARTNERS]), start=1)
        ]
        connection.cursor().executemany("INSERT INTO bare_transfer VALUES (%s, %s, %s, %s, %s, %s)", rows)
        connection.commit()
