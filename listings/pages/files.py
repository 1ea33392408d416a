"""Files of one's own listing: sent straight to the store, looked at as read, described, recalled."""

from typing import Any

from flask import Blueprint, jsonify, redirect, render_template, request, url_for
from marshmallow import ValidationError

from exchange import clock
from exchange.errors import Invalid, Malformed
from exchange.web import api
from exchange.web.access import me, signed_in
from exchange.web.api import Schema
from exchange.web.forms import attempt
from listings import actions, queries, rules, schemas, uploads
from listings.models import File, Listing
from listings.pages import forms
from listings.pages.desk import own, preparing

blueprint = Blueprint("listing_files", __name__, url_prefix="/desk/listings/<listing_id>/files")


@blueprint.get("")
@signed_in("owner", "data_officer", "viewer", "accountant")
def index(listing_id: str) -> Any:
    """The files of the release in preparation, or of the newest one, and where to send more."""
    listing = own(listing_id)
    release = queries.in_preparation(listing)
    files = queries.kept_files(release or queries.released(listing))
    findings = queries.findings_of([file.id for file in files])
    return render_template(
        "listings/desk/files.html",
        listing=listing,
        release=release or queries.released(listing),
        files=files,
        findings=findings,
        may_add=release is not None and release.state == "draft" and rules.may_prepare(me(), listing.provider_id),
        waiting=any(file.state == "reading" for file in files),
        places=[place for place in queries.places_of(listing.provider_id) if place.state == "usable"],
        rules=rules,
    )


@blueprint.route("/held", methods=["GET", "POST"])
@preparing
def hold(listing_id: str) -> Any:
    """Make files of objects that stay in one's own storage place."""
    listing = own(listing_id)
    usable = [place for place in queries.places_of(listing.provider_id) if place.state == "usable"]
    form = forms.HeldForm.of([(place.id, f"{place.name} ({place.bucket}/{place.prefix})") for place in usable])
    if form.validate_on_submit():
        with attempt(form) as tried:
            place = queries.place_seen_by(me(), form.place_id.data or "")
            actions.add_held_files(listing, place, (form.keys.data or "").splitlines(), by=me(), at=clock.now())
        if tried.ok:
            return redirect(url_for("listing_files.index", listing_id=listing.id), 303)
        listing = own(listing_id)
    page = render_template("listings/desk/held.html", listing=listing, form=form, places=usable)
    return page, 422 if form.errors else 200


@blueprint.get("/columns")
@preparing
def columns(listing_id: str) -> Any:
    """Which files have columns to describe."""
    listing = own(listing_id)
    files = queries.kept_files(queries.in_preparation(listing) or queries.released(listing))
    tables = [file for file in files if file.columns]
    if len(tables) == 1:
        return redirect(url_for("listing_files.show", listing_id=listing.id, file_id=tables[0].id) + "#columns")
    return render_template("listings/desk/columns.html", listing=listing, files=tables, rules=rules)


@blueprint.get("/<file_id>")
@signed_in("owner", "data_officer", "viewer", "accountant")
def show(listing_id: str, file_id: str) -> Any:
    """Did they read my file right: what was found, the first rows, what to mend and how, what to answer."""
    listing, file = own(listing_id), queries.file_seen_by(me(), listing_id, file_id)
    form = forms.ColumnsForm(data={"released_rows": file.released_rows, "released_columns": file.released_columns})
    return _file_page(listing, file, form)


def _file_page(listing: Listing, file: File, form: Any) -> Any:
    may_change = file.release.state == "draft" and rules.may_prepare(me(), listing.provider_id)
    page = render_template(
        "listings/desk/file.html",
        listing=listing,
        file=file,
        form=form,
        columns=schemas.columns_answer(file),
        problems=[schemas.problem_answer(problem) for problem in file.problems],
        suspicious={finding.column for finding in file.findings},
        may_change=may_change and listing.state != "withdrawn",
        may_recall=file.is_deliverable
        and file.release.state == "published"
        and rules.may_prepare(me(), listing.provider_id),
        received=actions.recipients(file) if file.recalled_at else [],
        rows_max=min(rules.PREVIEW_ROWS_MAX, len(file.sample)),
        rules=rules,
    )
    return page, 422 if form.errors else 200


@blueprint.post("/<file_id>")
@preparing
def describe(listing_id: str, file_id: str) -> Any:
    """Save what the columns mean and what of the sample anyone may see. Columns go by their place in the file."""
    listing, file = own(listing_id), queries.file_seen_by(me(), listing_id, file_id)
    form = forms.ColumnsForm()
    names = [str(column["name"]) for column in file.columns]
    if form.validate_on_submit():
        with attempt(form) as tried:
            notes = {name: request.form.get(f"note_{n}", "").strip() for n, name in enumerate(names)}
            shown = [name for n, name in enumerate(names) if f"show_{n}" in request.form]
            rows = form.released_rows.data or 0
            actions.describe_file(
                file, notes=notes, released_rows=rows, released_columns=shown, by=me(), at=clock.now()
            )
        if tried.ok:
            return redirect(url_for("listing_files.show", listing_id=listing.id, file_id=file.id), 303)
    # A refusal rolled back to before the deed, and what was loaded during it is to be loaded again.
    return _file_page(own(listing_id), queries.file_seen_by(me(), listing_id, file_id), form)


@blueprint.post("/<file_id>/remove")
@preparing
def remove(listing_id: str, file_id: str) -> Any:
    """Take a file out of the draft."""
    listing, file = own(listing_id), queries.file_seen_by(me(), listing_id, file_id)
    actions.remove_file(file, by=me(), at=clock.now())
    return redirect(url_for("listing_files.index", listing_id=listing.id), 303)


@blueprint.route("/<file_id>/recall", methods=["GET", "POST"])
@preparing
def recall(listing_id: str, file_id: str) -> Any:
    """Recall a file, after a page that says what that means and who has it."""
    listing, file = own(listing_id), queries.file_seen_by(me(), listing_id, file_id)
    if file.recalled_at is not None:
        return redirect(url_for("listing_files.show", listing_id=listing.id, file_id=file.id), 303)
    form = forms.ReasonForm()
    if form.validate_on_submit():
        with attempt(form) as tried:
            actions.recall(file, reason=form.reason.data or "", by=me(), at=clock.now())
        if tried.ok:
            return redirect(url_for("listing_files.show", listing_id=listing.id, file_id=file.id), 303)
    page = render_template(
        "listings/desk/recall.html", form=form, listing=listing, file=file, received=actions.recipients(file)
    )
    return page, 422 if form.errors else 200


# ---- for the upload script of the pages: JSON, session and CSRF token instead of a bearer token


@blueprint.post("/announce")
@preparing
def announce(listing_id: str) -> Any:
    """Announce a file; where its bytes go."""

    def deed() -> dict[str, Any]:
        body = _body(schemas.NewFile)
        file = actions.add_file(own(listing_id), by=me(), at=clock.now(), **body)
        if file.multipart:
            upload: dict[str, Any] = {"part_size": uploads.part_size(file), "parts": uploads.part_count(file)}
        else:
            upload = schemas.ticket_answer(uploads.ticket(file))
            upload["expires_at"] = upload["expires_at"].isoformat()
        return {"id": file.id, "upload": upload}

    return api.answered(deed)


@blueprint.post("/<file_id>/parts")
@preparing
def parts(listing_id: str, file_id: str) -> Any:
    """Where to send parts."""

    def deed() -> dict[str, Any]:
        own(listing_id)
        body = _body(schemas.PartNumbers)
        file = queries.file_seen_by(me(), listing_id, file_id)
        actions.begin_parts(file, by=me(), at=clock.now(), **body)
        return {"parts": [{"number": t.number, "url": t.url} for t in uploads.part_tickets(file, body["numbers"])]}

    return api.answered(deed)


@blueprint.post("/<file_id>/complete")
@preparing
def complete(listing_id: str, file_id: str) -> Any:
    """The bytes have arrived."""

    def deed() -> dict[str, Any]:
        own(listing_id)
        sent = [(part["number"], part["etag"]) for part in _body(schemas.Completion)["parts"]]
        file = queries.file_seen_by(me(), listing_id, file_id)
        actions.complete(file, parts=sent, by=me(), at=clock.now())
        return {"id": file.id, "state": file.state}

    return api.answered(deed)


@blueprint.get("/<file_id>/state")
@signed_in("owner", "data_officer", "viewer", "accountant")
def state(listing_id: str, file_id: str) -> Any:
    """How far reading is, for the live part of the page."""
    own(listing_id)
    file = queries.file_seen_by(me(), listing_id, file_id)
    return jsonify(state=file.state, reason=file.reason, url=url_for(".show", listing_id=listing_id, file_id=file_id))


def _body(schema: type[Schema]) -> dict[str, Any]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise Malformed()
    try:
        return dict(schema().load(body))
    except ValidationError as error:
        raise Invalid({str(k): [str(v)] for k, v in error.messages_dict.items()}) from error
