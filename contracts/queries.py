"""What people can ask of offers and contracts: always scoped to who asks, everything loaded that is shown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, literal, or_, select
from sqlalchemy.orm import joinedload, selectinload

from contracts import rules
from contracts.documents import deletion, pdf, sheets
from contracts.documents import page as page_of_document
from contracts.documents.odrl import odrl
from contracts.models import (
    Acceptance,
    Approval,
    BuyerPolicy,
    Contract,
    ContractEvent,
    DeletionDuty,
    Interest,
    Offer,
    Round,
    SealedDocument,
    Signature,
)
from exchange.config import config
from exchange.database import Page, page, session
from exchange.errors import NotFound
from exchange.identity.models import Member
from listings import queries as listings
from listings.models import Listing, Release

_SHOWN = (
    joinedload(Contract.listing).joinedload(Listing.provider),
    joinedload(Contract.provider),
    joinedload(Contract.buyer),
    joinedload(Contract.offer),
)
_LISTED = (
    *_SHOWN,
    selectinload(Contract.history).joinedload(ContractEvent.actor),
    joinedload(Contract.deletion).joinedload(DeletionDuty.certifier),
)
_WHOLE = (
    *_LISTED,
    selectinload(Contract.acceptances).joinedload(Acceptance.member),
    selectinload(Contract.approvals),
    selectinload(Contract.rounds),
    selectinload(Contract.signatures),
)


# ── offers ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def offers_of(listing_id: str, *, closed: bool = False, private: bool = True) -> list[Offer]:
    """The open offers of a listing in the order in which they were made; with drafts and closed ones if asked."""
    query = select(Offer).where(Offer.listing_id == listing_id).order_by(Offer.id)
    if not private:
        query = query.where(Offer.for_organization_id.is_(None))
    query = query.options(joinedload(Offer.for_organization))
    return list(session.scalars(query if closed else query.where(Offer.state == "open")))


def offers_seen_by(member: Member | None, listing: Listing) -> list[Offer]:
    """The open offers of a listing that someone may see: those for everybody, and those made to their organization."""
    own = member is not None and (member.is_operator or member.organization_id == listing.provider_id)
    mine = member.organization_id if member else None
    return [o for o in offers_of(listing.id) if own or o.for_organization_id in (None, mine)]


def offer_seen_by(member: Member | None, offer_id: str) -> Offer:
    """An offer with its listing, if `member` may see that listing; else `NotFound`.

    A draft is its provider's alone, administrators do not see it; a private offer is also for whom it was made.
    """
    offer = session.get(Offer, offer_id)
    if offer is None:
        raise NotFound()
    listing = listings.listing_seen_by(member, offer.listing_id)
    mine = member.organization_id if member else None
    own = mine == listing.provider_id
    private = offer.for_organization_id not in (None, mine) and not (member and member.is_operator)
    if not own and (private or offer.state == "draft"):
        raise NotFound()
    session.refresh(offer, attribute_names=["listing", "for_organization"])
    assert offer.listing is listing
    return offer


def current_release(listing: Listing) -> Release | None:
    """The newest published release of a listing loaded whole."""
    return listings.released(listing)


# ── contracts ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _seen_by(member: Member) -> ColumnElement[bool]:
    """The contracts someone may see: their organization's, or, for administrators, all.

    What an owner of the buyer has not confirmed yet is the buyer's alone.
    """
    if member.is_operator:
        return ~Contract.awaits_confirmation
    mine = Contract.provider_id == member.organization_id
    return or_(mine & ~Contract.awaits_confirmation, Contract.buyer_id == member.organization_id)


def _scoped(query: Select[Any], member: Member) -> Select[Any]:
    return query.where(_seen_by(member))


def contract_seen_by(member: Member, contract_id: str) -> Contract:
    """A contract with parties, listing, offer, history, acceptances and rounds; a stranger gets `NotFound`."""
    query = _scoped(select(Contract).where(Contract.id == contract_id), member).options(*_WHOLE)
    found: Contract | None = session.scalars(query).unique().one_or_none()
    if found is None:
        raise NotFound()
    return found


def contract_by_id(contract_id: str) -> Contract:
    """A contract with all that is shown of it, for chapters that have checked who asks; `NotFound` otherwise."""
    found = session.scalars(select(Contract).where(Contract.id == contract_id).options(*_WHOLE)).unique().one_or_none()
    if found is None:
        raise NotFound()
    return found


def contracts_by_ids(contract_ids: Sequence[str]) -> list[Contract]:
    """Several contracts with all that is shown of them, by id, for chapters that have checked who asks."""
    query = select(Contract).where(Contract.id.in_(contract_ids)).options(*_WHOLE).order_by(Contract.id)
    return list(session.scalars(query).unique())


def contracts_seen_by(
    member: Member,
    *,
    states: Sequence[str] = (),
    side: str | None = None,
    listing_id: str | None = None,
    limit: int = 20,
    cursor: str | None = None,
) -> Page[Contract]:
    """A member's contracts, the newest first, with all that is shown of each."""
    query = _scoped(select(Contract), member).options(*_LISTED)
    if states:
        query = query.where(Contract.state.in_(states))
    if side == "buyer":
        query = query.where(Contract.buyer_id == member.organization_id)
    if side == "provider":
        query = query.where(Contract.provider_id == member.organization_id)
    if listing_id:
        query = query.where(Contract.listing_id == listing_id)
    return page(query, Contract.id, limit=limit, cursor=cursor)


def in_force(buyer_id: str, listing_id: str) -> list[Contract]:
    """A buyer's running contracts on a listing, the newest first."""
    query = select(Contract).where(Contract.buyer_id == buyer_id, Contract.listing_id == listing_id)
    query = query.where(Contract.state.in_(("active", "suspended"))).options(*_SHOWN)
    return list(session.scalars(query.order_by(Contract.id.desc())))


def running_on(listing_id: str, *, but_of: str | None = None) -> list[Contract]:
    """The running contracts on a listing, but those of one buyer."""
    query = select(Contract).where(Contract.listing_id == listing_id, Contract.state.in_(rules.RUNNING))
    return list(session.scalars(query.where(Contract.buyer_id != but_of) if but_of else query))


def exclusive_on(listing_id: str) -> Contract | None:
    """The running contract by which a buyer alone has a listing."""
    return next((c for c in running_on(listing_id) if rules.closes_listing(c.variables)), None)


def confirm_above_jpy(organization_id: str) -> int | None:
    """Above which amount an owner of an organization confirms its requests; None: never."""
    policy = session.get(BuyerPolicy, organization_id)
    return policy.confirm_above_jpy if policy else None


def interests_of(member_id: str) -> list[str]:
    """The organizations an administrator declared a tie to."""
    query = select(Interest.organization_id).where(Interest.member_id == member_id)
    return list(session.scalars(query.order_by(Interest.declared_at)))


def has_interest(member: Member, contract: Contract) -> bool:
    """Whether a member has a tie to a party of a contract, so that they decide nothing about it."""
    parties = {contract.provider_id, contract.buyer_id}
    return bool(parties & {member.organization_id, *interests_of(member.id)})


def unsigned_sides(contract: Contract) -> list[str]:
    """The municipal sides whose signature under the version on the table is not recorded.

    An acceptance that carries number, date and signatory is such a record; a scan or a reference may follow later.
    """
    query = select(Signature.side).where(Signature.contract_id == contract.id, Signature.version == contract.version)
    signed = set(session.scalars(query))
    query = select(Acceptance.side).where(
        Acceptance.contract_id == contract.id,
        Acceptance.version == contract.version,
        Acceptance.approval_reference.is_not(None),
        Acceptance.approved_on.is_not(None),
        Acceptance.signatory.is_not(None),
    )
    signed |= set(session.scalars(query))
    parties = (("provider", contract.provider), ("buyer", contract.buyer))
    return [side for side, party in parties if party.kind == "municipality" and side not in signed]


def deletions_overdue(today: date) -> list[DeletionDuty]:
    """Deadlines for deletion that passed without a statement and without a reminder."""
    query = select(DeletionDuty).where(DeletionDuty.due_on < today, DeletionDuty.certified_at.is_(None))
    query = query.where(DeletionDuty.reminded_at.is_(None)).options(joinedload(DeletionDuty.contract).options(*_SHOWN))
    return list(session.scalars(query.order_by(DeletionDuty.due_on).limit(500)))


def deletions_due(organization_id: str) -> list[DeletionDuty]:
    """What a buyer has still to delete and report, the nearest deadline first."""
    query = select(DeletionDuty).join(DeletionDuty.contract).where(Contract.buyer_id == organization_id)
    query = query.where(DeletionDuty.certified_at.is_(None)).options(joinedload(DeletionDuty.contract).options(*_SHOWN))
    return list(session.scalars(query.order_by(DeletionDuty.due_on)))


def lapsing(at: datetime, warnings: Sequence[timedelta]) -> list[Contract]:
    """Requests that are due a warning: so much time is left, and it was not said yet."""
    due = [(Contract.answer_by <= at + left) & (Contract.warnings < n) for n, left in enumerate(warnings, 1)]
    query = select(Contract).where(Contract.state.in_(("requested", "countered")), Contract.answer_by > at, or_(*due))
    return list(session.scalars(query.options(*_SHOWN).order_by(Contract.id).limit(500)))


def renewing() -> list[Contract]:
    """Running contracts whose term renews itself and that nobody refused to renew."""
    query = select(Contract).where(Contract.state.in_(("active", "suspended")), Contract.renewal_refused_by.is_(None))
    query = query.where(Contract.variables["term"].astext == "renewing", Contract.ends_on.is_not(None))
    return list(session.scalars(query.options(*_SHOWN).order_by(Contract.id)))


def subscribers(listing_id: str) -> list[str]:
    """Ids of the organizations whose contract on a listing runs."""
    query = select(Contract.buyer_id).where(Contract.listing_id == listing_id)
    return list(session.scalars(query.where(Contract.state.in_(("active", "suspended"))).distinct()))


def is_sold_by_use(listing_id: str) -> bool:
    """Whether a metered offer of a listing is open, or a metered contract on it runs or may still begin."""
    metered = "metered"
    offered = exists().where(
        Offer.listing_id == listing_id, Offer.state == "open", Offer.pricing["model"].astext == metered
    )
    agreed = exists().where(
        Contract.listing_id == listing_id,
        Contract.state.not_in(sorted(rules.FINAL)),
        Contract.pricing["model"].astext == metered,
    )
    return bool(session.scalar(select(or_(offered, agreed))))


def active_count() -> int:
    """How many contracts ever became active, for the front page."""
    return session.scalar(select(func.count()).select_from(Contract).where(Contract.activated_at.is_not(None))) or 0


def scan(contract: Contract, signature_id: str) -> bytes:
    """The scan kept with a signature under a contract; `NotFound` where there is none."""
    query = select(Signature.scan).where(Signature.id == signature_id, Signature.contract_id == contract.id)
    found = session.scalar(query)
    if found is None:
        raise NotFound()
    return found


def activated_by(organization_id: str) -> int:
    """How many contracts of an organization, on either side, ever became active."""
    mine = or_(Contract.provider_id == organization_id, Contract.buyer_id == organization_id)
    return (
        session.scalar(select(func.count()).select_from(Contract).where(mine, Contract.activated_at.is_not(None))) or 0
    )


def deals_of(provider_id: str) -> int:
    """How many contracts of a provider ever became active."""
    query = select(func.count()).select_from(Contract).where(Contract.provider_id == provider_id)
    return session.scalar(query.where(Contract.activated_at.is_not(None))) or 0


def sealed(contract_id: str) -> SealedDocument | None:
    """The document as it was sealed when the contract became active."""
    return session.get(SealedDocument, contract_id)


def document(contract: Contract, media_type: str) -> bytes:
    """The document as `application/pdf`, `text/html` or `application/ld+json`; an active contract's PDF as sealed."""
    content, proof = json.loads(round_of(contract).content), evidence(contract)
    if media_type == "application/ld+json":
        policy = odrl(content, proof, base_url=config().url, contract_id=contract.id)
        return json.dumps(policy, ensure_ascii=False, indent=2).encode()
    if media_type == "text/html":
        return page_of_document.html(content, proof).encode()
    kept = sealed(contract.id)
    return kept.pdf if kept else pdf.pdf(sheets.sheet(content, proof))


def deletion_certificate(contract: Contract) -> bytes:
    """The certificate of deletion as PDF; `NotFound` as long as no deletion was stated."""
    duty = contract.deletion
    if duty is None or duty.certified_at is None:
        raise NotFound()
    return pdf.deletion(deletion.sheet(json.loads(round_of(contract).content), duty))


def round_of(contract: Contract, version: int | None = None) -> Round:
    """The terms of a version, by default those on the table now."""
    wanted = version or contract.version
    return next(r for r in contract.rounds if r.version == wanted)


def latest_acceptance(contract: Contract) -> Acceptance | None:
    """The acceptance that completed the agreement, to which approvals belong."""
    found = [a for a in contract.acceptances if a.version == contract.version]
    return found[-1] if found else None


def approvals_of(acceptance_id: str) -> list[Approval]:
    """The administrators' approvals of what was agreed with that acceptance."""
    query = select(Approval).where(Approval.acceptance_id == acceptance_id)
    return list(session.scalars(query.order_by(Approval.id)))


def evidence(contract: Contract) -> sheets.Evidence:
    """Who agreed to the version on the table and when, and what came of it, for the printed document."""
    names = {"provider": contract.provider.name, "buyer": contract.buyer.name}
    last: dict[str, sheets.Assent] = {}
    for a in contract.acceptances:
        if a.version == contract.version:
            last[a.side] = sheets.Assent(
                a.side, names[a.side], a.member.name, a.member.email, a.at, a.version, a.remote,
                a.approval_reference, a.approved_on, a.signatory,
            )  # fmt: skip
    latest = latest_acceptance(contract)
    approvals = [a.at for a in contract.approvals if latest and a.acceptance_id == latest.id]
    return sheets.Evidence(
        sha256=contract.document_sha256,
        draft=contract.is_draft,
        assents=list(last.values()),
        signatures=[
            sheets.Signed(s.side, s.kind, s.reference, s.signed_on, s.signatory, s.scan_sha256)
            for s in contract.signatures
            if s.version == contract.version
        ],
        approved_at=approvals,
        activated_at=contract.activated_at,
        starts_on=contract.starts_on,
        ends_on=contract.ends_on,
        purchase_order=contract.purchase_order,
    )


# ── what waits ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Waiting:
    """How many contracts wait for someone, since when the oldest, until when the first."""

    count: int
    oldest_at: datetime | None
    answer_by: date | None


def waiting_for(member: Member) -> Waiting:
    """Contracts that wait for an answer of this member's organization, or for this administrator's decision."""
    return _waiting(_to_decide(member) if member.is_operator else _to_answer(member))


def confirmations_for(member: Member) -> Waiting:
    """Requests that wait until this member, as an owner, confirms them."""
    return _waiting(_to_confirm(member))


def signatures_for(member: Member) -> Waiting:
    """Contracts that wait for the signature of this member's municipality."""
    return _waiting(_to_sign(member))


def _waiting(which: ColumnElement[bool]) -> Waiting:
    query = select(func.count(), func.min(Contract.requested_at), func.min(Contract.answer_by))
    count, oldest, answer_by = session.execute(query.where(which)).one()
    return Waiting(count, oldest, answer_by.astimezone(rules.JST).date() if answer_by else None)


def _to_answer(member: Member) -> ColumnElement[bool]:
    mine = member.organization_id
    as_buyer = (Contract.turn == "buyer") & (Contract.buyer_id == mine)
    as_provider = (Contract.turn == "provider") & (Contract.provider_id == mine)
    return Contract.state.in_(("requested", "countered")) & (as_buyer | as_provider)


def _to_confirm(member: Member) -> ColumnElement[bool]:
    mine = (Contract.state == "requested") & Contract.awaits_confirmation
    return mine & (Contract.buyer_id == member.organization_id) & literal("owner" in member.roles)


def _to_sign(member: Member) -> ColumnElement[bool]:
    mine = member.organization_id
    as_buyer = Contract.unsigned.contains(["buyer"]) & (Contract.buyer_id == mine)
    as_provider = Contract.unsigned.contains(["provider"]) & (Contract.provider_id == mine)
    return (Contract.state == "accepted") & (as_buyer | as_provider)


def _to_decide(member: Member) -> ColumnElement[bool]:
    """What an administrator can still decide: not approved by them already, and no party they have a tie to."""
    latest = select(func.max(Acceptance.id)).where(
        Acceptance.contract_id == Contract.id, Acceptance.version == Contract.version
    )
    done = exists().where(Approval.acceptance_id == latest.scalar_subquery(), Approval.member_id == member.id)
    ties = interests_of(member.id)
    free = Contract.provider_id.not_in(ties) & Contract.buyer_id.not_in(ties)
    return _under_review() & free & ~done


def _under_review() -> ColumnElement[bool]:
    return (Contract.state == "accepted") & (Contract.turn == "operator")


def contracts_waiting_for(member: Member) -> list[Contract]:
    """Everything that waits for a member in any of these ways, the longest waiting first."""
    mine = _to_decide(member) if member.is_operator else _to_answer(member) | _to_confirm(member) | _to_sign(member)
    return _oldest_first(mine)


def contracts_under_review() -> list[Contract]:
    """Everything that waits for the administrators, the longest waiting first."""
    return _oldest_first(_under_review())


def _oldest_first(which: ColumnElement[bool]) -> list[Contract]:
    query = select(Contract).where(which).options(*_WHOLE)
    return list(session.scalars(query.order_by(Contract.requested_at)).unique())


def renewals_near(organization_id: str, today: date) -> list[rules.Renewal]:
    """Terms of an organization's contracts about which it is time to say whether they shall renew."""
    mine = [c for c in renewing() if organization_id in (c.buyer_id, c.provider_id)]
    found = [ahead for c in mine if (ahead := rules.renewal(c)) and ahead.nears(today)]
    return sorted(found, key=lambda ahead: ahead.last_notice)


def running_count(member: Member) -> int:
    """How many contracts of a member's organization run."""
    query = select(func.count()).select_from(Contract).where(Contract.state == "active")
    return session.scalar(query.where(_seen_by(member))) or 0


def overdue_requests(at: datetime) -> list[Contract]:
    """Requests that nobody answered in time."""
    query = select(Contract).where(Contract.state.in_(("requested", "countered")), Contract.answer_by <= at)
    return list(session.scalars(query.options(*_SHOWN).order_by(Contract.id).limit(500)))


def finished(at: datetime, today: date) -> list[Contract]:
    """Running contracts whose term or announced termination is over."""
    over = or_(Contract.ends_on < today, Contract.terminates_at <= at)
    query = select(Contract).where(Contract.state.in_(("active", "suspended")), over).options(*_SHOWN)
    return list(session.scalars(query.order_by(Contract.id).limit(500)))
