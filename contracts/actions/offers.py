"""What a provider can do with offers: make one, close one. Contracts made before keep their terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from contracts import guideline, pricing, queries
from contracts.documents import printable
from contracts.guideline import parts
from contracts.guideline.parts import Deal, Template
from contracts.models import Offer
from contracts.pricing import Pricing
from exchange import audit
from exchange.database import new_id, session
from exchange.errors import Forbidden, Invalid, Words, WrongState, text
from exchange.identity import queries as people
from exchange.identity.models import Member
from listings import actions as listings
from listings import rules as listing_rules
from listings.models import Listing

NAME_LENGTH_MAX = 100
BASIS_LENGTH_MAX = 400
OPEN_OFFERS_MAX = 20


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
    only settled terms can be accepted in advance. Refuses, all at once where it can: a template there is none of (naming those there are), a price or variables that
    cannot be taken, a price on open terms, open data beside a price, a municipality's price: it needs its basis, and
    public money does not pass through the exchange (地方自治法 243条の2: only a designated agent collects it).
    """
    _must_prepare(listing, by)
    errors: dict[str, list[Words]] = {}
    found = _try(errors, lambda: guideline.offered(template, version=template_version))
    parsed = _try(errors, lambda: pricing.parse(price))
    errors |= _name_errors(name, price_basis)
    if parsed is not None:
        errors |= _municipal_errors(listing, parsed, price_basis)
    if found is not None and parsed is not None:
        errors |= _open_errors(listing, found, parsed)
        _try(errors, lambda: _check_variables(found, parsed, listing, variables))
        errors |= _open_variable_errors(found, variables, open_variables, auto_accept)
    errors |= _receiver_errors(listing, for_organization_id)
    answers = _try(errors, lambda: guideline.checklist.answers("provider", checklist or {}))
    if errors or found is None or parsed is None:
        raise Invalid(errors)
    if len(queries.offers_of(listing.id)) >= OPEN_OFFERS_MAX:
        raise Invalid({"name": [text("1つの掲載に出せる提供条件は %(most)s 件までです。", most=OPEN_OFFERS_MAX)]})
    offer = Offer(
        id=new_id(),
        listing_id=listing.id,
        listing=listing,
        name=name.strip(),
        template_key=found.key,
        template_version=found.version,
        pricing=pricing.as_json(parsed),
        variables=dict(variables),
        open_variables=sorted(set(open_variables)),
        auto_accept=auto_accept,
        for_organization_id=for_organization_id,
        checklist=answers,
        price_basis=(price_basis or "").strip() or None,
        payment=getattr(parsed, "payment", "on_activation"),
        state="open",
        created_at=at,
        created_by=by.id,
    )
    session.add(offer)
    _record("offer.add", offer, by, at)
    tell_listing(listing)
    return offer


def close_offer(offer: Offer, *, by: Member, at: datetime) -> Offer:
    """offer: open → closed. Contracts made on it keep their terms; nobody can request another."""
    _must_prepare(offer.listing, by)
    session.refresh(offer, attribute_names=["state"], with_for_update=True)
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


def _open_variable_errors(
    template: Template, fixed: Mapping[str, Any], left_open: Sequence[str], auto_accept: bool
) -> dict[str, list[Words]]:
    known = {v.key for v in template.variables}
    unknown = sorted(set(left_open) - known)
    both = sorted(set(left_open) & fixed.keys())
    if unknown:
        return {"open_variables": [text("このひな型にない項目です：%(names)s", names=", ".join(unknown)[:200])]}
    if both:
        return {"open_variables": [text("値を決めた項目は、利用者に任せられません：%(names)s", names=", ".join(both))]}
    if auto_accept and left_open:
        return {"auto_accept": [text("利用者に任せる項目があるときは、自動で承諾できません。")]}
    return {}


def _receiver_errors(listing: Listing, organization_id: str | None) -> dict[str, list[Words]]:
    if organization_id is None:
        return {}
    found = people.organizations_by_id([organization_id]).get(organization_id)
    if found is None or not found.is_verified or found.kind == "operator" or found.id == listing.provider_id:
        return {"for_organization_id": [text("提供条件を示す相手の組織が見つかりません。")]}
    return {}


def _try(errors: dict[str, list[Words]], read: Any) -> Any:
    """What `read` gives, or None with its complaints collected."""
    try:
        return read()
    except Invalid as refusal:
        for field, messages in refusal.errors.items():
            errors.setdefault(field, []).extend(messages)
        return None


def _name_errors(name: str, basis: str | None) -> dict[str, list[Words]]:
    errors: dict[str, list[Words]] = {}
    if not name.strip() or len(name) > NAME_LENGTH_MAX:
        errors["name"] = [text("名前を %(most)s 文字以内で入力してください。", most=NAME_LENGTH_MAX)]
    elif why := printable.complaint(name):
        errors["name"] = [why]
    if basis and len(basis) > BASIS_LENGTH_MAX:
        errors["price_basis"] = [text("%(most)s 文字以内で入力してください。", most=BASIS_LENGTH_MAX)]
    return errors


def _municipal_errors(listing: Listing, price: Pricing, basis: str | None) -> dict[str, list[Words]]:
    if listing.provider.kind != "municipality" or pricing.is_free(price):
        return {}
    errors: dict[str, list[Words]] = {
        "pricing": [
            text(
                "自治体の有償の提供条件は、まだ受け付けていません。公金は指定公金事務取扱者でなければ扱えず"
                "（地方自治法第243条の2）、この取引市場を経由させることができないためです。無償の提供条件は設定できます。"
            )
        ]
    }
    if not (basis or "").strip():
        errors["price_basis"] = [text("自治体の対価には、その根拠（条例、財産の貸付け、契約）の記載が必要です。")]
    return errors


def _open_errors(listing: Listing, template: Template, price: Pricing) -> dict[str, list[Words]]:
    """Open data is free and without sign-in: no price on it, and none beside it (官民データ活用推進基本法の基本指針)."""
    if template.is_open and price.model != "free":
        return {
            "pricing": [text("オープンな利用条件（%(name)s）には、無料だけを設定できます。", name=template.name.ja)]
        }
    others = [guideline.template(o.template_key).is_open for o in queries.offers_of(listing.id)]
    if template.is_open and False in others:
        return {"template": [text("契約による提供条件があるため、オープンな利用条件を追加できません。")]}
    if template.is_open and listing.visibility != "public":
        return {"template": [text("公開範囲を限った掲載には、オープンな利用条件を設定できません。")]}
    if not template.is_open and True in others:
        return {
            "template": [text("オープンデータとして公開しているため、ほかの提供条件を追加できません。")],
        }
    return {}


def _check_variables(template: Template, price: Pricing, listing: Listing, given: Mapping[str, Any]) -> None:
    deal = Deal(price.model, listing.provider.kind, listing.data_class or "")
    values = parts.complete(template, given, deal=deal)
    if given.get("starts_on"):
        raise Invalid({"variables.starts_on": [text("利用を始める日は、利用者が申込みのときに選びます。")]})
    printable.require({f"variables.{v.key}": str(values[v.key]) for v in template.variables if v.type == "text"})


def _record(deed: str, offer: Offer, by: Member, at: datetime) -> None:
    session.flush()
    detail = {"offer": offer.id, "template": offer.template_key, "pricing": offer.pricing}
    subject, organization = f"listing/{offer.listing_id}", by.organization_id
    audit.record(deed, actor=by.id, subject=subject, at=at, organization=organization, detail=detail)
