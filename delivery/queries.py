"""What can be asked about links and usage: by the parties of a contract, by its chapters above, by operations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Interval,
    Row,
    and_,
    any_,
    bindparam,
    cast,
    exists,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY, TEXT, array
from sqlalchemy.orm import joinedload

from contracts import pricing
from contracts.models import Contract
from contracts.rules import covers
from delivery import rules
from delivery.models import (
    ContractLimits,
    Grant,
    GrantUsage,
    LogFile,
    LogReading,
    NamedUser,
    OneTime,
    RequestLine,
    SetAside,
    SharingProfile,
)
from delivery.sharing import tables
from exchange import clock
from exchange.config import config
from exchange.database import Page, Quick, as_array, page, session
from exchange.errors import Invalid, NotFound, text
from exchange.identity.models import ApiToken, Member, Organization
from exchange.identity.queries import digest
from exchange.jobs import JobRun
from listings.models import File, Listing, Release, StoragePlace
from listings.registries import Recipient

# ── what a link stands on ────────────────────────────────────────────────────────────────────────────────────────────

_CONTRACT: tuple[Any, ...] = (
    Contract.id.label("contract_id"),
    Contract.listing_id,
    Contract.buyer_id,
    Contract.provider_id,
    Contract.state,
    Contract.starts_on,
    Contract.ends_on,
    Contract.terminates_at,
    Contract.ended_at,
    Contract.payment,
    Contract.paid_at,
    Contract.pricing,
    Contract.variables,
    Contract.release_id,
    Contract.activated_at,
    ContractLimits.contract_id.label("limited"),
    literal_column("concat_ws(' ', contract.xmin, file.xmin, release.xmin, contract_limits.xmin)").label("version"),
)
_FILE: tuple[Any, ...] = (
    Release.id.label("file_release_id"),
    Release.state.label("release_state"),
    Release.published_at,
    File.id.label("file_id"),
    File.name,
    File.media_type,
    File.state.label("file_state"),
    File.removed_at,
    File.recalled_at,
    File.place_id,
    File.version_id,
    File.object_key,
    File.size,
    File.sha256,
    File.parquet_key,
    File.parquet_size,
    File.parquet_sha256,
)
# True where what a link stood on stands unchanged: each row's `xmin` is the transaction that wrote it as it is.
UNCHANGED = """
  (SELECT concat_ws(' ', contract.xmin, file.xmin, release.xmin, contract_limits.xmin)
    FROM contract LEFT JOIN contract_limits ON contract_limits.contract_id = contract.id
    JOIN file ON file.id = %(file_id)s::varchar JOIN release ON release.id = file.release_id
    WHERE contract.id = %(contract_id)s::varchar) = %(standing)s
  AND (SELECT concat_ws(' ', api_token.xmin, member.xmin, organization.xmin)
    FROM api_token JOIN member ON member.id = api_token.member_id
    JOIN organization ON organization.id = member.organization_id
    WHERE api_token.id = %(token_id)s::varchar) = %(holding)s
"""


_ENTITLEMENT = Quick(
    select(*_CONTRACT, *_FILE)
    .select_from(Contract)
    .outerjoin(ContractLimits, ContractLimits.contract_id == Contract.id)
    .outerjoin(File, and_(File.listing_id == Contract.listing_id, File.id == bindparam("file_id")))
    .outerjoin(Release, Release.id == File.release_id)
    .where(Contract.id == bindparam("contract_id"))
)
_FILES = Quick(
    select(*_FILE)
    .join(Release, Release.id == File.release_id)
    .where(File.listing_id == bindparam("listing_id"), File.id == any_(bindparam("file_ids", type_=ARRAY(TEXT))))
)


def entitlement(contract_id: str, file_ids: Sequence[str]) -> tuple[Any, Sequence[Any]]:
    """All that links stand on: the contract (None where there is none), and those of the files its listing has.

    For one file both are the same row, from one statement.
    """
    contract = next(iter(_ENTITLEMENT(contract_id=contract_id, file_id=file_ids[0])), None)
    if contract is None or len(file_ids) == 1:
        return contract, [contract] if contract is not None and contract.file_id else []
    return contract, _FILES(listing_id=contract.listing_id, file_ids=as_array(file_ids))


# ── what a read stands on ────────────────────────────────────────────────────────────────────────────────────────────

_AT_THE_GATE = Quick(
    select(
        Grant.id,
        Grant.contract_id,
        Grant.object_key,
        Grant.remote,
        Contract.state,
        Contract.starts_on,
        Contract.ends_on,
        Contract.terminates_at,
        Contract.payment,
        Contract.paid_at,
        Listing.is_open,
        Listing.state.label("listing_state"),
        File.recalled_at,
        or_(
            Member.removed_at.is_not(None),
            ApiToken.revoked_at.is_not(None),
            SharingProfile.revoked_at.is_not(None),
            and_(literal_column("contract.variables ->> 'security_level' = 'L3'"), NamedUser.id.is_(None)),
        ).label("holder_gone"),
        OneTime.grant_id.label("once"),
        OneTime.used_at,
    )
    .select_from(Grant)
    .join(Listing, Listing.id == Grant.listing_id)
    .join(File, File.id == Grant.file_id)
    .outerjoin(Contract, Contract.id == Grant.contract_id)
    .outerjoin(Member, Member.id == Grant.member_id)
    .outerjoin(ApiToken, ApiToken.id == Grant.token_id)
    .outerjoin(SharingProfile, SharingProfile.id == Grant.token_id)
    .outerjoin(OneTime, OneTime.grant_id == Grant.id)
    .outerjoin(
        NamedUser,
        and_(
            NamedUser.contract_id == Grant.contract_id,
            NamedUser.member_id == Grant.member_id,
            NamedUser.removed_at.is_(None),
        ),
    )
    .where(Grant.id == bindparam("grant_id"))
)


def at_the_gate(grant_id: str) -> Any:
    """A grant with all that its next read stands on, as it is now, in one statement; None where there is none."""
    return next(iter(_AT_THE_GATE(grant_id=grant_id)), None)


_HELD = sql("""
SELECT coalesce(sum(CASE WHEN running THEN size ELSE covered END), 0)::bigint AS bytes,
  count(*) FILTER (WHERE running OR whole) AS downloads, coalesce(sum(covered), 0)::bigint AS used_bytes,
  count(*) FILTER (WHERE whole) AS used_downloads,
  coalesce(sum(size - CASE WHEN running THEN size ELSE covered END) FILTER (WHERE pool = ANY(:pools)), 0)::bigint
    AS asked_bytes,
  count(*) FILTER (WHERE pool = ANY(:pools) AND NOT (running OR whole)) AS asked_downloads,
  coalesce(array_agg(pool) FILTER (WHERE pool = ANY(:pools)), '{}') AS known
FROM (
  SELECT g.pool, max(g.size) AS size, bool_or(g.expires_at > :real_at) AS running,
    coalesce(covered_bytes(c.covered), 0) AS covered, coalesce(c.covered @> int8range(0, max(g.size)), false) AS whole
  FROM delivery_grant g LEFT JOIN delivery_coverage c ON c.pool = g.pool
  WHERE g.contract_id = :contract_id AND g.month = :month GROUP BY g.pool, c.covered
) AS pools
""")


@dataclass(frozen=True)
class Held:
    """A month under a contract, in bytes and downloads: used, held by links that still run, and asked for besides."""

    used_bytes: int
    used_downloads: int
    bytes: int
    downloads: int
    asked_bytes: int
    asked_downloads: int


def held(contract_id: str, *, month: str, real_at: datetime, asked: Mapping[str, int]) -> Held:
    """What a month holds already, and what new links would add, given the pool of each with its object's size.

    A link holds its whole object while it runs, and what was really read once it has expired.
    """
    bound = {"contract_id": contract_id, "month": month, "real_at": real_at, "pools": list(asked)}
    row = session.execute(_HELD, bound).one()
    new = [size for pool, size in asked.items() if pool not in set(row.known)]
    return Held(
        row.used_bytes,
        row.used_downloads,
        row.bytes,
        row.downloads,
        row.asked_bytes + sum(new),
        row.asked_downloads + len(new),
    )


def limits(contract_id: str) -> ContractLimits | None:
    """The buyer's own limits under a contract, if any were set."""
    return session.get(ContractLimits, contract_id)


def limits_in_force(contract_id: str, terms: Mapping[str, Any]) -> dict[str, rules.Limits]:
    """What stops delivery under a contract of that pricing: the buyer's `own` limits, and the contract's `quota`."""
    kept = limits(contract_id)
    own = rules.Limits(kept.bytes, kept.downloads, kept.amount_jpy) if kept else rules.Limits()
    return {"own": own, "quota": rules.quota(terms)}


def limited_contracts(month: str) -> list[Contract]:
    """Contracts with a limit of the buyer's or a quota, under which links were drawn in a month."""
    own = exists().where(ContractLimits.contract_id == Contract.id)
    quotas = Contract.pricing.has_any(array(pricing.QUOTAS))
    drawn = exists().where(Grant.contract_id == Contract.id, Grant.month == month)
    return list(session.scalars(select(Contract).where(own | quotas, drawn)))


def month_of_contracts(contracts: Sequence[Contract], month: str) -> dict[str, Totals]:
    """A month's totals of contracts, by their ids."""
    return _totals(contracts, Period(*clock.month_bounds(month)))


# ── who may draw links under level L3 ────────────────────────────────────────────────────────────────────────────────


def named_users(contract_id: str) -> list[NamedUser]:
    """Those named now, with the members, the first named first; members who left are not among them."""
    query = select(NamedUser).join(Member, Member.id == NamedUser.member_id)
    query = query.where(NamedUser.contract_id == contract_id, NamedUser.removed_at.is_(None))
    query = query.where(Member.removed_at.is_(None)).options(joinedload(NamedUser.member))
    return list(session.scalars(query.order_by(NamedUser.id)))


def is_named(contract_id: str, member_id: str) -> bool:
    """Whether a member is one of them."""
    return any(named.member_id == member_id for named in named_users(contract_id))


# ── Delta Sharing ────────────────────────────────────────────────────────────────────────────────────────────────────

_SHARED = (
    select(
        Release.id,
        Release.number,
        Release.state,
        Release.published_at,
        File.id.label("file_id"),
        File.name,
        File.column_notes,
        File.recalled_at,
        File.place_id,
        File.parquet_key,
        File.parquet_size,
    )
    .join(File, File.release_id == Release.id)
    .where(File.state == "ready", File.removed_at.is_(None), File.parquet_key.is_not(None))
    .order_by(Release.number, File.id)
)


def shared_tables(contract: Contract) -> list[tables.Table]:
    """The tables that a contract's share holds: files with a Parquet form, through the releases it covers."""
    files = session.execute(_SHARED.where(File.listing_id == contract.listing_id)).all()
    return tables.tables(contract.id, [file for file in files if _is_covered(file, contract)])


def _is_covered(release: Any, contract: Contract) -> bool:
    return covers(
        release,
        contract_release_id=contract.release_id,
        variables=contract.variables,
        activated_at=contract.activated_at,
        ended_at=contract.ended_at,
    )


def profile_of(contract_id: str) -> SharingProfile | None:
    """The profile of a contract that was not revoked, with its holder."""
    query = select(SharingProfile).where(SharingProfile.contract_id == contract_id, SharingProfile.revoked_at.is_(None))
    return session.scalars(query.options(joinedload(SharingProfile.member))).one_or_none()


def profile_by_secret(secret: str) -> SharingProfile | None:
    """The profile with that token, with holder, contract and listing; None when it is unknown or was revoked."""
    query = select(SharingProfile).where(SharingProfile.digest == digest(secret), SharingProfile.revoked_at.is_(None))
    whole = joinedload(SharingProfile.contract).options(joinedload(Contract.listing), joinedload(Contract.provider))
    return session.scalars(query.options(joinedload(SharingProfile.member), whole)).one_or_none()


# ── usage of one contract ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Period:
    """[since, until), and the months in Japan that it touches."""

    since: datetime
    until: datetime

    @property
    def months(self) -> list[str]:
        """`YYYY-MM` of every month touched, in order."""
        found, at = [], self.since
        while at < self.until:
            found.append(clock.month_of(at))
            at = clock.month_bounds(found[-1])[1]
        return found


PERIOD_DAYS_MAX = 3_700


def period(*, first: date | None, last: date | None, at: datetime) -> Period:
    """From the first day to the end of the last, by Japan's calendar; what is left out is the running month's.

    Raises `Invalid` where the first comes after the last, or lies more than ten years before it.
    """
    month_since, month_until = clock.month_bounds(clock.month_of(at))
    since = _midnight(first) if first else (month_since if last is None else min(month_since, _midnight(last)))
    until = _midnight(last + timedelta(days=1)) if last else max(month_until, since + timedelta(days=1))
    if since >= until:
        raise Invalid({"to": [text("終わりの日は、始めの日と同じかそれより後にしてください。")]})
    if until - since > timedelta(days=PERIOD_DAYS_MAX):
        raise Invalid({"from": [text("期間は10年以内にしてください。")]})
    return Period(since, until)


def _midnight(day: date) -> datetime:
    if not 1970 <= day.year <= 9000:
        raise Invalid({"from": [text("日付が正しくありません。")]})
    return datetime(day.year, day.month, day.day, tzinfo=clock.JST)


def _issued(contract_ids: Sequence[str], when: Period) -> Any:
    # The months narrow the index; the moments cut exactly.
    return and_(
        Grant.contract_id.in_(contract_ids),
        Grant.month.in_(when.months),
        Grant.issued_at >= when.since,
        Grant.issued_at < when.until,
    )


def grants_of(contract_id: str, when: Period, *, limit: int = 20, cursor: str | None = None) -> Page[Grant]:
    """The links of a contract issued in a period, the newest first, with file, holder and what was counted."""
    query = select(Grant).where(_issued([contract_id], when))
    loaded = query.options(joinedload(Grant.usage), joinedload(Grant.file), joinedload(Grant.member))
    return page(loaded, Grant.id, limit=limit, cursor=cursor)


LINES_SHOWN_MAX = 1_000


def lines_of(grant_ids: Iterable[str]) -> dict[str, list[RequestLine]]:
    """The request lines behind the figures of grants, in order of time; of each grant the newest thousand."""
    newest = func.row_number().over(partition_by=RequestLine.grant_id, order_by=RequestLine.at.desc())
    ranked = select(RequestLine.request_id, newest.label("rank")).where(RequestLine.grant_id.in_(list(grant_ids)))
    kept = ranked.subquery()
    query = select(RequestLine).join(kept, kept.c.request_id == RequestLine.request_id)
    query = query.where(kept.c.rank <= LINES_SHOWN_MAX).order_by(RequestLine.at, RequestLine.request_id)
    found: dict[str, list[RequestLine]] = {}
    for line in session.scalars(query):
        found.setdefault(line.grant_id, []).append(line)
    return found


def lines_of_month(contract_id: str, month: str) -> Iterator[tuple[RequestLine, str, str, datetime]]:
    """Every request line of the links of a month, in order of time, with the link's file, variant and moment."""
    query = (
        select(RequestLine, File.name, Grant.variant, Grant.issued_at)
        .join(Grant, Grant.id == RequestLine.grant_id)
        .join(File, File.id == Grant.file_id)
        .where(Grant.contract_id == contract_id, Grant.month == month)
        .order_by(RequestLine.at, RequestLine.request_id)
    )
    for row in session.execute(query.execution_options(yield_per=1000)):
        yield row.tuple()


@dataclass(frozen=True)
class Totals:
    """What was delivered under a contract in a period; yen without tax, by the contract's price."""

    links: int
    delivered_bytes: int
    billable_bytes: int
    downloads: int
    amount_jpy: int


def totals_of(contract: Contract, when: Period) -> Totals:
    """The sums behind a contract's usage in a period, and what they cost: month by month, as they will be invoiced."""
    return _totals([contract], when)[contract.id]


def _totals(contracts: Sequence[Contract], when: Period) -> dict[str, Totals]:
    query = (
        select(
            Grant.contract_id,
            Grant.month,
            func.count().label("links"),
            func.coalesce(func.sum(GrantUsage.delivered_bytes), 0).label("delivered_bytes"),
            func.coalesce(func.sum(GrantUsage.billable_bytes), 0).label("billable_bytes"),
            func.coalesce(func.sum(GrantUsage.downloads), 0).label("downloads"),
        )
        .outerjoin(GrantUsage, GrantUsage.grant_id == Grant.id)
        .where(_issued([contract.id for contract in contracts], when))
        .group_by(Grant.contract_id, Grant.month)
    )
    found: dict[tuple[str | None, str], Any] = {(r.contract_id, r.month): r for r in session.execute(query)}
    return {each.id: _sum(each, [(month, found.get((each.id, month))) for month in when.months]) for each in contracts}


def _sum(contract: Contract, months: list[tuple[str, Any]]) -> Totals:
    rows = [row for _, row in months if row]
    return Totals(
        links=sum(row.links for row in rows),
        delivered_bytes=int(sum(row.delivered_bytes for row in rows)),
        billable_bytes=int(sum(row.billable_bytes for row in rows)),
        downloads=int(sum(row.downloads for row in rows)),
        amount_jpy=sum(
            charge_jpy(
                contract,
                month,
                usage_bytes=int(row.billable_bytes) if row else 0,
                downloads=int(row.downloads) if row else 0,
            )
            for month, row in months
        ),
    )


def charge_jpy(contract: Contract | Row[Any], month: str, *, usage_bytes: int, downloads: int) -> int:
    """Yen without tax of so much usage in a month under a contract. Reported sales are not known here: their minimum."""
    since, until = clock.month_bounds(month)
    first, following = since.date(), until.date()
    ended = clock.day_of(contract.ended_at) if contract.ended_at else None
    days = rules.days_in_force(
        starts_on=contract.starts_on, ends_on=contract.ends_on, ended_on=ended, first=first, following=following
    )
    return pricing.monthly_charge_jpy(
        pricing.parse(contract.pricing),
        usage_bytes=usage_bytes,
        downloads=downloads,
        reported_sales_jpy=0,
        days_active=days,
        days_in_month=(following - first).days,
    )


# ── usage over contracts ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class ContractUsage:
    """What was delivered under a contract. `downloads` counts what a price per download charges (see `rules`)."""

    contract_id: str
    billable_bytes: int
    delivered_bytes: int
    downloads: int
    links: int


def usage_by_contract(
    *, since: datetime, until: datetime, contract_ids: Sequence[str] | None = None
) -> list[ContractUsage]:
    """Usage of every contract (or of those named) under which a link was issued in [since, until).

    Usage belongs to its link's moment.
    """
    of_these = [] if contract_ids is None else [Grant.contract_id == any_(bindparam("ids", contract_ids, ARRAY(TEXT)))]
    months = Period(since, until).months
    return _usage(Grant.month.in_(months), Grant.issued_at >= since, Grant.issued_at < until, *of_these)


def drawn_under(contract_ids: Sequence[str], *, since: datetime, until: datetime) -> bool:
    """Whether any link was issued under one of these contracts in [since, until)."""
    query = select(Grant.id).where(Grant.contract_id.in_(contract_ids), Grant.issued_at >= since)
    return session.scalar(query.where(Grant.issued_at < until).limit(1)) is not None


def late_usage(month: str, *, since: datetime) -> list[ContractUsage]:
    """A month's usage of the contracts for which it changed since a moment: lines that came late, decided disputes."""
    changed = select(Grant.contract_id).join(GrantUsage, GrantUsage.grant_id == Grant.id)
    changed = changed.where(Grant.month == month, Grant.contract_id.is_not(None), GrantUsage.changed_at > since)
    return _usage(Grant.month == month, Grant.contract_id.in_(changed))


def _usage(*conditions: ColumnElement[bool]) -> list[ContractUsage]:
    query = (
        select(
            Grant.contract_id,
            func.coalesce(func.sum(GrantUsage.billable_bytes), 0),
            func.coalesce(func.sum(GrantUsage.delivered_bytes), 0),
            func.coalesce(func.sum(GrantUsage.downloads), 0),
            func.count(),
        )
        .outerjoin(GrantUsage, GrantUsage.grant_id == Grant.id)
        .where(Grant.contract_id.is_not(None), *conditions)
        .group_by(Grant.contract_id)
        .order_by(Grant.contract_id)
    )
    return [ContractUsage(str(row[0]), int(row[1]), int(row[2]), int(row[3]), row[4]) for row in session.execute(query)]


def deliveries_by_provider() -> dict[str, int]:
    """How many links of open data were really read, by the organization that provides it."""
    query = (
        select(Listing.provider_id, func.count())
        .join(Grant, Grant.listing_id == Listing.id)
        .join(GrantUsage, GrantUsage.grant_id == Grant.id)
        .where(Grant.contract_id.is_(None), GrantUsage.last_at.is_not(None))
        .group_by(Listing.provider_id)
    )
    return {provider_id: count for provider_id, count in session.execute(query)}


def recipients(file: File) -> list[Recipient]:
    """Who drew links of a file, and how much of it left; those without an account together."""
    query = (
        select(
            Organization.id,
            Organization.name,
            func.count(),
            func.coalesce(func.sum(GrantUsage.delivered_bytes), 0),
            func.max(Grant.issued_at),
        )
        .select_from(Grant)
        .outerjoin(Member, Member.id == Grant.member_id)
        .outerjoin(Organization, Organization.id == Member.organization_id)
        .outerjoin(GrantUsage, GrantUsage.grant_id == Grant.id)
        .where(Grant.file_id == file.id)
        .group_by(Organization.id, Organization.name)
        .order_by(func.max(Grant.issued_at).desc())
    )
    return [
        Recipient(organization_id, name or str(text("サインインしていない利用者")), links, int(sent), last_at)
        for organization_id, name, links, sent, last_at in session.execute(query)
    ]


@dataclass(frozen=True)
class Delivered:
    """A contract's row on the usage page of a party."""

    contract: Contract
    totals: Totals


def usage_of(member: Member, month: str) -> list[Delivered]:
    """A month's usage of every contract of the member's organization (of all, for administrators), the most first."""
    since, until = clock.month_bounds(month)
    when = Period(since, until)
    drawn = select(Grant.contract_id).where(Grant.month == month, Grant.contract_id.is_not(None))
    query = select(Contract).where(Contract.id.in_(drawn))
    query = query.options(joinedload(Contract.listing), joinedload(Contract.buyer), joinedload(Contract.provider))
    if not member.is_operator:
        mine = member.organization_id
        query = query.where((Contract.buyer_id == mine) | (Contract.provider_id == mine))
    contracts = session.scalars(query).all()
    totals = _totals(contracts, when)
    found = [Delivered(contract, totals[contract.id]) for contract in contracts]
    return sorted(found, key=lambda d: (-d.totals.delivered_bytes, d.contract.number))


def delivered_bytes(member: Member, month: str) -> int:
    """Bytes delivered in a month under contracts of the member's organization."""
    parties = (Contract.buyer_id == member.organization_id) | (Contract.provider_id == member.organization_id)
    query = select(func.coalesce(func.sum(GrantUsage.delivered_bytes), 0))
    query = query.join(Grant, Grant.id == GrantUsage.grant_id).where(Grant.month == month)
    return int(session.scalar(query.where(Grant.contract_id.in_(select(Contract.id).where(parties)))) or 0)


def bytes_by_day(contract_ids: Sequence[str], month: str) -> list[tuple[date, int]]:
    """Bytes delivered on each day of a month, by the day of the link, days without any too."""
    day = func.date(func.timezone("Asia/Tokyo", Grant.issued_at)).label("day")
    query = (
        select(day, func.sum(GrantUsage.delivered_bytes))
        .join(GrantUsage, GrantUsage.grant_id == Grant.id)
        .where(Grant.contract_id.in_(list(contract_ids)), Grant.month == month)
        .group_by(day)
    )
    sums = {found: int(count) for found, count in session.execute(query)} if contract_ids else {}
    since, until = clock.month_bounds(month)
    days = [since.date() + timedelta(days=n) for n in range((until.date() - since.date()).days)]
    return [(each, sums.get(each, 0)) for each in days]


def contract_files(contract: Contract) -> list[File]:
    """The files a contract covers now, of the newest release first."""
    query = select(File).join(Release, Release.id == File.release_id).options(joinedload(File.release))
    query = query.where(File.listing_id == contract.listing_id, File.state == "ready", File.removed_at.is_(None))
    files = session.scalars(query.order_by(Release.number.desc(), File.id))
    return [
        file
        for file in files
        if covers(
            file.release,
            contract_release_id=contract.release_id,
            variables=contract.variables,
            activated_at=contract.activated_at,
            ended_at=contract.ended_at,
        )
    ]


def grant_seen_in(contract_id: str, grant_id: str) -> Grant:
    """A link of a contract with file, holder and what was counted; `NotFound` otherwise."""
    query = select(Grant).where(Grant.id == grant_id, Grant.contract_id == contract_id)
    query = query.options(joinedload(Grant.usage), joinedload(Grant.file), joinedload(Grant.member))
    found = session.scalars(query).one_or_none()
    if found is None:
        raise NotFound()
    return found


# ── the meter itself ─────────────────────────────────────────────────────────────────────────────────────────────────

READING = "read-access-logs"


@dataclass(frozen=True)
class LogLag:
    """How far the meter is behind: everything written before `read_until` was read. Times are business time."""

    read_until: datetime | None
    newest_line_at: datetime | None
    seconds: float | None
    lines: int
    counted: int
    duplicates: int
    set_aside: dict[str, int]


def log_lag(*, at: datetime) -> LogLag:
    """The newest line read, how far behind the meter is, and the lines set aside by reason."""
    sums = session.execute(
        select(
            func.coalesce(func.sum(LogFile.lines), 0),
            func.coalesce(func.sum(LogFile.counted), 0),
            func.coalesce(func.sum(LogFile.duplicates), 0),
        )
    ).one()
    stands = _stands()
    read_until = _read_until(stands)
    since = read_until or (stands.since if stands else None)
    aside = session.execute(select(SetAside.reason, func.count()).group_by(SetAside.reason))
    return LogLag(
        read_until=read_until,
        newest_line_at=stands.newest_line_at if stands else None,
        seconds=max(0.0, (at - since).total_seconds()) if since else None,
        lines=int(sums[0]),
        counted=int(sums[1]),
        duplicates=int(sums[2]),
        set_aside={reason: count for reason, count in aside},
    )


def read_through() -> datetime | None:
    """The moment up to which all that was written is read, as far as the meter can know; None before its first run.

    Our own gateway writes at once, so its log is read up to the last run that came to the end. Delivered logs come
    late, and are read up to their newest line.
    """
    return _read_until(_stands())


@dataclass(frozen=True)
class Awaited:
    """A contract priced by use whose links of a month lead to a holder's own bucket, of which the log is not read yet.

    `used_until` is the last moment at which one of them could be used, `read_through` the newest line read there.
    """

    contract_id: str
    number: str
    provider_id: str
    place: str
    used_until: datetime
    read_through: datetime | None


def logs_awaited(month: str) -> list[Awaited]:
    """The contracts whose usage of a month is not all known, since a holder's own log comes late; by their numbers.

    A place that is closed, or tells no log, is waited for no more.
    """
    places = select(StoragePlace.id).where(StoragePlace.state != "closed", StoragePlace.log_location.is_not(None))
    if not (open_places := session.scalars(places).all()):
        return []
    used_until = func.max(Grant.issued_at) + cast(timedelta(seconds=rules.LIFETIME_SECONDS_MAX), Interval)
    what = (Contract.id, Contract.number, Contract.provider_id, StoragePlace.name)
    query = select(*what, used_until, LogReading.newest_line_at).select_from(File)
    query = query.join(Grant, and_(Grant.file_id == File.id, Grant.month == month))
    query = query.join(Contract, Contract.id == Grant.contract_id).join(StoragePlace, StoragePlace.id == File.place_id)
    query = query.outerjoin(LogReading, LogReading.source == func.concat("place/", StoragePlace.id))
    query = query.where(File.place_id.in_(open_places), Contract.pricing["model"].astext == "metered")
    query = query.group_by(*what, StoragePlace.id, LogReading.newest_line_at)
    query = query.having(func.coalesce(LogReading.newest_line_at < used_until, True))
    return [Awaited(*row) for row in session.execute(query.order_by(Contract.number, StoragePlace.name))]


def _stands() -> LogReading | None:
    return session.get(LogReading, config().log_source, populate_existing=True)


def _read_until(stands: LogReading | None) -> datetime | None:
    if config().log_source != "gateway":
        return stands.newest_line_at if stands else None
    if stands is not None and stands.behind:
        return stands.read_until
    return session.scalar(select(JobRun.succeeded_at).where(JobRun.name == READING))


def set_aside(*, limit: int = 50) -> list[SetAside]:
    """The newest lines that were not counted, with the reason."""
    return list(session.scalars(select(SetAside).order_by(SetAside.id.desc()).limit(limit)))
