"""The life of a contract through its doors: who asks, who agrees, who decides, and what each is told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.world import ONE_OFF, Person, World


@pytest.fixture
def company(world: World) -> Person:
    return world.organization("みなとデータ株式会社")


@pytest.fixture
def buyer(world: World) -> Person:
    return world.organization("地図制作株式会社")


@pytest.fixture
def offer(world: World, company: Person) -> dict[str, Any]:
    return dict(world.published(company, ONE_OFF)[2])


def ask(buyer: Person, offer: dict[str, Any], **fields: Any) -> Any:
    body = {"offer_id": offer["id"], "purpose": "地図に示すため", "accept_terms": True, **fields}
    return buyer.post("/contracts", body)


def test_a_contract_is_requested_accepted_and_approved(world: World, company: Person, buyer: Person, offer: Any) -> None:
    contract = ask(buyer, offer, purchase_order="PO-1").json
    assert (contract["state"], contract["turn"], contract["version"]) == ("requested", "provider", 1)
    assert contract["number"].startswith("C-") and len(contract["document"]["sha256"]) == 64

    accepted = company.post(
        f"/contracts/{contract['id']}/accept",
        {"version": 1, "approval_reference": "情政第123号", "approved_on": "2026-11-20", "signatory": "市長 山田"},
    ).json
    assert (accepted["state"], accepted["turn"]) == ("accepted", "operator")
    assert accepted["approval_reference"] == "情政第123号"

    active = world.admin.post(f"/contracts/{contract['id']}/approve").json
    assert active["state"] == "active" and active["starts_on"] and active["ends_on"] is None
    assert [(h["from"], h["to"]) for h in active["history"]] == [
        (None, "requested"),
        ("requested", "accepted"),
        ("accepted", "active"),
    ]
    assert active["history"][0]["actor"] == "地図制作株式会社"
    assert active["document"]["sha256"] == contract["document"]["sha256"]
