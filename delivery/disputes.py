"""Disputes over request lines: the buyer objects, the provider answers, an administrator decides.

    raised ──answer──> answered ──decide──> upheld | rejected        (an administrator may decide without an answer)

Lines are evidence and stay. A decision for the buyer is a row of its own that takes the line's bytes off the grant's
usage; a month that is invoiced already is put right on the next invoice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import joinedload

from contracts.models import Contract
from delivery import rules
from delivery.models import Correction, Dispute, Grant, GrantUsage, RequestLine
from exchange import audit, database
from exchange.database import session
from exchange.errors import Forbidden, Invalid, NotFound, Words, WrongState, text
from exchange.identity.actions import notify, notify_operators
from exchange.identity.models import Member

WORDS_MAX = 2_000
DECISIONS = ("upheld", "rejected")


def line_of(contract: Contract, grant_id: str, request_id: str) -> RequestLine:
    """A request line of a link of a contract; `NotFound` otherwise."""
    query = select(RequestLine).join(Grant, Grant.id == RequestLine.grant_id)
    query = query.where(RequestLine.request_id == request_id, Grant.id == grant_id, Grant.contract_id == contract.id)
    line = session.scalars(query).one_or_none()
    if line is None:
        raise NotFound()
    return line


def about(request_id: str) -> Dispute | None:
    """The dispute over a line, if there is one."""
    return session.scalars(select(Dispute).where(Dispute.request_id == request_id)).one_or_none()


def seen_by(member: Member, limit: int = 200) -> list[Dispute]:
    """Disputes of the member's organization (all, for administrators), the undecided first."""
    query = select(Dispute).options(joinedload(Dispute.line), joinedload(Dispute.contract))
    if not member.is_operator:
        mine = member.organization_id
        query = query.join(Contract, Contract.id == Dispute.contract_id)
        query = query.where((Contract.buyer_id == mine) | (Contract.provider_id == mine))
    return list(session.scalars(query.order_by(Dispute.decided_at.is_not(None), Dispute.id.desc()).limit(limit)))


def waiting_for(member: Member) -> tuple[int, datetime | None]:
    """How many disputes wait for someone, and since when: a provider's answer, an administrator's decision."""
    query = select(func.count(Dispute.id), func.min(Dispute.raised_at)).where(Dispute.decided_at.is_(None))
    if not member.is_operator:
        query = query.join(Contract, Contract.id == Dispute.contract_id)
        query = query.where(Contract.provider_id == member.organization_id, Dispute.answered_at.is_(None))
    count, oldest = session.execute(query).one()
    return int(count), oldest


def dispute(contract: Contract, line: RequestLine, *, reason: str, by: Member, at: datetime) -> Dispute:
    """→ raised. Others than the buyer's owners, data officers and accountants are refused (`Forbidden`).

    So is a line that adds nothing to the bill (`Invalid`), and a second dispute over one line (`WrongState`).
    """
    if by.organization_id != contract.buyer_id or not rules.may_set_limits(by):
        raise Forbidden(text("異議を申し立てられるのは、契約の利用者の責任者、データ担当、経理担当です。"))
    database.lock(f"dispute/{line.request_id}")
    if about(line.request_id):
        raise WrongState(text("この要求には、すでに異議が申し立てられています。"), state="raised")
    if not line.added_bytes:
        raise Invalid({"words": [text("この要求は課金対象に加えられていません。")]})
    made = Dispute(
        request_id=line.request_id,
        grant_id=line.grant_id,
        contract_id=contract.id,
        reason=_words(reason),
        raised_by=by.id,
        raised_at=at,
    )
    session.add(made)
    session.flush()
    _record("raise", made, by, at)
    title = text("計量に異議が申し立てられました")
    body = text(
        "契約 %(number)s の引渡しの計量に異議が申し立てられました。内容を確認してください。", number=contract.number
    )
    notify(organization_id=contract.provider_id, title=title, body=body, path=path(made), at=at, roles=("owner",))
    notify_operators(title=title, body=body, path=path(made), at=at)
    return made


def answer(made: Dispute, contract: Contract, *, words: str, by: Member, at: datetime) -> None:
    """raised → answered, by the provider; once, and before it is decided (`WrongState`)."""
    if by.organization_id != contract.provider_id or not rules.may_set_limits(by):
        raise Forbidden(text("異議に回答できるのは、契約の提供者の責任者、データ担当、経理担当です。"))
    if made.answered_at or made.decided_at:
        raise WrongState(text("この異議には、もう回答できません。"), state=made.decision or "answered")
    made.answer, made.answered_by, made.answered_at = _words(words), by.id, at
    session.flush()
    _record("answer", made, by, at)
    title = text("計量への異議に回答がありました")
    body = text("契約 %(number)s の計量への異議に提供者が回答しました。", number=contract.number)
    notify(organization_id=contract.buyer_id, title=title, body=body, path=path(made), at=at, roles=("owner",))
    notify_operators(title=title, body=body, path=path(made), at=at)


def decide(made: Dispute, contract: Contract, *, decision: str, words: str, by: Member, at: datetime) -> None:
    """raised or answered → upheld or rejected, by an administrator, once. Upheld takes the line's bytes off the usage."""
    if not by.is_operator:
        raise Forbidden(text("異議について決定できるのは、運営者だけです。"))
    database.lock(f"dispute/{made.request_id}")
    session.refresh(made)
    if made.decided_at:
        raise WrongState(text("この異議は、すでに決定されています。"), state=made.decision or "")
    if decision not in DECISIONS:
        raise Invalid({"decision": [text("決定を選んでください。")]})
    made.decision, made.decision_reason, made.decided_by, made.decided_at = decision, _words(words), by.id, at
    if decision == "upheld":
        _correct(made, at)
    session.flush()
    _record(decision, made, by, at)
    for organization_id in (contract.buyer_id, contract.provider_id):
        notify(
            organization_id=organization_id,
            title=text("計量への異議について決定がありました"),
            body=text("契約 %(number)s の計量への異議について、運営者が決定しました。", number=contract.number),
            path=path(made),
            at=at,
            roles=("owner", "accountant"),
        )


def _correct(made: Dispute, at: datetime) -> None:
    line = session.get_one(RequestLine, made.request_id)
    usage = session.get_one(GrantUsage, made.grant_id, with_for_update=True, populate_existing=True)
    downloads = -min(1, usage.downloads)  # without these bytes it is no whole download any more
    row = {"billable_bytes": -line.added_bytes, "downloads": downloads}
    session.add(Correction(dispute_id=made.id, grant_id=made.grant_id, made_at=at, **row))
    session.execute(
        update(GrantUsage)
        .where(GrantUsage.grant_id == made.grant_id)
        .values(
            billable_bytes=GrantUsage.billable_bytes - line.added_bytes,
            downloads=GrantUsage.downloads + downloads,
            changed_at=at,
        )
    )


def corrections_of(grant_id: str) -> Sequence[Correction]:
    """What decisions took off a grant's usage."""
    return session.scalars(select(Correction).where(Correction.grant_id == grant_id).order_by(Correction.id)).all()


def path(made: Dispute) -> str:
    """Where a dispute is seen."""
    return f"/desk/contracts/{made.contract_id}/usage/{made.grant_id}/lines/{made.request_id}"


def _words(given: str) -> str:
    words = given.strip()
    if not 0 < len(words) <= WORDS_MAX:
        problem: list[Words] = [text("%(max)s文字以内で入力してください。", max=WORDS_MAX)]
        raise Invalid({"words": problem})
    return words


def _record(deed: str, made: Dispute, by: Member, at: datetime) -> None:
    detail = {"request_id": made.request_id, "contract": made.contract_id}
    audit.record(
        f"dispute.{deed}",
        actor=by.id,
        subject=f"dispute/{made.id}",
        at=at,
        organization=by.organization_id,
        detail=detail,
    )
