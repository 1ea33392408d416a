"""ZIP: what is inside, each file inspected on its own, and nothing that would break out or blow up.

All that can be refused is refused from the directory, before a byte is unpacked; unpacking then stops at the
size the directory stated, and a wrong checksum tells when it lied.
"""

from __future__ import annotations

import itertools
import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from exchange.errors import text

from .limits import (
    GIBIBYTE,
    ZIP_DEPTH_MAX,
    ZIP_MEMBERS_MAX,
    ZIP_RATIO_FREE_BYTES,
    ZIP_RATIO_MAX,
    ZIP_UNPACKED_BYTES_MAX,
)
from .results import Inspection, Member, Refused

CP437_FLAG_UTF8 = 0x800
SKIPPED = ("__MACOSX/", ".DS_Store", "Thumbs.db")
DAMAGED = text(
    "ZIPとして開けません。ファイルが途中で切れているか、壊れています。圧縮し直して、もう一度アップロードしてください。"
)
InspectMember = Callable[[Path, str, Path], Inspection]


def read_archive(path: Path, workdir: Path, *, depth: int, inspect_member: InspectMember) -> tuple[Member, ...]:
    """Every file in the archive with its inspection. Refuses bombs, escapes, secrets and damage."""
    if depth > ZIP_DEPTH_MAX:
        raise Refused(text("ZIPの中のZIPの中に、さらにZIPがあります。ZIPを重ねずに圧縮し直してください。"))
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            check_directory(entries)
            return tuple(
                _member(archive, entry, place, workdir, inspect_member)
                for place, entry in enumerate(entries)
                if not entry.is_dir() and not _is_litter(name_of(entry))
            )
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise Refused(DAMAGED) from error


def check_directory(entries: Sequence[zipfile.ZipInfo]) -> None:
    """Refuse by what the archive says of itself: names, links, encryption, number, sizes, overlaps."""
    if len(entries) > ZIP_MEMBERS_MAX:
        raise Refused(
            text(
                "ZIPの中のファイルが%(count)s個あります。%(limit)s個までに分けてください。",
                count=len(entries),
                limit=ZIP_MEMBERS_MAX,
            )
        )
    for entry in entries:
        _check_entry(entry)
    unpacked, packed = sum(e.file_size for e in entries), sum(e.compress_size for e in entries)
    if unpacked > ZIP_UNPACKED_BYTES_MAX:
        raise Refused(
            text(
                "ZIPを展開すると%(limit)s GBを超えます。分けて圧縮し直してください。",
                limit=ZIP_UNPACKED_BYTES_MAX // GIBIBYTE,
            )
        )
    if _is_bomb(unpacked, packed) or any(_is_bomb(e.file_size, e.compress_size) for e in entries):
        raise Refused(
            text(
                "ZIPの圧縮率が高すぎます（%(limit)s倍を超えます）。展開すると膨らむ「ZIP爆弾」の恐れがあるため受け付けません。圧縮せずにアップロードしてください。",
                limit=ZIP_RATIO_MAX,
            )
        )
    spans = sorted((e.header_offset, e.header_offset + e.compress_size) for e in entries if e.compress_size)
    if any(end > start for (_, end), (start, _) in itertools.pairwise(spans)):
        raise Refused(DAMAGED)


def _is_bomb(unpacked: int, packed: int) -> bool:
    return unpacked > ZIP_RATIO_FREE_BYTES and unpacked > ZIP_RATIO_MAX * max(1, packed)


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = name_of(entry)
    parts = PurePosixPath(name.replace("\\", "/")).parts
    # zipfile cuts a name at a NUL and takes other separators for "/": what was stored is judged, too.
    stored = entry.orig_filename
    if not name or ".." in parts or name[0] in "/\\" or name[1:2] == ":" or "\0" in stored or stored.startswith("/"):
        raise Refused(
            text(
                "ZIPの中に、展開先の外を指す名前のファイルがあります（%(name)s）。フォルダーの中身だけを選んで圧縮し直してください。",
                name=shown_name(stored),
            )
        )
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise Refused(
            text(
                "ZIPの中にシンボリックリンクがあります（%(name)s）。実際のファイルに置き換えて圧縮し直してください。",
                name=shown_name(name),
            )
        )
    if entry.flag_bits & 1:
        raise Refused(
            text(
                "ZIPにパスワードが付いています（%(name)s）。パスワードを外して圧縮し直してください。",
                name=shown_name(name),
            )
        )


def name_of(entry: zipfile.ZipInfo) -> str:
    """The entry's name; Windows in Japan writes CP932 without saying so."""
    if entry.flag_bits & CP437_FLAG_UTF8:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode("cp932")
    except UnicodeError:
        return entry.filename


def shown_name(name: str) -> str:
    """A name that is safe to put in a sentence."""
    return "".join(letter if letter.isprintable() else "�" for letter in name)[:100]


def _is_litter(name: str) -> bool:
    return name.startswith(SKIPPED) or PurePosixPath(name).name in SKIPPED


def _member(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, place: int, workdir: Path, inspect_member: InspectMember
) -> Member:
    room = workdir / f"member-{place}"
    room.mkdir(parents=True)
    target = room / "content"
    try:
        with archive.open(entry) as packed, target.open("wb") as file:
            shutil.copyfileobj(packed, file, 1024 * 1024)
        inspection = inspect_member(target, name_of(entry), room)
    except NotImplementedError:  # a way of packing that Python does not unpack, such as Deflate64
        inspection = Inspection("ready", "other")
    finally:
        shutil.rmtree(room, ignore_errors=True)
    return Member(shown_name(name_of(entry)), entry.file_size, inspection)
