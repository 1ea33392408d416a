"""Reading an upload, in the background: first an immutable copy, then everything looks at that copy alone."""

from __future__ import annotations

import json
import logging
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import update

from exchange import buckets, database, storage
from exchange.config import config
from exchange.database import session
from exchange.errors import text
from listings import held, inspection, rules, uploads
from listings.inspection.results import Inspection, stored
from listings.models import File, Finding, StoragePlace

READ_ATTEMPTS_MAX = 3
SAMPLE_LENGTH_MAX = 400_000  # characters of JSON; a wide table shows fewer rows
CELL_LENGTH_MAX = 300
INSIDE_MAX = 200
MEDIA_TYPES = {
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
    "geojson": "application/geo+json",
    "parquet": "application/vnd.apache.parquet",
    "zip": "application/zip",
}
log = logging.getLogger("exchange.listings")


def read(file_id: str, *, at: datetime) -> None:
    """file: reading → ready or refused, with what was found. Safe to repeat; storage that is away is tried again."""
    file = session.get(File, file_id)
    if file is None or file.state != "reading" or file.removed_at is not None:
        return
    if _attempts(file_id) > READ_ATTEMPTS_MAX:
        return _refuse(file, text("ファイルを読み取れませんでした。形式を確かめて、もう一度送ってください。"))
    if file.place_id is None and not _make_immutable(file):
        return _refuse(
            file,
            text(
                "届いたファイルの大きさが、予告された大きさ(%(size)s バイト)と違います。もう一度送ってください。",
                size=file.size,
            ),
        )
    folder = config().home / "reading"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as workdir:
        path = Path(workdir) / f"original{file.extension}"
        if why := _fetch(file, path):
            return _refuse(file, why)
        _read_copy(file, path, Path(workdir))


def _fetch(file: File, path: Path) -> text | None:
    """A copy to look at, here; why there is none, where trying again would not help.

    Of an object in its holder's own bucket, size, ETag and version are kept: they say which object was looked at.
    """
    if file.place_id is None:
        storage.download(file.object_key or "", path)
        return None
    place, key = session.get_one(StoragePlace, file.place_id), file.object_key or ""
    try:
        found = held.head(place, key)
        if found is None:
            return text("保管場所にこのキーのファイルがありません。キーを確かめて、もう一度登録してください。")
        if found.size > rules.FILE_SIZE_MAX:
            return text("1つのファイルは100 GBまでです。")
        file.size, file.etag, file.version_id = found.size, found.etag, found.version_id
        is_whole = held.download(place, key, path, of=found)
    except buckets.BucketUnavailable as refusal:
        if refusal.http_status not in (401, 403):
            raise
        return text(
            "保管場所がこのファイルの読み取りを断りました。s3:GetObject と s3:GetObjectVersion を許可して、もう一度登録してください。"
        )
    return None if is_whole else text("読み取りの間にファイルが変わりました。もう一度登録してください。")


def _attempts(file_id: str) -> int:
    """Count this try beside the transaction, so that a file that kills its reader is not read for ever."""
    counted = update(File).where(File.id == file_id).values(read_attempts=File.read_attempts + 1)
    with database.own_transaction() as beside:
        return beside.scalar(counted.returning(File.read_attempts)) or 0


def _make_immutable(file: File) -> bool:
    """Copy what arrived to where nobody can write; whether it is as long as was announced."""
    final = uploads.final_key(file)
    if storage.head(file.upload_key) is not None:
        storage.copy(file.upload_key, final)
    found = storage.head(final)
    file.object_key = final if found else None
    return found is not None and found.size == file.size


def _read_copy(file: File, path: Path, workdir: Path) -> None:
    try:
        found = inspection.inspect(path, file.name, file.media_type, workdir=workdir)
    except Exception as error:  # whatever a strange file does to a reader, it is refused, not retried for ever
        log.exception("file not readable", extra={"task": "inspect-file", "error": f"{type(error).__name__} {file.id}"})
        return _refuse(file, text("ファイルを読み取れませんでした。壊れていないか確かめて、もう一度送ってください。"))
    if not found.ready:
        return _refuse(file, found.reason or text("受け付けられないファイルです。"))
    _keep_twin(file, found)
    _take(file, found)
    if file.place_id is None:
        storage.delete(file.upload_key)


def _refuse(file: File, reason: text) -> None:
    file.state = rules.after(rules.FILE, file.state, "refuse")
    file.refusal = clean(stored(reason))
    if file.place_id is not None:  # what lies in a holder's own bucket is the holder's
        return
    for key in (file.upload_key, file.object_key):
        if key:
            storage.delete(key)
    file.object_key = None


def _keep_twin(file: File, found: Inspection) -> None:
    if found.parquet is None:
        return
    if found.format == "parquet":  # the upload is its own twin
        file.parquet_key = file.object_key
    elif file.place_id is not None:  # a twin would be a copy outside its holder's own bucket
        return
    else:
        file.parquet_key = uploads.twin_key(file)
        with found.parquet.path.open("rb") as twin:
            storage.put(file.parquet_key, twin, MEDIA_TYPES["parquet"])
    file.parquet_size, file.parquet_sha256 = found.parquet.size, found.parquet.sha256


def _take(file: File, found: Inspection) -> None:
    record = clean(found.record())
    file.state = rules.after(rules.FILE, file.state, "ready")
    file.sha256, file.format = found.sha256, found.format
    file.media_type = MEDIA_TYPES.get(found.format, file.media_type)
    file.encoding, file.delimiter = found.encoding, found.delimiter
    file.header_row, file.rows = found.header_row, found.rows
    file.columns, file.problems, file.scanned = record["columns"], record["problems"], found.scanned
    file.sample = _short(record["sample"])
    file.inside = [_named(part) for part in (*record["sheets"], *record["members"])][:INSIDE_MAX]
    file.quality = rules.quality([problem.level for problem in found.problems]) if found.scanned else None
    session.add_all(
        Finding(file_id=file.id, kind=f["kind"], column=f["column"], count=f["count"], samples=f["samples"])
        for f in _distinct(record["findings"])
    )


def _named(part: dict[str, Any]) -> dict[str, Any]:
    inner = part.get("inspection")
    return (
        {"name": part["name"], "size": part["size"], "rows": inner["rows"], "format": inner["format"]}
        if inner
        else part
    )


def _distinct(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({(f["kind"], f["column"]): f for f in findings}.values())


def _short(sample: list[list[str]]) -> list[list[str]]:
    """The first rows, as many as fit on a page and in a row of the database."""
    rows: list[list[str]] = []
    length = 0
    for row in sample:
        cut = [str(cell)[:CELL_LENGTH_MAX] if cell is not None else "" for cell in row]
        length += len(json.dumps(cut, ensure_ascii=False))
        if length > SAMPLE_LENGTH_MAX:
            break
        rows.append(cut)
    return rows


def clean(value: Any) -> Any:
    """JSON values without the two things PostgreSQL's JSONB refuses: NUL and lone surrogates."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {clean(key): clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def seal_away(file_id: str, *, at: datetime) -> None:
    """Move a recalled file's objects to where no issued link points, so that running links end. Safe to repeat.

    An object in its holder's own bucket stays where it is; links to it end by their own time.
    """
    file = session.get(File, file_id)
    if file is None or file.recalled_at is None or file.place_id is not None:
        return
    moved = {key: _moved(key) for key in {file.object_key, file.parquet_key} if key}
    file.object_key = moved.get(file.object_key or "", file.object_key)
    file.parquet_key = moved.get(file.parquet_key or "", file.parquet_key)


def _moved(key: str) -> str:
    if key.startswith("recalled/"):
        return key
    away = f"recalled/{key}"
    if storage.head(key) is not None:
        storage.copy(key, away)
        storage.delete(key)
    return away
