"""What an offer must be before anybody sees it, and what a draft of one must be already: every check, in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from contracts import guideline, pricing, queries
from contracts.documents import printable
from contracts.guideline import parts, topics
from contracts.guideline.parts import Deal, Template
from contracts.models import Offer
from contracts.pricing import Pricing
from exchange.errors import Invalid, Words, text
from exchange.identity import queries as people
from exchange.identity.models import Member
from listings import queries as listing_queries
from listings.models import Listing

NAME_LENGTH_MAX = 100
BASIS_LENGTH_MAX = 400
Errors = dict[str, list[Words]]
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """The parts of an offer as somebody puts them forward; none of them is checked yet."""

    name: str
    template: Any
    template_version: str | None = None
    price: Mapping[str, Any]
    price_basis: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    open_variables: Sequence[str] = ()
    auto_accept: bool = False
    for_organization_id: str | None = None
    checklist: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Checked:
    """What of a proposal had to be read to be checked."""

    template: Template
    price: Pricing | None  # None: a draft's, still to be set
    checklist: dict[str, Any]


def check(listing: Listing, given: Proposal, *, by: Member | None, draft: bool = False) -> Checked:
    """Everything that must be true of an offer on this listing; raises `Invalid` with all that is not, at once.

    A draft may say of its price no more than the model, as `{"model": "metered"}`. `by` is who answers for accepting
    by itself; None where that was settled before.
    """
    errors: Errors = {}
    template = _try(errors, lambda: guideline.offered(given.template, version=given.template_version))
    price = None if draft and _is_unpriced(given.price) else _try(errors, lambda: pricing.parse(given.price))
    errors |= _name_errors(given.name, given.price_basis)
    if price is not None:
        errors |= _municipal_errors(listing, price, given.price_basis)
    model = str(given.price.get("model"))
    if template is not None and model in pricing.MODELS:
        errors |= _open_errors(listing, template, model)
        _try(errors, lambda: _check_variables(template, model, listing, given.variables))
        errors |= _open_variable_errors(template, given)
        errors |= _unmetered_errors(listing, model)
    errors |= _auto_errors(given, by) | _receiver_errors(listing, given.for_organization_id)
    answers = _try(errors, lambda: guideline.checklist.answers("provider", given.checklist))
    if errors or template is None:
        raise Invalid(errors)
    return Checked(template, price, answers or {})


def of(offer: Offer) -> Proposal:
    """An offer as it stands, to be changed or checked anew."""
    return Proposal(
        name=offer.name,
        template=offer.template_key,
        template_version=offer.template_version,
        price=offer.pricing,
        price_basis=offer.price_basis,
        variables=offer.variables,
        open_variables=offer.open_variables,
        auto_accept=offer.auto_accept,
        for_organization_id=offer.for_organization_id,
        checklist=offer.checklist,
    )


def put(given: Proposal, checked: Checked, offer: Offer) -> None:
    """Write a proposal that was checked into an offer."""
    offer.name = given.name.strip()
    offer.template_key, offer.template_version = checked.template.key, checked.template.version
    offer.pricing = pricing.as_json(checked.price) if checked.price else dict(given.price)
    offer.payment = getattr(checked.price, "payment", "on_activation")
    offer.price_basis = (given.price_basis or "").strip() or None
    offer.variables = dict(given.variables)
    offer.open_variables = sorted(set(given.open_variables))
    offer.auto_accept, offer.for_organization_id = given.auto_accept, given.for_organization_id
    offer.checklist = checked.checklist


def obstacles(listing: Listing, template: Template, model: str) -> list[Words]:
    """Why an offer on this listing cannot stand on a template under a price model, whatever else is chosen."""
    deal = Deal(model, listing.provider.kind, listing.data_class or "")
    broken = parts.broken_rules(template, parts.defaults(template, deal), deal)
    errors = _open_errors(listing, template, model) | _unmetered_errors(listing, model)
    return [words for found in errors.values() for words in found] + [parts.spoken(rule.message) for rule in broken]


def _try(errors: Errors, read: Callable[[], T]) -> T | None:
    """What `read` gives, or None with its complaints collected."""
    try:
        return read()
    except Invalid as refusal:
        for name, messages in refusal.errors.items():
            errors.setdefault(name, []).extend(messages)
        return None


def _is_unpriced(price: Mapping[str, Any]) -> bool:
    return price.keys() == {"model"} and price["model"] in pricing.MODELS and price["model"] != "free"


def _name_errors(name: str, basis: str | None) -> Errors:
    errors: Errors = {}
    if not name.strip() or len(name) > NAME_LENGTH_MAX:
        errors["name"] = [text("名前を %(most)s 文字以内で入力してください。", most=NAME_LENGTH_MAX)]
    elif why := printable.complaint(name):
        errors["name"] = [why]
    if basis and len(basis) > BASIS_LENGTH_MAX:
        errors["price_basis"] = [text("%(most)s 文字以内で入力してください。", most=BASIS_LENGTH_MAX)]
    return errors


def _municipal_errors(listing: Listing, price: Pricing, basis: str | None) -> Errors:
    """A municipality's price needs its ground (地方自治法 228条 for fees); it bills and is paid by itself (243条の2)."""
    if listing.provider.kind != "municipality" or pricing.is_free(price) or (basis or "").strip():
        return {}
    return {"price_basis": [text("自治体の対価には、その根拠（条例、財産の貸付け、契約）の記載が必要です。")]}


def _unmetered_errors(listing: Listing, model: str) -> Errors:
    """What leaves a bucket whose access log is off cannot be counted, so it is not sold by what is used of it."""
    place = listing_queries.unlogged_place(listing.id) if model == "metered" else None
    if place is None:
        return {}
    return {
        "pricing": [
            text(
                "使った分だけ払う条件は設定できません。ファイルのある保管場所「%(name)s」のアクセスログを確かめられず、"
                "届いた量を数えられないためです。保管場所のページで、アクセスログの項目を直してください。",
                name=place.name,
            )
        ]
    }


def _open_errors(listing: Listing, template: Template, model: str) -> Errors:
    """Open data is free and without sign-in: no price on it, and none beside it (官民データ活用推進基本法の基本指針)."""
    if template.is_open and model != "free":
        return {
            "pricing": [text("オープンな利用条件（%(name)s）には、無料だけを設定できます。", name=template.name.ja)]
        }
    others = [guideline.template(o.template_key).is_open for o in queries.offers_of(listing.id)]
    if template.is_open and False in others:
        return {"template": [text("契約による提供条件があるため、オープンな利用条件を追加できません。")]}
    if template.is_open and listing.visibility != "public":
        return {"template": [text("公開範囲を限った掲載には、オープンな利用条件を設定できません。")]}
    if not template.is_open and True in others:
        return {"template": [text("オープンデータとして公開しているため、ほかの提供条件を追加できません。")]}
    return {}


def _check_variables(template: Template, model: str, listing: Listing, given: Mapping[str, Any]) -> None:
    deal = Deal(model, listing.provider.kind, listing.data_class or "")
    values = parts.complete(template, given, deal=deal)
    if any(given.get(key) for key in topics.BUYERS_ALONE):
        raise Invalid({"variables.starts_on": [text("利用を始める日は、利用者が申込みのときに選びます。")]})
    printable.require({f"variables.{v.key}": str(values[v.key]) for v in template.variables if v.type == "text"})


def _open_variable_errors(template: Template, given: Proposal) -> Errors:
    known = {v.key for v in template.variables}
    unknown = sorted(set(given.open_variables) - known)
    both = sorted(set(given.open_variables) & given.variables.keys())
    if unknown:
        return {"open_variables": [text("このひな型にない項目です：%(names)s", names=", ".join(unknown)[:200])]}
    if both:
        return {"open_variables": [text("値を決めた項目は、利用者に任せられません：%(names)s", names=", ".join(both))]}
    return {}


def _auto_errors(given: Proposal, by: Member | None) -> Errors:
    """Only settled terms can be accepted in advance, and only by somebody who may accept."""
    if given.auto_accept and given.open_variables:
        return {"auto_accept": [text("利用者に任せる項目があるときは、自動で承諾できません。")]}
    if given.auto_accept and by is not None and not by.may_bind:
        return {"auto_accept": [text("自動での承諾は、組織を代表して契約できる人（契約権者）だけが設定できます。")]}
    return {}


def _receiver_errors(listing: Listing, organization_id: str | None) -> Errors:
    if organization_id is None:
        return {}
    found = people.organizations_by_id([organization_id]).get(organization_id)
    if found is None or not found.is_verified or found.kind == "operator" or found.id == listing.provider_id:
        return {"for_organization_id": [text("提供条件を示す相手の組織が見つかりません。")]}
    return {}
