"""Money in by card, at convenience stores and by Stripe's bank transfer: each yen once, whatever the line does."""

import json
import time
from datetime import timedelta

import pytest
import stripe as library

from exchange import clock, database, settings
from exchange.database import session
from exchange.errors import WrongState
from settlement import actions, ledger, rules, stripe_gateway
from settlement.models import OnlinePayment, Receipt, StripeEvent
from settlement.stripe_gateway import StripeAway
from tests.settlement.conftest import MONTHLY, ONE_OFF, last_month
from tests.stand_in_stripe import SECRET

PAID = {"stripe": 11_000, "deposits": 10_000, "fees": 1_000}


def press(market, invoice, who=None):
    """The answer to the button on the invoice's page."""
    path = f"/desk/invoices/{invoice['id']}"
    return (who or market.buyer).fill(path, path + "/checkout")


def page_of(stripe, url):
    """The page at Stripe that an answer leads to."""
    assert url.startswith(stripe.base), url
    return url.rsplit("/", 1)[1]


def checkout(market, stripe, invoice):
    """What the button does; the page at Stripe it leads to."""
    session.remove()
    with database.transaction():
        url = actions.begin_checkout(invoice["id"], by=market.buyer.member, language="ja", at=clock.now())
    return page_of(stripe, url)


def settle(market, stripe, **how):
    """Stripe tells what happened, and the worker looks into it."""
    assert set(stripe.tell(market.world.app, **how)) <= {200}
    market.world.work()


def payments():
    session.remove()
    return session.query(OnlinePayment).order_by(OnlinePayment.id).all()


# ---- the ways to pay


def test_a_card_payment_pays_the_invoice_and_makes_the_payout_due(market, stripe):
    invoice = market.invoice()
    assert "カード・コンビニで支払う" in market.buyer.see(f"/desk/invoices/{invoice['id']}")
    answer = press(market, invoice)
    assert answer.status_code == 303
    stripe.pays_by_card(page_of(stripe, answer.location))
    waiting = market.buyer.see(f"/desk/invoices/{invoice['id']}?paid=1")
    assert "お支払いの手続きを受け付けました" in waiting and market.seen(invoice)["paid_jpy"] == 0

    settle(market, stripe)
    assert market.seen(invoice)["state"] == "paid" and market.balances() == PAID
    assert market.payouts()[0]["amount_jpy"] == 10_000
    assert "お支払いを確認しました" in market.buyer.see(f"/desk/invoices/{invoice['id']}?paid=1")


def test_yen_are_never_scaled(market, stripe):
    invoice = market.invoice(ONE_OFF | {"price_jpy": 12_345})
    checkout(market, stripe, invoice)
    (params,) = [given for _, path, given in stripe.requests if path == "/v1/checkout/sessions"]
    price = params["line_items"]["0"]["price_data"]
    assert (price["unit_amount"], price["currency"]) == (str(invoice["total_jpy"]), "jpy") == ("13579", "jpy")


@pytest.mark.parametrize("method", ["konbini", "customer_balance"])
def test_money_that_comes_later_is_waited_for(market, stripe, method):
    invoice = market.invoice()
    page = checkout(market, stripe, invoice)
    stripe.chooses(page, method)
    settle(market, stripe)
    assert market.seen(invoice)["state"] == "issued" and payments()[0].state == "processing"
    with pytest.raises(WrongState, match="手続き中"):
        checkout(market, stripe, invoice)
    shown = market.buyer.see(f"/desk/invoices/{invoice['id']}")
    assert "お支払いを確認しています" in shown and "カード・コンビニで支払う" not in shown

    stripe.pays_later(page, method)
    settle(market, stripe)
    assert market.seen(invoice)["state"] == "paid" and market.balances() == PAID


def test_a_number_for_the_store_that_runs_out_leaves_the_invoice_to_pay_again(market, stripe):
    invoice = market.invoice()
    page = checkout(market, stripe, invoice)
    stripe.chooses(page, "konbini")
    stripe.never_pays(page)
    settle(market, stripe)
    assert payments()[0].state == "failed" and market.balances() == {"billed": 11_000, "uncollected": 11_000}
    assert "前回のお支払いは完了しませんでした" in market.buyer.see(f"/desk/invoices/{invoice['id']}")
    stripe.pays_by_card(checkout(market, stripe, invoice))
    settle(market, stripe)
    assert market.balances() == PAID


def test_a_declined_card_leaves_the_page_open_for_another(market, stripe):
    invoice = market.invoice()
    page = checkout(market, stripe, invoice)
    stripe.is_declined(page)
    settle(market, stripe)
    assert payments()[0].state == "open" and payments()[0].reason == "insufficient_funds"
    stripe.pays_by_card(page)
    settle(market, stripe)
    assert market.balances() == PAID


def test_a_prepaid_contract_is_opened_by_a_card(market, stripe):
    from contracts.models import Contract

    contract_id = market.contract(ONE_OFF | {"payment": "prepaid"})
    (invoice,) = market.invoices(contract_id=contract_id)
    stripe.pays_by_card(checkout(market, stripe, invoice))
    settle(market, stripe)
    session.remove()
    assert session.get(Contract, contract_id).paid_at is not None


@pytest.mark.parametrize(
    ("amount", "ways"),
    [
        (49, ()),
        (50, ("card", "customer_balance")),
        (119, ("card", "customer_balance")),
        (120, ("card", "konbini", "customer_balance")),
        (300_000, ("card", "konbini", "customer_balance")),
        (300_001, ("card", "customer_balance")),
        (99_999_999, ("card", "customer_balance")),
        (100_000_000, ()),
    ],
)
def test_what_stripe_does_not_take_is_not_offered(amount, ways):
    assert rules.ways_to_pay(amount) == ways


def test_an_amount_below_fifty_yen_has_no_button_and_a_reason(market, stripe):
    invoice = market.invoice(ONE_OFF | {"price_jpy": 40})
    assert "で支払う</button>" not in market.buyer.see(f"/desk/invoices/{invoice['id']}")
    answer = press(market, invoice)
    assert answer.status_code == 409 and "50円以上" in answer.get_data(as_text=True)
    assert payments() == []


# ---- who may, and when


def test_without_a_key_there_is_no_button_and_bank_transfer_is(market):
    market.set_accounts()
    invoice = market.invoice()
    page = market.buyer.see(f"/desk/invoices/{invoice['id']}")
    assert "で支払う</button>" not in page and "みなと銀行" in page
    answer = press(market, invoice)
    assert answer.status_code == 409 and "銀行振込" in answer.get_data(as_text=True)
    assert "受け付けていません" in market.buyer.see("/desk/payment-card")
    assert actions.reconcile(at=clock.now()) == 0


def test_only_the_payer_s_accountants_pay(market, stripe):
    invoice = market.invoice()
    assert press(market, invoice, market.provider).status_code == 403
    viewer = market.world.colleague(market.buyer, "viewer")
    assert press(market, invoice, viewer).status_code == 403
    stranger = market.world.organization("よその会社")
    path = f"/desk/invoices/{invoice['id']}/checkout"
    assert stranger.fill("/desk/payment-card", path).status_code == 404
    assert market.buyer.browser.post(path).status_code in (400, 403)
    assert payments() == []


def test_a_paid_invoice_is_not_paid_again(market, stripe):
    invoice = market.invoice()
    market.pays(invoice)
    with pytest.raises(WrongState):
        checkout(market, stripe, invoice)
    assert payments() == []


def test_the_button_pressed_again_leads_to_the_same_page(market, stripe):
    invoice = market.invoice()
    assert checkout(market, stripe, invoice) == checkout(market, stripe, invoice)
    assert len(payments()) == 1


def test_a_page_for_another_amount_is_closed_before_a_new_one_opens(market, stripe):
    invoice = market.invoice()
    first = checkout(market, stripe, invoice)
    market.pays(invoice, 1_000)
    second = checkout(market, stripe, invoice)
    assert stripe.things[first]["status"] == "expired" and stripe.things[second]["amount_total"] == 10_000
    assert [p.state for p in payments()] == ["expired", "open"]


def test_a_page_that_ran_out_makes_room_for_a_new_one(market, stripe):
    invoice = market.invoice()
    stripe.runs_out(checkout(market, stripe, invoice))
    checkout(market, stripe, invoice)
    assert [p.state for p in payments()] == ["expired", "open"]


def test_the_button_after_a_payment_that_nobody_had_noticed_books_it(market, stripe):
    invoice = market.invoice()
    stripe.pays_by_card(checkout(market, stripe, invoice))
    answer = press(market, invoice)
    assert answer.status_code == 303 and answer.location.endswith(f"/desk/invoices/{invoice['id']}?paid=1")
    assert market.balances() == PAID
    settle(market, stripe)
    assert market.balances() == PAID


def test_the_button_after_a_number_that_ran_out_opens_a_new_page(market, stripe):
    invoice = market.invoice()
    page = checkout(market, stripe, invoice)
    stripe.chooses(page, "konbini")
    stripe.never_pays(page)
    assert checkout(market, stripe, invoice) != page and [p.state for p in payments()] == ["failed", "open"]


def test_pages_of_invoices_paid_otherwise_are_closed(market, stripe):
    invoice = market.invoice()
    page = checkout(market, stripe, invoice)
    market.pays(invoice)
    market.world.tick("stripe-pages")
    assert stripe.things[page]["status"] == "expired" and payments()[0].state == "expired"


def test_money_that_came_twice_waits_for_a_person_and_goes_back_the_way_it_came(market, stripe):
    invoice = market.invoice()
    page = checkout(market, stripe, invoice)
    market.pays(invoice)
    stripe.pays_by_card(page)
    settle(market, stripe)
    assert market.balances()["unapplied"] == 11_000
    session.remove()
    receipt = session.query(Receipt).filter(Receipt.channel == "stripe").one()
    assert receipt.reason == "settled"
    path = f"/desk/ledger/receipts/{receipt.id}"
    assert market.admin.fill(path, path + "/return", note="二重の支払い").status_code == 303
    assert market.balances()["refunds"] == 11_000
    market.world.work()
    assert market.balances() == {"bank": 11_000, "deposits": 10_000, "fees": 1_000}


# ---- the line


@pytest.mark.parametrize(
    "faults", [("409",), ("500",), ("drop",), ("500", "409"), ("drop", "drop")], ids=lambda f: "-".join(f)
)
def test_a_broken_line_makes_one_page_not_two(market, stripe, faults):
    invoice = market.invoice()
    stripe.fail_next("/v1/checkout/sessions", *faults)
    page = checkout(market, stripe, invoice)
    assert [t["id"] for t in stripe.all_of("checkout.session")] == [page]
    stripe.pays_by_card(page)
    settle(market, stripe)
    assert market.balances() == PAID


@pytest.mark.parametrize("faults", [("429",), ("500",) * 3, ("drop",) * 3], ids=["429", "500", "drop"])
def test_stripe_away_is_said_and_the_next_try_goes_on_where_it_was(market, stripe, faults):
    invoice = market.invoice()
    stripe.fail_next("/v1/checkout/sessions", *faults)
    with pytest.raises(StripeAway, match="もう一度お試しください"):
        checkout(market, stripe, invoice)
    assert [p.state for p in payments()] == ["intended"]
    page = checkout(market, stripe, invoice)
    assert [p.state for p in payments()] == ["open"] and len(stripe.all_of("checkout.session")) == 1
    stripe.pays_by_card(page)
    settle(market, stripe)
    assert market.balances() == PAID


def test_a_slow_stripe_is_waited_for_and_asked_again(market, stripe, monkeypatch):
    monkeypatch.setattr(stripe_gateway, "ANSWER_SECONDS", 0.2)
    stripe_gateway._client_of.cache_clear()
    invoice = market.invoice()
    stripe.fail_next("/v1/checkout/sessions", "slow", seconds=0.4)
    page = checkout(market, stripe, invoice)
    assert [t["id"] for t in stripe.all_of("checkout.session")] == [page]
    stripe_gateway._client_of.cache_clear()


def test_a_crash_after_the_call_is_mended_by_the_reconciliation(market, stripe):
    invoice = market.invoice()
    stripe.fail_next("/v1/checkout/sessions", "drop", "drop", "drop")
    with pytest.raises(StripeAway):
        checkout(market, stripe, invoice)
    (page,) = stripe.all_of("checkout.session")  # made, and its answer lost
    market.world.tick("stripe-reconciliation")
    market.world.work()
    (payment,) = payments()
    assert (payment.state, payment.session_id) == ("open", page["id"])


def test_a_refusal_ends_the_attempt_and_says_so(market, stripe):
    invoice = market.invoice()
    checkout(market, stripe, invoice)
    stripe.runs_out(payments()[0].session_id)
    stripe.things = {k: v for k, v in stripe.things.items() if v["object"] != "customer"}
    answer = press(market, invoice)
    assert answer.status_code == 409 and "別の支払方法" in answer.get_data(as_text=True)
    assert [p.state for p in payments()] == ["expired", "failed"] and payments()[1].reason == "resource_missing"


def test_webhooks_that_fail_to_look_are_tried_again(market, stripe):
    invoice = market.invoice()
    stripe.pays_by_card(checkout(market, stripe, invoice))
    stripe.fail_next("/v1/payment_intents", "429", "429")
    settle(market, stripe)
    assert market.seen(invoice)["state"] == "issued"
    with database.transaction():
        for event in session.query(StripeEvent):
            actions.handle_event(event.id, at=clock.now())
    assert market.balances() == PAID


# ---- events


@pytest.mark.parametrize("backwards", [False, True])
def test_events_twice_and_in_any_order_book_once(market, stripe, backwards):
    invoice = market.invoice()
    page = checkout(market, stripe, invoice)
    stripe.chooses(page, "konbini")
    stripe.pays_later(page, "konbini")
    stripe.tell(market.world.app, times=2, backwards=backwards)
    stripe.tell(market.world.app, events=stripe.events, backwards=not backwards)
    market.world.work()
    assert market.balances() == PAID and market.seen(invoice)["paid_jpy"] == 11_000
    session.remove()
    assert all(event.handled_at for event in session.query(StripeEvent))


def test_an_event_told_late_changes_nothing_any_more(market, stripe):
    invoice = market.invoice()
    page = checkout(market, stripe, invoice)
    stripe.is_declined(page)
    late, stripe.untold = stripe.untold, []
    stripe.pays_by_card(page)
    settle(market, stripe)
    settle(market, stripe, events=late)
    assert market.balances() == PAID and payments()[0].state == "succeeded"


def test_an_event_that_lies_about_its_object_moves_no_money(market, stripe):
    invoice = market.invoice()
    page = checkout(market, stripe, invoice)
    stripe.is_declined(page)
    (event,) = stripe.untold
    lie = event | {"id": "evt_lie", "type": "payment_intent.succeeded"}
    lie["data"] = {"object": event["data"]["object"] | {"status": "succeeded", "amount_received": 11_000}}
    assert stripe.tell(market.world.app, events=[lie]) == [200]
    market.world.work()
    assert market.balances() == {"billed": 11_000, "uncollected": 11_000}


def test_what_webhooks_missed_is_asked_for(market, stripe):
    invoice = market.invoice()
    stripe.pays_by_card(checkout(market, stripe, invoice))
    stripe.untold = []
    market.world.tick("stripe-reconciliation")
    market.world.work()
    assert market.seen(invoice)["state"] == "paid"
    session.remove()
    assert {event.asked for event in session.query(StripeEvent)} == {True}
    market.world.tick("stripe-reconciliation")
    market.world.work()
    assert market.seen(invoice)["paid_jpy"] == 11_000


def post(market, body, header, **more):
    headers = {"Content-Type": "application/json"} | ({"Stripe-Signature": header} if header else {})
    return market.world.app.test_client().post("/webhooks/stripe", data=body, headers=headers, **more)


def signed(body, secret=SECRET, stamp=None):
    return library.WebhookSignature.generate_signature_header(body, secret, stamp or int(time.time()))


def test_events_that_stripe_did_not_sign_lately_are_refused(market, stripe):
    event = json.dumps({"id": "evt_1", "object": "event", "type": "x", "data": {"object": {"id": "y"}}})
    bad = [
        post(market, event, None),
        post(market, event, "nonsense"),
        post(market, event, signed(event, "whsec_wrong")),
        post(market, event, signed(event, stamp=int(time.time()) - 301)),
        post(market, event + " ", signed(event)),
        post(market, "no json", signed("no json")),
        post(market, "[]", signed("[]")),
        post(market, b"\xff\xfe", "t=1,v1=x"),
    ]
    assert [answer.status_code for answer in bad] == [400] * len(bad)
    assert bad[0].json["type"] == "/problems/bad-signature" and "署名" in bad[0].json["detail"]
    session.remove()
    assert session.query(StripeEvent).count() == 0


def test_an_unknown_type_is_stored_and_changes_nothing(market, stripe):
    event = json.dumps({"id": "evt_1", "object": "event", "type": "radar.rule", "data": {"object": {"id": "y"}}})
    assert [post(market, event, signed(event)).json["new"] for _ in range(2)] == [True, False]
    market.world.work()
    session.remove()
    assert session.query(StripeEvent).one().handled_at and market.balances() == {}


def test_three_hundred_kilobytes_are_too_many(market, stripe):
    body = "x" * 300_000
    assert post(market, body, signed(body)).status_code == 413
    assert market.world.app.test_client().get("/webhooks/stripe").status_code == 405


def test_without_a_secret_every_event_is_refused(market):
    body = '{"id": "evt_1", "type": "x", "data": {"object": {}}}'
    assert post(market, body, signed(body, "whsec_any")).status_code == 400


# ---- a saved card for monthly invoices


def leave_card(market, stripe, last4="4242"):
    with database.transaction():
        url = actions.begin_saving_card(by=market.buyer.member, consents=True, language="ja", at=clock.now())
    stripe.leaves_card(page_of(stripe, url), last4=last4)
    settle(market, stripe)


def monthly_invoice(market):
    """An invoice for a month, due in a week."""
    month, first, _ = last_month()
    with database.transaction():
        settings.save(settings.Settings(due_days=7), actor=None, at=clock.now())
    market.contract(MONTHLY, at=first)
    market.admin.post(f"/periods/{month}/close")
    market.world.work()
    (invoice,) = [i for i in market.invoices() if i["period"] == month]
    return invoice


def charge(*, days=0):
    with database.transaction():
        return actions.charge_saved_cards(at=clock.now() + timedelta(days=days))


def test_a_card_is_saved_only_with_consent(market, stripe):
    refused = market.buyer.fill("/desk/payment-card")
    assert refused.status_code == 422 and "同意が必要です" in refused.get_data(as_text=True)
    assert stripe.all_of("checkout.session") == []
    answer = market.buyer.fill("/desk/payment-card", consents="y")
    stripe.leaves_card(page_of(stripe, answer.location))
    settle(market, stripe)
    assert "Visa •••• 4242" in market.buyer.see("/desk/payment-card")


def test_a_saved_card_pays_monthly_invoices_a_week_before_they_are_due(market, stripe):
    leave_card(market, stripe)
    invoice = monthly_invoice(market)
    assert "に自動で支払います" in market.buyer.see(f"/desk/invoices/{invoice['id']}")
    assert [charge(days=-1), charge(), charge()] == [0, 1, 0]
    market.world.work()
    assert market.seen(invoice)["state"] == "paid" and payments()[0].kind == "saved"
    assert market.balances()["stripe"] == invoice["total_jpy"]
    settle(market, stripe)
    assert market.balances()["stripe"] == invoice["total_jpy"]


@pytest.mark.parametrize(("last4", "reason"), [("0341", "card_declined"), ("3184", "authentication_required")])
def test_a_bank_that_says_no_leaves_the_invoice_to_pay_by_hand(market, stripe, last4, reason):
    leave_card(market, stripe, last4)
    invoice = monthly_invoice(market)
    charge()
    market.world.work()
    (payment,) = payments()
    assert (payment.state, payment.reason) == ("failed", reason) and market.seen(invoice)["paid_jpy"] == 0
    assert charge(days=1) == 0
    assert "お支払いが完了しませんでした" in market.buyer.see("/desk/notices")
    stripe.pays_by_card(checkout(market, stripe, invoice))
    settle(market, stripe)
    assert market.seen(invoice)["state"] == "paid"


@pytest.mark.parametrize("faults", [("500", "500"), ("drop", "409")], ids=lambda f: "-".join(f))
def test_a_broken_line_takes_a_month_once(market, stripe, faults):
    leave_card(market, stripe)
    invoice = monthly_invoice(market)
    stripe.fail_next("/v1/payment_intents", *faults)
    charge()
    market.world.work()
    assert len(stripe.all_of("charge")) == 1 and market.balances()["stripe"] == invoice["total_jpy"]


def test_a_charge_whose_answer_was_lost_long_ago_is_found_not_made_again(market, stripe):
    leave_card(market, stripe)
    invoice = monthly_invoice(market)
    charge()
    stripe.fail_next("/v1/payment_intents", "drop", "drop", "drop")
    market.world.work()
    (payment,) = payments()
    assert payment.state == "intended" and len(stripe.all_of("charge")) == 1
    stripe.answers.clear()  # Stripe forgets keys
    with database.transaction():
        actions.look_at_payment(payment.id, at=payment.begun_at + timedelta(days=2))
    assert len(stripe.all_of("charge")) == 1 and market.seen(invoice)["state"] == "paid"


def test_consent_taken_back_is_kept_to(market, stripe):
    leave_card(market, stripe)
    monthly_invoice(market)
    assert market.buyer.fill("/desk/payment-card", "/desk/payment-card/withdraw").status_code == 303
    market.world.work()
    assert [m["customer"] for m in stripe.all_of("payment_method")] == [None]
    assert charge() == 0
    assert market.buyer.fill("/desk/payment-card", "/desk/payment-card/withdraw").status_code == 409


def test_an_invoice_paid_between_intent_and_charge_is_not_charged(market, stripe):
    leave_card(market, stripe)
    invoice = monthly_invoice(market)
    charge()
    market.pays(invoice)
    market.world.work()
    assert stripe.all_of("charge") == [] and payments()[0].state == "expired"


# ---- fees and the balance


def test_fees_are_the_exchange_s_cost_and_the_balance_is_what_the_books_say(market, stripe):
    stripe.pays_by_card(checkout(market, stripe, market.invoice()))
    second = market.invoice(ONE_OFF | {"price_jpy": 20_000})
    page = checkout(market, stripe, second)
    stripe.chooses(page, "konbini")
    stripe.pays_later(page, "konbini")
    for _ in range(2):
        market.world.tick("stripe-reconciliation")
        market.world.work()
    found = market.balances()
    assert found["processing"] == 396 and found["processing-taxed"] == 792
    assert found["stripe"] == stripe.balance_jpy == 33_000 - 396 - 792
    assert "一致しません" not in market.admin.see("/desk/ledger/online")


def test_stripe_s_payout_waits_in_transit_until_the_bank_statement_shows_it(market, stripe):
    stripe.pays_by_card(checkout(market, stripe, market.invoice()))
    amount = stripe.pays_out()
    market.world.tick("stripe-reconciliation")
    market.world.work()
    assert market.balances()["stripe-transit"] == amount == 10_604 and "stripe" not in market.balances()
    market.statement(f"{clock.today()},ｽﾄﾗｲﾌﾟｼﾞﾔﾊﾟﾝ(ｶ,{amount},")
    market.statement(f"{clock.today()},ﾍﾞﾂﾉｶｲｼﾔ,{amount},")
    assert market.balances()["unapplied"] == 2 * amount
    market.world.tick("stripe-reconciliation")
    market.world.work()
    assert market.balances() == {
        "bank": 2 * amount,
        "unapplied": amount,
        "deposits": 10_000,
        "fees": 1_000,
        "processing": 396,
    }


def test_a_balance_that_is_not_what_the_books_say_is_told(market, stripe):
    stripe.move("reserve_hold", -700, "rs_1")
    market.world.tick("stripe-reconciliation")
    market.world.work()
    assert "差額は -700円" in market.admin.see("/desk/ledger/online")
    assert "一致しません" in market.admin.see("/desk/notices")
    session.remove()
    assert ledger.balance(ledger.STRIPE) == 0
