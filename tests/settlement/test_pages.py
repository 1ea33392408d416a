"""The pages of settlement, as people use them."""

import io
import re

import pytest

from contracts.queries import contract_by_id
from exchange import clock, database
from settlement import actions
from tests.settlement.conftest import MONTHLY, ONE_OFF, last_month
from tests.world import csrf


def test_a_buyer_sees_what_is_owed_by_when_and_where_to_pay(market):
    market.set_accounts()
    invoice = market.invoice()
    page = market.buyer.see("/desk/invoices")
    for said in (invoice["number"], "11,000円", invoice["payment_reference"], "みなと銀行", "お支払いが必要な請求書"):
        assert said in page, said
    detail = market.buyer.see(f"/desk/invoices/{invoice['id']}")
    assert "適格請求書" in detail and "までに 11,000円 をお支払いください" in detail
    assert market.buyer.browser.get(f"/desk/invoices/{invoice['id']}.pdf").data.startswith(b"%PDF")
    assert "支払う請求書があります" in market.buyer.see("/desk")


def test_without_an_account_there_is_nothing_to_copy(market):
    invoice = market.invoice()
    for path in ("/desk/invoices", f"/desk/invoices/{invoice['id']}"):
        page = market.buyer.see(path)
        assert "運営事務局からご案内します" in page and invoice["payment_reference"] in page
        assert "コピーする" not in page
    market.set_accounts()
    assert "振込先(コピー用)" in market.buyer.see("/desk/invoices")


def test_a_search_without_result_says_what_to_do(market):
    market.invoice()
    assert "条件に合う請求書はありません" in market.buyer.see("/desk/invoices?partner=どこにもない")
    assert "請求書はまだありません" in market.world.organization("新しい会社").see("/desk/invoices")
    assert market.buyer.browser.get("/desk/invoices?from=きのう").status_code == 422


def test_an_accountant_records_a_payment_and_the_provider_sees_the_payout(market):
    invoice = market.invoice()
    path = f"/desk/invoices/{invoice['id']}/payment"
    fields = {"received_on": clock.today().isoformat(), "payer": "カ)チズ", "amount_jpy": "１１，０００円"}
    answer = market.admin.fill(path, reference=invoice["payment_reference"], **fields)
    assert answer.status_code == 303, answer.get_data(as_text=True)[:3000]
    assert "支払済み" in market.buyer.see(f"/desk/invoices/{invoice['id']}")
    page = market.provider.see("/desk/payouts")
    assert "10,000円" in page and "1,000円" in page
    payout = market.payouts()[0]
    assert invoice["number"] in market.provider.see(f"/desk/payouts/{payout['id']}")
    assert market.buyer.browser.get(f"/desk/payouts/{payout['id']}").status_code == 404


def test_the_same_payment_form_sent_twice_records_one_payment(market):
    invoice = market.invoice()
    fields = {"received_on": clock.today().isoformat(), "payer": "カ)チズ", "amount_jpy": "5000"}
    path = f"/desk/invoices/{invoice['id']}/payment"
    first = market.admin.fill(path, reference=invoice["payment_reference"], **fields)
    again = market.admin.fill(path, reference=invoice["payment_reference"], **fields)
    assert (first.status_code, again.status_code) == (303, 422)
    assert "すでに" in again.get_data(as_text=True) and market.seen(invoice)["paid_jpy"] == 5_000


@pytest.mark.parametrize("amount", ["", "0", "-1", "1.5", "千円", "1" * 25])
def test_a_wrong_amount_is_told_beside_its_field_and_what_was_typed_stays(market, amount):
    invoice = market.invoice()
    fields = {"received_on": clock.today().isoformat(), "payer": "カ)<b>チズ", "amount_jpy": amount}
    answer = market.admin.fill(f"/desk/invoices/{invoice['id']}/payment", **fields)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "amount_jpy-error" in page and "カ)&lt;b&gt;チズ" in page


def test_an_accountant_takes_a_statement_and_clears_what_it_leaves_over(market):
    invoice = market.invoice()
    body = f"date,payer,amount_jpy,reference\n{clock.today()},ナゾ,12000,\n".encode()
    page = market.admin.browser.get("/desk/ledger/statement")
    form = {"csrf_token": csrf(page), "file": (io.BytesIO(body), "meisai.csv")}
    result = market.admin.browser.post("/desk/ledger/statement", data=form).get_data(as_text=True)
    assert "1件の入金を新しく記録しました" in result and "照合番号がありません" in result
    assert "1件あります" in market.admin.see("/desk/ledger")
    waiting = market.admin.see("/desk/ledger/receipts")
    assert "返金期限" in waiting and "12,000円" in waiting
    receipt = re.search(r"/desk/ledger/receipts/[0-9a-z]+", waiting).group()
    told = {"told_by": "地図製作 経理", "told_on": clock.today().isoformat(), "told_how": "電話で確認"}
    assert market.admin.fill(receipt, reference=invoice["payment_reference"]).status_code == 422
    wrong = market.admin.fill(receipt, reference="000000000", **told)
    assert wrong.status_code == 422 and "この照合番号の請求書はありません" in wrong.get_data(as_text=True)
    assert market.admin.fill(receipt, reference=invoice["payment_reference"], **told).status_code == 303
    assert market.seen(invoice)["state"] == "paid"
    assert market.admin.fill(receipt, receipt + "/return").status_code == 422
    assert market.admin.fill(receipt, receipt + "/return", note="同じ口座へ").status_code == 303
    page = market.admin.see(receipt)
    assert "すべて処理済み" in page and "電話で確認" in page and "同じ口座へ" in page


def test_an_accountant_refunds_and_sends_the_money_back(market):
    invoice = market.invoice()
    market.pays(invoice)
    path = f"/desk/invoices/{invoice['id']}"
    assert market.admin.fill(path + "/refund", amount_jpy="99999", reason="x").status_code == 422
    assert market.admin.fill(path + "/refund", amount_jpy="11000", reason="データの誤り").status_code == 303
    page = market.buyer.see(path)
    assert "RTN-000001" in page and "返還済み" in page
    note = re.search(r"/desk/invoices/[0-9a-z]+/credit-notes/[0-9a-z]+\.pdf", page).group()
    assert market.buyer.browser.get(note).data.startswith(b"%PDF")
    sent = re.search(r"/desk/ledger/refunds/[0-9a-z]+/sent", market.admin.see("/desk/ledger")).group()
    assert market.admin.fill("/desk/ledger", sent).status_code == 303
    assert market.balances() == {}


def test_a_month_is_closed_after_a_page_that_asks(market):
    month, first, _ = last_month()
    market.contract(MONTHLY, at=first)
    assert f"/desk/ledger/close/{month}" in market.admin.see("/desk/ledger")
    assert "取り消せず" in market.admin.see(f"/desk/ledger/close/{month}")
    assert market.admin.fill(f"/desk/ledger/close/{month}").status_code == 303
    market.world.work()
    assert "締め済み" in market.admin.see("/desk/ledger")
    running = clock.month_of(clock.now())
    assert market.admin.browser.get(f"/desk/ledger/close/{running}").status_code == 409


def test_payouts_leave_in_a_file_made_on_the_page(market):
    market.pays(market.invoice())
    missing = market.admin.fill("/desk/payouts")
    assert missing.status_code == 422 and "口座番号" in missing.get_data(as_text=True)
    market.set_accounts()
    assert market.admin.fill("/desk/payouts").status_code == 303
    page = market.admin.see("/desk/payouts")
    file = re.search(r"/desk/payouts/batch/[0-9a-z]+\.txt", page).group()
    assert len(market.admin.browser.get(file).data) == 4 * 122
    assert market.admin.fill("/desk/payouts", file.replace(".txt", "/sent")).status_code == 303
    assert "振込済み" in market.provider.see("/desk/payouts")


def test_the_books_are_for_accountants_alone(market):
    paths = ["/desk/ledger", "/desk/ledger/entries", "/desk/ledger/statement", "/desk/ledger/payment"]
    assert [market.provider.browser.get(path).status_code for path in paths] == [403] * 4
    market.pays(market.invoice())
    page = market.admin.see("/desk/ledger/entries?account=bank")
    assert "普通預金" in page and "預り金" in page
    month = clock.month_of(clock.now())
    assert "手数料収入" in market.admin.see(f"/desk/ledger?month={month}")
    assert market.admin.browser.get(f"/desk/ledger/journal-{month}.csv").status_code == 200
    assert market.admin.browser.get("/desk/ledger/journal.hledger").status_code == 200


def test_the_pages_read_in_english(market):
    market.invoice()
    for path in ("/desk/invoices", "/desk/payouts"):
        assert market.buyer.browser.get(path + "?lang=en").status_code == 200


def test_what_a_contract_costs_this_month_is_known_before_the_invoice(market):
    from settlement import queries

    since, _ = clock.month_bounds(clock.month_of(clock.now()))
    monthly, once = market.contract(MONTHLY, at=since), market.contract(ONE_OFF)
    with database.transaction():
        at = clock.now()
        days = (clock.month_bounds(clock.month_of(at))[1] - since).days
        assert queries.charge_so_far(contract_by_id(monthly), at=at) == 12_000 * at.day // days
        assert queries.charge_so_far(contract_by_id(once), at=at) == 10_000
        assert actions.issue_what_is_due(at=at) == 1
