"""From log records to usage: every line counts once, every byte counts once per pool.

A reading holds what its lines touch in DuckDB, batch by batch (`roll_up`): each is parsed while the one before it is
counted and the lines before that are copied to PostgreSQL, which takes as long. All it writes belongs to the caller's
transaction: the lines, the coverage they add to and the usage they change are there together or not at all. A line that
was counted before changes nothing; the same id with other content is set aside as an alarm.

    text ──parse──> told ──count──> lines ──copy──> request_line       at once, each for another batch
                                └─> covered, counted, aside ──finish──> coverage, usage, alarms
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar

import psycopg
from psycopg.errors import UniqueViolation
from sqlalchemy import Result, text
from sqlalchemy.exc import OperationalError

from delivery import access_logs, roll_up
from delivery.access_logs import Text
from delivery.log_places import Source
from exchange.database import as_array, session

# The first batch is small: PostgreSQL waits for it.
FIRST_BATCH_BYTES, BATCH_BYTES = 4 << 20, 16 << 20
ROWS_AT_ONCE = 10_000

GRANTS = """
SELECT array_agg(g.id), array_agg(g.object_key), array_agg(g.size), array_agg(g.pool), array_agg(u.grant_id IS NULL)
FROM delivery_grant g LEFT JOIN grant_usage u ON u.grant_id = g.id {of_place} WHERE g.id = ANY(CAST(:ids AS text[]))
"""
OF_ANYBODY = text(GRANTS.format(of_place=""))
OF_PLACE = text(GRANTS.format(of_place="JOIN file f ON f.id = g.file_id AND f.place_id = :place_id"))
KEPT = text("""
SELECT array_agg(c.pool), array_agg(c.rangeless_bytes), array_agg(lower(piece)), array_agg(upper(piece))
FROM (SELECT DISTINCT pool FROM delivery_grant WHERE id = ANY(CAST(:ids AS text[]))) g
  JOIN delivery_coverage c USING (pool) LEFT JOIN LATERAL unnest(c.covered) AS piece ON true
""")
KNOWN = text("""
SELECT array_agg(request_id), array_agg(digest) FROM request_line WHERE request_id = ANY(CAST(:ids AS text[]))
""")
COPY_LINES = """
COPY request_line (request_id, grant_id, at, method, status, bytes_sent, range, covered, added_bytes, remote, user_agent,
  digest) FROM STDIN (FORMAT csv)
"""
COPY_USAGE = """
COPY grant_usage (grant_id, delivered_bytes, billable_bytes, downloads, last_at, changed_at) FROM STDIN (FORMAT csv)
"""
COPY_COVERAGE = "COPY delivery_coverage (pool, covered, rangeless_bytes) FROM STDIN (FORMAT csv)"
WRITE_COVERAGE = text("""
INSERT INTO delivery_coverage AS c (pool, covered, rangeless_bytes)
SELECT * FROM unnest(CAST(:pools AS text[]), CAST(:covered AS int8multirange[]), CAST(:rangeless AS bigint[])) AS t
ORDER BY 1
ON CONFLICT (pool) DO UPDATE SET
  covered = c.covered + excluded.covered, rangeless_bytes = c.rangeless_bytes + excluded.rangeless_bytes
""")
WRITE_USAGE = text("""
INSERT INTO grant_usage AS u (grant_id, delivered_bytes, billable_bytes, downloads, last_at, changed_at)
SELECT grant_id, delivered, billable, downloads, CAST(nullif(last_at, '') AS timestamptz), :at
FROM unnest(CAST(:grants AS text[]), CAST(:delivered AS bigint[]), CAST(:billable AS bigint[]), CAST(:downloads AS int[]),
  CAST(:last_at AS text[])) AS t(grant_id, delivered, billable, downloads, last_at) ORDER BY 1
ON CONFLICT (grant_id) DO UPDATE SET
  delivered_bytes = u.delivered_bytes + excluded.delivered_bytes,
  billable_bytes = u.billable_bytes + excluded.billable_bytes,
  downloads = u.downloads + excluded.downloads,
  last_at = greatest(u.last_at, excluded.last_at),
  changed_at = excluded.changed_at
""")
WRITE_ALARMS = text("""
INSERT INTO log_set_aside (reason, file, line, seen_at)
SELECT reason, (CAST(:file_names AS text[]))[file + 1], line, :at
FROM unnest(CAST(:reasons AS text[]), CAST(:files AS int[]), CAST(:lines AS text[])) AS t(reason, file, line)
""")

GRANT = {"id": "string", "object_key": "string", "size": "int64", "name": "string", "is_new": "bool"}
PIECE = {"name": "string", "rangeless_bytes": "int64", "start": "int64", "stop": "int64"}
LINE = {"request_id": "string", "digest": "string"}

T = TypeVar("T")


class CountedBefore(Exception):
    """A line's id is there already: read again with `looks_up`."""


@dataclass
class Totals:
    """What became of the lines of a file; the newest's time is real, in ms."""

    number: int
    name: str
    lines: int = 0
    newest_ms: int | None = None
    counted: int = 0
    duplicates: int = 0
    set_aside: int = 0


@contextmanager
def reading(source: Source, *, at: datetime, ahead: timedelta, looks_up: bool = False) -> Iterator[Meter]:
    """A meter for one reading, in the session's transaction; leaving it writes what was counted.

    Coverage of a line is what was really written of the range that was answered, never beyond the object; what a line
    adds is what its pool did not have yet, in the order of the lines' own times, batch by batch. `ahead` is how far
    business time runs ahead of the log's clock. Unless it `looks_up` ids, it takes every line for a new one, and raises
    `CountedBefore` where the table knows better. One caller at a time a source (the job's lock): coverage is read
    before it is added to.
    """
    meter = Meter(source, at=at, ahead=ahead, looks_up=looks_up)
    try:
        yield meter
        meter.finish()
    finally:
        meter.close()


class Meter:
    """One reading's figures, on their way from lines to the database. See `reading`, which makes one.

    While it copies, the session's connection is taken: `settle` before using it.
    """

    def __init__(self, source: Source, *, at: datetime, ahead: timedelta, looks_up: bool) -> None:
        self.at, self._source, self._looks_up = at, source, looks_up
        self._ahead = ahead // timedelta(microseconds=1)
        self._files: list[Totals] = []
        self._texts: list[Text] = []
        self._bytes, self._enough = 0, FIRST_BATCH_BYTES
        self._beside: ThreadPoolExecutor | None = None
        self._parsed: Callable[[], Any] | None = None
        self._copied: Callable[[], None] | None = None

    @cached_property
    def _duck(self) -> Any:
        duck = access_logs.engine().cursor()
        duck.execute(access_logs.PLAINLY + roll_up.STATE)
        return duck

    def file(self, name: str) -> Totals:
        """The totals of a file, to which its lines are added; they are right once the reading is over."""
        self._files.append(Totals(len(self._files), name))
        return self._files[-1]

    def add(self, lines: str, *, to: Totals, head: str) -> None:
        """Count whole lines, a batch while the next one comes together. `head` is how the file begins.

        Raises `CountedBefore`.
        """
        self._texts.append(Text(to.number, head, lines))
        self._bytes += len(lines)
        if self._bytes >= self._enough:
            self._enough = min(2 * self._enough, BATCH_BYTES)
            self._beside = self._beside or ThreadPoolExecutor(2, "metering")
            self._begin()

    def settle(self) -> None:
        """Wait until the connection is free."""
        copied, self._copied = self._copied, None
        if copied:
            copied()

    def finish(self) -> None:
        """Count the rest, and write what the lines add up to."""
        if not self._files:  # as in most seconds
            return
        if self._texts:
            self._begin()
        self._count()
        self._duck.execute(roll_up.COVERAGE)
        self._duck.execute(roll_up.USAGE.format(ahead=self._ahead))
        self.settle()
        if self._beside:
            _copy(self._duck, roll_up.NEW_COVERAGE, COPY_COVERAGE, self._driver)
            _copy(self._duck, roll_up.NEW_USAGE.format(at=self.at.isoformat()), COPY_USAGE, self._driver)
            self._duck.execute(roll_up.COPIED_NEW)
        usage, coverage = ("grants", "delivered", "billable", "downloads", "last_at"), ("pools", "covered", "rangeless")
        self._write(WRITE_COVERAGE, coverage, roll_up.CHANGED_COVERAGE)
        self._write(WRITE_USAGE, usage, roll_up.CHANGED_USAGE, at=self.at)
        if any(file.set_aside for file in self._files):
            names = as_array([file.name for file in self._files])
            self._write(WRITE_ALARMS, ("reasons", "files", "lines"), roll_up.ALARMS, file_names=names, at=self.at)

    def close(self) -> None:
        """Let go of everything, whatever is under way."""
        if self._beside:
            self._beside.shutdown(cancel_futures=True)
        if "_duck" in vars(self):
            self._duck.close()

    def _begin(self) -> None:
        """Have the next batch parsed while the one before it is counted."""
        if self._bytes >= access_logs.FEW_BYTES:
            self._duck.execute(access_logs.THOUGHT_OVER)
        parsed = self._done(self._parse, self._texts)
        self._texts, self._bytes = [], 0
        self._count()
        self._parsed = parsed

    def _done(self, work: Callable[..., T], *args: Any) -> Callable[[], T]:
        """Work, begun beside this thread where there is much to read, else done; what it returns waits for it."""
        if self._beside:
            return self._beside.submit(work, *args).result
        done = work(*args)
        return lambda: done

    def _parse(self, texts: list[Text]) -> Any:
        source = self._source
        of = roll_up.OF_PLACE.replace("{place_id}", source.place_id) if source.place_id else "{records}"
        return access_logs.records(source.writes, texts, bucket=source.bucket, of=of)

    def _count(self) -> None:
        parsed, self._parsed = self._parsed, None
        if parsed is None:
            return
        told = parsed()
        self._duck.register("told", told)
        self._know()
        self._duck.execute(roll_up.MATCHED)
        self._look_up()
        for statement in (roll_up.FRESH, roll_up.SEGMENTS, roll_up.OWNED):
            self._duck.execute(statement)
        lines = self._duck.execute(roll_up.LINES).to_arrow_table()
        self._duck.register("lines", lines)
        self._duck.execute(roll_up.COUNTED)
        self._duck.execute(roll_up.COVERED)
        self._note()
        self.settle()
        self._copied = self._done(self._copy_lines, self._driver, told, lines)

    def _know(self) -> None:
        """Fetch the grants that are named for the first time, with what is covered of their pools."""
        ids = self._all(roll_up.NAMED)[0][0]
        if ids:
            self.settle()
            place_id = self._source.place_id
            statement, of = (OF_PLACE, {"place_id": place_id}) if place_id else (OF_ANYBODY, {})
            named = {"ids": as_array(ids)}
            self._bring("named", session.execute(statement, named | of), GRANT)
            self._bring("kept", session.execute(KEPT, named), PIECE)
            self._duck.execute(roll_up.KNOW)

    def _look_up(self) -> None:
        """Fetch the ids that were counted before this batch, and find those told again."""
        if self._looks_up:
            self.settle()
            ids = as_array(self._all(roll_up.IDS)[0][0] or ["-"])
            self._bring("known", session.execute(KNOWN, {"ids": ids}), LINE)
            self._duck.execute(roll_up.AGAIN)

    def _note(self) -> None:
        """Add what became of the batch to its files, and keep what is set aside."""
        found = self._all(roll_up.RESULT)
        for file, lines, newest_ms, counted, duplicates, set_aside in found:
            totals = self._files[file]
            totals.lines += lines
            totals.newest_ms = max(filter(None, (totals.newest_ms, newest_ms)), default=None)
            totals.counted += counted
            totals.duplicates += duplicates
            totals.set_aside += set_aside
        if any(set_aside for *_, set_aside in found):
            self._duck.execute(roll_up.ASIDE)

    def _copy_lines(self, driver: psycopg.Connection[Any], told: Any, lines: Any) -> None:
        with access_logs.engine().cursor() as duck:
            duck.register("told", told)
            duck.register("lines", lines)
            _copy(duck, roll_up.COPIED.format(ahead=self._ahead), COPY_LINES, driver)

    def _write(self, statement: Any, names: tuple[str, ...], told: str, **values: Any) -> None:
        """Run a statement on columns that DuckDB tells, where it tells any."""
        arrays = self._all(told)[0]
        if arrays[0]:
            session.execute(statement, dict(zip(names, map(as_array, arrays), strict=True)) | values)

    def _bring(self, name: str, found: Result[Any], columns: dict[str, str]) -> None:
        """Have what PostgreSQL found as a table for DuckDB."""
        import pyarrow as pa

        arrays = [pa.array(values or [], kind) for values, kind in zip(found.one(), columns.values(), strict=True)]
        self._duck.register(name, pa.table(arrays, names=list(columns)))

    def _all(self, statement: str) -> list[Any]:
        return list(self._duck.execute(statement).fetchall())

    @property
    def _driver(self) -> psycopg.Connection[Any]:
        driver: Any = session.connection().connection.driver_connection
        return driver


def _copy(duck: Any, rows: str, statement: str, driver: psycopg.Connection[Any]) -> None:
    """Copy what DuckDB finds into a table; raises `CountedBefore` where a row of that key is there."""
    import pyarrow as pa
    from pyarrow import csv

    options = csv.WriteOptions(include_header=False)
    try:
        with driver.cursor().copy(statement) as copy:
            for some in duck.sql(rows).to_arrow_reader(ROWS_AT_ONCE):
                written = pa.BufferOutputStream()
                csv.write_csv(some, written, options)
                copy.write(written.getvalue())
    except UniqueViolation as error:
        raise CountedBefore from error
    except psycopg.OperationalError as away:
        raise OperationalError(statement, None, away) from away
