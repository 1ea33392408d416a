"""Can I approve this without worry? One contract for an administrator: checks first, the decision at the foot."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from wtforms import RadioField, TextAreaField

from contracts import actions, guideline, queries
from contracts.models import Contract
from contracts.pages import fields, shown
from exchange import clock
from exchange.errors import Invalid, text
from exchange.identity.models import Member
from exchange.identity.rules import KIND_TITLES
from exchange.web.access import me, operator
from exchange.web.forms import Form, attempt
from listings.registries import Check, ReviewItem

blueprint = Blueprint("contract_reviews", __name__, url_prefix="/desk/reviews/contracts")


class DecisionForm(Form):
    """A reason and, for a return, to whom."""

    reason = TextAreaField(
        text("理由"), description=text("差し戻すとき、承認しないときに必要です。"), validators=[fields.longest(1_000)]
    )
    to = RadioField(
        text("差し戻す相手"),
        choices=[("provider", text("提供者")), ("buyer", text("利用者"))],
        default="provider",
        validate_choice=False,
    )


def waiting(member: Member) -> list[ReviewItem]:
    """Contracts that wait for an administrator, for the queue on /desk/reviews."""
    return [_item(contract) for contract in queries.contracts_waiting_for(member)] if member.is_operator else []


def _item(contract: Contract) -> ReviewItem:
    content = shown.contract_content(contract)
    changed = len(shown.deviations(content))
    marks = [text("標準と異なる条件 %(n)s件", n=changed)] if changed else []
    if contract.approvals_needed > 1:
        marks.append(text("2名の承認が必要（%(given)s名が承認済み）", given=contract.approvals_given))
    return ReviewItem(
        kind="contract",
        title=f"{contract.number} {contract.listing.title}",
        url=url_for("contract_reviews.show", contract_id=contract.id),
        party=f"{contract.provider.name} → {contract.buyer.name}",
        waiting_since=contract.accepted_at or contract.requested_at,
        marks=marks,
    )


@blueprint.route("/<contract_id>", methods=["GET", "POST"])
@operator("approver")
def show(contract_id: str) -> Any:
    """Checks, deviations, parties, history; approve, return or reject with reason."""
    contract = queries.contract_seen_by(me(), contract_id)
    if contract.state != "accepted":  # decided meanwhile, or the same form sent twice
        return redirect(url_for("deals.show", contract_id=contract.id), 303)
    form = DecisionForm(data={"to": "provider"})
    if form.validate_on_submit():
        with attempt(form) as tried:
            _decide(contract, form)
        if tried.ok:
            flash(_("決定を記録しました（%(number)s）。", number=contract.number), "success")
            return redirect("/desk/reviews", 303)
    content = shown.contract_content(contract)
    page = render_template(
        "contracts/review.html",
        form=form,
        contract=contract,
        checks=checks(contract),
        deviations=shown.deviations(content),
        terms=shown.key_terms(contract, content),
        clauses=shown.content_clauses(content),
        price=shown.price(contract.pricing),
        timeline=shown.timeline(contract),
        template=guideline.template(contract.template_key),
        kinds=KIND_TITLES,
        said=shown.said,
    )
    return page, 422 if form.errors else 200


def _decide(contract: Contract, form: Any) -> None:
    decision, reason, at = request.form.get("decision"), form.reason.data or "", clock.now()
    if decision == "approve":
        actions.approve(contract, by=me(), at=at)
    elif decision == "return":
        actions.return_(contract, to=form.to.data or "", reason=reason, by=me(), at=at)
    elif decision == "reject":
        actions.reject(contract, reason=reason, by=me(), at=at)
    else:
        raise Invalid({"reason": [text("「承認する」「差し戻す」「承認しない」のいずれかを選んでください。")]})


def checks(contract: Contract) -> list[Check]:
    """What was checked before the decision, failures first."""
    changed = shown.deviations(shown.contract_content(contract))
    agreed = {a.side for a in contract.acceptances if a.version == contract.version}
    abroad = contract.variables.get("storage_country") == "worldwide"
    municipal_price = contract.provider.kind == "municipality" and not shown.price(contract.pricing).is_free
    found = [
        Check(text("双方が同じ版の条件に合意している"), agreed == {"buyer", "provider"}),
        Check(text("提供者の組織の確認が済んでいる"), contract.provider.is_verified, contract.provider.name),
        Check(text("利用者の組織の確認が済んでいる"), contract.buyer.is_verified, contract.buyer.name),
        Check(text("データが公開されている"), contract.listing.state == "published", contract.listing.title),
        Check(
            text("承認者を増やす事情がない"),
            contract.approvals_needed == 1,
            text("データを国外に保存できる契約です。") if abroad else "",
        ),
        Check(text("自治体の有償の提供ではない"), not municipal_price),
        Check(
            text("標準のひな型から変更がない"),
            not changed,
            text("変更された条件を下で確かめてください。") if changed else "",
        ),
    ]
    return sorted(found, key=lambda check: check.passed)
