"""From log records to usage, in one statement: every line counts once, every byte counts once per pool.

The lines, the coverage they add to and the usage they change are written by the same statement, so there is no moment
in which one is there without the other. A line that was counted before changes nothing; the same id with other
content is set aside as an alarm.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from exchange.database import session

ROLL_UP = text("""
WITH told AS MATERIALIZED (
  SELECT * FROM json_to_recordset(:records) AS r(
    n bigint, request_id text, "at" timestamptz, method text, status int, bytes_sent bigint, range text, ranged boolean,
    start bigint, stop bigint, remote text, user_agent text, grant_id text, object_keys text[], digest text, reason text, line text)
), matched AS (
  SELECT t.*, g.pool, g.size,
    t.method = 'GET' AND t.status IN (200, 206) AS delivered,
    g.object_key = ANY(t.object_keys) AS ours,
    CASE WHEN t.reason IS NOT NULL THEN t.reason
         WHEN NOT (t.method = 'GET' AND t.status IN (200, 206)) THEN NULL  -- refused by the store: nothing left
         WHEN t.grant_id IS NULL THEN 'no-grant'
         WHEN g.id IS NULL THEN 'unknown-grant'
         WHEN g.object_key <> ALL(t.object_keys) THEN 'wrong-object' END AS alarm
  FROM told t LEFT JOIN delivery_grant g ON g.id = t.grant_id
), once AS (
  SELECT DISTINCT ON (request_id) * FROM matched WHERE ours ORDER BY request_id, n
), seen AS (
  SELECT m.n, m.reason, coalesce(r.digest, o.digest) <> m.digest AS changed
  FROM matched m JOIN once o USING (request_id) LEFT JOIN request_line r USING (request_id)
  WHERE m.ours AND (r.request_id IS NOT NULL OR m.n <> o.n)
), fresh AS (
  -- Where the log tells no range, bytes pile up from the beginning: in all, the sum of what was sent, at most the object.
  SELECT o.*, c.covered AS kept, CASE WHEN NOT o.ranged THEN least(o.size, coalesce(c.rangeless_bytes, 0) + coalesce(
        sum(o.bytes_sent) FILTER (WHERE o.delivered AND NOT o.ranged) OVER earlier, 0))::bigint
      WHEN o.start < 0 THEN greatest(o.size + o.start, 0) ELSE coalesce(o.start, 0) END AS begins
  FROM once o LEFT JOIN delivery_coverage c ON c.pool = o.pool
  WHERE NOT EXISTS (SELECT FROM request_line r WHERE r.request_id = o.request_id)
  WINDOW earlier AS (PARTITION BY o.pool ORDER BY o."at", o.request_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
), read AS (
  SELECT f.*, CASE WHEN delivered AND begins < least(begins + bytes_sent, stop, size)
                   THEN int8range(begins, least(begins + bytes_sent, stop, size)) ELSE 'empty' END AS covered
  FROM fresh f
), piled AS (
  SELECT r.*, coalesce(r.kept, '{}') + covered_so_far(int8multirange(r.covered)) OVER (
      PARTITION BY r.pool ORDER BY r."at", r.request_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM read r
), weighed AS (
  SELECT p.*, covered_bytes(int8multirange(p.covered) - p.before) AS added_bytes,
    (before + int8multirange(p.covered) @> int8range(0, size) AND NOT before @> int8range(0, size))::int AS downloads
  FROM piled p
), lines AS (
  INSERT INTO request_line
    (request_id, grant_id, "at", method, status, bytes_sent, range, covered, added_bytes, remote, user_agent, digest)
  SELECT request_id, grant_id, "at" + :ahead, method, status, bytes_sent, range, covered, added_bytes, remote,
    user_agent, digest FROM weighed
), pools AS (
  INSERT INTO delivery_coverage AS c (pool, covered, rangeless_bytes)
  SELECT pool, range_agg(covered), coalesce(sum(bytes_sent) FILTER (WHERE NOT ranged), 0)
  FROM weighed WHERE NOT isempty(covered) GROUP BY pool ORDER BY pool
  ON CONFLICT (pool) DO UPDATE SET
    covered = c.covered + excluded.covered, rangeless_bytes = c.rangeless_bytes + excluded.rangeless_bytes
), grants AS (
  INSERT INTO grant_usage AS u (grant_id, delivered_bytes, billable_bytes, downloads, last_at, changed_at)
  SELECT grant_id, coalesce(sum(bytes_sent) FILTER (WHERE delivered), 0), sum(added_bytes), sum(downloads),
    max("at" + :ahead) FILTER (WHERE delivered), :at
  FROM weighed GROUP BY grant_id ORDER BY grant_id
  ON CONFLICT (grant_id) DO UPDATE SET
    delivered_bytes = u.delivered_bytes + excluded.delivered_bytes,
    billable_bytes = u.billable_bytes + excluded.billable_bytes,
    downloads = u.downloads + excluded.downloads,
    last_at = greatest(u.last_at, excluded.last_at),
    changed_at = excluded.changed_at
), aside AS (
  INSERT INTO log_set_aside (reason, file, line, seen_at)
  SELECT coalesce(m.alarm, 'changed'), :file, coalesce(m.line, (to_json(m)::jsonb - 'line' - 'reason' - 'n')::text), :at
  FROM matched m LEFT JOIN seen s USING (n) WHERE m.alarm IS NOT NULL OR s.changed ORDER BY m.n
  RETURNING 1
)
SELECT (SELECT count(*) FROM weighed) AS counted, (SELECT count(*) FROM seen WHERE NOT changed) AS duplicates,
  (SELECT count(*) FROM aside) AS set_aside
""")


# Of the log of a holder's own bucket, only lines of grants for files there count: what that holder's log says can change
# no figure of anybody else. Its request ids are kept apart for the same reason, what is not about links is its own
# affair, and of what cannot be read a hundred lines a block are kept.
OF_PLACE = text(
    ROLL_UP.text.replace(
        "SELECT * FROM json_to_recordset(:records)",
        "SELECT n, :place || ':' || request_id AS request_id, \"at\", method, status, bytes_sent, range, ranged, start, stop,"
        " remote, user_agent, grant_id, object_keys, digest, reason, line FROM json_to_recordset(:records)",
    )
    .replace(
        "line text)\n), matched",
        "line text) WHERE grant_id IS NOT NULL OR (reason IS NOT NULL AND n <= 100)\n), matched",
    )
    .replace(
        "LEFT JOIN delivery_grant g ON g.id = t.grant_id",
        "LEFT JOIN (delivery_grant g JOIN file f ON f.id = g.file_id AND f.place_id = :place) ON g.id = t.grant_id",
    )
)

# A block is a few megabytes, sorted four times.
IN_MEMORY = text("SET LOCAL work_mem = '64MB'")


@dataclass(frozen=True)
class Counted:
    """What became of the records of a block."""

    counted: int
    duplicates: int
    set_aside: int


def roll_up(records: str, *, file: str, at: datetime, ahead: object, place_id: str | None = None) -> Counted:
    """Count records (JSON, see `access_logs`): lines, coverage, usage and alarms, each exactly once.

    Coverage of a line is what was really written of the range that was answered, never beyond the object; what a line
    adds is what its pool did not have yet, in the order of the lines' own times. Lines of logs without ranges cover from
    the beginning, one after the other: in all, what was sent, at most the object. `ahead` is how far business time runs
    ahead of the log's clock; `place_id` is the holder's own bucket that the log tells of. One caller at a time a bucket
    (the job's lock): coverage is read before it is added to.
    """
    session.execute(IN_MEMORY)
    bound = {"records": records, "file": file, "at": at, "ahead": ahead}
    told = session.execute(OF_PLACE, bound | {"place": place_id}) if place_id else session.execute(ROLL_UP, bound)
    row = told.one()
    return Counted(row.counted, row.duplicates, row.set_aside)
