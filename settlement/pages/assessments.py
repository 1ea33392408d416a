"""A municipality bills for itself: its sheets, and what it tells of notice and payment."""

from typing import Any

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _

from exchange import clock
from exchange.errors import N_
from exchange.web.access import me, signed_in
from exchange.web.forms import Form, attempt
from settlement import actions, documents, exporting, fiscal_years, paper_schemas, queries
from settlement.files import file_response
from settlement.models import Assessment
from settlement.pages import blueprint
from settlement.pages.forms import MunicipalPaymentForm, NoticeForm, ReasonForm, search_of

WRITERS = ("owner", "accountant", "data_officer")
KINDS = {fiscal_years.OCCASIONAL: N_("随時の収入"), fiscal_years.FIXED: N_("納期の一定している収入")}
STATES = {
    "prepared": (N_("納入通知の前"), "warning"),
    "noticed": (N_("通知済み"), "info"),
    "paid": (N_("納付済み"), "success"),
    "withdrawn": (N_("取下げ"), "info"),
}


@blueprint.get("/desk/assessments")
@signed_in()
def assessments() -> Any:
    """What waits for a notice, then all sheets; for a payer, what municipalities bill it."""
    actions.issue_what_is_due(at=clock.now())
    args, typed = search_of(paper_schemas.AssessmentArgs)
    found = queries.assessments_seen_by(me(), **args)
    return render_template(
        "settlement/assessments.html",
        found=found.items,
        typed=typed,
        next_url=_next(found.next_cursor, typed),
        states=STATES,
        is_city=me().organization.kind == "municipality",
    )


def _next(cursor: str | None, typed: dict[str, str]) -> str | None:
    return url_for("settlement.assessments", **dict[str, Any](typed | {"cursor": cursor})) if cursor else None


@blueprint.get("/desk/assessments.csv")
@signed_in()
def assessments_csv() -> Any:
    """A municipality's own sheets for its accounting system."""
    args, _typed = search_of(paper_schemas.AssessmentFileArgs)
    sheets = queries.assessments_to_export(me(), period=args["period"])
    content = exporting.assessments_csv(sheets, args["encoding"])
    answer = file_response(content, "text/csv", "assessments.csv")
    answer.headers["Content-Type"] = f"text/csv; charset={args['encoding']}"
    return answer


@blueprint.get("/desk/assessments/<assessment_id>")
@signed_in()
def assessment(assessment_id: str) -> Any:
    """One sheet: who pays, what for, by when, and what was told of it."""
    return _page(queries.assessment_seen_by(me(), assessment_id))


def _page(sheet: Assessment, *, notice: Form | None = None, payment: Form | None = None, status: int = 200) -> Any:
    told = {"noticed_on": sheet.noticed_on or clock.today(), "notice_due_on": sheet.notice_due_on or sheet.due_on}
    page = render_template(
        "settlement/assessment.html",
        sheet=sheet,
        state=STATES[sheet.state],
        period=documents.period_words(sheet),
        kind=KINDS[sheet.revenue_kind],
        year=fiscal_years.words(sheet.fiscal_year) if sheet.fiscal_year else None,
        books_close_on=paper_schemas.books_close_on(sheet),
        carried_over=paper_schemas.carried_over(sheet),
        mine=sheet.provider_id == me().organization_id,
        writes=sheet.provider_id == me().organization_id and bool(set(WRITERS) & set(me().roles)),
        notice=notice or NoticeForm(None, data=told | {"notice_number": sheet.notice_number}),
        payment=payment or MunicipalPaymentForm(None, data={"paid_on": clock.today()}),
    )
    return page, status


@blueprint.get("/desk/assessments/<assessment_id>.pdf")
@signed_in()
def assessment_pdf(assessment_id: str) -> Any:
    """The sheet to keep."""
    sheet = queries.assessment_seen_by(me(), assessment_id)
    return file_response(actions.assessment_document(sheet), "application/pdf", f"{sheet.number}.pdf")


@blueprint.post("/desk/assessments/<assessment_id>/notice")
@signed_in(*WRITERS)
def assessment_notice(assessment_id: str) -> Any:
    """The municipality has sent its notice."""
    sheet, form = queries.assessment_seen_by(me(), assessment_id), NoticeForm()
    if form.validate_on_submit():
        told = {"number": form.notice_number.data, "noticed_on": form.noticed_on.data}
        with attempt(form) as tried:
            told["due_on"] = form.notice_due_on.data
            actions.record_notice(assessment_id, **told, by=me(), at=clock.now())
        if tried.ok:
            flash(_("納入通知書を記録しました。"), "success")
            return redirect(url_for("settlement.assessment", assessment_id=assessment_id), 303)
    return _page(sheet, notice=form, status=422)


@blueprint.post("/desk/assessments/<assessment_id>/payment")
@signed_in(*WRITERS)
def assessment_payment(assessment_id: str) -> Any:
    """The municipality was paid."""
    sheet, form = queries.assessment_seen_by(me(), assessment_id), MunicipalPaymentForm()
    if form.validate_on_submit():
        with attempt(form) as tried:
            actions.record_municipal_payment(assessment_id, paid_on=form.paid_on.data, by=me(), at=clock.now())
        if tried.ok:
            flash(_("納付を記録しました。"), "success")
            return redirect(url_for("settlement.assessment", assessment_id=assessment_id), 303)
    return _page(sheet, payment=form, status=422)


@blueprint.route("/desk/assessments/<assessment_id>/withdraw", methods=["GET", "POST"])
@signed_in(*WRITERS)
def assessment_withdraw(assessment_id: str) -> Any:
    """The municipality does not bill this; a page asks why."""
    sheet, form = queries.assessment_seen_by(me(), assessment_id), ReasonForm()
    if form.validate_on_submit():
        with attempt(form) as tried:
            actions.withdraw_assessment(assessment_id, reason=form.reason.data, by=me(), at=clock.now())
        if tried.ok:
            return redirect(url_for("settlement.assessment", assessment_id=assessment_id), 303)
    page = render_template(
        "settlement/reason.html",
        form=form,
        heading=_("請求しないことにする"),
        lead=_("この明細による請求を取りやめます。取り下げた明細は元に戻せません。"),
        facts=[(_("明細番号"), sheet.number), (_("納入義務者"), sheet.buyer["name"])],
        button=_("取り下げる"),
        back=f"/desk/assessments/{sheet.id}",
        trail=[(_("調定用明細"), "/desk/assessments"), (sheet.number, f"/desk/assessments/{sheet.id}")],
    )
    return page, 422 if form.errors else 200
