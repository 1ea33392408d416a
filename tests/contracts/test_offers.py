"""Offers: what is refused and why, what the catalogue is told."""

from __future__ import annotations

from typing import Any

import pytest

from exchange.database import session
from listings.models import Listing
from tests.contracts.conftest import offered, publish
from tests.world import Person, World

FREE = {"model": "free"}


def test_an_unknown_template_is_refused_naming_those_there_are(company: Person) -> None:
    answer = offered(company, publish(company), template="nothing")
    assert answer.status_code == 422
    words = answer.json["errors"]["template"][0]
    assert "provision-licence" in words and "cc-by-4.0" in words and "gstu-2.0" in words


@pytest.mark.parametrize("amount", [-1, 0.5, 10**18])
def test_prices_that_are_no_prices(company: Person, amount: Any) -> None:
    answer = offered(company, publish(company), {"model": "one_off", "price_jpy": amount})
    assert answer.status_code == 422 and list(answer.json["errors"]) == ["pricing.price_jpy"]


def test_everything_wrong_is_said_at_once(company: Person) -> None:
    answer = offered(company, publish(company), {"model": "one_off"}, name=" ", template="x")
    assert set(answer.json["errors"]) == {"name", "template", "pricing.price_jpy"}


@pytest.mark.parametrize("variables", [{"audit": "no"}, {"report_cycle": "none"}, {"report_cycle": "on_request"}])
def test_revenue_share_needs_reports_and_audit(company: Person, variables: Any) -> None:
    price = {"model": "revenue_share", "share_percent": "7.5", "minimum_jpy": 0}
    listing_id = publish(company)
    answer = offered(company, listing_id, price, variables=variables)
    assert answer.status_code == 422 and list(answer.json["errors"]) == [f"variables.{next(iter(variables))}"]
    assert offered(company, listing_id, price).status_code == 201


def test_rules_are_told_in_the_readers_language(company: Person) -> None:
    price = {"model": "revenue_share", "share_percent": "7.5", "minimum_jpy": 0}
    body = {"name": "a", "template": "provision-licence", "pricing": price, "variables": {"audit": "no"}}
    answer = company.post(f"/listings/{publish(company)}/offers", body, headers={"Accept-Language": "en"})
    assert "right to audit" in answer.json["errors"]["variables.audit"][0]


def test_a_citys_price_needs_its_basis(world: World) -> None:
    city = world.city()
    listing_id = publish(city)
    for basis in (None, " "):
        without = offered(city, listing_id, price_basis=basis)
        assert without.status_code == 422 and set(without.json["errors"]) == {"price_basis"}
    answer = offered(city, listing_id, price_basis="手数料条例第3条")
    assert answer.status_code == 201 and answer.json["price_basis"] == "手数料条例第3条"
    assert offered(city, listing_id, FREE).status_code == 201
    assert offered(city, listing_id, {"model": "one_off", "price_jpy": 0}).status_code == 201


def test_open_terms_are_free_and_stand_alone(company: Person) -> None:
    listing_id = publish(company)
    assert offered(company, listing_id, template="cc-by-4.0").status_code == 422
    assert offered(company, listing_id, FREE, template="cc-by-4.0").status_code == 201
    assert company.get(f"/listings/{listing_id}").json["is_open"] is True
    assert offered(company, listing_id).status_code == 422
    assert offered(company, listing_id, FREE, template="cc-by-4.0", variables={"x": 1}).status_code == 422
    priced = publish(company)
    assert offered(company, priced).status_code == 201
    assert offered(company, priced, FREE, template="cc0-1.0").status_code == 422
    hidden = publish(company, visibility="organization")
    assert offered(company, hidden, FREE, template="cc0-1.0").status_code == 422


def test_the_catalogue_hears_of_the_cheapest_offer(company: Person) -> None:
    listing_id = publish(company)
    offered(company, listing_id)
    dear = offered(company, listing_id, {"model": "subscription", "price_jpy": 500, "interval": "month"}).json
    listing = company.get(f"/listings/{listing_id}").json
    assert (listing["price_from_jpy"], listing["price_text"]) == (500, "月額 500円")
    told = session.get_one(Listing, listing_id)
    assert told.pricing_models == ["one_off", "subscription"] and listing["is_open"] is False
    company.post(f"/offers/{dear['id']}/close")
    assert company.get(f"/listings/{listing_id}").json["price_from_jpy"] == 10_000
    assert len(company.get(f"/listings/{listing_id}").json["offers"]) == 1


def test_only_the_provider_offers(world: World, company: Person, buyer: Person) -> None:
    listing_id = publish(company)
    assert offered(buyer, listing_id).status_code == 403
    assert offered(world.admin, listing_id).status_code == 403
    assert offered(world.colleague(company, "viewer"), listing_id).status_code == 403
    assert offered(world.colleague(company, "data_officer"), listing_id).status_code == 201
    assert offered(buyer, publish(company, state="draft")).status_code == 404


def test_templates_say_who_chooses_what(client: Any) -> None:
    listed = client.get("/api/v1/contract-templates").json["items"]
    contracts = ["provision-licence", "provision-assignment", "provision-joint", "co-creation", "short-form"]
    open_terms = ["cc-by-4.0", "cc0-1.0", "pdl-1.0", "gstu-2.0"]
    assert [t["key"] for t in listed] == [*contracts, "platform-participation", *open_terms]
    whole = client.get("/api/v1/contract-templates/provision-licence").json
    assert [c["article"] for c in whole["clauses"]] == list(range(1, 22))
    assert [c["article"] for c in whole["clauses"] if c["confirmed"]] == [1, 3, 5, 8, 11]
    chosen = {v["key"]: v["chosen_by"] for v in whole["variables"]}
    assert chosen["storage_country"] == "buyer" and chosen["derived_data"] == "provider"
    assert client.get("/api/v1/contract-templates/nothing").status_code == 404
