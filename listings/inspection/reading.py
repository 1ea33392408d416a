"""From a file to what it holds: decides what to read it as, reads it, and never lets it win.

A file is one of three things in the end: ready with a table, ready without (stored and delivered, not
previewed), or refused with a reason that says what to do. Whatever goes wrong while reading, it is one of them.
"""

from __future__ import annotations

import hashlib
import logging
import re
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePath

import duckdb

from exchange.errors import text

from .archives import read_archive
from .delimited import is_tabular, read_delimited, unnamed_problem
from .documents import NotTabular, read_document
from .limits import GIBIBYTE, TEXT_BYTES_MAX
from .parquet_files import read_parquet
from .personal_data import findings_in
from .profile import profile, twin_of, write_twin
from .quality import problems_in
from .results import Finding, Inspection, Member, Problem, Refused, of_member
from .tables import Table, engine
from .workbooks import TooLargeToPreview, Workbook, read_workbook

log = logging.getLogger(__name__)

BY_ENDING = {
    ".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".txt": "txt", ".xlsx": "xlsx", ".xlsm": "xlsx", ".xls": "xls",
    ".json": "json", ".jsonl": "json", ".ndjson": "json", ".geojson": "geojson", ".parquet": "parquet", ".zip": "zip",
}  # fmt: skip
BY_MEDIA_TYPE = {
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "text/plain": "txt",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.ms-excel": "xls",
    "application/json": "json",
    "application/x-ndjson": "json",
    "application/geo+json": "geojson",
    "application/vnd.apache.parquet": "parquet",
    "application/zip": "zip",
}
WORDS = {"csv", "tsv", "txt", "json", "geojson"}
FORMATS = {"txt": "other"}
MAGIC = (
    (b"PK\x03\x04", "ZIPまたはExcel・Word（.xlsx、.docx、.zip）"),
    (b"\xd0\xcf\x11\xe0", "古い形式のExcel・Word（.xls、.doc）"),
    (b"%PDF", "PDF（.pdf）"),
    (b"PAR1", "Parquet（.parquet）"),
    (b"\x89PNG", "画像（.png）"),
    (b"\xff\xd8\xff", "画像（.jpg）"),
    (b"GIF8", "画像（.gif）"),
    (b"\x1f\x8b", "gzip（.gz）"),
    (b"7z\xbc\xaf", "7-Zip（.7z）"),
    (b"SQLite format 3", "SQLite（.sqlite）"),
)
HTML = re.compile(
    rb"^\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body|title|script|meta)[\s>]", re.I | re.S
)
XML = re.compile(rb"^\s*<(\?xml|error|[a-z]+:envelope)[\s>]", re.I)
TITLE = re.compile(r"<title[^>]*>\s*(.*?)\s*</title>", re.I | re.S)
HEAD_BYTES = 16 * 1024


def inspect(path: Path, name: str, media_type: str, *, workdir: Path) -> Inspection:
    """Read an uploaded file: what it is, its columns, what to mend, what looks personal, and its Parquet twin.

    Never raises for anything the file holds. `workdir` must exist and be the caller's to delete; the twin is
    written there and memory stays bounded whatever the size.
    """
    return _inspect(path, name, media_type, workdir=workdir, depth=0)


def _inspect(path: Path, name: str, media_type: str, *, workdir: Path, depth: int) -> Inspection:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    size = path.stat().st_size
    kind = kind_of(path, name, media_type)
    try:
        found = _read(path, kind, size, workdir, depth)
    except Refused as refusal:
        found = Inspection("refused", _format(kind), reason=refusal.reason)
    except (TooLargeToPreview, NotTabular):
        found = _stored(kind, NOT_PREVIEWED[kind if kind in NOT_PREVIEWED else "other"])
    except BaseException as error:  # a panic in a reader's Rust is no Exception, and must not end the worker
        if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit):
            raise
        log.exception("inspection failed: %s", kind)
        found = _stored(kind, UNREADABLE)
    return replace(found, size=size, sha256=sha256)


UNREADABLE = text(
    "内容を最後まで読み取れませんでした。ファイルはこのまま保管し、提供できますが、プレビューと自動確認はありません。"
)
_TOO_LARGE = text("このブックは大きいため、内容を表示できません。ファイルはこのまま保管し、提供できます。")
_NO_ROWS = text(
    "項目の並んだ一覧（オブジェクトの配列）ではないため、表として表示できません。ファイルはこのまま保管し、提供できます。"
)
_OTHER = text("この形式は内容を表示できません。ファイルはこのまま保管し、提供できます。")
NOT_PREVIEWED = {"xlsx": _TOO_LARGE, "xls": _TOO_LARGE, "json": _NO_ROWS, "geojson": _NO_ROWS, "other": _OTHER}
MEND_STORED = text(
    "表として見せたい場合は、CSV（UTF-8）に書き出してアップロードしてください。個人に関する情報がないことは、ご自身で確かめてください。"
)


def _stored(kind: str, why: text) -> Inspection:
    """Kept and delivered, not understood; says that nobody has looked inside."""
    return Inspection("ready", _format(kind), problems=(Problem("not_previewed", "note", why, MEND_STORED),))


def _format(kind: str) -> str:
    return FORMATS.get(kind, kind)


def kind_of(path: Path, name: str, media_type: str) -> str:
    """What to read it as: by the name's ending, else by the media type, else by its first bytes."""
    kind = BY_ENDING.get(PurePath(name.strip()).suffix.lower())
    if kind is None and not PurePath(name).suffix:
        kind = BY_MEDIA_TYPE.get(media_type.partition(";")[0].strip().lower())
    if kind is None and _head(path).startswith(b"PAR1"):
        kind = "parquet"
    return kind or "other"


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def _read(path: Path, kind: str, size: int, workdir: Path, depth: int) -> Inspection:
    if size == 0:
        raise Refused(text("ファイルが空（0バイト）です。元のファイルを確かめて、もう一度アップロードしてください。"))
    if kind == "other":
        return _stored(kind, _OTHER)
    _refuse_impostor(_head(path), kind)
    if kind == "zip":
        return _read_zip(path, workdir, depth)
    if kind in WORDS and size > TEXT_BYTES_MAX:
        raise Refused(
            text(
                "%(limit)s GBを超えるファイルは読み取れません。年や地域で分けてアップロードしてください。",
                limit=TEXT_BYTES_MAX // GIBIBYTE,
            )
        )
    if kind == "txt":
        delimiter = is_tabular(path)
        if delimiter is None:
            return _stored(kind, _OTHER)
        kind = "tsv" if delimiter == "\t" else "csv"
    return _read_table(path, kind, workdir)


def _refuse_impostor(head: bytes, kind: str) -> None:
    """A file that is not what its name says, where the name would send it to a reader."""
    if HTML.match(_narrow(head)):
        raise Refused(_html_reason(head))
    if kind in WORDS and (XML.match(head) or _is_magic(head)):
        raise Refused(_magic_reason(head))
    if kind == "zip" and not head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        raise Refused(
            text(
                "ZIPではありません。ファイルが途中で切れているか、別の形式です。圧縮し直して、もう一度アップロードしてください。"
            )
        )


def _narrow(head: bytes) -> bytes:
    return head.removeprefix(b"\xef\xbb\xbf").replace(b"\0", b"")


def _is_magic(head: bytes) -> bool:
    return any(head.startswith(mark) for mark, _ in MAGIC)


def _html_reason(head: bytes) -> text:
    title = TITLE.search(head.decode("utf-8", "replace"))
    if title:
        return text(
            "データではなく、Webページ（HTML）が保存されています（ページの題名は「%(title)s」）。ダウンロードに失敗したときのエラー画面かもしれません。元のデータを保存し直して、もう一度アップロードしてください。",
            title=" ".join(title[1].split())[:80],
        )
    return text(
        "データではなく、Webページ（HTML）が保存されています。ダウンロードに失敗したときのエラー画面かもしれません。元のデータを保存し直して、もう一度アップロードしてください。"
    )


def _magic_reason(head: bytes) -> text:
    for mark, words in MAGIC:
        if head.startswith(mark):
            return text(
                "ファイル名の拡張子と中身が違います。中身は%(format)sのようです。正しい拡張子に直すか、CSV（UTF-8）で書き出し直してください。",
                format=words,
            )
    return text("ファイル名の拡張子と中身が違います。中身はXMLです。CSV（UTF-8）で書き出し直してください。")


def _read_zip(path: Path, workdir: Path, depth: int) -> Inspection:
    members = read_archive(path, workdir, depth=depth, inspect_member=partial(_inspect_member, depth=depth + 1))
    problems: list[Problem] = []
    findings: list[Finding] = []
    for member in members:
        if member.inspection.outcome == "refused":
            problems.append(_refused_member(member))
        more_problems, more_findings = of_member(member.name, member.inspection)
        problems += [problem for problem in more_problems if problem.kind != "not_previewed"]
        findings += more_findings
    unread = [member.name for member in members if member.inspection.ready and not member.inspection.scanned]
    if unread:
        problems.append(_unread_members(unread))
    return Inspection(
        "ready",
        "zip",
        problems=tuple(problems),
        findings=tuple(findings),
        members=members,
        scanned=all(member.inspection.scanned for member in members),
    )


def _unread_members(names: list[str]) -> Problem:
    return Problem(
        "not_previewed",
        "note",
        text(
            "ZIPの中の%(count)s個のファイルは内容を表示できません（%(names)s）。このまま保管し、提供できます。",
            count=len(names),
            names="、".join(names[:5]),
        ),
        text("個人に関する情報がないことは、ご自身で確かめてください。"),
        count=len(names),
        member=names[0],
    )


def _inspect_member(path: Path, name: str, room: Path, *, depth: int) -> Inspection:
    found = _inspect(path, name, "", workdir=room, depth=depth)
    if found.outcome == "refused" and found.format == "zip" and found.reason:
        raise Refused(found.reason)  # what is wrong with an inner archive is wrong with the outer
    return replace(found, parquet=None, sample=found.sample[:5])


def _refused_member(member: Member) -> Problem:
    return Problem(
        "member_unreadable",
        "error",
        text("ZIPの中の「%(name)s」を読めません。%(reason)s", name=member.name, reason=str(member.inspection.reason)),
        text("そのファイルを直して、圧縮し直してください。"),
        member=member.name,
    )


def _read_table(path: Path, kind: str, workdir: Path) -> Inspection:
    with closing(engine(workdir)) as con:
        book = Workbook(None, (), ())
        if kind in ("csv", "tsv"):
            table = read_delimited(path, workdir, expected="\t" if kind == "tsv" else ",")
            kind = "tsv" if table.delimiter == "\t" else "csv"
        elif kind in ("json", "geojson"):
            table, kind = read_document(path, workdir)
        elif kind == "parquet":
            table = read_parquet(path, con)
        else:
            book = read_workbook(path, workdir, old=kind == "xls")
            if book.table is None:
                return replace(_stored(kind, _NO_TABLE), sheets=book.sheets)
            table = book.table
        return _described(con, table, kind, path, workdir, book)


_NO_TABLE = text("表のあるシートが見つかりませんでした。ファイルはこのまま保管し、提供できます。")


def _described(
    con: duckdb.DuckDBPyConnection, table: Table, kind: str, path: Path, workdir: Path, book: Workbook
) -> Inspection:
    found = profile(con, table)
    keep = [n for n, column in enumerate(found.columns) if column.filled or n not in table.unnamed]
    nameless = [table.names[n] for n in keep if n in table.unnamed]
    problems = [*table.problems, *book.problems, *problems_in(con, table, found)]
    if nameless and table.header_row:
        problems.append(unnamed_problem(nameless, table.header_row, sheet=table.sheet))
    return Inspection(
        "ready",
        kind,
        encoding=table.encoding,
        delimiter=table.delimiter,
        header_row=table.header_row,
        rows=table.rows,
        columns=tuple(found.columns[n] for n in keep),
        sample=tuple(tuple(row[n] for n in keep) for row in found.sample),
        problems=tuple(sorted(problems, key=lambda p: ("error", "warning", "note").index(p.level))),
        findings=tuple(findings_in(con, table, found)),
        sheets=book.sheets,
        parquet=twin_of(path) if kind == "parquet" else write_twin(con, found, keep, workdir / "twin.parquet"),
        scanned=True,
    )
