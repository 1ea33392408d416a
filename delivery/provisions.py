"""Records of provision to third parties: what both sides of a deal must keep of data about persons.

    bytes left under a contract ──keep──> a row for the provider, a row for the buyer ──term over──> purge

A record is made once the meter has seen bytes of a grant leave, from what stood then: who, to whom, when, which items,
what is known of consent, how acquired. It names the articles that ask for it. Nobody changes it; it goes when its term
is over.
Sources: 個人情報の保護に関する法律 29条, 30条, 31条3項; 施行規則 19–25条, 27–29条.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, exists, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from contracts.models import Contract
from delivery import rules
from delivery.models import Grant, GrantUsage, ProvisionRecord
from exchange import audit, clock
from exchange.database import Page, new_id, page, session
from exchange.errors import Forbidden, text
from exchange.identity.models import Member, Organization
from listings.models import File, Listing

MADE_AT_ONCE = 1_000
MONTHS_LOOKED_BACK = 2  # links live for minutes, and the latest logs come within days


def keep(*, at: datetime) -> int:
    """Make the records of what has left and has none yet; how many provisions. Safe to run twice."""
    found = _unrecorded(at)
    rows = [row for each in found for row in _rows(each, at)]
    if rows:
        session.execute(insert(ProvisionRecord).values(rows).on_conflict_do_nothing())
    return len(found)


def _unrecorded(at: datetime) -> Sequence[Any]:
    provider, buyer = aliased(Organization), aliased(Organization)
    query = (
        select(Grant, GrantUsage.last_at, Contract, Listing, File, provider, buyer)
        .select_from(Listing)
        .join(Contract, Contract.listing_id == Listing.id)
        .join(Grant, Grant.contract_id == Contract.id)
        .join(GrantUsage, GrantUsage.grant_id == Grant.id)
        .join(File, File.id == Grant.file_id)
        .join(provider, provider.id == Contract.provider_id)
        .join(buyer, buyer.id == Contract.buyer_id)
        .where(Listing.data_class.in_(rules.RECORDED_CLASSES), Grant.month.in_(_months(at)))
        .where(GrantUsage.delivered_bytes > 0, ~exists().where(ProvisionRecord.grant_id == Grant.id))
    )
    return session.execute(query.order_by(Grant.id).limit(MADE_AT_ONCE)).all()


def _months(at: datetime) -> list[str]:
    found: list[str] = []
    while len(found) < MONTHS_LOOKED_BACK:
        found.append(clock.month_of(at))
        at = clock.month_bounds(found[-1])[0] - datetime.resolution
    return found


def _rows(found: Any, at: datetime) -> Iterator[dict[str, Any]]:
    grant, provided_at, contract, listing, file, provider, buyer = found
    for side, keeper, partner in (("provider", provider, buyer), ("buyer", buyer, provider)):
        yield {
            "id": new_id(),
            "grant_id": grant.id,
            "side": side,
            "organization_id": keeper.id,
            "contract_id": contract.id,
            "contract_number": contract.number,
            "data_class": listing.data_class,
            "articles": rules.RECORD_ARTICLES[listing.data_class, side],
            "provided_at": provided_at,
            "partner": _as_it_stands(partner),
            "consent": rules.consent_words(listing.data_class, contract.number),
            "acquired": f"{listing.source}（提供者の表明。契約 {contract.number}）",
            "subjects": f"引き渡したファイルに記録された本人（{file.rows or 0:,} 行）",
            "items": [str(column["name"]) for column in file.columns] or [listing.title],
            "file_name": rules.file_name(file.name, grant.variant),
            "variant": grant.variant,
            "sha256": grant.sha256,
            "made_at": at,
            "keep_until": rules.kept_until(clock.day_of(at)),
        }


def _as_it_stands(partner: Organization) -> dict[str, Any]:
    names = ("name", "address", "representative", "corporate_number")
    return {name: getattr(partner, name) for name in names}


def purge(*, at: datetime) -> int:
    """Take away the records whose term is over; how many. Safe to run twice."""
    today = clock.day_of(at)
    session.execute(select(func.set_config("exchange.today", today.isoformat(), True)))
    over = delete(ProvisionRecord).where(ProvisionRecord.keep_until < today).returning(ProvisionRecord.organization_id)
    gone = session.scalars(over).all()
    for organization_id in sorted(set(gone)):
        detail = {"records": gone.count(organization_id), "kept_until_before": today.isoformat()}
        subject = f"organization/{organization_id}"
        audit.record("provision.purge", actor=None, subject=subject, at=at, organization=organization_id, detail=detail)
    return len(gone)


def kept_by(
    member: Member, *, contract_id: str | None = None, limit: int = 50, cursor: str | None = None
) -> Page[ProvisionRecord]:
    """The records that the member's organization keeps, the newest first; of one contract if asked.

    Each side reads its own alone: refuses administrators, who are no party, and accountants (`Forbidden`).
    """
    return page(_of(member, contract_id), ProvisionRecord.id, limit=limit, cursor=cursor)


def all_kept_by(member: Member, *, contract_id: str | None = None) -> Iterator[ProvisionRecord]:
    """The same, all of them, in the order of time: for the file that is handed to a person who asks (法 33条5項)."""
    query = _of(member, contract_id).order_by(ProvisionRecord.id)
    yield from session.scalars(query.execution_options(yield_per=1_000))


def _of(member: Member, contract_id: str | None) -> Any:
    if member.is_operator or not rules.may_read_records(member):
        raise Forbidden(text("第三者提供の記録を読めるのは、記録を保存する組織の責任者、データ担当、閲覧者です。"))
    query = select(ProvisionRecord).where(ProvisionRecord.organization_id == member.organization_id)
    return query.where(ProvisionRecord.contract_id == contract_id) if contract_id else query
