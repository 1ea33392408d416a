"""Access logs into records: each source has one expression that takes a block of lines to a table of all records.

Nothing here touches the exchange's database, and nothing loops over lines in Python: DuckDB reads a block at once. What
no source can make a line of comes out with the reason `malformed`; what is not about our objects is only counted.

    gateway      the embedded gateway's JSON log: bytes written and ranges
    s3-access    S3 server access logs, in text: bytes sent, no ranges
    s3-json      the same, delivered as JSON (CloudWatch Logs)
    cloudfront   standard logs of CloudFront: bytes with headers, ranges

Sources: AWS, "Amazon S3 server access log format", "Log format in CloudWatch Logs", "Standard logging reference".
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

# What a line tells, whatever wrote it:
#   n, file (its number among the texts), request_id, at (real, UTC), method, status, bytes_sent, range (the header,
#   where told), ranged (whether the log tells which bytes left), start and stop (bytes of the object, stop not included;
#   start negative: so many from the end), remote, user_agent, grant_id, object_keys (every way the key may be read),
#   digest (of the line); reason and line where it cannot be read. Rows without digest are about other things.
# An expression says what is on the line (`told`), whether all of it is there (`whole`), and whether it is about our
# objects (`ours`); the rest is common. Blank lines are found by their first other character: trimming reads all of it.
LINES = """
WITH lines AS (
  SELECT * FROM (SELECT row_number() OVER () AS n, file, line FROM block) WHERE regexp_matches(line, '\\S')
), """

RECORDS = """
SELECT n, file, request_id, make_timestamp((moment * 1e6)::BIGINT) AS "at", method, status, bytes_sent, range, ranged, start,
  stop, remote, user_agent, CASE WHEN whole AND ours THEN nullif(cut(unescaped(grant_id), 100), '') END AS grant_id, object_keys,
  CASE WHEN NOT whole OR ours THEN md5(line) END AS digest, CASE WHEN NOT whole THEN 'malformed' END AS reason,
  CASE WHEN NOT whole THEN substr(line, 1, 4000) END AS line
FROM readable
"""

GATEWAY = """parsed AS (
  -- Parsed once, into what is needed: asking for paths one by one takes ten times as long.
  SELECT n, file, line, TRY(json_transform(line, '{
    "request_id": "VARCHAR", "uuid": "VARCHAR", "ts": "DOUBLE", "status": "INTEGER", "size": "BIGINT",
    "request": {"method": "VARCHAR", "uri": "VARCHAR", "client_ip": "VARCHAR", "remote_ip": "VARCHAR",
      "headers": {"Range": ["VARCHAR"], "User-Agent": ["VARCHAR"]}},
    "resp_headers": {"Content-Range": ["VARCHAR"]}}')) AS j
  FROM lines
), told AS (
  SELECT n, file, line,
    cut(coalesce(j.request_id, j.uuid), 200) AS request_id,
    CASE WHEN j.ts BETWEEN 0 AND 4e9 THEN j.ts END AS moment,
    cut(j.request.method, 20) AS method,
    j.status AS status,
    j.size AS bytes_sent,
    j.request.uri AS uri,
    cut(j.request.headers."Range"[1], 200) AS range,
    j.resp_headers."Content-Range"[1] AS answered,
    cut(coalesce(j.request.client_ip, j.request.remote_ip, ''), 100) AS remote,
    cut(coalesce(j.request.headers."User-Agent"[1], ''), 500) AS user_agent
  FROM parsed
), taken AS (
  SELECT *, true AS ranged,
    request_id IS NOT NULL AND moment IS NOT NULL AND method IS NOT NULL AND status IS NOT NULL AND bytes_sent IS NOT NULL
      AND uri IS NOT NULL AS whole,
    -- Escapes are undone before anything is compared: %6Fbjects is objects, and x%2Dgrant is x-grant, to the store too.
    unescaped(split_part(uri, '?', 1)) AS path,
    grant_in(uri) AS grant_id,
    regexp_extract(answered, '^bytes (\\d{1,18})-(\\d{1,18})/', ['a', 'b']) AS given,
    regexp_extract(range, '^bytes=(\\d{0,18})-(\\d{0,18})$', ['a', 'b']) AS asked
  FROM told
), readable AS (
  SELECT *, starts_with(path, '/' || $bucket || '/') AS ours, [cut(substr(path, length($bucket) + 3), 2000)] AS object_keys,
    -- The store's own word first. 206 without it answers the range asked for; 200 without it starts at the beginning.
    CASE WHEN given.a <> '' THEN given.a::BIGINT
         WHEN status <> 206 THEN 0
         WHEN asked.a <> '' THEN asked.a::BIGINT
         WHEN asked.b <> '' THEN -(asked.b::BIGINT) END AS start,
    CASE WHEN given.b <> '' THEN given.b::BIGINT + 1
         WHEN status = 206 AND asked.a <> '' AND asked.b <> '' THEN asked.b::BIGINT + 1 END AS stop
  FROM taken
)"""

# What both forms of S3's own log have in common. Reads with somebody's access key in a header and no grant are the
# house's own (inspection, Parquet twins) and the administrators'; links never come that way.
S3_READABLE = """, readable AS (
  SELECT *, false AS ranged, NULL::VARCHAR AS range, NULL::BIGINT AS start, NULL::BIGINT AS stop,
    request_id IS NOT NULL AND moment IS NOT NULL AND bucket IS NOT NULL AND operation IS NOT NULL
      AND (status IS NOT NULL OR NOT reads) AS whole,
    bucket = $bucket AND reads AND NOT (coalesce(auth, '') = 'AuthHeader' AND coalesce(grant_in(uri), '') = '') AS ours,
    grant_in(uri) AS grant_id, keys_in(split_part(uri, '?', 1), $bucket) AS object_keys
  FROM (
    SELECT *, split_part(operation, '.', 2) AS method,
      coalesce(regexp_full_match(operation, '(REST|WEBSITE)\\.(GET|HEAD)\\.OBJECT'), false) AS reads FROM told
  )
)"""

# Fields may be added at the end, and older lines lack some: only those up to the object's size must be there.
S3_ACCESS = (
    """parsed AS (
  SELECT n, file, line, regexp_extract(line,
    '^\\S+ (\\S+) \\[([^\\]]*)\\] (\\S+) \\S+ (\\S+) (\\S+) \\S+ (?:"[^ "]* (.*?)(?: HTTP/[0-9.]+)?"|-) (\\d{3}|-) \\S+ '
      || '(\\d{1,18}|-) (?:\\d+|-) (?:(?:\\d+|-) (?:\\d+|-) (?:".*?"|-) (?:"(.*?)"|-) (\\S+)(.*))?',
    ['bucket', 'time', 'remote', 'request_id', 'operation', 'uri', 'status', 'sent', 'agent', 'version', 'rest']) AS f
  FROM lines
), told AS (
  SELECT n, file, line, cut(nullif(nullif(f.request_id, ''), '-'), 200) AS request_id, nullif(f.bucket, '') AS bucket,
    epoch(try_strptime(f.time, '%d/%b/%Y:%H:%M:%S +0000')) AS moment, nullif(f.operation, '') AS operation,
    TRY_CAST(f.status AS INTEGER) AS status, coalesce(TRY_CAST(f.sent AS BIGINT), 0) AS bytes_sent, f.uri AS uri,
    cut(f.remote, 100) AS remote, cut(f.agent, 500) AS user_agent, CASE WHEN f.rest LIKE '% AuthHeader %' THEN 'AuthHeader' END AS auth
  FROM parsed
)"""
    + S3_READABLE
)

# Exported from CloudWatch Logs, each line has the time of its arrival before the object.
S3_JSON = (
    """parsed AS (
  SELECT n, file, coalesce(nullif(o, ''), line) AS line, CASE WHEN json_valid(o) THEN json_transform(o, '{
    "request_id": "VARCHAR", "bucket_name": "VARCHAR", "bucket": "VARCHAR", "request_time": "VARCHAR", "time": "VARCHAR",
    "operation": "VARCHAR", "http_status_code": "VARCHAR", "http_status": "VARCHAR", "status": "VARCHAR",
    "bytes_sent": "VARCHAR", "request_uri": "VARCHAR", "remote_ip": "VARCHAR", "user_agent": "VARCHAR",
    "authentication_type": "VARCHAR", "auth_type": "VARCHAR"}') END AS j
  FROM (SELECT n, file, line, regexp_extract(line, '\\{.*\\}') AS o FROM lines)
), told AS (
  SELECT n, file, line, cut(nullif(j.request_id, '-'), 200) AS request_id,
    coalesce(j.bucket_name, j.bucket) AS bucket,
    epoch(TRY_CAST(coalesce(j.request_time, j.time) AS TIMESTAMP)) AS moment, j.operation AS operation,
    TRY_CAST(coalesce(j.http_status_code, j.http_status, j.status) AS INTEGER) AS status,
    coalesce(TRY_CAST(j.bytes_sent AS BIGINT), 0) AS bytes_sent,
    regexp_replace(regexp_replace(coalesce(j.request_uri, ''), '^"?[A-Z]+ ', ''), ' HTTP/[0-9.]+"?$', '') AS uri,
    cut(coalesce(j.remote_ip, ''), 100) AS remote, cut(coalesce(j.user_agent, ''), 500) AS user_agent,
    coalesce(j.authentication_type, j.auth_type) AS auth
  FROM parsed
)"""
    + S3_READABLE
)

# The header says which column is which; it stands before every text. `sc-bytes` counts headers too; the length of the
# answer's content is the most that can have left of the object.
CLOUDFRONT = """headed AS (
  SELECT *, last_value(CASE WHEN starts_with(line, '#Fields:') THEN line END IGNORE NULLS) OVER (
    PARTITION BY file ORDER BY n) AS header
  FROM lines
), parsed AS (
  SELECT n, file, line, list_transform(string_split(trim(substr(header, 9)), ' '), lambda name: lower(name)) AS names,
    string_split(rtrim(line, chr(13)), chr(9)) AS held
  FROM headed WHERE NOT starts_with(line, '#')
), told AS (
  SELECT n, file, line, cut(field(names, held, 'x-edge-request-id'), 200) AS request_id,
    epoch(TRY_CAST(field(names, held, 'date') || ' ' || field(names, held, 'time') AS TIMESTAMP)) AS moment,
    cut(field(names, held, 'cs-method'), 20) AS method, TRY_CAST(field(names, held, 'sc-status') AS INTEGER) AS status,
    TRY_CAST(field(names, held, 'sc-bytes') AS BIGINT) AS written, len(held) >= len(names) AS columns,
    TRY_CAST(field(names, held, 'sc-content-len') AS BIGINT) AS content, field(names, held, 'cs-uri-stem') AS stem,
    coalesce(field(names, held, 'cs-uri-query'), '') AS query,
    TRY_CAST(field(names, held, 'sc-range-start') AS BIGINT) AS first,
    TRY_CAST(field(names, held, 'sc-range-end') AS BIGINT) AS last,
    cut(coalesce(field(names, held, 'c-ip'), ''), 100) AS remote,
    cut(coalesce(TRY(url_decode(field(names, held, 'cs(user-agent)'))), ''), 500) AS user_agent
  FROM parsed
), readable AS (
  SELECT *, least(written, content) AS bytes_sent, true AS ours,
    request_id IS NOT NULL AND moment IS NOT NULL AND method IS NOT NULL AND status IS NOT NULL AND written IS NOT NULL
      AND stem IS NOT NULL AND columns AS whole,
    status <> 206 OR first IS NOT NULL AS ranged, CASE WHEN status = 206 THEN first ELSE 0 END AS start,
    CASE WHEN status = 206 THEN last + 1 END AS stop,
    CASE WHEN first IS NOT NULL THEN 'bytes=' || first || '-' || coalesce(last::VARCHAR, '') END AS range,
    grant_in('?' || query) AS grant_id, keys_in(stem, $bucket) AS object_keys
  FROM told
)"""

EXPRESSIONS = {
    name: LINES + expression + RECORDS
    for name, expression in {
        "gateway": GATEWAY,
        "s3-access": S3_ACCESS,
        "s3-json": S3_JSON,
        "cloudfront": CLOUDFRONT,
    }.items()
}

MACROS = """
-- PostgreSQL keeps no NUL, and nobody needs a header without end.
CREATE MACRO cut(told, most) AS
  CASE WHEN strlen(told) <= most AND NOT contains(told, chr(0)) THEN told ELSE substr(replace(told, chr(0), ''), 1, most) END;
CREATE MACRO unescaped(told) AS CASE WHEN contains(told, '%') THEN TRY(url_decode(told)) ELSE told END;
-- In links of ours it stands first. Elsewhere, only an escape of one of its own letters could hide the name; then every
-- name is undone before it is compared.
CREATE MACRO grant_in(uri) AS coalesce(
  CASE WHEN strpos(uri, '?x-grant=') = strpos(uri, '?')
    THEN nullif(split_part(split_part(uri, '?x-grant=', 2), '&', 1), '') END,
  CASE WHEN contains(uri, '%') AND regexp_matches(uri, '%(78|2[Dd]|67|72|61|6[Ee]|74)') THEN list_transform(
    list_filter(
      string_split(regexp_replace(substr(uri, strpos(uri, '?') + 1), '%[89A-Fa-f][0-9A-Fa-f]', '?', 'g'), '&'),
      lambda p: url_decode(split_part(p, '=', 1)) = 'x-grant'
    ), lambda p: substr(p, strpos(p, '=') + 1))[1] END,
  split_part(split_part('&' || substr(uri, strpos(uri, '?') + 1), '&x-grant=', 2), '&', 1));
-- Logs escape a key once or twice, and a path names the bucket or not: the grant knows which reading is right.
CREATE MACRO keys_in(path, bucket) AS list_distinct(flatten(list_transform(
  [TRY(url_decode(path)), TRY(url_decode(TRY(url_decode(path))))], lambda p: [
    cut(substr(p, 2), 2000),
    CASE WHEN starts_with(p, '/' || bucket || '/') THEN cut(substr(p, length(bucket) + 3), 2000) END])));
CREATE MACRO field(names, held, name) AS nullif(held[list_position(names, name)], '-');
"""


# Of a few lines, thinking a plan over takes longer than it saves.
FEW_BYTES = 64 << 10
PLAINLY, THOUGHT_OVER = "PRAGMA disable_optimizer;", "PRAGMA enable_optimizer;"


@dataclass(frozen=True)
class Text:
    """Whole lines of a log file: its number, how it begins (where columns are named), and the lines."""

    file: int
    head: str
    lines: str


@lru_cache(maxsize=1)
def engine() -> Any:
    """This process's DuckDB, in memory; work on a `cursor()` of it, with temporary tables, and close that."""
    import duckdb

    made = duckdb.connect(config={"threads": 1, "autoinstall_known_extensions": False})
    made.execute(MACROS)
    # `sql` plans twice, `execute` copies what it found: the one is too much for a few lines, the other for many.
    warnings.filterwarnings("ignore", "Arrow output on a DB-API result makes an extra copy")
    return made


def records(source: str, texts: Sequence[Text], *, bucket: str, of: str = "{records}") -> Any:
    """The records of a source's log as an Arrow table, or what a statement makes of them where it says `{records}`.

    What asks for no object of the bucket has no digest; what is no log line has the reason `malformed`.
    """
    import pyarrow as pa

    statement, bound = of.replace("{records}", EXPRESSIONS[source]), {"bucket": bucket}
    with engine().cursor() as duck:
        duck.register("block", pa.concat_tables([_lines(text, named=source == "cloudfront") for text in texts]))
        if sum(len(text.lines) for text in texts) >= FEW_BYTES:
            return duck.sql(statement, params=bound).to_arrow_table()
        return duck.execute(PLAINLY).execute(statement, bound).to_arrow_table()


def _lines(text: Text, *, named: bool) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = re.search("#Fields:[^\n]*\n", text.head) if named else None
    told = (columns[0] if columns else "") + text.lines
    lines = pc.split_pattern(pa.scalar(told.replace("\0", ""), pa.large_string()), "\n").values
    return pa.table({"file": pa.repeat(pa.scalar(text.file, pa.int32()), len(lines)), "line": lines})


def as_json(source: str, lines: str, *, bucket: str, head: str = "") -> str:
    """The records of lines that are about our objects or malformed, as JSON."""
    as_json = "SELECT coalesce(json_group_array(t), '[]') AS told FROM ({records}) AS t WHERE digest IS NOT NULL"
    return str(records(source, [Text(0, head, lines)], bucket=bucket, of=as_json)["told"][0])
