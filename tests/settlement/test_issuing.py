"""Who issues the invoice of a sale, by rule and date; what its buyer is told, and where."""

import io
from dataclasses import dataclass
from datetime import date, timedelta

import pypdf
import pytest

from exchange import clock, database
from exchange.database import session
from settlement import issuing
from tests.settlement.conftest import MONTHLY, jst, last_month
from tests.settlement.test_months import close

OWN, OPERATOR = "T1234567890123", "T9999999999999"


@dataclass
class Seller:
    registration_number: str | None = OWN
    registration_valid_from: date | None = None
    registration_valid_until: date | None = None


@dataclass
class Notice:
    registration_number: str | None = OWN
    issues_itself: bool = False
    given_at: object = jst(2026, 9, 1)
    withdrawn_at: object = None
    starts: object = None

    @property
    def valid_from(self):
        return self.starts or self.given_at


@pytest.mark.parametrize(
    ("seller", "notices", "operator", "mode", "number"),
    [
        (Seller(), [Notice()], OPERATOR, "intermediary", OPERATOR),
        (Seller(), [], OPERATOR, "proxy", OWN),  # no notice
        (Seller(), [Notice(given_at=jst(2026, 10, 2))], OPERATOR, "proxy", OWN),  # told after the trade began
        (Seller(), [Notice(given_at=jst(2026, 10, 1))], OPERATOR, "proxy", OWN),  # told at that moment is not before
        (Seller(), [Notice(withdrawn_at=jst(2026, 9, 2))], OPERATOR, "proxy", OWN),
        (Seller(), [Notice(withdrawn_at=jst(2026, 10, 2))], OPERATOR, "intermediary", OPERATOR),
        (Seller(), [Notice(registration_number="T0")], OPERATOR, "proxy", OWN),  # told another number
        (Seller(), [Notice()], None, "proxy", OWN),  # the exchange is not registered
        (Seller(), [Notice(issues_itself=True)], OPERATOR, "self", None),
        (Seller(), [Notice(issues_itself=True, starts=jst(2026, 10, 2))], OPERATOR, "proxy", OWN),  # not yet in force
        (
            Seller(),
            [Notice(withdrawn_at=jst(2026, 10, 2)), Notice(issues_itself=True, starts=jst(2026, 10, 2))],
            OPERATOR,
            "intermediary",
            OPERATOR,
        ),
        (Seller(None), [Notice()], OPERATOR, "plain", None),
        (Seller(registration_valid_until=date(2026, 10, 30)), [Notice()], OPERATOR, "plain", None),
        (Seller(registration_valid_until=date(2026, 10, 31)), [], OPERATOR, "proxy", OWN),
        (Seller(registration_valid_from=date(2026, 11, 1)), [], OPERATOR, "plain", None),
    ],
)
def test_who_issues(seller, notices, operator, mode, number):
    days = {"begun_at": jst(2026, 10, 1, 12), "supplied_until": date(2026, 10, 31)}
    found = issuing.decide(seller, notices, operator_number=operator, **days)
    assert (found.mode, found.registration_number) == (mode, number)
    assert found.title == ("請求明細" if mode == "self" else "適格請求書" if number else "請求書")


@pytest.mark.parametrize(
    ("on", "percent"),
    [
        (date(2026, 9, 30), 80),
        (date(2026, 10, 1), 70),
        (date(2028, 9, 30), 70),
        (date(2028, 10, 1), 50),
        (date(2030, 10, 1), 30),
        (date(2031, 9, 30), 30),
        (date(2031, 10, 1), 0),
    ],
)
def test_what_the_buyer_of_an_unregistered_seller_may_deduct(on, percent):
    assert issuing.deductible_percent(on) == percent


@pytest.fixture
def registered(market):
    """A market whose operator is registered, and whose provider has told its number."""
    assert market.admin.member.is_operator
    market.settings(operator_registration_number=OPERATOR, operator_name="仲立ち運営株式会社")
    told = market.provider.call("PUT", "/registration-notice", {})
    assert told.status_code == 200 and told.json["registration_number"].startswith("T")
    return market


def words_of(who, path):
    pages = pypdf.PdfReader(io.BytesIO(who.get(path).data)).pages
    return "".join(page.extract_text() for page in pages).replace(" ", "")


def test_the_exchange_issues_in_its_own_name_and_gives_the_seller_its_copy(registered):
    invoice = registered.invoice()
    assert (invoice["mode"], invoice["title"], invoice["number"]) == ("intermediary", "適格請求書", "MED-000001")
    assert invoice["issuer"]["registration_number"] == OPERATOR and invoice["issuer"]["name"] == "仲立ち運営株式会社"
    assert invoice["seller"]["name"] == "株式会社みなとデータ"
    words = words_of(registered.buyer, f"/invoices/{invoice['id']}/document")
    for said in (OPERATOR, "媒介者交付特例", "提供者(売手)株式会社みなとデータ"):
        assert said in words, said
    assert invoice["seller"]["registration_number"] not in words
    assert "適格請求書の写しをお届けします" in registered.provider.see("/desk")
    registered.pays(invoice)
    assert registered.payouts()[0]["amount_jpy"] == 10_000
    note = registered.admin.post(f"/invoices/{invoice['id']}/refund", {"amount_jpy": 11_000, "reason": "x"}).json
    assert note["number"] == "MRT-000001" and note["title"] == "適格返還請求書"
    assert [i["id"] for i in registered.invoices(partner="みなとデータ")] == [invoice["id"]]


def test_sellers_who_told_nothing_or_are_not_registered_stand_on_papers_of_their_own(registered):
    told_nothing = registered.world.organization("通知のない会社")
    unregistered = registered.world.organization("未登録の会社", registered=False)
    month, first, _ = last_month()
    for provider in (registered.provider, told_nothing, unregistered):
        registered.contract(MONTHLY, at=first, provider=provider)
    close(registered)
    registered.world.work()
    found = {i["seller"]["name"]: (i["mode"], i["title"]) for i in registered.invoices(period=month)}
    assert found == {
        "株式会社みなとデータ": ("proxy", "適格請求書"),  # the notice came after these trades began
        "通知のない会社": ("proxy", "適格請求書"),
        "未登録の会社": ("plain", "請求書"),
    }


def test_a_paper_that_is_no_qualified_invoice_says_so_and_the_help_stands_on_the_page_alone(market):
    unregistered = market.world.organization("未登録の会社", registered=False)
    invoice = market.invoice(provider=unregistered)
    words = words_of(market.buyer, f"/invoices/{invoice['id']}/document")
    assert "適格請求書ではありません" in words and "登録番号" not in words and "控除" not in words
    page = market.buyer.see(f"/desk/invoices/{invoice['id']}")
    percent = issuing.deductible_percent(clock.today())
    assert f"{percent} パーセント" in page and "税理士" in page
    assert "税理士" not in unregistered.see(f"/desk/invoices/{invoice['id']}")


def test_a_number_cancelled_between_trade_and_invoice_was_in_force_for_the_trade(market):
    month, first, since = last_month()
    market.contract(MONTHLY, at=first)
    other = market.world.organization("月の途中で取りやめた会社")
    market.contract(MONTHLY, at=first, provider=other)
    with database.transaction():
        market.provider.member.organization.registration_valid_until = since.date() - timedelta(days=1)
        other.member.organization.registration_valid_until = since.date() - timedelta(days=2)
    close(market)
    market.world.work()
    titles = {i["issuer"]["name"]: i["title"] for i in market.invoices(period=month)}
    assert titles == {"株式会社みなとデータ": "適格請求書", "月の途中で取りやめた会社": "請求書"}


def test_a_notice_is_given_and_withdrawn_on_its_page(market):
    path = "/desk/invoices/issuing"
    assert "まだ通知していません" in market.provider.see(path)
    assert market.provider.fill(path).status_code == 303
    assert "に通知済み" in market.provider.see(path)
    assert market.provider.fill(path, path + "/withdraw").status_code == 303
    assert market.provider.call("DELETE", "/registration-notice").status_code == 409
    unregistered = market.world.organization("未登録の会社", registered=False)
    assert unregistered.call("PUT", "/registration-notice", {}).status_code == 422
    assert "有効な登録番号がありません" in unregistered.see(path)
    assert market.world.city().call("PUT", "/registration-notice", {}).status_code == 409
    assert market.admin.browser.get(path).status_code == 403
    viewer = market.world.colleague(market.provider, "viewer")
    assert viewer.call("PUT", "/registration-notice", {}).status_code == 403
    session.rollback()
