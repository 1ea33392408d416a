"""The daily comparison: what was issued, what was counted, what the store holds, what the log files say.

    unread           links of a contract and day of which not a byte was read; told, nothing to do
    no-grant         bytes that left without a grant of ours, or for another object
    object-changed   an object of another size than its file, or another ETag than last time; `object-missing`
    usage            a grant whose figures are not the sum of its lines and corrections
    lines            lines of a log file that are not counted, or counted otherwise

Each difference is a row, once; finding it again adds nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import insert

from delivery import access_logs, log_places
from delivery.models import Difference, LogFile, LogReading, ObjectCheck, SetAside
from exchange import clock, jobs, storage
from exchange.config import config
from exchange.database import id_at, session
from exchange.errors import text
from exchange.identity.actions import notify
from listings import held
from listings.models import File, StoragePlace
from listings.queries import open_place_ids

OBJECTS_A_DAY = 200
HELD_OBJECTS_A_DAY = 100  # of one place: another machine is asked for each
LOG_BYTES_A_DAY = 256 << 20
NO_GRANT = ("no-grant", "unknown-grant", "wrong-object", "changed")
LOOKED_BACK = timedelta(days=2)
SHOWN_MAX = 1_000


def reconcile_daily(*, at: datetime) -> None:
    """Compare unless it was done today, by Japan's calendar: clocks that are started anew each day compare, too."""
    compared_at = session.scalar(select(LogReading.compared_at).where(LogReading.source == config().log_source))
    if compared_at is not None and clock.day_of(compared_at) >= clock.day_of(at):
        return
    reconcile(at=at)
    for place_id in open_place_ids():
        jobs.enqueue("compare-place", {"place_id": place_id}, at=at, key=f"compare-place/{place_id}")
    note = insert(LogReading).values(source=config().log_source, since=at, behind=False, compared_at=at)
    session.execute(note.on_conflict_do_update(index_elements=["source"], set_={"compared_at": at}))


def compare_place(place_id: str, *, at: datetime) -> int:
    """Compare objects in a holder's own bucket with what was looked at when they were listed; how many differ.

    Looks at those never or longest not looked at, at most a hundred. The holder is told; a place that does not answer
    raises `buckets.BucketUnavailable`.
    """
    place = session.get(StoragePlace, place_id)
    if place is None or place.state == "closed":
        return 0
    found = list(_held_objects(place, at))
    new = sum(_write(kind, subject, detail, at) for kind, subject, detail in found)
    if new:
        _tell_holder(place, found, at)
    return new


def _held_objects(place: StoragePlace, at: datetime) -> Iterable[Found]:
    checked = ObjectCheck.object_key == func.concat(place.id, ":", File.object_key)
    query = select(File.object_key, File.size, File.etag, File.version_id).outerjoin(ObjectCheck, checked)
    query = query.where(File.place_id == place.id, File.state == "ready", File.removed_at.is_(None))
    query = query.where(File.recalled_at.is_(None)).order_by(ObjectCheck.checked_at.asc().nulls_first(), File.id)
    for key, size, etag, version_id in session.execute(query.limit(HELD_OBJECTS_A_DAY)).all():
        head, subject = held.head(place, str(key), version_id=version_id), f"{place.id}:{key}"
        if head is None:
            yield "object-missing", subject, {"size": size}
            continue
        if (head.size, head.etag) != (size, etag):
            yield "object-changed", f"{subject} {head.etag}", {"size": size, "found": head.size, "etag": etag}
        _checked(subject, head.etag, at)


def _tell_holder(place: StoragePlace, found: Sequence[Found], at: datetime) -> None:
    notify(
        organization_id=place.organization_id,
        roles=["owner", "data_officer"],
        title=text("保管場所のファイルが登録したときと違います: %(name)s", name=place.name),
        body=text(
            "次のファイルが変わったか、なくなっています。元に戻すか、新しい版として登録し直してください。\n%(keys)s",
            keys="\n".join(subject.partition(":")[2] for _, subject, _ in found)[:2_000],
        ),
        path=f"/desk/places/{place.id}",
        at=at,
    )


def reconcile(*, at: datetime) -> int:
    """Compare the last two days and today; how many differences are new. Safe to run twice."""
    since = at.astimezone(clock.JST).replace(hour=0, minute=0, second=0, microsecond=0) - LOOKED_BACK
    found = [*_unread(since, at), *_without_grant(since), *_usage(since), *_objects(at), *_lines(since)]
    return sum(_write(kind, subject, detail, at) for kind, subject, detail in found)


Found = tuple[str, str, dict[str, Any]]


def _write(kind: str, subject: str, detail: dict[str, Any], at: datetime) -> int:
    # What asks for nobody's hand is not open.
    seen_at = at if kind == "unread" else None
    row = insert(Difference).values(kind=kind, subject=subject, detail=detail, found_at=at, seen_at=seen_at)
    return len(session.execute(row.on_conflict_do_nothing().returning(Difference.id)).all())


_UNREAD = sql("""
SELECT g.contract_id, to_char(g.issued_at AT TIME ZONE 'Asia/Tokyo', 'YYYY-MM-DD') AS day, count(*) AS links, min(g.id) AS one
FROM delivery_grant g LEFT JOIN grant_usage u ON u.grant_id = g.id
WHERE g.id >= :first_id AND g.issued_at >= :since AND g.expires_at < :real_at AND g.contract_id IS NOT NULL
  AND u.last_at IS NULL
GROUP BY 1, 2 ORDER BY 1, 2 LIMIT :most
""")


def _unread(since: datetime, at: datetime) -> Iterable[Found]:
    # Whole days only, a day later: the log may still come.
    day = at.astimezone(clock.JST).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    bound = {
        "first_id": id_at(since - timedelta(days=config().clock_offset_days)),
        "since": since,
        "real_at": clock.real_now(),
        "most": SHOWN_MAX,
    }
    for row in session.execute(_UNREAD, bound):
        if row.day < f"{day:%Y-%m-%d}":
            yield "unread", f"{row.contract_id}/{row.day}", {"links": row.links, "contract_id": row.contract_id}


def _without_grant(since: datetime) -> Iterable[Found]:
    query = select(SetAside).where(SetAside.seen_at >= since, SetAside.reason.in_(NO_GRANT))
    for line in session.scalars(query.order_by(SetAside.id).limit(SHOWN_MAX)):
        yield "no-grant", str(line.id), {"reason": line.reason, "file": line.file, "line": line.line[:500]}


# Figures were kept by the statement that wrote the lines; that they still agree is worth a look a day.
_USAGE = sql("""
WITH recent AS (SELECT grant_id FROM grant_usage WHERE changed_at >= :since ORDER BY grant_id LIMIT 100000)
SELECT u.grant_id, u.billable_bytes, u.delivered_bytes, l.added, l.sent, coalesce(c.bytes, 0) AS corrected
FROM recent JOIN grant_usage u USING (grant_id)
LEFT JOIN LATERAL (
  SELECT coalesce(sum(added_bytes), 0) AS added,
    coalesce(sum(bytes_sent) FILTER (WHERE method = 'GET' AND status IN (200, 206)), 0) AS sent
  FROM request_line r WHERE r.grant_id = u.grant_id) l ON true
LEFT JOIN (SELECT grant_id, sum(billable_bytes) AS bytes FROM usage_correction GROUP BY 1) c ON c.grant_id = u.grant_id
WHERE u.billable_bytes <> l.added + coalesce(c.bytes, 0) OR u.delivered_bytes <> l.sent
ORDER BY u.grant_id LIMIT :most
""")


def _usage(since: datetime) -> Iterable[Found]:
    for row in session.execute(_USAGE, {"since": since, "most": SHOWN_MAX}):
        detail = {"billable_bytes": row.billable_bytes, "lines": int(row.added), "corrections": int(row.corrected)}
        yield "usage", row.grant_id, detail | {"delivered_bytes": row.delivered_bytes, "sent": int(row.sent)}


def _objects(at: datetime) -> Iterable[Found]:
    """A bounded number of objects, those never or longest not looked at first."""
    query = select(File.object_key, File.size, ObjectCheck.etag)
    query = query.outerjoin(ObjectCheck, ObjectCheck.object_key == File.object_key)
    query = query.where(File.state == "ready", File.removed_at.is_(None), File.object_key.is_not(None))
    query = (
        query.where(File.place_id.is_(None))
        .order_by(ObjectCheck.checked_at.asc().nulls_first(), File.id)
        .limit(OBJECTS_A_DAY)
    )
    for key, size, etag in [(str(row[0]), row[1], row[2]) for row in session.execute(query)]:
        head = storage.head(key)
        if head is None:
            yield "object-missing", key, {"size": size}
            continue
        if head.size != size or etag not in (None, head.etag):
            yield "object-changed", f"{key} {head.etag}", {"size": size, "found": head.size, "etag": etag}
        _checked(key, head.etag, at)


def _checked(subject: str, etag: str, at: datetime) -> None:
    check = insert(ObjectCheck).values(object_key=subject, etag=etag, checked_at=at)
    kept = {"etag": etag, "checked_at": at}
    session.execute(check.on_conflict_do_update(index_elements=["object_key"], set_=kept))


_LINES = sql("""
SELECT count(*) FILTER (WHERE r.request_id IS NULL) AS missing,
  count(*) FILTER (WHERE r.bytes_sent <> t.bytes_sent OR r.digest <> t.digest) AS other,
  coalesce(sum(t.bytes_sent) FILTER (WHERE r.request_id IS NULL), 0) AS missing_bytes
FROM json_to_recordset(:records) AS t(request_id text, bytes_sent bigint, grant_id text, object_keys text[], digest text)
JOIN delivery_grant g ON g.id = t.grant_id AND g.object_key = ANY(t.object_keys)
LEFT JOIN request_line r ON r.request_id = t.request_id
""")


def _lines(since: datetime) -> Iterable[Found]:
    """Files read in these days, once more from their beginning to where reading stopped: every line must be there."""
    read = select(LogFile).where(LogFile.read_at >= since, LogFile.behind.is_(False))
    known = {file.name: file for file in session.scalars(read)}
    source, left = log_places.managed(), LOG_BYTES_A_DAY
    for entry in (entry for page in source.files.pages() for entry in page if entry.name in known):
        if left <= 0:
            return
        sums = {"missing": 0, "other": 0, "missing_bytes": 0}
        with source.opened(entry) as log:
            if log is None or log.identity != known[entry.name].first_line:
                continue
            for block in log.blocks(offset=0):
                # What was written since is counted by the next reading, and compared tomorrow.
                since_read = max(0, block.end - known[entry.name].offset)
                lines = block.text.encode()[:-since_read].decode(errors="replace") if since_read else block.text
                left -= len(lines)
                records = access_logs.as_json(source.writes, lines, bucket=source.bucket, head=log.head)
                row = session.execute(_LINES, {"records": records}).one()
                sums = {name: count + int(getattr(row, name)) for name, count in sums.items()}
        if sums["missing"] or sums["other"]:
            yield "lines", str(known[entry.name].first_line), {"file": entry.name} | sums


def newest(limit: int = 200) -> list[Difference]:
    """Differences, those nobody has looked at first, then the newest."""
    query = select(Difference).order_by(Difference.seen_at.is_not(None), Difference.id.desc())
    return list(session.scalars(query.limit(limit)))


def open_count() -> tuple[int, datetime | None]:
    """How many differences nobody has looked at, and since when."""
    row = session.execute(
        select(func.count(Difference.id), func.min(Difference.found_at)).where(Difference.seen_at.is_(None))
    ).one()
    return int(row[0]), row[1]
