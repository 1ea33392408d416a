"""Can I approve this without worry? One contract for an administrator: checks first, the decision at the foot."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from wtforms import RadioField, TextAreaField

from contracts import actions, guideline, queries, rules
from contracts.guideline import checklist
from contracts.models import Contract
from contracts.pages import fields, shown, standing
from exchange import clock
from exchange.errors import Invalid, Words, text
from exchange.identity import queries as people
from exchange.identity.models import Member, Organization
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


# ── the queue ────────────────────────────────────────────────────────────────────────────────────────────────────────


def waiting(member: Member) -> list[ReviewItem]:
    """Contracts that wait for the administrators, for the queue on /desk/reviews."""
    return [_item(contract, member) for contract in queries.contracts_under_review()] if member.is_operator else []


def _item(contract: Contract, member: Member) -> ReviewItem:
    return ReviewItem(
        kind="contract",
        title=f"{contract.number} {contract.listing.title}",
        url=url_for("contract_reviews.show", contract_id=contract.id),
        party=f"{contract.provider.name} → {contract.buyer.name}",
        waiting_since=contract.accepted_at or contract.requested_at,
        marks=_marks(contract, member),
    )


def _marks(contract: Contract, member: Member) -> list[Words]:
    changed = len(shown.deviations(shown.contract_content(contract)))
    found: list[Words] = [text(rules.RISK_TITLES[mark]) for mark in contract.risk_marks]
    if changed:
        found.append(text("標準と異なる条件 %(n)s件", n=changed))
    if contract.approvals_needed > 1:
        found.append(text("2名の承認が必要（%(given)s名が承認済み）", given=contract.approvals_given))
    if contract.unsigned:
        found.append(text("記名押印・電子署名の記録待ち"))
    if queries.has_interest(member, contract):
        found.append(text("あなたは決定できません（利害関係の申告）"))
    elif any(approval.member_id == member.id for approval in _approvals(contract)):
        found.append(text("あなたは承認済み"))
    return found


def _approvals(contract: Contract) -> list[Any]:
    """The approvals of what stands agreed; those before a return are void."""
    latest = queries.latest_acceptance(contract)
    return [a for a in contract.approvals if latest and a.acceptance_id == latest.id]


# ── one contract ─────────────────────────────────────────────────────────────────────────────────────────────────────


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
        contract = queries.contract_seen_by(me(), contract_id)
    return _page(contract, form), 422 if form.errors else 200


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


def _page(contract: Contract, form: DecisionForm) -> str:
    content = shown.contract_content(contract)
    deviations, points = shown.deviations(content), checklist_points(contract)
    return render_template(
        "contracts/review.html",
        form=form,
        contract=contract,
        days=(clock.now() - (contract.accepted_at or contract.requested_at)).days,
        hindrance=actions.may_approve(contract, me()),
        may_decide=not queries.has_interest(me(), contract),
        risks=[_(rules.RISK_TITLES[mark]) for mark in contract.risk_marks],
        approvals=approvals(contract),
        checks=checks(contract, deviations, points),
        deviations=deviations,
        points=points,
        parties=[party(_("提供者"), contract.provider), party(_("利用者"), contract.buyer)],
        prices=prices(contract),
        signatures=standing.signatures(contract),
        unsigned=[standing.party(contract, side) for side in contract.unsigned],
        annexes=[shown.said(annex["title"]) for annex in content["annexes"]],
        terms=shown.key_terms(contract, content),
        clauses=shown.content_clauses(content),
        price=shown.price(contract.pricing),
        timeline=standing.timeline(contract),
        template=guideline.template(contract.template_key),
        kinds=KIND_TITLES,
        said=shown.said,
    )


def checks(contract: Contract, deviations: list[Any], points: list[Points]) -> list[Check]:
    """What was checked before the decision, failures first."""
    agreed = {a.side for a in contract.acceptances if a.version == contract.version}
    municipal_price = contract.provider.kind == "municipality" and not shown.price(contract.pricing).is_free
    taken = queries.exclusive_on(contract.listing_id)
    found = [
        Check(text("双方が同じ版の条件に合意している"), agreed == {"buyer", "provider"}),
        Check(text("提供者の組織の確認が済んでいる"), contract.provider.is_verified, contract.provider.name),
        Check(text("利用者の組織の確認が済んでいる"), contract.buyer.is_verified, contract.buyer.name),
        Check(text("データが公開されている"), contract.listing.state == "published", contract.listing.title),
        Check(text("ほかの利用者との独占的な契約がない"), taken is None or taken.buyer_id == contract.buyer_id),
        Check(
            text("承認者を増やす事情がない"),
            contract.approvals_needed == 1,
            _("、").join(_(rules.RISK_TITLES[mark]) for mark in contract.risk_marks),
        ),
        *(
            [
                Check(
                    text("自治体の対価の根拠が記載されている"),
                    bool(contract.offer.price_basis),
                    contract.offer.price_basis or "",
                )
            ]
            if municipal_price
            else []
        ),
        Check(
            text("標準のひな型から変更がない"),
            not deviations,
            text("変更された条件を下で確かめてください。") if deviations else "",
        ),
        Check(
            text("双方の確認事項に、未回答や気になる答えがない"),
            not any(side.doubtful or side.open for side in points),
            text("確認事項の答えを下で確かめてください。") if any(s.doubtful or s.open for s in points) else "",
        ),
        *_signature_checks(contract),
    ]
    return sorted(found, key=lambda check: check.passed)


def _signature_checks(contract: Contract) -> list[Check]:
    """For a municipality's contract: approval does not wait for the signature, but the contract does."""
    if "municipality" not in (contract.provider.kind, contract.buyer.kind):
        return []
    wanted = _("、").join(standing.party(contract, side) for side in contract.unsigned)
    return [Check(text("自治体の記名押印または電子署名が記録されている"), not contract.unsigned, wanted)]


@dataclass(frozen=True)
class Points:
    """What of one side's checklist an administrator looks at."""

    side: str
    doubtful: list[tuple[str, str, str]]  # question, answer, note: answered other than one would wish
    open: list[str]  # not answered
    total: int


def checklist_points(contract: Contract) -> list[Points]:
    """The points of both sides' checklists that are open or answered other than one would wish."""
    given = (("provider", _("提供者"), contract.offer.checklist), ("buyer", _("利用者"), contract.checklist))
    return [_points(side, title, answers) for side, title, answers in given]


def _points(side: str, title: str, answers: dict[str, Any]) -> Points:
    found = checklist.to_look_at(side, answers)
    doubtful = [
        (shown.said(question.words), str(fields.ANSWER_WORDS[answer]), note)
        for question, answer, note in found
        if answer
    ]
    open_ = [shown.said(question.words) for question, answer, _note in found if not answer]
    return Points(title, doubtful, open_, len(checklist.QUESTIONS[side]))


def approvals(contract: Contract) -> list[tuple[str, datetime]]:
    """Who approved what stands agreed, and when."""
    given = _approvals(contract)
    names = people.names_of({approval.member_id for approval in given})
    return [(names.get(approval.member_id, ""), approval.at) for approval in given]


@dataclass(frozen=True)
class PartyShown:
    """A party as an administrator weighs it."""

    side: str
    organization: Organization
    kind: str
    deals: int


def party(side: str, organization: Organization) -> PartyShown:
    """A party with what the exchange knows of it."""
    return PartyShown(side, organization, _(KIND_TITLES[organization.kind]), queries.activated_by(organization.id))


def prices(contract: Contract) -> list[tuple[str, shown.Price, bool]]:
    """The price beside those of the listing's other offers: name, price, whether it is this contract's."""
    others = [offer for offer in queries.offers_of(contract.listing_id) if offer.id != contract.offer_id]
    rows = [(offer.name, shown.price(offer.pricing), False) for offer in others]
    return [(contract.offer.name, shown.price(contract.pricing), True), *rows]
