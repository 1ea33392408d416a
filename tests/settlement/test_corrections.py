"""What was wrong on a paper is mended by another that points at it; what was never delivered can be taken back."""

import io
import zipfile
from csv import DictReader

import pypdf
import pytest
from sqlalchemy import exc, text

from delivery.models import Grant
from exchange import clock, database
from exchange.database import session
from settlement import rules
from tests.settlement.conftest import last_month
from tests.settlement.test_late_usage import uses
from tests.settlement.test_months import close


def corrected(market, invoice, **changes):
    body = {"recipient_name": "地図製作株式会社 東京支社", "reason": "宛名の誤り", **changes}
    return market.admin.post(f"/invoices/{invoice['id']}/corrections", body)


def words_of(who, path):
    pages = pypdf.PdfReader(io.BytesIO(who.get(path).data)).pages
    return "".join(page.extract_text() for page in pages).replace(" ", "")


@pytest.mark.parametrize("is_paid", [False, True])
def test_a_corrected_invoice_points_at_the_first_paid_or_not(market, is_paid):
    invoice = market.invoice()
    if is_paid:
        market.pays(invoice)
    before = market.balances()
    made = corrected(market, invoice, purchase_order="PO-7")
    assert made.status_code == 201 and (made.json["number"], made.json["title"]) == ("COR-000001", "修正適格請求書")
    words = words_of(market.buyer, f"/invoices/{invoice['id']}/corrections/{made.json['id']}/document")
    for said in (invoice["number"], "地図製作株式会社東京支社", "PO-7", "宛名の誤り", "11,000円", "1,000円"):
        assert said in words, said
    seen = market.seen(invoice)
    assert [c["number"] for c in seen["corrections"]] == ["COR-000001"]
    assert (seen["total_jpy"], seen["recipient"]["name"]) == (11_000, "地図製作株式会社")  # the first stays as it was
    assert market.balances() == before
    assert "修正した請求書が発行されました" in market.buyer.see("/desk")


def test_a_correction_takes_the_number_that_the_register_has_for_the_day(market):
    seller = market.world.organization("登録の記載が漏れた会社", registered=False)
    invoice = market.invoice(provider=seller)
    with database.transaction():
        seller.member.organization.registration_number = "T1234567890123"
    made = corrected(market, invoice, registration_number="on-file").json
    assert made["title"] == "修正適格請求書" and made["changed"]["registration_number"] == [None, "T1234567890123"]


def test_what_corrects_nothing_is_refused(market):
    invoice = market.invoice()
    assert corrected(market, invoice, recipient_name="地図製作株式会社").status_code == 422
    assert corrected(market, invoice, reason=" ").status_code == 422
    assert corrected(market, invoice, recipient_name=" ").status_code == 422
    assert market.provider.post(f"/invoices/{invoice['id']}/corrections", {"reason": "x"}).status_code == 403
    with pytest.raises(exc.DBAPIError), session.begin_nested():
        corrected(market, invoice)
        session.execute(text("UPDATE invoice_correction SET reason = 'x'"))


def test_an_accountant_corrects_on_a_page(market):
    invoice = market.invoice()
    path = f"/desk/invoices/{invoice['id']}"
    same = market.admin.fill(path + "/correct", recipient_name="地図製作株式会社", reason="x")
    assert same.status_code == 422
    assert market.admin.fill(path + "/correct", recipient_name="正しい名前", reason="宛名").status_code == 303
    page = market.buyer.see(path)
    assert "COR-000001" in page and "修正した請求書" in page


def voided(market, invoice):
    return market.admin.post(f"/invoices/{invoice['id']}/void", {"reason": "申込みの取消し"})


def ends(market, invoice):
    deed = market.admin.post(f"/contracts/{invoice['contract_id']}/terminate", {"reason": "申込みの取消し"})
    assert deed.status_code == 200, deed.json


def test_an_invoice_is_taken_back_before_anything_was_delivered(market):
    invoice = market.invoice()
    refusal = voided(market, invoice)
    assert refusal.status_code == 409 and "契約が有効な間" in refusal.json["detail"]
    ends(market, invoice)
    gone = voided(market, invoice)
    assert gone.status_code == 200 and (gone.json["state"], gone.json["due_jpy"]) == ("void", 0)
    assert market.balances() == {}
    assert voided(market, invoice).status_code == 409 and corrected(market, invoice).status_code == 409
    assert len(market.invoices()) == 1  # its charge is not invoiced again


def test_what_was_delivered_or_paid_is_not_taken_back(market):
    delivered, paid = market.invoice(), market.invoice()
    uses(market, delivered["contract_id"], clock.month_of(clock.now()), clock.now(), 1)
    market.pays(paid, amount=1)
    for invoice in (delivered, paid):
        ends(market, invoice)
        assert voided(market, invoice).status_code == 409
    assert session.query(Grant).count() == 1
    page = market.admin.fill(f"/desk/invoices/{delivered['id']}/void", reason="x")
    assert page.status_code == 422 and "引き渡した後" in page.get_data(as_text=True)


def test_papers_are_exported_with_an_index(market):
    first, second = market.invoice(), market.invoice({"model": "one_off", "price_jpy": 50_000})
    corrected(market, first)
    market.pays(first)
    market.admin.post(f"/invoices/{first['id']}/refund", {"amount_jpy": 1_100, "reason": "x"})
    answer = market.buyer.get(f"/invoices/export.zip?from={clock.today()}&to={clock.today()}&max=20000&partner=みなと")
    packed = zipfile.ZipFile(io.BytesIO(answer.data))
    rows = list(DictReader(io.StringIO(packed.read("index.csv").decode("utf-8-sig"))))
    assert [(r["番号"], r["金額(税込)"], r["元の請求書"]) for r in rows] == [
        (first["number"], "11000", ""),
        ("RTN-000001", "-1100", first["number"]),
        ("COR-000001", "11000", first["number"]),
    ]
    assert all(packed.read(r["ファイル"]).startswith(b"%PDF") for r in rows) and len(packed.namelist()) == 4
    assert market.buyer.browser.get("/desk/invoices/export.zip?min=50000").data.startswith(b"PK")
    stranger = market.world.organization("無関係")
    empty = zipfile.ZipFile(io.BytesIO(stranger.get("/invoices/export.zip").data))
    assert empty.namelist() == ["index.csv"]
    assert second["kept_until"] == rules.kept_until(clock.today(), years=10, fiscal_year_end_month=3).isoformat()


def test_no_statement_empties_the_papers(market):
    market.invoice()
    for table in ("invoice", "invoice_line", "credit_note", "invoice_correction", "assessment", "sales_report"):
        with pytest.raises(exc.DBAPIError), session.begin_nested():
            session.execute(text(f"TRUNCATE {table} CASCADE"))


def test_one_invoice_a_month_between_the_same_two_rounds_its_tax_once(market):
    """Three lines of 105 yen at 10 %: 31, where a tax on each line would make 30."""
    month, first, _ = last_month()
    price = {"model": "subscription", "price_jpy": 105, "interval": "month"}
    ids = {market.contract(price, at=first) for _ in range(3)}
    ordered = market.contract(price, at=first, purchase_order="PO-1")
    close(market)
    market.world.work()
    invoices = {i["purchase_order"]: i for i in market.invoices(period=month)}
    assert set(invoices) == {None, "PO-1"} and invoices["PO-1"]["contract_id"] == ordered
    together = invoices[None]
    assert {line["contract_id"] for line in together["lines"]} == ids and together["contract_id"] is None
    assert together["totals_by_rate"] == [{"rate_percent": 10, "taxable_jpy": 315, "tax_jpy": 31}]
    assert [i["id"] for i in market.invoices(contract_id=min(ids))] == [together["id"]]
