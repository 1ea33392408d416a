"""Where uploads go and what may be sent there: local arithmetic for presigned URLs, and keys of objects.

uploads/{file}                              written by the provider's client while the URL lives
files/{listing}/{release}/{file}/original…  the immutable copy, never signed for writing
files/{listing}/{release}/{file}/twin.parquet
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from exchange import clock, storage
from listings import rules
from listings.models import File

URL_LIFETIME = timedelta(hours=1)
KEPT_UNCOMPLETED = timedelta(days=1)


@dataclass(frozen=True)
class Ticket:
    """A URL that takes one PUT, and the headers to send with it. `number` is set for a part (from 1)."""

    url: str
    headers: Mapping[str, str]
    expires_at: datetime
    number: int | None = None
    method: str = "PUT"


def upload_key(file_id: str) -> str:
    """Where the provider's client writes."""
    return f"uploads/{file_id}"


def final_key(file: File) -> str:
    """Where the immutable copy lies: named by version and file, with the ending of its name."""
    return f"files/{file.listing_id}/{file.release_id}/{file.id}/original{file.extension}"


def twin_key(file: File) -> str:
    """Where the Parquet twin lies."""
    return f"files/{file.listing_id}/{file.release_id}/{file.id}/twin.parquet"


def ticket(file: File) -> Ticket:
    """The URL for a file sent in one piece."""
    seconds = int(URL_LIFETIME.total_seconds())
    url, headers = storage.presign_put(file.upload_key, expires_in=seconds, media_type=file.media_type)
    return Ticket(url, headers, clock.real_now() + URL_LIFETIME)


def part_tickets(file: File, numbers: Sequence[int]) -> list[Ticket]:
    """The URLs for parts of a file sent in parts; the upload must have been begun."""
    seconds, expires_at = int(URL_LIFETIME.total_seconds()), clock.real_now() + URL_LIFETIME
    upload_id = file.upload_id or ""
    return [
        Ticket(
            storage.presign_part(file.upload_key, upload_id=upload_id, number=number, expires_in=seconds),
            {},
            expires_at,
            number,
        )
        for number in numbers
    ]


def part_size(file: File) -> int:
    """Bytes of each part but the last."""
    return rules.part_size(file.size)


def part_count(file: File) -> int:
    """How many parts."""
    return rules.part_count(file.size)
