"""What reading a file found, in a form that shows, stores and compares: no database, no web.

Inspection
├── columns   [Column]      the data dictionary as read
├── problems  [Problem]     what to mend, where, and how
├── findings  [Finding]     what looks like personal data; `my_number` blocks
├── sheets    [Sheet]       of a workbook; the first with a table is the one read
├── members   [Member]      of a ZIP, each with its own inspection
└── parquet   Twin | None   the table as Parquet, typed
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from exchange.errors import text

Outcome = Literal["ready", "refused"]
Level = Literal["error", "warning", "note"]
SERIOUS_KINDS = frozenset({"my_number"})  # may not be provided to anyone (番号法19条)


class Refused(Exception):
    """The file cannot be taken; `reason` says why and what to do."""

    def __init__(self, reason: text) -> None:
        super().__init__(str(reason))
        self.reason = reason


@dataclass(frozen=True)
class Column:
    """One column: `type` is text, integer, decimal, date, datetime, boolean, geometry or binary."""

    name: str
    type: str
    nullable: bool
    distinct: int
    example: str | None = None
    filled: int = 0


@dataclass(frozen=True)
class Problem:
    """Something a reader of the file would trip over. `line` counts from 1, as the file's own lines do."""

    kind: str
    level: Level
    message: text
    mend: text
    count: int = 1
    line: int | None = None
    column: str | None = None
    cell: str | None = None
    sheet: str | None = None
    member: str | None = None


@dataclass(frozen=True)
class Finding:
    """Values of one column that look like personal data. `samples` are masked."""

    kind: str
    column: str
    count: int
    samples: tuple[str, ...] = ()

    @property
    def blocking(self) -> bool:
        """True where no answer helps: the data must go."""
        return self.kind in SERIOUS_KINDS


@dataclass(frozen=True)
class Sheet:
    """A sheet of a workbook; `read` is true for the one whose table was taken."""

    name: str
    rows: int
    columns: int
    read: bool
    hidden: bool = False


@dataclass(frozen=True)
class Twin:
    """The table as Parquet. For an upload that is Parquet itself, the upload."""

    path: Path
    size: int
    sha256: str


@dataclass(frozen=True)
class Member:
    """One file inside a ZIP."""

    name: str
    size: int
    inspection: Inspection


@dataclass(frozen=True)
class Inspection:
    """The whole answer. `rows` is None where there is no table; `scanned` is False where the content was
    not understood, so that nobody takes an empty `findings` for a clean file."""

    outcome: Outcome
    format: str
    size: int = 0
    sha256: str = ""
    reason: text | None = None
    encoding: str | None = None
    delimiter: str | None = None
    header_row: int | None = None
    rows: int | None = None
    columns: tuple[Column, ...] = ()
    sample: tuple[tuple[str, ...], ...] = ()
    problems: tuple[Problem, ...] = ()
    findings: tuple[Finding, ...] = ()
    sheets: tuple[Sheet, ...] = ()
    members: tuple[Member, ...] = ()
    parquet: Twin | None = None
    scanned: bool = False
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def ready(self) -> bool:
        """The file is kept and can be delivered, previewed or not."""
        return self.outcome == "ready"

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """Findings that no answer settles."""
        return tuple(finding for finding in self.findings if finding.blocking)

    def record(self) -> dict[str, Any]:
        """Everything as JSON values. Words keep their message and values, so that `shown` can translate them."""
        return {
            "outcome": self.outcome,
            "format": self.format,
            "size": self.size,
            "sha256": self.sha256,
            "reason": stored(self.reason),
            "encoding": self.encoding,
            "delimiter": self.delimiter,
            "header_row": self.header_row,
            "rows": self.rows,
            "columns": [vars(column) for column in self.columns],
            "sample": [list(row) for row in self.sample],
            "problems": [vars(p) | {"message": stored(p.message), "mend": stored(p.mend)} for p in self.problems],
            "findings": [vars(f) | {"samples": list(f.samples), "blocking": f.blocking} for f in self.findings],
            "sheets": [vars(sheet) for sheet in self.sheets],
            "members": [{"name": m.name, "size": m.size, "inspection": m.inspection.record()} for m in self.members],
            "parquet": {"size": self.parquet.size, "sha256": self.parquet.sha256} if self.parquet else None,
            "scanned": self.scanned,
        }


def stored(words: text | None) -> dict[str, Any] | None:
    """Words as JSON that can still be translated."""
    return {"message": words.message, "values": words.values} if words else None


def shown(record: dict[str, Any] | None) -> str:
    """Stored words in the reader's language."""
    return str(text(record["message"], **record["values"])) if record else ""


def of_member(name: str, inspection: Inspection) -> tuple[tuple[Problem, ...], tuple[Finding, ...]]:
    """A member's problems and findings, said of the whole archive."""
    problems = tuple(replace(p, member=f"{name}/{p.member}" if p.member else name) for p in inspection.problems)
    findings = tuple(replace(f, column=f"{name}: {f.column}") for f in inspection.findings)
    return problems, findings
