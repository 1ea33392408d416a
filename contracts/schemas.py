"""What comes in and goes out of the JSON doors of contracts."""

from collections.abc import Sequence
from typing import Any

from marshmallow import fields, validate

from contracts import guideline, pricing, queries, rules
from contracts.actions import deals, decisions, proposals, steps
from contracts.guideline.parts import Clause, Template, Variable
from contracts.models import Contract, ContractEvent, Offer
from exchange.identity.models import Member, Organization
from exchange.web.api import Answer, PageArgs, Schema
from exchange.web.presentation import locale

VARIABLES_MAX = 200
SIDES = ("buyer", "provider")


def _texts(most: int, **more: Any) -> fields.String:
    return fields.String(validate=validate.Length(max=most), **more)


class NewOffer(Schema):
    """A new offer: template, price, the variables the provider fixes."""

    name = fields.String(required=True, validate=validate.Length(1, proposals.NAME_LENGTH_MAX))
    template = fields.String(
        required=True,
        validate=validate.Length(1, 100),
        metadata={"description": "A template key, as `GET /contract-templates` lists them."},
    )
    pricing = fields.Dict(
        required=True,
        keys=fields.String(),
        metadata={
            "description": "`model` is one of free, one_off, subscription, metered, revenue_share. Prices are whole yen "
            "from 0 to 10^12 without tax; unit prices and percentages are decimal strings."
        },
    )
    variables = fields.Dict(load_default=dict, keys=fields.String(), validate=validate.Length(max=VARIABLES_MAX))
    price_basis = _texts(proposals.BASIS_LENGTH_MAX, load_default=None, allow_none=True)
    template_version = fields.String(load_default=None, allow_none=True, validate=validate.Length(1, 20))
    open_variables = fields.List(
        fields.String(validate=validate.Length(1, 60)),
        load_default=list,
        validate=validate.Length(max=VARIABLES_MAX),
        metadata={"description": "Keys of variables left to the buyer, beside those the template leaves to it."},
    )
    auto_accept = fields.Boolean(
        load_default=False,
        truthy={True},
        falsy={False},
        metadata={"description": "Requests that change nothing are accepted at once; not with open variables."},
    )
    for_organization_id = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(1, 100),
        metadata={"description": "A private offer: this organization alone sees it."},
    )
    checklist = fields.Dict(load_default=dict, keys=fields.String(), validate=validate.Length(max=VARIABLES_MAX))


class NewContract(Schema):
    """A request on an offer."""

    offer_id = fields.String(required=True, validate=validate.Length(1, 100))
    purpose = fields.String(required=True, validate=validate.Length(1, deals.PURPOSE_LENGTH_MAX))
    variables = fields.Dict(load_default=dict, keys=fields.String(), validate=validate.Length(max=VARIABLES_MAX))
    accept_terms = fields.Boolean(required=True, truthy={True}, falsy={False})
    purchase_order = _texts(deals.ORDER_LENGTH_MAX, load_default=None, allow_none=True)
    checklist = fields.Dict(load_default=dict, keys=fields.String(), validate=validate.Length(max=VARIABLES_MAX))


class SignatureBody(Schema):
    """A municipality's 記名押印 or electronic signature, by what names it in its own files."""

    kind = fields.String(required=True, validate=validate.OneOf(decisions.SIGNATURE_KINDS))
    reference = fields.String(required=True, validate=validate.Length(1, decisions.SIGNATURE_TEXT_MAX))
    signed_on = fields.Date(required=True)
    signatory = fields.String(required=True, validate=validate.Length(1, decisions.SIGNATURE_TEXT_MAX))


class GroundBody(Schema):
    """債務負担行為 or 長期継続契約, with its reference."""

    ground = fields.String(required=True, validate=validate.Length(1, steps.REASON_LENGTH_MAX))


class DeletionBody(Schema):
    """When and how the data were deleted."""

    deleted_on = fields.Date(required=True)
    method = fields.String(required=True, validate=validate.Length(1, steps.REASON_LENGTH_MAX))


class AcceptBody(Schema):
    """What an acceptance may carry: the version it is of, and 決裁番号, 決裁日, 契約担当者."""

    version = fields.Integer(strict=True, load_default=None, allow_none=True, validate=validate.Range(1, 10**6))
    approval_reference = _texts(deals.INTERNAL_LENGTH_MAX, load_default=None, allow_none=True)
    approved_on = fields.Date(load_default=None, allow_none=True)
    signatory = _texts(deals.INTERNAL_LENGTH_MAX, load_default=None, allow_none=True)


class CounterBody(Schema):
    """Other terms, with a word to the other side."""

    variables = fields.Dict(required=True, keys=fields.String(), validate=validate.Length(max=VARIABLES_MAX))
    message = fields.String(required=True, validate=validate.Length(1, deals.MESSAGE_LENGTH_MAX))


class NoFields(Schema):
    """Nothing needs to be said."""


class ContractReason(Schema):
    """Why."""

    reason = fields.String(required=True, validate=validate.Length(1, steps.REASON_LENGTH_MAX))


class ReturnBody(ContractReason):
    """To whom, and why."""

    to = fields.String(required=True, validate=validate.OneOf(SIDES))


class TerminateBody(ContractReason):
    """Why, and when."""

    when = fields.String(load_default="now", validate=validate.OneOf(["now", "after_cure"]))


class ContractArgs(PageArgs):
    """How the list of contracts is asked for."""

    state = fields.String(load_default=None, validate=validate.OneOf(rules.STATES))
    side = fields.String(load_default=None, validate=validate.OneOf(SIDES))
    listing_id = fields.String(load_default=None, validate=validate.Length(1, 100))


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Words(Answer):
    """Japanese, which binds, and English, a courtesy translation."""

    ja = fields.String(required=True)
    en = fields.String(required=True)


class ChoiceAnswer(Answer):
    """One option of a variable."""

    key = fields.String(required=True)
    label = fields.Nested(Words, required=True)


class VariableAnswer(Answer):
    """A variable of a template."""

    key = fields.String(required=True)
    article = fields.Integer(required=True)
    type = fields.String(required=True)
    label = fields.Nested(Words, required=True)
    help = fields.Nested(Words, required=True)
    chosen_by = fields.String(required=True)
    choices = fields.List(fields.Nested(ChoiceAnswer), required=True)
    default = fields.Raw(required=True)
    defaults_by_pricing = fields.Dict(required=True)
    minimum = fields.Integer(required=True, allow_none=True)
    maximum = fields.Integer(required=True, allow_none=True)


class ClauseAnswer(Answer):
    """An article of a template."""

    article = fields.Integer(required=True)
    title = fields.Nested(Words, required=True)
    paragraphs = fields.List(fields.Nested(Words), required=True)
    source = fields.Nested(Words, required=True)
    confirmed = fields.Boolean(required=True)
    binds = fields.List(
        fields.String(validate=validate.OneOf(["provider", "buyer"])),
        required=True,
        metadata={"description": "Whom it binds. Terms of participation have clauses for one side alone."},
    )


class TemplateItem(Answer):
    """A template in a list."""

    key = fields.String(required=True)
    version = fields.String(required=True)
    dated = fields.Date(required=True)
    kind = fields.String(required=True)
    name = fields.String(required=True)
    names = fields.Nested(Words, required=True)
    about = fields.Nested(Words, required=True)


class TemplateAnswer(TemplateItem):
    """A template whole."""

    source = fields.Nested(Words, required=True)
    url = fields.String(required=True, allow_none=True)
    attribution = fields.Nested(Words, required=True, allow_none=True)
    clauses = fields.List(fields.Nested(ClauseAnswer), required=True)
    variables = fields.List(fields.Nested(VariableAnswer), required=True)


class OfferAnswer(Answer):
    """An offer."""

    id = fields.String(required=True)
    listing_id = fields.String(required=True)
    name = fields.String(required=True)
    template = fields.String(required=True)
    template_version = fields.String(required=True)
    template_name = fields.String(required=True)
    pricing = fields.Dict(required=True)
    price_text = fields.String(required=True)
    price_details = fields.List(fields.String(), required=True)
    example_month_jpy = fields.Integer(required=True)
    example_month_text = fields.String(required=True)
    variables = fields.Dict(required=True)
    payment = fields.String(required=True)
    price_basis = fields.String(required=True, allow_none=True)
    needs_contract = fields.Boolean(required=True)
    open_variables = fields.List(fields.String(), required=True)
    auto_accept = fields.Boolean(required=True)
    for_organization_id = fields.String(required=True, allow_none=True)
    state = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)


class OffersAnswer(Answer):
    """The offers of a listing."""

    items = fields.List(fields.Nested(OfferAnswer), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class PartyAnswer(Answer):
    """An organization."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True)


class TitledListing(Answer):
    """The listing a contract is on."""

    id = fields.String(required=True)
    title = fields.String(required=True)


class DeletionAnswer(Answer):
    """The duty to delete after the end."""

    due_on = fields.Date(required=True)
    deleted_on = fields.Date(required=True, allow_none=True)
    certified_at = fields.AwareDateTime(required=True, allow_none=True)


class HistoryItem(Answer):
    """A step in a contract's life."""

    at = fields.AwareDateTime(required=True)
    deed = fields.String(required=True)
    actor = fields.String(required=True, allow_none=True)
    side = fields.String(required=True, allow_none=True)
    from_ = fields.String(required=True, allow_none=True, data_key="from")
    to = fields.String(required=True)
    reason = fields.String(required=True)
    version = fields.Integer(required=True)


class Approvals(Answer):
    """How many administrators approved, and how many must."""

    given = fields.Integer(required=True)
    needed = fields.Integer(required=True)


class DocumentAnswer(Answer):
    """Where the document is, and the SHA-256 over its content."""

    sha256 = fields.String(required=True)
    url = fields.String(required=True)


class TemplateName(Answer):
    """The template a contract stands on."""

    key = fields.String(required=True)
    version = fields.String(required=True)
    name = fields.String(required=True)


class ContractAnswer(Answer):
    """A contract, as its parties and the administrators may see it."""

    id = fields.String(required=True)
    number = fields.String(required=True)
    state = fields.String(required=True)
    turn = fields.String(required=True, allow_none=True)
    allowed = fields.List(fields.String(), required=True)
    version = fields.Integer(required=True)
    offer_id = fields.String(required=True)
    listing_id = fields.String(required=True)
    listing = fields.Nested(TitledListing, required=True)
    release_id = fields.String(required=True, allow_none=True)
    provider = fields.Nested(PartyAnswer, required=True)
    buyer = fields.Nested(PartyAnswer, required=True)
    purpose = fields.String(required=True)
    template = fields.Nested(TemplateName, required=True)
    variables = fields.Dict(required=True)
    pricing = fields.Dict(required=True)
    price_text = fields.String(required=True)
    payment = fields.String(required=True)
    paid_at = fields.AwareDateTime(required=True, allow_none=True)
    purchase_order = fields.String(required=True, allow_none=True)
    approval_reference = fields.String(required=True, allow_none=True)
    approved_on = fields.Date(required=True, allow_none=True)
    signatory = fields.String(required=True, allow_none=True)
    approvals = fields.Nested(Approvals, required=True)
    risk_marks = fields.List(fields.String(), required=True)
    waiting_for = fields.List(
        fields.String(validate=validate.OneOf(["confirmation", "approval", "signature"])), required=True
    )
    checklist = fields.Dict(required=True)
    renewals = fields.Integer(required=True)
    renewal_refused_by = fields.String(required=True, allow_none=True)
    deletion = fields.Nested(DeletionAnswer, required=True, allow_none=True)
    requested_at = fields.AwareDateTime(required=True)
    answer_by = fields.AwareDateTime(required=True, allow_none=True)
    accepted_at = fields.AwareDateTime(required=True, allow_none=True)
    activated_at = fields.AwareDateTime(required=True, allow_none=True)
    starts_on = fields.Date(required=True, allow_none=True)
    ends_on = fields.Date(required=True, allow_none=True)
    terminates_at = fields.AwareDateTime(required=True, allow_none=True)
    ended_at = fields.AwareDateTime(required=True, allow_none=True)
    history = fields.List(fields.Nested(HistoryItem), required=True)
    document = fields.Nested(DocumentAnswer, required=True)


# ── how answers are made ─────────────────────────────────────────────────────────────────────────────────────────────

_PLAIN = (
    *("id", "number", "state", "turn", "version", "offer_id", "listing_id", "release_id", "purpose", "variables"),
    *("pricing", "payment", "paid_at", "purchase_order", "approval_reference", "approved_on", "signatory"),
    *("requested_at", "accepted_at", "activated_at", "starts_on", "ends_on", "terminates_at", "ended_at"),
    *("risk_marks", "checklist", "renewals", "renewal_refused_by", "deletion"),
)


def contract_answer(contract: Contract, member: Member) -> dict[str, Any]:
    """A contract as `member` may see it, with what they may do now."""
    is_open = contract.state in ("requested", "countered")
    template = guideline.template(contract.template_key)
    return {name: getattr(contract, name) for name in _PLAIN} | {
        "allowed": rules.allowed(member, contract),
        "listing": {"id": contract.listing_id, "title": contract.listing.title},
        "provider": party_answer(contract.provider),
        "buyer": party_answer(contract.buyer),
        "template": {
            "key": contract.template_key,
            "version": contract.template_version,
            "name": template.name.in_(locale()),
        },
        "price_text": pricing.words(pricing.parse(contract.pricing), locale()),
        "waiting_for": waiting_for(contract),
        "approvals": {"given": contract.approvals_given, "needed": contract.approvals_needed},
        "answer_by": contract.answer_by if is_open else None,
        "history": [_history(event) for event in contract.history],
        "document": {"sha256": contract.document_sha256, "url": f"/api/v1/contracts/{contract.id}/document"},
    }


def waiting_for(contract: Contract) -> list[str]:
    """What is still wanted before the contract is active, beside the parties' answers."""
    found = {
        "confirmation": contract.awaits_confirmation,
        "approval": contract.state == "accepted" and contract.approvals_given < contract.approvals_needed,
        "signature": contract.state == "accepted" and bool(contract.unsigned),
    }
    return [what for what, wanted in found.items() if wanted]


def _history(event: ContractEvent) -> dict[str, Any]:
    return {
        "at": event.at,
        "deed": event.deed,
        "actor": event.actor.organization.name if event.actor else None,
        "side": event.side,
        "from_": event.from_state,
        "to": event.to_state,
        "reason": event.reason,
        "version": event.version,
    }


def party_answer(organization: Organization) -> dict[str, Any]:
    """An organization as the other party may know it."""
    return {"id": organization.id, "name": organization.name, "kind": organization.kind}


def offer_answer(offer: Offer) -> dict[str, Any]:
    """An offer with its price in words and an example month."""
    price, template, lang = pricing.parse(offer.pricing), guideline.template(offer.template_key), locale()
    plain = ("id", "listing_id", "name", "template_version", "pricing", "variables", "payment", "price_basis", "state")
    more = ("open_variables", "auto_accept", "for_organization_id")
    return {name: getattr(offer, name) for name in (*plain, *more)} | {
        "template": offer.template_key,
        "template_name": template.name.in_(lang),
        "price_text": pricing.words(price, lang),
        "price_details": pricing.details(price, lang),
        "example_month_jpy": pricing.example_month_jpy(price),
        "example_month_text": pricing.example_words(price, lang),
        "needs_contract": not template.is_open,
        "created_at": offer.created_at,
    }


def offers_for_listing(listing: Any, member: Member | None) -> list[dict[str, Any]]:
    """The open offers of a listing that `member` may see, as JSON, for `GET /listings/{id}`."""
    return [OfferAnswer().dump(offer_answer(offer)) for offer in queries.offers_seen_by(member, listing)]


def template_item(template: Template) -> dict[str, Any]:
    """A template in a list."""
    return {
        "key": template.key,
        "version": template.version,
        "dated": template.dated,
        "kind": template.kind,
        "name": template.name.in_(locale()),
        "names": template.name,
        "about": template.about,
    }


def template_answer(template: Template) -> dict[str, Any]:
    """A template whole."""
    return template_item(template) | {
        "source": template.source,
        "url": template.url,
        "attribution": template.attribution,
        "clauses": [_clause(clause) for clause in template.clauses],
        "variables": [_variable(variable) for variable in template.variables],
    }


def _clause(clause: Clause) -> dict[str, Any]:
    plain = ("article", "title", "paragraphs", "source", "confirmed", "binds")
    return {name: getattr(clause, name) for name in plain}


def _variable(variable: Variable) -> dict[str, Any]:
    is_number = variable.type == "number"
    plain = ("key", "article", "type", "label", "help", "choices", "default")
    return {name: getattr(variable, name) for name in plain} | {
        "chosen_by": variable.chooser,
        "defaults_by_pricing": dict(variable.default_for),
        "minimum": variable.least if is_number else None,
        "maximum": variable.most if is_number else None,
    }


def page_answer(items: Sequence[Contract], next_cursor: str | None, member: Member) -> dict[str, Any]:
    """A page of contracts."""
    return {"items": [contract_answer(contract, member) for contract in items], "next_cursor": next_cursor}
