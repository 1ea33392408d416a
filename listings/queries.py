"""What people can ask of listings and wants: always scoped to who asks, everything loaded that is shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal, or_, select
from sqlalchemy.orm import joinedload, selectinload

from exchange.database import Page, page, session
from exchange.errors import NotFound
from exchange.identity.models import Member, Organization
from listings import registries, rules
from listings.models import (
    File,
    Finding,
    Invitation,
    Listing,
    ListingEvent,
    Release,
    StoragePlace,
    Want,
    WantAnswer,
    WantJoin,
)
from listings.search import seen_in_catalogue

EVERYTHING = (joinedload(Listing.provider), selectinload(Listing.releases).selectinload(Release.files))


def listing_seen_by(member: Member | None, listing_id: str) -> Listing:
    """A listing with its provider, releases and files, if `member` (None: anyone) may see it; else `NotFound`.

    Before it is published, and after it was withdrawn, only its provider and administrators see it, and whoever
    holds a contract on it.
    """
    listing = _listing(select(Listing).where(Listing.id == listing_id).options(*EVERYTHING))
    if listing is None or not _may_see(member, listing):
        raise NotFound()
    return listing


def _listing(query: Select[Any]) -> Listing | None:
    found: Listing | None = session.scalars(query).unique().one_or_none()
    return found


def _may_see(member: Member | None, listing: Listing) -> bool:
    if sees_drafts(member, listing):
        return True
    if listing.state == "published" and listing.visibility == "public":
        return True
    if member is None or listing.state not in ("published", "withdrawn"):
        return False
    if listing.state == "published" and listing.visibility == "invited" and _is_invited(member, listing):
        return True
    return member.organization_id in subscribers(listing.id)


def _is_invited(member: Member, listing: Listing) -> bool:
    return session.get(Invitation, (listing.id, member.organization_id)) is not None


def sees_drafts(member: Member | None, listing: Listing) -> bool:
    """Whether someone sees what is not published yet: members of the provider, and administrators."""
    return member is not None and (member.is_operator or member.organization_id == listing.provider_id)


def subscribers(listing_id: str) -> set[str]:
    """The organizations that hold a contract on a listing, as contracts knows them."""
    return {found for source in registries.SUBSCRIBERS for found in source(listing_id)}


def listing_by_id(listing_id: str) -> Listing:
    """A listing with all that is shown of it, for chapters that have checked who asks; `NotFound` otherwise."""
    listing = _listing(select(Listing).where(Listing.id == listing_id).options(*EVERYTHING))
    if listing is None:
        raise NotFound()
    return listing


def listings_by_id(listing_ids: Iterable[str]) -> dict[str, Listing]:
    """Listings with their providers, by id, for chapters that have checked who asks."""
    query = select(Listing).where(Listing.id.in_(list(listing_ids))).options(joinedload(Listing.provider))
    return {listing.id: listing for listing in session.scalars(query)}


def files_of(listing_id: str, *, release_id: str | None = None) -> list[File]:
    """The deliverable files of published releases of a listing, of one of them if named, in order of upload."""
    query = select(File).join(File.release).where(File.listing_id == listing_id, Release.state == "published")
    query = query.where(File.state == "ready", File.removed_at.is_(None))
    if release_id is not None:
        query = query.where(File.release_id == release_id)
    return list(session.scalars(query.options(joinedload(File.release)).order_by(File.id)))


def file_seen_by(member: Member | None, listing_id: str, file_id: str) -> File:
    """A file of a listing that `member` may see, its findings loaded; files of drafts only for who sees drafts."""
    listing = listing_seen_by(member, listing_id)
    query = select(File).where(File.id == file_id, File.listing_id == listing.id, File.removed_at.is_(None))
    file = session.scalars(query.options(joinedload(File.release), selectinload(File.findings))).one_or_none()
    if file is None or not (sees_drafts(member, listing) or file.release.state == "published"):
        raise NotFound()
    return file


def released(listing: Listing) -> Release | None:
    """The newest published release of a listing loaded whole."""
    return next((release for release in listing.releases if release.state == "published"), None)


def in_preparation(listing: Listing) -> Release | None:
    """The release of a listing loaded whole that is not published yet."""
    return next((release for release in listing.releases if release.state != "published"), None)


def kept_files(release: Release | None) -> list[File]:
    """The files of a release that its provider has not taken out."""
    return [file for file in release.files if file.removed_at is None] if release else []


def shown_files(listing: Listing, member: Member | None) -> list[File]:
    """The files of the newest published release, and of the one in preparation for who sees drafts."""
    files = [file for file in kept_files(released(listing)) if file.state == "ready"]
    return files + (kept_files(in_preparation(listing)) if sees_drafts(member, listing) else [])


def findings_of(file_ids: Iterable[str]) -> dict[str, list[Finding]]:
    """What looked like personal data in files, by file."""
    found: dict[str, list[Finding]] = {}
    for finding in session.scalars(select(Finding).where(Finding.file_id.in_(list(file_ids))).order_by(Finding.id)):
        found.setdefault(finding.file_id, []).append(finding)
    return found


def events_of(listing_id: str) -> list[ListingEvent]:
    """A listing's life, the newest first, with who acted."""
    query = select(ListingEvent).where(ListingEvent.listing_id == listing_id).order_by(ListingEvent.id.desc())
    return list(session.scalars(query.options(joinedload(ListingEvent.actor))))


def invitations_of(listing_id: str) -> list[Organization]:
    """The organizations a listing is shown to."""
    query = select(Organization).join(Invitation, Invitation.organization_id == Organization.id)
    return list(session.scalars(query.where(Invitation.listing_id == listing_id).order_by(Organization.name)))


def listings_of(provider_id: str, *, limit: int = 50, cursor: str | None = None) -> Page[Listing]:
    """A provider's own listings in every state, the newest first, with releases."""
    query = select(Listing).where(Listing.provider_id == provider_id).options(*EVERYTHING)
    return page(query, Listing.id, limit=limit, cursor=cursor)


def published_of(provider_id: str, *, member: Member | None, limit: int = 100) -> list[Listing]:
    """A provider's published listings as far as `member` may see them, the newest first."""
    query = select(Listing).where(Listing.provider_id == provider_id, seen_in_catalogue(member))
    query = query.options(joinedload(Listing.provider)).order_by(Listing.published_at.desc()).limit(limit)
    return list(session.scalars(query))


def provider(organization_id: str) -> Organization:
    """A verified or once verified organization, to be shown to anyone; else `NotFound`."""
    found = session.get(Organization, organization_id)
    if found is None or found.verified_at is None or found.kind == "operator":
        raise NotFound()
    return found


def newest_public(*, limit: int) -> list[Listing]:
    """The newest listings that anyone may see."""
    query = select(Listing).where(seen_in_catalogue(None)).options(joinedload(Listing.provider))
    return list(session.scalars(query.order_by(Listing.published_at.desc()).limit(limit)))


@dataclass(frozen=True)
class MarketFigures:
    """What stands in the catalogue now, for anyone to see."""

    listings: int
    providers: int
    municipalities: int
    open_listings: int
    by_theme: dict[str, int]


def market_figures() -> MarketFigures:
    """Counts over the public catalogue, in two statements."""
    public = select(Listing.provider_id, Listing.is_open, Organization.kind).join(Listing.provider)
    seen = public.where(seen_in_catalogue(None)).subquery()
    is_municipal = seen.c.kind == "municipality"
    row = session.execute(
        select(
            func.count(),
            func.count(func.distinct(seen.c.provider_id)),
            func.count(func.distinct(seen.c.provider_id)).filter(is_municipal),
            func.count().filter(seen.c.is_open),
        ).select_from(seen)
    ).one()
    themes = select(Listing.theme, func.count()).where(seen_in_catalogue(None)).group_by(Listing.theme)
    return MarketFigures(row[0], row[1], row[2], row[3], {theme: count for theme, count in session.execute(themes)})


def unpublished_count(provider_id: str) -> int:
    """How many listings of a provider are drafts or wait for review."""
    query = select(func.count()).select_from(Listing).where(Listing.provider_id == provider_id)
    return session.scalar(query.where(Listing.state.in_(("draft", "submitted")))) or 0


def published_count(provider_id: str) -> int:
    """How many listings of a provider are published."""
    query = select(func.count()).select_from(Listing).where(Listing.provider_id == provider_id)
    return session.scalar(query.where(Listing.state == "published")) or 0


def column_words(listing_id: str) -> list[str]:
    """Names and descriptions of the columns of a listing's files, for its search terms."""
    query = select(File.name, File.columns, File.column_notes)
    rows = session.execute(query.where(File.listing_id == listing_id, File.state == "ready", File.removed_at.is_(None)))
    words = [[name, *(c["name"] for c in columns[:300]), *notes.values()] for name, columns, notes in rows]
    return list(dict.fromkeys(str(word) for file in words for word in file))


def organizations_by_corporate_number(numbers: Sequence[str]) -> dict[str, Organization]:
    """Verified organizations by 法人番号; those unknown are missing."""
    query = select(Organization).where(
        Organization.corporate_number.in_(list(numbers)), Organization.state == "verified"
    )
    return {str(found.corporate_number): found for found in session.scalars(query)}


# ---- holders' own storage places


def places_of(organization_id: str) -> list[StoragePlace]:
    """The storage places of an organization that are not closed, by name."""
    query = select(StoragePlace).where(StoragePlace.organization_id == organization_id, StoragePlace.state != "closed")
    return list(session.scalars(query.order_by(StoragePlace.name, StoragePlace.id)))


def place_seen_by(member: Member, place_id: str) -> StoragePlace:
    """A storage place of the member's own organization; `NotFound` for everybody else, administrators too."""
    found = session.get(StoragePlace, place_id)
    if found is None or found.organization_id != member.organization_id:
        raise NotFound()
    return found


def open_places_count(organization_id: str) -> int:
    """How many storage places of an organization are not closed."""
    query = select(func.count()).select_from(StoragePlace).where(StoragePlace.state != "closed")
    return session.scalar(query.where(StoragePlace.organization_id == organization_id)) or 0


def open_place_ids(*, checked_before: datetime | None = None, with_log: bool = False) -> list[str]:
    """Ids of the storage places that are not closed: last checked before a moment, with a log to read, if asked."""
    query = select(StoragePlace.id).where(StoragePlace.state.in_(("usable", "refused")))
    if checked_before is not None:
        query = query.where(StoragePlace.checked_at < checked_before)
    if with_log:
        query = query.where(StoragePlace.log_location.is_not(None))
    return list(session.scalars(query))


def unread_logs_count(*, before: datetime) -> int:
    """How many storage places in use have a log that was not read to its end since a moment."""
    query = (
        select(func.count()).select_from(StoragePlace).where(StoragePlace.is_logged, StoragePlace.created_at < before)
    )
    return session.scalar(query.where(func.coalesce(StoragePlace.log_read_at < before, True))) or 0


def unlogged_place(listing_id: str) -> StoragePlace | None:
    """A storage place that holds files of a listing and whose access log is off: what leaves it cannot be counted."""
    query = select(StoragePlace).join(File, File.place_id == StoragePlace.id)
    query = query.where(File.listing_id == listing_id, File.removed_at.is_(None), File.state != "refused")
    return session.scalars(query.where(StoragePlace.is_logged.is_(False)).limit(1)).first()


def published_files(listing: Listing) -> list[File]:
    """The files of every published release of a listing loaded whole."""
    return [file for release in listing.releases if release.state == "published" for file in kept_files(release)]


def kept_where(files: Sequence[File]) -> str:
    """Where files are: `own` (all in their holder's own bucket), `managed` (all in our keeping), `both`; `none`."""
    found = {"own" if file.place_id else "managed" for file in files}
    return "both" if len(found) > 1 else next(iter(found), "none")


# ---- reviews


def waiting_releases() -> list[Release]:
    """Releases that wait for an administrator, the longest waiting first, with listing, provider and files."""
    query = select(Release).where(Release.state == "submitted").order_by(Release.submitted_at)
    query = query.options(joinedload(Release.listing).joinedload(Listing.provider), selectinload(Release.files))
    return list(session.scalars(query))


def waiting_reviews() -> tuple[int, datetime | None]:
    """How many releases wait for an administrator, and since when the oldest."""
    query = select(func.count(), func.min(Release.submitted_at)).where(Release.state == "submitted")
    count, oldest = session.execute(query).one()
    return count, oldest


def release_to_review(listing_id: str) -> Release:
    """The submitted release of a listing with all that a decision needs; `NotFound` when none waits."""
    query = select(Release).where(Release.listing_id == listing_id, Release.state == "submitted")
    loaded = query.options(
        joinedload(Release.listing).options(*EVERYTHING), selectinload(Release.files).selectinload(File.findings)
    )
    release = session.scalars(loaded).unique().one_or_none()
    if release is None:
        raise NotFound()
    return release


def unfinished_of(provider_id: str) -> tuple[int, datetime | None]:
    """How many of a provider's releases are drafts, and since when the oldest."""
    query = select(func.count(), func.min(Release.created_at)).join(Release.listing)
    query = query.where(Listing.provider_id == provider_id, Release.state == "draft", Listing.state != "withdrawn")
    count, oldest = session.execute(query).one()
    return count, oldest


# ---- wants

_WANT = (
    joinedload(Want.organization),
    selectinload(Want.joins).joinedload(WantJoin.organization),
    selectinload(Want.answers).options(joinedload(WantAnswer.organization), joinedload(WantAnswer.listing)),
)


def wants(
    *, theme: str = "", area: str = "", state: str = "open", limit: int = 20, cursor: str | None = None
) -> Page[Want]:
    """Wants with who joined and what was answered, the newest first, filtered by theme, area and state."""
    query = select(Want).options(*_WANT)
    for condition in _want_conditions(theme, area, state):
        query = query.where(condition)
    return page(query, Want.id, limit=limit, cursor=cursor)


def _want_conditions(theme: str, area: str, state: str) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if theme:
        conditions.append(Want.theme == theme)
    if state:
        conditions.append(Want.state == state)
    if area:
        codes = func.unnest(Want.area_codes).column_valued("code")
        conditions.append(select(literal(1)).where(codes.startswith(area, autoescape=True)).exists())
    return conditions


def want(want_id: str) -> Want:
    """A want with who joined and what was answered; `NotFound` otherwise."""
    found = session.scalars(select(Want).where(Want.id == want_id).options(*_WANT)).unique().one_or_none()
    if found is None:
        raise NotFound()
    return found


def open_wants_count(organization_id: str) -> int:
    """How many wants of an organization are open."""
    query = select(func.count()).select_from(Want)
    return session.scalar(query.where(Want.organization_id == organization_id, Want.state == "open")) or 0


def wants_for(provider: Organization, *, limit: int = 50) -> list[Want]:
    """Open wants that a holder may be able to answer: of a theme it lists, or of its area; not its own or answered."""
    themes = select(Listing.theme).where(Listing.provider_id == provider.id, Listing.state == "published")
    answered = select(WantAnswer.want_id).where(WantAnswer.organization_id == provider.id)
    fits: list[ColumnElement[bool]] = [Want.theme.in_(themes)]
    if provider.area_code:
        fits.append(literal(provider.area_code[:2]) == func.any(_prefectures_of_want()))
    query = select(Want).where(Want.state == "open", Want.organization_id != provider.id, or_(*fits))
    query = query.where(Want.id.not_in(answered)).options(*_WANT).order_by(Want.until).limit(limit)
    return list(session.scalars(query).unique())


def _prefectures_of_want() -> ColumnElement[str]:
    codes = func.unnest(Want.area_codes).column_valued("code")
    return select(func.array_agg(func.left(codes, 2))).scalar_subquery()


def holders_for(theme: str, area_codes: Sequence[str]) -> list[str]:
    """Ids of verified organizations that list data of a theme, or whose area is among the codes (by prefecture)."""
    listed = select(Listing.provider_id).where(Listing.theme == theme, Listing.state == "published")
    fits: list[ColumnElement[bool]] = [Organization.id.in_(listed)]
    prefectures = sorted({code[:2] for code in area_codes if code[:2] in rules.PREFECTURES})
    if prefectures:
        in_area = func.left(Organization.area_code, 2).in_(prefectures)
        fits.append((Organization.kind == "municipality") & in_area)
    query = select(Organization.id).where(Organization.state == "verified", Organization.kind != "operator", or_(*fits))
    return list(session.scalars(query.order_by(Organization.id)))
