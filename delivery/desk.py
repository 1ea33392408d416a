"""The HTML doors of what follows the count: disputes over request lines, and the daily comparison."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from wtforms import RadioField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional

from contracts.queries import contract_seen_by
from delivery import disputes, provisions, queries, reconciling, rules
from delivery.models import Difference, Dispute, ProvisionRecord
from exchange import audit, clock
from exchange.database import session
from exchange.errors import N_, NotFound, text
from exchange.identity.models import Member
from exchange.web import desk
from exchange.web.access import me, operator, signed_in
from exchange.web.forms import Form, attempt
from exchange.web.table_files import csv_answer
from listings.rules import DATA_CLASSES

blueprint = Blueprint("delivery_desk", __name__)

DIFFERENCES = {
    "unread": N_("読まれなかったリンク"),
    "no-grant": N_("リンクのない引渡し"),
    "object-changed": N_("登録時と異なるファイル"),
    "object-missing": N_("保管庫にないファイル"),
    "usage": N_("要求の記録と合わない利用量"),
    "lines": N_("数えられていないログの行"),
}
STATES = {
    "raised": (N_("回答待ち"), "warning"),
    "answered": (N_("決定待ち"), "warning"),
    "upheld": (N_("認められました"), "success"),
    "rejected": (N_("認められませんでした"), "info"),
}


SIDES = {"provider": N_("提供した側"), "buyer": N_("受け取った側")}


class WordsForm(Form):
    """An objection, or its answer."""

    words = TextAreaField(text("内容"), validators=[DataRequired(), Length(max=disputes.WORDS_MAX)])


class DecisionForm(Form):
    """What an administrator decides."""

    decision = RadioField(
        text("決定"),
        choices=[("upheld", text("異議を認め、課金対象から除く")), ("rejected", text("異議を認めない"))],
        validators=[Optional()],
    )
    words = TextAreaField(text("理由"), validators=[DataRequired(), Length(max=disputes.WORDS_MAX)])


def install() -> None:
    """What waits for whom, and the menu."""
    desk.task_source(_tasks)
    desk.menu_item(text("引渡しの照合"), "/desk/reconciliation", roles=(), operator_roles=("*",), order=76)


def _tasks(member: Member) -> list[desk.Task]:
    found = []
    if member.is_operator or rules.may_set_limits(member):
        count, oldest_at = disputes.waiting_for(member)
        title = text("決定を待つ計量への異議") if member.is_operator else text("回答を待つ計量への異議")
        found.append(desk.Task(title, count, oldest_at, "/desk/disputes"))
    if member.is_operator:
        count, oldest_at = reconciling.open_count()
        found.append(desk.Task(text("引渡しの照合で見つかった差異"), count, oldest_at, "/desk/reconciliation"))
    return [task for task in found if task.count]


# ── disputes ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.get("/desk/disputes")
@signed_in()
def all_disputes() -> str:
    """Disputes of one's own contracts; all of them, for administrators."""
    rows = [(each, STATES[_state(each)], disputes.path(each)) for each in disputes.seen_by(me())]
    return render_template("delivery/disputes.html", rows=rows)


def _state(made: Dispute) -> str:
    return made.decision or ("answered" if made.answered_at else "raised")


@blueprint.get("/desk/contracts/<contract_id>/usage/<grant_id>/lines/<request_id>")
@signed_in()
def line(contract_id: str, grant_id: str, request_id: str) -> Any:
    """One request line, what is disputed about it, and what one may do next."""
    return _shown(contract_id, grant_id, request_id, None)


@blueprint.post("/desk/contracts/<contract_id>/usage/<grant_id>/lines/<request_id>")
@signed_in()
def act(contract_id: str, grant_id: str, request_id: str) -> Any:
    """Object, answer or decide: whatever is the next step for who asks."""
    contract = contract_seen_by(me(), contract_id)
    found, made = disputes.line_of(contract, grant_id, request_id), disputes.about(request_id)
    form = DecisionForm() if made and me().is_operator else WordsForm()
    if form.validate_on_submit():
        words, at = form.words.data or "", clock.now()
        with attempt(form) as tried:
            if made is None:
                disputes.dispute(contract, found, reason=words, by=me(), at=at)
            elif isinstance(form, DecisionForm):
                disputes.decide(made, contract, decision=form.decision.data or "", words=words, by=me(), at=at)
            else:
                disputes.answer(made, contract, words=words, by=me(), at=at)
        if tried.ok:
            return redirect(request.path, 303)
    return _shown(contract_id, grant_id, request_id, form), 422


def _shown(contract_id: str, grant_id: str, request_id: str, tried: Any) -> str:
    contract = contract_seen_by(me(), contract_id)
    grant = queries.grant_seen_in(contract.id, grant_id)
    found, made = disputes.line_of(contract, grant_id, request_id), disputes.about(request_id)
    next_form = _next_form(contract, found.added_bytes, made)
    return render_template(
        "delivery/line.html",
        contract=contract,
        grant=grant,
        line=found,
        dispute=made,
        state=STATES[_state(made)] if made else None,
        corrections=[each for each in disputes.corrections_of(grant.id) if made and each.dispute_id == made.id],
        form=tried or next_form,
    )


def _next_form(contract: Any, added_bytes: int, made: Dispute | None) -> Any:
    """The form of the step that is next for who asks, or None."""
    if made is None:
        is_buyer = me().organization_id == contract.buyer_id and rules.may_set_limits(me())
        return WordsForm() if is_buyer and added_bytes else None
    if made.decided_at:
        return None
    if me().is_operator:
        return DecisionForm()
    is_provider = me().organization_id == contract.provider_id and rules.may_set_limits(me())
    return WordsForm() if is_provider and not made.answered_at else None


# ── records of provision to third parties ────────────────────────────────────────────────────────────────────────────


@blueprint.get("/desk/provision-records")
@signed_in()
def provision_records() -> str:
    """What one's organization keeps of data about persons that it gave or got."""
    contract_id, cursor = request.args.get("contract"), request.args.get("cursor")
    page = provisions.kept_by(me(), contract_id=contract_id, cursor=cursor)
    return render_template(
        "delivery/provision_records.html", page=page, contract_id=contract_id, classes=DATA_CLASSES, sides=SIDES
    )


@blueprint.get("/desk/provision-records.csv")
@signed_in()
def provision_records_csv() -> Any:
    """The same as a file, all of them."""
    head = [
        "記録ID", "区分", "根拠", "データ区分", "提供年月日", "相手方の名称", "相手方の住所", "相手方の代表者", "相手方の法人番号",
        "本人の同意", "取得の経緯", "本人を特定する事項", "項目", "ファイル", "SHA-256", "契約番号", "リンクID", "作成日", "保存期限",
    ]  # fmt: skip
    lines = (_record_line(each) for each in provisions.all_kept_by(me(), contract_id=request.args.get("contract")))
    return csv_answer("provision-records.csv", head, lines)


def _record_line(each: ProvisionRecord) -> list[Any]:
    partner = [each.partner[name] or "" for name in ("name", "address", "representative", "corporate_number")]
    is_provider = each.side == "provider"
    return [
        each.id,
        "提供" if is_provider else "受領",
        each.articles,
        DATA_CLASSES[each.data_class],
        f"{each.provided_at:%Y-%m-%d}",
        *partner,
        each.consent,
        "" if is_provider else each.acquired,
        each.subjects,
        "、".join(each.items),
        each.file_name,
        each.sha256,
        each.contract_number,
        each.grant_id,
        f"{each.made_at:%Y-%m-%d}",
        each.keep_until.isoformat(),
    ]


# ── the daily comparison ─────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.get("/desk/reconciliation")
@operator()
def reconciliation() -> str:
    """What the daily comparison of grants, lines, objects and log files found."""
    return render_template("delivery/reconciliation.html", rows=reconciling.newest(), titles=DIFFERENCES)


@blueprint.post("/desk/reconciliation/<int:difference_id>/seen")
@operator("system")
def seen(difference_id: int) -> Any:
    """An administrator looked into a difference."""
    found = session.get(Difference, difference_id, with_for_update=True)
    if found is None:
        raise NotFound()
    if found.seen_at is None:
        found.seen_at, found.seen_by = clock.now(), me().id
        audit.record("difference.seen", actor=me().id, subject=f"difference/{found.id}", at=clock.now())
    flash(str(text("確認済みにしました。")), "success")
    return redirect(url_for("delivery_desk.reconciliation"), 303)
