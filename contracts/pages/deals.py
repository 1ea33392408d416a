"""Where does it stand, whose turn is it? A member's contracts, each with its papers."""

from typing import Any

from flask import Blueprint, Response, render_template, request

from contracts import guideline, queries, rules
from contracts.models import Contract
from contracts.pages import shown, standing, versions
from contracts.pages.deeds import DEEDS, open_to_me
from exchange.errors import text
from exchange.web.access import me, signed_in

blueprint = Blueprint("deals", __name__, url_prefix="/desk/contracts")
GROUPS = {
    "open": ("requested", "countered", "accepted"),
    "running": ("active", "suspended"),
    "over": ("terminated", "declined", "rejected", "expired", "ended"),
}
GROUP_TITLES = {"": text("すべて"), "open": text("手続き中"), "running": text("契約中"), "over": text("終了")}


@blueprint.get("")
@signed_in()
def index() -> Any:
    """One's own contracts, the newest first, by where they stand."""
    group = request.args.get("group", "")
    group = group if group in GROUPS else ""
    page = queries.contracts_seen_by(me(), states=GROUPS.get(group, ()), cursor=request.args.get("cursor"))
    return render_template(
        "contracts/index.html",
        contracts=[(c, shown.price(c.pricing), standing.state_label(c), rules.side_of(me(), c)) for c in page.items],
        page=page,
        group=group,
        groups=GROUP_TITLES,
        waiting={c.id for c in queries.contracts_waiting_for(me())},
        may_set_policy=not me().is_operator and "owner" in me().roles,
    )


# What is done at the top of the page, the first as its main action; the rest stands where it belongs.
FIRST = ("confirm", "accept", "sign", "delete", "resume")


@blueprint.get("/<contract_id>")
@signed_in()
def show(contract_id: str) -> Any:
    """State in a sentence, steps, parties, key terms, document, files with usage and cost, timeline."""
    contract = queries.contract_seen_by(me(), contract_id)
    side, content, open_ = rules.side_of(me(), contract), shown.contract_content(contract), open_to_me(contract)
    title, kind = standing.state_label(contract)
    ahead = rules.renewal(contract)
    return render_template(
        "contracts/show.html",
        contract=contract,
        side=side,
        state=title,
        kind=kind,
        sentence=standing.sentence(contract, side),
        open=open_,
        first=[deed for deed in FIRST if deed in open_],
        pages=DEEDS,
        steps=standing.steps(contract),
        timeline=standing.timeline(contract),
        terms=shown.key_terms(contract, content),
        deviations=shown.deviations(content),
        changes=_last_changes(contract),
        rounds=versions.rounds(contract) if contract.version > 1 else [],
        signatures=standing.signatures(contract),
        unsigned=[standing.party(contract, s) for s in contract.unsigned] if contract.state == "accepted" else [],
        ahead=ahead,
        ahead_words=standing.renewal_words(contract, ahead) if ahead else "",
        price=shown.price(contract.pricing),
        template=guideline.template(contract.template_key),
        said=shown.said,
    )


def _last_changes(contract: Contract) -> list[tuple[str, str, str]]:
    if contract.version < 2:
        return []
    return versions.changes(queries.round_of(contract, contract.version - 1), queries.round_of(contract))


@blueprint.get("/<contract_id>/document")
@signed_in()
def document(contract_id: str) -> Response:
    """The document as a page."""
    return Response(queries.document(queries.contract_seen_by(me(), contract_id), "text/html"), mimetype="text/html")


@blueprint.get("/<contract_id>/document.pdf")
@signed_in()
def document_pdf(contract_id: str) -> Response:
    """The document as PDF."""
    body = queries.document(queries.contract_seen_by(me(), contract_id), "application/pdf")
    return Response(body, mimetype="application/pdf")


@blueprint.get("/<contract_id>/signatures/<signature_id>.pdf")
@signed_in()
def scan(contract_id: str, signature_id: str) -> Response:
    """The scan kept with a signature. It came from a party, so it is never opened in the site's own window."""
    contract = queries.contract_seen_by(me(), contract_id)
    return _download(queries.scan(contract, signature_id), f"{contract.number}-signature.pdf")


@blueprint.get("/<contract_id>/deletion.pdf")
@signed_in()
def deletion_pdf(contract_id: str) -> Response:
    """The certificate that the data were deleted."""
    contract = queries.contract_seen_by(me(), contract_id)
    return _download(queries.deletion_certificate(contract), f"{contract.number}-deletion.pdf")


def _download(body: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(body, mimetype="application/pdf", headers=headers)
