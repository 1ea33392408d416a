"""The pages of contracts, without scripts: what each says, and that forms do what they say."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.contracts.conftest import PATHS, at_state, offered, publish
from tests.world import Person, World

Act = Callable[..., Any]


def text_of(answer: Any) -> str:
    return str(answer.get_data(as_text=True))


@pytest.mark.parametrize("path", ["/contract-templates", "/contract-templates/provision-licence", "/contract-templates/cc-by-4.0", "/contract-templates/cc0-1.0"])  # fmt: skip
@pytest.mark.parametrize("lang", ["ja", "en"])
def test_anyone_reads_the_templates(client: Any, path: str, lang: str) -> None:
    answer = client.get(f"{path}?lang={lang}")
    assert answer.status_code == 200 and len(re.findall("<h1", text_of(answer))) == 1


def test_an_unknown_template_is_not_found(client: Any) -> None:
    assert client.get("/contract-templates/nothing").status_code == 404


METERED = {
    "name": "商用",
    "pricing.unit": "gigabyte",
    "pricing.included_units": "1",
    "pricing.minimum_jpy": "0",
    "pricing.cap_jpy": "50,000",
    "pricing.repeat_reads": "included",
    "pricing.tiers.0.up_to": "10",
    "pricing.tiers.0.unit_price_jpy": "800",
    "pricing.tiers.1.unit_price_jpy": "500.5",
}


def defaults(page: str) -> dict[str, str]:
    """What a form holds as it came: selects and inputs."""
    found = dict(re.findall(r'<input[^>]*name="(variables\.[^"]+)"[^>]*value="([^"]*)"', page))
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', page, re.S):
        chosen = re.search(r'<option selected value="([^"]*)"', options)
        found[name] = chosen[1] if chosen else ""
    return found


def test_a_provider_adds_a_metered_offer_and_closes_it(company: Person) -> None:
    listing_id = publish(company, state="draft")
    base = f"/desk/listings/{listing_id}/offers"
    assert "提供条件がまだありません" in company.see(base)
    drafted = company.fill(f"{base}/new?template=provision-licence", model="metered")
    price = drafted.headers["Location"]
    answer = company.fill(price, **(defaults(company.see(price)) | METERED))
    assert answer.status_code == 303, text_of(answer)
    use = answer.headers["Location"]
    assert company.fill(use, **{"variables.ai_training": "permitted"}).status_code == 303
    assert company.fill(price.replace("topics/price", "open")).status_code == 303
    offer = company.get(f"/listings/{listing_id}").json["offers"][0]
    assert offer["pricing"]["tiers"] == [
        {"up_to": 10, "unit_price_jpy": "800"},
        {"up_to": None, "unit_price_jpy": "500.5"},
    ]
    assert offer["pricing"]["cap_jpy"] == 50_000 and offer["variables"] == {"ai_training": "permitted"}
    assert offer["example_month_jpy"] == 7_200
    assert company.fill(f"{base}/{offer['id']}/close").status_code == 303
    assert company.get(f"/listings/{listing_id}").json["offers"] == []


def test_a_city_is_told_that_it_bills_by_itself_and_offers_open_data(world: World) -> None:
    city = world.city()
    listing_id = publish(city)
    base = f"/desk/listings/{listing_id}/offers"
    page = city.see(f"{base}/new?template=provision-licence")
    assert 'value="free"' in page and 'value="metered"' in page
    assert "第243条の2" in city.see(f"{base}/choose")
    drafted = city.fill(f"{base}/new?template=cc-by-4.0", model="free").headers["Location"]
    assert city.fill(drafted.replace("topics/price", "open")).status_code == 303
    assert city.get(f"/listings/{listing_id}").json["is_open"] is True


def test_a_buyer_applies_through_the_browser_once(buyer: Person, offer: dict[str, Any]) -> None:
    path = f"/offers/{offer['id']}/apply"
    page = buyer.see(path)
    assert "第21条" in page and "一括 10,000円" in page and "通常2営業日" in page
    form_id = re.search(r'name="form_id"[^>]*value="([^"]+)"', page)
    assert form_id
    form = defaults(page) | {"form_id": form_id[1], "purpose": "地図に示すため", "accept_terms": "y"}
    answers = [buyer.fill(path, **form) for _ in range(2)]
    assert [a.status_code for a in answers] == [303, 303]
    assert answers[0].headers["Location"] == answers[1].headers["Location"]
    assert len(buyer.get("/contracts").json["items"]) == 1


def test_an_application_without_consent_keeps_what_was_typed(buyer: Person, offer: dict[str, Any]) -> None:
    path = f"/offers/{offer['id']}/apply"
    answer = buyer.fill(path, purpose="<b>目的</b>", **defaults(buyer.see(path)))
    page = text_of(answer)
    assert answer.status_code == 422 and "&lt;b&gt;目的&lt;/b&gt;" in page and "エラー:" in page


def test_who_cannot_apply_is_told_why(company: Person, world: World, offer: dict[str, Any]) -> None:
    answer = company.browser.get(f"/offers/{offer['id']}/apply")
    assert answer.status_code == 403 and "自分の組織" in text_of(answer)
    stranger = world.app.test_client().get(f"/offers/{offer['id']}/apply")
    assert stranger.status_code == 303 and "/sign-in" in stranger.headers["Location"]


def test_open_data_needs_no_application(company: Person, buyer: Person) -> None:
    offer = offered(company, publish(company), {"model": "free"}, template="cc-by-4.0").json
    assert "申込みは不要です" in buyer.see(f"/offers/{offer['id']}/apply")
    refused = buyer.post("/contracts", {"offer_id": offer["id"], "purpose": "x", "accept_terms": True})
    assert refused.status_code == 422


@pytest.mark.parametrize("state", sorted(PATHS))
@pytest.mark.parametrize("lang", ["ja", "en"])
def test_every_state_has_its_page_for_everyone_concerned(
    state: str, lang: str, ask: Act, act: Act, company: Person, buyer: Person, world: World
) -> None:
    contract = at_state(state, ask, act)
    for person in (company, buyer, world.admin):
        page = person.see(f"/desk/contracts/{contract['id']}?lang={lang}")
        assert len(re.findall("<h1", page)) == 1 and contract["number"] in page
        assert contract["number"] in person.see("/desk/contracts")
        assert person.see(f"/desk/contracts/{contract['id']}/document?lang={lang}")


def test_a_provider_accepts_with_the_numbers_of_its_approval(ask: Act, company: Person) -> None:
    contract = ask().json
    path = f"/desk/contracts/{contract['id']}/accept"
    form = {"version": "1", "approval_reference": "情政第9号", "approved_on": "2026-11-20", "signatory": "市長"}
    assert company.fill(path, **form).status_code == 303
    page = company.see(f"/desk/contracts/{contract['id']}")
    assert "情政第9号" in page and "管理者の承認待ちです" in page
    assert company.browser.get(path).status_code == 303  # done already: back to where it stands


def test_an_old_page_cannot_accept_a_newer_version(ask: Act, act: Act, buyer: Person, company: Person) -> None:
    contract = ask().json
    act(contract, "provider", "counter", variables={"cure_days": 7}, message="短く")
    answer = buyer.fill(f"/desk/contracts/{contract['id']}/accept", version="1")
    assert answer.status_code == 303
    assert "第1版はもう有効な案ではありません" in text_of(buyer.browser.get(answer.headers["Location"]))
    assert buyer.get(f"/contracts/{contract['id']}").json["state"] == "countered"


def test_a_counter_is_shown_as_a_comparison(ask: Act, company: Person, buyer: Person) -> None:
    contract = ask().json
    path = f"/desk/contracts/{contract['id']}/counter"
    form = defaults(company.see(path)) | {"variables.cure_days": "30", "message": "長くしたいです。"}
    assert company.fill(path, **form).status_code == 303
    page = buyer.see(f"/desk/contracts/{contract['id']}")
    assert "14日" in page and "30日" in page and "第2版での変更" in page
    assert "30日" in buyer.see(f"/desk/contracts/{contract['id']}/versions/1")


def test_a_termination_asks_for_a_reason_first(ask: Act, act: Act, buyer: Person) -> None:
    contract = at_state("active", ask, act)
    path = f"/desk/contracts/{contract['id']}/terminate"
    refused = buyer.fill(path, when="now", reason=" ")
    assert refused.status_code == 422 and "理由を入力してください" in text_of(refused)
    assert buyer.fill(path, when="now", reason="不要になりました").status_code == 303
    assert buyer.get(f"/contracts/{contract['id']}").json["state"] == "terminated"


def test_an_administrator_decides_from_the_queue(ask: Act, act: Act, world: World) -> None:
    contract = at_state("accepted", ask, act)
    assert contract["number"] in world.admin.see("/desk/reviews")
    path = f"/desk/reviews/contracts/{contract['id']}"
    page = world.admin.see(path)
    assert "双方が同じ版の条件に合意している" in page and "標準のひな型のままの条件です" in page
    refused = world.admin.fill(path, decision="reject", reason="", to="provider")
    assert refused.status_code == 422
    assert world.admin.fill(path, decision="approve", reason="", to="provider").status_code == 303
    assert world.admin.get(f"/contracts/{contract['id']}").json["state"] == "active"
    assert world.admin.fill("/desk/contracts", path, decision="approve").status_code in (200, 303)


def test_parties_do_not_see_the_review(ask: Act, act: Act, company: Person) -> None:
    contract = at_state("accepted", ask, act)
    assert company.browser.get(f"/desk/reviews/contracts/{contract['id']}").status_code == 403


def test_the_desk_says_whose_turn_it_is(ask: Act, act: Act, company: Person, buyer: Person, world: World) -> None:
    from contracts.pages.elsewhere import _tasks

    def counts() -> list[int]:
        with world.app.test_request_context("/desk"):
            return [_tasks(person.member)[0].count for person in (company, buyer, world.admin)]

    contract = ask().json
    assert counts() == [1, 0, 0]
    act(contract, "provider", "counter", variables={"cure_days": 7}, message="短く")
    assert counts() == [0, 1, 0]
    act(contract, "buyer", "accept")
    assert counts() == [0, 0, 1]


def test_the_listing_page_shows_offers_with_an_example_month(company: Person, buyer: Person) -> None:
    listing_id = publish(company)
    offered(company, listing_id, {"model": "subscription", "price_jpy": 12_000, "interval": "month"})
    page = buyer.see(f"/listings/{listing_id}")
    assert "月額 12,000円" in page and "契約を申し込む" in page
    assert "自分の組織のデータには申し込めません" in company.see(f"/listings/{listing_id}")


def test_open_data_shows_how_to_name_the_source(company: Person, client: Any) -> None:
    listing_id = publish(company)
    offered(company, listing_id, {"model": "free"}, template="pdl-1.0")
    page = text_of(client.get(f"/listings/{listing_id}"))
    assert "出典：地区別人口（みなとデータ株式会社）" in page and "を加工して作成" in page
