"""Above an amount an owner confirms what the organization requests; until then nobody else hears of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from contracts import actions
from exchange import clock, database
from exchange.database import session
from tests.contracts.conftest import Ask, offered, publish, tasks_of, told
from tests.contracts.test_pages import defaults
from tests.world import Person, World

Act = Callable[..., Any]


@pytest.fixture
def clerk(world: World, buyer: Person) -> Person:
    """May bind the buyer, is no owner of it."""
    return world.colleague(buyer, "data_officer", may_bind=True)


@pytest.fixture
def policy(buyer: Person) -> None:
    assert buyer.fill("/desk/contracts/policy", confirm_above_jpy="9,999").status_code == 303


def test_the_provider_sees_nothing_until_an_owner_confirmed(
    ask: Ask, clerk: Person, buyer: Person, company: Person, world: World, policy: None
) -> None:
    contract = ask(by=clerk).json
    path = f"/desk/contracts/{contract['id']}"
    assert (contract["state"], contract["turn"], contract["waiting_for"]) == ("requested", None, ["confirmation"])
    for person in (company, world.admin):
        assert person.get(f"/contracts/{contract['id']}").status_code == 404
        assert person.browser.get(path).status_code == 404
        assert person.get("/contracts").json["items"] == []
    assert told(company) == [] and told(buyer) == ["申込みの確認をお願いします"]
    assert tasks_of(buyer)["責任者の確認を待っている申込み"].count == 1
    assert "責任者の確認を待っています" in clerk.see(path)
    assert buyer.fill(f"{path}/confirm").status_code == 303
    assert company.get(f"/contracts/{contract['id']}").json["turn"] == "provider"
    assert told(company) == ["契約の申込みがありました"]
    assert "組織の中での確認" in company.see(path)


def test_who_applies_is_told_that_an_owner_looks_first(clerk: Person, offer: Any, policy: None) -> None:
    path = f"/offers/{offer['id']}/apply"
    form = {"purpose": "地図に示すため", "accept_terms": "y", **defaults(clerk.see(path))}
    answer = clerk.fill(path, **form)
    assert answer.status_code == 303
    assert "責任者の確認が済むと" in clerk.see(answer.headers["Location"])


def test_who_asked_cannot_confirm_and_nobody_confirms_twice(
    ask: Ask, clerk: Person, buyer: Person, policy: None
) -> None:
    contract = ask(by=clerk).json
    assert clerk.post(f"/contracts/{contract['id']}/confirm").status_code == 403
    assert "/confirm" not in clerk.see(f"/desk/contracts/{contract['id']}")
    assert buyer.post(f"/contracts/{contract['id']}/confirm").status_code == 200
    assert buyer.post(f"/contracts/{contract['id']}/confirm").status_code == 409


def test_what_an_owner_does_not_confirm_ends_without_a_word_to_others(
    ask: Ask, clerk: Person, buyer: Person, company: Person, policy: None
) -> None:
    declined, lapsed = ask(by=clerk).json, ask(by=clerk).json
    assert buyer.post(f"/contracts/{declined['id']}/decline", {"reason": "見送り"}).status_code == 200
    with database.transaction():
        actions.warn_of_lapse(at=clock.now() + timedelta(days=44))
        actions.expire_unanswered(at=clock.now() + timedelta(days=46))
    session.remove()
    assert buyer.get(f"/contracts/{lapsed['id']}").json["state"] == "expired"
    assert told(company) == [] and "契約の申込みが失効しました" in told(buyer)
    assert company.get("/contracts").json["items"] == []


def test_an_owners_own_request_and_a_small_one_need_no_confirmation(
    ask: Ask, clerk: Person, buyer: Person, company: Person, policy: None
) -> None:
    assert ask().json["turn"] == "provider"
    cheap = offered(company, publish(company), {"model": "one_off", "price_jpy": 9_999}).json
    assert ask(by=clerk, offer_id=cheap["id"]).json["turn"] == "provider"


def test_an_offer_that_accepts_by_itself_waits_for_the_owner_too(
    clerk: Person, buyer: Person, company: Person, policy: None, ask: Ask
) -> None:
    itself = offered(company, publish(company), auto_accept=True).json
    contract = ask(by=clerk, offer_id=itself["id"]).json
    assert contract["waiting_for"] == ["confirmation"]
    assert buyer.post(f"/contracts/{contract['id']}/confirm").json["state"] == "accepted"


def test_a_confirmed_request_has_its_whole_time_and_its_warnings(
    ask: Ask, clerk: Person, buyer: Person, company: Person, policy: None
) -> None:
    contract, soon = ask(by=clerk).json, clock.now() + timedelta(days=43)
    with database.transaction():
        assert actions.warn_of_lapse(at=soon) == 1
    session.remove()
    buyer.post(f"/contracts/{contract['id']}/confirm")
    with database.transaction():
        assert actions.warn_of_lapse(at=soon) == 1
    session.remove()
    assert "回答の期限が近づいています" in told(company)


def test_owners_alone_set_the_amount(buyer: Person, clerk: Person, world: World, ask: Ask) -> None:
    path = "/desk/contracts/policy"
    assert path in buyer.see("/desk/contracts") and path not in clerk.see("/desk/contracts")
    for person in (clerk, world.admin):
        assert person.browser.get(path).status_code == 403
    for wrong in ("-1", "一万", "1.5", str(10**13)):
        answer = buyer.fill(path, confirm_above_jpy=wrong)
        assert answer.status_code == 422 and "field-error" in answer.get_data(as_text=True)
    assert buyer.fill(path, confirm_above_jpy="0").status_code == 303
    assert "0円 を超える" in buyer.see(path)
    assert buyer.fill(path, confirm_above_jpy="").status_code == 303
    assert "どの申込みにも確認は必要ありません" in buyer.see(path)
    assert ask(by=clerk).json["turn"] == "provider"
