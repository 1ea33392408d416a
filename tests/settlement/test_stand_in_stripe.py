"""The stand-in speaks as Stripe does: it knows no parameter that the library does not, and answers with its fields."""

import json
import re
from functools import lru_cache
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
import stripe as library
import yaml

from exchange.config import load
from settlement.models import OnlineRefund
from tests.settlement.test_card_authorizations import Deal
from tests.settlement.test_online_payments import checkout, leave_card, settle
from tests.settlement.test_online_refunds import paid, refund
from tests.stand_in_stripe import KEY, nested

SPEC = "shared/data/stripe/spec3_2023-09-12.yaml"
CLASSES = {
    "checkout.session": library.checkout.Session,
    "payment_intent": library.PaymentIntent,
    "charge": library.Charge,
    "refund": library.Refund,
    "dispute": library.Dispute,
    "balance_transaction": library.BalanceTransaction,
    "payment_method": library.PaymentMethod,
    "setup_intent": library.SetupIntent,
    "customer": library.Customer,
}
# Made since the newest OpenAPI file that is stored.
NEWER = {"allowed_payment_method_types"}


def ask(stripe, path, params, *, key=None):
    """A request as anybody would make it, without the library; its status and answer."""
    headers = {"Authorization": f"Bearer {KEY}"} | ({"Idempotency-Key": key} if key else {})
    try:
        with urlopen(Request(stripe.base + path, urlencode(params).encode(), headers), timeout=5) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        return error.code, json.load(error)


PAGE = {
    "mode": "payment",
    "success_url": "https://exchange.example/",
    "line_items[0][quantity]": 1,
    "line_items[0][price_data][currency]": "jpy",
    "line_items[0][price_data][unit_amount]": 50,
    "line_items[0][price_data][product_data][name]": "x",
}


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"line_items[0][price_data][unit_amount]": 49}, "amount_too_small", "line_items"),
        ({"line_items[0][price_data][unit_amount]": 100_000_000}, "amount_too_large", "line_items"),
        ({"line_items[0][price_data][unit_amount]": "110.00"}, "parameter_invalid", "line_items[0][price_data]"),
        ({"line_items[0][price_data][currency]": "jpn"}, "parameter_invalid_currency", "line_items[0][price_data]"),
        ({"payment_method_types[0]": "card"}, "parameter_unknown", "payment_method_types"),
        ({"mode": "pay"}, "parameter_invalid", "mode"),
        ({"customer": "cus_nobody"}, "resource_missing", "id"),
        ({"line_items[0][price_data][product_data][nam]": "x"}, "parameter_unknown", "line_items[0]"),
        ({"allowed_payment_method_types[0]": "konbinni"}, "parameter_invalid", "allowed_payment_method_types[0]"),
        ({"allowed_payment_method_types[0]": "customer_balance"}, "parameter_missing", "payment_method_options"),
    ],
)
def test_it_refuses_what_stripe_refuses(stripe, change, code, param):
    status, answer = ask(stripe, "/v1/checkout/sessions", PAGE | change)
    assert status in (400, 404) and answer["error"]["code"] == code
    assert (answer["error"]["param"] or "").startswith(param)


def test_it_honours_idempotency_keys(stripe):
    first, again = (ask(stripe, "/v1/checkout/sessions", PAGE, key="k") for _ in range(2))
    assert first == again and first[0] == 200 and len(stripe.all_of("checkout.session")) == 1
    other = ask(stripe, "/v1/checkout/sessions", PAGE | {"success_url": "https://other.example/"}, key="k")
    assert other[0] == 400 and other[1]["error"]["type"] == "idempotency_error"


def test_it_captures_once_and_no_more_than_was_authorized(stripe):
    manual = {"payment_intent_data[capture_method]": "manual", "allowed_payment_method_types[0]": "card"}
    page = ask(stripe, "/v1/checkout/sessions", PAGE | manual)[1]["id"]
    stripe.pays_by_card(page)
    assert [e["type"] for e in stripe.events] == [
        "payment_intent.amount_capturable_updated",
        "checkout.session.completed",
    ]
    assert stripe.things[page]["payment_status"] == "unpaid" and stripe.balance_jpy == 0
    path = f"/v1/payment_intents/{stripe.things[page]['payment_intent']}"
    assert ask(stripe, path + "/capture", {"amount_to_capture": 51})[1]["error"]["code"] == "amount_too_large"
    assert ask(stripe, path + "/capture", {"amount": 50})[1]["error"]["code"] == "parameter_unknown"
    status, intent = ask(stripe, path + "/capture", {"amount_to_capture": 30})
    assert (status, intent["status"], intent["amount_received"]) == (200, "succeeded", 30)
    for verb in ("/capture", "/cancel"):
        assert ask(stripe, path + verb, {})[1]["error"]["code"] == "payment_intent_unexpected_state"
    assert [(r["amount"], r["balance_transaction"]) for r in stripe.all_of("refund")] == [(20, None)]


def test_it_captures_nothing_after_a_release_or_a_week(stripe):
    manual = PAGE | {"payment_intent_data[capture_method]": "manual"}
    for ends in ("cancel", "lapse"):
        page = ask(stripe, "/v1/checkout/sessions", manual)[1]["id"]
        stripe.pays_by_card(page)
        intent = stripe.things[page]["payment_intent"]
        if ends == "cancel":
            assert ask(stripe, f"/v1/payment_intents/{intent}/cancel", {})[1]["status"] == "canceled"
        else:
            stripe.lapses(intent)
        assert stripe.events[-1]["type"] == "payment_intent.canceled"
        refused = ask(stripe, f"/v1/payment_intents/{intent}/capture", {})
        assert refused[1]["error"]["code"] == "payment_intent_unexpected_state"
    assert [r["reason"] for r in stripe.all_of("refund")] == ["expired_uncaptured_charge", None]
    store = {"allowed_payment_method_types[0]": "konbini"}
    assert ask(stripe, "/v1/checkout/sessions", manual | store)[0] == 400


def test_it_refuses_wrong_states(stripe, market):
    invoice, intent = paid(market, stripe)
    more = ask(stripe, "/v1/refunds", {"payment_intent": intent, "amount": 11_001})
    assert more[1]["error"]["code"] == "amount_too_large"
    page = stripe.all_of("checkout.session")[0]["id"]
    assert ask(stripe, f"/v1/checkout/sessions/{page}/expire", {})[1]["error"]["code"] == "checkout_session_not_open"
    stripe.objects(intent)
    assert ask(stripe, "/v1/refunds", {"payment_intent": intent, "amount": 1})[1]["error"]["code"] == "charge_disputed"
    assert invoice["total_jpy"] == 11_000


@lru_cache
def _spec_file():
    parents = Path(__file__).resolve().parents
    return next((p / SPEC for p in parents if (p / SPEC).exists()), None)


@lru_cache
def operation(method, path):
    """An operation of Stripe's OpenAPI file; only its own lines are read, for the whole takes seconds."""
    text = _spec_file().read_text()
    heading = re.search(rf"""\n  ["']?{re.escape(path)}["']?:\n""", text)
    begin = heading.start() + 1
    end = re.compile(r"\n  \S").search(text, begin + 3)
    block = yaml.safe_load(text[begin : end.start() if end else len(text)])
    return block[path][method.lower()]


def properties(found):
    """The parameters an operation takes, in its body or its query."""
    content = found["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    query = {p["name"]: p["schema"] for p in found.get("parameters", []) if p["in"] == "query"}
    return content.get("properties", {}) | query


def complaints(value, schema, path):
    """What in a parameter the OpenAPI file does not know, as far down as it says."""
    options = schema.get("anyOf", [schema])
    known = next((o for o in options if "properties" in o), None)
    if isinstance(value, dict) and known:
        return [
            complaint
            for name, each in value.items()
            if name not in NEWER
            for complaint in (
                complaints(each, known["properties"][name], f"{path}.{name}")
                if name in known["properties"]
                else [f"{path}.{name}"]
            )
        ]
    if isinstance(value, dict) and schema.get("type") == "array":
        return [c for each in value.values() for c in complaints(each, schema["items"], path)]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{path}={value}"]
    is_wrong_integer = schema.get("type") == "integer" and not re.fullmatch(r"-?[0-9]+", str(value))
    return [f"{path}={value}"] if is_wrong_integer else []


def everything(market, stripe):
    """Every call that the exchange makes to Stripe."""
    invoice, intent = paid(market, stripe, method="konbini")
    refund(market, invoice, 100)
    leave_card(market, stripe)
    captured, freed = Deal(market, stripe), Deal(market, stripe)
    captured.authorized()
    freed.authorized()
    captured.becomes_active()
    freed.declined()
    market.world.work()
    page = checkout(market, stripe, market.invoice())
    market.world.tick("stripe-reconciliation")
    market.world.work()
    stripe.pays_by_card(page)
    stripe.objects(stripe.things[page]["payment_intent"])
    settle(market, stripe)
    assert market.world.app and OnlineRefund and intent


def test_what_is_sent_is_what_stripe_s_openapi_file_takes(market, stripe):
    if _spec_file() is None:
        pytest.skip(f"no {SPEC} beside the work tree")
    everything(market, stripe)
    wrong = []
    for method, path, given in stripe.requests:
        template = re.sub(r"/(cs_test|pi|ch|py|re|pyr|dp|pm)_[0-9]+", "/{id}", path)
        names = {"/v1/checkout/sessions": "session", "/v1/payment_intents": "intent", "/v1/charges": "charge"}
        names |= {"/v1/refunds": "refund", "/v1/disputes": "dispute"}
        template = template.replace("{id}", "{" + next((v for k, v in names.items() if path.startswith(k)), "id") + "}")
        wrong += complaints(given, {"properties": properties(operation(method, template))}, template)
    assert wrong == [] and len({path for _, path, _ in stripe.requests}) > 8


def test_it_answers_with_fields_that_stripe_has(market, stripe):
    everything(market, stripe)
    for thing in stripe.things.values():
        fields = {name for name in thing if not name.startswith("_")}
        assert fields <= set(CLASSES[thing["object"]].__annotations__), thing["object"]


def test_nested_parameters_are_read_as_stripe_reads_them():
    assert nested([("a[b][0]", "1"), ("c", "2")]) == {"a": {"b": {"0": "1"}}, "c": "2"}


# ---- settings


def test_the_page_that_takes_payments_is_let_through_by_the_security_policy(tmp_path):
    env = {"EXCHANGE_HOME": str(tmp_path), "DATABASE_URL": "postgresql://x", "S3_BUCKET": "b", "SECRET_KEY": "s" * 32}
    assert load(env).payment_pages == []
    assert load(env | {"STRIPE_API_KEY": "sk"}).payment_pages == ["https://checkout.stripe.com"]
    local = load(env | {"STRIPE_API_KEY": "sk", "STRIPE_API_BASE": "http://127.0.0.1:9/"})
    assert local.payment_pages == ["http://127.0.0.1:9"] == [local.stripe_api_base]
