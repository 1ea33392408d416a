"""Access logs into records: found in a folder, read from where reading stopped, parsed by one expression.

A log file is known by its first line, not its name: the gateway renames a full one, a backup gives it another inode.
A last line without its end is left for the next time. Nothing here touches the database, and nothing loops over
lines in Python: a block of lines goes through one DuckDB expression and comes out as the JSON text of all records.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

BLOCK_BYTES = 8 << 20
FIRST_LINE_BYTES = 4096  # of the first line, enough to know it by: it holds time and request id

# What a line tells, whatever wrote it:
#   n, request_id, at, method, status, bytes_sent, range (the header), start and stop (bytes of the object, stop not
#   included; start negative: so many from the end), remote, user_agent, grant_id, object_key, digest (of the line);
#   reason and line instead where it cannot be read.
GATEWAY = """
WITH lines AS (
  SELECT unnest(string_split($block, chr(10))) AS line, generate_subscripts(string_split($block, chr(10)), 1) AS n
), parsed AS (
  SELECT n, line, CASE WHEN json_valid(line) AND json_type(line) = 'OBJECT' THEN line::JSON END AS j
  FROM lines WHERE trim(line) <> ''
), told AS (
  SELECT n, line,
    cut(coalesce(j->>'$.request_id', j->>'$.uuid'), 200) AS request_id,
    CASE WHEN TRY_CAST(j->>'$.ts' AS DOUBLE) BETWEEN 0 AND 4e9 THEN (j->>'$.ts')::DOUBLE END AS moment,
    cut(j->>'$.request.method', 20) AS method,
    TRY_CAST(j->>'$.status' AS INTEGER) AS status,
    TRY_CAST(j->>'$.size' AS BIGINT) AS bytes_sent,
    j->>'$.request.uri' AS uri,
    cut(j->>'$.request.headers.Range[0]', 200) AS range,
    j->>'$.resp_headers."Content-Range"[0]' AS answered,
    cut(coalesce(j->>'$.request.client_ip', j->>'$.request.remote_ip', ''), 100) AS remote,
    cut(coalesce(j->>'$.request.headers."User-Agent"[0]', ''), 500) AS user_agent
  FROM parsed
), readable AS (
  SELECT *,
    request_id IS NOT NULL AND moment IS NOT NULL AND method IS NOT NULL AND status IS NOT NULL AND bytes_sent IS NOT NULL
      AND uri IS NOT NULL AS whole,
    -- Escapes are undone before anything is compared: %6Fbjects is objects, and x%2Dgrant is x-grant, to the store too.
    TRY(url_decode(split_part(uri, '?', 1))) AS path,
    list_transform(
      list_filter(
        string_split(regexp_replace(substr(uri, strpos(uri, '?') + 1), '%[89A-Fa-f][0-9A-Fa-f]', '?', 'g'), '&'), lambda p: url_decode(split_part(p, '=', 1)) = 'x-grant'
      ), lambda p: url_decode(substr(p, strpos(p, '=') + 1))
    )[1] AS grant_id,
    regexp_extract(coalesce(answered, ''), '^bytes (\\d{1,18})-(\\d{1,18})/', ['a', 'b']) AS given,
    regexp_extract(coalesce(range, ''), '^bytes=(\\d{0,18})-(\\d{0,18})$', ['a', 'b']) AS asked
  FROM told
), records AS (
  SELECT n, request_id, to_timestamp(moment)::VARCHAR AS "at", method, status, bytes_sent, range,
    -- The store's own word first. 206 without it answers the range asked for; 200 without it starts at the beginning.
    CASE WHEN given.a <> '' THEN given.a::BIGINT
         WHEN status <> 206 THEN 0
         WHEN asked.a <> '' THEN asked.a::BIGINT
         WHEN asked.b <> '' THEN -(asked.b::BIGINT) END AS start,
    CASE WHEN given.b <> '' THEN given.b::BIGINT + 1
         WHEN status = 206 AND asked.a <> '' AND asked.b <> '' THEN asked.b::BIGINT + 1 END AS stop,
    remote, user_agent, cut(grant_id, 100) AS grant_id, cut(substr(path, length($prefix) + 1), 2000) AS object_key,
    md5(line) AS digest, NULL AS reason, NULL AS line
  FROM readable WHERE whole AND starts_with(path, $prefix)
  UNION ALL
  SELECT n, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, md5(line), 'malformed', substr(line, 1, 4000)
  FROM readable WHERE NOT whole
)
SELECT
  (SELECT count(*) FROM parsed),
  (SELECT epoch_ms(to_timestamp(max(moment))) FROM told),
  (SELECT coalesce(to_json(list(records ORDER BY n)), '[]')::VARCHAR FROM records)
"""


@dataclass(frozen=True)
class Records:
    """What a block of lines told: how many there were, the newest's time (real, in ms), and the records as JSON."""

    lines: int
    newest_ms: int | None
    json: str


@dataclass(frozen=True)
class Found:
    """A log file in the folder."""

    path: Path
    first_line: str  # SHA-256 of its first line, by which it is known
    size: int


def parse_gateway(block: str, *, bucket: str) -> Records:
    """The records of whole lines of the embedded gateway's JSON log that ask for objects of the bucket.

    Lines that ask for the site are passed over; what is no log line comes out with the reason `malformed`.
    """
    with _engine_guard:
        parameters = {"block": block.replace("\0", ""), "prefix": f"/{bucket}/"}
        row = _engine().execute(GATEWAY, parameters).fetchone()
    return Records(*row)


_engine_guard = threading.Lock()


@lru_cache(maxsize=1)
def _engine() -> Any:
    import duckdb

    engine = duckdb.connect(config={"threads": 1, "autoinstall_known_extensions": False})
    # PostgreSQL keeps no NUL, and nobody needs a header without end.
    engine.execute("CREATE MACRO cut(told, most) AS substr(replace(told, chr(0), ''), 1, most)")
    return engine


def files(folder: Path) -> list[Found]:
    """The log files in a folder that hold at least one whole line, the oldest first."""
    if not folder.is_dir():
        return []
    entries = [entry for entry in os.scandir(folder) if entry.is_file() and ".log" in entry.name]
    found = [
        known for entry in sorted(entries, key=lambda e: e.stat().st_mtime_ns) if (known := _known(Path(entry.path)))
    ]
    return found


def _known(path: Path) -> Found | None:
    try:
        with path.open("rb") as log:
            head = log.read(FIRST_LINE_BYTES)
            size = os.fstat(log.fileno()).st_size
    except FileNotFoundError:  # renamed between listing and opening; the next round finds it
        return None
    line, end, _ = head.partition(b"\n")
    if not end and len(head) < FIRST_LINE_BYTES:
        return None
    return Found(path, hashlib.sha256(line).hexdigest(), size)


@dataclass(frozen=True)
class Block:
    """Whole lines of a log file, and the offset where the next one begins."""

    text: str
    end: int


def blocks(found: Found, *, offset: int) -> Iterator[Block]:
    """What a file holds from an offset on, in blocks of whole lines.

    A line longer than a block is no log line; it comes out in pieces, to be set aside. An offset beyond the end means
    that the file was cut: reading starts over, and lines counted before are known by their ids.
    """
    position = offset if offset <= found.size else 0
    with found.path.open("rb") as log:
        log.seek(position)
        while chunk := log.read(BLOCK_BYTES):
            whole = chunk.rfind(b"\n") + 1
            if not whole and len(chunk) < BLOCK_BYTES:
                return
            taken = chunk[:whole] if whole else chunk
            position += len(taken)
            yield Block(taken.decode(errors="replace"), position)
            log.seek(position)
