"""What makes a second administrator look, who may not look at all, and what shuts out what."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.contracts.conftest import Ask, at_state, in_database, offered, publish, tasks_of
from tests.world import Person, World

Act = Callable[..., Any]
MONTHLY = {"model": "subscription", "price_jpy": 1_000, "interval": "month"}


def asked(person: Person, offer: Any) -> Any:
    return person.post("/contracts", {"offer_id": offer["id"], "purpose": "利用", "accept_terms": True})


def accepted(buyer: Person, company: Person, offer: Any) -> Any:
    contract = asked(buyer, offer).json
    answer = company.post(f"/contracts/{contract['id']}/accept")
    assert answer.status_code == 200, answer.json
    return answer.json


# ── marks of risk ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("variables", "marks"),
    [
        ({}, []),
        ({"cure_days": 30}, []),
        ({"ai_training": "permitted"}, ["deviation"]),
        ({"exclusivity": "sole", "term": "fixed"}, ["exclusive", "deviation"]),
    ],
)
def test_weighty_deviations_need_a_second_administrator(
    buyer: Person, company: Person, variables: Any, marks: list[str]
) -> None:
    contract = accepted(buyer, company, offered(company, publish(company), variables=variables).json)
    assert contract["risk_marks"] == marks
    assert contract["approvals"] == {"given": 0, "needed": 2 if marks else 1}


def test_a_price_far_from_the_listings_other_offers_is_marked(buyer: Person, company: Person, world: World) -> None:
    listing_id = publish(company)
    for price in (50_000, 60_000):
        assert offered(company, listing_id, {"model": "one_off", "price_jpy": price}).status_code == 201
    contract = accepted(buyer, company, offered(company, listing_id).json)
    assert contract["risk_marks"] == ["price"]
    page = world.admin.see(f"/desk/reviews/contracts/{contract['id']}")
    assert "ほかの提供条件と価格が大きく違う" in page and "一括 60,000円" in page


def test_personal_information_by_its_data_class(buyer: Person, company: Person) -> None:
    listing_id = publish(company)
    in_database("UPDATE listing SET data_class = 'person_related' WHERE id = :id", id=listing_id)
    offer = offered(company, listing_id).json
    assert "data_class" in accepted(buyer, company, offer)["risk_marks"]


def test_the_queue_and_the_page_say_why_two_look_and_who_did(world: World, ask: Ask, act: Act) -> None:
    contract = at_state("accepted", ask, act, variables={"storage_country": "worldwide"})
    first, second = world.admin, world.administrator(1)
    path = f"/desk/reviews/contracts/{contract['id']}"
    assert "国外に保存する" in first.see("/desk/reviews") and "国外に保存する" in first.see(path)
    assert first.fill(path, decision="approve").status_code == 303
    assert "あなたは承認済み" in first.see("/desk/reviews")
    assert "契約の承認" not in tasks_of(first) and tasks_of(second)["契約の承認"].count == 1
    page = first.see(path)
    assert "あなたはすでに承認しています" in page and 'value="approve"' not in page
    page = second.see(path)
    assert first.name in page and 'value="approve"' in page
    assert second.fill(path, decision="approve").status_code == 303
    assert second.get(f"/contracts/{contract['id']}").json["state"] == "active"


def test_an_administrator_sees_what_the_checklists_leave_open(buyer: Person, company: Person, world: World) -> None:
    offer = offered(company, publish(company), checklist={"right": "no", "class": "yes"}).json
    contract = accepted(buyer, company, offer)
    page = world.admin.see(f"/desk/reviews/contracts/{contract['id']}")
    assert "データを提供する権限がありますか" in page and "答えていない確認事項（10項目）" in page
    assert "確認事項（11項目）のどれにも答えていません" in page


# ── ties ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_declared_a_tie_decides_nothing_until_it_is_withdrawn(
    world: World, ask: Ask, act: Act, company: Person
) -> None:
    contract, path = at_state("accepted", ask, act), "/desk/reviews/interests"
    assert "みなとデータ株式会社" in world.admin.see(f"{path}?q=みなとデータ")
    tie = {"organization_id": company.organization_id}
    assert world.admin.fill(path, **tie, declared="yes").status_code == 303
    for deed, body in (("approve", {}), ("return", {"to": "buyer", "reason": "x"}), ("reject", {"reason": "x"})):
        assert act(contract, "operator", deed, **body).status_code == 403
    assert "あなたは決定できません" in world.admin.see("/desk/reviews")
    page = world.admin.see(f"/desk/reviews/contracts/{contract['id']}")
    assert "当事者と利害関係がある" in page and 'name="decision"' not in page
    assert "契約の承認" not in tasks_of(world.admin)
    assert world.administrator(1).get(f"/contracts/{contract['id']}").json["allowed"]
    assert world.admin.fill(path, **tie, declared="no").status_code == 303
    assert act(contract, "operator", "approve").status_code == 200


def test_ties_are_declared_by_administrators_to_organizations_there_are(world: World, company: Person) -> None:
    path = "/desk/reviews/interests"
    assert company.browser.get(path).status_code == 403
    own = world.admin.organization_id
    for unknown in ("unknown", own):
        assert world.admin.fill(path, organization_id=unknown, declared="yes").status_code == 404


# ── what shuts out what ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def sole(company: Person) -> Any:
    """An exclusive offer on a listing that has another one beside."""
    listing_id = publish(company)
    plain = offered(company, listing_id, MONTHLY).json
    return plain, offered(company, listing_id, MONTHLY, variables={"exclusivity": "sole"}).json


def approve(world: World, contract: Any) -> Any:
    for n in range(contract["approvals"]["needed"]):
        answer = world.administrator(n).post(f"/contracts/{contract['id']}/approve")
    return answer


def test_an_exclusive_contract_closes_the_listing_to_others_until_a_day(
    world: World, company: Person, buyer: Person, sole: Any, client: Any
) -> None:
    plain, exclusive = sole
    contract = approve(world, accepted(buyer, company, exclusive)).json
    assert contract["state"] == "active"
    other = world.organization("別の会社株式会社")
    refused = asked(other, plain)
    assert refused.status_code == 409 and contract["ends_on"] in refused.json["detail"]
    for page in (other.see(f"/listings/{plain['listing_id']}"), client.get(f"/listings/{plain['listing_id']}").text):
        assert "まで申し込めません" in page
        assert f"/offers/{plain['id']}/apply" not in page and "提供条件を見て申し込む" not in page
    assert other.browser.get(f"/offers/{plain['id']}/apply").status_code == 403
    assert "まで申し込めません" not in buyer.see(f"/listings/{plain['listing_id']}")
    assert asked(buyer, plain).status_code == 201


def test_an_exclusive_contract_is_not_approved_beside_a_running_one(
    world: World, company: Person, buyer: Person, sole: Any
) -> None:
    plain, exclusive = sole
    other = world.organization("別の会社株式会社")
    waiting = accepted(other, company, exclusive)
    world.contract(buyer, company, plain)
    refused = world.admin.post(f"/contracts/{waiting['id']}/approve")
    assert refused.status_code == 409 and refused.json["allowed"] == []
    assert "独占的な契約を結べません" in world.admin.see(f"/desk/reviews/contracts/{waiting['id']}")


def test_of_two_contracts_that_shut_each_other_out_one_is_approved(
    world: World, company: Person, buyer: Person, sole: Any
) -> None:
    plain, exclusive = sole
    contracts = [accepted(buyer, company, exclusive), accepted(world.organization("別の会社株式会社"), company, plain)]
    admins = [world.administrator(0), world.administrator(1)]
    assert all(admin.token for admin in admins)
    assert admins[1].post(f"/contracts/{contracts[0]['id']}/approve").status_code == 200
    with ThreadPoolExecutor(2) as pool:
        pairs = zip(admins, contracts, strict=True)
        answers = list(pool.map(lambda pair: pair[0].post(f"/contracts/{pair[1]['id']}/approve"), pairs))
    assert sorted(answer.status_code for answer in answers) == [200, 409]


@pytest.mark.parametrize(
    "statement",
    ["UPDATE listing SET state = 'withdrawn' WHERE id = :id", "UPDATE organization SET state = 'suspended'"],
)
def test_a_withdrawn_listing_or_a_suspended_party_is_not_approved(
    world: World, ask: Ask, act: Act, listing_id: str, statement: str
) -> None:
    contract = at_state("accepted", ask, act)
    if "organization" in statement:
        in_database(statement + " WHERE id = :id", id=contract["provider"]["id"])
    else:
        in_database(statement, id=listing_id)
    assert act(contract, "operator", "approve").status_code == 409
    page = world.admin.see(f"/desk/reviews/contracts/{contract['id']}")
    assert "成立させられません" in page and 'value="approve"' not in page and 'value="reject"' in page
