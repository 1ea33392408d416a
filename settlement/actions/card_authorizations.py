"""Authorizing a card for a one-off price while its contract waits; it is captured once the contract is active.

As with payments, every call that makes something is a step between two transactions, and what became of a card is
what Stripe answers when it is asked. Contracts know nothing of this: how they stand is looked at every few seconds.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import joinedload

import contracts.queries
from contracts.models import Contract
from exchange import audit, clock, database
from exchange.config import config
from exchange.database import new_id, session
from exchange.errors import Forbidden, Unavailable, Words, WrongState, text
from exchange.identity.models import Member
from settlement import authorizing, invoicing, queries, rules, stripe_gateway
from settlement.actions.payers import KEY_LIFETIME, NotOffered, customer_of, tell, tell_finance
from settlement.models import CardAuthorization, Invoice, OnlinePayment
from settlement.stripe_gateway import IntentSeen, SessionSeen, StripeRefuses

SETTLED_AT_ONCE = 100


# ---- authorizing a card, and giving it free


def begin_authorization(contract_id: str, *, by: Member, language: str, at: datetime) -> str:
    """Where the buyer has a card authorized for a contract's one-off price, tax included: an address at Stripe.

    Nothing is charged before the contract is active. Asked again while that page is open, it is the same one; once a
    card is authorized, it is the contract's own page. Raises `WrongState` while one is being released, and where the
    contract does not wait any more; `NotOffered` without a key, for other prices
    and amounts, and where the provider bills for itself; `StripeAway`.
    """
    contract = contracts.queries.contract_seen_by(by, contract_id)
    if not rules.pays_for(by, contract.buyer_id):
        raise Forbidden(text("利用者の組織の責任者または経理担当者だけが、カードの与信枠を確保できます。"))
    _check_offered(contract)
    row = _asked_after(contract, at) or _intended(contract, by, at)
    if row.state == "intended":
        _open_page(row, contract, language, at)
    if row.state == "authorized":  # nobody had noticed, or the button stood in another window
        return f"{config().url}{_page_of(row)}?authorized={row.id}"
    if row.state != "open" or row.url is None:
        words = text("与信枠を解放する手続きの途中です。終わってから、もう一度確保してください。")
        raise WrongState(words, state=row.state, allowed=[])
    audit.record("authorization.begin", actor=by.id, subject=f"contract/{contract.id}", at=at, detail={"id": row.id})
    return row.url


def _check_offered(contract: Contract) -> None:
    if rules.authorization_fate(contract.state, is_activated=contract.activated_at is not None) != "wait":
        words = text("与信枠を確保できるのは、契約の成立を待っている間だけです。請求書からお支払いください。")
        raise WrongState(words, state=contract.state, allowed=[])
    if not queries.may_be_authorized(contract):
        raise NotOffered(text("この契約では、カードの与信枠を確保できません。成立後の請求書からお支払いください。"))


def _under_way(contract_id: str) -> CardAuthorization | None:
    query = select(CardAuthorization).where(CardAuthorization.contract_id == contract_id)
    query = query.where(CardAuthorization.state.in_(rules.AUTHORIZING))
    return session.scalars(query.execution_options(populate_existing=True)).first()


def _asked_after(contract: Contract, at: datetime) -> CardAuthorization | None:
    """The authorization under way as Stripe has it now, or None where there is room for a new one.

    A page that ran out, or whose card is free again before anything was held for it, is ended beside this transaction:
    the next attempt is written there, too, and one would wait for the other for ever.
    """
    row = _under_way(contract.id)
    if row is None or row.state != "open":
        return row
    page, seen = _as_stripe_has_it(row)
    state = rules.authorization_state(row.state, page=_status(page), intent=_status(seen))
    if state not in rules.AUTHORIZING:
        with database.own_transaction() as beside:
            found = beside.get_one(CardAuthorization, row.id, with_for_update=True)
            if found.state == "open":
                found.state, found.ended_at, found.url = state, at, None
        return _under_way(contract.id)
    _follow(row.id, page, seen, at)
    return _under_way(contract.id)


def _intended(contract: Contract, by: Member, at: datetime) -> CardAuthorization:
    """Written in a transaction of its own: it must survive what the call may do."""
    row: dict[str, Any] = {"id": new_id(), "contract_id": contract.id, "payer_id": contract.buyer_id}
    row |= {"amount_jpy": authorizing.amount_jpy(contract), "state": "intended", "begun_at": at, "begun_by": by.id}
    with database.own_transaction() as beside:
        beside.execute(insert(CardAuthorization).values(row).on_conflict_do_nothing())
    found = _under_way(contract.id)
    if found is None:
        raise Unavailable()
    return found


def _open_page(row: CardAuthorization, contract: Contract, language: str, at: datetime) -> None:
    """intended → open. Repeated after a crash, the call gives the page it made before."""
    try:
        page = stripe_gateway.make_authorization_page(
            authorization_id=row.id,
            amount_jpy=row.amount_jpy,
            title=f"{contract.provider.name} {contract.number}",
            customer_id=customer_of(row.payer_id, at),
            return_to=f"{config().url}{_page_of(row)}",
            language=language,
        )
    except StripeRefuses as refusal:
        with database.own_transaction() as beside:
            found = beside.get_one(CardAuthorization, row.id, with_for_update=True)
            found.state, found.reason, found.ended_at = "failed", refusal.code, at
        raise
    row.session_id, row.url, row.state = page.id, page.url, "open"


def _page_of(row: CardAuthorization) -> str:
    return f"/desk/contracts/{row.contract_id}"


def release_authorization(contract_id: str, *, by: Member, at: datetime) -> None:
    """authorized → releasing: the buyer wants its card free again while the contract still waits."""
    contract = contracts.queries.contract_seen_by(by, contract_id)
    if not rules.pays_for(by, contract.buyer_id):
        raise Forbidden(text("利用者の組織の責任者または経理担当者だけが、カードの与信枠を解放できます。"))
    found = _under_way(contract.id)
    row = authorizing.reread(found.id) if found else None
    if row is None or row.state not in ("open", "authorized") or _is_being_captured(row):
        raise WrongState(text("解放できる与信枠はありません。"), state=row.state if row else "none", allowed=[])
    authorizing.intend_release(row, "buyer", at=at)
    audit.record("authorization.release", actor=by.id, subject=f"contract/{contract.id}", at=at, detail={"id": row.id})


def _is_being_captured(row: CardAuthorization) -> bool:
    return session.scalar(select(OnlinePayment.id).where(OnlinePayment.authorization_id == row.id)) is not None


# ---- what became of a card


def look_at_authorization(authorization_id: str, *, at: datetime) -> None:
    """Ask Stripe how an authorization stands and follow it; one that is to be released is released."""
    row = session.get(CardAuthorization, authorization_id, populate_existing=True)
    if row is None or row.state not in rules.AUTHORIZING:
        return
    if row.state == "intended":
        return _begin_again(row, at)
    page, seen = _as_stripe_has_it(row)
    if row.state == "releasing" and _is_left(page, seen):
        page, seen = _released(row, page, seen)
    _follow(row.id, page, seen, at)


def _begin_again(row: CardAuthorization, at: datetime) -> None:
    """Nobody was ever shown that page: it is made (again) while the contract waits and the key that names it is known."""
    contract = contracts.queries.contract_by_id(row.contract_id)
    fate = rules.authorization_fate(contract.state, is_activated=contract.activated_at is not None)
    if fate != "wait" or at - row.begun_at > KEY_LIFETIME:
        return authorizing.end(row, "abandoned", at=at)
    try:
        _open_page(row, contract, "ja", at)
    except StripeRefuses:
        session.refresh(row)


def _as_stripe_has_it(row: CardAuthorization) -> tuple[SessionSeen | None, IntentSeen | None]:
    page = stripe_gateway.payment_page(row.session_id) if row.session_id else None
    intent_id = (page.intent_id if page else None) or row.intent_id
    return page, stripe_gateway.intent(intent_id) if intent_id else None


def _status(seen: SessionSeen | IntentSeen | None) -> str | None:
    return seen.status if seen else None


def _is_left(page: SessionSeen | None, seen: IntentSeen | None) -> bool:
    """Whether there is something to release: an authorized card, or a page on which one could still be."""
    return _status(seen) == "requires_capture" or _status(page) == "open"


def _released(
    row: CardAuthorization, page: SessionSeen | None, seen: IntentSeen | None
) -> tuple[SessionSeen | None, IntentSeen | None]:
    try:
        if seen and seen.status == "requires_capture":
            return page, stripe_gateway.release(seen.id, key=f"{row.id}/release")
        return stripe_gateway.close_page(row.session_id or ""), seen
    except StripeRefuses:  # captured, lapsed, or authorized in this moment
        return _as_stripe_has_it(row)


def follow(authorization_id: str, seen: IntentSeen, *, at: datetime) -> None:
    """Book how an authorized card stands, as Stripe said it a moment ago."""
    _follow(authorization_id, None, seen, at)


def _follow(authorization_id: str, page: SessionSeen | None, seen: IntentSeen | None, at: datetime) -> None:
    row = authorizing.reread(authorization_id)
    was, state = row.state, rules.authorization_state(row.state, page=_status(page), intent=_status(seen))
    if seen and was in rules.AUTHORIZING:
        row.intent_id = seen.id
    if state == was:
        return
    if state == "authorized" and seen:
        authorizing.hold(row, seen, at=at)
    else:
        authorizing.end(row, state, at=at)
    detail = {"id": row.id, "amount_jpy": row.amount_jpy}
    audit.record(f"authorization.{state}", actor=None, subject=f"contract/{row.contract_id}", at=at, detail=detail)
    _tell(row, at)
    if state == "authorized":
        settle_authorizations(at=at, only=row.id)


def intent_authorized(intent_id: str, *, at: datetime) -> None:
    """Look at the authorization that one of Stripe's payments is, if it is one."""
    query = select(CardAuthorization.id).where(CardAuthorization.intent_id == intent_id)
    found = session.scalar(query) or stripe_gateway.intent(intent_id).authorization_id
    if found:
        look_at_authorization(found, at=at)


def page_authorized(session_id: str) -> CardAuthorization | None:
    """The authorization that a page was opened for; where its making was never answered, it names the row itself."""
    query = select(CardAuthorization).where(CardAuthorization.session_id == session_id)
    found = session.scalars(query).first()
    if found is None:
        found = session.get(CardAuthorization, stripe_gateway.payment_page(session_id).our_id or "")
        if found is not None and found.session_id is None:
            found.session_id = session_id
            found.state = "open" if found.state == "intended" else found.state
    return found


# ---- as contracts go on


def settle_authorizations(*, at: datetime, only: str | None = None) -> int:
    """Capture or release authorized cards as their contracts went on, and close pages for one; how many.

    An invoice issued while its card was authorized is captured by its issue already; this finds the rest.
    """
    if not stripe_gateway.is_on():
        return 0
    settled = 0
    for row, contract, invoice, is_busy in session.execute(_to_settle(only)).tuples():
        fate = rules.authorization_fate(contract.state, is_activated=contract.activated_at is not None)
        if fate == "release" or row.state != "authorized":
            authorizing.intend_release(row, "contract", at=at)
        elif invoice is not None and not invoice.due_jpy:
            authorizing.intend_release(row, "paid", at=at)
        elif invoice is not None and invoice.due_on and not is_busy:  # not before the seller's own invoice is there
            authorizing.intend_capture(row, invoice.id, at=at)
        settled += 1
    return settled


def _to_settle(only: str | None) -> Any:
    """Authorizations with their contract, its invoice, and whether a payment of that is under way already."""
    busy = select(OnlinePayment.id).where(OnlinePayment.invoice_id == Invoice.id)
    busy = busy.where(OnlinePayment.state.in_(rules.UNDER_WAY))
    tried = select(OnlinePayment.id).where(OnlinePayment.authorization_id == CardAuthorization.id)
    of_contract = (Invoice.contract_id == Contract.id) & (Invoice.ground == invoicing.ACTIVATION)
    of_contract &= Invoice.state != "replaced"
    query = select(CardAuthorization, Contract, Invoice, busy.exists())
    query = query.join(Contract, Contract.id == CardAuthorization.contract_id).outerjoin(Invoice, of_contract)
    went_on = or_(Contract.activated_at.is_not(None), Contract.state.in_(rules.CAME_TO_NOTHING))
    query = query.where(CardAuthorization.state.in_(("open", "authorized")), went_on, ~tried.exists())
    if only is not None:
        query = query.where(CardAuthorization.id == only)
    locked = query.with_for_update(of=CardAuthorization, skip_locked=only is None)
    return locked.order_by(CardAuthorization.id).limit(SETTLED_AT_ONCE)


# ---- what the buyer is told


def _tell(row: CardAuthorization, at: datetime) -> None:
    if row.hold_id is None and row.state != "failed":
        return  # a page that someone opened and left
    contract = session.scalars(
        select(Contract).where(Contract.id == row.contract_id).options(joinedload(Contract.provider))
    ).one()
    values = {"number": contract.number, "amount": f"{row.amount_jpy:,}"}
    title, body = _words(row, values)
    tell(row.payer_id, title, body, _page_of(row), at)
    if row.state == "failed":
        words = text(
            "契約 %(number)s の与信枠 %(amount)s円が、決済代行会社の管理画面で売上確定されました。請求のない売上です。利用者へ返金してください。",
            **values,
        )
        tell_finance(text("請求のない売上確定がありました"), words, at)


def _words(row: CardAuthorization, values: dict[str, str]) -> tuple[Words, Words]:
    if row.state == "authorized" and row.expires_at:
        on = row.expires_at.astimezone(clock.JST)
        until = clock.words(on)
        return text("カードの与信枠を確保しました"), text(
            "契約 %(number)s の代金 %(amount)s円の与信枠を、%(until)sまで確保しました。契約が成立するまで、代金は引き落とされません。",
            until=until,
            **values,
        )
    if row.state == "lapsed":
        return text("カードの与信枠の期間が過ぎました"), text(
            "契約 %(number)s の与信枠 %(amount)s円は、カード会社の期間が過ぎたため解放されました。代金は引き落とされません。契約の手続きはそのまま続き、成立後の請求書は銀行振込、カード、コンビニのどの方法でもお支払いいただけます。成立前であれば、もう一度与信枠を確保することもできます。",
            **values,
        )
    if row.state == "failed":
        return text("カードの売上を取り消します"), text(
            "契約 %(number)s の与信枠 %(amount)s円が誤って売上確定されました。運営者が返金します。", **values
        )
    return text("カードの与信枠を解放しました"), _RELEASED[row.reason or "contract"](values)


_RELEASED: dict[str, Any] = {
    "contract": lambda values: text(
        "契約 %(number)s が成立しなかったため、カードの与信枠 %(amount)s円を解放しました。代金は引き落とされません。ご利用可能額に戻るまで、カード会社により数日かかることがあります。",
        **values,
    ),
    "buyer": lambda values: text(
        "契約 %(number)s のカードの与信枠 %(amount)s円を、お申し出により解放しました。契約の手続きはそのまま続きます。成立後の請求書からお支払いください。",
        **values,
    ),
    "paid": lambda values: text(
        "契約 %(number)s の請求書に支払う額がなくなったため(ほかの方法でのお支払い、または請求の取消)、カードの与信枠 %(amount)s円を解放しました。カードから代金は引き落とされません。",
        **values,
    ),
    "refused": lambda values: text(
        "契約 %(number)s の代金 %(amount)s円をカードから引き落とせませんでした。与信枠は解放しました。請求書から、銀行振込など別の方法でお支払いください。",
        **values,
    ),
}
