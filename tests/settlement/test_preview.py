"""The running month as it will be invoiced, for both sides, and the invoices it becomes if nothing more happens."""

from datetime import timedelta

from exchange import clock, database
from settlement import queries
from tests.settlement.conftest import MONTHLY, last_month
from tests.settlement.test_late_usage import METERED, counts, months, uses
from tests.settlement.test_months import close

SHARE = {"model": "revenue_share", "share_percent": "7.5", "minimum_jpy": 1_000}


def test_the_preview_of_a_month_is_what_its_invoices_say(market):
    (earlier, before), (month, first) = months()
    city, other = market.world.city(), market.world.organization("もう一つの提供者", registered=False)
    late = market.contract(METERED, at=before)
    grant_id = uses(market, late, earlier, before, 2)
    close(market, earlier)
    market.world.work()
    counts(grant_id, 5)
    made = [
        market.contract(MONTHLY, at=first.replace(day=11), purchase_order="PO-1"),
        market.contract(SHARE, at=first, provider=other),
        market.contract(METERED | {"included_units": 1, "cap_jpy": 2_500}, at=first),
        market.contract(MONTHLY, at=first, provider=city),
    ]
    uses(market, made[2], month, first, 9)
    last_moment = clock.month_bounds(month)[1] - timedelta(seconds=1)
    with database.transaction():
        owed = queries.previews(market.buyer.member, at=last_moment)
        due = queries.previews(market.provider.member, at=last_moment)
    close(market, month)
    market.world.work()

    def shown(papers):
        return sorted((p["total_jpy"], sorted(line["amount_jpy"] for line in p["lines"])) for p in papers)

    def seen(previews):
        return sorted((p.total_jpy, sorted(line.amount_jpy for line in p.lines)) for p in previews)

    sheets = market.buyer.get(f"/assessments?period={month}").json["items"]
    assert len(owed) == 4 and seen(owed) == shown([*market.invoices(period=month), *sheets])
    mine = [i for i in market.invoices(market.provider, period=month) if i["kind"] == "sale"]
    assert len(due) == 2 and seen(due) == shown(mine)


def test_both_sides_see_what_is_to_come(market):
    market.contract(MONTHLY, at=last_month()[1])
    (owed,) = market.buyer.get("/invoices/preview").json["items"]
    assert (owed["provider"], owed["total_jpy"], owed["title"]) == ("株式会社みなとデータ", 13_200, "適格請求書")
    assert market.provider.get("/invoices/preview").json["items"] == [owed]
    assert "13,200円" in market.buyer.see("/desk/invoices/preview")
    assert "手数料" in market.provider.see("/desk/invoices/preview")
    assert market.world.organization("無関係").get("/invoices/preview").json["items"] == []


def reports(who, contract_id, month, sales_jpy):
    return who.post(f"/contracts/{contract_id}/sales-reports", {"month": month, "sales_jpy": sales_jpy})


def test_a_share_is_charged_on_what_the_buyer_reports_and_its_minimum_without(market):
    month, first, _ = last_month()
    told, silent = market.contract(SHARE, at=first), market.contract(SHARE, at=first)
    assert reports(market.buyer, told, month, 1_000_000).status_code == 201
    assert reports(market.buyer, told, month, 2_000_000).status_code == 201  # the newest counts
    close(market)
    market.world.work()
    (invoice,) = market.invoices(period=month)
    amounts = {line["contract_id"]: (line["amount_jpy"], line["quantity"]) for line in invoice["lines"]}
    assert amounts[told] == (150_000, "売上 2,000,000円") and amounts[silent][0] == 1_000


def test_what_is_reported_after_the_close_is_charged_with_the_next_month(market):
    (earlier, first), (later, _) = months()
    contract_id = market.contract(SHARE, at=first)
    for month in (earlier, later):
        close(market, month)
        market.world.work()
        if month == earlier:
            assert reports(market.buyer, contract_id, earlier, 100_000).status_code == 201
    (invoice,) = market.invoices(period=later)
    assert [line["amount_jpy"] for line in invoice["lines"]] == [1_000, 6_500]
    assert invoice["lines"][1]["month"] == earlier


def test_sales_are_reported_by_the_buyer_for_months_that_can_be(market):
    month, first, _ = last_month()
    contract_id, other = market.contract(SHARE, at=first), market.contract(MONTHLY, at=first)
    assert reports(market.provider, contract_id, month, 1).status_code == 403
    assert reports(market.world.organization("無関係"), contract_id, month, 1).status_code == 404
    assert reports(market.buyer, other, month, 1).status_code == 409
    for wrong in ("2999-01", "2020-01"):
        assert list(reports(market.buyer, contract_id, wrong, 1).json["errors"]) == ["month"]
    assert reports(market.buyer, contract_id, month, -1).status_code == 422
    path = f"/desk/contracts/{contract_id}/sales"
    assert market.buyer.fill(path, month=month, sales_jpy="千円").status_code == 422
    assert market.buyer.fill(path, month=month, sales_jpy="１，０００").status_code == 303
    assert "1,000円" in market.provider.see(path) and "報告する</button>" not in market.provider.see(path)
    assert [r["sales_jpy"] for r in market.buyer.get(f"/contracts/{contract_id}/sales-reports").json["items"]] == [
        1_000
    ]


def test_the_page_of_sales_says_what_they_cost_and_asks_for_the_month_that_lacks_a_report(market):
    month, first, _ = last_month()
    city = market.world.city()
    contract_id, flat = market.contract(SHARE, at=first, provider=city), market.contract(MONTHLY, at=first)
    path = f"/desk/contracts/{contract_id}/sales"
    page = market.buyer.see(path)
    words = f"{month[:4]}年{int(month[5:])}月"
    assert f'<option selected value="{month}">{words}</option>' in page and "2020" not in page
    for sales in ("1,000", "2,000,000"):
        market.buyer.fill(path, month=month, sales_jpy=sales)
    for reader, said in ((market.buyer, "翌月以降の請求で調整"), (city, "調定用明細に記載")):
        page = reader.see(path)
        assert "150,000円" in page and "報告し直し済み" in page and said in page
    assert market.buyer.browser.get(f"/desk/contracts/{flat}/sales").status_code == 404
    viewer = market.world.colleague(market.buyer, "viewer")
    assert "報告する</button>" not in viewer.see(path)
