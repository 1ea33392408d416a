"""The only room that speaks to Stripe. What it answers is turned into plain facts here; no amount is ever scaled.

    StripeAway     it cannot be reached or is busy: ask again later, with the same key
    StripeRefuses  it says no, and would say so again

Yen have no minor unit, so `amount` is whole yen at Stripe, too. Every call that makes something carries an
idempotency key, the id of the row that says it is to be made.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, cast

import stripe
from stripe.params.checkout import SessionCreateParams, SessionCreateParamsLineItem

from exchange.config import config
from exchange.errors import N_, Conflict, Malformed, Unavailable, text

CURRENCY = "jpy"
CONNECT_SECONDS, ANSWER_SECONDS = 5, 20
RETRIES = 2
SIGNATURE_AGE_SECONDS = 300
KONBINI_DAYS = 3
log = logging.getLogger("exchange.stripe")


class StripeAway(Unavailable):
    """The payment service cannot be reached just now; nothing is lost, and the same call may be made again."""

    title_ja = N_("決済サービスに接続できません")


class StripeRefuses(Conflict):
    """The payment service refuses, and would refuse again."""

    title_ja = N_("決済サービスで受け付けられませんでした")

    def __init__(self, code: str, intent_id: str | None = None) -> None:
        super().__init__(text("決済サービスで受け付けられませんでした。別の支払方法をお使いください。"))
        self.code, self.intent_id = code, intent_id


class BadSignature(Malformed):
    """An event that Stripe did not sign, or signed too long ago."""

    title_ja = N_("署名が正しくありません")


@dataclass(frozen=True)
class SessionSeen:
    """A page of Stripe's on which someone pays or leaves a card."""

    id: str
    url: str | None
    status: str  # open | complete | expired
    is_paid: bool
    intent_id: str | None
    our_id: str | None


@dataclass(frozen=True)
class CardSeen:
    """What may be known of a saved card."""

    method_id: str
    brand: str
    last4: str
    expires: str


@dataclass(frozen=True)
class IntentSeen:
    """A payment, with its charge once there is one. Amounts in yen."""

    id: str
    status: str
    amount_jpy: int
    received_jpy: int
    currency: str
    our_id: str | None
    charge_id: str | None
    charged_at: datetime | None
    method: str | None
    reason: str | None
    authorization_id: str | None = None
    capturable_jpy: int = 0
    capture_before: datetime | None = None


@dataclass(frozen=True)
class RefundSeen:
    """Money that Stripe sends back, in yen."""

    id: str
    status: str  # pending | requires_action | succeeded | failed | canceled
    amount_jpy: int
    intent_id: str | None
    our_id: str | None
    reason: str | None
    has_moved: bool  # not while it is pending, and never where Stripe released what was authorized and not captured


@dataclass(frozen=True)
class Movement:
    """A movement of the balance at Stripe in yen: amount before the fee, signed as Stripe signs it."""

    id: str
    type: str
    amount_jpy: int
    fee_jpy: int
    is_fee_taxed: bool
    source_id: str | None
    at: datetime


@dataclass(frozen=True)
class DisputeSeen:
    """A payer's objection, and what it moved so far."""

    id: str
    status: str
    amount_jpy: int
    intent_id: str | None
    reason: str
    answer_by: datetime | None
    movements: tuple[Movement, ...]


@dataclass(frozen=True)
class EventSeen:
    """An event, and the object it is about; what it says of that object is never trusted, but asked for."""

    id: str
    type: str
    object_id: str | None
    payload: dict[str, Any]


def is_on() -> bool:
    """Whether people may pay through Stripe: there is a key."""
    return config().stripe_api_key is not None


@lru_cache(maxsize=4)
def _client_of(key: str, base: str) -> stripe.StripeClient:
    http = stripe.RequestsClient(timeout=(CONNECT_SECONDS, ANSWER_SECONDS))
    return stripe.StripeClient(key, base_addresses={"api": base}, max_network_retries=RETRIES, http_client=http)


def _client() -> stripe.StripeClient:
    key = config().stripe_api_key
    if key is None:
        raise StripeAway(text("オンラインの支払いは現在受け付けていません。銀行振込をご利用ください。"))
    return _client_of(key, config().stripe_api_base)


@contextmanager
def _asking(what: str) -> Iterator[stripe.StripeClient]:
    """The client, with the library's errors turned into the two that matter."""
    try:
        yield _client()
    except stripe.StripeError as error:
        log.warning("stripe", extra={"task": what, "error": f"{type(error).__name__} {error.http_status} {error.code}"})
        if _is_final(error):
            raise StripeRefuses(error.code or "refused", _intent_named_in(error)) from error
        raise StripeAway(
            text("決済サービスに接続できませんでした。少し待ってから、もう一度お試しください。")
        ) from error


def _is_final(error: stripe.StripeError) -> bool:
    """Declined cards and bad requests are; a busy service, a broken line, a key in use or our wrong key are not."""
    is_refusal = isinstance(error, stripe.CardError | stripe.InvalidRequestError)
    return is_refusal and error.http_status in (400, 402, 404)


def _intent_named_in(error: stripe.StripeError) -> str | None:
    body = error.json_body if isinstance(error.json_body, dict) else {}
    intent = body.get("error", {}).get("payment_intent") or {}
    return intent.get("id")


# ---- asking people to pay


def make_customer(*, organization_id: str, name: str, email: str, key: str) -> str:
    """A customer for a paying organization; its id at Stripe."""
    with _asking("customer") as client:
        customer = client.v1.customers.create(
            {
                "name": name,
                "email": email,
                "preferred_locales": ["ja"],
                "metadata": {"organization": organization_id},
            },
            {"idempotency_key": key},
        )
        return customer.id


def _item(amount_jpy: int, title: str) -> SessionCreateParamsLineItem:
    return {
        "quantity": 1,
        "price_data": {"currency": CURRENCY, "unit_amount": amount_jpy, "product_data": {"name": title}},
    }


def make_payment_page(
    *,
    payment_id: str,
    amount_jpy: int,
    title: str,
    customer_id: str,
    ways: tuple[str, ...],
    return_to: str,
    language: str,
) -> SessionSeen:
    """A page on which an invoice is paid by card, at a convenience store or by bank transfer."""
    said = {"payment": payment_id}
    params: SessionCreateParams = {
        "mode": "payment",
        "customer": customer_id,
        "client_reference_id": payment_id,
        "line_items": [_item(amount_jpy, title)],
        "allowed_payment_method_types": list(ways),
        "payment_method_options": _options_of(ways),
        "payment_intent_data": {"metadata": said, "description": title},
        "metadata": said,
        "success_url": f"{return_to}?paid={payment_id}",
        "cancel_url": return_to,
        "locale": "en" if language == "en" else "ja",
    }
    return _made_page(params, payment_id)


def make_authorization_page(
    *, authorization_id: str, amount_jpy: int, title: str, customer_id: str, return_to: str, language: str
) -> SessionSeen:
    """A page on which a card is authorized for an amount; nothing is taken before it is captured."""
    said = {"authorization": authorization_id}
    params: SessionCreateParams = {
        "mode": "payment",
        "customer": customer_id,
        "client_reference_id": authorization_id,
        "line_items": [_item(amount_jpy, title)],
        "allowed_payment_method_types": ["card"],
        "payment_intent_data": {"capture_method": "manual", "metadata": said, "description": title},
        "metadata": said,
        "success_url": f"{return_to}?authorized={authorization_id}",
        "cancel_url": return_to,
        "locale": "en" if language == "en" else "ja",
    }
    return _made_page(params, authorization_id)


def capture(intent_id: str, *, amount_jpy: int, key: str) -> IntentSeen:
    """Take so much of an authorized card, at most what was authorized; Stripe releases the rest.

    Raises `StripeRefuses` when it is captured, canceled or lapsed already, or the bank says no.
    """
    with _asking("capture") as client:
        wanted: stripe.params.PaymentIntentCaptureParams = {
            "amount_to_capture": amount_jpy,
            "expand": ["latest_charge"],
        }
        return _intent_seen(client.v1.payment_intents.capture(intent_id, wanted, {"idempotency_key": key}))


def release(intent_id: str, *, key: str) -> IntentSeen:
    """Give an authorized card free; raises `StripeRefuses` when it is captured, or free already."""
    with _asking("release") as client:
        wanted: stripe.params.PaymentIntentCancelParams = {
            "cancellation_reason": "abandoned",
            "expand": ["latest_charge"],
        }
        return _intent_seen(client.v1.payment_intents.cancel(intent_id, wanted, {"idempotency_key": key}))


def _options_of(ways: tuple[str, ...]) -> Any:
    known: dict[str, Any] = {
        "konbini": {"expires_after_days": KONBINI_DAYS},
        "customer_balance": {"funding_type": "bank_transfer", "bank_transfer": {"type": "jp_bank_transfer"}},
    }
    return {way: known[way] for way in ways if way in known}


def make_card_page(*, card_id: str, customer_id: str, return_to: str, language: str) -> SessionSeen:
    """A page on which an organization leaves a card for its monthly invoices."""
    said = {"card": card_id}
    params: SessionCreateParams = {
        "mode": "setup",
        "currency": CURRENCY,
        "customer": customer_id,
        "client_reference_id": card_id,
        "allowed_payment_method_types": ["card"],
        "setup_intent_data": {"metadata": said},
        "metadata": said,
        "success_url": return_to,
        "cancel_url": return_to,
        "locale": "en" if language == "en" else "ja",
    }
    return _made_page(params, card_id)


def _made_page(params: SessionCreateParams, key: str) -> SessionSeen:
    with _asking("checkout") as client:
        return _session_seen(client.v1.checkout.sessions.create(params, {"idempotency_key": key}))


def payment_page(session_id: str) -> SessionSeen:
    """A page as it stands now."""
    with _asking("checkout") as client:
        return _session_seen(client.v1.checkout.sessions.retrieve(session_id))


def close_page(session_id: str) -> SessionSeen:
    """Close a page on which nobody paid yet; raises `StripeRefuses` when somebody did, or it is closed."""
    with _asking("checkout") as client:
        return _session_seen(client.v1.checkout.sessions.expire(session_id))


def _session_seen(session: "stripe.checkout.Session") -> SessionSeen:
    our_id = session.client_reference_id
    return SessionSeen(
        session.id,
        session.url,
        session.status or "open",
        session.payment_status == "paid",
        _id_of(session.payment_intent),
        our_id,
    )


def card_left(session_id: str) -> CardSeen | None:
    """The card someone left on a page, or None while nobody did."""
    with _asking("checkout") as client:
        found = client.v1.checkout.sessions.retrieve(session_id, {"expand": ["setup_intent.payment_method"]})
    intent = found.setup_intent
    if not isinstance(intent, stripe.SetupIntent) or intent.status != "succeeded":
        return None
    method = intent.payment_method
    if not isinstance(method, stripe.PaymentMethod) or method.card is None:
        return None
    card = method.card
    return CardSeen(method.id, card.brand, card.last4 or "", f"{card.exp_year}-{card.exp_month:02}")


def forget_card(method_id: str) -> None:
    """Have Stripe forget a saved card; one it does not know any more is forgotten."""
    try:
        with _asking("card") as client:
            client.v1.payment_methods.detach(method_id)
    except StripeRefuses:
        log.info("card already gone", extra={"task": "card"})


def charge_saved_card(*, payment_id: str, amount_jpy: int, title: str, customer_id: str, method_id: str) -> IntentSeen:
    """Take an invoice's amount from a saved card while its holder is not there.

    Raises `StripeRefuses` when the bank says no or wants its holder.
    """
    with _asking("saved card") as client:
        intent = client.v1.payment_intents.create(
            {
                "amount": amount_jpy,
                "currency": CURRENCY,
                "customer": customer_id,
                "payment_method": method_id,
                "allowed_payment_method_types": ["card"],
                "confirm": True,
                "off_session": True,
                "description": title,
                "metadata": {"payment": payment_id},
                "expand": ["latest_charge"],
            },
            {"idempotency_key": payment_id},
        )
        return _intent_seen(intent)


def intent_made_for(payment_id: str, *, customer_id: str) -> IntentSeen | None:
    """The payment that an earlier call made for one of our rows, should its answer have been lost."""
    with _asking("saved card") as client:
        listed = client.v1.payment_intents.list(
            {"customer": customer_id, "limit": 100, "expand": ["data.latest_charge"]}
        )
        for found in listed.auto_paging_iter():
            if _said(found.metadata, "payment") == payment_id:
                return _intent_seen(found)
    return None


# ---- money back


def refund(*, refund_id: str, intent_id: str, amount_jpy: int, email: str | None) -> RefundSeen:
    """Send money back the way it came. `email` is where people are asked for a bank account, where there is no card."""
    params: stripe.params.RefundCreateParams = {
        "payment_intent": intent_id,
        "amount": amount_jpy,
        "reason": "requested_by_customer",
        "metadata": {"refund": refund_id},
    }
    if email:
        params["instructions_email"] = email
    with _asking("refund") as client:
        return _refund_seen(client.v1.refunds.create(params, {"idempotency_key": refund_id}))


# ---- what Stripe says now


def intent(intent_id: str) -> IntentSeen:
    """A payment as it stands now."""
    with _asking("payment") as client:
        return _intent_seen(client.v1.payment_intents.retrieve(intent_id, {"expand": ["latest_charge"]}))


def _intent_seen(found: stripe.PaymentIntent) -> IntentSeen:
    charge = found.latest_charge if isinstance(found.latest_charge, stripe.Charge) else None
    details = charge.payment_method_details if charge else None
    error = found.last_payment_error
    return IntentSeen(
        found.id,
        found.status,
        found.amount,
        found.amount_received,
        found.currency,
        _said(found.metadata, "payment"),
        charge.id if charge else _id_of(found.latest_charge),
        _moment(charge.created) if charge else None,
        details.type if details else None,
        _maybe(error, "decline_code") or _maybe(error, "code"),
        _said(found.metadata, "authorization"),
        found.amount_capturable,
        _capture_before(details),
    )


def _capture_before(details: Any) -> datetime | None:
    """Until when an authorized card can be captured; Stripe leaves it out for what is captured at once."""
    seconds = getattr(getattr(details, "card", None), "capture_before", None)
    return _moment(seconds) if seconds else None


def intent_of_charge(charge_id: str) -> str | None:
    """The payment a charge belongs to."""
    with _asking("charge") as client:
        return _id_of(client.v1.charges.retrieve(charge_id).payment_intent)


def refund_seen(refund_id: str) -> RefundSeen:
    """A refund as it stands now."""
    with _asking("refund") as client:
        return _refund_seen(client.v1.refunds.retrieve(refund_id))


def refunds_of(intent_id: str) -> list[RefundSeen]:
    """Every refund of a payment, also those made by hand at Stripe."""
    with _asking("refund") as client:
        listed = client.v1.refunds.list({"payment_intent": intent_id, "limit": 100})
        return [_refund_seen(found) for found in listed.auto_paging_iter()]


def _refund_seen(found: stripe.Refund) -> RefundSeen:
    return RefundSeen(
        found.id,
        found.status or "pending",
        found.amount,
        _id_of(found.payment_intent),
        _said(found.metadata, "refund"),
        _maybe(found, "failure_reason"),
        _id_of(getattr(found, "balance_transaction", None)) is not None,
    )


def dispute(dispute_id: str) -> DisputeSeen:
    """A payer's objection as it stands now."""
    with _asking("dispute") as client:
        found = client.v1.disputes.retrieve(dispute_id)
    due = found.evidence_details.due_by
    return DisputeSeen(
        found.id,
        found.status,
        found.amount,
        _id_of(found.payment_intent),
        found.reason,
        _moment(due) if due else None,
        tuple(_movement(each) for each in found.balance_transactions),
    )


def movements_since(since: datetime) -> list[Movement]:
    """Every movement of the balance from a moment on, the oldest first."""
    with _asking("balance") as client:
        listed = client.v1.balance_transactions.list({"created": {"gte": int(since.timestamp())}, "limit": 100})
        found = [_movement(each) for each in listed.auto_paging_iter()]
    return found[::-1]


def _movement(found: stripe.BalanceTransaction) -> Movement:
    taxed = any(detail.type == "tax" for detail in found.fee_details)
    return Movement(found.id, found.type, found.amount, found.fee, taxed, _id_of(found.source), _moment(found.created))


def balance_jpy() -> int:
    """What stands at Stripe for us: available, and on its way to be."""
    with _asking("balance") as client:
        found = client.v1.balance.retrieve()
    available = sum(part.amount for part in found.available if part.currency == CURRENCY)
    return available + sum(part.amount for part in found.pending if part.currency == CURRENCY)


# ---- events


def events_since(since: datetime, types: tuple[str, ...]) -> list[EventSeen]:
    """Events of these types from a moment on (Stripe keeps them for 30 days), the oldest first."""
    with _asking("events") as client:
        listed = client.v1.events.list({"types": list(types), "created": {"gte": int(since.timestamp())}, "limit": 100})
        found = [_event_seen(each.to_dict()) for each in listed.auto_paging_iter()]
    return found[::-1]


def signed_event(body: bytes, signature: str | None) -> EventSeen:
    """The event in a webhook's body; raises `BadSignature` unless Stripe signed it within the last five minutes.

    Source: Stripe's scheme `v1`, HMAC-SHA256 over the timestamp and the body as sent.
    """
    secret = config().stripe_webhook_secret
    try:
        stripe.WebhookSignature.verify_header(body, signature, secret, SIGNATURE_AGE_SECONDS)
        return _event_seen(json.loads(body))
    except (stripe.SignatureVerificationError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise BadSignature(
            text("Stripe の署名を確かめられませんでした。署名シークレットと時刻を確かめてください。")
        ) from error


def _event_seen(payload: Mapping[str, Any]) -> EventSeen:
    about = payload["data"]["object"]
    found, kind = about.get("id"), payload["type"]
    if not isinstance(payload["id"], str) or not isinstance(kind, str):
        raise ValueError("an event has an id and a type")
    return EventSeen(payload["id"], kind, found if isinstance(found, str) else None, dict(payload))


def _id_of(found: Any) -> str | None:
    """The id of what is either an id or the thing itself."""
    return found if found is None or isinstance(found, str) else cast(str, found.id)


def _maybe(found: Any, name: str) -> str | None:
    """A field that Stripe leaves out where it has nothing to say; the library raises for those."""
    value = getattr(found, name, None)
    return value if isinstance(value, str) else None


def _said(metadata: stripe.StripeObject | None, name: str) -> str | None:
    """What we wrote on a thing when we made it."""
    found = metadata.to_dict().get(name) if metadata else None
    return found if isinstance(found, str) else None


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
