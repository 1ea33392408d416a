"""A municipality's money never passes through the exchange: it gets a sheet, bills for itself, and tells what it did."""

import csv
import io
from datetime import timedelta

import pypdf
import pytest

from exchange import clock
from tests.settlement.conftest import MONTHLY, last_month
from tests.settlement.test_months import close


def today(days=0):
    return (clock.today() + timedelta(days=days)).isoformat()


@pytest.fixture
def city(market):
    return market.world.city()


def sheet_of(who, **search):
    (found,) = who.get("/assessments", query_string=search).json["items"]
    return found


def noticed(city, sheet, **changes):
    body = {"notice_number": "情政第12号", "noticed_on": today(), **changes}
    return city.post(f"/assessments/{sheet['id']}/notice", body)


def test_the_whole_way_from_the_offer_to_the_payment(market):
    city, buyer, admin = market.world.city(), market.buyer, market.admin
    price = {"model": "one_off", "price_jpy": 10_000, "payment": "prepaid"}
    _, file, offer = market.world.published(city, price, price_basis="手数料条例第3条")
    body = {"offer_id": offer["id"], "purpose": "検証", "accept_terms": True, "purchase_order": "PO-9"}
    contract = buyer.post("/contracts", body).json
    signed = {"approval_reference": "情政第9号", "approved_on": today(), "signatory": "市長 山田花子"}
    assert city.post(f"/contracts/{contract['id']}/accept", signed).status_code == 200
    assert "手数料条例第3条" in admin.see(f"/desk/reviews/contracts/{contract['id']}")
    assert admin.post(f"/contracts/{contract['id']}/approve").json["state"] == "active"

    sheet = sheet_of(city)
    assert (sheet["state"], sheet["total_jpy"], sheet["price_basis"]) == ("prepared", 11_000, "手数料条例第3条")
    assert "納入通知書を送る収入があります" in city.see("/desk")
    link = buyer.post(f"/contracts/{contract['id']}/links", {"file_id": file["id"]})
    assert link.status_code == 409  # prepaid, and the city was not paid
    assert noticed(city, sheet).json["state"] == "noticed"
    assert "自治体から納入通知書が送られます" in buyer.see("/desk")
    paid = city.post(f"/assessments/{sheet['id']}/payment", {"paid_on": today()})
    assert paid.json["state"] == "paid" and paid.json["carried_over"] is False
    assert buyer.post(f"/contracts/{contract['id']}/links", {"file_id": file["id"]}).status_code == 201
    assert market.balances() == {} and market.invoices(who=admin) == [] and market.payouts(city) == []


def test_refunds_and_payments_of_public_money_are_refused_with_the_reason(market, city):
    market.contract(provider=city)
    sheet = sheet_of(city)
    refusal = market.admin.post(f"/invoices/{sheet['id']}/refund", {"amount_jpy": 1, "reason": "x"})
    assert refusal.status_code == 409 and refusal.json["type"] == "/problems/public-money"
    assert "納入通知書" in refusal.json["detail"]
    market.set_accounts()
    assert market.admin.post("/payouts/batch", {}).status_code == 409
    assert market.admin.get("/ledger/entries").json["items"] == []


def test_the_sheet_says_who_pays_what_for_what_and_by_when(market, city):
    market.contract(provider=city)
    sheet = sheet_of(city)
    pdf = city.get(f"/assessments/{sheet['id']}/document").data
    words = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages).replace(" ", "")
    for said in (
        "調定用明細",
        "地図製作株式会社",
        "11,000円",
        "手数料条例第3条",
        "納期限",
        "納入通知書でも適格請求書でもありません",
    ):
        assert said in words, said
    assert city.browser.get(f"/desk/assessments/{sheet['id']}.pdf").data == pdf
    for encoding, coded in (("utf-8", "utf-8-sig"), ("shift_jis", "cp932")):
        answer = city.get(f"/assessments.csv?encoding={encoding}")
        (row,) = csv.DictReader(io.StringIO(answer.data.decode(coded)))
        assert (row["納入義務者"], row["納入金額"], row["根拠"]) == ("地図製作株式会社", "11000", "手数料条例第3条")
        assert row["請求の事由"].startswith("地区別人口")


def test_the_city_s_menu_leads_to_its_sheets_and_counts_those_that_wait(market, city):
    market.contract(provider=city)
    assert sheet_of(city)["state"] == "prepared"
    menu = city.see("/desk").partition("desk-menu")[2].partition("</nav>")[0]
    assert 'href="/desk/assessments">調定用明細 <span class="count">1</span>' in menu
    assert "/desk/payouts" not in menu  # nothing is ever paid out to it
    noticed(city, sheet_of(city))
    assert '調定用明細 <span class="count">' not in city.see("/desk")
    assert '/desk/assessments">調定用明細' not in market.buyer.see("/desk") + market.admin.see("/desk")


def test_a_month_s_charges_become_sheets_once(market, city):
    month, first, _ = last_month()
    contract_id = market.contract(MONTHLY, at=first, provider=city)
    for _ in range(2):
        assert close(market).status_code == 202
        market.world.work()
    sheet = sheet_of(city, period=month)
    assert (sheet["contract_id"], sheet["total_jpy"], sheet["revenue_kind"]) == (contract_id, 13_200, "fixed")
    assert market.invoices(who=market.admin) == []


def test_only_the_city_writes_and_only_the_parties_see(market, city):
    market.contract(provider=city)
    sheet, path = sheet_of(city), "/assessments/"
    stranger = market.world.organization("無関係")
    assert stranger.get(path + sheet["id"]).status_code == 404 == noticed(stranger, sheet).status_code
    assert market.buyer.get(path + sheet["id"]).json["total_jpy"] == 11_000
    assert noticed(market.buyer, sheet).status_code == 403 == noticed(market.admin, sheet).status_code
    viewer = market.world.colleague(city, "viewer")
    assert viewer.get(path + sheet["id"]).status_code == 200 and noticed(viewer, sheet).status_code == 403


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("notice_number", " "),
        ("noticed_on", "2999-01-01"),
        ("noticed_on", "2020-01-01"),
        ("notice_due_on", "2020-01-01"),
    ],
)
def test_what_cannot_be_is_told_beside_its_field(market, city, field, value):
    market.contract(provider=city)
    answer = noticed(city, sheet_of(city), **{field: value})
    assert answer.status_code == 422 and list(answer.json["errors"]) == [field]


def test_each_record_waits_for_its_turn(market, city):
    market.contract(provider=city)
    sheet = sheet_of(city)
    paid = {"paid_on": today()}
    assert city.post(f"/assessments/{sheet['id']}/payment", paid).status_code == 409
    assert noticed(city, sheet).status_code == 200
    assert noticed(city, sheet, notice_number="情政第13号").json["notice_number"] == "情政第13号"
    assert city.post(f"/assessments/{sheet['id']}/payment", {"paid_on": "2020-01-01"}).status_code == 422
    assert city.post(f"/assessments/{sheet['id']}/payment", paid).status_code == 200
    assert noticed(city, sheet).status_code == 409
    assert city.post(f"/assessments/{sheet['id']}/withdraw", {"reason": "x"}).status_code == 409


def test_a_withdrawn_charge_is_billed_by_nobody(market, city):
    market.contract(provider=city)
    sheet = sheet_of(city)
    form = city.fill(f"/desk/assessments/{sheet['id']}/withdraw", reason="減免の決定")
    assert form.status_code == 303 and sheet_of(city)["state"] == "withdrawn"
    assert len(city.get("/assessments").json["items"]) == 1


def test_the_city_tells_on_pages(market, city):
    market.contract(provider=city)
    sheet = sheet_of(city)
    path = f"/desk/assessments/{sheet['id']}"
    assert sheet["number"] in city.see("/desk/assessments") and "納入通知書を記録する" in city.see(path)
    wrong = city.fill(path, path + "/notice", notice_number="", noticed_on=today(), notice_due_on=today())
    assert wrong.status_code == 422 and "notice_number-error" in wrong.get_data(as_text=True)
    told = {"notice_number": "第1号", "noticed_on": today(), "notice_due_on": today(20)}
    assert city.fill(path, path + "/notice", **told).status_code == 303
    assert city.fill(path, path + "/payment", paid_on=today()).status_code == 303
    assert "納付済み" in city.see(path) and "出納閉鎖日" in city.see(path)
    assert "自治体からの請求" in market.buyer.see("/desk/assessments")


def test_a_fee_on_municipal_sales_is_an_invoice_of_its_own_and_revenue_when_paid(market, city):
    market.settings(fee_percent={"municipality": 5, "company": 10}, operator_registration_number="T1234567890123")
    _, first, _ = last_month()
    market.contract(MONTHLY, at=first, provider=city)
    close(market)
    market.world.work()
    (fee,) = market.invoices(who=city)
    assert (fee["kind"], fee["state"], fee["total_jpy"], fee["title"]) == ("fee", "issued", 600, "適格請求書")
    market.pays(fee)
    assert market.balances() == {"bank": 600, "fees": 600}
    assert market.admin.post(f"/invoices/{fee['id']}/refund", {"amount_jpy": 1, "reason": "x"}).status_code == 409


def test_a_municipal_buyer_pays_by_invoice_before_its_books_close(market, city):
    market.contract(at=clock.now(), buyer=city)
    (invoice,) = market.invoices(city)
    assert invoice["due_on"] <= (clock.today() + timedelta(days=30)).isoformat()
    page = city.see(f"/desk/invoices/{invoice['id']}")
    assert "会計年度" in page and "出納整理期間" in page
