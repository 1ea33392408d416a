"""A machine that speaks as Stripe does, over HTTP, for tests: keeps state, refuses what Stripe refuses, signs events.

Parameters are held to the typed definitions of the official library, so that a name it does not know is refused here,
too. `fail_next` makes it slow, busy, broken, or drop the line after acting.
"""

from __future__ import annotations

import json
import re
import threading
import time
import types
import typing
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import stripe
import typing_extensions
from stripe import params as P
from stripe.params import checkout as PC

KEY, SECRET = "sk_test_stand_in", "whsec_stand_in"
LEAST_JPY, MOST_JPY = 50, 99_999_999
AUTHORIZED_SECONDS = 7 * 86_400
PAY = "/c/pay/"
PAGE = '<title>Stripe</title><h1>{amount}円</h1><form method="post"><button>支払う</button></form>'
OPTIONS = set(stripe.RequestOptions.__annotations__)


# ---- parameters, as the library types them


class Refused(Exception):
    """Stripe's answer to a request it does not take."""

    def __init__(self, code: str, param: str = "", *, status: int = 400, kind: str = "invalid_request_error") -> None:
        super().__init__(f"{code} {param}")
        self.code, self.param, self.status, self.kind = code, param, status, kind
        self.more: dict[str, Any] = {}


def nested(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """`a[b][0]=c` as dictionaries within dictionaries."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        path = [part for part in re.split(r"[\[\]]+", name) if part]
        inner = found
        for part in path[:-1]:
            inner = inner.setdefault(part, {})
        inner[path[-1]] = value
    return found


def read(value: Any, hint: Any, path: str) -> Any:
    """A parameter as its type has it; raises `Refused` where the library's definition does not allow it."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.NotRequired, typing_extensions.NotRequired, typing.Required):
        return read(value, args[0], path)
    if origin is typing.Literal:
        if value in args:
            return value
        raise Refused("parameter_invalid", path)
    if origin in (typing.Union, types.UnionType):
        return _read_union(value, args, path)
    if origin in (list, typing.List):  # noqa: UP006 - that is how the library writes it
        items = value.values() if isinstance(value, dict) else None
        if items is None:
            raise Refused("parameter_invalid", path)
        return [read(each, args[0], f"{path}[{n}]") for n, each in enumerate(items)]
    if origin in (dict, typing.Dict):  # noqa: UP006
        if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
            raise Refused("parameter_invalid", path)
        return value
    if typing_extensions.is_typeddict(hint):
        return read_all(value, hint, path)
    return _read_plain(value, hint, path)


def _read_union(value: Any, args: tuple[Any, ...], path: str) -> Any:
    strict = [a for a in args if typing.get_origin(a) is typing.Literal]
    for each in [a for a in args if not (strict and a is str)]:  # `Literal[…] | str` means the literals
        try:
            return read(value, each, path)
        except Refused as refusal:
            if "[" in refusal.param.removeprefix(path) or refusal.code == "parameter_unknown":
                raise
    raise Refused("parameter_invalid", path)


def _read_plain(value: Any, hint: Any, path: str) -> Any:
    if isinstance(value, str):
        if hint is int and re.fullmatch(r"-?[0-9]+", value):
            return int(value)
        if hint is bool and value in ("true", "false"):
            return value == "true"
        if hint is Decimal and re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
            return Decimal(value)
        if hint is str:
            return value
    raise Refused("parameter_invalid", path)


_hints: dict[Any, dict[str, Any]] = {}


def hints_of(definition: Any) -> dict[str, Any]:
    """The parameters that one of the library's definitions knows, with their types."""
    if definition not in _hints:
        known = {"StripeContext": str, "UntypedStripeObject": dict, "Mapping": dict}
        found = typing_extensions.get_type_hints(definition, localns=known, include_extras=True)
        _hints[definition] = {name: hint for name, hint in found.items() if name not in OPTIONS}
    return _hints[definition]


def read_all(given: Any, definition: Any, path: str = "") -> dict[str, Any]:
    """All parameters of a request or of a part of it; unknown and missing ones are refused by name."""
    hints = hints_of(definition)
    if not isinstance(given, dict):
        raise Refused("parameter_invalid", path)
    unknown = [name for name in given if name not in hints]
    if unknown:
        raise Refused("parameter_unknown", f"{path}[{unknown[0]}]" if path else unknown[0])
    missing = [
        name
        for name in definition.__required_keys__
        if name in hints and name not in given and "NotRequired" not in str(hints[name])
    ]
    if missing:
        raise Refused("parameter_missing", f"{path}[{missing[0]}]" if path else missing[0])
    return {name: read(value, hints[name], f"{path}[{name}]" if path else name) for name, value in given.items()}


# ---- the machine


@dataclass
class Fault:
    """What goes wrong with the next request to a path: 402, 409, 429, 500, slow, drop (after acting)."""

    path: str
    kind: str
    seconds: float = 0


@dataclass
class StandIn:
    """Stripe, as far as the exchange asks it. Times are seconds since 1970, amounts whole yen."""

    things: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: dict[str, tuple[str, int, dict[str, Any]]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    untold: list[dict[str, Any]] = field(default_factory=list)
    requests: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    count: int = 0
    base: str = ""

    def __post_init__(self) -> None:
        self.lock = threading.RLock()
        machine = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                machine.serve(self)

            do_POST = do_DELETE = do_GET

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        """Close the machine."""
        self.server.shutdown()
        self.server.server_close()

    def forget(self) -> None:
        """A fresh machine for the next test."""
        with self.lock:
            for kept in (self.things, self.answers, self.faults, self.events, self.untold, self.requests):
                kept.clear()

    def fail_next(self, path: str, *kinds: str, seconds: float = 0) -> None:
        """The next requests to a path fail in these ways, one after the other."""
        self.faults += [Fault(path, kind, seconds) for kind in kinds]

    # ---- serving

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        """One request: a fault if one waits, else the same answer for the same key, else the deed."""
        url = urlsplit(handler.path)
        if url.path.startswith(PAY):
            return self._serve_page(handler, url.path.removeprefix(PAY))
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0)).decode()
        pairs = parse_qsl(body if handler.command == "POST" else url.query, keep_blank_values=True)
        with self.lock:
            fault = next((f for f in self.faults if url.path.startswith(f.path)), None)
            if fault:
                self.faults.remove(fault)
            status, answer = self._answer(handler, url.path, pairs, fault)
        if fault and fault.kind == "slow":
            time.sleep(fault.seconds)
        if fault and fault.kind == "drop":
            handler.close_connection = True
            return
        content = json.dumps(answer).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        try:
            handler.wfile.write(content)
        except OSError:
            handler.close_connection = True

    def _serve_page(self, handler: BaseHTTPRequestHandler, session_id: str) -> None:
        """The page on which people pay: one button; it leads back to the exchange."""
        handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        content = PAGE.format(amount=self.things[session_id]["amount_total"]).encode()
        if handler.command == "POST":
            self.pays_by_card(session_id)
            handler.send_response(303)
            handler.send_header("Location", self.things[session_id]["success_url"])
            content = b""
        else:
            handler.send_response(200)
            handler.send_header("Content-Type", "text/html; charset=utf-8")
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    def _answer(
        self, handler: BaseHTTPRequestHandler, path: str, pairs: list[tuple[str, str]], fault: Fault | None
    ) -> tuple[int, dict[str, Any]]:
        if fault and fault.kind == "402":
            return 402, _error("card_error", "card_declined")
        if fault and fault.kind in ("409", "429", "500"):
            code = {"409": "lock_timeout", "429": "rate_limit", "500": "api_error"}[fault.kind]
            return int(fault.kind), _error("invalid_request_error" if fault.kind == "409" else "api_error", code)
        if handler.headers.get("Authorization") != f"Bearer {KEY}":
            return 401, _error("invalid_request_error", "api_key_invalid")
        key, said = handler.headers.get("Idempotency-Key"), json.dumps([handler.command, path, sorted(pairs)])
        if key and key in self.answers:
            first, status, answer = self.answers[key]
            return (status, answer) if first == said else (400, _error("idempotency_error", "idempotency_key_reused"))
        try:
            answer = self._act(handler.command, path, nested(pairs))
        except Refused as refusal:
            error = _error(refusal.kind, refusal.code, refusal.param)
            error["error"] |= refusal.more
            if key and refusal.status == 402:
                self.answers[key] = said, 402, error
            return refusal.status, error
        if key:
            self.answers[key] = said, 200, answer
        return 200, answer

    def _act(self, method: str, path: str, given: dict[str, Any]) -> dict[str, Any]:
        for verb, pattern, definition, deed in ROUTES:
            match = re.fullmatch(pattern, path)
            if verb == method and match:
                known = read_all(given, definition)
                self.requests.append((method, path, given))
                return json.loads(json.dumps(deed(self, *match.groups(), known), default=str))
        raise Refused("url_unknown", path, status=404)

    # ---- making things

    def new_id(self, prefix: str) -> str:
        """A fresh id of a kind."""
        self.count += 1
        return f"{prefix}_{self.count:06d}"

    def keep(self, thing: dict[str, Any]) -> dict[str, Any]:
        """Remember a thing under its id."""
        self.things[thing["id"]] = thing
        return thing

    def one(self, thing_id: str, kind: str) -> dict[str, Any]:
        """A thing by its id; Stripe's 404 otherwise."""
        found = self.things.get(thing_id)
        if found is None or found["object"] != kind:
            raise Refused("resource_missing", "id", status=404)
        return found

    def all_of(self, kind: str) -> list[dict[str, Any]]:
        """Every thing of a kind, the newest first, as Stripe lists."""
        return [thing for thing in reversed(self.things.values()) if thing["object"] == kind]

    def happened(self, kind: str, thing: dict[str, Any]) -> None:
        """Keep an event with the thing as it is now."""
        event = {
            "id": self.new_id("evt"),
            "object": "event",
            "api_version": stripe.api_version,
            "created": int(time.time()),
            "data": {"object": json.loads(json.dumps(thing))},
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
            "type": kind,
        }
        self.events.append(event)
        self.untold.append(event)

    def move(self, kind: str, amount: int, source: str, *, fee: int = 0, taxed: bool = False) -> dict[str, Any]:
        """A movement of the balance."""
        fees = [{"amount": fee, "application": None, "currency": "jpy", "description": "fee", "type": "stripe_fee"}]
        if taxed:
            tax = fee // 11
            fees[0]["amount"] = fee - tax
            fees.append({"amount": tax, "application": None, "currency": "jpy", "description": "JCT", "type": "tax"})
        return self.keep(
            {
                "id": self.new_id("txn"),
                "object": "balance_transaction",
                "amount": amount,
                "available_on": int(time.time()),
                "balance_type": "payments",
                "created": int(time.time()),
                "currency": "jpy",
                "description": None,
                "exchange_rate": None,
                "fee": fee,
                "fee_details": fees if fee else [],
                "net": amount - fee,
                "reporting_category": kind,
                "source": source,
                "status": "available",
                "type": kind,
            }
        )

    @property
    def balance_jpy(self) -> int:
        """What stands at Stripe."""
        return sum(thing["net"] for thing in self.all_of("balance_transaction"))

    # ---- what buyers and banks do

    def _intent_of(self, session_id: str, method: str) -> dict[str, Any]:
        """The payment of a page; made when somebody confirms it, as Stripe does."""
        session = self.one(session_id, "checkout.session")
        assert session["status"] == "open" or session["payment_intent"], "nobody pays on a closed page"
        assert method in session["payment_method_types"], f"{method} is not offered"
        if session["payment_intent"] is None:
            intent = self.new_intent(session["amount_total"], session["customer"], session["_intent_metadata"])
            intent["capture_method"] = session["_capture_method"]
            session["payment_intent"] = intent["id"]
        return self.one(session["payment_intent"], "payment_intent")

    def new_intent(self, amount: int, customer: str | None, metadata: dict[str, str]) -> dict[str, Any]:
        """A payment that nobody has made yet."""
        return self.keep(
            {
                "id": self.new_id("pi"),
                "object": "payment_intent",
                "amount": amount,
                "amount_capturable": 0,
                "amount_received": 0,
                "capture_method": "automatic_async",
                "created": int(time.time()),
                "currency": "jpy",
                "customer": customer,
                "last_payment_error": None,
                "latest_charge": None,
                "livemode": False,
                "metadata": metadata,
                "next_action": None,
                "payment_method": None,
                "payment_method_types": ["card"],
                "status": "requires_payment_method",
            }
        )

    def succeed(self, intent: dict[str, Any], method: str) -> None:
        """A payment went through: there is a charge, and the balance moves."""
        charge = self._charge_of(intent, method, captured=intent["amount"])
        self._moves_in(charge, method)
        intent |= {
            "status": "succeeded",
            "amount_received": intent["amount"],
            "latest_charge": charge["id"],
            "last_payment_error": None,
            "next_action": None,
        }
        self.happened("payment_intent.succeeded", intent)

    def _moves_in(self, charge: dict[str, Any], method: str) -> None:
        amount = charge["amount_captured"]
        kind = "charge" if method == "card" else "payment"
        move = self.move(kind, amount, charge["id"], fee=amount * 36 // 1000, taxed=method != "card")
        charge["balance_transaction"] = move["id"]

    def _charge_of(self, intent: dict[str, Any], method: str, *, captured: int) -> dict[str, Any]:
        return self.keep(
            {
                "id": self.new_id("ch" if method == "card" else "py"),
                "object": "charge",
                "amount": intent["amount"],
                "amount_captured": captured,
                "amount_refunded": 0,
                "balance_transaction": None,
                "captured": captured > 0,
                "created": int(time.time()),
                "currency": "jpy",
                "customer": intent["customer"],
                "disputed": False,
                "livemode": False,
                "metadata": intent["metadata"],
                "paid": True,
                "payment_intent": intent["id"],
                "payment_method_details": {"type": method},
                "refunded": False,
                "status": "succeeded",
            }
        )

    # ---- a card that is authorized first, and captured later

    def authorize(self, intent: dict[str, Any]) -> None:
        """A card is good for an amount, for a week; nothing moves."""
        charge = self._charge_of(intent, "card", captured=0)
        charge["payment_method_details"]["card"] = {"capture_before": int(time.time()) + AUTHORIZED_SECONDS}
        intent |= {
            "status": "requires_capture",
            "amount_capturable": intent["amount"],
            "latest_charge": charge["id"],
            "last_payment_error": None,
            "next_action": None,
        }
        self.happened("payment_intent.amount_capturable_updated", intent)

    def capture(self, intent: dict[str, Any], amount: int) -> None:
        """Take so much of an authorized card; the rest is given free, as a refund that moves no money."""
        if intent["status"] != "requires_capture":
            raise Refused("payment_intent_unexpected_state", "payment_intent")
        if not 0 < amount <= intent["amount_capturable"]:
            raise Refused("amount_too_large", "amount_to_capture")
        charge = self.things[intent["latest_charge"]]
        charge |= {"captured": True, "amount_captured": amount}
        self._moves_in(charge, "card")
        if amount < intent["amount"]:
            self._gives_free(intent, intent["amount"] - amount, None)
        intent |= {"status": "succeeded", "amount_received": amount, "amount_capturable": 0}
        self.happened("charge.captured", charge)
        self.happened("payment_intent.succeeded", intent)

    def cancel(self, intent: dict[str, Any], reason: str | None) -> None:
        """Give an authorized card free."""
        if intent["status"] not in ("requires_capture", "requires_payment_method", "requires_action"):
            raise Refused("payment_intent_unexpected_state", "payment_intent")
        if intent["status"] == "requires_capture":
            why = "expired_uncaptured_charge" if reason == "automatic" else None
            self._gives_free(intent, intent["amount_capturable"], why)
        intent |= {"status": "canceled", "amount_capturable": 0, "cancellation_reason": reason}
        intent["canceled_at"] = int(time.time())
        self.happened("payment_intent.canceled", intent)

    def lapses(self, intent_id: str) -> None:
        """Nobody captured an authorized card within its week."""
        with self.lock:
            self.cancel(self.one(intent_id, "payment_intent"), "automatic")

    def _gives_free(self, intent: dict[str, Any], amount: int, why: str | None) -> None:
        charge = self.things[intent["latest_charge"]]
        self._refund_made(intent, charge, amount, {}, reason=why, status="succeeded")
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        self.happened("charge.refunded", charge)

    def decline(self, intent: dict[str, Any], code: str = "card_declined") -> None:
        """The bank says no."""
        error = {"code": code, "type": "card_error", "message": "declined"}
        if code == "card_declined":
            error["decline_code"] = "insufficient_funds"
        intent |= {"status": "requires_payment_method", "last_payment_error": error, "next_action": None}
        self.happened("payment_intent.payment_failed", intent)

    def pays_by_card(self, session_id: str) -> None:
        """Somebody pays on a page with a card."""
        with self.lock:
            intent, session = self._intent_of(session_id, "card"), self.things[session_id]
            session |= {"status": "complete", "url": None}
            if intent["capture_method"] == "manual":
                self.authorize(intent)  # and the page stays unpaid
            else:
                session["payment_status"] = "paid"
                self.succeed(intent, "card")
            self.happened("checkout.session.completed", session)

    def is_declined(self, session_id: str) -> None:
        """Somebody's card is declined; the page stays open."""
        with self.lock:
            self.decline(self._intent_of(session_id, "card"))

    def chooses(self, session_id: str, method: str) -> None:
        """Somebody takes a number for the convenience store, or the account for a transfer."""
        with self.lock:
            intent, session = self._intent_of(session_id, method), self.things[session_id]
            intent |= {"status": "requires_action", "next_action": {"type": f"{method}_display_details"}}
            session |= {"status": "complete", "url": None}
            self.happened("payment_intent.requires_action", intent)
            self.happened("checkout.session.completed", session)

    def pays_later(self, session_id: str, method: str) -> None:
        """The money that was promised arrives."""
        with self.lock:
            session = self.things[session_id]
            session["payment_status"] = "paid"
            self.succeed(self.things[session["payment_intent"]], method)
            self.happened("checkout.session.async_payment_succeeded", session)

    def never_pays(self, session_id: str) -> None:
        """The number for the convenience store runs out."""
        with self.lock:
            session = self.things[session_id]
            self.decline(self.things[session["payment_intent"]], "payment_intent_payment_attempt_expired")
            self.happened("checkout.session.async_payment_failed", session)

    def runs_out(self, session_id: str) -> None:
        """A page nobody paid on closes after a day."""
        with self.lock:
            self.things[session_id] |= {"status": "expired", "url": None}
            self.happened("checkout.session.expired", self.things[session_id])

    def leaves_card(self, session_id: str, *, last4: str = "4242") -> None:
        """Somebody leaves a card; 0341 is one that the bank declines later, 3184 one that wants its holder."""
        with self.lock:
            session = self.one(session_id, "checkout.session")
            card = {"brand": "visa", "last4": last4, "exp_month": 4, "exp_year": 2030}
            method = {"id": self.new_id("pm"), "object": "payment_method", "type": "card", "card": card}
            self.keep(method | {"customer": session["customer"], "created": int(time.time()), "livemode": False})
            setup = {"id": self.new_id("seti"), "object": "setup_intent", "status": "succeeded", "usage": "off_session"}
            self.keep(setup | {"payment_method": method["id"], "customer": session["customer"], "metadata": {}})
            session |= {"status": "complete", "setup_intent": setup["id"], "url": None}
            session["payment_status"] = "no_payment_required"
            self.happened("checkout.session.completed", session)

    def refund_of(self, intent: dict[str, Any], amount: int, metadata: dict[str, str], *, email: str | None) -> Any:
        """Money back, as far as there is any left of the payment."""
        if intent["status"] != "succeeded":
            raise Refused("payment_intent_unexpected_state", "payment_intent")
        charge = self.things[intent["latest_charge"]]
        method = charge["payment_method_details"]["type"]
        if charge["disputed"]:
            raise Refused("charge_disputed", "payment_intent")
        if charge["refunded"]:
            raise Refused("charge_already_refunded", "payment_intent")
        if amount > charge["amount"] - charge["amount_refunded"]:
            raise Refused("amount_too_large", "amount")
        if method != "card" and not email:
            raise Refused("parameter_missing", "instructions_email")
        status = "succeeded" if method == "card" else "requires_action"
        refund = self._refund_made(intent, charge, amount, metadata, reason="requested_by_customer", status=status)
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        if method == "card":
            self._refund_leaves(refund, "refund")
        self.happened("refund.created", refund)
        self.happened("charge.refunded", charge)
        return refund

    def _refund_made(
        self,
        intent: dict[str, Any],
        charge: dict[str, Any],
        amount: int,
        metadata: dict[str, str],
        *,
        reason: str | None,
        status: str,
    ) -> dict[str, Any]:
        is_card = charge["payment_method_details"]["type"] == "card"
        return self.keep(
            {
                "id": self.new_id("re" if is_card else "pyr"),
                "object": "refund",
                "amount": amount,
                "balance_transaction": None,
                "charge": charge["id"],
                "created": int(time.time()),
                "currency": "jpy",
                "metadata": metadata,
                "payment_intent": intent["id"],
                "reason": reason,
                "receipt_number": None,
                "status": status,
            }
        )

    def _refund_leaves(self, refund: dict[str, Any], kind: str) -> None:
        refund["balance_transaction"] = self.move(kind, -refund["amount"], refund["id"])["id"]

    def names_account(self, refund_id: str) -> None:
        """Somebody says where a refund shall go that cannot go back to a card."""
        with self.lock:
            refund = self.one(refund_id, "refund")
            refund["status"] = "succeeded"
            self._refund_leaves(refund, "payment_refund")
            self.happened("refund.updated", refund)

    def refund_fails(self, refund_id: str) -> None:
        """A refund comes back: the card is gone, or nobody said where to send it."""
        with self.lock:
            refund = self.one(refund_id, "refund")
            if refund["balance_transaction"]:
                failed = self.move("refund_failure", refund["amount"], refund["id"])
                refund["failure_balance_transaction"] = failed["id"]
            refund |= {"status": "failed", "failure_reason": "lost_or_stolen_card"}
            charge = self.things[refund["charge"]]
            charge["amount_refunded"] -= refund["amount"]
            charge["refunded"] = False
            self.happened("refund.failed", refund)

    def objects(self, intent_id: str, amount: int | None = None, *, status: str = "needs_response") -> str:
        """A payer objects: the card network takes the money back for now, and a fee. The dispute's id."""
        with self.lock:
            charge = self.things[self.one(intent_id, "payment_intent")["latest_charge"]]
            amount = amount or charge["amount"] - charge["amount_refunded"]
            dispute = self.keep(
                {
                    "id": self.new_id("dp"),
                    "object": "dispute",
                    "amount": amount,
                    "balance_transactions": [],
                    "charge": charge["id"],
                    "created": int(time.time()),
                    "currency": "jpy",
                    "evidence_details": {"due_by": int(time.time()) + 9 * 86_400, "has_evidence": False},
                    "is_charge_refundable": False,
                    "livemode": False,
                    "metadata": {},
                    "payment_intent": intent_id,
                    "reason": "fraudulent",
                    "status": status,
                }
            )
            charge["disputed"] = True
            if not status.startswith("warning"):
                dispute["balance_transactions"].append(self.move("adjustment", -amount, dispute["id"], fee=1_500))
                self.happened("charge.dispute.funds_withdrawn", dispute)
            self.happened("charge.dispute.created", dispute)
            return str(dispute["id"])

    def decides(self, dispute_id: str, status: str) -> None:
        """The card network decides: won, lost, warning_closed."""
        with self.lock:
            dispute = self.one(dispute_id, "dispute")
            dispute["status"] = status
            if status == "won":
                back = self.move("adjustment", dispute["amount"], dispute_id, fee=-1_500)
                dispute["balance_transactions"].append(back)
                self.happened("charge.dispute.funds_reinstated", dispute)
            if status in ("won", "warning_closed"):
                self.things[dispute["charge"]]["disputed"] = False
            self.happened("charge.dispute.closed", dispute)

    def pays_out(self) -> int:
        """Stripe sends its balance to the bank; how many yen."""
        with self.lock:
            amount = self.balance_jpy
            self.move("payout", -amount, self.new_id("po"))
            return amount

    # ---- telling

    def tell(
        self,
        exchange: Any,
        *,
        times: int = 1,
        backwards: bool = False,
        events: list[dict[str, Any]] | None = None,
        secret: str = SECRET,
        age: int = 0,
    ) -> list[int]:
        """Send events that were not told yet to the exchange's webhook; the statuses of its answers.

        The exchange is an application, or one that runs and takes requests over the wire.
        """
        told, self.untold = (events if events is not None else list(self.untold)), []
        statuses = []
        for event in reversed(told) if backwards else told:
            for _ in range(times):
                body = json.dumps(event)
                stamp = int(time.time()) - age
                header = stripe.WebhookSignature.generate_signature_header(body, secret, stamp)
                headers = {"Stripe-Signature": header, "Content-Type": "application/json"}
                statuses.append(self._send(exchange, body.encode(), headers))
        return statuses

    def _send(self, exchange: Any, body: bytes, headers: dict[str, str]) -> int:
        if hasattr(exchange, "test_client"):
            return int(exchange.test_client().post("/webhooks/stripe", data=body, headers=headers).status_code)
        return int(exchange.request("POST", "/webhooks/stripe", data=body, headers=headers).status_code)


def _error(kind: str, code: str, param: str = "") -> dict[str, Any]:
    return {"error": {"type": kind, "code": code, "message": f"{code} {param}".strip(), "param": param or None}}


# ---- what it is asked


def _make_customer(machine: StandIn, given: dict[str, Any]) -> dict[str, Any]:
    said = {"name": given.get("name"), "email": given.get("email"), "metadata": given.get("metadata", {})}
    kind = {"id": machine.new_id("cus"), "object": "customer", "created": int(time.time()), "livemode": False}
    return machine.keep(kind | said)


def _amount_of(given: dict[str, Any]) -> int:
    amount = 0
    for n, item in enumerate(given.get("line_items", [])):
        price = item.get("price_data") or {}
        if price.get("currency") != "jpy":
            raise Refused("parameter_invalid_currency", f"line_items[{n}][price_data][currency]")
        amount += price["unit_amount"] * item.get("quantity", 1)
    return _payable(amount, "line_items")


def _payable(amount: int, param: str) -> int:
    if amount < LEAST_JPY:
        raise Refused("amount_too_small", param)
    if amount > MOST_JPY:
        raise Refused("amount_too_large", param)
    return amount


def _make_session(machine: StandIn, given: dict[str, Any]) -> dict[str, Any]:
    if not given.get("success_url"):
        raise Refused("parameter_missing", "success_url")
    if given.get("customer"):
        machine.one(given["customer"], "customer")
    mode, ways = given.get("mode", "payment"), given.get("allowed_payment_method_types", ["card"])
    amount = _amount_of(given) if mode == "payment" else None
    if "customer_balance" in ways:
        options = given.get("payment_method_options", {}).get("customer_balance", {})
        if (
            not given.get("customer")
            or options.get("funding_type") != "bank_transfer"
            or "bank_transfer" not in options
        ):
            raise Refused("parameter_missing", "payment_method_options[customer_balance]")
    if amount is not None and not 120 <= amount <= 300_000:
        ways = [way for way in ways if way != "konbini"]
    capture_method = given.get("payment_intent_data", {}).get("capture_method", "automatic_async")
    if capture_method == "manual":  # left out, as ways are that an account has not enabled
        ways = [way for way in ways if way not in ("konbini", "customer_balance")]
    if not ways:
        raise Refused("parameter_invalid", "payment_intent_data[capture_method]")
    session_id = machine.new_id("cs_test")
    return machine.keep(
        {
            "id": session_id,
            "object": "checkout.session",
            "amount_subtotal": amount,
            "amount_total": amount,
            "cancel_url": given.get("cancel_url"),
            "client_reference_id": given.get("client_reference_id"),
            "created": int(time.time()),
            "currency": "jpy",
            "customer": given.get("customer"),
            "expires_at": int(time.time()) + 86_400,
            "livemode": False,
            "locale": given.get("locale"),
            "metadata": given.get("metadata", {}),
            "mode": mode,
            "payment_intent": None,
            "payment_method_types": ways,
            "payment_status": "unpaid" if mode == "payment" else "no_payment_required",
            "setup_intent": None,
            "status": "open",
            "success_url": given["success_url"],
            "url": f"{machine.base}/c/pay/{session_id}",
            "_intent_metadata": given.get("payment_intent_data", {}).get("metadata", {}),
            "_capture_method": capture_method,
        }
    )


def _session(machine: StandIn, session_id: str, given: dict[str, Any]) -> dict[str, Any]:
    found = dict(machine.one(session_id, "checkout.session"))
    if "setup_intent.payment_method" in given.get("expand", []) and found["setup_intent"]:
        setup = dict(machine.things[found["setup_intent"]])
        found["setup_intent"] = setup | {"payment_method": machine.things[setup["payment_method"]]}
    return found


def _expire_session(machine: StandIn, session_id: str, given: dict[str, Any]) -> dict[str, Any]:
    found = machine.one(session_id, "checkout.session")
    if found["status"] != "open":
        raise Refused("checkout_session_not_open", "session")
    machine.runs_out(session_id)
    return found


def _make_intent(machine: StandIn, given: dict[str, Any]) -> dict[str, Any]:
    if given["currency"] != "jpy":
        raise Refused("parameter_invalid_currency", "currency")
    _payable(given["amount"], "amount")
    machine.one(given["customer"], "customer")
    method = machine.one(given["payment_method"], "payment_method")
    if method["customer"] != given["customer"]:
        raise Refused("payment_method_customer_mismatch", "payment_method")
    intent = machine.new_intent(given["amount"], given["customer"], given.get("metadata", {}))
    last4 = method["card"]["last4"]
    if last4 in ("0341", "3184"):
        code = "card_declined" if last4 == "0341" else "authentication_required"
        machine.decline(intent, code)
        refusal = Refused(code, status=402, kind="card_error")
        refusal.more = {"payment_intent": {"id": intent["id"], "object": "payment_intent"}, "message": "no"}
        raise refusal
    machine.succeed(intent, "card")
    return _expanded(machine, intent, given)


def _expanded(machine: StandIn, intent: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    wanted = [name.removeprefix("data.") for name in given.get("expand", [])]
    charge = machine.things.get(intent["latest_charge"] or "")
    return intent | {"latest_charge": charge} if charge and "latest_charge" in wanted else intent


def _intent(machine: StandIn, intent_id: str, given: dict[str, Any]) -> dict[str, Any]:
    return _expanded(machine, machine.one(intent_id, "payment_intent"), given)


def _capture(machine: StandIn, intent_id: str, given: dict[str, Any]) -> dict[str, Any]:
    intent = machine.one(intent_id, "payment_intent")
    machine.capture(intent, given.get("amount_to_capture", intent["amount_capturable"]))
    return _expanded(machine, intent, given)


def _cancel(machine: StandIn, intent_id: str, given: dict[str, Any]) -> dict[str, Any]:
    intent = machine.one(intent_id, "payment_intent")
    pages = [p for p in machine.all_of("checkout.session") if p["payment_intent"] == intent_id]
    if pages and intent["status"] != "requires_capture":  # a page's payment is left by closing the page
        raise Refused("payment_intent_unexpected_state", "intent")
    machine.cancel(intent, given.get("cancellation_reason"))
    return _expanded(machine, intent, given)


def _listed(url: str, found: list[dict[str, Any]], given: dict[str, Any]) -> dict[str, Any]:
    """A page of a list, the newest first, after the thing named."""
    since = given.get("created", {}).get("gte", 0) if isinstance(given.get("created"), dict) else 0
    found = [thing for thing in found if thing["created"] >= since]
    ids = [thing["id"] for thing in found]
    begin = ids.index(given["starting_after"]) + 1 if given.get("starting_after") in ids else 0
    limit = given.get("limit", 10)
    page = found[begin : begin + limit]
    return {"object": "list", "url": url, "has_more": len(found) > begin + limit, "data": page}


def _intents(machine: StandIn, given: dict[str, Any]) -> dict[str, Any]:
    mine = [i for i in machine.all_of("payment_intent") if i["customer"] == given.get("customer", i["customer"])]
    return _listed("/v1/payment_intents", [_expanded(machine, i, given) for i in mine], given)


def _make_refund(machine: StandIn, given: dict[str, Any]) -> dict[str, Any]:
    intent = machine.one(given["payment_intent"], "payment_intent")
    email = given.get("instructions_email")
    refund: dict[str, Any] = machine.refund_of(intent, given["amount"], given.get("metadata", {}), email=email)
    return refund


def _refunds(machine: StandIn, given: dict[str, Any]) -> dict[str, Any]:
    wanted = given.get("payment_intent")
    found = [r for r in machine.all_of("refund") if wanted in (None, r["payment_intent"])]
    return _listed("/v1/refunds", found, given)


def _events(machine: StandIn, given: dict[str, Any]) -> dict[str, Any]:
    types_wanted = given.get("types")
    if types_wanted and len(types_wanted) > 20:
        raise Refused("parameter_invalid", "types")
    found = [e for e in reversed(machine.events) if not types_wanted or e["type"] in types_wanted]
    return _listed("/v1/events", found, given)


def _movements(machine: StandIn, given: dict[str, Any]) -> dict[str, Any]:
    return _listed("/v1/balance_transactions", machine.all_of("balance_transaction"), given)


def _balance(machine: StandIn, given: dict[str, Any]) -> dict[str, Any]:
    now = {"amount": machine.balance_jpy, "currency": "jpy", "source_types": {"card": machine.balance_jpy}}
    return {"object": "balance", "available": [now], "pending": [now | {"amount": 0}], "livemode": False}


def _detach(machine: StandIn, method_id: str, given: dict[str, Any]) -> dict[str, Any]:
    method = machine.one(method_id, "payment_method")
    if method["customer"] is None:
        raise Refused("payment_method_unexpected_state", "payment_method")
    method["customer"] = None
    return method


def _one(kind: str) -> Callable[..., dict[str, Any]]:
    return lambda machine, thing_id, given: machine.one(thing_id, kind)


ROUTES: list[tuple[str, str, Any, Callable[..., dict[str, Any]]]] = [
    ("POST", "/v1/customers", P.CustomerCreateParams, _make_customer),
    ("POST", "/v1/checkout/sessions", PC.SessionCreateParams, _make_session),
    ("GET", "/v1/checkout/sessions/([^/]+)", PC.SessionRetrieveParams, _session),
    ("POST", "/v1/checkout/sessions/([^/]+)/expire", PC.SessionExpireParams, _expire_session),
    ("POST", "/v1/payment_intents", P.PaymentIntentCreateParams, _make_intent),
    ("GET", "/v1/payment_intents", P.PaymentIntentListParams, _intents),
    ("GET", "/v1/payment_intents/([^/]+)", P.PaymentIntentRetrieveParams, _intent),
    ("POST", "/v1/payment_intents/([^/]+)/capture", P.PaymentIntentCaptureParams, _capture),
    ("POST", "/v1/payment_intents/([^/]+)/cancel", P.PaymentIntentCancelParams, _cancel),
    ("GET", "/v1/charges/([^/]+)", P.ChargeRetrieveParams, _one("charge")),
    ("POST", "/v1/refunds", P.RefundCreateParams, _make_refund),
    ("GET", "/v1/refunds", P.RefundListParams, _refunds),
    ("GET", "/v1/refunds/([^/]+)", P.RefundRetrieveParams, _one("refund")),
    ("GET", "/v1/disputes/([^/]+)", P.DisputeRetrieveParams, _one("dispute")),
    ("GET", "/v1/events", P.EventListParams, _events),
    ("GET", "/v1/balance_transactions", P.BalanceTransactionListParams, _movements),
    ("GET", "/v1/balance", P.BalanceRetrieveParams, _balance),
    ("POST", "/v1/payment_methods/([^/]+)/detach", P.PaymentMethodDetachParams, _detach),
]
