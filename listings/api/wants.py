"""The board of wanted data over JSON."""

from typing import Any

from exchange import clock
from exchange.web import api
from exchange.web.access import me, signed_in
from listings import actions, queries, schemas

door = api.blueprint("needs", "The board of wanted data.")
NeedsPage = api.page_of(schemas.NeedItem)


@door.route("/needs")
@signed_in()
@door.arguments(schemas.NeedsArgs, location="query")
@door.response(200, NeedsPage)
def board(args: dict[str, Any]) -> Any:
    """What is wanted, the newest first."""
    found = queries.wants(**args)
    return {"items": [schemas.need_answer(want) for want in found.items], "next_cursor": found.next_cursor}


@door.route("/needs", methods=["POST"])
@signed_in()
@api.errors(409)
@door.arguments(schemas.NewNeed)
@door.response(201, schemas.NeedItem)
def post(body: dict[str, Any]) -> Any:
    """Say what is wanted; holders of the theme and the area are told."""
    return schemas.need_answer(actions.want(body, by=me(), at=clock.now()))  # type: ignore[arg-type]


@door.route("/needs/<want_id>")
@signed_in()
@door.response(200, schemas.NeedItem)
def show(want_id: str) -> Any:
    """One want with who joined and what was answered."""
    return schemas.need_answer(queries.want(want_id))


@door.route("/needs/<want_id>/join", methods=["POST"])
@signed_in()
@api.errors(409)
@door.arguments(schemas.JoinNote)
@door.response(200, schemas.NeedItem)
def join(body: dict[str, Any], want_id: str) -> Any:
    """Want the same."""
    return schemas.need_answer(actions.join(queries.want(want_id), note=body["note"], by=me(), at=clock.now()))


@door.route("/needs/<want_id>/answers", methods=["POST"])
@signed_in()
@api.errors(409)
@door.arguments(schemas.NeedAnswer)
@door.response(201, schemas.NeedItem)
def answer(body: dict[str, Any], want_id: str) -> Any:
    """Answer with a listing of one's own, a date, or a no with its reason."""
    actions.answer_want(queries.want(want_id), body, by=me(), at=clock.now())  # type: ignore[arg-type]
    return schemas.need_answer(queries.want(want_id))


@door.route("/needs/<want_id>/close", methods=["POST"])
@signed_in()
@api.errors(409)
@door.arguments(schemas.Nothing)
@door.response(200, schemas.NeedItem)
def close(body: dict[str, Any], want_id: str) -> Any:
    """End one's own want."""
    return schemas.need_answer(actions.close_want(queries.want(want_id), by=me(), at=clock.now()))
