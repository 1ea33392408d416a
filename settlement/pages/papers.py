"""Papers to come, wrong, and kept: preview, correction, taking back, archive; what parties tell beforehand."""

from datetime import datetime, timedelta
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from contracts import pricing
from contracts.queries import contract_seen_by
from exchange import clock, settings
from exchange.errors import Forbidden, NotFound
from exchange.web.access import me, operator, signed_in
from exchange.web.forms import attempt
from exchange.web.presentation import jmonth, locale
from settlement import actions, documents, exporting, issuing, queries, rules, schemas
from settlement.files import file_response
from settlement.pages import blueprint
from settlement.pages.forms import CorrectForm, IssuingForm, ReasonForm, SalesForm, search_of, yen_of


@blueprint.get("/desk/invoices/preview")
@signed_in()
def preview() -> Any:
    """What the running month will be invoiced as: what we owe, what we are owed."""
    at = clock.now()
    found, mine = queries.previews(me(), at=at), me().organization_id
    return render_template(
        "settlement/preview.html",
        month=at.date(),
        owed=[p for p in found if p.buyer_id == mine],
        due=[p for p in found if p.provider_id == mine],
    )


@blueprint.get("/desk/invoices/export.zip")
@signed_in()
def export() -> Any:
    """The papers that a search finds, with an index."""
    args, _typed = search_of(schemas.InvoiceArgs)
    search, _paging = schemas.invoice_filter(args)
    found = queries.invoices_to_export(me(), search, today=clock.today())
    return file_response(exporting.archive(found), "application/zip", "invoices.zip")


@blueprint.route("/desk/invoices/<invoice_id>/correct", methods=["GET", "POST"])
@operator("finance")
def correct(invoice_id: str) -> Any:
    """Issue a corrected invoice."""
    found = queries.invoice_seen_by(me(), invoice_id)
    form = CorrectForm(data=documents.as_corrected(found) | {"registration_number": False})
    if form.validate_on_submit():
        changes = {name: form[name].data or "" for name in ("recipient_name", "recipient_address", "purchase_order")}
        changes |= {"registration_number": "on-file"} if form.registration_number.data else {}
        with attempt(form) as tried:
            actions.correct(invoice_id, changes=changes, reason=form.reason.data, by=me(), at=clock.now())
        if tried.ok:
            flash(_("修正した請求書を発行しました。"), "success")
            return redirect(url_for("settlement.invoice", invoice_id=invoice_id), 303)
    return render_template("settlement/correct.html", form=form, invoice=found), 422 if form.errors else 200


@blueprint.get("/desk/invoices/<invoice_id>/corrections/<correction_id>.pdf")
@signed_in()
def correction_pdf(invoice_id: str, correction_id: str) -> Any:
    """A corrected invoice to keep."""
    made, content = actions.correction_document(queries.invoice_seen_by(me(), invoice_id), correction_id)
    return file_response(content, "application/pdf", f"{made.number}.pdf")


@blueprint.route("/desk/invoices/<invoice_id>/void", methods=["GET", "POST"])
@operator("finance")
def void(invoice_id: str) -> Any:
    """Take an invoice back before anything was delivered; a page asks why."""
    found, form = queries.invoice_seen_by(me(), invoice_id), ReasonForm()
    if form.validate_on_submit():
        with attempt(form) as tried:
            actions.void(invoice_id, reason=form.reason.data, by=me(), at=clock.now())
        if tried.ok:
            return redirect(url_for("settlement.invoice", invoice_id=invoice_id), 303)
    page = render_template(
        "settlement/reason.html",
        form=form,
        heading=_("請求書を取り消す"),
        lead=_(
            "データを引き渡す前の、未払いの請求書だけを取り消せます。引き渡した後は、返還請求書を発行してください。"
        ),
        facts=[(_("請求書"), found.number), (_("請求先"), found.recipient["name"])],
        button=_("取り消す"),
        back=f"/desk/invoices/{found.id}",
        trail=[(_("請求書"), "/desk/invoices"), (found.number, f"/desk/invoices/{found.id}")],
    )
    return page, 422 if form.errors else 200


@blueprint.route("/desk/invoices/issuing", methods=["GET", "POST"])
@signed_in("owner", "accountant")
def issuing_choice() -> Any:
    """Who issues the invoices of our sales, and why; tell our registration number, or take it back."""
    if me().is_operator:
        raise Forbidden()
    form, at = IssuingForm(), clock.now()
    if form.validate_on_submit():
        with attempt(form) as tried:
            itself, day = _asked("itself"), form.valid_from.data
            actions.give_registration_notice(issues_itself=itself, valid_from=day, by=me(), at=at)
        if tried.ok:
            flash(_("登録番号を運営者に通知しました。これから始まる取引に適用します。"), "success")
            return redirect(url_for("settlement.issuing_choice"), 303)
    notice, organization = queries.registration_notice(me().organization_id), me().organization
    page = render_template(
        "settlement/issuing.html",
        form=form,
        notice=notice,
        number=rules.registration_on(organization, at.date()),
        organization=organization,
        mode=issuing.MODE_TITLES[_mode_at(at)],
        later=issuing.MODE_TITLES[_mode_at(notice.valid_from + timedelta(days=1))]
        if notice and notice.valid_from > at
        else None,
        is_city=organization.kind == "municipality",
        operator_number=settings.current().operator_registration_number,
    )
    return page, 422 if form.errors else 200


def _asked(choice: str) -> bool:
    return request.form.get("choice") == choice


def _mode_at(at: datetime) -> str:
    return issuing.decide(
        me().organization,
        list(queries.registration_notices(me().organization_id)),
        operator_number=settings.current().operator_registration_number,
        begun_at=at,
        supplied_until=at.date(),
    ).mode


@blueprint.post("/desk/invoices/issuing/withdraw")
@signed_in("owner", "accountant")
def issuing_withdraw() -> Any:
    """Take the notice back for trades from now on."""
    actions.withdraw_registration_notice(by=me(), at=clock.now())
    flash(_("通知を取り下げました。これから始まる取引に適用します。"), "success")
    return redirect(url_for("settlement.issuing_choice"), 303)


@blueprint.route("/desk/contracts/<contract_id>/sales", methods=["GET", "POST"])
@signed_in()
def sales(contract_id: str) -> Any:
    """Report a month's sales, and see what was reported and what it costs."""
    contract, at = contract_seen_by(me(), contract_id), clock.now()
    if contract.pricing["model"] != "revenue_share":
        raise NotFound()
    months, reports = queries.months_to_report(contract, at=at), queries.sales_reports(me(), contract_id)
    form = SalesForm(data={"month": _month_waiting(months, {each.month for each in reports}, at)})
    form.month.choices = [(month, _month_words(month, at)) for month in months]
    if form.validate_on_submit():
        with attempt(form) as tried:
            told = {"month": form.month.data, "sales_jpy": _whole_yen(form.sales_jpy)}
            actions.report_sales(contract_id, **told, by=me(), at=at)
        if tried.ok:
            flash(_("売上を報告しました。"), "success")
            return redirect(url_for("settlement.sales", contract_id=contract_id), 303)
    is_buyer = me().organization_id == contract.buyer_id
    page = render_template(
        "settlement/sales.html",
        form=form,
        contract=contract,
        price=pricing.words(pricing.parse(contract.pricing), locale()),
        reported=queries.sales_charged(contract, reports),
        is_buyer=is_buyer,
        is_public=contract.provider.kind == "municipality",
        may_report=is_buyer and "viewer" not in me().roles and bool(months),
    )
    return page, 422 if form.errors else 200


def _month_waiting(months: list[str], reported: set[str], at: datetime) -> str | None:
    """The month to report next: the oldest that is over and has no report; else the newest that is over."""
    over = [month for month in months if month < clock.month_of(at)]
    return next((month for month in reversed(over) if month not in reported), next(iter(over or months), None))


def _month_words(month: str, at: datetime) -> str:
    return _("%(month)s(月の途中)", month=jmonth(month)) if month == clock.month_of(at) else jmonth(month)


def _whole_yen(field: Any) -> int:
    """The yen typed: zero may be reported, what is no number is refused."""
    return 0 if (field.data or "").strip() in ("0", "０") else yen_of(field) or -1
