"""The facts that honor is computed from: open releases, their freshness, deliveries, wants answered."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, type_coerce

from delivery.queries import deliveries_by_provider
from exchange.database import Moment, session
from exchange.identity.models import Organization
from listings.models import Listing, Release, WantAnswer
from recognition import rules


@dataclass(frozen=True)
class Standing:
    """What one organization did for everyone."""

    organization: Organization
    open_listings: int
    fresh_listings: int
    releases: int
    latest_at: datetime
    deliveries: int
    wants_answered: int


@dataclass(frozen=True)
class Opened:
    """An open listing, newly released."""

    listing_id: str
    title: str
    provider_id: str
    provider: str
    at: datetime


def _open_public() -> tuple[object, ...]:
    return Listing.is_open.is_(True), Listing.state == "published", Listing.visibility == "public"


def board(*, at: datetime, kinds: tuple[str, ...] = (), provider_id: str | None = None) -> list[Standing]:
    """Everybody who opens data to everyone, the most open listings first, ties by name."""
    latest = func.max(Release.published_at)  # never empty: only published releases are joined
    query = (
        select(Listing.provider_id, Listing.id, Listing.update_frequency, func.count(), type_coerce(latest, Moment()))
        .join(Release, (Release.listing_id == Listing.id) & (Release.state == "published"))
        .where(*_open_public())  # type: ignore[arg-type]
        .group_by(Listing.provider_id, Listing.id)
    )
    if provider_id:
        query = query.where(Listing.provider_id == provider_id)
    rows: dict[str, list[tuple[str, int, datetime]]] = {}
    for holder, _, frequency, count, released_at in session.execute(query):
        rows.setdefault(holder, []).append((frequency, count, released_at))
    holders = select(Organization).where(Organization.id.in_(rows))
    if kinds:
        holders = holders.where(Organization.kind.in_(kinds))
    delivered, answered = deliveries_by_provider(), _wants_answered()
    found = [
        Standing(
            organization=organization,
            open_listings=len(rows[organization.id]),
            fresh_listings=sum(rules.is_fresh(f, released_at=r, at=at) for f, _, r in rows[organization.id]),
            releases=sum(count for _, count, _ in rows[organization.id]),
            latest_at=max(released_at for _, _, released_at in rows[organization.id]),
            deliveries=delivered.get(organization.id, 0),
            wants_answered=answered.get(organization.id, 0),
        )
        for organization in session.scalars(holders)
    ]
    return sorted(found, key=lambda s: (-s.open_listings, -s.fresh_listings, -s.deliveries, s.organization.name))


def _wants_answered() -> dict[str, int]:
    """How many wants each organization answered with data or a date; a reasoned no is an answer, not an opening."""
    query = select(WantAnswer.organization_id, func.count(WantAnswer.want_id.distinct()))
    rows = session.execute(query.where(WantAnswer.kind != "no").group_by(WantAnswer.organization_id))
    return {holder: count for holder, count in rows}


def newly_opened(*, limit: int = 10) -> list[Opened]:
    """Open listings by their newest release, the newest first."""
    at = func.max(Release.published_at).label("at")
    query = (
        select(Listing.id, Listing.title, Organization.id.label("provider_id"), Organization.name, at)
        .join(Release, (Release.listing_id == Listing.id) & (Release.state == "published"))
        .join(Organization, Organization.id == Listing.provider_id)
        .where(*_open_public())  # type: ignore[arg-type]
        .group_by(Listing.id, Organization.id)
        .order_by(at.desc(), Listing.id.desc())
        .limit(limit)
    )
    return [Opened(row.id, row.title, row.provider_id, row.name, row.at) for row in session.execute(query)]
