"""Payment by card, at convenience stores and by Stripe's bank transfer.

Every call to Stripe that makes something is a step between two transactions: the row that intends it is committed
first, its id is the idempotency key, and the answer moves the row on. Money moves only upon what Stripe answers when
it is asked; an event says no more than what to ask about.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert

from exchange import audit, clock, database, jobs
from exchange.config import config
from exchange.database import new_id, session
from exchange.errors import Conflict, Forbidden, Unavailable, WrongState, text
from exchange.identity.models import Member
from settlement import authorizing, ledger, online, queries, rules, stripe_gateway
from settlement.actions import card_authorizations
from settlement.actions.locks import MONEY, only_finance
from settlement.actions.payers import KEY_LIFETIME, NotOffered, customer_of, email_of, tell, tell_finance
from settlement.actions.receipts import tell_paid
from settlement.actions.refunds import credit
from settlement.models import (
    CardAuthorization,
    Invoice,
    OnlinePayment,
    OnlineRefund,
    PaymentDispute,
    SavedCard,
    StripeEvent,
    StripeStanding,
)
from settlement.stripe_gateway import EventSeen, StripeAway, StripeRefuses

EVENTS_KEPT = timedelta(days=29)
OVERLAP = timedelta(days=2)


# ---- paying an invoice


def begin_checkout(invoice_id: str, *, by: Member, language: str, at: datetime) -> str:
    """Where the buyer pays an invoice by card, at a convenience store or by bank transfer: an address at Stripe.

    Asked again while that page is open, it is the same one. Raises `WrongState` for what is paid, or while a payment
    is on its way; `NotOffered` without a key and for amounts that Stripe does not take; `StripeAway`.
    """
    invoice = queries.invoice_seen_by(by, invoice_id)
    if not rules.pays_for(by, invoice.recipient_id):
        raise Forbidden(text("請求先の組織の責任者または経理担当者だけが支払えます。"))
    _check_payable(invoice)
    payment = _asked_after(invoice, at)
    if not invoice.due_jpy:  # paid a moment ago, and nobody had noticed
        return f"{_page_of(invoice)}?paid=1"
    if payment is None:
        row = {"invoice_id": invoice.id, "payer_id": invoice.recipient_id, "kind": "checkout", "state": "intended"}
        payment = _intended(row | {"amount_jpy": invoice.due_jpy, "begun_at": at, "begun_by": by.id})
    if payment.state == "intended" and payment.kind == "checkout":
        _open_page(payment, language, at)
    if payment.state == "processing" or payment.url is None:
        words = text("この請求書のお支払いは手続き中です。確認できるまでお待ちください。")
        raise WrongState(words, state=payment.state, allowed=[])
    subject = f"invoice/{invoice.id}"
    audit.record("invoice.checkout", actor=by.id, subject=subject, at=at, detail={"payment": payment.id})
    return payment.url


def _page_of(invoice: Invoice) -> str:
    return f"{config().url}/desk/invoices/{invoice.id}"


def _check_payable(invoice: Invoice) -> None:
    if not stripe_gateway.is_on():
        raise NotOffered(text("オンラインの支払いは現在受け付けていません。銀行振込をご利用ください。"))
    if not invoice.due_jpy:
        raise WrongState(text("この請求書に未払いの額はありません。"), state=invoice.state)
    if not rules.ways_to_pay(invoice.due_jpy):
        words = text(
            "オンラインで支払える額は%(least)s円以上%(most)s円以下です。銀行振込をご利用ください。",
            least=f"{rules.STRIPE_LEAST_JPY:,}",
            most=f"{rules.STRIPE_MOST_JPY:,}",
        )
        raise NotOffered(words)


def _under_way(invoice_id: str) -> OnlinePayment | None:
    query = select(OnlinePayment).where(OnlinePayment.invoice_id == invoice_id)
    query = query.where(OnlinePayment.state.in_(rules.UNDER_WAY)).execution_options(populate_existing=True)
    return session.scalars(query).first()


def _asked_after(invoice: Invoice, at: datetime) -> OnlinePayment | None:
    """The attempt under way as Stripe has it now, or None where there is room for a new one.

    A page for another amount than is due is closed. What ended is written beside this transaction, for the next
    attempt is, too, and one would wait for the other for ever.
    """
    payment = _under_way(invoice.id)
    if payment is None or payment.state != "open" or payment.session_id is None:
        return payment
    page = stripe_gateway.payment_page(payment.session_id)
    if page.status == "open" and payment.amount_jpy != invoice.due_jpy:
        page = _closed(page)
    seen = stripe_gateway.intent(page.intent_id) if page.intent_id else None
    state = rules.online_state(payment.state, page=page.status, intent=seen.status if seen else None)
    if state in ("failed", "expired"):
        _end(payment, state, seen.reason if seen else None, at)
    elif state != "open":
        _apply(payment, page.status, seen, at)
    return _under_way(invoice.id)


def _closed(page: stripe_gateway.SessionSeen) -> stripe_gateway.SessionSeen:
    try:
        return stripe_gateway.close_page(page.id)
    except StripeRefuses:  # somebody paid in this moment, or it has run out
        return stripe_gateway.payment_page(page.id)


def _end(payment: OnlinePayment, state: str, reason: str | None, at: datetime) -> None:
    """Written beside the request's transaction: it makes room for the next attempt, and survives a refusal."""
    with database.own_transaction() as beside:
        row = beside.get_one(OnlinePayment, payment.id, with_for_update=True)
        if row.state in rules.UNDER_WAY:
            row.state, row.reason, row.settled_at = state, reason or row.reason, at


def _intended(row: dict[str, Any]) -> OnlinePayment:
    """The invoice's attempt under way, written in a transaction of its own: it must survive what the call may do."""
    with database.own_transaction() as beside:
        beside.execute(insert(OnlinePayment).values(id=new_id(), **row).on_conflict_do_nothing())
    payment = _under_way(row["invoice_id"])
    if payment is None:
        raise Unavailable()
    return payment


def _open_page(payment: OnlinePayment, language: str, at: datetime) -> None:
    """intended → open. Repeated after a crash, the call gives the page it made before."""
    invoice = online.invoice_of(payment)
    try:
        page = stripe_gateway.make_payment_page(
            payment_id=payment.id,
            amount_jpy=payment.amount_jpy,
            title=f"{invoice.issuer['name']} {invoice.number}",
            customer_id=customer_of(payment.payer_id, at),
            ways=rules.ways_to_pay(payment.amount_jpy),
            return_to=_page_of(invoice),
            language=language,
        )
    except StripeRefuses as refusal:
        _end(payment, "failed", refusal.code, at)
        raise
    payment.session_id, payment.url, payment.state = page.id, page.url, "open"


# ---- what became of a payment


def look_at_payment(payment_id: str, *, at: datetime) -> None:
    """Ask Stripe how a payment stands and book it; one that was only intended is begun (again)."""
    payment = session.get(OnlinePayment, payment_id, populate_existing=True)
    if payment is None or payment.state not in rules.UNDER_WAY:
        return
    if payment.state != "intended":
        return _look(payment, at)
    if payment.kind == "saved":
        return _charge(payment, at)
    if payment.kind == "authorized":
        return _capture(payment, at)
    if at - payment.begun_at > KEY_LIFETIME:  # nobody was ever shown that page, and the key that names it is forgotten
        payment.state = "expired"
        return
    try:
        _open_page(payment, "ja", at)
    except StripeRefuses:
        session.refresh(payment)


def _look(payment: OnlinePayment, at: datetime) -> None:
    """Ask, then book under the lock: what was asked first may be booked last, so that nothing goes back."""
    page = stripe_gateway.payment_page(payment.session_id) if payment.session_id else None
    intent_id = (page.intent_id if page else None) or payment.intent_id
    seen = stripe_gateway.intent(intent_id) if intent_id else None
    _apply(payment, page.status if page else None, seen, at)


def _apply(payment: OnlinePayment, page: str | None, seen: stripe_gateway.IntentSeen | None, at: datetime) -> None:
    """Only money that came needs the lock of all money; the rest locks its own row."""
    if seen and seen.status == "succeeded":
        database.lock(MONEY)
    payment = online.reread(payment.id)
    if payment.receipt_id is not None:
        return
    if seen:
        payment.intent_id, payment.charge_id, payment.method = seen.id, seen.charge_id, seen.method or payment.method
        payment.reason = seen.reason
    state = rules.online_state(payment.state, page=page, intent=seen.status if seen else None)
    if state == "succeeded" and seen:
        return _take(payment, seen, at)
    was, payment.state = payment.state, state
    if state in ("failed", "expired") and was != state:
        payment.settled_at = at
        _tell_failed(payment, at)


def _take(payment: OnlinePayment, seen: stripe_gateway.IntentSeen, at: datetime) -> None:
    invoice = session.get_one(Invoice, payment.invoice_id, populate_existing=True)
    before = invoice.state
    online.take_payment(payment, seen, at=at)
    if payment.authorization_id is not None:
        payment.amount_jpy = seen.received_jpy
        authorizing.captured(payment, seen.received_jpy, at=at)
    subject, detail = f"invoice/{invoice.id}", {"payment": payment.id, "amount_jpy": seen.received_jpy}
    audit.record("payment.take", actor=None, subject=subject, at=at, detail=detail)
    if invoice.state == "paid" and before != "paid":
        tell_paid(invoice, at)


def _tell_failed(payment: OnlinePayment, at: datetime) -> None:
    if payment.state == "expired" and payment.method is None:
        return  # a page that someone opened and left
    invoice = online.invoice_of(payment)
    words = text(
        "請求書 %(number)s のお支払いが完了しませんでした。別の方法でお支払いください。", number=invoice.number
    )
    tell(payment.payer_id, text("お支払いが完了しませんでした"), words, f"/desk/invoices/{invoice.id}", at)


# ---- a saved card for monthly invoices


def begin_saving_card(*, by: Member, consents: bool, language: str, at: datetime) -> str:
    """Where an organization leaves a card for its monthly invoices, with its consent: an address at Stripe."""
    if not rules.pays_for(by, by.organization_id) or by.is_operator:
        raise Forbidden(text("組織の責任者または経理担当者だけがカードを登録できます。"))
    if not consents:
        raise Conflict(text("毎月の請求額を自動でお支払いいただくことへの同意が必要です。"))
    if not stripe_gateway.is_on():
        raise NotOffered(text("オンラインの支払いは現在受け付けていません。銀行振込をご利用ください。"))
    card = _intended_card(by, at)
    if card.state == "open" and card.session_id and stripe_gateway.payment_page(card.session_id).status != "open":
        look_at_card(card.id, at=at)
        if card.state == "saved":
            return f"{config().url}/desk/payment-card"
        card = _intended_card(by, at)
    if card.state == "intended":
        _open_card_page(card, language, at)
    audit.record("card.begin", actor=by.id, subject=f"organization/{by.organization_id}", at=at)
    return card.url or f"{config().url}/desk/payment-card"


def _intended_card(by: Member, at: datetime) -> SavedCard:
    """The page under way; unlike a payment, one whose answer was lost may be forgotten, and is made anew."""
    row = {"id": new_id(), "organization_id": by.organization_id, "state": "intended", "begun_at": at}
    session.flush()
    session.execute(insert(SavedCard).values(begun_by=by.id, **row).on_conflict_do_nothing())
    under_way = SavedCard.state.in_(("intended", "open"))
    query = select(SavedCard).where(SavedCard.organization_id == by.organization_id, under_way)
    return session.scalars(query).one()


def _open_card_page(card: SavedCard, language: str, at: datetime) -> None:
    page = stripe_gateway.make_card_page(
        card_id=card.id,
        customer_id=customer_of(card.organization_id, at),
        return_to=f"{config().url}/desk/payment-card",
        language=language,
    )
    card.session_id, card.url, card.state = page.id, page.url, "open"


def look_at_card(card_id: str, *, at: datetime) -> None:
    """open → saved, once somebody left a card at Stripe; the one saved before is forgotten."""
    card = session.get(SavedCard, card_id, populate_existing=True)
    if card is None or card.state != "open" or card.session_id is None:
        return
    left = stripe_gateway.card_left(card.session_id)
    if left is None:
        if stripe_gateway.payment_page(card.session_id).status == "expired":
            card.state = "expired"
        return
    _withdraw_saved(card.organization_id, at)
    card.method_id, card.brand, card.last4, card.expires = left.method_id, left.brand, left.last4, left.expires
    card.state, card.consented_at, card.url = "saved", at, None
    audit.record("card.save", actor=card.begun_by, subject=f"organization/{card.organization_id}", at=at)


def _withdraw_saved(organization_id: str, at: datetime) -> SavedCard | None:
    query = select(SavedCard).where(SavedCard.organization_id == organization_id, SavedCard.state == "saved")
    card = session.scalars(query.with_for_update()).first()
    if card is not None:
        card.state, card.withdrawn_at = "withdrawn", at
        jobs.enqueue("stripe-forget-card", {"method_id": card.method_id}, at=at)
        session.flush()
    return card


def withdraw_card(*, by: Member, at: datetime) -> None:
    """saved → withdrawn: the organization takes its consent back; Stripe forgets the card."""
    if not rules.pays_for(by, by.organization_id):
        raise Forbidden(text("組織の責任者または経理担当者だけがカードの登録を取り消せます。"))
    if _withdraw_saved(by.organization_id, at) is None:
        raise WrongState(text("登録されたカードはありません。"), state="none")
    audit.record("card.withdraw", actor=by.id, subject=f"organization/{by.organization_id}", at=at)


def charge_saved_cards(*, at: datetime) -> int:
    """Begin to take monthly invoices from saved cards, a week before they are due, each once; how many."""
    if not stripe_gateway.is_on():
        return 0
    until = clock.day_of(at) + timedelta(days=rules.CARD_DAYS_BEFORE_DUE)
    query = select(Invoice).join(SavedCard, SavedCard.organization_id == Invoice.recipient_id)
    query = query.where(SavedCard.state == "saved", Invoice.state == "issued", Invoice.due_on <= until)
    query = query.where(Invoice.ground.startswith("month/"))
    tried = select(OnlinePayment.id).where(OnlinePayment.invoice_id == Invoice.id)
    tried = tried.where((OnlinePayment.kind == "saved") | OnlinePayment.state.in_(rules.UNDER_WAY))
    begun = 0
    for invoice in session.scalars(query.where(~tried.exists()).order_by(Invoice.id).limit(500)).all():
        if rules.ways_to_pay(invoice.due_jpy):
            _intend_charge(invoice, at)
            begun += 1
    return begun


def _intend_charge(invoice: Invoice, at: datetime) -> None:
    payment = OnlinePayment(
        id=new_id(),
        invoice_id=invoice.id,
        payer_id=invoice.recipient_id,
        kind="saved",
        amount_jpy=invoice.due_jpy,
        state="intended",
        begun_at=at,
    )
    session.add(payment)
    session.flush()
    jobs.enqueue("stripe-payment", {"payment_id": payment.id}, at=at, key=f"stripe-payment/{payment.id}")


def _charge(payment: OnlinePayment, at: datetime) -> None:
    """intended → succeeded, processing or failed. What is paid, changed or withdrawn meanwhile is not charged."""
    invoice = online.invoice_of(payment)
    query = select(SavedCard).where(SavedCard.organization_id == payment.payer_id, SavedCard.state == "saved")
    card = session.scalars(query).first()
    if at - payment.begun_at > KEY_LIFETIME:  # the key is forgotten: what an earlier call made is looked for instead
        made = stripe_gateway.intent_made_for(payment.id, customer_id=customer_of(payment.payer_id, at))
        if made is not None:
            return _apply(payment, None, made, at)
    if card is None or card.method_id is None or invoice.due_jpy != payment.amount_jpy:
        payment.state = "expired"
        return
    try:
        seen = stripe_gateway.charge_saved_card(
            payment_id=payment.id,
            amount_jpy=payment.amount_jpy,
            title=f"{invoice.issuer['name']} {invoice.number}",
            customer_id=customer_of(payment.payer_id, at),
            method_id=card.method_id,
        )
    except StripeRefuses as refusal:
        payment.intent_id, payment.state, payment.reason = refusal.intent_id, "failed", refusal.code
        payment.settled_at, payment.method = at, "card"
        return _tell_failed(payment, at)
    _apply(payment, None, seen, at)


# ---- a card authorized before its contract was active


def _capture(payment: OnlinePayment, at: datetime) -> None:
    """intended → succeeded, expired or failed: take from an authorized card what its invoice still needs, once.

    Stripe is asked first, for an earlier call may have acted although its answer was lost. What was paid otherwise
    meanwhile is not taken.
    """
    due = online.invoice_of(payment).due_jpy
    seen = stripe_gateway.intent(payment.intent_id or "")
    if seen.status == "requires_capture" and due:
        seen = _captured(payment, min(due, payment.amount_jpy))
    if seen.status == "requires_capture":
        return _leave(payment, "refused" if due else "paid", at)
    if seen.status == "canceled":
        return card_authorizations.follow(payment.authorization_id or "", seen, at=at)
    _apply(payment, None, seen, at)


def _captured(payment: OnlinePayment, amount_jpy: int) -> stripe_gateway.IntentSeen:
    """What Stripe says after a capture, or after it refused one: captured, lapsed, or still as it was."""
    intent_id = payment.intent_id or ""
    try:
        return stripe_gateway.capture(intent_id, amount_jpy=amount_jpy, key=f"{payment.id}/{amount_jpy}")
    except StripeRefuses:
        return stripe_gateway.intent(intent_id)


def _leave(payment: OnlinePayment, reason: str, at: datetime) -> None:
    """Nothing is taken from an authorized card, and it is given free."""
    payment = online.reread(payment.id)
    row = authorizing.reread(payment.authorization_id or "")
    if payment.state not in rules.UNDER_WAY or row.state != "authorized":
        return
    payment.state, payment.settled_at = ("failed" if reason == "refused" else "expired"), at
    authorizing.intend_release(row, reason, at=at)


# ---- money back


def send_online_refund(refund_id: str, *, at: datetime) -> None:
    """intended → pending, succeeded or failed: have Stripe send money back, once.

    Stripe forgets keys after a day; a refund that may have been made before is looked for first.
    """
    row = session.get(OnlineRefund, refund_id, populate_existing=True)
    if row is None or row.state not in ("intended", "pending"):
        return
    payment = session.get_one(OnlinePayment, row.payment_id)
    try:
        seen = _refund_at_stripe(row, payment)
    except StripeRefuses as refusal:
        database.lock(MONEY)
        online.refuse_refund(session.get_one(OnlineRefund, refund_id, populate_existing=True), refusal.code, at=at)
        return _tell_refund_failed(row, at)
    database.lock(MONEY)
    row = session.get_one(OnlineRefund, refund_id, populate_existing=True)
    if online.follow_refund(row, payment, seen, at=at):
        _tell_refund_failed(row, at)


def _refund_at_stripe(row: OnlineRefund, payment: OnlinePayment) -> stripe_gateway.RefundSeen:
    if row.refund_id:
        return stripe_gateway.refund_seen(row.refund_id)
    intent_id = payment.intent_id or ""
    for seen in stripe_gateway.refunds_of(intent_id):
        if seen.our_id == row.id:
            return seen
    email = None if payment.method == "card" else email_of(payment.payer_id)
    return stripe_gateway.refund(refund_id=row.id, intent_id=intent_id, amount_jpy=row.amount_jpy, email=email)


def _tell_refund_failed(row: OnlineRefund, at: datetime) -> None:
    words = text(
        "%(amount)s円の返金が決済代行会社を通じてできませんでした。利用者の口座へ振り込み、記録してください。",
        amount=f"{row.amount_jpy:,}",
    )
    tell_finance(text("返金ができませんでした"), words, at)


def record_failed_refund_sent(refund_id: str, *, by: Member, at: datetime) -> OnlineRefund:
    """Record that a refund which failed at Stripe was sent to the payer's bank account."""
    only_finance(by)
    database.lock(MONEY)
    row = session.get(OnlineRefund, refund_id, populate_existing=True)
    if row is None or row.state != "failed" or row.sent_at:
        raise WrongState(text("この返金に振り込む額は残っていません。"), state=row.state if row else "none")
    online.send_by_bank(row, session.get_one(OnlinePayment, row.payment_id), at=at)
    detail = {"amount_jpy": row.amount_jpy}
    audit.record("refund.send", actor=by.id, subject=f"online-refund/{row.id}", at=at, detail=detail)
    return row


def look_at_refunds(intent_id: str, *, at: datetime) -> None:
    """Follow every refund of a payment, also those that somebody made at Stripe by hand."""
    found = stripe_gateway.refunds_of(intent_id)
    payment = _received(intent_id, at)
    if payment is None:
        return
    database.lock(MONEY)
    for seen in found:
        row = _our_refund(seen)
        if row is not None:
            if online.follow_refund(row, payment, seen, at=at):
                _tell_refund_failed(row, at)
        elif rules.refund_state(seen.status) != "failed" and (seen.has_moved or payment.kind != "authorized"):
            _take_foreign_refund(payment, seen, at)


def _our_refund(seen: stripe_gateway.RefundSeen) -> OnlineRefund | None:
    query = select(OnlineRefund).where((OnlineRefund.refund_id == seen.id) | (OnlineRefund.id == (seen.our_id or "")))
    return session.scalars(query.execution_options(populate_existing=True)).first()


def _take_foreign_refund(payment: OnlinePayment, seen: stripe_gateway.RefundSeen, at: datetime) -> None:
    """A refund made by hand: first what paid nothing, then off the invoice, with a credit note as for any other."""
    receipt, invoice = online.receipt_of(payment), online.invoice_of(payment)
    idle = min(seen.amount_jpy, receipt.unapplied_jpy)
    if idle:
        online.release_unapplied(receipt, payment, idle, at=at)
    left = min(seen.amount_jpy - idle, invoice.paid_jpy - invoice.refunded_jpy)
    is_open = left > 0 and invoice.state in ("issued", "paid")
    note = credit(invoice, left, reason="決済代行会社での返金", by=None, at=at) if is_open else None
    online.take_foreign_refund(payment, seen, note, unapplied_jpy=idle, at=at)
    words = text(
        "請求書 %(number)s の %(amount)s円が、決済代行会社の管理画面で返金されました。返還請求書を確かめてください。",
        number=invoice.number,
        amount=f"{seen.amount_jpy:,}",
    )
    tell_finance(text("管理画面での返金を記帳しました"), words, at)


def _received(intent_id: str | None, at: datetime) -> OnlinePayment | None:
    """The payment behind one of Stripe's, booked if it succeeded and nobody had noticed; None for those of others."""
    if intent_id is None:
        return None
    query = select(OnlinePayment).where(OnlinePayment.intent_id == intent_id)
    payment = session.scalars(query.execution_options(populate_existing=True)).first()
    if payment is not None and payment.receipt_id:
        return payment
    seen = stripe_gateway.intent(intent_id)
    payment = payment or session.get(OnlinePayment, seen.our_id or "")
    if payment is None:
        return None
    if payment.session_id:
        _look(payment, at)
    else:
        _apply(payment, None, seen, at)
    payment = online.reread(payment.id)
    return payment if payment.receipt_id else None


# ---- objections


def look_at_dispute(dispute_id: str, *, at: datetime) -> None:
    """Follow a payer's objection: freeze what it paid, then free it or take it back for good."""
    seen = stripe_gateway.dispute(dispute_id)
    payment = _received(seen.intent_id, at)
    if payment is None:
        return
    database.lock(MONEY)
    query = select(PaymentDispute).where(PaymentDispute.dispute_id == dispute_id)
    row = session.scalars(query.execution_options(populate_existing=True)).first()
    if row is None:
        row = online.open_dispute(payment, seen, at=at)
        _tell_disputed(row, payment, at)
    if online.follow_dispute(row, payment, seen, at=at):
        _tell_closed(row, payment, at)


def _tell_disputed(row: PaymentDispute, payment: OnlinePayment, at: datetime) -> None:
    invoice = online.invoice_of(payment)
    audit.record("dispute.open", actor=None, subject=f"invoice/{invoice.id}", at=at, detail={"dispute": row.dispute_id})
    words = text(
        "請求書 %(number)s の %(amount)s円に異議申立てがありました。提供者への支払いを保留しました。期限までに決済代行会社の管理画面で回答してください。",
        number=invoice.number,
        amount=f"{row.amount_jpy:,}",
    )
    tell_finance(text("カードの支払いに異議申立てがありました"), words, at)
    held = text(
        "請求書 %(number)s の入金に異議申立てがありました。結果が出るまで支払いを保留します。", number=invoice.number
    )
    tell(invoice.issuer_id, text("支払いを保留しています"), held, "/desk/payouts", at)


def _tell_closed(row: PaymentDispute, payment: OnlinePayment, at: datetime) -> None:
    invoice, path = online.invoice_of(payment), f"/desk/invoices/{payment.invoice_id}"
    detail = {"dispute": row.dispute_id, "state": row.state}
    audit.record("dispute.close", actor=None, subject=f"invoice/{invoice.id}", at=at, detail=detail)
    title = text("異議申立ての結果が出ました")
    if row.state == "won":
        words = text("請求書 %(number)s の入金は維持されました。支払いの保留を解除しました。", number=invoice.number)
        tell(invoice.issuer_id, title, words, "/desk/payouts", at)
    else:
        words = text("請求書 %(number)s の入金は取り消されました。請求額は未払いに戻りました。", number=invoice.number)
        tell(invoice.issuer_id, title, words, path, at)
        tell(invoice.recipient_id, title, words, path, at)
    tell_finance(title, words, at)


# ---- events


def take_event(body: bytes, signature: str | None, *, at: datetime) -> bool:
    """Store an event that Stripe sent, before anything else, and queue that it be looked into; whether it is new.

    Raises `BadSignature` unless Stripe signed it within the last minutes.
    """
    return _store(stripe_gateway.signed_event(body, signature), asked=False, at=at)


def _store(event: EventSeen, *, asked: bool, at: datetime) -> bool:
    row = {"id": event.id, "type": event.type, "payload": event.payload, "received_at": at, "asked": asked}
    made = insert(StripeEvent).values(row).on_conflict_do_nothing().returning(StripeEvent.id)
    is_new = session.scalar(made) is not None
    if is_new:
        jobs.enqueue("stripe-event", {"event_id": event.id}, at=at, key=f"stripe-event/{event.id}")
    return is_new


def handle_event(event_id: str, *, at: datetime) -> None:
    """Look into what an event is about, once. Types we do not know stay stored and change nothing."""
    event = session.get(StripeEvent, event_id, with_for_update=True)
    look = EVENTS.get(event.type) if event else None
    if event is None or event.handled_at is not None or (look and not stripe_gateway.is_on()):
        return
    about = event.payload["data"]["object"].get("id")
    if look is not None and isinstance(about, str):
        look(about, at=at)
    event.handled_at = at


def _look_at_page(session_id: str, *, at: datetime) -> None:
    card = session.scalars(select(SavedCard).where(SavedCard.session_id == session_id)).first()
    if card is not None:
        return look_at_card(card.id, at=at)
    authorization = card_authorizations.page_authorized(session_id)
    if authorization is not None:
        return card_authorizations.look_at_authorization(authorization.id, at=at)
    query = select(OnlinePayment).where(OnlinePayment.session_id == session_id)
    payment = session.scalars(query).first() or _page_of_lost_answer(session_id)
    if payment is not None:
        _look(payment, at)


def _page_of_lost_answer(session_id: str) -> OnlinePayment | None:
    """The payment of a page whose making was never answered: it names the row that intended it."""
    our_id = stripe_gateway.payment_page(session_id).our_id
    payment = session.get(OnlinePayment, our_id or "")
    if payment is not None and payment.session_id is None:
        payment.session_id = session_id
        return payment
    return None


def _look_at_intent(intent_id: str, *, at: datetime) -> None:
    card_authorizations.intent_authorized(intent_id, at=at)
    _received(intent_id, at)


def _look_at_charge(charge_id: str, *, at: datetime) -> None:
    intent_id = stripe_gateway.intent_of_charge(charge_id)
    if intent_id:
        look_at_refunds(intent_id, at=at)


def _look_at_refund(refund_id: str, *, at: datetime) -> None:
    intent_id = stripe_gateway.refund_seen(refund_id).intent_id
    if intent_id:
        look_at_refunds(intent_id, at=at)


EVENTS: dict[str, Callable[..., None]] = {
    "checkout.session.completed": _look_at_page,
    "checkout.session.async_payment_succeeded": _look_at_page,
    "checkout.session.async_payment_failed": _look_at_page,
    "checkout.session.expired": _look_at_page,
    "payment_intent.amount_capturable_updated": _look_at_intent,
    "payment_intent.canceled": _look_at_intent,
    "payment_intent.succeeded": _look_at_intent,
    "payment_intent.payment_failed": _look_at_intent,
    "charge.refunded": _look_at_charge,
    "refund.created": _look_at_refund,
    "refund.updated": _look_at_refund,
    "refund.failed": _look_at_refund,
    "charge.dispute.created": look_at_dispute,
    "charge.dispute.updated": look_at_dispute,
    "charge.dispute.funds_withdrawn": look_at_dispute,
    "charge.dispute.funds_reinstated": look_at_dispute,
    "charge.dispute.closed": look_at_dispute,
}


# ---- reconciliation


def reconcile(*, at: datetime) -> int:
    """Ask Stripe for what its webhooks missed, and repeat what a crash interrupted; how many missed events there were.

    Each thing is then looked into by a piece of work of its own, the balance last.
    """
    if not stripe_gateway.is_on():
        return 0
    standing = session.get(StripeStanding, "stripe")
    since = max(standing.asked_at - OVERLAP, at - EVENTS_KEPT) if standing else at - EVENTS_KEPT
    found = stripe_gateway.events_since(since, tuple(EVENTS))
    missed = sum(_store(event, asked=True, at=at) for event in found)
    waiting = select(StripeEvent.id).where(StripeEvent.handled_at.is_(None), StripeEvent.received_at < at - OVERLAP)
    for event_id in session.scalars(waiting):
        jobs.enqueue("stripe-event", {"event_id": event_id}, at=at, key=f"stripe-event/{event_id}")
    _look_again(at)
    after = at + timedelta(microseconds=1)
    jobs.enqueue("stripe-balance", {"since": since.isoformat()}, at=after, key="stripe-balance")
    return missed


def _look_again(at: datetime) -> None:
    """Queue a look at everything of ours that is under way."""
    payments = select(OnlinePayment.id).where(OnlinePayment.state.in_(rules.UNDER_WAY))
    refunds = select(OnlineRefund.id).where(OnlineRefund.state.in_(("intended", "pending")))
    cards = select(SavedCard.id).where(SavedCard.state == "open")
    disputes = select(PaymentDispute.dispute_id).where(PaymentDispute.state == "open")
    authorizations = select(CardAuthorization.id).where(CardAuthorization.state.in_(rules.AUTHORIZING))
    for kind, name, query in (
        ("stripe-authorization", "authorization_id", authorizations),
        ("stripe-payment", "payment_id", payments),
        ("stripe-refund", "refund_id", refunds),
        ("stripe-card", "card_id", cards),
        ("stripe-dispute", "dispute_id", disputes),
    ):
        for found in session.scalars(query):
            jobs.enqueue(kind, {name: found}, at=at, key=f"{kind}/{found}")


def look_at_balance(since: datetime, *, at: datetime) -> None:
    """Book fees and payouts of the balance at Stripe, and compare it with the books; a difference is told once."""
    movements, balance = stripe_gateway.movements_since(since), stripe_gateway.balance_jpy()
    database.lock(MONEY)
    for movement in movements:
        online.take_movement(movement, at=at)
    online.recognize_arrivals(at=at)
    books = ledger.balance(ledger.STRIPE)
    standing = session.get(StripeStanding, "stripe") or StripeStanding(id="stripe", balance_jpy=0, books_jpy=0)
    was_off = standing.balance_jpy - standing.books_jpy
    standing.asked_at, standing.balance_jpy, standing.books_jpy = at, balance, books
    session.add(standing)
    if balance - books not in (0, was_off):
        words = text(
            "決済代行会社の残高 %(balance)s円と帳簿の残高 %(books)s円が一致しません。",
            balance=f"{balance:,}",
            books=f"{books:,}",
        )
        tell_finance(text("決済代行会社の残高が帳簿と一致しません"), words, at)


def close_needless_pages(*, at: datetime) -> int:
    """Close pages of invoices that were paid otherwise, or changed, so that nobody pays twice; how many."""
    if not stripe_gateway.is_on():
        return 0
    query = select(OnlinePayment).join(Invoice, Invoice.id == OnlinePayment.invoice_id)
    due = Invoice.total_jpy - Invoice.credited_jpy - Invoice.paid_jpy + Invoice.refunded_jpy
    is_over = Invoice.state.in_(["void", "replaced"])
    query = query.where(OnlinePayment.state == "open", or_(OnlinePayment.amount_jpy != due, is_over))
    payments = session.scalars(query.limit(100)).all()
    for payment in payments:
        try:
            stripe_gateway.close_page(payment.session_id or "")
        except (StripeRefuses, StripeAway):
            continue
        payment.state, payment.settled_at = "expired", at
    return len(payments)
