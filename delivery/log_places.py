"""Where access logs lie, and how they are read: a folder or a prefix of a bucket, plain or gzip, growing or whole.

A file is skipped while its mark (size and time, or size and ETag) is the one it was last read to its end with. The
gateway's files are known by their first line, not their name: it renames a full one, a backup gives it another inode.
Delivered ones are known by name and first line: services may tell the same line in two files. A last line without its
end is left for the next time, unless the file can grow no more.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from exchange import buckets, storage
from exchange.config import config
from listings import held
from listings.models import StoragePlace

BLOCK_BYTES = 4 << 20
HEAD_BYTES = 16_384  # of a file, to know it by its first line and its columns
FIRST_LINE_BYTES = 4096  # of the first line: it holds time and request id
IN_MEMORY_BYTES = 16 << 20
PAGE = 1000
GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Entry:
    """A log file, as its place lists it."""

    name: str
    mark: str  # another one where the content may be another
    is_complete: bool  # it can grow no more


class Place(Protocol):
    """Where log files lie."""

    def pages(self) -> Iterator[list[Entry]]:
        """The files, some at a time."""

    def open(self, entry: Entry) -> IO[bytes]:
        """A file's bytes, with `seek`; raises `FileNotFoundError` where it went away."""


@dataclass(frozen=True)
class Folder:
    """A folder and those below it, the oldest file first."""

    path: Path
    ending: str = ""  # what a file's name must contain

    def pages(self) -> Iterator[list[Entry]]:
        """All files but hidden ones."""
        found = []
        for folder, _, names in os.walk(self.path):
            for name in names:
                if name.startswith(".") or self.ending not in name:
                    continue
                path = Path(folder, name)
                try:
                    stat = path.stat()
                except FileNotFoundError:
                    continue
                mark = f"{stat.st_size}-{stat.st_mtime_ns}"
                found.append((stat.st_mtime_ns, Entry(str(path.relative_to(self.path)), mark, False)))
        found.sort(key=lambda each: (each[0], each[1].name))
        for n in range(0, len(found), PAGE):
            yield [entry for _, entry in found[n : n + PAGE]]

    def open(self, entry: Entry) -> IO[bytes]:
        """The file itself."""
        return (self.path / entry.name).open("rb")


@dataclass(frozen=True)
class Bucket:
    """A prefix of a bucket. Objects appear whole, so the end of one is the end of its last line."""

    name: str
    prefix: str
    client: Any = None  # None: the house's own

    def pages(self) -> Iterator[list[Entry]]:
        """All objects, in the order of their keys."""
        listed = self._asked().get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=self.prefix)
        for page in listed:
            yield [
                Entry(item["Key"], f"{item['Size']}-{item['ETag'].strip(chr(34))}", True)
                for item in page.get("Contents", [])
                if item["Size"]
            ]

    def open(self, entry: Entry) -> IO[bytes]:
        """The object, copied here."""
        from botocore.exceptions import ClientError

        copy: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115  the caller closes it
        try:
            self._asked().download_fileobj(self.name, entry.name, copy)
        except ClientError as error:
            copy.close()
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                raise FileNotFoundError(entry.name) from error
            raise
        return copy

    def _asked(self) -> Any:
        return self.client or storage.client()


@dataclass(frozen=True)
class Source:
    """A log that is read: of managed storage, or of a holder's own bucket."""

    name: str  # of its row in `log_reading`
    writes: str  # what its lines look like, see `access_logs`
    files: Place
    bucket: str  # whose requests it tells
    place_id: str | None = None

    def stored(self, entry: Entry) -> str:
        """A file's name, apart from those of other sources."""
        return f"{self.place_id}/{entry.name}" if self.place_id else entry.name

    def opened(self, entry: Entry) -> AbstractContextManager[Log | None]:
        """A file of it; the gateway's own are known by their first line alone, others by name and first line."""
        known_by_line = self.writes == "gateway" and self.place_id is None
        return opened(self.files, entry, known_as="" if known_by_line else f"{self.stored(entry)}\0")


def managed() -> Source:
    """The log of managed storage."""
    c = config()
    return Source(c.log_source, c.log_source, configured(), c.s3_bucket)


def of_place(place: StoragePlace) -> Source:
    """The log of a holder's own bucket, read with the keys for it."""
    bucket, prefix = held.log_place(place.log_location or "")
    client = buckets.client(held.bucket_of(place), held.house_keys(place))
    return Source(
        f"place/{place.id}", place.log_source or "s3-access", Bucket(bucket, prefix, client), place.bucket, place.id
    )


def configured() -> Place:
    """Where the logs of managed storage lie."""
    location = config().log_location
    if location is None:
        return Folder(config().access_log_dir, ending=".log")
    if location.startswith("s3://"):
        bucket, _, prefix = location.removeprefix("s3://").partition("/")
        return Bucket(bucket, prefix)
    return Folder(Path(location))


@dataclass(frozen=True)
class Block:
    """Whole lines of a log file, the offset where the next one begins, and whether nothing whole comes after."""

    text: str
    end: int
    is_last: bool


class Log:
    """An open log file: known by its first line, read in blocks of whole lines. Offsets count unpacked bytes."""

    def __init__(self, raw: IO[bytes], entry: Entry, *, known_as: str) -> None:
        self._raw, self._entry = raw, entry
        raw.seek(0)
        self._is_packed = raw.read(2) == GZIP
        self._reader = self._rewound()
        head = self._reader.read(HEAD_BYTES)
        self.head = head.decode(errors="replace")
        first = self._first_line(head)
        self.identity = None if first is None else hashlib.sha256(known_as.encode() + first).hexdigest()

    @property
    def is_damaged(self) -> bool:
        """Packed, and not whole although it can grow no more, or broken inside. Known once it was read."""
        if not isinstance(self._reader, _Unpacked):
            return False
        return self._reader.is_broken or (self._entry.is_complete and not self._reader.is_whole)

    @property
    def may_grow(self) -> bool:
        """Whether the end that was read may not be the end. Known once it was read."""
        if isinstance(self._reader, _Unpacked):
            return not (self._reader.is_whole or self._reader.is_broken or self._entry.is_complete)
        return not self._entry.is_complete

    def blocks(self, *, offset: int) -> Iterator[Block]:
        """What the file holds from an offset on.

        A line longer than a block is no log line; it comes out in pieces, to be set aside. An offset beyond the end
        means that the file was cut: reading starts over, and lines counted before are known by their ids.
        """
        position = self._seek(offset)
        rest = b""
        while True:
            data = rest + self._reader.read(BLOCK_BYTES - len(rest))
            at_end = len(data) < BLOCK_BYTES
            whole = len(data) if at_end and not (self.may_grow or self.is_damaged) else data.rfind(b"\n") + 1
            taken = data[:whole] if whole or at_end else data
            if not taken:
                return
            position, rest = position + len(taken), data[len(taken) :]
            yield Block(taken.decode(errors="replace"), position, at_end)
            if at_end:
                return

    def _first_line(self, head: bytes) -> bytes | None:
        """The first line that tells of a request, or None where it is not whole yet."""
        while head.startswith(b"#"):
            head = head.partition(b"\n")[2]
        line, end, _ = head.partition(b"\n")
        if not line or (not end and len(line) < FIRST_LINE_BYTES and self.may_grow):
            return None
        return line if end and len(line) < FIRST_LINE_BYTES else line[:FIRST_LINE_BYTES]

    def _rewound(self) -> Any:
        self._raw.seek(0)
        return _Unpacked(self._raw) if self._is_packed else self._raw

    def _seek(self, offset: int) -> int:
        self._reader = self._rewound()
        if not self._is_packed:
            size = self._raw.seek(0, os.SEEK_END)
            return self._raw.seek(offset if offset <= size else 0)
        left = offset
        while left and (skipped := len(self._reader.read(min(left, BLOCK_BYTES)))):
            left -= skipped
        if left:
            self._reader = self._rewound()
        return 0 if left else offset


class _Unpacked:
    """Reads gzip, several members too, as far as it is good; says whether it was whole."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw, self._unpack = raw, zlib.decompressobj(31)
        self._held = b""
        self.is_broken = self.is_whole = False

    def read(self, size: int) -> bytes:
        """So many bytes, fewer only at the end of what can be read."""
        pieces, count = [], 0
        while count < size and (piece := self._piece(size - count)):
            pieces.append(piece)
            count += len(piece)
        return b"".join(pieces)

    def _piece(self, size: int) -> bytes:
        while not self.is_broken:
            if self._unpack.eof:  # the next member, if there is one
                self._held = self._unpack.unused_data or self._raw.read(1 << 16)
                if not self._held:
                    self.is_whole = True
                    return b""
                self._unpack = zlib.decompressobj(31)
            packed = self._held or self._unpack.unconsumed_tail or self._raw.read(1 << 16)
            self._held = b""
            try:
                piece = self._unpack.decompress(packed, size)
            except zlib.error:
                self.is_broken = True
                return b""
            if piece:
                return piece
            if not packed and not self._unpack.eof:
                return b""
        return b""


@contextmanager
def opened(place: Place, entry: Entry, *, known_as: str) -> Iterator[Log | None]:
    """A log file, known by what it is known as and its first line; None where it went away or that is not whole yet."""
    try:
        raw = place.open(entry)
    except FileNotFoundError:
        yield None
        return
    with raw:
        log = Log(raw, entry, known_as=known_as)
        yield log if log.identity else None
