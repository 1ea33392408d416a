"""What a contract's level of security asks of who draws links: L2 a second factor, L3 named users besides."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from exchange import clock
from exchange.audit import AuditEntry
from exchange.database import session
from exchange.identity.models import Member
from tests.delivery.deals import deal
from tests.delivery.test_links import ask

L2 = {"updates": "included", "security_level": "L2"}
L3 = {"updates": "included", "security_level": "L3"}


def name(made, *people, by=None):
    """The buyer's owner (or somebody else) says who may draw links."""
    path = f"/contracts/{made.contract.id}/named-users"
    return (by or made.buyer).call("PUT", path, {"emails": [person.email for person in people]})


def factor(person, *, on=True, exempt=False):
    at = clock.now() if on else None
    values = {"totp_confirmed_at": at, "second_factor_exempt": exempt}
    session.execute(update(Member).where(Member.id == person.id).values(values))
    session.commit()


def test_level_one_asks_for_nothing_but_the_role(world):
    made = deal(world, variables=L2 | {"security_level": "L1"})
    factor(made.buyer, on=False)
    assert ask(made).status_code == 201


def test_level_two_asks_for_a_second_factor_and_says_where_to_set_it(world):
    made = deal(world, variables=L2)
    assert ask(made).status_code == 201  # members of the demo market may do without
    factor(made.buyer, on=False)
    for refused in (ask(made), made.buyer.post(f"/contracts/{made.contract.id}/profile")):
        assert refused.status_code == 403
        assert "二段階認証" in refused.json["detail"] and "アカウント" in refused.json["detail"]
    factor(made.buyer)
    assert ask(made).status_code == 201
    factor(made.buyer, on=False)  # what was remembered of the token before is not believed
    assert ask(made).status_code == 403


def test_under_level_three_nobody_draws_links_until_an_owner_names_them(world):
    made = deal(world, variables=L3)
    officer, other = (world.colleague(made.buyer, "data_officer") for _ in range(2))
    for person in (made.buyer, officer, other):
        factor(person)
    assert [ask(made, person).status_code for person in (made.buyer, officer, other)] == [403, 403, 403]
    assert "責任者に" in ask(made, officer).json["detail"]
    assert name(made, officer).json == {"emails": [officer.email]}
    assert [ask(made, person).status_code for person in (made.buyer, officer, other)] == [403, 201, 403]
    assert made.buyer.post(f"/contracts/{made.contract.id}/profile").status_code == 403
    assert officer.post(f"/contracts/{made.contract.id}/profile").status_code == 201
    factor(officer, on=False, exempt=True)  # nobody is let off at this level
    assert ask(made, officer).status_code == 403


def test_only_the_buyers_owners_name_and_only_members_who_may_receive(world):
    made = deal(world, variables=L3)
    officer, viewer = world.colleague(made.buyer, "data_officer"), world.colleague(made.buyer, "viewer")
    assert name(made, officer, by=officer).status_code == 403
    assert name(made, officer, by=made.provider).status_code == 403
    assert name(made, officer, by=world.organization("他社")).status_code == 404
    for person in (viewer, made.provider):
        answer = name(made, officer, person)
        assert answer.status_code == 422 and person.email in answer.json["errors"]["emails"][0]
    assert made.provider.get(f"/contracts/{made.contract.id}/named-users").status_code == 403
    assert name(deal(world, variables=L2, buyer=made.buyer), officer).status_code == 409
    assert session.scalars(select(AuditEntry).where(AuditEntry.deed == "contract.named_users")).all() == []


def test_the_pages_say_what_is_wanting_and_the_owner_names_on_one_of_them(world):
    provider, buyer = world.organization("提供社"), world.organization("利用社")
    listing, _, offer = world.published(provider, {"model": "free"})
    contract = world.contract(buyer, provider, offer)
    factor(buyer, on=False)
    assert "いまはファイルを受け取れません" in buyer.see(f"/desk/contracts/{contract['id']}")

    strict = {"name": "厳格", "template": "provision-licence", "pricing": {"model": "free"}}
    strict |= {"variables": {"security_level": "L3"}}
    offer = provider.post(f"/listings/{listing['id']}/offers", strict).json
    contract_id = world.contract(buyer, provider, offer)["id"]
    world.administrator(1).post(f"/contracts/{contract_id}/approve")  # away from the standard, two look
    page = f"/desk/contracts/{contract_id}"
    factor(buyer)
    officer = world.colleague(buyer, "data_officer")
    assert "指名された人だけです" in buyer.see(page) and "まだ指名されていません" in buyer.see(page)
    assert "二段階認証が未設定" in buyer.see(f"{page}/named-users")
    assert buyer.fill(f"{page}/named-users", emails=[buyer.email, officer.email]).status_code == 303
    assert buyer.fill(f"{page}/named-users", emails=["stranger@example.com"]).status_code == 422
    assert officer.name in buyer.see(page) and "いまはファイルを受け取れません" not in buyer.see(page)
    told = provider.see(page)
    assert "利用者が指名した2人" in told and officer.name not in told
    assert officer.browser.get(f"{page}/named-users").status_code == 403
    assert provider.browser.get(f"{page}/named-users").status_code == 404


@pytest.mark.parametrize("body", [{}, {"emails": "a"}, {"emails": [""]}, {"emails": ["x"] * 501}])
def test_a_list_of_names_that_cannot_be_taken_is_refused(world, body):
    made = deal(world, variables=L3)
    assert made.buyer.call("PUT", f"/contracts/{made.contract.id}/named-users", body).status_code == 422
