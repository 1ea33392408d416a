"""A term that renews itself: who is told when, who can refuse until when, and what binds a municipality past March."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from contracts import rules
from exchange import clock
from tests.contracts.conftest import days_from_now, in_database, offered, publish, tasks_of, told
from tests.world import Person, World

MONTHLY = {"model": "subscription", "price_jpy": 1_000, "interval": "month"}
WHY = {"reason": "予算がありません"}


def concluded(world: World, company: Person, buyer: Person, ends_in_days: int) -> Any:
    """A running contract whose term renews itself, as it stands so many days before its end."""
    offer = offered(company, publish(company), MONTHLY, variables={"term": "renewing"}).json
    contract = buyer.post("/contracts", {"offer_id": offer["id"], "purpose": "利用", "accept_terms": True}).json
    path = f"/contracts/{contract['id']}"
    assert company.post(f"{path}/accept").status_code == 200
    if buyer.member.organization.kind == "municipality":
        record = {"kind": "paper", "reference": "1", "signed_on": days_from_now(0), "signatory": "市長"}
        assert buyer.post(f"{path}/signature", record).status_code == 200
    assert world.admin.post(f"{path}/approve").json["state"] == "active"
    in_database("UPDATE contract SET ends_on = :on WHERE id = :id", on=days_from_now(ends_in_days), id=contract["id"])
    return contract


def now(person: Person, contract: Any) -> Any:
    return person.get(f"/contracts/{contract['id']}").json


def test_both_are_told_once_two_weeks_before_notice_is_due(world: World, company: Person, buyer: Person) -> None:
    concluded(world, company, buyer, 30 + 14)
    for _ in range(2):
        world.tick("remind-of-contracts")
    for person in (company, buyer):
        assert told(person).count("契約はまもなく自動で更新されます") == 1
        task = tasks_of(person)["まもなく更新の時期を迎える契約"]
        assert task.due_on.isoformat() == days_from_now(14)


def test_nobody_is_told_earlier(world: World, company: Person, buyer: Person) -> None:
    concluded(world, company, buyer, 30 + 15)
    world.tick("remind-of-contracts")
    assert "契約はまもなく自動で更新されます" not in told(buyer)
    assert "まもなく更新の時期を迎える契約" not in tasks_of(buyer)


@pytest.mark.parametrize("side", ["provider", "buyer"])
def test_either_refuses_through_the_page_and_the_term_ends(
    side: str, world: World, company: Person, buyer: Person
) -> None:
    contract = concluded(world, company, buyer, 30)
    person, other = (company, buyer) if side == "provider" else (buyer, company)
    page = person.see(f"/desk/contracts/{contract['id']}")
    assert f"/desk/contracts/{contract['id']}/refuse-renewal" in page and "更新しないことを通知できる期限" in page
    assert person.fill(f"/desk/contracts/{contract['id']}/refuse-renewal", **WHY).status_code == 303
    assert now(person, contract)["renewal_refused_by"] == side and "契約は更新されません" in told(other)
    assert other.post(f"/contracts/{contract['id']}/refuse-renewal", WHY).status_code == 409
    in_database("UPDATE contract SET ends_on = :on WHERE id = :id", on=days_from_now(-1), id=contract["id"])
    world.tick("end-contracts")
    assert now(person, contract)["state"] == "ended"


def test_notice_that_comes_too_late_is_refused(world: World, company: Person, buyer: Person) -> None:
    contract = concluded(world, company, buyer, 29)
    refused = buyer.post(f"/contracts/{contract['id']}/refuse-renewal", WHY)
    assert refused.status_code == 409 and days_from_now(-1) in refused.json["detail"]
    assert "/refuse-renewal" not in buyer.see(f"/desk/contracts/{contract['id']}")


def test_the_clock_renews_on_the_same_terms(world: World, company: Person, buyer: Person) -> None:
    contract = concluded(world, company, buyer, -1)
    for _ in range(2):
        world.tick("end-contracts")
    renewed = now(buyer, contract)
    assert (renewed["state"], renewed["renewals"]) == ("active", 1)
    assert renewed["ends_on"] == rules.ends_on(clock.today(), 12).isoformat()
    assert renewed["history"][-1]["deed"] == "renew" and renewed["history"][-1]["actor"] is None
    assert "契約が更新されました" in buyer.see(f"/desk/contracts/{contract['id']}")


def test_a_fixed_term_knows_no_renewal(world: World, company: Person, buyer: Person) -> None:
    contract = world.contract(buyer, company, offered(company, publish(company), MONTHLY).json)
    assert buyer.post(f"/contracts/{contract['id']}/refuse-renewal", WHY).status_code == 409
    assert "契約の更新" not in buyer.see(f"/desk/contracts/{contract['id']}")


def test_a_municipal_buyer_is_not_bound_past_march_without_a_ground(world: World, company: Person) -> None:
    city = world.city()
    contract = concluded(world, company, city, 30 + 14)
    world.tick("remind-of-contracts")
    assert "このままでは契約は更新されません" in told(city)
    assert "このままでは更新されません" in city.see(f"/desk/contracts/{contract['id']}")
    in_database("UPDATE contract SET ends_on = :on WHERE id = :id", on=days_from_now(-1), id=contract["id"])
    world.tick("end-contracts")
    assert now(city, contract)["state"] == "ended"


def test_with_a_ground_it_renews_once_and_the_next_time_needs_another(world: World, company: Person) -> None:
    city = world.city()
    contract = concluded(world, company, city, 1)
    path = f"/desk/contracts/{contract['id']}/renewal-ground"
    assert city.fill(path, ground=" ").status_code == 422
    assert city.fill(path, ground="債務負担行為 令和9年度から").status_code == 303
    assert "債務負担行為 令和9年度から" in company.see(f"/desk/contracts/{contract['id']}")
    in_database("UPDATE contract SET ends_on = :on WHERE id = :id", on=days_from_now(-1), id=contract["id"])
    world.tick("end-contracts")
    assert now(city, contract)["renewals"] == 1 and date.fromisoformat(now(city, contract)["ends_on"]) > clock.today()
    assert "記録がありません" in city.see(f"/desk/contracts/{contract['id']}")


def test_only_a_municipal_buyer_records_a_ground(world: World, company: Person, buyer: Person) -> None:
    contract = concluded(world, company, buyer, 60)
    for person in (company, buyer, world.admin):
        answer = person.post(f"/contracts/{contract['id']}/renewal-ground", {"ground": "債務負担行為"})
        assert answer.status_code == 403
