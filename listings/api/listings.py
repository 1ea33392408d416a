"""Listings over JSON: catalogue, drafts, uploads, reviews, releases, recall."""

from typing import Any

from exchange import clock
from exchange.web import api
from exchange.web.access import me, me_or_none, operator, public, signed_in
from listings import actions, queries, schemas, search, uploads

door = api.blueprint("listings", "Listings: what is on offer.")


@door.route("/listings")
@public
@door.arguments(schemas.CatalogueArgs, location="query")
@door.response(200, schemas.Catalogue)
def catalogue(args: dict[str, Any]) -> Any:
    """Search the published listings; those for your organization alone only with your token."""
    return search.search(search.Search(**args), member=me_or_none())


@door.route("/listings", methods=["POST"])
@signed_in()
@api.errors(409, 422)
@door.arguments(schemas.NewListing)
@door.response(201, schemas.ListingAnswer)
def draft(body: dict[str, Any]) -> Any:
    """Draft a listing. Classes of data that may not be provided are refused with the article of law."""
    return schemas.listing_answer(actions.draft(body, by=me(), at=clock.now()), me())  # type: ignore[arg-type]


@door.route("/listings/<listing_id>")
@public
@door.response(200, schemas.ListingAnswer)
def show(listing_id: str) -> Any:
    """A listing with files, offers, provider, columns and quality."""
    return schemas.listing_answer(queries.listing_seen_by(me_or_none(), listing_id), me_or_none())


@door.route("/listings/<listing_id>", methods=["PATCH"])
@signed_in()
@api.errors(409, 422)
@door.arguments(schemas.ListingChange)
@door.response(200, schemas.ListingAnswer)
def change(body: dict[str, Any], listing_id: str) -> Any:
    """Change what is said of a listing; what was published keeps class, licence, source and theme."""
    listing = queries.listing_seen_by(me(), listing_id)
    return schemas.listing_answer(actions.change(listing, body, by=me(), at=clock.now()), me())  # type: ignore[arg-type]


@door.route("/listings/<listing_id>/files", methods=["POST"])
@signed_in()
@api.errors(409)
@door.arguments(schemas.NewFile)
@door.response(201, schemas.NewFileAnswer)
def add_file(body: dict[str, Any], listing_id: str) -> Any:
    """Announce a file and get where its bytes go: straight to the object storage."""
    listing = queries.listing_seen_by(me(), listing_id)
    file = actions.add_file(listing, by=me(), at=clock.now(), **body)
    return schemas.file_answer(file, [], inside=True) | {"upload": _upload(file)}


def _upload(file: Any) -> dict[str, Any]:
    if file.multipart:
        return {"part_size": uploads.part_size(file), "parts": uploads.part_count(file)}
    return schemas.ticket_answer(uploads.ticket(file))


@door.route("/listings/<listing_id>/files/held", methods=["POST"])
@signed_in()
@api.errors(409)
@door.arguments(schemas.HeldFiles)
@door.response(202, schemas.FilesAnswer)
def add_held_files(body: dict[str, Any], listing_id: str) -> Any:
    """Make files of objects that stay in your own storage place; each is read there once, in the background."""
    listing = queries.listing_seen_by(me(), listing_id)
    place = queries.place_seen_by(me(), body["place_id"])
    files = actions.add_held_files(listing, place, body["keys"], by=me(), at=clock.now())
    return {"items": [schemas.file_answer(file, [], inside=True) for file in files]}


@door.route("/listings/<listing_id>/files/<file_id>")
@public
@door.response(200, schemas.FileAnswer)
def show_file(listing_id: str, file_id: str) -> Any:
    """One file of a listing."""
    member = me_or_none()
    listing = queries.listing_seen_by(member, listing_id)
    file = queries.file_seen_by(member, listing_id, file_id)
    inside, quotes = queries.sees_drafts(member, listing), not (member and member.is_operator)
    return schemas.file_answer(file, file.findings if inside else [], inside=inside, quotes=quotes)


@door.route("/listings/<listing_id>/files/<file_id>", methods=["PATCH"])
@signed_in()
@api.errors(409)
@door.arguments(schemas.FileChange)
@door.response(200, schemas.FileAnswer)
def describe_file(body: dict[str, Any], listing_id: str, file_id: str) -> Any:
    """Describe the columns of a file of a draft, and choose what of its sample anyone may see."""
    file = queries.file_seen_by(me(), listing_id, file_id)
    columns = body.pop("columns", None)
    notes = {column["name"]: column["description"] for column in columns} if columns is not None else None
    actions.describe_file(file, notes=notes, by=me(), at=clock.now(), **body)
    return schemas.file_answer(file, file.findings, inside=True)


@door.route("/listings/<listing_id>/files/<file_id>", methods=["DELETE"])
@signed_in()
@api.errors(409)
@door.response(204)
def remove_file(listing_id: str, file_id: str) -> None:
    """Take a file out of a draft release."""
    actions.remove_file(queries.file_seen_by(me(), listing_id, file_id), by=me(), at=clock.now())


@door.route("/listings/<listing_id>/files/<file_id>/parts", methods=["POST"])
@signed_in()
@api.errors(409)
@door.arguments(schemas.PartNumbers)
@door.response(200, schemas.PartsAnswer)
def parts(body: dict[str, Any], listing_id: str, file_id: str) -> Any:
    """Where to send parts of an upload; URLs live an hour and may be asked for again."""
    file = queries.file_seen_by(me(), listing_id, file_id)
    actions.begin_parts(file, by=me(), at=clock.now(), **body)
    tickets = uploads.part_tickets(file, body["numbers"])
    return {"parts": [schemas.ticket_answer(ticket) | {"number": ticket.number} for ticket in tickets]}


@door.route("/listings/<listing_id>/files/<file_id>/complete", methods=["POST"])
@signed_in()
@api.errors(409)
@door.arguments(schemas.Completion)
@door.response(202, schemas.FileAnswer)
def complete(body: dict[str, Any], listing_id: str, file_id: str) -> Any:
    """Say that the bytes have arrived; they are read in the background."""
    file = queries.file_seen_by(me(), listing_id, file_id)
    sent = [(part["number"], part["etag"]) for part in body["parts"]]
    actions.complete(file, parts=sent, by=me(), at=clock.now())
    return schemas.file_answer(file, file.findings, inside=True)


@door.route("/listings/<listing_id>/files/<file_id>/recall", methods=["POST"])
@signed_in()
@api.errors(409)
@door.arguments(schemas.Reason)
@door.response(200, schemas.RecallAnswer)
def recall(body: dict[str, Any], listing_id: str, file_id: str) -> Any:
    """Stop a file that should not have gone out, at once; who received it."""
    file = queries.file_seen_by(me(), listing_id, file_id)
    received = actions.recall(file, reason=body["reason"], by=me(), at=clock.now())
    answer = schemas.file_answer(file, file.findings, inside=True, quotes=not me().is_operator)
    return answer | {"recipients": [schemas.recipient_answer(recipient) for recipient in received]}


@door.route("/listings/<listing_id>/submit", methods=["POST"])
@signed_in()
@api.errors(409)
@door.arguments(schemas.Submission)
@door.response(200, schemas.ListingAnswer)
def submit(body: dict[str, Any], listing_id: str) -> Any:
    """Hand in a draft for review; findings that look like personal data need an answer each."""
    listing = queries.listing_seen_by(me(), listing_id)
    answers = [actions.Answer(**answer) for answer in body["answers"]]
    return schemas.listing_answer(actions.submit(listing, answers=answers, by=me(), at=clock.now()), me())


@door.route("/listings/<listing_id>/publish", methods=["POST"])
@operator("approver")
@api.errors(409)
@door.arguments(schemas.Nothing)
@door.response(200, schemas.ListingAnswer)
def publish(body: dict[str, Any], listing_id: str) -> Any:
    """Publish what was submitted."""
    listing = queries.listing_seen_by(me(), listing_id)
    return schemas.listing_answer(actions.publish(listing, by=me(), at=clock.now()), me())


@door.route("/listings/<listing_id>/return", methods=["POST"])
@operator("approver")
@api.errors(409)
@door.arguments(schemas.Reason)
@door.response(200, schemas.ListingAnswer)
def return_(body: dict[str, Any], listing_id: str) -> Any:
    """Return what was submitted to its provider, with the reason."""
    listing = queries.listing_seen_by(me(), listing_id)
    return schemas.listing_answer(actions.return_(listing, reason=body["reason"], by=me(), at=clock.now()), me())


@door.route("/listings/<listing_id>/releases", methods=["POST"])
@signed_in()
@api.errors(409)
@door.arguments(schemas.ReleaseNote)
@door.response(201, schemas.ReleaseAnswer)
def new_release(body: dict[str, Any], listing_id: str) -> Any:
    """Begin the next release of a published listing: a draft that takes new files."""
    listing = queries.listing_seen_by(me(), listing_id)
    release = actions.new_release(listing, note_text=body["note"], by=me(), at=clock.now())
    return schemas.release_answer(release, [])


@door.route("/listings/<listing_id>/withdraw", methods=["POST"])
@signed_in()
@api.errors(409)
@door.arguments(schemas.Reason)
@door.response(200, schemas.ListingAnswer)
def withdraw(body: dict[str, Any], listing_id: str) -> Any:
    """Take a listing out of the catalogue; running contracts keep their rights."""
    listing = queries.listing_seen_by(me(), listing_id)
    return schemas.listing_answer(actions.withdraw(listing, reason=body["reason"], by=me(), at=clock.now()), me())
