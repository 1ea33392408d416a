"""A provider's own listings: drafting step by step, handing in, releasing anew, ending."""

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from exchange import clock
from exchange.database import new_id
from exchange.errors import Invalid, NotFound, text
from exchange.web.access import me, signed_in
from exchange.web.forms import attempt
from listings import actions, queries, registries, rules
from listings.models import File, Listing
from listings.pages import forms

blueprint = Blueprint("listings_desk", __name__, url_prefix="/desk/listings")
preparing = signed_in("owner", "data_officer")


def own(listing_id: str) -> Listing:
    """A listing of one's own organization; another's is `NotFound` here, even where its public page is seen."""
    listing = queries.listing_seen_by(me(), listing_id)
    if listing.provider_id != me().organization_id:
        raise NotFound()
    return listing


@blueprint.get("")
@signed_in("owner", "data_officer", "viewer", "accountant")
def index() -> Any:
    """Own listings in every state."""
    page = queries.listings_of(me().organization_id, cursor=request.args.get("cursor"))
    return render_template(
        "listings/desk/index.html",
        page=page,
        rules=rules,
        pending=queries.in_preparation,
        may_prepare=rules.may_prepare(me(), me().organization_id),
    )


@blueprint.route("/new", methods=["GET", "POST"])
@preparing
def new() -> Any:
    """The first step makes the draft; every later step saves into it."""
    form = forms.DescriptionForm(data={"department": me().department, "form_id": new_id()})
    if form.validate_on_submit():
        with attempt(form) as tried:
            fields = form.fields_of_listing() | {"invited": _invited(form)}
            listing = actions.draft(fields, by=me(), at=clock.now(), form_id=form.form_id.data)  # type: ignore[arg-type]
        if tried.ok:
            return redirect(url_for("listings_desk.show", listing_id=listing.id), 303)
    return _shown("listings/desk/description.html", form, listing=None)


def _shown(template: str, form: Any, **context: Any) -> Any:
    """A form page; 422 when it comes back with errors."""
    return render_template(template, form=form, rules=rules, **context), 422 if form.errors else 200


def _invited(form: Any) -> list[str]:
    """The organizations of the corporate numbers that were typed; one unknown is `Invalid`."""
    if form.visibility.data != "invited":
        return []
    numbers = forms.separated(form.invited.data)
    found = queries.organizations_by_corporate_number(numbers)
    if unknown := [number for number in numbers if number not in found]:
        message = text("登録されていない法人番号です: %(numbers)s", numbers="、".join(unknown)[:100])
        raise Invalid({"invited": [message]})
    return [organization.id for organization in found.values()]


@blueprint.get("/<listing_id>")
@signed_in("owner", "data_officer", "viewer", "accountant")
def show(listing_id: str) -> Any:
    """What is done and what is still owed, in the order of the steps; the listing's life below."""
    listing = own(listing_id)
    release = queries.in_preparation(listing)
    files = queries.kept_files(release or queries.released(listing))
    findings = queries.findings_of([file.id for file in files])
    return render_template(
        "listings/desk/show.html",
        listing=listing,
        release=release,
        files=files,
        steps=_steps(listing, files, findings),
        owed=actions.missing(listing, files),
        events=queries.events_of(listing.id),
        releases=listing.releases,
        may_prepare=rules.may_prepare(me(), listing.provider_id),
        deeds=rules.deeds(listing.state, release.state if release else None),
        rules=rules,
        deed_words=DEED_WORDS,
    )


DEED_WORDS = {
    "draft": text("下書きを作成しました"),
    "change": text("説明を変更しました"),
    "describe": text("列の説明・見本を変更しました"),
    "hold_files": text("自分の保管場所のファイルを登録しました"),
    "remove_file": text("ファイルを取り除きました"),
    "answer_findings": text("個人に関する値についての確認に回答しました"),
    "submit": text("審査に提出しました"),
    "publish": text("公開されました"),
    "return": text("差し戻されました"),
    "release": text("新しい版の準備を始めました"),
    "recall": text("ファイルを回収しました"),
    "withdraw": text("掲載を終了しました"),
}


def _address(listing: Listing, page: str) -> str:
    return url_for(f"listings_desk.{page}", listing_id=listing.id)


def _steps(listing: Listing, files: list[File], findings: dict[str, Any]) -> list[dict[str, Any]]:
    """The task list of a new listing: what, where, done or not, and why not."""
    owed = actions.missing(listing, files)
    tables = [file for file in files if file.columns]
    described = [file for file in tables if file.column_notes]
    open_findings = sum(1 for found in findings.values() for finding in found if not finding.answer)
    editor = next((source(listing) for source in registries.OFFER_EDITOR), None)
    return [
        {"label": text("データの説明"), "url": _address(listing, "description"), "done": True, "note": listing.title},
        {
            "label": text("ファイル"),
            "url": url_for("listing_files.index", listing_id=listing.id),
            "done": "files" not in owed,
            "note": owed.get("files") or text("%(n)s件のファイル", n=len(files)),
        },
        {
            "label": text("列の説明"),
            "url": url_for("listing_files.columns", listing_id=listing.id),
            "done": bool(tables) and len(described) == len(tables),
            "optional": True,
            "note": text("説明済み %(done)s / %(all)s ファイル", done=len(described), all=len(tables)),
        },
        {
            "label": text("データ区分"),
            "url": _address(listing, "data_class"),
            "done": bool(listing.data_class),
            "note": text(rules.DATA_CLASSES[listing.data_class]) if listing.data_class else owed["data_class"],
        },
        {
            "label": text("提供条件"),
            "url": editor,
            "done": bool(listing.pricing_models),
            "note": owed.get("offers") or listing.price_text,
        },
        {
            "label": text("確認"),
            "url": _address(listing, "submit"),
            "done": False,
            "note": text("個人に関する値の確認が%(n)s件残っています。", n=open_findings)
            if open_findings
            else text("内容を確かめて提出します。"),
        },
    ]


@blueprint.route("/<listing_id>/description", methods=["GET", "POST"])
@preparing
def description(listing_id: str) -> Any:
    """Change what is said of the data."""
    listing = own(listing_id)
    numbers = [o.corporate_number or "" for o in queries.invitations_of(listing.id)]
    form = forms.DescriptionForm.of(listing, numbers)
    if form.validate_on_submit():
        with attempt(form) as tried:
            fields = form.fields_of_listing() | {"invited": _invited(form)}
            actions.change(listing, fields, by=me(), at=clock.now())  # type: ignore[arg-type]
        if tried.ok:
            return _back(listing)
    return _shown("listings/desk/description.html", form, listing=listing)


def _back(listing: Listing) -> Response:
    return redirect(url_for("listings_desk.show", listing_id=listing.id), 303)


@blueprint.route("/<listing_id>/class", methods=["GET", "POST"])
@preparing
def data_class(listing_id: str) -> Any:
    """Choose the class of the data; what may not be listed is refused with the article of law."""
    listing = own(listing_id)
    form = forms.ClassForm(data={"data_class": listing.data_class})
    if form.validate_on_submit():
        with attempt(form) as tried:
            actions.change(listing, {"data_class": form.data_class.data}, by=me(), at=clock.now())
        if tried.ok:
            return _back(listing)
    return _shown("listings/desk/class.html", form, listing=listing)


@blueprint.route("/<listing_id>/submit", methods=["GET", "POST"])
@preparing
def submit(listing_id: str) -> Any:
    """The last look: everything as an administrator will see it, findings to answer, the declaration."""
    listing = own(listing_id)
    release = queries.in_preparation(listing)
    files = queries.kept_files(release)
    found = queries.findings_of([file.id for file in files])
    findings = [finding for file in files for finding in found.get(file.id, [])]
    form = forms.SubmitForm.with_answers(findings, declared=listing.declared_at is not None)
    if release is not None and release.state == "submitted":  # the same form sent twice
        return _back(listing)
    if form.validate_on_submit():
        with attempt(form) as tried:
            if "declaration" in form:
                actions.change(listing, {"declaration": True}, by=me(), at=clock.now())
            answers = [
                actions.Answer(f.file_id, f.kind, f.column, words)
                for f in findings
                if (words := form[f"answer_{f.id}"].data or "") and words != f.answer
            ]
            actions.submit(listing, answers=answers, by=me(), at=clock.now())
        if tried.ok:
            return _back(listing)
        listing = own(listing_id)  # a refusal rolled back to before the deed
        release = queries.in_preparation(listing)
        files = queries.kept_files(release)
    names = {file.id: file.name for file in files}
    context = {"listing": listing, "files": files, "findings": findings, "names": names}
    owed = {step: words for step, words in actions.missing(listing, files).items() if step != "declaration"}
    return _shown("listings/desk/submit.html", form, owed=owed, release=release, **context)


@blueprint.route("/<listing_id>/release", methods=["GET", "POST"])
@preparing
def release(listing_id: str) -> Any:
    """Begin the next release."""
    listing = own(listing_id)
    if queries.in_preparation(listing) is not None:
        return _back(listing)
    form = forms.ReleaseForm()
    if form.validate_on_submit():
        with attempt(form) as tried:
            actions.new_release(listing, note_text=form.note.data or "", by=me(), at=clock.now())
        if tried.ok:
            return redirect(url_for("listing_files.index", listing_id=listing.id), 303)
    return _shown("listings/desk/release.html", form, listing=listing)


@blueprint.route("/<listing_id>/withdraw", methods=["GET", "POST"])
@preparing
def withdraw(listing_id: str) -> Any:
    """End a listing, after a page that says what that means."""
    listing = own(listing_id)
    if listing.state == "withdrawn":
        return _back(listing)
    form = forms.ReasonForm()
    if form.validate_on_submit():
        with attempt(form) as tried:
            actions.withdraw(listing, reason=form.reason.data or "", by=me(), at=clock.now())
        if tried.ok:
            return _back(listing)
    return _shown("listings/desk/withdraw.html", form, listing=listing)
