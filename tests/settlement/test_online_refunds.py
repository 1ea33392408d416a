"""Money that came through Stripe, going back: refunds before and after payout, and payers' objections."""

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from exchange import clock, database
from exchange.database import session
from exchange.errors import DomainError
from settlement import actions, ledger
from settlement.amending import LineChange
from settlement.models import Invoice, OnlinePayment, OnlineRefund, PaymentDispute, Payout
from tests.settlement.conftest import ONE_OFF
from tests.settlement.test_online_payments import checkout, settle

PAID = {"stripe": 11_000, "deposits": 10_000, "fees": 1_000}


def paid(market, stripe, pricing=ONE_OFF, method="card"):
    """An invoice paid through Stripe, and the payment there."""
    invoice = market.invoice(pricing)
    page = checkout(market, stripe, invoice)
    if method == "card":
        stripe.pays_by_card(page)
    else:
        stripe.chooses(page, method)
        stripe.pays_later(page, method)
    settle(market, stripe)
    return invoice, stripe.things[page]["payment_intent"]


def refund(market, invoice, amount):
    answer = market.admin.post(f"/invoices/{invoice['id']}/refund", {"amount_jpy": amount, "reason": "データの誤り"})
    market.world.work()
    return answer


def refunds():
    session.remove()
    return session.query(OnlineRefund).order_by(OnlineRefund.id).all()


def pay_out(market):
    market.set_accounts()
    assert market.admin.post("/payouts/batch", {}).status_code == 201


# ---- refunds


def test_a_refund_goes_back_to_the_card_and_is_done(market, stripe):
    invoice, _ = paid(market, stripe)
    note = refund(market, invoice, 11_000)
    assert note.status_code == 201 and note.json["repaid_jpy"] == 11_000
    assert market.balances() == {} and market.seen(invoice)["state"] == "credited"
    assert market.seen(invoice)["credit_notes"][0]["repaid_at"]
    settle(market, stripe, times=2)
    assert market.balances() == {} and len(stripe.all_of("refund")) == 1
    assert "返金の振込を待っている" not in market.admin.see("/desk")


def test_parts_of_a_payment_go_back_one_by_one(market, stripe):
    invoice, _ = paid(market, stripe)
    for amount in (1, 3_333, 7_666):
        refund(market, invoice, amount)
        settle(market, stripe)
    assert [r["amount"] for r in stripe.all_of("refund")] == [7_666, 3_333, 1] and market.balances() == {}
    assert refund(market, invoice, 1).status_code == 409


def test_a_refund_after_payout_is_carried_to_the_next_payout_once(market, stripe):
    invoice, _ = paid(market, stripe)
    pay_out(market)
    refund(market, invoice, 11_000)
    settle(market, stripe, times=2)
    assert market.balances()["advances"] == 10_000
    assert [p["amount_jpy"] for p in market.payouts()] == [-10_000, 10_000]
    assert any("の返還" in line["words"] for line in market.payouts()[0]["lines"])
    paid(market, stripe, ONE_OFF | {"price_jpy": 30_000})
    assert market.payouts()[0]["amount_jpy"] == 20_000 and "advances" not in market.balances()


def test_what_was_paid_half_by_card_goes_back_half_by_card(market, stripe):
    invoice = market.invoice()
    market.pays(invoice, 5_000)
    stripe.pays_by_card(checkout(market, stripe, invoice))
    settle(market, stripe)
    refund(market, invoice, 11_000)
    assert [r.amount_jpy for r in refunds()] == [6_000] and market.balances()["refunds"] == 5_000
    note = market.seen(invoice)["credit_notes"][0]
    with database.transaction():
        actions.record_refund_sent(note["id"], by=market.admin.member, at=clock.now())
    assert market.balances() == {}


@pytest.mark.parametrize("method", ["konbini", "customer_balance"])
def test_money_without_a_card_goes_back_once_its_payer_names_an_account(market, stripe, method):
    invoice, _ = paid(market, stripe, method=method)
    refund(market, invoice, 11_000)
    (made,) = stripe.all_of("refund")
    assert made["status"] == "requires_action" and market.balances()["refunds"] == 11_000
    stripe.names_account(made["id"])
    settle(market, stripe)
    assert market.balances() == {} and refunds()[0].state == "succeeded"


@pytest.mark.parametrize("faults", [("409",), ("500",), ("drop",), ("drop", "500")], ids=lambda f: "-".join(f))
def test_a_broken_line_refunds_once(market, stripe, faults):
    invoice, _ = paid(market, stripe)
    stripe.fail_next("/v1/refunds", *faults)
    refund(market, invoice, 4_000)
    settle(market, stripe)
    assert [r["amount"] for r in stripe.all_of("refund")] == [4_000]
    assert market.balances()["stripe"] == 7_000 and refunds()[0].state == "succeeded"


@pytest.mark.parametrize("is_key_known", [True, False])
def test_a_refund_whose_answer_was_lost_is_found_by_the_reconciliation(market, stripe, is_key_known):
    invoice, _ = paid(market, stripe)
    with database.transaction():
        note = actions.refund(invoice["id"], amount_jpy=4_000, reason="誤り", by=market.admin.member, at=clock.now())
    # the answer is lost three times, and the webhook, too; then the day of the key is over
    stripe.fail_next("/v1/refunds", "429")  # looking for it
    market.world.work()
    intent = stripe.all_of("payment_intent")[0]
    row = refunds()[0]
    if is_key_known:
        stripe.refund_of(intent, 4_000, {"refund": row.id}, email=None)
    stripe.untold, stripe.answers = [], {}
    market.world.tick("stripe-reconciliation")
    market.world.work()
    with database.transaction():
        actions.send_online_refund(row.id, at=clock.now())
    assert len(stripe.all_of("refund")) == 1 and market.balances()["stripe"] == 7_000 - 396
    assert note.repaid_jpy == 4_000


def test_a_refund_that_fails_later_is_sent_by_bank_transfer(market, stripe):
    invoice, _ = paid(market, stripe)
    refund(market, invoice, 11_000)
    stripe.refund_fails(stripe.all_of("refund")[0]["id"])
    settle(market, stripe, times=2)
    assert market.balances() == {"stripe": 11_000, "refunds": 11_000}
    assert "振込で返す返金があります" in market.admin.see("/desk")
    (row,) = refunds()
    path = f"/desk/ledger/online/refunds/{row.id}/sent"
    assert market.admin.fill("/desk/ledger/online", path).status_code == 303
    assert market.balances() == {"stripe": 11_000, "bank": -11_000}
    assert market.seen(invoice)["credit_notes"][0]["repaid_at"]
    assert market.admin.fill("/desk/ledger", path).status_code == 409


def test_a_refund_that_stripe_does_not_take_is_sent_by_bank_transfer(market, stripe):
    invoice, intent = paid(market, stripe)
    stripe.things[intent]["status"] = "canceled"
    refund(market, invoice, 11_000)
    assert refunds()[0].state == "failed" and refunds()[0].reason == "payment_intent_unexpected_state"
    assert market.balances() == {"stripe": 11_000, "refunds": 11_000}


def test_a_refund_made_by_hand_at_stripe_gets_its_credit_note(market, stripe):
    invoice, intent = paid(market, stripe)
    stripe.refund_of(stripe.things[intent], 4_400, {}, email=None)
    settle(market, stripe, times=2)
    seen = market.seen(invoice)
    assert (seen["credited_jpy"], seen["state"]) == (4_400, "paid") and len(refunds()) == 1
    assert market.balances() == {"stripe": 6_600, "deposits": 6_000, "fees": 600}
    assert "管理画面での返金" in market.admin.see("/desk/notices")


def test_a_refund_by_hand_of_what_was_refunded_already_is_the_exchange_s_loss(market, stripe):
    invoice = market.invoice()
    page = checkout(market, stripe, invoice)
    stripe.pays_by_card(page)
    settle(market, stripe)
    intent = stripe.all_of("payment_intent")[0]
    stripe.things[intent["id"]]["status"] = "canceled"
    refund(market, invoice, 11_000)  # refused by Stripe: owed by bank transfer
    stripe.things[intent["id"]]["status"] = "succeeded"
    stripe.refund_of(stripe.things[intent["id"]], 11_000, {}, email=None)
    settle(market, stripe)
    assert market.balances() == {"refunds": 11_000, "losses": 11_000}


# ---- objections


def test_an_objection_freezes_the_payout_and_tells_an_administrator(market, stripe):
    other, _ = paid(market, stripe, ONE_OFF | {"price_jpy": 5_000})
    invoice, intent = paid(market, stripe)
    stripe.objects(intent)
    settle(market, stripe, times=2, backwards=True)
    assert market.payouts()[0]["amount_jpy"] == 5_000
    assert market.balances() == {
        "stripe": 5_500,
        "disputed": 11_000,
        "frozen": 10_000,
        "deposits": 5_000,
        "fees": 1_500,
    }
    assert "異議申立てがあります" in market.admin.see("/desk")
    page = market.admin.see("/desk/ledger/online")
    assert "審査中" in page and invoice["number"] in page
    assert "支払いを保留しています" in market.provider.see("/desk/notices")
    pay_out(market)
    assert market.payouts()[0]["amount_jpy"] == 5_000
    refused = refund(market, invoice, 1)
    assert refused.status_code == 409 and "異議申立て" in refused.json["detail"]
    assert other["id"] != invoice["id"]


@pytest.mark.parametrize("status", ["won", "warning_closed"])
def test_an_objection_that_fails_frees_the_payout(market, stripe, status):
    _, intent = paid(market, stripe)
    dispute = stripe.objects(intent, status="warning_needs_response" if status != "won" else "needs_response")
    settle(market, stripe)
    stripe.decides(dispute, status)
    settle(market, stripe, times=2, backwards=True)
    assert market.balances() == PAID and market.payouts()[0]["amount_jpy"] == 10_000
    lines = [line["gross_jpy"] - line["fee_jpy"] for line in market.payouts()[0]["lines"]]
    assert lines == [10_000, -10_000, 10_000]


def test_an_objection_that_succeeds_makes_the_invoice_due_again(market, stripe):
    invoice, intent = paid(market, stripe)
    dispute = stripe.objects(intent)
    settle(market, stripe)
    stripe.decides(dispute, "lost")
    settle(market, stripe, times=2)
    seen = market.seen(invoice)
    assert (seen["state"], seen["paid_jpy"], seen["due_jpy"]) == ("issued", 0, 11_000)
    assert market.balances() == {"billed": 11_000, "uncollected": 11_000} and market.payouts()[0]["amount_jpy"] == 0
    assert "未払いに戻りました" in market.buyer.see("/desk/notices")
    market.pays(invoice)
    assert market.seen(invoice)["state"] == "paid"


def test_an_objection_after_payout_is_carried_to_the_next_payout(market, stripe):
    invoice, intent = paid(market, stripe)
    pay_out(market)
    dispute = stripe.objects(intent)
    settle(market, stripe)
    session.remove()
    assert session.query(PaymentDispute).one().unfrozen_jpy == 11_000 and "frozen" not in market.balances()
    stripe.decides(dispute, "lost")
    settle(market, stripe)
    assert [p["amount_jpy"] for p in market.payouts()] == [-10_000, 10_000]
    assert market.balances()["advances"] == 10_000 and market.seen(invoice)["due_jpy"] == 11_000


def test_a_lost_objection_that_an_appeal_wins_pays_the_invoice_once_more(market, stripe):
    invoice, intent = paid(market, stripe)
    dispute = stripe.objects(intent)
    stripe.decides(dispute, "lost")
    settle(market, stripe)
    assert market.seen(invoice)["state"] == "issued"
    stripe.decides(dispute, "won")
    settle(market, stripe, times=2)
    assert market.seen(invoice)["state"] == "paid" and market.balances() == PAID


def amended(market, invoice, amount_jpy):
    body = {"lines": [{"position": 1, "amount_jpy": amount_jpy}], "reason": "単価の誤り"}
    return market.admin.post(f"/invoices/{invoice['id']}/amounts", body)


def test_what_a_corrected_invoice_no_longer_needs_goes_back_through_stripe(market, stripe):
    invoice, _ = paid(market, stripe)
    assert amended(market, invoice, 5_000).json["state"] == "paid"
    (waiting,) = market.admin.get("/receipts").json["items"]
    assert market.admin.post(f"/receipts/{waiting['id']}/return", {"note": "差額"}).status_code == 200
    settle(market, stripe)
    (row,) = refunds()
    assert (row.amount_jpy, row.state) == (5_500, "succeeded")
    assert market.balances() == {"stripe": 5_500, "deposits": 5_000, "fees": 500}


def test_an_objection_after_a_correction_freezes_what_is_left_and_waits_with_the_next(market, stripe):
    invoice, intent = paid(market, stripe)
    new = amended(market, invoice, 5_000).json
    dispute = stripe.objects(intent)
    settle(market, stripe)
    assert market.payouts()[0]["amount_jpy"] == 0 and market.balances()["frozen"] == 5_000
    assert amended(market, new, 4_000).status_code == 409  # while the card company looks at it
    stripe.decides(dispute, "lost")
    settle(market, stripe)
    assert market.seen(new)["due_jpy"] == 5_500
    assert amended(market, new, 6_000).status_code == 201  # nothing becomes free


def test_a_page_opened_for_the_first_invoice_pays_the_one_in_its_place(market, stripe):
    invoice = market.invoice()
    page = checkout(market, stripe, invoice)
    new = amended(market, invoice, 9_000).json
    stripe.pays_by_card(page)
    settle(market, stripe)
    assert market.seen(new)["state"] == "paid" and market.balances()["unapplied"] == 1_100


def test_an_objection_to_a_part_leaves_the_rest(market, stripe):
    invoice, intent = paid(market, stripe)
    dispute = stripe.objects(intent, 5_500)
    settle(market, stripe)
    assert market.payouts()[0]["amount_jpy"] == 5_000
    stripe.decides(dispute, "lost")
    settle(market, stripe)
    assert market.seen(invoice)["due_jpy"] == 5_500 and market.balances()["deposits"] == 5_000
    assert refund(market, invoice, 11_000).status_code == 201  # lowers what is due; the rest Stripe does not refund
    assert refunds()[0].reason == "charge_disputed" and market.balances() == {"stripe": 5_500, "refunds": 5_500}


def test_an_objection_to_what_pays_nothing_takes_that(market, stripe):
    invoice = market.invoice()
    page = checkout(market, stripe, invoice)
    market.pays(invoice)
    stripe.pays_by_card(page)
    settle(market, stripe)
    dispute = stripe.objects(stripe.things[page]["payment_intent"])
    settle(market, stripe)
    session.remove()
    receipt = session.query(OnlinePayment).one().receipt_id
    for deed in ("return", "own"):
        answer = market.admin.fill("/desk/ledger", f"/desk/ledger/receipts/{receipt}/{deed}", note="x")
        assert answer.status_code == 422 and "異議申立ての審査中" in answer.get_data(as_text=True)
    stripe.decides(dispute, "lost")
    settle(market, stripe)
    assert market.balances() == {"bank": 11_000, "deposits": 10_000, "fees": 1_000}


def test_objections_that_webhooks_missed_are_asked_for_and_cost_their_fee(market, stripe):
    invoice, intent = paid(market, stripe)
    dispute = stripe.objects(intent)
    stripe.decides(dispute, "lost")
    stripe.untold = []
    market.world.tick("stripe-reconciliation")
    market.world.work()
    assert market.seen(invoice)["state"] == "issued"
    found = market.balances()
    assert found["processing"] == 396 + 1_500 and found["stripe"] == stripe.balance_jpy == -1_896
    assert "一致しません" not in market.admin.see("/desk/ledger/online")


# ---- all of it together

STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "sell",
                "open",
                "card",
                "konbini",
                "bank",
                "refund",
                "correct",
                "batch",
                "by hand",
                "object",
                "decide",
                "fail",
                "tell",
            ]
        ),
        st.integers(1, 20_000),
        st.booleans(),
    ),
    max_size=16,
)


@given(STEPS)
@how(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_happens_the_books_say_what_stripe_says(market, stripe, steps):
    market.set_accounts()
    market.contract(ONE_OFF)
    for deed, amount, flag in steps:
        _do(market, stripe, deed, amount, flag)
    settle(market, stripe, backwards=True, times=2)
    for _ in range(2):
        market.world.tick("stripe-reconciliation")
        market.world.work()
    check_books(market, stripe)


def _do(market, stripe, deed, amount, flag):
    session.remove()
    admin, at = market.admin.member, clock.now()
    invoices = session.query(Invoice).order_by(Invoice.id).all()
    invoice = invoices[amount % len(invoices)] if invoices else None
    pages = [s for s in stripe.all_of("checkout.session") if s["status"] == "open"]
    intents = [i for i in stripe.all_of("payment_intent") if i["status"] == "succeeded"]
    try:
        with database.transaction():
            if deed == "sell":
                actions.issue_what_is_due(at=at)
            elif deed == "open" and invoice:
                actions.begin_checkout(invoice.id, by=market.buyer.member, language="ja", at=at)
            elif deed == "bank" and invoice:
                payer = str(clock.real_now().timestamp())
                reference = invoice.payment_reference
                actions.record_payment(
                    received_on=at.date(), payer=payer, amount_jpy=amount, reference=reference, by=admin, at=at
                )
            elif deed == "refund" and invoice:
                actions.refund(invoice.id, amount_jpy=amount, reason="x", by=admin, at=at)
            elif deed == "correct" and invoice:
                change = LineChange(position=1, amount_jpy=amount)
                actions.correct_amounts(invoice.id, changes=[change], reason="x", by=admin, at=at)
            elif deed == "batch":
                actions.make_batch(by=admin, at=at)
        if deed == "sell":
            market.contract(ONE_OFF | {"price_jpy": amount + 200})
        elif deed == "card" and pages:
            stripe.pays_by_card(pages[0]["id"])
        elif deed == "konbini" and pages and "konbini" in pages[0]["payment_method_types"]:
            stripe.chooses(pages[0]["id"], "konbini")
            (stripe.pays_later if flag else lambda page, _: stripe.never_pays(page))(pages[0]["id"], "konbini")
        elif deed == "by hand" and intents:
            _by_hand(stripe, intents[0], amount)
        elif deed == "object" and intents and not stripe.things[intents[0]["latest_charge"]]["disputed"]:
            if not stripe.things[intents[0]["latest_charge"]]["refunded"]:
                stripe.objects(intents[0]["id"])
        elif deed == "decide":
            open_ones = [d for d in stripe.all_of("dispute") if d["status"] == "needs_response"]
            if open_ones:
                stripe.decides(open_ones[0]["id"], "won" if flag else "lost")
        elif deed == "fail":
            done = [r for r in stripe.all_of("refund") if r["status"] in ("succeeded", "requires_action")]
            if done:
                stripe.refund_fails(done[0]["id"])
        elif deed == "tell":
            settle(market, stripe, backwards=flag)
    except DomainError:
        pass


def _by_hand(stripe, intent, amount):
    charge = stripe.things[intent["latest_charge"]]
    left = charge["amount"] - charge["amount_refunded"]
    if left and not charge["disputed"]:
        stripe.refund_of(intent, min(amount, left), {}, email="x@demo.exchange.example")


def check_books(market, stripe):
    """What the books say of Stripe, of what is due, of the providers, of fees, of objections and refunds."""
    session.remove()
    provider, buyer = market.provider.organization_id, market.buyer.organization_id
    invoices = session.query(Invoice).filter(Invoice.state != "replaced").all()
    assert ledger.balance(ledger.STRIPE) == stripe.balance_jpy
    due = sum(i.due_jpy for i in invoices)
    assert ledger.balance(ledger.billed(buyer)) == ledger.balance(ledger.uncollected(provider)) == due
    owed = sum(i.paid_jpy - i.refunded_jpy - i.fee_taken_jpy for i in invoices)
    gone = sum(p.amount_jpy for p in session.query(Payout) if p.state != "due")
    held = ledger.balance(ledger.deposits(provider)) - ledger.balance(ledger.advances(provider))
    frozen = ledger.balance(ledger.frozen(provider))
    assert held == sum(p.amount_jpy for p in session.query(Payout) if p.state == "due")
    assert held + frozen == owed - gone
    assert ledger.balance(ledger.FEES) == sum(i.fee_taken_jpy for i in invoices)
    open_ones = [d for d in session.query(PaymentDispute) if d.state == "open"]
    assert ledger.balance(ledger.DISPUTED) == sum(d.amount_jpy for d in open_ones)
    owed_back = sum(r.amount_jpy for r in session.query(OnlineRefund) if r.entry_id is None and r.sent_at is None)
    assert ledger.balance(ledger.refunds(buyer)) >= owed_back
    session.rollback()
