"""The tables of a share: files under names that every client takes, and the versions of each. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from exchange.errors import Invalid, NotFound, text

NAMESPACE = UUID("0f6e1f0a-3c63-5d0c-9a3e-6b1c1c6e4d0b")  # of table ids: a made-up constant
# What names may not hold (PROTOCOL.md, "Names"), and what `profile#share.schema.table` and a URL would read otherwise.
UNFIT = re.compile(r"[\s\x00-\x1f\x7f./\\#?%`]")


@dataclass(frozen=True)
class Version:
    """A table as one release has it. `file` is its row: file_id, name, parquet_key, parquet_size, …"""

    number: int
    published_at: datetime
    file: Any

    @property
    def published_ms(self) -> int:
        """When it was published, in milliseconds since 1970."""
        return int(self.published_at.timestamp() * 1000)


@dataclass(frozen=True)
class Table:
    """A table of a share, its versions the oldest first."""

    id: str
    name: str
    versions: tuple[Version, ...]

    @property
    def newest(self) -> Version:
        """The version read by default."""
        return self.versions[-1]

    def version(self, number: int) -> Version:
        """The version of that number; `Invalid` with those there are when the release is not covered or lacks it."""
        for version in self.versions:
            if version.number == number:
                return version
        known = ", ".join(str(version.number) for version in self.versions)
        raise Invalid({"version": [text("この表にある版は %(known)s です。", known=known)]})

    def as_of(self, at: datetime) -> Version:
        """The version that was current at a moment; `Invalid` before the first."""
        past = [version for version in self.versions if version.published_at <= at]
        if not past:
            first = self.versions[0].published_at.isoformat()
            raise Invalid({"timestamp": [text("この表の最初の版は %(at)s に公開されました。", at=first)]})
        return past[-1]

    def since(self, at: datetime) -> Version:
        """The first version at or after a moment; `Invalid` after the newest."""
        for version in self.versions:
            if version.published_at >= at:
                return version
        last = self.newest.published_at.isoformat()
        raise Invalid({"startingTimestamp": [text("この表の最新の版は %(at)s に公開されました。", at=last)]})


def tables(share: str, files: Iterable[Any]) -> list[Table]:
    """The tables of a share, from the rows of its files, the oldest release first.

    A file of the same full name in a later release is the next version of the same table. Names are given out in
    the order in which files first appeared, so that a later release never renames a table.
    """
    versions: dict[tuple[str, int], list[Version]] = {}
    seen: Counter[tuple[int, str]] = Counter()
    for file in files:
        name = same_name(file.name)
        seen[file.number, name] += 1  # names that differ in the case of letters alone may stand in one release
        place = versions.setdefault((name, seen[file.number, name]), [])
        place.append(Version(file.number, file.published_at, file))
    made: list[Table] = []
    taken: set[str] = set()
    for found in versions.values():
        name = _unique(table_name(found[0].file.name), taken)
        taken.add(same_name(name))
        made.append(Table(str(uuid5(NAMESPACE, f"{share}/{same_name(name)}")), name, tuple(found)))
    return made


def table_name(file_name: str) -> str:
    """A file's name without its ending, with `_` for dots, blanks and what no client would take."""
    name = unicodedata.normalize("NFC", file_name)
    stem, dot, _ = name.rpartition(".")
    return UNFIT.sub("_", stem if dot and stem else name)


def _unique(name: str, taken: set[str]) -> str:
    found, number = name, 1
    while same_name(found) in taken:
        number += 1
        found = f"{name}_{number}"
    return found


def same_name(name: str) -> str:
    """What two names share that the protocol takes for one: names do not differ by the case of letters."""
    return unicodedata.normalize("NFC", name).casefold()


def named(found: list[Table], name: str) -> Table:
    """The table of that name; raises `NotFound`."""
    for table in found:
        if same_name(table.name) == same_name(name):
            return table
    raise NotFound(text("この共有に、その名前の表はありません。"))
