"""What a look at a contract's PDF can find. Apart from `seal`, which loads the machinery that looks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

PDF_BYTES_MAX = 20 * 1024 * 1024  # no contract comes near
REASON = "契約書の封印　契約番号 {number}　第{version}版　内容のSHA-256 {sha256}"
REASON_READ = re.compile(r"契約書の封印　契約番号 (\S{1,40})　第(\d{1,9})版　内容のSHA-256 ([0-9a-f]{64})")


@dataclass(frozen=True)
class Mark:
    """What a seal is on: which contract, which version, and the SHA-256 of what it says."""

    number: str
    version: int
    sha256: str

    @classmethod
    def read(cls, reason: object) -> Mark | None:
        """The mark in the reason that a seal gives; None where it is no contract's."""
        found = REASON_READ.fullmatch(str(reason))
        return cls(found[1], int(found[2]), found[3]) if found else None

    @property
    def reason(self) -> str:
        """The reason a seal gives, for people who look at it in their PDF viewer and for `read`."""
        return REASON.format(number=self.number, version=self.version, sha256=self.sha256)


class Finding(StrEnum):
    """Only the first is good."""

    GENUINE = "genuine"  # sealed by this exchange, the whole file, unchanged since
    NOT_A_PDF = "not_a_pdf"
    NO_SEAL = "no_seal"
    FOREIGN = "foreign"  # sealed, but not by this exchange
    CHANGED = "changed"  # sealed by this exchange, and not as it was
    EXTENDED = "extended"  # sealed by this exchange, and something was put behind it
    NO_CONTRACT = "no_contract"  # sealed by this exchange, but no contract
    BROKEN = "broken"  # cannot be read


@dataclass(frozen=True)
class Verdict:
    """What was found, and of a genuine contract what its seal says; of any other nothing, for it could be a lie."""

    finding: Finding
    mark: Mark | None = None
    sealed_at: datetime | None = None
    sealed_by: str | None = None

    @property
    def is_genuine(self) -> bool:
        """Sealed by this exchange and not changed since."""
        return self.finding is Finding.GENUINE
