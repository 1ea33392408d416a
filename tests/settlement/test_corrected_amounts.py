"""An invoice of wrong amounts gives way to another; dues, fees, payments and payouts follow, and the first stays."""

import csv
import io
import zipfile
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import exc, text

from exchange import clock, database
from exchange.database import session
from exchange.errors import Invalid
from settlement import actions, amending, rules
from settlement.amending import LineChange
from settlement.models import Entry, InvoiceLine, PayoutLine
from tests.settlement.conftest import MONTHLY, ONE_OFF, last_month
from tests.settlement.test_corrections import corrected, voided, words_of
from tests.settlement.test_months import close


def amended(market, invoice, *lines, reason="単価の誤り", who=None):
    lines = [{"position": 1, **line} for line in lines]
    return (who or market.admin).post(f"/invoices/{invoice['id']}/amounts", {"lines": lines, "reason": reason})


def becomes(market, invoice, amount_jpy):
    made = amended(market, invoice, {"amount_jpy": amount_jpy})
    assert made.status_code == 201, made.json
    return made.json


# ---- the rule


def lines_of(*amounts):
    return [
        InvoiceLine(position=n, description=f"行{n}", quantity="12.5 GB", amount_jpy=a, rate_percent=10)
        for n, a in enumerate(amounts, 1)
    ]


@pytest.mark.parametrize(
    ("changes", "amounts"),
    [
        ([LineChange(position=1, amount_jpy=7)], [7, 200]),
        ([LineChange(position=1, unit_price_jpy=Decimal("0.33"))], [4, 200]),  # 4.125, rounded down once
        ([LineChange(position=2, quantity="３回", unit_price_jpy=Decimal(5), amount_jpy=999)], [100, 15]),
        ([LineChange(position=1, remove=True)], [200]),
        ([LineChange(position=3, description="追加", amount_jpy=1)], [100, 200, 1]),
        ([LineChange(position=1, remove=True), LineChange(position=2, amount_jpy=300)], [300]),
    ],
)
def test_lines_are_corrected_by_quantity_unit_price_or_amount(changes, amounts):
    made = amending.corrected(lines_of(100, 200), changes)
    assert [line.amount_jpy for line in made.lines] == amounts
    assert len(made.differences) == len(changes)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (LineChange(position=1, amount_jpy=-200), "lines"),
        (LineChange(position=1, amount_jpy=100), "lines"),
        (LineChange(position=1, description="名前だけ"), "lines"),
        (LineChange(position=1, quantity="3 GB"), "lines.1"),
        (LineChange(position=1, quantity="一式", unit_price_jpy=Decimal(5)), "lines.1"),
        (LineChange(position=1, unit_price_jpy=Decimal("0.0000001")), "lines.1"),
        (LineChange(position=1, unit_price_jpy=Decimal("NaN")), "lines.1"),
        (LineChange(position=1, amount_jpy=10**13), "lines.1"),
        (LineChange(position=1, description=" ", amount_jpy=5), "lines.1"),
        (LineChange(position=3, amount_jpy=5), "lines.3"),
        (LineChange(position=9, remove=True), "lines.9"),
        (LineChange(position=0, amount_jpy=5), "lines"),
    ],
)
def test_what_cannot_be_corrected_is_refused_by_its_line(change, field):
    with pytest.raises(Invalid) as refusal:
        amending.corrected(lines_of(100, 0), [change])
    assert set(refusal.value.errors) == {field}


@given(st.integers(0, 9_999), st.integers(0, 9_999), st.integers(0, 9_999), st.integers(1, 20_000))
def test_what_is_kept_and_what_is_free_is_all_that_was_paid(paid, credited, refunded, total):
    credited = min(credited, total)
    refunded = min(refunded, paid, credited)
    split = rules.split_kept(paid_jpy=paid, refunded_jpy=refunded, credited_jpy=credited, total_jpy=total)
    assert split.first_jpy + split.rest_jpy == paid and split.rest_jpy >= 0
    assert refunded <= split.first_jpy and total - credited - split.first_jpy + refunded >= 0


# ---- unpaid, paid, paid out


def test_an_unpaid_invoice_is_replaced_and_the_first_stays_readable(market):
    first = market.invoice()
    new = becomes(market, first, 105)
    assert (new["number"], new["title"], new["state"]) == ("COR-000001", "修正適格請求書", "issued")
    assert (new["total_jpy"], new["due_jpy"], new["totals_by_rate"][0]["tax_jpy"]) == (115, 115, 10)
    assert new["replaces_id"] == first["id"] and new["changed"]["replaces"]["number"] == first["number"]
    seen = market.seen(first)
    assert (seen["state"], seen["due_jpy"], seen["total_jpy"]) == ("replaced", 0, 11_000)
    assert seen["replaced_by_id"] == new["id"] and seen["lines"] == first["lines"]
    assert market.balances() == {"billed": 115, "uncollected": 115}
    assert words_of(market.buyer, f"/invoices/{first['id']}/document").count("11,000円")
    words = words_of(market.buyer, f"/invoices/{new['id']}/document")
    for said in ("修正適格請求書", f"修正前の請求書{first['number']}", "11,000円→115円", "単価の誤り"):
        assert said in words, said
    assert "金額を修正した請求書が発行されました" in market.buyer.see("/desk")


def test_the_first_booking_is_reversed_once_and_pointed_at(market):
    first = market.invoice()
    new = amended(market, first, {"quantity": "2 件", "unit_price_jpy": "10000.00"}).json
    entries = {e.cause: e for e in session.query(Entry)}
    booked = entries[f"invoice/{first['id']}/issued"]
    assert entries[f"reversal/{booked.id}"].reverses_id == booked.id
    assert f"invoice/{new['id']}/issued" in entries and len(entries) == 3


def test_what_was_paid_too_much_is_the_payer_s_and_goes_back(market):
    first = market.invoice()
    market.pays(first)
    new = becomes(market, first, 5_000)
    assert (new["state"], new["paid_jpy"], new["due_jpy"]) == ("paid", 5_500, 0)
    assert market.balances() == {"bank": 11_000, "unapplied": 5_500, "deposits": 5_000, "fees": 500}
    (payout,) = market.payouts()
    assert (payout["amount_jpy"], payout["gross_jpy"], payout["fee_jpy"]) == (5_000, 5_500, 500)
    (waiting,) = market.admin.get("/receipts").json["items"]
    assert (waiting["unapplied_jpy"], waiting["reason"]) == (5_500, "corrected")
    assert [a["invoice_id"] for a in waiting["applied"]] == [new["id"]]
    assert waiting["return_by"] == rules.return_by(clock.today()).isoformat()
    assert market.admin.post(f"/receipts/{waiting['id']}/return", {"note": "返金"}).status_code == 200
    again = becomes(market, new, 4_000)  # and once more: free money of one receipt goes back twice
    assert market.admin.post(f"/receipts/{waiting['id']}/return", {"note": "返金"}).status_code == 200
    assert again["paid_jpy"] == 4_400 and market.balances() == {"bank": 4_400, "deposits": 4_000, "fees": 400}


def test_what_was_paid_too_little_is_partly_paid_with_a_new_due_date(market):
    first = market.invoice()
    market.pays(first)
    new = becomes(market, first, 20_000)
    assert (new["state"], new["paid_jpy"], new["due_jpy"]) == ("issued", 11_000, 11_000)
    assert new["due_on"] >= first["due_on"]
    assert "お支払いいただく額11,000円" in words_of(market.buyer, f"/invoices/{new['id']}/document")
    assert market.payouts()[0]["amount_jpy"] == 10_000
    market.pays(first, 11_000, payer="カ)チズ 2")  # by the reference of the paper that was replaced
    assert market.seen(new)["state"] == "paid"
    assert market.balances() == {"bank": 22_000, "deposits": 20_000, "fees": 2_000}


def test_what_was_paid_out_is_carried_to_the_next_payout_once_as_a_line(market):
    first = market.invoice()
    market.pays(first)
    market.set_accounts()
    market.admin.post("/payouts/batch", {})
    new = becomes(market, first, 5_000)
    assert market.balances()["advances"] == 5_000 and [p["amount_jpy"] for p in market.payouts()] == [-5_000, 10_000]
    (line,) = session.query(PayoutLine).filter(PayoutLine.replacement_id == new["id"])
    assert (line.gross_jpy, line.fee_jpy) == (-5_500, -500) and first["number"] in line.words
    assert first["number"] in market.provider.see(f"/desk/payouts/{market.payouts()[0]['id']}")
    market.pays(market.invoice(ONE_OFF | {"price_jpy": 30_000}))
    assert market.payouts()[0]["amount_jpy"] == 25_000 and "advances" not in market.balances()


def test_what_was_credited_stays_taken_off(market):
    first = market.invoice()
    market.pays(first, 6_000)
    market.admin.post(f"/invoices/{first['id']}/refund", {"amount_jpy": 2_200, "reason": "x"})
    assert amended(market, first, {"amount_jpy": 1_999}).status_code == 422
    new = becomes(market, first, 2_000)  # 2,200 with tax: credited as a whole
    assert (new["state"], new["credited_jpy"], new["paid_jpy"]) == ("credited", 2_200, 0)
    assert market.balances() == {"bank": 6_000, "unapplied": 6_000}


def test_a_part_paid_prepaid_contract_opens_when_the_correction_makes_it_paid(market):
    from contracts.models import Contract

    contract_id = market.contract(ONE_OFF | {"payment": "prepaid"})
    (first,) = market.invoices(contract_id=contract_id)
    market.pays(first, 5_500)
    becomes(market, first, 5_000)
    session.remove()
    assert session.get(Contract, contract_id).paid_at is not None


# ---- refusals


def test_only_the_newest_is_corrected(market):
    first = market.invoice()
    second = becomes(market, first, 5_000)
    refusal = amended(market, first, {"amount_jpy": 7})
    assert refusal.status_code == 409 and second["number"] in refusal.json["detail"]
    assert corrected(market, first).status_code == voided(market, first).status_code == 409
    assert market.admin.post(f"/invoices/{first['id']}/refund", {"amount_jpy": 1, "reason": "x"}).status_code == 409
    third = becomes(market, second, 6_000)
    assert third["changed"]["first"]["number"] == first["number"] and third["number"] == "COR-000002"
    words = words_of(market.buyer, f"/invoices/{third['id']}/document")
    assert f"修正前の請求書{second['number']}" in words and f"当初の請求書{first['number']}" in words
    market.admin.post(f"/contracts/{first['contract_id']}/terminate", {"reason": "x"})
    assert voided(market, third).status_code == 200 and market.balances() == {}


def test_amounts_that_stay_or_fall_to_nothing_and_strangers_are_refused(market):
    invoice = market.invoice()
    for line in ({"amount_jpy": 10_000}, {"amount_jpy": 0}, {"amount_jpy": -1}, {"remove": True}, {"quantity": "2 個"}):
        assert amended(market, invoice, line).status_code == 422, line
    for line in (
        {"amount_jpy": "x"},
        {"amount_jpy": 1.5},
        {"unit_price_jpy": "NaN"},
        {"unit_price_jpy": 5},
        {"position": "一"},
    ):
        assert amended(market, invoice, line).status_code == 422, line
    assert amended(market, invoice, {"amount_jpy": 5}, reason=" ").status_code == 422
    assert amended(market, invoice, {"amount_jpy": 5}, {"amount_jpy": 6}).status_code == 422
    assert amended(market, invoice, {"amount_jpy": 5}, who=market.provider).status_code == 403
    assert market.balances() == {"billed": 11_000, "uncollected": 11_000}


def test_fees_and_public_money_are_not_corrected(market):
    month, first, _ = last_month()
    market.contract(MONTHLY, at=first)
    close(market)
    market.world.work()
    (invoice,) = market.invoices(period=month)
    market.pays(invoice)
    with database.transaction():
        from settlement import invoicing

        invoicing.issue_fees(clock.month_of(clock.now()), at=clock.now())
    (fee,) = [i for i in market.invoices(market.provider) if i["kind"] == "fee"]
    assert amended(market, fee, {"amount_jpy": 5}).status_code == 409
    city = market.world.city()
    market.contract(provider=city)
    (sheet,) = city.get("/assessments").json["items"]
    assert amended(market, {"id": sheet["id"]}, {"amount_jpy": 5}).json["type"] == "/problems/public-money"


def test_the_database_keeps_what_was_replaced(market):
    first = market.invoice()
    market.pays(first)
    becomes(market, first, 5_000)
    for statement in (
        "UPDATE invoice SET changed = '{}'",
        "UPDATE invoice SET replaces_id = NULL",
        "UPDATE receipt_application SET released_at = NULL",
        "UPDATE receipt_application SET amount_jpy = 1",
        "DELETE FROM invoice_line WHERE revision = 1",
    ):
        with pytest.raises(exc.DBAPIError), session.begin_nested():
            session.execute(text(statement))


# ---- what follows


def test_the_next_fee_and_the_month_follow_the_correction(market):
    month, first, _ = last_month()
    market.contract(MONTHLY, at=first)
    close(market)
    market.world.work()
    (invoice,) = market.invoices(period=month)
    market.pays(invoice)
    new = becomes(market, invoice, 6_000)
    period = market.admin.get(f"/periods/{month}").json
    assert (period["invoices"], period["total_jpy"]) == (1, 6_600)
    assert new["lines"][0]["contract_id"] == invoice["lines"][0]["contract_id"]
    with database.transaction():
        actions.issue_what_is_due(at=clock.now())
    assert {i["id"] for i in market.invoices(period=month)} == {invoice["id"], new["id"]}
    answer = market.buyer.get("/invoices/export.zip")
    index = zipfile.ZipFile(io.BytesIO(answer.data)).read("index.csv").decode("utf-8-sig")
    rows = {r["番号"]: r for r in csv.DictReader(io.StringIO(index))}
    assert rows[new["number"]]["元の請求書"] == invoice["number"] and rows[invoice["number"]]["状態"] == "replaced"


def test_what_the_paper_says_of_the_parties_goes_over(market):
    first = market.invoice()
    corrected(market, first, purchase_order="PO-7")
    new = becomes(market, first, 5_000)
    assert (new["recipient"]["name"], new["purchase_order"]) == ("地図製作株式会社 東京支社", "PO-7")
    assert new["number"] == "COR-000002" and corrected(market, new, recipient_name="正しい名").status_code == 201


def test_an_accountant_corrects_amounts_on_a_page(market):
    first = market.invoice()
    path = f"/desk/invoices/{first['id']}/amounts"
    assert "1行目" in market.admin.see(path)
    same = market.admin.fill(path, reason="x")
    assert same.status_code == 422 and "金額が変わりません" in same.get_data(as_text=True)
    assert market.admin.fill(path, reason="x", **{"lines.1": "五"}).status_code == 422
    sent = {"lines.1.quantity": "１２．５ GB", "lines.1.unit_price": "４００", "reason": "単価の誤り"}
    assert market.admin.fill(path, **sent).status_code == 303
    old = market.buyer.see(f"/desk/invoices/{first['id']}")
    assert "差し替えられました" in old and "修正済み" in old
    (new,) = [i for i in market.invoices() if i["replaces_id"]]
    assert new["total_jpy"] == 5_500 and new["lines"][0]["quantity"] == "１２．５ GB × 400円"
    page = market.buyer.see(f"/desk/invoices/{new['id']}")
    assert first["number"] in page and "単価の誤り" in page and "11,000円" in page
    assert market.provider.browser.get(path).status_code == 403
