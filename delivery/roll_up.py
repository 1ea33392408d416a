"""The roll-up: what DuckDB makes of a batch of log records, each step one set-based expression. `metering` runs them.

    told ──MATCHED──> matched ──FRESH──> fresh ──SEGMENTS, OWNED──> owned ──LINES──> lines, counted
                         └──AGAIN──> again ──ASIDE──> aside            └──COVERED──> covered

`told` (see `access_logs`) and `lines` are Arrow tables, a batch's own: it is copied while the next one is counted. The
rest are temporary tables of the reading. Moments are real and in UTC, until a line leaves for PostgreSQL.
"""

# What a reading knows: the grants its lines named, which bytes of their pools are covered (apart from each other), the
# lines it counted, those it set aside. Pools go by a number here: everything below is grouped by them.
STATE = """
CREATE TEMP TABLE pools (no INTEGER, name VARCHAR, size BIGINT, rangeless_bytes BIGINT, is_new BOOLEAN);
CREATE TEMP TABLE grants (no INTEGER, id VARCHAR, object_key VARCHAR, pool INTEGER, is_new BOOLEAN);
CREATE TEMP TABLE covered (pool INTEGER, start BIGINT, stop BIGINT);
CREATE TEMP TABLE counted (grant_no INTEGER, pool INTEGER, "at" TIMESTAMP, delivered BOOLEAN, ranged BOOLEAN,
  bytes_sent BIGINT, covers BOOLEAN, added_bytes BIGINT, downloads INTEGER);
CREATE TEMP TABLE again (n BIGINT, changed BOOLEAN);
CREATE TEMP TABLE aside (reason VARCHAR, file INTEGER, line VARCHAR);
"""

# Of the log of a holder's own bucket, only lines of grants for files there count: what that holder's log says can change
# no figure of anybody else. Its request ids are kept apart for the same reason, what is not about links is its own
# affair, and of what cannot be read a hundred lines of a file are kept at a time.
OF_PLACE = """
SELECT * REPLACE ('{place_id}:' || request_id AS request_id, CASE
  WHEN grant_id IS NOT NULL THEN digest
  WHEN reason IS NOT NULL AND count(reason) OVER (PARTITION BY file ORDER BY n) <= 100 THEN digest END AS digest)
FROM ({records})
"""

# ── grants, as they are named ────────────────────────────────────────────────────────────────────────────────────────

NAMED = """
SELECT list(DISTINCT t.grant_id) FROM told t ANTI JOIN grants g ON g.id = t.grant_id
WHERE t.grant_id IS NOT NULL
"""
# `named`: id, object_key, size and pool of those grants, and whether nothing was counted of it; `kept`: what is covered of
# these pools.
KNOW = """
CREATE OR REPLACE TEMP TABLE new_pools AS
  SELECT row_number() OVER () + (SELECT count(*) FROM pools) AS no, n.name, n.size,
    coalesce(k.rangeless_bytes, 0) AS rangeless_bytes, k.name IS NULL AS is_new
  FROM (SELECT name, min(size) AS size FROM named WHERE name NOT IN (SELECT name FROM pools) GROUP BY name) n
    LEFT JOIN (SELECT name, min(rangeless_bytes) AS rangeless_bytes FROM kept GROUP BY name) k USING (name);
INSERT INTO pools FROM new_pools;
INSERT INTO covered SELECT no, start, stop FROM kept JOIN new_pools USING (name) WHERE start IS NOT NULL;
INSERT INTO grants
  SELECT row_number() OVER () + (SELECT count(*) FROM grants), id, object_key, no, named.is_new
  FROM named JOIN pools USING (name);
"""

# ── a batch ──────────────────────────────────────────────────────────────────────────────────────────────────────────

# A row without digest is about other things. What the store refused left nothing.
MATCHED = """
CREATE OR REPLACE TEMP TABLE matched AS
SELECT t.n, t.file, t.request_id, t."at", t.ranged, t.bytes_sent, t.start, t.stop, g.no AS grant_no, g.pool,
  t.method = 'GET' AND t.status IN (200, 206) AS delivered,
  coalesce(list_contains(t.object_keys, g.object_key), false) AS ours,
  CASE WHEN t.digest IS NULL THEN NULL
       WHEN t.reason IS NOT NULL THEN t.reason
       WHEN NOT (t.method = 'GET' AND t.status IN (200, 206)) THEN NULL
       WHEN t.grant_id IS NULL THEN 'no-grant'
       WHEN g.id IS NULL THEN 'unknown-grant'
       WHEN NOT list_contains(t.object_keys, g.object_key) THEN 'wrong-object' END AS alarm
FROM told t LEFT JOIN grants g ON g.id = t.grant_id
"""
IDS = "SELECT list(request_id) FROM matched WHERE ours"

# Same ids again: in this batch, or `known` from before (request_id, digest). Only where ids are looked up.
AGAIN = """
CREATE OR REPLACE TEMP TABLE again AS
WITH ours AS (
  SELECT n, m.request_id, digest FROM matched m JOIN told USING (n) WHERE ours
), first_told AS (
  SELECT request_id, min(n) AS n, arg_min(digest, n) AS digest FROM ours GROUP BY request_id
)
SELECT o.n, coalesce(k.digest, f.digest) <> o.digest AS changed
FROM ours o JOIN first_told f USING (request_id) LEFT JOIN known k USING (request_id)
WHERE o.n <> f.n OR k.request_id IS NOT NULL
"""

# The lines that count, in the order of their own times, with the bytes they cover: what was really written of the range
# that was answered, never beyond the object. Where the log tells no range, bytes pile up from the beginning: in all, the
# sum of what was sent, at most the object.
FRESH = """
CREATE OR REPLACE TEMP TABLE fresh AS
WITH once AS (
  SELECT n, "at", grant_no, pool, delivered, ranged, bytes_sent, start, stop,
    row_number() OVER (ORDER BY "at", request_id) AS turn
  FROM matched ANTI JOIN again USING (n) WHERE ours
), piled AS (
  SELECT n, sum(bytes_sent) OVER (
    PARTITION BY pool ORDER BY turn ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM once WHERE delivered AND NOT ranged
), piled_before AS (
  SELECT pool, sum(bytes_sent) AS before FROM counted WHERE delivered AND NOT ranged GROUP BY pool
), begun AS (
  SELECT o.*, size, CASE
    WHEN NOT ranged THEN least(size, rangeless_bytes + coalesce(b.before, 0) + coalesce(p.before, 0))::BIGINT
    WHEN start < 0 THEN greatest(size + start, 0)
    ELSE coalesce(start, 0) END AS begins
  FROM once o JOIN pools ON no = o.pool LEFT JOIN piled p USING (n) LEFT JOIN piled_before b ON b.pool = o.pool
)
SELECT n, turn, "at", grant_no, pool, delivered, ranged, bytes_sent, begins, CASE WHEN delivered AND begins < size
  THEN greatest(begins, least(begins + least(bytes_sent, size), stop, size)) ELSE begins END AS ends
FROM begun
"""

# Whose byte is it? Every pool is cut wherever a range begins or ends, and all cuts are numbered through; each segment
# between two of them belongs to the line whose turn was first (turn 0: covered before). A line adds its segments.
SEGMENTS = """
CREATE OR REPLACE TEMP TABLE cuts AS
WITH pieces AS (
  SELECT pool, turn, begins, ends FROM fresh WHERE begins < ends
  UNION ALL SELECT pool, 0, start, stop FROM covered SEMI JOIN (FROM fresh WHERE begins < ends) USING (pool)
), points AS (
  SELECT pool, turn, row_number() OVER () AS piece, unnest([begins, ends]) AS point FROM pieces
)
SELECT pool, turn, piece, point, dense_rank() OVER sorted AS i,
  CASE WHEN lead(pool) OVER sorted = pool THEN lead(point) OVER sorted ELSE point END AS next
FROM points WINDOW sorted AS (ORDER BY pool, point);
CREATE OR REPLACE TEMP TABLE segments AS SELECT i, pool, point, next FROM cuts WHERE point < next;
CREATE OR REPLACE TEMP TABLE spans AS SELECT any_value(turn) AS turn, min(i) AS a, max(i) AS b FROM cuts GROUP BY piece;
"""
# A range may span many segments, so it is told in steps of 16, of 256 and so on where those fit in, and a segment looks
# through the steps it lies in: no quadratic work, however many ranges overlap.
OWNED = """
CREATE OR REPLACE TEMP TABLE owned AS
WITH steps AS (
  SELECT unnest(range(0, 1 + coalesce((SELECT floor(log2(max(b - a)) / 4) FROM spans), 0)::BIGINT)) * 4 AS step
), stepped AS (
  SELECT turn, step, (a + (1 << step) - 1) >> step AS a, b >> step AS b FROM spans CROSS JOIN steps
), stretched AS (
  SELECT turn, step, unnest(CASE
    WHEN (a + 15) >> 4 < b >> 4 THEN range(a, (a + 15) >> 4 << 4) || range(b >> 4 << 4, b) ELSE range(a, b) END) AS i
  FROM stepped WHERE a < b
), wide AS (
  SELECT step, i, min(turn) AS turn FROM stretched WHERE step > 0 GROUP BY step, i
), lies_in AS MATERIALIZED (  -- told apart, so that it is joined by equality
  SELECT i AS segment, step, i >> step AS i FROM segments CROSS JOIN steps WHERE step > 0
), turns AS (
  SELECT i, min(turn) AS turn FROM (
    SELECT i, turn FROM stretched WHERE step = 0
    UNION ALL SELECT segment, turn FROM lies_in JOIN wide USING (step, i)) GROUP BY i
)
SELECT i, pool, point, next, turn FROM segments JOIN turns USING (i)
"""

# A download is the line with which a pool became whole.
LINES = """
SELECT f.* EXCLUDE (turn), coalesce(a.bytes, 0) AS added_bytes, (w.turn IS NOT NULL)::INTEGER AS downloads
FROM fresh f
  LEFT JOIN (SELECT turn, sum(next - point)::BIGINT AS bytes FROM owned GROUP BY turn) a USING (turn)
  LEFT JOIN (
    SELECT o.turn FROM (SELECT pool, sum(next - point) AS bytes, max(turn) AS turn FROM owned GROUP BY pool) o
      JOIN pools ON no = pool WHERE o.bytes = size
  ) w USING (turn)
"""
COUNTED = """
INSERT INTO counted
SELECT grant_no, pool, "at", delivered, ranged, bytes_sent, begins < ends, added_bytes, downloads FROM lines
"""
COVERED = """
CREATE OR REPLACE TEMP TABLE covered AS
WITH stretches AS (  -- segments that follow each other; the last cut of a pool begins none
  SELECT *, i - row_number() OVER (ORDER BY i) AS stretch FROM owned
)
SELECT any_value(pool) AS pool, min(point) AS start, max(next) AS stop FROM stretches GROUP BY stretch
UNION ALL SELECT * FROM covered ANTI JOIN segments USING (pool)
"""

RESULT = """
SELECT m.file, count(*), epoch_ms(max(m."at")), count(*) FILTER (m.ours AND a.n IS NULL),
  count(*) FILTER (NOT a.changed), count(m.alarm) + count(*) FILTER (a.changed)
FROM matched m LEFT JOIN again a USING (n) GROUP BY m.file
"""
ASIDE = """
INSERT INTO aside
SELECT coalesce(m.alarm, 'changed'), m.file, coalesce(t.line, to_json({
  request_id: t.request_id, "at": t."at", method: t.method, status: t.status, bytes_sent: t.bytes_sent, range: t.range,
  remote: t.remote, user_agent: t.user_agent, grant_id: t.grant_id, object_keys: t.object_keys, digest: t.digest})::VARCHAR)
FROM matched m LEFT JOIN again a USING (n) JOIN told t USING (n) WHERE m.alarm IS NOT NULL OR a.changed ORDER BY n
"""

# ── for PostgreSQL ───────────────────────────────────────────────────────────────────────────────────────────────────

# The columns of `request_line`.
COPIED = """
SELECT request_id, grant_id, (t."at" + to_microseconds({ahead}))::VARCHAR || '+00', method, status, t.bytes_sent, range,
  CASE WHEN begins < ends THEN '[' || begins || ',' || ends || ')' ELSE 'empty' END, added_bytes, remote, user_agent, digest
FROM told t JOIN lines l USING (n)
"""
# Those of `grant_usage` and of `delivery_coverage`, and whether there is no such row yet.
USAGE = """
CREATE TEMP TABLE usage AS
SELECT g.id AS grant_id, coalesce(sum(bytes_sent) FILTER (delivered), 0)::BIGINT AS delivered,
  sum(added_bytes)::BIGINT AS added, sum(downloads)::INTEGER AS downloads,
  (max("at") FILTER (delivered) + to_microseconds({ahead}))::VARCHAR || '+00' AS last_at, any_value(is_new) AS is_new
FROM counted JOIN grants g ON g.no = grant_no GROUP BY g.id ORDER BY g.id
"""
COVERAGE = """
CREATE TEMP TABLE coverage AS
SELECT name, '{' || string_agg('[' || start || ',' || stop || ')', ',') || '}' AS covered, rangeless, is_new
FROM covered c JOIN (
  SELECT pool, coalesce(sum(bytes_sent) FILTER (NOT ranged), 0)::BIGINT AS rangeless
  FROM counted WHERE covers GROUP BY pool
) r ON r.pool = c.pool JOIN pools ON no = c.pool GROUP BY ALL ORDER BY name
"""
NEW_USAGE = "SELECT grant_id, delivered, added, downloads, last_at, '{at}' FROM usage WHERE is_new"
NEW_COVERAGE = "SELECT name, covered, rangeless FROM coverage WHERE is_new"
COPIED_NEW = "DELETE FROM usage WHERE is_new; DELETE FROM coverage WHERE is_new"
# The rest, column by column, as texts.
CHANGED_USAGE = """
SELECT list(grant_id), list(delivered::VARCHAR), list(added::VARCHAR), list(downloads::VARCHAR),
  list(coalesce(last_at, '')) FROM usage
"""
CHANGED_COVERAGE = "SELECT list(name), list(covered), list(rangeless::VARCHAR) FROM coverage"
ALARMS = "SELECT list(reason), list(file::VARCHAR), list(line) FROM aside"
