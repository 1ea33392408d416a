"""The JSON doors of delivery: links, usage, limits, open data."""

import json
from typing import Any

from flask import redirect, request
from werkzeug.wrappers import Response

from contracts.queries import contract_seen_by
from delivery import actions, profiles, provisions, queries, rules, schemas, standing
from exchange import clock
from exchange.errors import Forbidden, text
from exchange.identity.queries import digest
from exchange.web import access, api
from exchange.web.access import me, me_or_none, public, signed_in

blueprint = api.blueprint("delivery", "Delivery: presigned links, and what really left.")


def _created(body: Any) -> Response:
    return Response(json.dumps(body, ensure_ascii=False), status=201, mimetype="application/json")


def _request(contract_id: str) -> object | None:
    """What makes a request for a link the same as one before; None where it cannot be."""
    secret, length = access.bearer_secret(), request.content_length or 0
    if secret is None or length > standing.REQUEST_LENGTH_MAX or request.query_string:
        return None
    return digest(secret), contract_id, request.get_data()


def _link_again(contract_id: str) -> Response | None:
    key = None if "Idempotency-Key" in request.headers else _request(contract_id)
    holder = standing.holder(key) if key else None
    if holder is None:
        return None
    access.take_turn(holder)
    link = standing.draw_again(key, at=clock.now())
    if link is None:
        return None
    access.enter(holder)
    return _created(schemas.link_answer(link))


@blueprint.route("/contracts/<contract_id>/links", methods=["POST"])
@access.shortcut(_link_again)
@signed_in()
@api.errors(409)
@blueprint.arguments(schemas.NewLink())
@blueprint.response(201, schemas.LinkAnswer)
def issue_link(body: dict[str, Any], contract_id: str) -> Response:
    """A presigned URL for a file under a contract in force: five minutes, fifteen at most."""
    asked = actions.Asked(file_ids=(body.pop("file_id"),), **body, remote=request.remote_addr)
    by, token_id = access.caller(), access.token_id()
    link = standing.draw(_request(contract_id), contract_id, asked, by=by, token_id=token_id, at=clock.now())
    return _created(schemas.link_answer(link))


@blueprint.route("/contracts/<contract_id>/links/batch", methods=["POST"])
@signed_in()
@api.errors(409)
@blueprint.arguments(schemas.NewLinks)
@blueprint.response(201, schemas.LinksAnswer)
def issue_links(body: dict[str, Any], contract_id: str) -> Response:
    """Presigned URLs for up to 10,000 files, all of them or none."""
    links = actions.issue_links(
        contract_id, **body, token_id=access.token_id(), remote=request.remote_addr, by=access.caller(), at=clock.now()
    )
    return _created({"items": [schemas.link_answer(link) for link in links]})


@blueprint.route("/contracts/<contract_id>/usage")
@signed_in()
@blueprint.arguments(schemas.UsageArgs, location="query")
@blueprint.response(200, schemas.UsageAnswer)
def usage(args: dict[str, Any], contract_id: str) -> Any:
    """What was delivered under a contract: links, bytes, downloads, and the request lines behind every figure."""
    contract = contract_seen_by(me(), contract_id)
    when = queries.period(first=args["first"], last=args["last"], at=clock.now())
    page = queries.grants_of(contract.id, when, limit=args["limit"], cursor=args["cursor"])
    lines = queries.lines_of(grant.id for grant in page.items)
    return {
        "items": [schemas.usage_answer(grant, lines.get(grant.id, [])) for grant in page.items],
        "next_cursor": page.next_cursor,
        "totals": schemas.totals_answer(queries.totals_of(contract, when)),
    }


@blueprint.route("/provision-records")
@signed_in()
@blueprint.arguments(schemas.RecordArgs, location="query")
@blueprint.response(200, schemas.RecordsAnswer)
def provision_records(args: dict[str, Any]) -> Any:
    """The records of provision to third parties that one's organization keeps, the newest first."""
    return provisions.kept_by(me(), contract_id=args["contract_id"], limit=args["limit"], cursor=args["cursor"])


@blueprint.route("/contracts/<contract_id>/profile", methods=["POST"])
@signed_in()
@api.errors(409)
@api.holds_secret
@blueprint.response(201, schemas.ProfileAnswer)
def issue_profile(contract_id: str) -> Response:
    """A Delta Sharing profile file for this contract alone. Its token is not shown again; a second one replaces it."""
    profile, secret = profiles.issue_profile(contract_seen_by(me(), contract_id), by=me(), at=clock.now())
    return _created(schemas.profile_answer(profile, secret, origin=request.host_url))


@blueprint.route("/contracts/<contract_id>/profile", methods=["DELETE"])
@signed_in()
@blueprint.response(204)
def revoke_profile(contract_id: str) -> None:
    """End the profile of a contract, and every link drawn with it that still runs."""
    profiles.revoke_profile(contract_seen_by(me(), contract_id), by=me(), at=clock.now())


@blueprint.route("/contracts/<contract_id>/named-users")
@signed_in()
@blueprint.response(200, schemas.NamedUsersAnswer)
def show_named_users(contract_id: str) -> Any:
    """Who of the buyer may draw links under a contract of level L3, for the buyer's own members."""
    contract = contract_seen_by(me(), contract_id)
    if me().organization_id != contract.buyer_id:
        raise Forbidden(text("受け取る人の名簿を読めるのは、契約の利用者だけです。"))
    return {"emails": [named.member.email for named in queries.named_users(contract.id)]}


@blueprint.route("/contracts/<contract_id>/named-users", methods=["PUT"])
@signed_in()
@api.errors(409)
@blueprint.arguments(schemas.NamedUsersBody)
@blueprint.response(200, schemas.NamedUsersAnswer)
def name_users(body: dict[str, Any], contract_id: str) -> Any:
    """Name them, all at once; whoever is not among them may draw no links from now on."""
    contract = contract_seen_by(me(), contract_id)
    actions.name_users(contract, body["emails"], by=me(), at=clock.now())
    return {"emails": [named.member.email for named in queries.named_users(contract.id)]}


@blueprint.route("/contracts/<contract_id>/limits")
@signed_in()
@blueprint.response(200, schemas.LimitsAnswer)
def show_limits(contract_id: str) -> Any:
    """The limits for a month that the buyer set under a contract."""
    contract = contract_seen_by(me(), contract_id)
    return queries.limits(contract.id) or rules.Limits()


@blueprint.route("/contracts/<contract_id>/limits", methods=["PUT"])
@signed_in()
@blueprint.arguments(schemas.LimitsBody)
@blueprint.response(200, schemas.LimitsAnswer)
def set_limits(body: dict[str, Any], contract_id: str) -> Any:
    """Set the most a month may hold; a link that would pass it is refused (429) with the figures."""
    contract = contract_seen_by(me(), contract_id)
    return actions.set_limits(contract, rules.Limits(**body), by=me(), at=clock.now())


@blueprint.route("/listings/<listing_id>/files/<file_id>/content")
@public
@api.errors(403, 409)
@blueprint.arguments(schemas.ContentArgs, location="query")
@blueprint.response(307, description="To a presigned URL of the file.")
def content(args: dict[str, Any], listing_id: str, file_id: str) -> Response:
    """A file of open data, for anyone, without a contract."""
    link = actions.issue_open_link(
        listing_id, file_id, **args, remote=request.remote_addr, by=me_or_none(), at=clock.now()
    )
    return redirect(link.url, 307)
