"""What parties can do until they agree: request, accept, counter, decline."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from contracts import guideline, pricing, queries, rules
from contracts.actions import steps
from contracts.documents import printable
from contracts.guideline import parts
from contracts.guideline.parts import Deal, Template, Value
from contracts.models import Contract, Offer
from exchange.database import lock, new_id, session
from exchange.errors import Forbidden, Invalid, Words, WrongState, text
from exchange.identity import accounts, terms
from exchange.identity import actions as identity
from exchange.identity import queries as people
from exchange.identity.models import Member
from listings import queries as listing_queries

PURPOSE_LENGTH_MAX = 1_000
ORDER_LENGTH_MAX = 60
MESSAGE_LENGTH_MAX = 2_000
INTERNAL_LENGTH_MAX = 100


def request(
    offer: Offer,
    *,
    purpose: str,
    variables: Mapping[str, Any],
    accept_terms: bool,
    purchase_order: str | None = None,
    checklist: Mapping[str, Any] | None = None,
    remote: str | None = None,
    form_id: str | None = None,
    by: Member,
    at: datetime,
) -> Contract:
    """→ requested, the provider's turn. The buyer's assent to version 1 is recorded.

    Above the amount that the buyer's organization set, an owner of it confirms first, and nobody else sees the request
    before. An offer that accepts by itself leads straight to accepted where no open variable was changed.

    Variables left out take the offer's, then the template's lawful default. Refuses: people who may not bind their
    organization, unverified organizations, one's own listing (`Forbidden`); closed offers, listings not published and
    those under an exclusive contract (`WrongState`); open terms, which need no contract, and whatever cannot stand in
    the contract (`Invalid`). The same form sent twice gives the first request again.
    """
    _may_request(offer, by)
    if form_id and (before := _sent_before(by, form_id)):
        return before
    values = _requested_values(offer, purpose, variables, accept_terms, purchase_order, by, at)
    contract = _new(offer, values, by=by, at=at)
    contract.purpose, contract.form_id = purpose.strip(), form_id
    contract.purchase_order = (purchase_order or "").strip() or None
    contract.checklist = guideline.checklist.answers("buyer", checklist or {})
    steps.put_on_table(contract, values, by=by, at=at)
    steps.assent(contract, by=by, at=at, remote=remote)
    contract.awaits_confirmation = _needs_owner(contract, by)
    contract.turn = None if contract.awaits_confirmation else "provider"
    steps.note(contract, "request", None, by=by, at=at)
    if contract.awaits_confirmation:
        _ask_owners(contract, by, at)
    else:
        _hand_over(contract, by=by, at=at)
    return steps.fresh(contract)


def confirm(contract: Contract, *, by: Member, at: datetime) -> Contract:
    """requested → requested: an owner of the buyer confirms what goes out in its name; now the provider sees it."""
    steps.claim(contract, at=at)
    following = rules.check("confirm", by, contract)
    contract.awaits_confirmation = False
    steps.await_answer(contract, at=at)
    steps.move(contract, "confirm", following, by=by, at=at, turn="provider")
    _hand_over(contract, by=by, at=at)
    return steps.fresh(contract)


def _needs_owner(contract: Contract, by: Member) -> bool:
    above = queries.confirm_above_jpy(by.organization_id)
    if above is None or "owner" in by.roles:
        return False
    return pricing.year_jpy(pricing.parse(contract.pricing)) > above


def _ask_owners(contract: Contract, by: Member, at: datetime) -> None:
    title = text("申込みの確認をお願いします（%(number)s）", number=contract.number)
    body = text(
        "%(person)s さんが「%(title)s」の契約を申し込みました。組織で定めた金額を超えるため、責任者の確認が必要です。",
        person=by.name,
        title=contract.listing.title,
    )
    path = f"/desk/contracts/{contract.id}"
    identity.notify(organization_id=by.organization_id, roles=("owner",), title=title, body=body, path=path, at=at)


def _hand_over(contract: Contract, *, by: Member, at: datetime) -> None:
    """To the provider; where the offer accepts by itself and its terms are untouched, its assent is recorded at once."""
    offer = contract.offer
    may_itself = offer.auto_accept and terms.accepted_by(contract.provider_id, "providers")
    if may_itself and contract.variables == settled_values(offer, contract.buyer.kind):
        _accept_by_itself(contract, at)
        return
    steps.tell(
        contract,
        "provider",
        text("契約の申込みがありました（%(number)s）", number=contract.number),
        text(
            "%(buyer)s から「%(title)s」の利用の申込みがありました。内容を確かめて、承諾、条件の提案、または辞退をしてください。",
            buyer=contract.buyer.name,
            title=contract.listing.title,
        ),
        at=at,
    )


def settled_values(offer: Offer, buyer_kind: str) -> dict[str, Value]:
    """The variables as they stand in an offer, lawful or not: a joint use has no terms before the buyer names its data."""
    deal = Deal(offer.pricing["model"], offer.listing.provider.kind, offer.listing.data_class or "", buyer_kind)
    return parts.defaults(guideline.template(offer.template_key), deal) | offer.variables


def _accept_by_itself(contract: Contract, at: datetime) -> None:
    """The provider said in advance that it accepts these terms: who made the offer so is who assents."""
    maker = people.member(contract.offer.created_by)
    assert maker is not None
    following = rules.after(contract.state, "accept")
    steps.assent(contract, by=maker, at=at, remote=None)
    _agreed(contract, following, by=maker, at=at, detail={"by_offer": contract.offer_id})
    title = text("契約の申込みを自動で承諾しました（%(number)s）", number=contract.number)
    words = text(
        "提供条件の設定により承諾しました。運営者の承認を待っています。「%(title)s」", title=contract.listing.title
    )
    steps.tell_both(contract, title, words, at=at)


def may_request(offer: Offer, by: Member) -> Words | None:
    """Why this member cannot request this offer, in words for the page; None when nothing stands in the way."""
    try:
        _may_request(offer, by)
    except (Forbidden, WrongState, Invalid) as refusal:
        return refusal.detail
    return None


def _may_request(offer: Offer, by: Member) -> None:
    if by.is_operator:
        raise Forbidden(text("運営者は、データの売買に参加できません。"))
    if by.organization_id == offer.listing.provider_id:
        raise Forbidden(text("自分の組織のデータには申し込めません。"))
    if not by.may_bind:
        raise Forbidden(text("申込みは、組織を代表して契約できる人（契約権者）だけが行えます。"))
    if not by.organization.is_verified:
        raise Forbidden(text("組織の確認が済んでいないか停止されているため、申し込めません。"))
    terms.require(by.organization_id, "users")
    if offer.listing.state != "published":
        raise WrongState(text("このデータは公開されていません。"), state=offer.listing.state, allowed=[])
    if offer.state != "open":
        raise WrongState(text("この提供条件は終了しています。"), state=offer.state, allowed=[])
    if guideline.template(offer.template_key).is_open:
        raise Invalid({"offer_id": [text("オープンデータは、契約なしで利用できます。申込みは不要です。")]})
    if not offer.listing.provider.is_verified:
        raise Forbidden(text("提供者の取引が停止されているため、申し込めません。"))
    if offer.pricing["model"] != "free":
        accounts.demand_domestic(by.organization, offer.listing.provider)
    if offer.pricing["model"] == "metered" and listing_queries.unlogged_place(offer.listing_id):
        raise WrongState(
            text(
                "いまは申し込めません。提供者の保管場所のアクセスログが止まっているか確かめられず、届いた量を数えられないためです。"
            ),
            state=offer.state,
            allowed=[],
        )
    steps.refuse_if_taken(offer.listing_id, by.organization_id, offer.listing.state)


def _sent_before(by: Member, form_id: str) -> Contract | None:
    lock(f"contract-form/{by.organization_id}/{form_id}")
    query = select(Contract.id).where(Contract.buyer_id == by.organization_id, Contract.form_id == form_id)
    found = session.scalar(query)
    return queries.contract_by_id(found) if found else None


def _requested_values(
    offer: Offer, purpose: str, variables: Mapping[str, Any], accept: bool, order: str | None, by: Member, at: datetime
) -> dict[str, Value]:
    template = guideline.template(offer.template_key)
    errors: dict[str, list[Words]] = {}
    if accept is not True:
        errors["accept_terms"] = [text("契約の条件に同意する場合だけ、申し込めます。")]
    if not purpose.strip() or len(purpose) > PURPOSE_LENGTH_MAX:
        errors["purpose"] = [text("利用目的を %(most)s 文字以内で入力してください。", most=PURPOSE_LENGTH_MAX)]
    if order and len(order) > ORDER_LENGTH_MAX:
        errors["purchase_order"] = [text("%(most)s 文字以内で入力してください。", most=ORDER_LENGTH_MAX)]
    errors |= _foreign_choices(template, offer, variables)
    if errors:
        raise Invalid(errors)
    model, kind = offer.pricing["model"], offer.listing.provider.kind
    deal = Deal(model, kind, offer.listing.data_class or "", by.organization.kind)
    values = parts.complete(template, offer.variables, variables, deal=deal)
    steps.check_start(values, at=at)
    steps.check_texts(template.key, values, purpose=purpose, purchase_order=order)
    return values


def _foreign_choices(template: Template, offer: Offer, given: Mapping[str, Any]) -> dict[str, list[Words]]:
    """Variables that are not the buyer's to choose, unless given just as they stand."""
    standing = {v.key: v.default_under(offer.pricing["model"]) for v in template.variables} | offer.variables
    mine = open_to_buyer(template, offer)
    return {
        f"variables.{key}": [text("提供者が定める項目です。変えたいときは、申込みの後に条件を提案してください。")]
        for key, value in given.items()
        if key in standing and key not in mine and value != standing[key]
    }


def open_to_buyer(template: Template, offer: Offer) -> set[str]:
    """The variables a buyer chooses when requesting: the template's buyer's ones not fixed, and those left open."""
    fixed = offer.variables.keys() - set(offer.open_variables)
    return {v.key for v in template.variables if v.chooser == "buyer" or v.key in offer.open_variables} - fixed


def _new(offer: Offer, values: Mapping[str, Value], *, by: Member, at: datetime) -> Contract:
    release = queries.current_release(offer.listing)
    return Contract(
        id=new_id(),
        number=steps.next_number(at),
        offer_id=offer.id,
        offer=offer,
        listing_id=offer.listing_id,
        listing=offer.listing,
        release_id=release.id if release else None,
        provider_id=offer.listing.provider_id,
        provider=offer.listing.provider,
        buyer_id=by.organization_id,
        buyer=by.organization,
        state="requested",
        turn="provider",
        version=1,
        purpose="",
        variables=dict(values),
        pricing=pricing.as_json(pricing.parse(offer.pricing)),
        payment=offer.payment,
        template_key=offer.template_key,
        template_version=offer.template_version,
        requested_by=by.id,
        requested_at=at,
        answer_by=at + rules.ANSWER_WITHIN,
        document_sha256="",
    )


def accept(
    contract: Contract,
    *,
    version: int | None = None,
    approval_reference: str | None = None,
    approved_on: date | None = None,
    signatory: str | None = None,
    remote: str | None = None,
    by: Member,
    at: datetime,
) -> Contract:
    """requested, countered → accepted, the administrators' turn. Who agreed to which version is recorded.

    The three are 決裁番号, 決裁日 and 契約担当者 of a public body. Refuses: a version no longer on the table and the
    other side's turn (`WrongState`), people who may not bind (`Forbidden`).
    """
    steps.claim(contract, at=at)
    following = rules.check("accept", by, contract)
    terms.require(by.organization_id, "providers" if by.organization_id == contract.provider_id else "users")
    if version is not None and version != contract.version:
        raise WrongState(
            text(
                "第%(version)s版はもう有効な案ではありません。現在は第%(now)s版です。",
                version=version,
                now=contract.version,
            ),
            state=contract.state,
            allowed=rules.allowed(by, contract),
            version=contract.version,
        )
    internal = _internal(approval_reference, approved_on, signatory)
    steps.assent(contract, by=by, at=at, remote=remote, **internal)
    for name, value in internal.items():
        if value is not None:
            setattr(contract, name, value)
    _agreed(contract, following, by=by, at=at)
    title = text("契約の条件が承諾されました（%(number)s）", number=contract.number)
    words = text("運営者の承認を待っています。「%(title)s」", title=contract.listing.title)
    steps.tell_both(contract, title, words, at=at, but=rules.side_of(by, contract))
    return steps.fresh(contract)


def _agreed(
    contract: Contract, following: str, *, by: Member, at: datetime, detail: dict[str, Any] | None = None
) -> None:
    """Both agree: how many administrators must look, and whose signature is still wanted."""
    contract.accepted_at, contract.approvals_given = at, 0
    contract.risk_marks = steps.risk_marks(contract)
    contract.approvals_needed = rules.approvals_needed(contract.risk_marks)
    contract.unsigned = queries.unsigned_sides(contract)
    steps.move(contract, "accept", following, by=by, at=at, turn="operator", detail=detail)
    steps.tell(
        contract,
        "operator",
        text("承認待ちの契約があります（%(number)s）", number=contract.number),
        text("「%(title)s」の契約について、双方が条件に合意しました。", title=contract.listing.title),
        at=at,
    )


def _internal(reference: str | None, on: date | None, signatory: str | None) -> dict[str, Any]:
    given = {"approval_reference": (reference or "").strip() or None, "signatory": (signatory or "").strip() or None}
    too_long = [name for name, value in given.items() if value and len(value) > INTERNAL_LENGTH_MAX]
    if too_long:
        message = text("%(most)s 文字以内で入力してください。", most=INTERNAL_LENGTH_MAX)
        raise Invalid({name: [message] for name in too_long})
    printable.require(given)
    return {**given, "approved_on": on}


def counter(
    contract: Contract,
    *,
    variables: Mapping[str, Any],
    message: str,
    remote: str | None = None,
    by: Member,
    at: datetime,
) -> Contract:
    """requested, countered → countered, the other side's turn: a new version is on the table.

    Who proposes assents to the proposal. Refuses variables that cannot be taken, a proposal that changes nothing and a
    message that is missing (`Invalid`), the other side's turn (`WrongState`).
    """
    steps.claim(contract, at=at)
    following = rules.check("counter", by, contract)
    template = guideline.template(contract.template_key)
    values = parts.complete(template, contract.variables, variables, deal=steps.deal_of(contract))
    errors: dict[str, list[Words]] = {}
    if values == contract.variables:
        errors["variables"] = [text("変わる項目がありません。変えずに進めるときは承諾してください。")]
    if not message.strip() or len(message) > MESSAGE_LENGTH_MAX:
        errors["message"] = [text("相手への説明を %(most)s 文字以内で入力してください。", most=MESSAGE_LENGTH_MAX)]
    if errors:
        raise Invalid(errors)
    if values.get("starts_on") != contract.variables.get("starts_on"):
        steps.check_start(values, at=at)
    steps.check_texts(template.key, values)
    contract.version += 1
    steps.await_answer(contract, at=at)
    steps.put_on_table(contract, values, by=by, at=at, message=message.strip())
    steps.assent(contract, by=by, at=at, remote=remote)
    waiting = rules.other(rules.side_of(by, contract) or "buyer")
    steps.move(contract, "counter", following, by=by, at=at, reason=message.strip(), turn=waiting)
    steps.tell(
        contract,
        waiting,
        text("契約の条件について提案がありました（%(number)s）", number=contract.number),
        text("第%(version)s版の案が届いています。%(words)s", version=contract.version, words=message.strip()),
        at=at,
    )
    return steps.fresh(contract)


def decline(contract: Contract, *, reason: str, by: Member, at: datetime) -> Contract:
    """requested, countered → declined, by either party, with a reason."""
    steps.claim(contract, at=at)
    following = rules.check("decline", by, contract)
    reason = steps.required_reason(reason)
    steps.move(contract, "decline", following, by=by, at=at, reason=reason)
    title = text("契約の申込みが辞退されました（%(number)s）", number=contract.number)
    steps.tell_both(contract, title, text("理由：%(reason)s", reason=reason), at=at, but=rules.side_of(by, contract))
    return steps.fresh(contract)
