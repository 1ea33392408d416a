"""Templates, offers and contracts over JSON."""

from typing import Any

from flask import Response, request

from contracts import actions, guideline, queries, schemas
from contracts.models import Contract
from exchange import clock
from exchange.web import api
from exchange.web.access import me, public, signed_in
from listings import queries as listings

blueprint = api.blueprint("contracts", "Templates, offers and contracts.")
ContractPage = api.page_of(schemas.ContractAnswer)
TemplatePage = api.page_of(schemas.TemplateItem)
DOCUMENT_TYPES = ("application/pdf", "text/html", "application/ld+json")


@blueprint.route("/contract-templates")
@public
@blueprint.response(200, TemplatePage)
def templates() -> Any:
    """The standard templates that offers can name."""
    return {"items": [schemas.template_item(t) for t in guideline.TEMPLATES.values()], "next_cursor": None}


@blueprint.route("/contract-templates/<key>")
@public
@blueprint.response(200, schemas.TemplateAnswer)
def template(key: str) -> Any:
    """A template with its clauses and variables."""
    return schemas.template_answer(guideline.template(key))


@blueprint.route("/listings/<listing_id>/offers", methods=["POST"])
@signed_in()
@api.errors(409, 422)
@blueprint.arguments(schemas.NewOffer)
@blueprint.response(201, schemas.OfferAnswer)
def add_offer(body: dict[str, Any], listing_id: str) -> Any:
    """Add an offer to one's own listing. Contracts made on others keep their terms."""
    listing = listings.listing_seen_by(me(), listing_id)
    price = body.pop("pricing")
    return schemas.offer_answer(actions.add_offer(listing, price=price, by=me(), at=clock.now(), **body))


@blueprint.route("/offers/<offer_id>/close", methods=["POST"])
@signed_in()
@api.errors(409)
@blueprint.arguments(schemas.NoFields)
@blueprint.response(200, schemas.OfferAnswer)
def close_offer(body: dict[str, Any], offer_id: str) -> Any:
    """Close an offer: nobody can request it any more."""
    return schemas.offer_answer(actions.close_offer(queries.offer_seen_by(me(), offer_id), by=me(), at=clock.now()))


@blueprint.route("/contracts")
@signed_in()
@blueprint.arguments(schemas.ContractArgs, location="query")
@blueprint.response(200, ContractPage)
def contracts(args: dict[str, Any]) -> Any:
    """One's own organization's contracts, the newest first; administrators see all."""
    state = args.pop("state")
    found = queries.contracts_seen_by(me(), states=[state] if state else [], **args)
    return schemas.page_answer(found.items, found.next_cursor, me())


@blueprint.route("/contracts", methods=["POST"])
@signed_in()
@api.errors(404, 409, 422)
@blueprint.arguments(schemas.NewContract)
@blueprint.response(201, schemas.ContractAnswer)
def request_contract(body: dict[str, Any]) -> Any:
    """Request a contract on an offer; the provider answers next."""
    offer = queries.offer_seen_by(me(), body.pop("offer_id"))
    return _answer(actions.request(offer, remote=request.remote_addr, by=me(), at=clock.now(), **body))


@blueprint.route("/contracts/<contract_id>")
@signed_in()
@blueprint.response(200, schemas.ContractAnswer)
def show(contract_id: str) -> Any:
    """A contract with its history and where its document is."""
    return _answer(_mine(contract_id))


def _mine(contract_id: str) -> Contract:
    return queries.contract_seen_by(me(), contract_id)


def _answer(contract: Contract) -> dict[str, Any]:
    return schemas.contract_answer(contract, me())


@blueprint.route("/contracts/<contract_id>/accept", methods=["POST"])
@signed_in()
@api.errors(409, 422)
@blueprint.arguments(schemas.AcceptBody)
@blueprint.response(200, schemas.ContractAnswer)
def accept(body: dict[str, Any], contract_id: str) -> Any:
    """Accept the version on the table; the administrators decide next."""
    contract = _mine(contract_id)
    return _answer(actions.accept(contract, remote=request.remote_addr, by=me(), at=clock.now(), **body))


@blueprint.route("/contracts/<contract_id>/confirm", methods=["POST"])
@signed_in()
@api.errors(409)
@blueprint.arguments(schemas.NoFields)
@blueprint.response(200, schemas.ContractAnswer)
def confirm(body: dict[str, Any], contract_id: str) -> Any:
    """Confirm, as an owner of the buyer, a request above the amount the organization set."""
    return _answer(actions.confirm(_mine(contract_id), by=me(), at=clock.now()))


@blueprint.route("/contracts/<contract_id>/signature", methods=["POST"])
@signed_in()
@api.errors(409, 422)
@blueprint.arguments(schemas.SignatureBody)
@blueprint.response(200, schemas.ContractAnswer)
def sign(body: dict[str, Any], contract_id: str) -> Any:
    """Record a municipality's signature, without which its contract does not become active."""
    return _answer(actions.sign(_mine(contract_id), by=me(), at=clock.now(), **body))


@blueprint.route("/contracts/<contract_id>/refuse-renewal", methods=["POST"])
@signed_in()
@api.errors(409, 422)
@blueprint.arguments(schemas.ContractReason)
@blueprint.response(200, schemas.ContractAnswer)
def refuse_renewal(body: dict[str, Any], contract_id: str) -> Any:
    """Say that a term which renews itself shall not (either party)."""
    return _answer(actions.refuse_renewal(_mine(contract_id), by=me(), at=clock.now(), **body))


@blueprint.route("/contracts/<contract_id>/renewal-ground", methods=["POST"])
@signed_in()
@api.errors(409, 422)
@blueprint.arguments(schemas.GroundBody)
@blueprint.response(200, schemas.ContractAnswer)
def renewal_ground(body: dict[str, Any], contract_id: str) -> Any:
    """Record on what ground a municipal buyer is bound past 31 March."""
    return _answer(actions.record_renewal_ground(_mine(contract_id), by=me(), at=clock.now(), **body))


@blueprint.route("/contracts/<contract_id>/deletion", methods=["POST"])
@signed_in()
@api.errors(409, 422)
@blueprint.arguments(schemas.DeletionBody)
@blueprint.response(200, schemas.ContractAnswer)
def deletion(body: dict[str, Any], contract_id: str) -> Any:
    """State that the data were deleted after the end (buyer)."""
    return _answer(actions.certify_deletion(_mine(contract_id), by=me(), at=clock.now(), **body))


@blueprint.route("/contracts/<contract_id>/counter", methods=["POST"])
@signed_in()
@api.errors(409, 422)
@blueprint.arguments(schemas.CounterBody)
@blueprint.response(200, schemas.ContractAnswer)
def counter(body: dict[str, Any], contract_id: str) -> Any:
    """Propose other terms; the other side answers next."""
    contract = _mine(contract_id)
    return _answer(actions.counter(contract, remote=request.remote_addr, by=me(), at=clock.now(), **body))


@blueprint.route("/contracts/<contract_id>/approve", methods=["POST"])
@signed_in()
@api.errors(409)
@blueprint.arguments(schemas.NoFields)
@blueprint.response(200, schemas.ContractAnswer)
def approve(body: dict[str, Any], contract_id: str) -> Any:
    """Approve what the parties agreed on (administrators)."""
    return _answer(actions.approve(_mine(contract_id), by=me(), at=clock.now()))


@blueprint.route("/contracts/<contract_id>/return", methods=["POST"])
@signed_in()
@api.errors(409, 422)
@blueprint.arguments(schemas.ReturnBody)
@blueprint.response(200, schemas.ContractAnswer)
def return_(body: dict[str, Any], contract_id: str) -> Any:
    """Send a contract back to one party, with a reason (administrators)."""
    return _answer(actions.return_(_mine(contract_id), by=me(), at=clock.now(), **body))


@blueprint.route("/contracts/<contract_id>/reject", methods=["POST"])
@signed_in()
@api.errors(409, 422)
@blueprint.arguments(schemas.ContractReason)
@blueprint.response(200, schemas.ContractAnswer)
def reject(body: dict[str, Any], contract_id: str) -> Any:
    """Refuse a contract, with a reason (administrators)."""
    return _answer(actions.reject(_mine(contract_id), by=me(), at=clock.now(), **body))


@blueprint.route("/contracts/<contract_id>/decline", methods=["POST"])
@signed_in()
@api.errors(409, 422)
@blueprint.arguments(schemas.ContractReason)
@blueprint.response(200, schemas.ContractAnswer)
def decline(body: dict[str, Any], contract_id: str) -> Any:
    """Decline a contract before it is agreed, with a reason (either party)."""
    return _answer(actions.decline(_mine(contract_id), by=me(), at=clock.now(), **body))


@blueprint.route("/contracts/<contract_id>/suspend", methods=["POST"])
@signed_in()
@api.errors(409, 422)
@blueprint.arguments(schemas.ContractReason)
@blueprint.response(200, schemas.ContractAnswer)
def suspend(body: dict[str, Any], contract_id: str) -> Any:
    """Stop delivery for now, with a reason (provider, administrators)."""
    return _answer(actions.suspend(_mine(contract_id), by=me(), at=clock.now(), **body))


@blueprint.route("/contracts/<contract_id>/resume", methods=["POST"])
@signed_in()
@api.errors(409, 422)
@blueprint.arguments(schemas.ContractReason)
@blueprint.response(200, schemas.ContractAnswer)
def resume(body: dict[str, Any], contract_id: str) -> Any:
    """Let delivery go on, by the side that stopped it."""
    return _answer(actions.resume(_mine(contract_id), by=me(), at=clock.now(), **body))


@blueprint.route("/contracts/<contract_id>/terminate", methods=["POST"])
@signed_in()
@api.errors(409, 422)
@blueprint.arguments(schemas.TerminateBody)
@blueprint.response(200, schemas.ContractAnswer)
def terminate(body: dict[str, Any], contract_id: str) -> Any:
    """End a contract now or after the cure period, with a reason."""
    return _answer(actions.terminate(_mine(contract_id), by=me(), at=clock.now(), **body))


@blueprint.route("/contracts/<contract_id>/document")
@signed_in()
@api.offers(*DOCUMENT_TYPES)
@blueprint.response(200, content_type="application/pdf")
def document(contract_id: str) -> Any:
    """The contract as PDF, page or ODRL by the Accept header; a draft marked 案 before it is active."""
    contract = _mine(contract_id)
    wanted = request.accept_mimetypes.best_match(DOCUMENT_TYPES) or DOCUMENT_TYPES[0]
    return _in_form(contract, wanted)


def _in_form(contract: Contract, media_type: str) -> Response:
    name = f"{contract.number}{'-draft' if contract.is_draft else ''}.pdf"
    headers = {"Content-Disposition": f'inline; filename="{name}"'} if media_type == "application/pdf" else {}
    return Response(queries.document(contract, media_type), mimetype=media_type, headers=headers)
