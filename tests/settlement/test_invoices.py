"""A charge is invoiced once, by the right issuer, with every field the law asks for."""

import io
import threading

import pypdf
import pytest
from sqlalchemy import exc, text

from exchange import clock, database
from exchange.database import session
from settlement import actions
from tests.settlement.conftest import ONE_OFF, jst


def test_a_one_off_price_is_invoiced_when_someone_looks(market):
    invoice = market.invoice()
    today = clock.today()
    assert invoice["number"] == "INV-000001"
    assert (invoice["title"], invoice["state"]) == ("適格請求書", "issued")
    assert (invoice["total_jpy"], invoice["paid_jpy"], invoice["due_jpy"]) == (11_000, 0, 11_000)
    assert invoice["totals_by_rate"] == [{"rate_percent": 10, "taxable_jpy": 10_000, "tax_jpy": 1_000}]
    assert invoice["issuer"]["name"] == "株式会社みなとデータ" and invoice["issuer"]["registration_number"].startswith(
        "T"
    )
    assert invoice["recipient"]["name"] == "地図製作株式会社"
    assert invoice["period"] == f"{today:%Y-%m}" and invoice["issued_on"] == today.isoformat()
    assert invoice["lines"][0]["amount_jpy"] == 10_000 and "地区別人口" in invoice["lines"][0]["description"]


def test_the_clock_the_close_and_a_reader_make_one_invoice(market):
    market.contract()
    market.world.tick("issue-invoices")
    market.world.tick("issue-invoices")
    assert len(market.invoices()) == len(market.invoices()) == 1


def test_eight_readers_at_once_see_the_same_invoice(market):
    market.contract()
    token, answers = market.buyer.token, []

    def look():
        client = market.world.app.test_client()
        answers.append(client.get("/api/v1/invoices", headers={"Authorization": f"Bearer {token}"}))

    readers = [threading.Thread(target=look) for _ in range(8)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert {a.status_code for a in answers} == {200}
    assert len({a.json["items"][0]["id"] for a in answers}) == 1 and len(market.invoices()) == 1


def test_a_contract_ended_at_once_is_still_invoiced(market):
    at = clock.now()
    market.contract(at=at, ended_at=at)
    assert len(market.invoices()) == 1


def test_numbers_are_consecutive_for_each_issuer(market):
    other = market.world.organization("別の提供者")
    for _ in range(3):
        market.contract()
    market.contract(provider=other)
    numbers = {}
    for invoice in market.invoices():
        numbers.setdefault(invoice["issuer"]["name"], []).append(invoice["number"])
    assert sorted(numbers["株式会社みなとデータ"]) == ["INV-000001", "INV-000002", "INV-000003"]
    assert numbers["別の提供者"] == ["INV-000001"]
    assert len({i["payment_reference"] for i in market.invoices()}) == 4


def test_an_issuer_without_a_registration_number_issues_a_plain_invoice(market):
    unregistered = market.world.organization("未登録の提供者", registered=False)
    invoice = market.invoice(provider=unregistered)
    assert invoice["title"] == "請求書" and invoice["issuer"]["registration_number"] is None


def test_free_and_municipal_contracts_are_never_invoiced(market):
    city = market.world.city()
    market.contract({"model": "free"})
    market.contract(ONE_OFF | {"price_jpy": 0})
    market.contract(provider=city)
    assert market.invoices() == [] and market.invoices(city) == []


def test_only_the_parties_and_the_accountants_see_an_invoice(market):
    invoice = market.invoice()
    stranger = market.world.organization("無関係")
    path = f"/invoices/{invoice['id']}"
    assert [who.get(path).status_code for who in (market.buyer, market.provider, market.admin)] == [200] * 3
    assert stranger.get(path).status_code == 404 and stranger.get(path + "/document").status_code == 404
    assert market.invoices(stranger) == []


def test_invoices_are_found_by_date_amount_and_partner_together(market):
    first, second = market.invoice(), market.invoice(ONE_OFF | {"price_jpy": 50_000})
    today = clock.today().isoformat()
    search = {"from": today, "to": today, "min": 20_000, "max": 60_000, "partner": "みなと"}
    assert [i["id"] for i in market.invoices(**search)] == [second["id"]]
    assert [i["id"] for i in market.invoices(min=1, max=20_000)] == [first["id"]]
    assert market.invoices(partner="存在しない%") == [] and market.invoices(state="paid") == []
    assert market.buyer.get("/invoices?min=5&max=1").status_code == 422


def test_the_document_is_one_pdf_forever(market):
    invoice = market.invoice()
    market.world.work()
    answers = [market.buyer.get(f"/invoices/{invoice['id']}/document") for _ in range(2)]
    assert answers[0].mimetype == "application/pdf" and answers[0].data == answers[1].data
    assert market.seen(invoice)["document"]["sha256"]
    words = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(answers[0].data)).pages)
    for said in (
        "適格請求書",
        "INV-000001",
        "株式会社みなとデータ",
        "地図製作株式会社",
        "11,000円",
        "1,000円",
        invoice["payment_reference"],
    ):
        assert said in words.replace(" ", ""), said


@pytest.mark.parametrize(
    "deed",
    [
        "UPDATE invoice SET total_jpy = total_jpy + 1, taxable_jpy = taxable_jpy + 1",
        "UPDATE invoice SET due_on = due_on + 1",
        "UPDATE invoice SET issuer = '{}'",
        "DELETE FROM invoice",
        "UPDATE invoice_line SET amount_jpy = 1",
        "UPDATE invoice SET paid_jpy = total_jpy + 1",
        "UPDATE invoice SET state = 'gone'",
    ],
)
def test_what_was_issued_does_not_change(market, deed):
    market.invoice()
    with pytest.raises(exc.DBAPIError), session.begin_nested():
        session.execute(text(deed))


def test_an_unpaid_invoice_is_overdue_the_day_after_its_due_date(market):
    at = jst(2026, 1, 10)
    market.contract(at=at)
    with database.transaction():
        actions.issue_what_is_due(at=at)
    (invoice,) = market.invoices()
    assert (invoice["due_on"], invoice["state"]) == ("2026-02-09", "overdue")
    assert [i["id"] for i in market.invoices(state="overdue")] == [invoice["id"]] and market.invoices(
        state="issued"
    ) == []


def test_the_buyer_is_told_of_a_new_invoice(market):
    invoice = market.invoice()
    assert "請求書が発行されました" in market.buyer.see("/desk")
    assert invoice["number"] in market.buyer.see("/desk/invoices")
