"""The exchange's fee is its own invoice to the provider: what was taken of its money, to the yen, once."""

from tests.settlement.conftest import ONE_OFF, last_month
from tests.settlement.test_months import close


def fees(market, who=None):
    return [i for i in market.invoices(who or market.provider) if i["kind"] == "fee"]


def closes(market, month):
    assert close(market, month).status_code == 202
    market.world.work()


def test_fees_taken_are_invoiced_with_the_month_and_paid_already(market):
    market.settings(operator_registration_number="T9999999999999")
    month, first, _ = last_month()
    for price in (10_005, 20_000):
        market.pays(market.invoice(ONE_OFF | {"price_jpy": price}), on=first.date())
    taken = market.balances()["fees"]
    closes(market, month)
    closes(market, month)
    (fee,) = fees(market)
    assert fee["total_jpy"] == taken == 3_000 and (fee["state"], fee["due_jpy"]) == ("paid", 0)
    assert fee["title"] == "適格請求書" and fee["issuer"]["registration_number"] == "T9999999999999"
    assert fee["totals_by_rate"] == [{"rate_percent": 10, "taxable_jpy": 2_728, "tax_jpy": 272}]
    assert fees(market, market.buyer) == []
    assert "お支払いは不要" not in market.provider.see(f"/desk/invoices/{fee['id']}")
    assert market.balances()["fees"] == taken


def test_a_fee_given_back_later_lowers_a_later_invoice_not_this_one(market):
    month, first, _ = last_month()
    invoice = market.invoice()
    market.pays(invoice, on=first.date())
    market.admin.post(f"/invoices/{invoice['id']}/refund", {"amount_jpy": 5_500, "reason": "一部の返還"})
    closes(market, month)
    (fee,) = fees(market)
    assert fee["total_jpy"] == 1_000  # taken last month; what went back today is not of that month
