"""The books: does everything add up, what waits for an accountant, which month is closed?"""

from datetime import date
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from exchange import clock
from exchange.errors import Invalid, WrongState, text
from exchange.web.access import me, operator
from exchange.web.forms import attempt
from settlement import actions, queries, rules, schemas
from settlement.files import csv_response, hledger_response
from settlement.pages import blueprint
from settlement.pages.forms import ConfirmForm, ReasonForm, search_of


@blueprint.get("/desk/ledger")
@operator("finance")
def ledger() -> Any:
    """What waits, months, money in; then the trial balance of a month."""
    at = clock.now()
    args, _typed = search_of(schemas.LedgerArgs)
    month = args["month"] or clock.month_of(at)
    rows = queries.trial_balance(month)
    return render_template(
        "settlement/ledger.html",
        month=month,
        rows=rows,
        totals=_totals([r for r in rows if r.account.kind != "memorandum"]),
        months=queries.last_months(at=at),
        waiting=queries.closes_waiting(),
        states=rules.PERIOD_STATES,
        kinds=rules.KIND_TITLES,
        held=queries.deposits_and_bank(),
        receipts=queries.unapplied_receipts(),
        refunds=queries.refunds_to_send(),
    )


def _totals(rows: list[queries.TrialRow]) -> tuple[int, int]:
    return sum(r.debit_jpy for r in rows), sum(r.credit_jpy for r in rows)


@blueprint.post("/desk/ledger/refunds/<credit_note_id>/sent")
@operator("finance")
def refund_sent(credit_note_id: str) -> Any:
    """The money of a credit note was sent to the buyer."""
    actions.record_refund_sent(credit_note_id, by=me(), at=clock.now())
    flash(_("返金を記録しました。"), "success")
    return redirect(url_for("settlement.ledger"), 303)


@blueprint.route("/desk/ledger/close/<month>", methods=["GET", "POST"])
@operator("finance")
def close_month(month: str) -> Any:
    """Closing cannot be undone, so a page asks first."""
    at, form = clock.now(), ConfirmForm()
    found = queries.month(month, at=at)
    if not found.is_over:
        raise WrongState(text("終わっていない月は締められません。"), state=found.state)
    if form.validate_on_submit():
        actions.close_month(month, by=me(), at=at)
        flash(_("締め処理を始めました。完了するとこの一覧に表示されます。"), "success")
        return redirect(url_for("settlement.ledger"), 303)
    return render_template(
        "settlement/close.html",
        found=found,
        form=form,
        state=rules.PERIOD_STATES[found.state],
        awaited=queries.logs_awaited(month),
    )


@blueprint.route("/desk/ledger/close/<month>/without-logs", methods=["GET", "POST"])
@operator("finance")
def close_without_logs(month: str) -> Any:
    """Close a month without the holders' logs that it waits for; a page asks why."""
    at, form = clock.now(), ReasonForm()
    found, awaited = queries.month(month, at=at), queries.logs_awaited(month)
    if form.validate_on_submit():
        with attempt(form) as tried:
            actions.close_without_logs(month, reason=form.reason.data, by=me(), at=at)
        if tried.ok:
            flash(_("待たずに締める処理を始めました。あとから届いた利用は、翌月の請求で調整します。"), "success")
            return redirect(url_for("settlement.ledger"), 303)
    page = render_template(
        "settlement/reason.html",
        form=form,
        heading=_("ログを待たずに締める"),
        lead=_("いま分かっている利用量だけで請求します。あとから届いた利用は、翌月の請求で調整します。"),
        facts=[(_("月"), found.month), (_("待っている契約"), _("%(n)s件", n=len({a.contract_id for a in awaited})))],
        hint=_("監査記録に残ります。"),
        button=_("待たずに締める"),
        back=f"/desk/ledger/close/{found.month}",
        trail=[(_("会計帳簿"), "/desk/ledger"), (_("月の締め"), f"/desk/ledger/close/{found.month}")],
    )
    return page, 422 if form.errors else 200


@blueprint.get("/desk/ledger/entries")
@operator("finance")
def entries() -> Any:
    """Entries by account, day, amount and partner."""
    args, typed = search_of(schemas.EntryArgs)
    found = queries.entries(**schemas.checked_search(args))
    next_url = _next(found.next_cursor, typed)
    return render_template(
        "settlement/entries.html", found=found.items, next_url=next_url, typed=typed, accounts=queries.accounts()
    )


def _next(cursor: str | None, typed: dict[str, str]) -> str | None:
    return url_for("settlement.entries", **dict[str, Any](typed | {"cursor": cursor})) if cursor else None


@blueprint.get("/desk/ledger/partners")
@operator("finance")
def partner_ledger() -> Any:
    """The accounts of one partner, transfer by transfer (補助元帳)."""
    args, typed = search_of(schemas.PartnerArgs)
    since, until = _days(args["since"], args["until"])
    found = queries.partner(args["partner"]) if args["partner"] else None
    return render_template(
        "settlement/partner.html",
        partners=queries.partners(),
        partner=found,
        accounts=queries.partner_accounts(found.id, since=since, until=until) if found else [],
        since=since,
        until=until,
        typed=typed,
    )


def _days(since: date | None, until: date | None) -> tuple[date, date]:
    """The days asked for; the running month where nothing is said."""
    today = clock.today()
    until = until or max(today, since or today)
    since = since or until.replace(day=1)
    if since > until:
        raise Invalid({"q": [text("日付の範囲が逆です。「から」を「まで」より前の日付にしてください。")]})
    return since, until


@blueprint.get("/desk/ledger/ageing")
@operator("finance")
def ageing() -> Any:
    """What is unpaid, by buyer and by how long it is overdue (年齢表)."""
    today = clock.today()
    rows = queries.ageing(on=today)
    return render_template(
        "settlement/ageing.html",
        rows=rows,
        ages=rules.AGES,
        sums=[sum(row.buckets[n] for row in rows) for n in range(len(rules.AGES))],
        total_jpy=sum(row.total_jpy for row in rows),
        on=today,
    )


@blueprint.get("/desk/ledger/journal-<month>.csv")
@operator("finance")
def journal_csv(month: str) -> Any:
    """A month's journal for accounting software."""
    return csv_response(month, "shift_jis" if request.args.get("encoding") == "shift_jis" else "utf-8")


@blueprint.get("/desk/ledger/journal.hledger")
@operator("finance")
def journal_hledger() -> Any:
    """The whole journal for hledger."""
    return hledger_response()
