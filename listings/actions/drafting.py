"""Drafting a listing, changing it, beginning its next release, and what contracts tells of its offers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, TypedDict

from sqlalchemy import select

from exchange import audit, database
from exchange.database import new_id, session
from exchange.errors import Forbidden, Invalid, Words, WrongState, text
from exchange.identity import queries as identity
from exchange.identity.models import Member
from listings import queries, rules
from listings.models import Invitation, Listing, ListingEvent, Release


class ListingFields(TypedDict, total=False):
    """What a provider says of a listing; a change names only what changes."""

    title: str
    summary: str
    description: str
    theme: str
    data_class: str | None
    update_frequency: str
    keywords: list[str]
    area_codes: list[str]
    period_start: date | None
    period_end: date | None
    licence: str | None
    source: str
    declaration: bool
    contact: dict[str, Any]
    visibility: str
    invited: list[str]


def draft(fields: ListingFields, *, by: Member, at: datetime, form_id: str | None = None) -> Listing:
    """A new listing in draft, with its first release. The same `form_id` gives the same listing again.

    Refuses: an organization not verified or an operator (`Forbidden`), fields that cannot be taken and classes that
    may not be listed (`Invalid`, with the article of law), too many unpublished listings.
    """
    _may_list(by)
    if form_id and (made := _made_from(form_id, by)):
        return made
    problems = rules.problems_of(fields)
    if not fields.get("declaration", True):
        problems["declaration"] = [text("提供する権限があることを確認し、宣言してください。")]
    if problems:
        raise Invalid(problems)
    _class_fits(fields, by)
    if queries.unpublished_count(by.organization_id) >= rules.UNPUBLISHED_PER_PROVIDER_MAX:
        maximum = rules.UNPUBLISHED_PER_PROVIDER_MAX
        raise Invalid({"title": [text("公開していない掲載は%(max)s件までです。", max=maximum)]})
    listing = _new_listing(fields, by, at, form_id)
    first = Release(id=new_id(), listing_id=listing.id, number=1, created_at=at)
    session.add_all([listing, first])
    session.flush()
    _invite(listing, fields.get("invited", []), at)
    note(listing, "draft", by=by, at=at)
    return queries.listing_by_id(listing.id)


def _may_list(by: Member) -> None:
    organization = by.organization
    if by.is_operator:
        raise Forbidden(text("運営者は中立であるため、データを掲載しません。"))
    if not organization.is_verified:
        raise Forbidden(
            text("組織の確認がまだ済んでいないため、データを掲載できません。確認が終わるとメールでお知らせします。")
        )
    if not rules.may_prepare(by, organization.id):
        raise Forbidden(text("データの掲載は、組織の責任者またはデータ担当が行えます。"))


def _made_from(form_id: str, by: Member) -> Listing | None:
    database.lock(f"listing-form/{by.organization_id}/{form_id}")
    query = select(Listing.id).where(Listing.provider_id == by.organization_id, Listing.form_id == form_id)
    found = session.scalar(query)
    return queries.listing_by_id(found) if found else None


def _class_fits(fields: ListingFields, by: Member) -> None:
    data_class = fields.get("data_class")
    if data_class:
        rules.class_may_be_listed(data_class, provider_kind=by.organization.kind)


def _new_listing(fields: ListingFields, by: Member, at: datetime, form_id: str | None) -> Listing:
    declared = bool(fields.get("declaration"))
    return Listing(
        id=new_id(),
        provider_id=by.organization_id,
        form_id=form_id,
        title=fields["title"],
        summary=fields["summary"],
        description=fields["description"],
        theme=fields["theme"],
        data_class=fields.get("data_class"),
        update_frequency=fields["update_frequency"],
        keywords=_distinct(fields.get("keywords", [])),
        area_codes=_distinct(fields.get("area_codes", [])),
        period_start=fields.get("period_start"),
        period_end=fields.get("period_end"),
        licence=fields.get("licence"),
        source=fields["source"],
        contact=_contact(fields.get("contact") or {}, by),
        visibility=fields.get("visibility", "public"),
        declared_at=at if declared else None,
        declared_by=by.id if declared else None,
        created_at=at,
        created_by=by.id,
        updated_at=at,
    )


def _contact(given: dict[str, Any], by: Member) -> dict[str, Any]:
    """Every listing names a department; the drafter's own where none is given. Persons' addresses are never assumed."""
    department = given.get("department") or by.department or by.organization.name
    return {"department": department, "email": given.get("email"), "phone": given.get("phone")}


def _distinct(values: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(value.strip() for value in values if value.strip()))


def _invite(listing: Listing, organization_ids: Sequence[str], at: datetime) -> None:
    """Show the listing to these organizations and no others; one unknown is `Invalid`."""
    wanted = set(organization_ids) - {listing.provider_id}
    known = identity.organizations_by_id(sorted(wanted))
    unknown = sorted(i for i in wanted if i not in known or not known[i].is_verified)
    if unknown:
        message = text("招待する組織が見つかりません: %(ids)s", ids=", ".join(unknown)[:200])
        raise Invalid({"invited": [message]})
    present = {i.organization_id: i for i in _invitations(listing.id)}
    for organization_id in present.keys() - wanted:
        session.delete(present[organization_id])
    for organization_id in sorted(wanted - present.keys()):
        session.add(Invitation(listing_id=listing.id, organization_id=organization_id, at=at))
    session.flush()


def _invitations(listing_id: str) -> list[Invitation]:
    return list(session.scalars(select(Invitation).where(Invitation.listing_id == listing_id)))


def change(listing: Listing, fields: ListingFields, *, by: Member, at: datetime) -> Listing:
    """Change what is said of a listing: all of a draft; of a published one, all but what contracts rest on.

    Refuses: others than the provider's owners and data officers, a listing under review or withdrawn (`WrongState`),
    classes that may not be listed (`Invalid`).
    """
    locked(listing)
    must_prepare(by, listing)
    changing = [name for name in fields if name != "declaration" and fields.get(name) != getattr(listing, name, None)]
    if not rules.may_change_fields(listing.state, changing):
        raise WrongState(_fixed(listing), state=listing.state, allowed=rules.allowed(rules.LISTING, listing.state))
    problems = rules.problems_of(fields, partial=True)
    problems |= rules.period_problems(
        fields.get("period_start", listing.period_start), fields.get("period_end", listing.period_end)
    )
    if problems:
        raise Invalid(problems)
    _class_fits(fields, by)
    _take(listing, fields, by, at)
    note(listing, "change", by=by, at=at, detail={"fields": sorted(changing)})
    return listing


def _fixed(listing: Listing) -> Words:
    if listing.state == "published":
        return text(
            "公開した後は、データ区分・ライセンス・出典・テーマを変更できません。新しい掲載を作成してください。"
        )
    return text("審査中または掲載終了のため、変更できません。")


def _take(listing: Listing, fields: ListingFields, by: Member, at: datetime) -> None:
    for name in ("keywords", "area_codes"):
        if name in fields:
            setattr(listing, name, _distinct(fields[name]))
    plain = ("title", "summary", "description", "theme", "data_class", "update_frequency", "licence", "source")
    for name in (*plain, "period_start", "period_end", "visibility"):
        if name in fields:
            setattr(listing, name, fields[name])  # type: ignore[literal-required]
    if "contact" in fields:
        listing.contact = _contact(fields["contact"], by)
    if fields.get("declaration"):
        listing.declared_at, listing.declared_by = at, by.id
    listing.updated_at = at
    session.flush()
    if "invited" in fields:
        _invite(listing, fields["invited"], at)
    index(listing)


def new_release(listing: Listing, *, note_text: str, by: Member, at: datetime) -> Release:
    """listing: published → published, with a draft release that takes new files. Its files never touch the old ones.

    Refuses: listings not published, and those that have an unpublished release already (`WrongState`).
    """
    locked(listing)
    must_prepare(by, listing)
    rules.after(rules.LISTING, listing.state, "release")
    if not rules.printable(note_text) or len(note_text) > rules.NOTE_LENGTH_MAX:
        raise Invalid({"note": [text("説明は%(max)s文字以内で入力してください。", max=rules.NOTE_LENGTH_MAX)]})
    unpublished = queries.in_preparation(listing)
    if unpublished is not None:
        message = text("準備中の版(第%(n)s版)があります。先にその版を提出してください。", n=unpublished.number)
        raise WrongState(message, state=unpublished.state, allowed=rules.allowed(rules.RELEASE, unpublished.state))
    release = Release(
        id=new_id(),
        listing_id=listing.id,
        number=max(r.number for r in listing.releases) + 1,
        note=note_text,
        created_at=at,
    )
    session.add(release)
    session.flush()
    note(listing, "release", by=by, at=at, release=release)
    return release


def tell_offers(
    listing_id: str, *, pricing_models: list[str], price_from_jpy: int | None, price_text: str, is_open: bool
) -> None:
    """Contracts tells what the catalogue filters and sorts by, whenever a listing's offers change."""
    listing = session.get_one(Listing, listing_id)
    listing.pricing_models = sorted(set(pricing_models))
    listing.price_from_jpy, listing.price_text, listing.is_open = price_from_jpy, price_text, is_open


# ---- shared by the deeds on listings


def locked(listing: Listing) -> None:
    """Hold the listing until the deed is done, in the state it has now: of two deeds at once the second sees the first."""
    session.flush()
    session.refresh(listing, attribute_names=["state"], with_for_update=True)


def must_prepare(by: Member, listing: Listing) -> None:
    """Only owners and data officers of the provider go on; raises `Forbidden`."""
    if not rules.may_prepare(by, listing.provider_id):
        raise Forbidden(text("この操作は、提供者の責任者またはデータ担当だけが行えます。"))
    if not by.organization.is_verified:
        raise Forbidden(text("組織の確認が済んでいないか停止されているため、掲載の操作はできません。"))


def note(
    listing: Listing,
    deed: str,
    *,
    by: Member | None,
    at: datetime,
    release: Release | None = None,
    reason: str = "",
    file_id: str | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Write a deed into the listing's timeline and into the audit log."""
    actor = by.id if by else None
    session.add(
        ListingEvent(
            listing_id=listing.id,
            release_id=release.id if release else None,
            file_id=file_id,
            at=at,
            actor_id=actor,
            deed=deed,
            reason=reason,
        )
    )
    more: dict[str, Any] = {"reason": reason} if reason else {}
    more |= {"release": release.number} if release else {}
    more |= {"file": file_id} if file_id else {}
    audit.record(
        f"listing.{deed}",
        actor=actor,
        subject=f"listing/{listing.id}",
        at=at,
        organization=listing.provider_id,
        detail=more | (detail or {}),
    )


def index(listing: Listing) -> None:
    """Make the listing findable by its words: title first, then keywords and provider, summary, and the rest."""
    provider = identity.organization(listing.provider_id)
    listing.search = rules.search_vector(
        [
            ("A", listing.title),
            ("B", " ".join(listing.keywords)),
            ("B", provider.name),
            ("B", rules.THEMES[listing.theme]),
            ("C", listing.summary),
            ("D", listing.description),
            ("D", " ".join(queries.column_words(listing.id))),
        ]
    )
