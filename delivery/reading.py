"""The meter's reading: from files of access logs to lines counted, from where the last reading stopped.

Any order, seen again, half-written, packed, broken: lines are known by their ids, files by what they hold, and both
are noted in the transaction that counts. A file that broke off is set aside, what came before the break is counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from delivery import access_logs, log_places, metering
from delivery.models import LogFile, LogReading, SetAside
from exchange import clock
from exchange.database import session
from exchange.jobs import JobRun

JOB = "read-access-logs"
BYTES_A_RUN = 64 << 20
FILE_COST_BYTES = 64 << 10  # the least that a file counts as: a thousand small ones are a run, too


@dataclass(frozen=True)
class Reading:
    """What one run did, and whether it came to the end of all that was there."""

    counted: int
    is_complete: bool


def read(source: log_places.Source, *, at: datetime, ahead: timedelta) -> Reading:
    """Count what was not counted yet, at most 64 MB; the caller holds the lock of the source."""
    counted, left = 0, BYTES_A_RUN
    for entries in source.files.pages():
        read_marks = _marks([source.stored(entry) for entry in entries])
        for entry in entries:
            if read_marks.get(source.stored(entry)) == entry.mark:
                continue
            if left <= 0:
                return _noted(source, Reading(counted, is_complete=False), at)
            with source.opened(entry) as log:
                if log is not None:
                    lines, left = _read(source, log, entry, left=left, at=at, ahead=ahead)
                    counted += lines
    return _noted(source, Reading(counted, is_complete=left > 0), at)


def _marks(names: list[str]) -> dict[str, str | None]:
    """The marks with which files were read to their end."""
    known = select(LogFile.name, LogFile.mark).where(LogFile.name.in_(names), LogFile.behind.is_(False))
    return {name: mark for name, mark in session.execute(known)}


def _read(
    source: log_places.Source,
    log: log_places.Log,
    entry: log_places.Entry,
    *,
    left: int,
    at: datetime,
    ahead: timedelta,
) -> tuple[int, int]:
    counted = 0
    offset = session.scalar(select(LogFile.offset).where(LogFile.first_line == log.identity)) or 0
    note = _Note(source, str(log.identity), entry, at, offset)
    for block in log.blocks(offset=offset):
        records = access_logs.parse(source.writes, block.text, bucket=source.bucket, head=log.head)
        name = source.stored(entry)
        result = metering.roll_up(records.json, file=name, at=at, ahead=ahead, place_id=source.place_id)
        note.add(block.end, records, result, ahead)
        counted, left = counted + result.counted, left - len(block.text)
        if left <= 0 and not block.is_last:
            note.behind = True
            break
    if log.is_damaged:
        session.add(SetAside(reason="damaged", file=source.stored(entry), line="", seen_at=at))
        note.set_aside += 1
    note.write()
    return counted, left - FILE_COST_BYTES


@dataclass
class _Note:
    """What a run adds to a file's row."""

    source: log_places.Source
    first_line: str
    entry: log_places.Entry
    at: datetime
    offset: int
    lines: int = 0
    counted: int = 0
    duplicates: int = 0
    set_aside: int = 0
    newest_line_at: datetime | None = None
    behind: bool = False

    def add(self, end: int, records: access_logs.Records, result: metering.Counted, ahead: timedelta) -> None:
        self.offset = end
        self.lines += records.lines
        self.counted += result.counted
        self.duplicates += result.duplicates
        self.set_aside += result.set_aside
        if records.newest_ms is not None:
            newest = datetime.fromtimestamp(records.newest_ms / 1000, clock.JST) + ahead
            # A machine whose clock runs ahead must not make a meter that stands still look as if it were running.
            newest = min(newest, self.at)
            self.newest_line_at = max(newest, self.newest_line_at or newest)

    def write(self) -> None:
        row = {"name": self.source.stored(self.entry), "offset": self.offset, "behind": self.behind, "read_at": self.at}
        row |= {"mark": self.entry.mark, "newest_line_at": self.newest_line_at}
        sums = {name: getattr(self, name) for name in ("lines", "counted", "duplicates", "set_aside")}
        note = insert(LogFile).values(first_line=self.first_line, **row, **sums)
        kept = {name: note.excluded[name] for name in row} | {n: getattr(LogFile, n) + note.excluded[n] for n in sums}
        kept["newest_line_at"] = func.greatest(LogFile.newest_line_at, note.excluded.newest_line_at)
        session.execute(note.on_conflict_do_update(index_elements=["first_line"], set_=kept))
        if self.newest_line_at:
            _note_source(self.source, self.at, {"newest_line_at": self.newest_line_at})


def _noted(source: log_places.Source, reading: Reading, at: datetime) -> Reading:
    """Write down that the meter fell behind, or caught up; nothing where nothing changed: it reads every second."""
    kept = session.get(LogReading, source.name, populate_existing=True)
    if kept is None or kept.behind == reading.is_complete:
        ran_at = session.scalar(select(JobRun.succeeded_at).where(JobRun.name == JOB))
        _note_source(source, at, {"behind": not reading.is_complete, "read_until": ran_at})
    return reading


def _note_source(source: log_places.Source, at: datetime, values: dict[str, object]) -> None:
    note = insert(LogReading).values(source=source.name, since=at, **({"behind": False} | values))
    kept: dict[str, Any] = {name: note.excluded[name] for name in values}
    if "newest_line_at" in values:
        kept["newest_line_at"] = func.greatest(LogReading.newest_line_at, note.excluded.newest_line_at)
    session.execute(note.on_conflict_do_update(index_elements=["source"], set_=kept))
