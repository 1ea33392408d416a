"""What the exchange's administrators decide: approve, return, reject. They never edit terms or prices."""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime

from contracts import queries, rules
from contracts.actions import steps
from contracts.documents import pdf, sheets
from contracts.models import Approval, Contract, SealedDocument
from exchange.database import session
from exchange.errors import Invalid, WrongState, text
from exchange.identity.models import Member


def approve(contract: Contract, *, by: Member, at: datetime) -> Contract:
    """accepted → active once as many administrators as are needed have approved; until then it stays accepted.

    Becoming active fixes the term and seals the document. Refuses: an administrator who approved already, a listing no
    longer published, a party whose organization is suspended (`WrongState`).
    """
    steps.claim(contract, at=at)
    following = rules.check("approve", by, contract)
    _still_lawful(contract)
    acceptance = queries.latest_acceptance(contract)
    assert acceptance is not None
    if any(a.member_id == by.id for a in queries.approvals_of(acceptance.id)):
        message = text("あなたはすでに承認しています。もう1名の承認が必要です。")
        raise WrongState(message, state=contract.state, allowed=["return", "reject"])
    session.add(Approval(contract_id=contract.id, acceptance_id=acceptance.id, member_id=by.id, at=at))
    contract.approvals_given += 1
    given = {"given": contract.approvals_given, "needed": contract.approvals_needed}
    if contract.approvals_given < contract.approvals_needed:
        steps.move(contract, "approve", contract.state, by=by, at=at, turn="operator", detail=given)
        return steps.fresh(contract)
    _activate(contract, at)
    steps.move(contract, "approve", following, by=by, at=at, detail=given)
    _seal(contract, at)
    _tell_active(contract, at)
    return steps.fresh(contract)


def _still_lawful(contract: Contract) -> None:
    if contract.listing.state != "published":
        message = text("データの掲載が終了しているため、承認できません。差し戻すか、承認しないでください。")
    elif not (contract.provider.is_verified and contract.buyer.is_verified):
        message = text("当事者の組織の確認が停止されているため、承認できません。")
    else:
        return
    raise WrongState(message, state=contract.state, allowed=["return", "reject"])


def _activate(contract: Contract, at: datetime) -> None:
    """The term begins on the chosen day, or today where that has passed or none was chosen."""
    today = at.astimezone(rules.JST).date()
    chosen = contract.variables.get("starts_on") or ""
    contract.starts_on = max(today, date.fromisoformat(chosen)) if chosen else today
    if contract.variables.get("term") == "fixed":
        contract.ends_on = rules.ends_on(contract.starts_on, int(contract.variables["term_months"]))
    contract.activated_at = at


def _seal(contract: Contract, at: datetime) -> None:
    """Print the document once and keep it."""
    session.expire(contract, ["acceptances", "approvals"])
    whole = queries.contract_by_id(contract.id)
    kept = queries.round_of(whole)
    printed = pdf.pdf(sheets.sheet(json.loads(kept.content), queries.evidence(whole)))
    session.add(
        SealedDocument(
            contract_id=contract.id,
            version=kept.version,
            sha256=kept.document_sha256,
            pdf=printed,
            pdf_sha256=hashlib.sha256(printed).hexdigest(),
            sealed_at=at,
        )
    )
    session.flush()


def _tell_active(contract: Contract, at: datetime) -> None:
    title = text("契約が成立しました（%(number)s）", number=contract.number)
    body = text(
        "「%(title)s」の契約が運営者に承認されました。期間は %(start)s からです。",
        title=contract.listing.title,
        start=contract.starts_on.isoformat() if contract.starts_on else "",
    )
    steps.tell_both(contract, title, body, at=at)


def return_(contract: Contract, *, to: str, reason: str, by: Member, at: datetime) -> Contract:
    """accepted → requested, the named party's turn, with a reason; approvals given so far are void."""
    steps.claim(contract, at=at)
    following = rules.check("return", by, contract)
    if to not in ("buyer", "provider"):
        raise Invalid({"to": [text("buyer または provider を指定してください。")]})
    reason = steps.required_reason(reason)
    contract.answer_by = at + rules.ANSWER_WITHIN
    contract.approvals_given = 0
    steps.move(contract, "return", following, by=by, at=at, reason=reason, turn=to, detail={"turn": to})
    title = text("契約が差し戻されました（%(number)s）", number=contract.number)
    steps.tell_both(contract, title, text("理由：%(reason)s", reason=reason), at=at)
    return steps.fresh(contract)


def reject(contract: Contract, *, reason: str, by: Member, at: datetime) -> Contract:
    """accepted → rejected, with a reason. Final."""
    steps.claim(contract, at=at)
    following = rules.check("reject", by, contract)
    reason = steps.required_reason(reason)
    steps.move(contract, "reject", following, by=by, at=at, reason=reason)
    title = text("契約は承認されませんでした（%(number)s）", number=contract.number)
    steps.tell_both(contract, title, text("理由：%(reason)s", reason=reason), at=at)
    return steps.fresh(contract)
