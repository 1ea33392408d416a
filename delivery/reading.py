"""The meter's reading: from files of access logs to lines counted, from where the last reading stopped.

Any order, seen again, half-written, packed, broken: lines are known by their ids, files by what they hold, and both
are noted in the transaction that counts. A file that broke off is set aside, what came before the break is counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from delivery import log_places, metering
from delivery.models import LogFile, LogReading, SetAside
from exchange import clock
from exchange.database import session
from exchange.jobs import JobRun

JOB = "read-access-logs"
BYTES_A_RUN = 128 << 20
FILE_COST_BYTES = 64 << 10  # the least that a file counts as: a thousand small ones are a run, too


@dataclass(frozen=True)
class Reading:
    """What one run did, and whether it came to the end of all that was there."""

    counted: int
    is_complete: bool


def read(source: log_places.Source, *, at: datetime, ahead: timedelta) -> Reading:
    """Count what was not counted yet, at most 128 MB; the caller holds the lock of the source.

    Lines are taken for new ones: looking each id up first would cost a tenth of all. Where one was counted before (a
    file was copied, a service told it twice), all is undone and read once more, with a look at every id.
    """
    try:
        with session.begin_nested():
            done = _read_all(source, at, ahead, looks_up=False)
    except metering.CountedBefore:
        done = _read_all(source, at, ahead, looks_up=True)
    return _noted(source, done, at)


def _marks(names: list[str]) -> dict[str, str | None]:
    """The marks with which files were read to their end."""
    known = select(LogFile.name, LogFile.mark).where(LogFile.name.in_(names), LogFile.behind.is_(False))
    return {name: mark for name, mark in session.execute(known)}


def _read_all(source: log_places.Source, at: datetime, ahead: timedelta, *, looks_up: bool) -> Reading:
    left, notes = BYTES_A_RUN, _Notes(source)
    with metering.reading(source, at=at, ahead=ahead, looks_up=looks_up) as meter:
        for entry in _unread(source, meter):
            if left <= 0:
                break
            with source.opened(entry) as log:
                if log is not None:
                    left = _read(log, notes.of(log, entry, meter), meter, left=left) - FILE_COST_BYTES
    return Reading(notes.write(at, ahead), is_complete=left > 0)


def _unread(source: log_places.Source, meter: metering.Meter) -> Iterator[log_places.Entry]:
    """The files that were not read to their end as they are now."""
    for entries in source.files.pages():
        meter.settle()
        read_marks = _marks([source.stored(entry) for entry in entries])
        yield from (entry for entry in entries if read_marks.get(source.stored(entry)) != entry.mark)


def _read(log: log_places.Log, note: _Note, meter: metering.Meter, *, left: int) -> int:
    """Read a file until nothing is left of what may be read; how much is."""
    note.behind = False
    for block in log.blocks(offset=note.offset):
        meter.add(block.text, to=note.totals, head=log.head)
        note.offset, left = block.end, left - len(block.text)
        if left <= 0 and not block.is_last:
            note.behind = True
            break
    note.is_damaged |= log.is_damaged
    return left


@dataclass
class _Note:
    """What a run adds to a file's row."""

    first_line: str
    entry: log_places.Entry
    offset: int
    totals: metering.Totals
    behind: bool = False
    is_damaged: bool = False

    def newest_line_at(self, at: datetime, ahead: timedelta) -> datetime | None:
        """The newest line's time, at most now: a machine whose clock runs ahead must not make a meter that stands still
        look as if it were running."""
        if self.totals.newest_ms is None:
            return None
        return min(datetime.fromtimestamp(self.totals.newest_ms / 1000, clock.JST) + ahead, at)


class _Notes:
    """Those of all files of a run, known by their first lines."""

    def __init__(self, source: log_places.Source) -> None:
        self._source = source
        self._notes: dict[str, _Note] = {}

    def of(self, log: log_places.Log, entry: log_places.Entry, meter: metering.Meter) -> _Note:
        """A file's, which goes on where the last run, or another name for it in this one, stopped."""
        identity = str(log.identity)
        if identity in self._notes:
            self._notes[identity].entry = entry
        else:
            meter.settle()
            offset = session.scalar(select(LogFile.offset).where(LogFile.first_line == identity)) or 0
            self._notes[identity] = _Note(identity, entry, offset, meter.file(self._source.stored(entry)))
        return self._notes[identity]

    def write(self, at: datetime, ahead: timedelta) -> int:
        """Write all down; how many lines were counted."""
        for note in self._notes.values():
            self._write(note, note.newest_line_at(at, ahead), at)
        return sum(note.totals.counted for note in self._notes.values())

    def _write(self, note: _Note, newest: datetime | None, at: datetime) -> None:
        row = {"name": self._source.stored(note.entry), "offset": note.offset, "behind": note.behind, "read_at": at}
        row |= {"mark": note.entry.mark, "newest_line_at": newest}
        if note.is_damaged:
            session.add(SetAside(reason="damaged", file=row["name"], line="", seen_at=at))
            note.totals.set_aside += 1
        sums = {name: getattr(note.totals, name) for name in ("lines", "counted", "duplicates", "set_aside")}
        made = insert(LogFile).values(first_line=note.first_line, **row, **sums)
        kept = {name: made.excluded[name] for name in row} | {n: getattr(LogFile, n) + made.excluded[n] for n in sums}
        kept["newest_line_at"] = func.greatest(LogFile.newest_line_at, made.excluded.newest_line_at)
        session.execute(made.on_conflict_do_update(index_elements=["first_line"], set_=kept))
        if newest:
            _note_source(self._source, at, {"newest_line_at": newest})


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
