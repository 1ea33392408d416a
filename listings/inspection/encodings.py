"""Text files as they come: which encoding, whole lines, and every byte that is not text named by its line.

Municipal files are UTF-8 with and without BOM, CP932 and now and then UTF-16 (the rulebook's consequence 17).
EUC-JP and ISO-2022-JP still come from older systems and cost little to know.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from exchange.errors import text

from .limits import BLOCK_BYTES, LINE_BYTES_MAX, MEBIBYTE, PROBLEMS_PER_KIND_MAX
from .results import Refused

HEAD_BYTES = 256 * 1024
BOMS = ((codecs.BOM_UTF8, "utf-8-bom"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
CODECS = {"utf-8-bom": "utf-8"}
CONTROLS = bytes(b for b in range(32) if b not in b"\t\n\r\f\x1a\x1b")
SPOILED_SHARE_MAX = 0.3
SPOILED_LINES_BEFORE_GIVING_UP = 1_000


def text_encoding(path: Path) -> str:
    """The file's encoding: by its BOM, else the one that leaves the fewest lines undecoded.

    Refuses what is no text at all.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    for bom, name in BOMS:
        if head.startswith(bom):
            return name
    if wide := _utf16_without_bom(head):
        return wide
    if b"\0" in head or len(head.translate(None, CONTROLS)) < len(head) * 0.99:
        raise Refused(NOT_TEXT)
    if b"\x1b$B" in head or b"\x1b$@" in head:
        return "iso-2022-jp"
    return _fewest_spoiled(path, head)


NOT_TEXT = text(
    "文字のファイルではありません。中身は別の形式のようです。元の表計算ソフトなどからCSV（UTF-8）で書き出し直すか、正しい拡張子に直して、もう一度アップロードしてください。"
)


def _utf16_without_bom(head: bytes) -> str | None:
    """UTF-16 by its line ends: there nearly every 0A byte is half of one."""
    for name, newline in (("utf-16-le", b"\n\0"), ("utf-16-be", b"\0\n")):
        marks = sum(1 for at in _found(head, newline) if at % 2 == 0)
        if marks and marks >= 0.5 * head.count(b"\n") and _mostly_plain(head, name):
            return name
    return None


def _mostly_plain(head: bytes, name: str) -> bool:
    words = head[: len(head) // 2 * 2].decode(name, "replace")
    return "\0" not in words and sum(map(_plain, words)) > 0.9 * len(words)


def _found(head: bytes, mark: bytes) -> Iterator[int]:
    at = head.find(mark)
    while at >= 0:
        yield at
        at = head.find(mark, at + 1)


def _plain(letter: str) -> bool:
    code = ord(letter)
    return code in (9, 10, 13) or 32 <= code < 0x250 or 0x2000 <= code < 0xA000 or 0xF900 <= code < 0xFFF0


def _fewest_spoiled(path: Path, head: bytes) -> str:
    spoiled, sound, lines = _spoiled_lines(path, "utf-8", None)
    if sound >= spoiled:  # other encodings hardly ever read as UTF-8, but UTF-8 often reads as CP932
        return "utf-8"
    best, fewest = "utf-8", spoiled
    for candidate in ("euc-jp", "cp932") if _looks_euc(head) else ("cp932",):
        count, _, _ = _spoiled_lines(path, candidate, fewest)
        if count < fewest:
            best, fewest = candidate, count
    if fewest > SPOILED_SHARE_MAX * lines and (lines > 10 or _has_controls(head)):
        raise Refused(
            text(
                "文字コードを判別できません（UTF-8、Shift_JIS、UTF-16のいずれとしても読めない行が%(count)s行あります）。UTF-8で保存し直して、もう一度アップロードしてください。",
                count=fewest,
            )
        )
    return best


def _has_controls(head: bytes) -> bool:
    return len(head.translate(None, CONTROLS)) < len(head)


def _looks_euc(head: bytes) -> bool:
    """EUC-JP nearly always decodes as CP932 too, into a row of half-width kana."""
    head = head[: head.rfind(b"\n") + 1] or head
    try:
        head.decode("euc-jp")
    except UnicodeDecodeError:
        return False
    other = [c for c in head.decode("cp932", "replace") if c > "\x7f"]
    return sum("｡" <= c <= "ﾟ" or c == "\ufffd" for c in other) > 0.3 * len(other)


def _spoiled_lines(path: Path, encoding: str, at_most: int | None) -> tuple[int, int, int]:
    """Lines that do not decode, lines beyond ASCII that do, and lines looked at before it was plain."""
    spoiled = sound = lines = 0
    for block in _blocks(path, encoding):
        here = block.splitlines() if b"\n" in block or b"\r" in block else [block]
        lines += len(here)
        try:
            block.decode(CODECS.get(encoding, encoding))
            sound += 0 if block.isascii() else len(here)
        except UnicodeDecodeError:
            beyond = [line for line in here if not line.isascii()]
            bad = sum(1 for line in beyond if not _decodes(line, encoding))
            spoiled, sound = spoiled + bad, sound + len(beyond) - bad
        if at_most is not None and spoiled >= at_most:
            break
        if spoiled > SPOILED_LINES_BEFORE_GIVING_UP and spoiled > 0.1 * lines:
            break
    return spoiled, sound, lines


def _decodes(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _blocks(path: Path, encoding: str) -> Iterator[bytes]:
    """The file in pieces that end where a line ends."""
    newline = _newline(path, encoding)
    carry = b""
    with path.open("rb") as file:
        _skip_bom(file)
        while piece := file.read(BLOCK_BYTES):
            carry += piece
            if cut := _last_line_end(carry, newline):
                yield carry[:cut]
                carry = carry[cut:]
            if len(carry) > LINE_BYTES_MAX:
                raise Refused(
                    text(
                        "1行が%(limit)s MBを超えています。改行が失われているか、表ではないファイルです。行ごとに改行して保存し直してください。",
                        limit=LINE_BYTES_MAX // MEBIBYTE,
                    )
                )
    if carry:
        yield carry


def _skip_bom(file: IO[bytes]) -> None:
    start = file.read(3)
    file.seek(next((len(bom) for bom, _ in BOMS if start.startswith(bom)), 0))


def _newline(path: Path, encoding: str) -> bytes:
    if encoding.startswith("utf-16"):
        return "\n".encode(encoding)
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    return b"\r" if b"\n" not in head and b"\r" in head[:-1] else b"\n"


def _last_line_end(carry: bytes, newline: bytes) -> int:
    at = carry.rfind(newline)
    while len(newline) == 2 and at > 0 and at % 2:
        at = carry.rfind(newline, 0, at + 1)
    return at + len(newline) if at >= 0 else 0


@dataclass
class TextSource:
    """A text file read line by line, once. `spoiled` fills with (line, column in letters) as it is read.

    Line ends come out as "\\n" whatever they were.
    """

    path: Path
    encoding: str
    loaded_chars: int = 0
    line: int = 0
    spoiled: list[tuple[int, str]] = field(default_factory=list)
    spoiled_count: int = 0

    def blocks(self) -> Iterator[str]:
        """The text in pieces of whole lines."""
        for block in _blocks(self.path, self.encoding):
            words = self._decoded(block)
            self.loaded_chars += len(words)
            self.line += words.count("\n")
            yield words

    def lines(self) -> Iterator[str]:
        """The text line by line, each with its end."""
        for block in self.blocks():
            start = 0
            while (end := block.find("\n", start) + 1) > 0:
                yield block[start:end]
                start = end
            if start < len(block):
                yield block[start:]

    def _decoded(self, block: bytes) -> str:
        codec = CODECS.get(self.encoding, self.encoding)
        try:
            words = block.decode(codec)
        except UnicodeDecodeError:
            words = self._decoded_with_losses(block, codec)
        if "\r" in words:
            words = words.replace("\r\n", "\n").replace("\r", "\n")
        return words

    def _decoded_with_losses(self, block: bytes, codec: str) -> str:
        wide = codec.startswith("utf-16")
        lines = [block] if wide else block.splitlines(keepends=True)
        words = []
        for number, line in enumerate(lines):
            try:
                words.append(line.decode(codec))
            except UnicodeDecodeError as error:
                before = block[: error.start].decode(codec, "replace").count("\n") if wide else number
                self._note(
                    self.line + before + 1, line[max(0, error.start - 12) : error.start].decode(codec, "replace")
                )
                words.append(line.decode(codec, "replace"))
        return "".join(words)

    def _note(self, line: int, before: str) -> None:
        self.spoiled_count += 1
        if len(self.spoiled) < PROBLEMS_PER_KIND_MAX:
            self.spoiled.append((line, before.lstrip("\ufffd")))
