"""What every step of a contract's life shares: the row lock, the move, the history, the audit log, the notices."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.dialects.postgresql import insert

from contracts import guideline, pricing, queries, rules
from contracts.documents import content as documents
from contracts.documents import printable
from contracts.guideline import parts
from contracts.guideline.parts import Deal, Value
from contracts.models import Acceptance, Contract, ContractEvent, NumberSeries, Round
from exchange import audit, settings
from exchange.database import session
from exchange.errors import Forbidden, Invalid, Words, WrongState, text
from exchange.identity import actions as identity
from exchange.identity.models import Member
from listings import queries as listings

REASON_LENGTH_MAX = 1_000
START_WITHIN = timedelta(days=366)
TOLD = ("owner", "data_officer")


def claim(contract: Contract, *, at: datetime) -> Contract:
    """Hold the row until the deed is done, in the state it has now: of two deeds at once the second sees the first.

    A request past its deadline counts as lapsed although the clock has not come by yet.
    """
    session.flush()
    columns = [column.key for column in inspect(Contract).column_attrs]
    session.refresh(contract, attribute_names=columns, with_for_update=True)
    if contract.state in ("requested", "countered") and contract.answer_by <= at:
        raise WrongState(text("回答の期限が過ぎたため、この申込みは失効しています。"), state="expired", allowed=[])
    return contract


def await_answer(contract: Contract, *, at: datetime) -> None:
    """Whoever answers next has the whole time for it, and is warned anew before it is over."""
    contract.answer_by, contract.warnings = at + rules.ANSWER_WITHIN, 0


def move(
    contract: Contract,
    deed: str,
    to: str,
    *,
    by: Member | None,
    at: datetime,
    reason: str = "",
    turn: str | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Write the new state with its event and its line in the audit log."""
    before, contract.state, contract.turn = contract.state, to, turn
    note(contract, deed, before, by=by, at=at, reason=reason, detail=detail)


def note(
    contract: Contract,
    deed: str,
    before: str | None,
    *,
    by: Member | None,
    at: datetime,
    reason: str = "",
    detail: dict[str, Any] | None = None,
) -> None:
    """Write a step into the history and the audit log."""
    session.flush()
    event = ContractEvent(
        contract_id=contract.id,
        at=at,
        deed=deed,
        actor_id=by.id if by else None,
        side=rules.side_of(by, contract) if by else None,
        from_state=before,
        to_state=contract.state,
        reason=reason,
        version=contract.version,
    )
    session.add(event)
    audit.record(
        f"contract.{deed}",
        actor=by.id if by else None,
        subject=f"contract/{contract.id}",
        at=at,
        organization=by.organization_id if by else None,
        detail={"number": contract.number, "from": before, "to": contract.state, "version": contract.version}
        | ({"reason": reason} if reason else {})
        | (detail or {}),
    )
    session.flush()


def tell(contract: Contract, side: str, title: Words, body: Words, *, at: datetime) -> None:
    """Tell one side, or the administrators who approve, on their desk and by mail.

    What an owner of the buyer has not confirmed, nobody else hears of.
    """
    if contract.awaits_confirmation and side != "buyer":
        return
    path = f"/desk/contracts/{contract.id}"
    if side == "operator":
        identity.notify_operators(roles=["approver"], title=title, body=body, path=path, at=at)
    else:
        organization_id = contract.buyer_id if side == "buyer" else contract.provider_id
        identity.notify(organization_id=organization_id, roles=TOLD, title=title, body=body, path=path, at=at)


def tell_both(contract: Contract, title: Words, body: Words, *, at: datetime, but: str | None = None) -> None:
    """Tell both parties, or the other one only."""
    for side in ("provider", "buyer"):
        if side != but:
            tell(contract, side, title, body, at=at)


def required_reason(reason: str, field: str = "reason") -> str:
    """A reason that says something; raises `Invalid`."""
    reason = reason.strip()
    if not reason or len(reason) > REASON_LENGTH_MAX:
        raise Invalid({field: [text("理由を %(most)s 文字以内で入力してください。", most=REASON_LENGTH_MAX)]})
    return reason


def next_number(at: datetime) -> str:
    """The next contract number of the year in Japan: C-2026-000001. Waits for a request that is taking one now."""
    year = at.astimezone(rules.JST).year
    taken = insert(NumberSeries).values(year=year, last=1)
    taken = taken.on_conflict_do_update(index_elements=["year"], set_={"last": NumberSeries.last + 1})
    return f"C-{year}-{session.execute(taken.returning(NumberSeries.last)).scalar_one():06}"


def deal_of(contract: Contract) -> Deal:
    """The facts that the template's rules look at."""
    model, data_class = contract.pricing["model"], contract.listing.data_class or ""
    return Deal(model, contract.provider.kind, data_class, contract.buyer.kind)


def risk_marks(contract: Contract) -> list[str]:
    """What about the terms on the table makes a second administrator look."""
    template, deal = guideline.template(contract.template_key), deal_of(contract)
    standard = parts.defaults(template, deal)
    price = pricing.parse(contract.pricing)
    others = [
        pricing.example_month_jpy(found)
        for offer in queries.offers_of(contract.listing_id)
        if offer.id != contract.offer_id and (found := pricing.parse(offer.pricing)).model == price.model
    ]
    return rules.risk_marks(
        contract.variables,
        data_class=deal.data_class,
        deviating=[v.key for v in template.variables if v.weighty and contract.variables[v.key] != standard[v.key]],
        price_jpy=pricing.example_month_jpy(price),
        other_prices_jpy=others,
    )


def refuse_if_taken(listing_id: str, buyer_id: str, state: str, *, exclusive: bool = False) -> None:
    """Refuse a listing that somebody else has exclusively, and an exclusive contract beside running ones of others."""
    taken = queries.running_on(listing_id, but_of=buyer_id)
    alone = next((found for found in taken if rules.closes_listing(found.variables)), None)
    if alone is not None:
        message = taken_words(alone)
    elif exclusive and taken:
        message = text("このデータには、ほかの利用者との有効な契約があるため、独占的な契約を結べません。")
    else:
        return
    raise WrongState(message, state=state, allowed=[])


def taken_words(contract: Contract) -> Words:
    """That a listing is under an exclusive contract, and until when."""
    if contract.ends_on is None:
        return text("このデータは、ほかの利用者と独占的な契約が結ばれています。その契約が終わるまで契約できません。")
    return text(
        "このデータは %(day)s まで、ほかの利用者と独占的な契約が結ばれています。その期間は契約できません。",
        day=contract.ends_on.isoformat(),
    )


def refuse_interested(contract: Contract, by: Member) -> None:
    """An administrator decides nothing about an organization that they declared a tie to; raises `Forbidden`."""
    if queries.has_interest(by, contract):
        raise Forbidden(text("当事者と利害関係があるため、決定できません。ほかの管理者に依頼してください。"))


def check_texts(contract_template: str, variables: Mapping[str, Any], **texts: str | None) -> None:
    """Refuse texts the document cannot print; raises `Invalid` naming field and character."""
    template = guideline.template(contract_template)
    typed = {
        f"variables.{v.key}": variables[v.key]
        for v in template.variables
        if v.type == "text" and isinstance(variables.get(v.key), str)
    }
    printable.require(texts | typed)


def check_start(variables: Mapping[str, Any], *, at: datetime) -> None:
    """The first day is empty (the day of approval), or from today to a year from now; raises `Invalid`."""
    given = variables.get("starts_on")
    if not given:
        return
    today = at.astimezone(rules.JST).date()
    if not today.isoformat() <= given <= (today + START_WITHIN).isoformat():
        raise Invalid({"variables.starts_on": [text("利用を始める日は、今日から1年以内の日付にしてください。")]})


def put_on_table(
    contract: Contract, values: Mapping[str, Value], *, by: Member, at: datetime, message: str = ""
) -> Round:
    """Make these variables the version on the table, with its content and SHA-256."""
    listing = listings.listing_by_id(contract.listing_id)
    release = next((r for r in listing.releases if r.id == contract.release_id), None)
    terms = documents.Terms(
        number=contract.number,
        version=contract.version,
        template=guideline.template(contract.template_key),
        values=values,
        deal=deal_of(contract),
        price=pricing.parse(contract.pricing),
        purpose=contract.purpose,
        provider=contract.provider,
        buyer=contract.buyer,
        listing=listing,
        release=release,
        operator_name=settings.current().operator_name,
    )
    canonical = documents.canonical(documents.content(terms))
    contract.variables = dict(values)
    contract.document_sha256 = documents.sha256(canonical)
    kept = Round(
        contract_id=contract.id,
        version=contract.version,
        side=rules.side_of(by, contract) or "",
        member_id=by.id,
        at=at,
        variables=dict(values),
        message=message,
        content=canonical,
        document_sha256=contract.document_sha256,
    )
    session.add(contract)
    session.flush()
    session.add(kept)
    session.flush()
    return kept


def assent(contract: Contract, *, by: Member, at: datetime, remote: str | None, **internal: Any) -> Acceptance:
    """Record who agreed to the version on the table, for whom, when, from where."""
    kept = Acceptance(
        contract_id=contract.id,
        version=contract.version,
        side=rules.side_of(by, contract) or "",
        member_id=by.id,
        organization_id=by.organization_id,
        at=at,
        remote=remote,
        document_sha256=contract.document_sha256,
        **internal,
    )
    session.add(kept)
    session.flush()
    return kept


def fresh(contract: Contract) -> Contract:
    """The contract as it stands now, with its history, for the answer."""
    session.flush()
    session.expire(contract, ["history", "acceptances", "approvals", "rounds", "signatures", "deletion"])
    return queries.contract_by_id(contract.id)
