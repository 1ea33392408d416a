"""A seller that issues its own invoices: a statement for it, its PDF for the buyer, and a due date that counts from it."""

import csv
import io
import zipfile
from datetime import timedelta

import pytest
from sqlalchemy import exc, text

from exchange import clock, database
from exchange.database import session
from settlement import actions, queries, rules
from settlement.models import Invoice, RegistrationNotice, SellerInvoice
from tests.settlement.conftest import MONTHLY, last_month
from tests.settlement.test_corrections import voided, words_of
from tests.settlement.test_months import close

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


@pytest.fixture
def own(market):
    """A market whose provider issues its own invoices."""
    told = market.provider.call("PUT", "/registration-notice", {"issues_itself": True})
    assert told.status_code == 200 and told.json["valid_from"]
    return market


def uploads(market, invoice, *, who=None, content=PDF, **said):
    told = {"number": "A-1", "issued_on": str(clock.today()), "total_jpy": invoice["total_jpy"], **said}
    return (who or market.provider).call(
        "PUT",
        f"/invoices/{invoice['id']}/own-invoice",
        query_string=told,
        data=content,
        headers={"Content-Type": "application/pdf"},
    )


def test_the_seller_gets_a_statement_that_says_it_is_no_invoice(own):
    invoice = own.invoice()
    assert (invoice["mode"], invoice["title"], invoice["number"]) == ("self", "請求明細", "STM-000001")
    assert (invoice["state"], invoice["due_on"], invoice["seller_invoice"]) == ("awaited", None, None)
    assert (invoice["total_jpy"], invoice["totals_by_rate"][0]["tax_jpy"]) == (11_000, 1_000)
    words = words_of(own.provider, f"/invoices/{invoice['id']}/document")
    for said in (
        "本書は請求書でも適格請求書でもありません",
        "株式会社みなとデータ御中",
        "地図製作株式会社",
        "11,000円",
    ):
        assert said in words, said
    assert own.balances() == {"billed": 11_000, "uncollected": 11_000}
    assert "請求書を発行してください" in own.provider.see("/desk")
    assert "請求書が発行されました" not in own.buyer.see("/desk")
    page = own.buyer.see(f"/desk/invoices/{invoice['id']}")
    assert "提供者の請求書をお待ちください" in page and "税理士" not in page and "お振込先" not in page
    assert own.buyer.get(f"/invoices/{invoice['id']}/own-invoice").status_code == 404


def test_the_upload_reaches_the_buyer_and_sets_the_due_date(own):
    invoice = own.invoice()
    answer = uploads(own, invoice)
    assert answer.status_code == 200, answer.json
    assert answer.json["state"] == "issued" and answer.json["due_on"] > str(clock.today())
    assert answer.json["seller_invoice"]["number"] == "A-1"
    assert own.buyer.get(f"/invoices/{invoice['id']}/own-invoice").data == PDF
    assert "請求書が届きました" in own.buyer.see("/desk")
    page = own.buyer.see(f"/desk/invoices/{invoice['id']}")
    assert "A-1" in page and "お振込先" in page
    assert own.buyer.browser.get(f"/desk/invoices/{invoice['id']}/own.pdf").data == PDF
    stranger = own.world.organization("無関係")
    assert stranger.get(f"/invoices/{invoice['id']}/own-invoice").status_code == 404
    assert stranger.browser.get(f"/desk/invoices/{invoice['id']}/own").status_code == 404
    own.pays(invoice)
    assert own.seen(invoice)["state"] == "paid"
    assert own.balances() == {"bank": 11_000, "deposits": 10_000, "fees": 1_000}


def test_what_does_not_agree_is_refused_with_both_sums(own):
    invoice, other = own.invoice(), own.invoice()
    refusal = uploads(own, invoice, total_jpy=10_999)
    words = refusal.json["errors"]["total_jpy"][0]
    assert refusal.status_code == 422 and "10,999円" in words and "11,000円" in words
    refused = {
        "number": [{"number": " "}, {"number": "x" * 51}],
        "issued_on": [
            {"issued_on": str(clock.today() + timedelta(days=1))},
            {"issued_on": str(clock.today() - timedelta(days=1))},
        ],
        "file": [{"content": b"x"}, {"content": b"%PDF-1.7 cut"}, {"content": PDF + b" " * 10_000_000 + b"%%EOF"}],
    }
    for field, cases in refused.items():
        for case in cases:
            answer = uploads(own, invoice, **case)
            assert answer.status_code == 422 and field in answer.json["errors"], (case.keys(), answer.json)
    assert uploads(own, invoice, content=PDF + b" " * 11_000_000).status_code == 413
    assert uploads(own, other).status_code == 200
    assert "number" in uploads(own, invoice).json["errors"]  # A-1 is taken by another of the seller's
    assert own.seen(invoice)["due_on"] is None


def test_only_the_seller_uploads_and_only_for_a_statement(own):
    invoice = own.invoice()
    assert uploads(own, invoice, who=own.buyer).status_code == 403
    assert uploads(own, invoice, who=own.admin).status_code == 403
    assert uploads(own, invoice, who=own.world.colleague(own.provider, "viewer")).status_code == 403
    elsewhere = own.invoice(provider=own.world.organization("任せる会社"))
    assert uploads(own, elsewhere, who=own.world.organization("無関係")).status_code == 404
    own.admin.post(f"/contracts/{invoice['contract_id']}/terminate", {"reason": "x"})
    assert voided(own, invoice).status_code == 200
    assert uploads(own, invoice).status_code == 409


def test_a_wrong_file_is_uploaded_again_and_none_is_lost(own):
    invoice = own.invoice()
    due = uploads(own, invoice).json["due_on"]
    second = uploads(own, invoice, content=PDF + b"%%EOF", number="A-1")
    assert second.status_code == 200 and second.json["due_on"] == due
    assert uploads(own, invoice, number="A-2").json["seller_invoice"]["number"] == "A-2"
    assert uploads(own, own.invoice(), number="A-1").status_code == 422  # once used, used for good
    page = own.buyer.see(f"/desk/invoices/{invoice['id']}")
    assert "差し替え前の請求書" in page and page.count("?version=") == 2
    first = session.query(SellerInvoice).order_by(SellerInvoice.id).first()
    assert own.buyer.browser.get(f"/desk/invoices/{invoice['id']}/own.pdf?version={first.id}").data == PDF
    for statement in (
        "UPDATE seller_invoice SET number = 'x'",
        "UPDATE seller_invoice SET superseded_at = NULL",
        "UPDATE invoice SET due_on = due_on + 1",
        "TRUNCATE seller_invoice",
    ):
        with pytest.raises(exc.DBAPIError), session.begin_nested():
            session.execute(text(statement))
    answer = own.buyer.get("/invoices/export.zip")
    packed = zipfile.ZipFile(io.BytesIO(answer.data))
    rows = list(csv.DictReader(io.StringIO(packed.read("index.csv").decode("utf-8-sig"))))
    assert [r["番号"] for r in rows if r["種類"] == "請求書(提供者が発行)"] == ["A-1", "A-1", "A-2"]


def test_the_seller_is_reminded_once_after_a_week_and_the_buyer_never_owes_before(own):
    month, first, _ = last_month()
    with database.transaction():
        session.query(RegistrationNotice).update({"given_at": first, "valid_from": first})
    own.contract(MONTHLY, at=first + timedelta(hours=1))
    close(own)
    own.world.work()
    (invoice,) = own.invoices(period=month)
    assert invoice["state"] == "awaited" and len(own.invoices(state="awaited")) == 1
    assert own.invoices(state="issued") == own.invoices(state="overdue") == []
    at = clock.now()
    for days, told in ((6, 0), (rules.UPLOAD_WITHIN_DAYS, 1), (8, 0), (60, 0)):
        with database.transaction():
            assert actions.remind_of_own_invoices(at=at + timedelta(days=days)) == told
            assert actions.remind(at=at + timedelta(days=days)) == 0
    page = own.provider.see("/desk")
    assert "請求書のアップロードをお待ちしています" in page and "発行する請求書があります" in page
    (row,) = queries.ageing(on=clock.today())
    assert (row.total_jpy, row.buckets[0], row.oldest_due_on) == (13_200, 13_200, None)
    assert "13,200円" in own.admin.see("/desk/ledger/ageing")
    assert uploads(own, invoice).status_code == 200
    with database.transaction():
        assert actions.remind(at=at + timedelta(days=60)) == 1


def test_a_corrected_statement_waits_for_a_new_invoice(own):
    invoice = own.invoice()
    uploads(own, invoice)
    own.pays(invoice, 5_000)
    body = {"lines": [{"position": 1, "amount_jpy": 9_000}], "reason": "単価の誤り"}
    new = own.admin.post(f"/invoices/{invoice['id']}/amounts", body).json
    assert (new["title"], new["number"], new["state"]) == ("修正請求明細", "STM-000002", "awaited")
    assert uploads(own, invoice, number="A-2").status_code == 409
    assert uploads(own, new, number="A-2").json["due_jpy"] == 4_900
    party = own.admin.post(f"/invoices/{new['id']}/corrections", {"recipient_name": "別の名", "reason": "x"})
    assert party.status_code == 409


def test_a_seller_says_from_which_day_and_takes_it_back(market):
    later = clock.today() + timedelta(days=10)
    for day in (clock.today() - timedelta(days=1), clock.today() + timedelta(days=366)):
        assert market.provider.call("PUT", "/registration-notice", {"valid_from": str(day)}).status_code == 422
    market.provider.call("PUT", "/registration-notice", {"issues_itself": True})
    assert market.provider.call("PUT", "/registration-notice", {"valid_from": str(later)}).status_code == 200
    assert market.invoice()["mode"] == "self"  # what was told before holds until then
    page = market.provider.see("/desk/invoices/issuing")
    assert "から始まる取引" in page and "提供者が自ら交付" in page
    assert market.provider.call("DELETE", "/registration-notice").status_code == 204
    assert market.invoice()["mode"] == "proxy"  # all of it ends at once


def test_a_seller_uploads_on_a_page(own):
    invoice = own.invoice()
    path = f"/desk/invoices/{invoice['id']}/own"
    assert "11,000円" in own.provider.see(path)
    said = {"number": "A-9", "issued_on": str(clock.today()), "total_jpy": "１１，０００円"}
    assert own.provider.fill(path, **said).status_code == 422
    wrong = own.provider.fill(path, file=(io.BytesIO(PDF), "a.pdf"), **{**said, "total_jpy": "1"})
    assert wrong.status_code == 422 and "一致しません" in wrong.get_data(as_text=True)
    assert own.provider.fill(path, file=(io.BytesIO(PDF), "a.pdf"), **said).status_code == 303
    assert own.seen(invoice)["seller_invoice"]["number"] == "A-9"
    assert own.buyer.browser.get(path).status_code == 404
    assert session.query(Invoice).one().due_on
