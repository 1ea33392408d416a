"""The board of wants over the API: who may, what is told to whom, what is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from exchange import clock, database
from exchange.identity import queries as identity
from listings import actions
from tests.listings.conftest import publish


def want(person: Any, **fields: Any) -> Any:
    until = (clock.today() + timedelta(days=30)).isoformat()
    body = {"title": "歩行者数", "purpose": "出店計画", "theme": "population", "area_codes": ["13"], "until": until}
    return person.post("/needs", {**body, **fields})


def test_holders_of_the_theme_are_told_and_answer_with_a_listing(world: Any, city: Any, ready: Any) -> None:
    publish(world, city, ready)
    buyer, friend = world.organization("地図の会社"), world.organization("同じものを求める会社")
    made = want(buyer)
    assert made.status_code == 201, made.json
    assert any("歩行者数" in notice.title for notice in identity.notices_of(city.member).items)

    joined = friend.post(f"/needs/{made.json['id']}/join", {"note": "うちも"})
    assert [o["name"] for o in joined.json["joined"]] == ["同じものを求める会社"]
    assert len(friend.post(f"/needs/{made.json['id']}/join").json["joined"]) == 1

    answered = city.post(f"/needs/{made.json['id']}/answers", {"kind": "listing", "listing_id": ready["id"]})
    assert answered.status_code == 201, answered.json
    assert answered.json["answers"][0]["listing_id"] == ready["id"]
    for person in (buyer, friend):
        assert any("回答" in notice.title for notice in identity.notices_of(person.member).items)
    assert [item["id"] for item in buyer.get("/needs").json["items"]] == [made.json["id"]]


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"kind": "no", "message": "保有していません。"}, 201), ({"message": "保有していません。"}, 201),
        ({"kind": "date", "planned_on": "2099-04-01"}, 201), ({"planned_on": "2099-04-01"}, 201),
        ({"kind": "no"}, 422), ({}, 422), ({"kind": "date"}, 422), ({"kind": "date", "planned_on": "2020-01-01"}, 422),
        ({"kind": "listing"}, 422), ({"kind": "listing", "listing_id": "nothing"}, 422), ({"kind": "maybe"}, 422),
    ],
)  # fmt: skip
def test_answers(world: Any, city: Any, answer: Any, status: int) -> None:
    made = want(world.organization("地図の会社"))
    assert city.post(f"/needs/{made.json['id']}/answers", answer).status_code == status


@pytest.mark.parametrize(
    ("field", "value"),
    [("title", ""), ("purpose", ""), ("theme", "x"), ("until", "2020-01-01"), ("until", "9999-01-01"), ("until", "soon"),
     ("area_codes", ["99"]), ("title", "あ" * 201)],
)  # fmt: skip
def test_wants_that_cannot_be_taken(world: Any, field: str, value: Any) -> None:
    assert want(world.organization("地図の会社"), **{field: value}).status_code == 422


def test_who_may_not_take_part(world: Any, city: Any) -> None:
    assert want(world.organization("未確認", verified=False)).status_code == 403
    assert want(world.admin).status_code == 403
    assert want(world.colleague(city, "viewer")).status_code == 403
    assert world.app.test_client().get("/api/v1/needs").status_code == 401
    made = want(city)
    assert city.post(f"/needs/{made.json['id']}/answers", {"kind": "no", "message": "x"}).status_code == 403
    assert world.organization("よその会社").post(f"/needs/{made.json['id']}/close").status_code == 403


def test_a_want_ends_by_hand_or_by_its_date(world: Any, city: Any) -> None:
    buyer = world.organization("地図の会社")
    first, second = want(buyer).json, want(buyer).json
    assert buyer.post(f"/needs/{first['id']}/close").json["state"] == "closed"
    assert city.post(f"/needs/{first['id']}/answers", {"kind": "no", "message": "x"}).status_code == 409
    with database.transaction():
        assert actions.end_overdue_wants(at=clock.now() + timedelta(days=30)) == 0
        assert actions.end_overdue_wants(at=clock.now() + timedelta(days=31)) == 1
    assert buyer.get(f"/needs/{second['id']}").json["state"] == "closed"
    assert buyer.get("/needs").json["items"] == []
    assert len(buyer.get("/needs?state=closed").json["items"]) == 2
