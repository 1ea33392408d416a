"""What is true of links and of the bytes they carry. Pure.

A grant is one issued link. The bytes of a grant are counted in a *pool*, and every byte of an object counts once per
pool:

    repeat reads included   one pool per contract, file, variant and month: reading ten times costs what one read costs
    repeat reads charged    one pool per grant
    open data               one pool per grant; nobody pays

The Parquet form of a file is a variant of its own, with its own bytes and its own pool; where it is the file itself
(a provider's own Parquet), both are one. A download is a pool that became whole.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal, Protocol
from urllib.parse import quote

from contracts.pricing import GIGABYTE
from exchange.errors import N_

LIFETIME_SECONDS = 300
LIFETIME_SECONDS_MAX = 900
LIFETIME_SECONDS_MAX_STRICT = 300
ONCE_SECONDS_UNGATED = 60  # of a link for one use, where nothing can count its uses
BATCH_MAX = 10_000
VARIANTS = ("original", "parquet")
VARIANT_TITLES = {"original": N_("提供されたままのファイル"), "parquet": N_("Parquet 形式")}
PARQUET_MEDIA_TYPE = "application/vnd.apache.parquet"
RepeatReads = Literal["included", "charged"]


class Roles(Protocol):
    """Whoever holds roles."""

    roles: list[str]


class Recipient(Roles, Protocol):
    """Whoever asks for data."""

    id: str
    organization_id: str
    totp_confirmed_at: datetime | None
    second_factor_exempt: bool

    @property
    def is_operator(self) -> bool: ...


def may_receive(member: Roles) -> bool:
    """Whether somebody may draw data for the buyer: owners and data officers."""
    return bool({"owner", "data_officer"} & set(member.roles))


def may_set_limits(member: Roles) -> bool:
    """Whether somebody may say how much the buyer will take in a month: owners, data officers, accountants."""
    return bool({"owner", "data_officer", "accountant"} & set(member.roles))


# What the levels of the standard templates ask of who draws links; what they ask beside that binds the buyer alone.
#
#         roles, buyer's own members    second factor    named users    links live    bound to the address that asks
#     L1  yes                           –                –              15 minutes    –
#     L2  yes                           yes              –              15 minutes    –
#     L3  yes                           yes              yes            5 minutes     yes
def level(variables: Mapping[str, Any]) -> str:
    """The level of security that a contract agrees on; terms without one are as L1."""
    return str(variables.get("security_level") or "L1")


def is_strict(variables: Mapping[str, Any]) -> bool:
    """Whether links are short, bound to the address that asked, and for named members alone: level L3."""
    return level(variables) == "L3"


def may_name(member: Roles) -> bool:
    """Whether somebody may say who of the buyer draws links under level L3: owners."""
    return "owner" in member.roles


def repeat_reads(pricing: Mapping[str, Any]) -> RepeatReads:
    """Whether reading the same bytes again in a month costs again; only a metered price may say so."""
    return "charged" if pricing.get("repeat_reads") == "charged" else "included"


def pool(
    *, grant_id: str, contract_id: str | None, file_id: str, variant: str, month: str, repeats: RepeatReads
) -> str:
    """The name of the pool in which a grant's bytes are counted once."""
    if contract_id is None or repeats == "charged":
        return grant_id
    return f"{contract_id}/{file_id}/{variant}/{month}"


def counted_as(variant: str, *, sha256: str | None, parquet_sha256: str | None) -> str:
    """The variant whose pool a delivery counts in: the Parquet form of a file that is Parquet already is the original."""
    return "original" if sha256 == parquet_sha256 else variant


def file_name(name: str, variant: str) -> str:
    """The name a download is saved under: the file's own, with its twin's ending where the twin is sent."""
    if variant != "parquet" or name.lower().endswith(".parquet"):
        return name
    stem, dot, _ = name.rpartition(".")
    return (stem if dot and stem else name) + ".parquet"


_NOT_PLAIN = re.compile(r'[^ -~]|["\\%]')


@lru_cache(maxsize=1_024)
def content_disposition(name: str) -> str:
    """The header that saves a download under its own name, Japanese too (RFC 6266, RFC 8187)."""
    plain = _NOT_PLAIN.sub("_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='!#$&+.^_`|~-')}"


@dataclass(frozen=True)
class Limits:
    """The most a buyer will take under a contract in a month; None is no limit. Yen without tax."""

    bytes: int | None = None
    downloads: int | None = None
    amount_jpy: int | None = None


LIMIT_TITLES = {"bytes": N_("バイト数"), "downloads": N_("ダウンロード数"), "amount_jpy": N_("金額（円・税抜）")}
LIMITS = tuple(LIMIT_TITLES)
WARNED_PERCENT = (80, 100)


def quota(pricing: Mapping[str, Any]) -> Limits:
    """The most that a month delivers under a contract by its own terms, whatever the buyer's limits are."""
    gigabytes = pricing.get("quota_gigabytes")
    return Limits(bytes=gigabytes * GIGABYTE if gigabytes else None, downloads=pricing.get("quota_downloads"))


def has_quota(pricing: Mapping[str, Any]) -> bool:
    """Whether a contract delivers only so much in a month."""
    return quota(pricing) != Limits()


def percent_reached(limit: int | None, used: int) -> int | None:
    """The highest percentage at which one is warned that a month's use has reached; nothing can be reached of 0."""
    return max((p for p in WARNED_PERCENT if limit and used * 100 >= limit * p), default=None)


@dataclass(frozen=True)
class Figures:
    """What a month holds: bytes and downloads counted, and what they cost. Yen without tax."""

    bytes: int
    downloads: int
    amount_jpy: int


def passed_limit(limits: Limits, *, held: Figures, wanted: Figures) -> str | None:
    """Which limit more deliveries would pass, or None.

    `held` is what was used and what running links may still use, `wanted` the same with the links asked for. What
    adds nothing passes nothing: bytes already counted may be read again at the limit.
    """
    for name in LIMITS:
        limit, before, after = getattr(limits, name), getattr(held, name), getattr(wanted, name)
        if limit is not None and after > before and after > limit:
            return name
    return None


# ── records of provision to third parties (個人情報保護法 29, 30, 31; 施行規則 19–29) ─────────────────────────────────────

# Classes of which both sides keep a record of every provision, with the articles that ask for it. Anonymized and
# statistical information are no personal data: articles 29 and 30 do not speak of them.
RECORD_ARTICLES = {
    (
        "person_related",
        "provider",
    ): "個人情報の保護に関する法律第31条第3項（第30条第3項の準用）、同法施行規則第28条第1項",
    ("person_related", "buyer"): "個人情報の保護に関する法律第30条第3項、同法施行規則第24条第1項第3号",
    ("personal", "provider"): "個人情報の保護に関する法律第29条第1項、同法施行規則第20条第1項第2号",
    ("personal", "buyer"): "個人情報の保護に関する法律第30条第3項、同法施行規則第24条第1項第2号",
    ("sensitive", "provider"): "個人情報の保護に関する法律第29条第1項、同法施行規則第20条第1項第2号",
    ("sensitive", "buyer"): "個人情報の保護に関する法律第30条第3項、同法施行規則第24条第1項第2号",
}
RECORDED_CLASSES = tuple(dict.fromkeys(data_class for data_class, _ in RECORD_ARTICLES))
RECORD_YEARS = 3
CONSENT_ARTICLES = {"person_related": "第31条第1項", "personal": "第27条第1項", "sensitive": "第27条第1項・第2項"}


def consent_words(data_class: str, contract_number: str) -> str:
    """What a record says of the persons' consent: that the exchange has confirmed none.

    No class that needs consent can be released here today, since nothing asks for it before delivery; a record must
    not say that somebody did. Once that gate stands, its answer belongs here (法 31条1項, 施行規則 26条).
    """
    return (
        f"本人の同意の有無は、取引市場では確認していない。契約 {contract_number} の当事者が"
        f"個人情報の保護に関する法律{CONSENT_ARTICLES[data_class]}に従って確認し、その結果を別に記録する。"
    )


def kept_until(made_on: date) -> date:
    """The last day on which a record of one provision is kept: three years from its making.

    Source: 施行規則 21条3号, 25条3号, 29条3号. One year (a contract in the place of a record) and three years from the
    last provision (a record of several) are for records made otherwise; each provision here has its own.
    """
    leap = (made_on.month, made_on.day) == (2, 29)
    return date(made_on.year + RECORD_YEARS, 3, 1) if leap else made_on.replace(year=made_on.year + RECORD_YEARS)


def may_read_records(member: Roles) -> bool:
    """Whether somebody may read the records that their organization keeps: owners, data officers, viewers."""
    return bool({"owner", "data_officer", "viewer"} & set(member.roles))


def days_in_force(
    *, starts_on: date | None, ends_on: date | None, ended_on: date | None, first: date, following: date
) -> int:
    """How many days of [first, following) a contract was in force; its first and last days count."""
    if starts_on is None:
        return 0
    last = min(day for day in (ends_on, ended_on, following - timedelta(days=1)) if day is not None)
    return max(0, (last - max(starts_on, first)).days + 1)
