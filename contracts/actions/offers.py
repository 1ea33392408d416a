"""What a provider can do with offers. Contracts made on one keep their terms, whatever becomes of it.

    draft_offer ──▶ draft ── open_offer ──▶ open ── close_offer ──▶ closed
                     │ ▲                     ▲
       discard_offer ▼ └ revise_offer        └── add_offer, all at once

A draft is lawful from its first moment, as the template's defaults are; only its price may still be missing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from contracts import guideline, pricing, queries
from contracts.actions import proposals
from contracts.actions.proposals import Checked, Proposal
from contracts.guideline.parts import Template
from contracts.models import Offer
from exchange import audit
from exchange.database import new_id, session
from exchange.errors import Forbidden, Invalid, Words, WrongState, text
from exchange.identity import accounts
from exchange.identity.models import Member
from listings import actions as listings
from listings import rules as listing_rules
from listings.models import Listing

OPEN_OFFERS_MAX = 20
DRAFTS_MAX = 20
FIRST_NAME = "標準"
_PARTS = (
    *("state", "name", "pricing", "price_basis", "variables", "open_variables"),
    *("auto_accept", "for_organization_id", "checklist", "looked_at"),
)


@dataclass(frozen=True)
class Reach:
    """Whom an offer is made to (None: everybody who sees the listing), and whether it accepts by itself."""

    for_organization_id: str | None
    auto_accept: bool


@dataclass(frozen=True, kw_only=True)
class Change:
    """What one step settles of a draft. What is None, and variables that are not named, stay as they stand."""

    name: str | None = None
    price: Mapping[str, Any] | None = None
    price_basis: str | None = None
    settled: Mapping[str, Any] = field(default_factory=dict)  # variables whose value the provider chose
    left_open: Collection[str] = ()  # variables that the provider leaves to the buyer
    reach: Reach | None = None
    checklist: Mapping[str, Any] | None = None


def add_offer(
    listing: Listing,
    *,
    name: str,
    template: Any,
    price: Mapping[str, Any],
    variables: Mapping[str, Any],
    price_basis: str | None = None,
    template_version: str | None = None,
    open_variables: Sequence[str] = (),
    auto_accept: bool = False,
    for_organization_id: str | None = None,
    checklist: Mapping[str, Any] | None = None,
    by: Member,
    at: datetime,
) -> Offer:
    """An open offer on a listing that is not withdrawn; to everybody who sees the listing, or to one organization.

    `open_variables` are left to the buyer beside the template's own; `auto_accept` needs that there are none, since
    only settled terms can be accepted in advance. Refuses, all at once where it can: a template there is none of
    (naming those there are), a price or variables that cannot be taken, a price on open terms, open data beside a
    price, a municipality's price without its basis. Public money does not pass through the exchange (地方自治法
    243条の2): the municipality bills for itself.
    """
    _must_prepare(listing, by)
    given = Proposal(
        name=name,
        template=template,
        template_version=template_version,
        price=price,
        price_basis=price_basis,
        variables=variables,
        open_variables=open_variables,
        auto_accept=auto_accept,
        for_organization_id=for_organization_id,
        checklist=checklist or {},
    )
    checked = proposals.check(listing, given, by=by)
    _demand_domestic(given, by)
    _refuse_too_many(listing, "open", OPEN_OFFERS_MAX)
    offer = _new(listing, given, checked, state="open", by=by, at=at)
    _record("offer.add", offer, by, at)
    tell_listing(listing)
    return offer


def draft_offer(listing: Listing, *, template: str, price_model: str, by: Member, at: datetime) -> Offer:
    """offer: → draft, with the template's lawful defaults and no price yet. Seen by the provider's own people alone.

    Refuses a template and price model that no offer on this listing can stand on, with the reasons (`Invalid`).
    """
    _must_prepare(listing, by)
    found = guideline.offered(template)
    if price_model not in pricing.MODELS:
        raise Invalid({"pricing.model": [text("対価の決め方を選んでください。")]})
    if why := proposals.obstacles(listing, found, price_model):
        raise Invalid({"template": why})
    _refuse_too_many(listing, "draft", DRAFTS_MAX)
    name = found.name.ja if found.is_open else FIRST_NAME
    given = Proposal(name=name, template=found.key, template_version=found.version, price={"model": price_model})
    checked = proposals.check(listing, given, by=None, draft=True)
    offer = _new(listing, given, checked, state="draft", by=by, at=at)
    _record("offer.draft", offer, by, at)
    return offer


def revise_offer(draft: Offer, change: Change, *, looked_at: str | None = None, by: Member, at: datetime) -> Offer:
    """offer: draft → draft. Saves what a step settles; `looked_at` is the topic that is done with it.

    The draft is checked whole, so that every save leaves it lawful but for a missing price. Refuses everything that
    `add_offer` refuses, all at once (`Invalid`); offers that are no drafts any more (`WrongState`).
    """
    _must_prepare(draft.listing, by)
    _claim(draft)
    given = _changed(draft, change)
    answers_for_it = by if change.reach else None
    proposals.put(given, proposals.check(draft.listing, given, by=answers_for_it, draft=True), draft)
    if looked_at and looked_at not in draft.looked_at:
        draft.looked_at = [*draft.looked_at, looked_at]
    _record("offer.revise", draft, by, at)
    return draft


def open_offer(draft: Offer, *, by: Member, at: datetime) -> Offer:
    """offer: draft → open, if it passes all that `add_offer` asks. Who opens it is who made it."""
    _must_prepare(draft.listing, by)
    _claim(draft)
    given = proposals.of(draft)
    checked = proposals.check(draft.listing, given, by=by)
    _demand_domestic(given, by)
    _refuse_too_many(draft.listing, "open", OPEN_OFFERS_MAX)
    proposals.put(given, checked, draft)
    draft.state, draft.created_at, draft.created_by = "open", at, by.id
    _record("offer.open", draft, by, at)
    tell_listing(draft.listing)
    return draft


def complaints(draft: Offer, *, by: Member) -> Mapping[str, Sequence[Words]]:
    """Why a draft cannot be opened yet, by field; empty when nothing of it stands in the way."""
    try:
        proposals.check(draft.listing, proposals.of(draft), by=by)
    except Invalid as refusal:
        return refusal.errors
    return {}


def discard_offer(draft: Offer, *, by: Member, at: datetime) -> None:
    """offer: draft → gone. Nobody else ever saw it, and no contract stands on it."""
    _must_prepare(draft.listing, by)
    _claim(draft)
    _record("offer.discard", draft, by, at)
    session.delete(draft)
    session.flush()


def close_offer(offer: Offer, *, by: Member, at: datetime) -> Offer:
    """offer: open → closed. Contracts made on it keep their terms; nobody can request another."""
    _must_prepare(offer.listing, by)
    session.refresh(offer, attribute_names=["state"], with_for_update=True)
    if offer.state == "draft":
        raise WrongState(text("下書きは、まだ公開されていません。"), state=offer.state, allowed=[])
    if offer.state != "open":
        raise WrongState(text("この提供条件はすでに終了しています。"), state=offer.state, allowed=[])
    offer.state, offer.closed_at = "closed", at
    _record("offer.close", offer, by, at)
    tell_listing(offer.listing)
    return offer


def tell_listing(listing: Listing) -> None:
    """Tell listings what the catalogue filters and sorts by."""
    session.flush()
    offers = queries.offers_of(listing.id, private=False)
    prices = [pricing.parse(offer.pricing) for offer in offers]
    cheapest = min(prices, key=pricing.lowest_jpy, default=None)
    listings.tell_offers(
        listing.id,
        pricing_models=[price.model for price in prices],
        price_from_jpy=pricing.lowest_jpy(cheapest) if cheapest else None,
        price_text=pricing.words(cheapest) if cheapest else "",
        is_open=any(guideline.template(offer.template_key).is_open for offer in offers),
    )


def _must_prepare(listing: Listing, by: Member) -> None:
    if by.organization_id != listing.provider_id or not listing_rules.may_prepare(by, listing.provider_id):
        raise Forbidden(text("提供条件は、提供者の責任者またはデータ担当が設定します。"))
    if not by.organization.is_verified:
        raise Forbidden(text("組織の確認が済んでいないため、提供条件を設定できません。"))
    if listing.state == "withdrawn":
        raise WrongState(text("掲載を終了したデータには提供条件を設定できません。"), state=listing.state, allowed=[])


def _demand_domestic(given: Proposal, by: Member) -> None:
    """No price for the data of an organization abroad: this exchange settles within Japan alone."""
    if given.price.get("model") != "free":
        accounts.demand_domestic(by.organization)


def _claim(draft: Offer) -> None:
    """Wait for a colleague who is saving, take the draft as it stands then; refuse what is a draft no more."""
    session.refresh(draft, attribute_names=_PARTS, with_for_update=True)
    if draft.state != "draft":
        raise WrongState(text("この提供条件は、もう下書きではありません。"), state=draft.state, allowed=[])


def _refuse_too_many(listing: Listing, state: str, most: int) -> None:
    if len([o for o in queries.offers_of(listing.id, closed=True) if o.state == state]) < most:
        return
    if state == "draft":
        words = text("1つの掲載に作れる下書きは %(most)s 件までです。使わないものを破棄してください。", most=most)
        raise Invalid({"template": [words]})
    raise Invalid({"name": [text("1つの掲載に出せる提供条件は %(most)s 件までです。", most=most)]})


def _new(listing: Listing, given: Proposal, checked: Checked, *, state: str, by: Member, at: datetime) -> Offer:
    offer = Offer(
        id=new_id(), listing_id=listing.id, listing=listing, state=state, looked_at=[], created_at=at, created_by=by.id
    )
    proposals.put(given, checked, offer)
    session.add(offer)
    return offer


def _changed(draft: Offer, change: Change) -> Proposal:
    """The draft with what a step settles over it."""
    given = proposals.of(draft)
    variables, left = _settled(guideline.template(draft.template_key), draft, change)
    given = replace(given, variables=variables, open_variables=left)
    if change.name is not None:
        given = replace(given, name=change.name)
    if change.price is not None:
        given = replace(given, price=change.price, price_basis=change.price_basis)
    if change.reach is not None:
        receiver, by_itself = change.reach.for_organization_id, change.reach.auto_accept
        given = replace(given, for_organization_id=receiver, auto_accept=by_itself)
    return given if change.checklist is None else replace(given, checklist=change.checklist)


def _settled(template: Template, draft: Offer, change: Change) -> tuple[dict[str, Any], list[str]]:
    """What is fixed and what is left open afterwards.

    What the template leaves to the buyer is fixed by naming its value and left by not naming it. What it leaves to the
    provider is named where it differs from the default, and left to the buyer by saying so.
    """
    buyers = {v.key for v in template.variables if v.chooser == "buyer"}
    standard = {v.key: v.default_under(draft.pricing["model"]) for v in template.variables}
    fixed = {key: value for key, value in draft.variables.items() if key not in change.left_open}
    for key, value in change.settled.items():
        if key not in buyers and value == standard.get(key):
            fixed.pop(key, None)
        else:
            fixed[key] = value
    left = {key for key in draft.open_variables if key not in change.settled}
    return fixed, sorted(left | (set(change.left_open) - buyers))


def _record(deed: str, offer: Offer, by: Member, at: datetime) -> None:
    session.flush()
    detail = {"offer": offer.id, "template": offer.template_key, "pricing": offer.pricing}
    subject, organization = f"listing/{offer.listing_id}", by.organization_id
    audit.record(deed, actor=by.id, subject=subject, at=at, organization=organization, detail=detail)
