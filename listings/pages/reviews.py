"""The administrators' queue: what waits for a decision, and one listing with its checks first."""

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for

from exchange import clock
from exchange.errors import Invalid, text
from exchange.web.access import me, operator
from exchange.web.forms import attempt
from listings import actions, queries, registries, rules, schemas
from listings.models import Release
from listings.pages import forms
from listings.pages.desk import DEED_WORDS
from listings.registries import Check, ReviewItem

blueprint = Blueprint("reviews", __name__, url_prefix="/desk/reviews")


@blueprint.get("")
@operator("approver")
def index() -> Any:
    """Everything that waits for an administrator, the longest waiting first."""
    items = [_item(release) for release in queries.waiting_releases()]
    items += [item for source in registries.REVIEWS for item in source(me())]
    return render_template(
        "listings/reviews/index.html", items=sorted(items, key=lambda i: i.waiting_since), now=clock.now()
    )


def _item(release: Release) -> ReviewItem:
    listing = release.listing
    files = queries.kept_files(release)
    found = queries.findings_of([file.id for file in files])
    marks = [text("個人に関する値の可能性 %(n)s件", n=sum(map(len, found.values())))] if found else []
    if any(file.state == "ready" and not file.scanned for file in files):
        marks.append(text("自動検査できないファイルあり"))
    return ReviewItem(
        kind="listing",
        title=listing.title if release.number == 1 else f"{listing.title} ({text('第%(n)s版', n=release.number)})",
        url=url_for("reviews.listing", listing_id=listing.id),
        party=listing.provider.name,
        waiting_since=release.submitted_at or release.created_at,
        marks=marks,
    )


@blueprint.route("/listings/<listing_id>", methods=["GET", "POST"])
@operator("approver")
def listing(listing_id: str) -> Any:
    """Can I publish this without worry? Checks first, the decision at the foot."""
    seen = queries.listing_seen_by(me(), listing_id)
    release = queries.in_preparation(seen)
    if release is None or release.state != "submitted":  # decided meanwhile, or the same form sent twice
        return render_template(
            "listings/reviews/decided.html", listing=seen, events=queries.events_of(seen.id), deed_words=DEED_WORDS
        )
    release = queries.release_to_review(seen.id)
    form = forms.DecisionForm()
    if form.validate_on_submit():
        with attempt(form) as tried:
            _decide(seen, form)
        if tried.ok:
            return redirect(url_for("reviews.index"), 303)
        # A refusal rolled back to before the deed, and what was loaded during it is to be loaded again.
        release = queries.release_to_review(seen.id)
    files = queries.kept_files(release)
    page = render_template(
        "listings/reviews/listing.html",
        form=form,
        listing=seen,
        release=release,
        files=files,
        checks=_checks(release),
        previews={file.id: schemas.preview(file) for file in files},
        columns={file.id: schemas.columns_answer(file) for file in files},
        problems={file.id: [schemas.problem_answer(p, quotes=False) for p in file.problems] for file in files},
        kept=queries.kept_where(files),
        invited=queries.invitations_of(seen.id),
        events=queries.events_of(seen.id),
        deed_words=DEED_WORDS,
        rules=rules,
    )
    return page, 422 if form.errors else 200


def _decide(listing: Any, form: Any) -> None:
    decision = request.form.get("decision")
    if decision == "publish":
        actions.publish(listing, by=me(), at=clock.now())
    elif decision == "return":
        actions.return_(listing, reason=form.reason.data or "", by=me(), at=clock.now())
    else:
        raise Invalid({"reason": [text("「公開する」か「差し戻す」を選んでください。")]})


def _checks(release: Release) -> list[Check]:
    """What was checked, failures first."""
    listing, files = release.listing, [f for f in queries.kept_files(release) if f.state == "ready"]
    findings = [finding for file in files for finding in file.findings]
    my_numbers = sum(f.count for f in findings if f.kind == "my_number")
    unscanned = [file.name for file in files if not file.scanned]
    errors = sum(1 for file in files for p in file.problems if p["level"] == "error")
    priced = listing.provider.kind == "municipality" and bool(set(listing.pricing_models) - {"free"})
    checks = [
        Check(text("提供者の本人確認が済んでいる"), listing.provider.is_verified, listing.provider.name),
        Check(text("提供する権限の宣言がある"), listing.declared_at is not None),
        Check(
            text("マイナンバーらしい値がない"),
            not my_numbers,
            text("%(n)s件見つかりました。番号法第19条により提供できません。回答を確かめてください。", n=my_numbers)
            if my_numbers
            else "",
        ),
        Check(
            text("個人に関する値の可能性がある列がない"),
            not findings,
            text("%(n)s列について提供者が回答しています。下の回答を確かめてください。", n=len(findings))
            if findings
            else "",
        ),
        Check(text("すべてのファイルを自動検査できた"), not unscanned, "、".join(unscanned)[:300]),
        Check(
            text("ファイルに重大な問題がない"),
            not errors,
            text("%(n)s種類の問題があります。", n=errors) if errors else "",
        ),
        Check(text("提供条件が設定されている"), bool(listing.pricing_models), listing.price_text),
        Check(
            text("自治体の有償提供ではない"),
            not priced,
            text("公金は取引市場を通せません。納入通知書による支払いが必要です。") if priced else "",
        ),
        Check(
            text("担当部署が書かれている"),
            bool(listing.contact.get("department")),
            listing.contact.get("department", ""),
        ),
    ]
    return sorted(checks, key=lambda check: check.passed)
