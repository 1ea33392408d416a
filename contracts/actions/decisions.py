"""What the exchange's administrators decide: approve, return, reject. They never edit terms or prices."""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime
from typing import Any

from contracts import queries, rules
from contracts.actions import steps
from contracts.documents import pdf, printable, sheets
from contracts.documents.verdict import Mark
from contracts.models import Acceptance, Approval, Contract, Interest, SealedDocument, Signature
from exchange import audit
from exchange.database import lock, session
from exchange.errors import Forbidden, Invalid, Words, WrongState, text
from exchange.identity.models import Member

SIGNATURE_KINDS = ("paper", "electronic")
SIGNATURE_TEXT_MAX = 100
SCAN_BYTES_MAX = 10_000_000


def approve(contract: Contract, *, by: Member, at: datetime) -> Contract:
    """accepted → active once as many administrators as are needed have approved; until then it stays accepted.

    Becoming active fixes the term and seals the document. A municipality's contract stays accepted until its signature
    is recorded, too (地方自治法 234条5項). Refuses: an administrator with a tie to a party (`Forbidden`), one who
    approved already, a listing no longer published or taken exclusively, a party that is suspended (`WrongState`).
    """
    steps.claim(contract, at=at)
    acceptance = _may_approve(contract, by)
    session.add(Approval(contract_id=contract.id, acceptance_id=acceptance.id, member_id=by.id, at=at))
    contract.approvals_given += 1
    given = {"given": contract.approvals_given, "needed": contract.approvals_needed}
    _go_on(contract, "approve", by=by, at=at, detail=given)
    return steps.fresh(contract)


def may_approve(contract: Contract, by: Member) -> Words | None:
    """Why this administrator cannot approve this contract, in words for the page; None when they can."""
    try:
        _may_approve(contract, by)
    except (Forbidden, WrongState) as refusal:
        return refusal.detail
    return None


def _may_approve(contract: Contract, by: Member) -> Acceptance:
    """The acceptance that would be approved."""
    rules.check("approve", by, contract)
    steps.refuse_interested(contract, by)
    _still_lawful(contract)
    acceptance = queries.latest_acceptance(contract)
    assert acceptance is not None
    if contract.approvals_given >= contract.approvals_needed:
        message = text("承認は済んでいます。自治体の記名押印または電子署名の記録を待っています。")
    elif any(a.member_id == by.id for a in queries.approvals_of(acceptance.id)):
        message = text("あなたはすでに承認しています。もう1名の承認が必要です。")
    else:
        return acceptance
    raise WrongState(message, state=contract.state, allowed=["return", "reject"])


def sign(
    contract: Contract,
    *,
    kind: str,
    reference: str,
    signed_on: date | None,
    signatory: str,
    scan: bytes | None = None,
    by: Member,
    at: datetime,
) -> Contract:
    """accepted → accepted, or active where nothing else is wanted: a municipality's signature is recorded.

    By scan or signed PDF, or by reference, date and signatory of what lies in the municipality's own files. Refuses
    sides that need none (`WrongState`), a file that is no PDF or too large, and fields left empty (`Invalid`).
    """
    steps.claim(contract, at=at)
    rules.check("sign", by, contract)
    side = rules.side_of(by, contract) or ""
    fields = _signature_fields(kind, reference, signed_on, signatory, scan, at)
    kept = Signature(contract_id=contract.id, version=contract.version, side=side, recorded_by=by.id, at=at, **fields)
    session.add(kept)
    session.flush()
    contract.unsigned = [other for other in contract.unsigned if other != side]
    _go_on(contract, "sign", by=by, at=at, detail={"side": side, "kind": kind, "reference": fields["reference"]})
    return steps.fresh(contract)


def _go_on(contract: Contract, deed: str, *, by: Member, at: datetime, detail: dict[str, Any]) -> None:
    """Active if all approvals are given and no signature is wanted; else accepted, and it waits for what is missing."""
    if contract.approvals_given < contract.approvals_needed:
        steps.move(contract, deed, contract.state, by=by, at=at, turn="operator", detail=detail)
    elif contract.unsigned:
        side = contract.unsigned[0]
        steps.move(contract, deed, contract.state, by=by, at=at, turn=side, detail=detail)
        title = text("記名押印または電子署名を記録してください（%(number)s）", number=contract.number)
        body = text("運営者は承認しました。自治体の記名押印または電子署名が記録されると、契約が成立します。")
        steps.tell(contract, side, title, body, at=at)
    else:
        _still_lawful(contract)
        _activate(contract, at)
        steps.move(contract, deed, rules.after(contract.state, "approve"), by=by, at=at, detail=detail)
        _seal(contract, at)
        _tell_active(contract, at)


def _signature_fields(
    kind: str, reference: str, signed_on: date | None, signatory: str, scan: bytes | None, at: datetime
) -> dict[str, Any]:
    errors: dict[str, list[Words]] = {}
    given = {"reference": reference.strip(), "signatory": signatory.strip()}
    if kind not in SIGNATURE_KINDS:
        errors["kind"] = [text("paper または electronic を指定してください。")]
    if signed_on is None or signed_on > at.astimezone(rules.JST).date():
        errors["signed_on"] = [text("署名した日を、今日までの日付で入力してください。")]
    if not given["signatory"]:
        errors["signatory"] = [text("記名押印または署名をした人の職名と氏名を入力してください。")]
    if scan is None and not given["reference"]:
        errors["reference"] = [text("スキャンしたPDFを付けるか、文書番号を入力してください。")]
    for name, value in given.items():
        if len(value) > SIGNATURE_TEXT_MAX:
            errors[name] = [text("%(most)s 文字以内で入力してください。", most=SIGNATURE_TEXT_MAX)]
    if scan is not None and (len(scan) > SCAN_BYTES_MAX or not scan.startswith(b"%PDF-")):
        errors["scan"] = [text("10 MB 以内の PDF を付けてください。")]
    if errors:
        raise Invalid(errors)
    printable.require(given)
    digest = hashlib.sha256(scan).hexdigest() if scan else None
    return {"kind": kind, "signed_on": signed_on, "scan": scan, "scan_sha256": digest, **given}


def declare_interest(organization_id: str, *, declared: bool, by: Member, at: datetime) -> None:
    """An administrator has, or no longer has, a tie to an organization; they decide nothing that it is party to."""
    if not by.is_operator:
        raise Forbidden(text("運営者の管理者だけが申告できます。"))
    kept = session.get(Interest, (by.id, organization_id))
    if declared and kept is None:
        session.add(Interest(member_id=by.id, organization_id=organization_id, declared_at=at))
    if not declared and kept is not None:
        session.delete(kept)
    deed = "interest.declare" if declared else "interest.withdraw"
    subject = f"organization/{organization_id}"
    audit.record(deed, actor=by.id, subject=subject, at=at, organization=by.organization_id, detail={})
    session.flush()


def _still_lawful(contract: Contract) -> None:
    # Of two contracts that exclude each other and are approved at once, the second sees the first.
    lock(f"listing-contracts/{contract.listing_id}")
    exclusive = rules.closes_listing(contract.variables)
    steps.refuse_if_taken(contract.listing_id, contract.buyer_id, contract.state, exclusive=exclusive)
    if contract.listing.state != "published":
        message = text("データの掲載が終了しているため、この契約は成立させられません。")
    elif not (contract.provider.is_verified and contract.buyer.is_verified):
        message = text("当事者の組織の確認が停止されているため、この契約は成立させられません。")
    else:
        return
    raise WrongState(message, state=contract.state, allowed=["return", "reject"])


def _activate(contract: Contract, at: datetime) -> None:
    """The term begins on the chosen day, or today where that has passed or none was chosen."""
    today = at.astimezone(rules.JST).date()
    chosen = contract.variables.get("starts_on") or ""
    contract.starts_on = max(today, date.fromisoformat(chosen)) if chosen else today
    if contract.variables.get("term") in ("fixed", "renewing"):
        contract.ends_on = rules.ends_on(contract.starts_on, int(contract.variables["term_months"]))
    contract.activated_at = at


def _seal(contract: Contract, at: datetime) -> None:
    """Print the document once, seal it and keep it."""
    from contracts.documents.seal import seal  # brings pyHanko, 0.3 s that nobody else should wait for

    session.expire(contract, ["acceptances", "approvals", "signatures"])
    whole = queries.contract_by_id(contract.id)
    kept = queries.round_of(whole)
    printed = pdf.pdf(sheets.sheet(json.loads(kept.content), queries.evidence(whole)))
    sealed = seal(printed, Mark(whole.number, kept.version, kept.document_sha256), at=at)
    session.add(
        SealedDocument(
            contract_id=contract.id,
            version=kept.version,
            sha256=kept.document_sha256,
            pdf=sealed,
            pdf_sha256=hashlib.sha256(sealed).hexdigest(),
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
    steps.refuse_interested(contract, by)
    if to not in ("buyer", "provider"):
        raise Invalid({"to": [text("buyer または provider を指定してください。")]})
    reason = steps.required_reason(reason)
    steps.await_answer(contract, at=at)
    contract.approvals_given = 0
    steps.move(contract, "return", following, by=by, at=at, reason=reason, turn=to, detail={"turn": to})
    title = text("契約が差し戻されました（%(number)s）", number=contract.number)
    steps.tell_both(contract, title, text("理由：%(reason)s", reason=reason), at=at)
    return steps.fresh(contract)


def reject(contract: Contract, *, reason: str, by: Member, at: datetime) -> Contract:
    """accepted → rejected, with a reason. Final."""
    steps.claim(contract, at=at)
    following = rules.check("reject", by, contract)
    steps.refuse_interested(contract, by)
    reason = steps.required_reason(reason)
    steps.move(contract, "reject", following, by=by, at=at, reason=reason)
    title = text("契約は承認されませんでした（%(number)s）", number=contract.number)
    steps.tell_both(contract, title, text("理由：%(reason)s", reason=reason), at=at)
    return steps.fresh(contract)
