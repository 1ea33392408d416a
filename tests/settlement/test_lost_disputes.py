"""A lost objection, whoever issued the invoice and whatever it charged: the claim stands again, nobody gains a yen."""

import pytest

from contracts.models import Contract
from exchange import clock, database
from exchange.database import session
from settlement import actions
from tests.settlement.conftest import MONTHLY, ONE_OFF, last_month
from tests.settlement.test_fees import closes, fees
from tests.settlement.test_online_payments import page_of, settle
from tests.settlement.test_online_refunds import paid

PREPAID = ONE_OFF | {"payment": "prepaid"}
OWED = {"billed": 11_000, "uncollected": 11_000}


def loses(market, stripe, intent, amount=None):
    dispute = stripe.objects(intent, amount)
    stripe.decides(dispute, "lost")
    settle(market, stripe, times=2)
    return dispute


def fee_of_a_city(market, stripe):
    """A city's invoice of fees, paid by card; the invoice and the payment at Stripe."""
    city = market.world.city()
    market.settings(fee_percent={"municipality": 5, "company": 10}, operator_registration_number="T1234567890123")
    month, first, _ = last_month()
    market.contract(MONTHLY, at=first, provider=city)
    closes(market, month)
    (fee,) = market.invoices(who=city)
    with database.transaction():
        url = actions.begin_checkout(fee["id"], by=city.member, language="ja", at=clock.now())
    page = page_of(stripe, url)
    stripe.pays_by_card(page)
    settle(market, stripe)
    assert market.balances() == {"stripe": 600, "fees": 600}
    return city, fee, stripe.things[page]["payment_intent"]


def test_an_invoice_in_the_exchange_s_name_is_due_again_and_its_seller_loses_the_payout(market, stripe):
    market.settings(operator_registration_number="T1234567890123", operator_name="仲立ち運営株式会社")
    assert market.provider.call("PUT", "/registration-notice", {}).status_code == 200
    invoice, intent = paid(market, stripe)
    assert invoice["mode"] == "intermediary"
    loses(market, stripe, intent)
    assert (market.seen(invoice)["state"], market.seen(invoice)["due_jpy"]) == ("issued", 11_000)
    assert market.balances() == OWED and [p["amount_jpy"] for p in market.payouts()] == [0]
    market.pays(invoice)
    assert market.balances() == {"bank": 11_000, "deposits": 10_000, "fees": 1_000}


def test_a_fee_that_was_paid_by_card_is_owed_to_the_exchange_again_and_no_payout_is_touched(market, stripe):
    city, fee, intent = fee_of_a_city(market, stripe)
    loses(market, stripe, intent)
    assert market.seen(fee)["state"] == "issued" and market.balances() == {"billed": 600, "uncollected": 600}
    assert market.payouts(market.admin) == [] == market.payouts(city)
    market.pays(fee)
    assert market.balances() == {"bank": 600, "fees": 600}


def test_a_fee_given_back_by_hand_at_stripe_leaves_the_exchange_s_revenue(market, stripe):
    _, fee, intent = fee_of_a_city(market, stripe)
    stripe.refund_of(stripe.things[intent], 100, {}, email=None)
    settle(market, stripe, times=2)
    assert market.balances() == {"stripe": 500, "fees": 500} and market.payouts(market.admin) == []
    assert market.seen(fee)["credited_jpy"] == 100


def test_the_fee_on_what_was_lost_lowers_the_provider_s_next_invoice_of_fees(market, stripe):
    month, first, _ = last_month()
    market.pays(market.invoice(ONE_OFF | {"price_jpy": 30_000}), on=first.date())
    closes(market, month)
    _, intent = paid(market, stripe)
    assert market.balances()["fees"] == 4_000
    loses(market, stripe, intent)
    assert market.balances()["fees"] == 3_000 == fees(market)[0]["total_jpy"]


def standing(contract_id):
    session.remove()
    contract = session.get_one(Contract, contract_id)
    return contract.state, contract.suspended_by


@pytest.mark.parametrize("part", [None, 5_500])
def test_what_was_paid_in_advance_stops_at_once_and_paying_again_opens_it(market, stripe, part):
    invoice, intent = paid(market, stripe, PREPAID)
    contract_id = invoice["contract_id"]
    assert standing(contract_id) == ("active", None)
    loses(market, stripe, intent, part)
    assert standing(contract_id) == ("suspended", "arrears")
    for party in (market.buyer, market.provider):
        assert "お支払いを確認できないため提供が停止されました" in party.see("/desk/notices")
    market.pays(invoice, part or 11_000)
    assert standing(contract_id) == ("active", None)


def test_it_stops_again_when_the_second_payment_is_lost_too_and_an_appeal_opens_it(market, stripe):
    invoice, intent = paid(market, stripe, PREPAID)
    dispute = loses(market, stripe, intent)
    stripe.decides(dispute, "won")
    settle(market, stripe)
    assert standing(invoice["contract_id"]) == ("active", None) and market.seen(invoice)["state"] == "paid"


def test_what_was_not_paid_in_advance_has_its_time_of_grace(market, stripe):
    invoice, intent = paid(market, stripe)
    loses(market, stripe, intent)
    assert standing(invoice["contract_id"]) == ("active", None)


def test_what_a_party_suspended_itself_stays_its_own(market, stripe):
    invoice, intent = paid(market, stripe, PREPAID)
    market.provider.post(f"/contracts/{invoice['contract_id']}/suspend", {"reason": "漏えいの疑い"})
    loses(market, stripe, intent)
    market.pays(invoice)
    assert standing(invoice["contract_id"]) == ("suspended", "provider")
