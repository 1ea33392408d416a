"""Holders' own storage places over JSON. Administrators see none of them."""

from typing import Any

from exchange import clock
from exchange.web import api
from exchange.web.access import me, signed_in
from listings import actions, queries, schemas

door = api.blueprint("places", "Storage places: a holder's own bucket.")


@door.route("/places")
@signed_in("owner", "data_officer")
@door.response(200, schemas.PlacesAnswer)
def index() -> Any:
    """The storage places of your organization."""
    return {"items": [schemas.place_answer(place) for place in queries.places_of(me().organization_id)]}


@door.route("/places", methods=["POST"])
@signed_in("owner")
@door.arguments(schemas.NewPlace)
@door.response(201, schemas.PlaceAnswer)
def register(body: dict[str, Any]) -> Any:
    """Register a bucket of your own under one prefix; what it lets the exchange do is looked at in the background."""
    return schemas.place_answer(actions.register_place(body, by=me(), at=clock.now()))


@door.route("/places/<place_id>")
@signed_in("owner", "data_officer")
@door.response(200, schemas.PlaceAnswer)
def show(place_id: str) -> Any:
    """One storage place, with what was found there and what to do."""
    return schemas.place_answer(queries.place_seen_by(me(), place_id))


@door.route("/places/<place_id>", methods=["PATCH"])
@signed_in("owner")
@api.errors(409)
@door.arguments(schemas.PlaceChange)
@door.response(200, schemas.PlaceAnswer)
def change(body: dict[str, Any], place_id: str) -> Any:
    """Change key, role, log or name; it is looked at again."""
    place = queries.place_seen_by(me(), place_id)
    return schemas.place_answer(actions.change_place(place, body, by=me(), at=clock.now()))


@door.route("/places/<place_id>/check", methods=["POST"])
@signed_in("owner")
@api.errors(409)
@door.arguments(schemas.Nothing)
@door.response(202, schemas.PlaceAnswer)
def check(body: dict[str, Any], place_id: str) -> Any:
    """Have it looked at again."""
    place = queries.place_seen_by(me(), place_id)
    return schemas.place_answer(actions.look_again(place, by=me(), at=clock.now()))


@door.route("/places/<place_id>", methods=["DELETE"])
@signed_in("owner")
@api.errors(409)
@door.response(204)
def close(place_id: str) -> None:
    """Close a storage place from which nothing is offered; its secret is deleted."""
    actions.close_place(queries.place_seen_by(me(), place_id), by=me(), at=clock.now())
