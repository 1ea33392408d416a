"""What is found, by whom, in which order, and how many there would be."""

from __future__ import annotations

from typing import Any

import pytest

from listings import search
from tests.listings.conftest import offered, publish


@pytest.fixture
def market(world: Any, city: Any) -> dict[str, Any]:
    """Three published listings of two providers."""
    company = world.organization("港湾物流")
    made = {}
    for key, provider, fields, pricing in (
        (
            "shelters",
            city,
            {"title": "指定緊急避難場所一覧", "theme": "disaster", "area_codes": ["131032"]},
            ("free", 0, "無料"),
        ),
        ("aed", city, {"title": "AED設置箇所", "theme": "health", "area_codes": ["27"]}, ("free", 0, "無料")),
        (
            "flow",
            company,
            {"title": "カフェの人流", "theme": "mobility", "keywords": ["避難"]},
            ("one_off", 5000, "5,000円"),
        ),
    ):
        listing = world.listing(provider, **fields)
        world.file(provider, listing)
        offered(listing, (pricing[0],), int(pricing[1]), str(pricing[2]))
        made[key] = publish(world, provider, listing)["id"]
    return made


def found(world: Any, query: str) -> list[str]:
    answer = world.app.test_client().get(f"/api/v1/listings?{query}")
    assert answer.status_code == 200, answer.json
    assert answer.json["total"] == len(answer.json["items"])
    return [item["id"] for item in answer.json["items"]]


def test_words_are_found_in_any_width_and_kana(world: Any, market: Any) -> None:
    assert found(world, "q=ＡＥＤ") == [market["aed"]]
    assert found(world, "q=aed") == [market["aed"]]
    assert found(world, "q=かふぇ") == [market["flow"]]
    assert found(world, "q=避難場所") == [market["shelters"]]
    assert set(found(world, "q=避難")) == {market["shelters"], market["flow"]}
    assert found(world, "q=避難 一覧") == [market["shelters"]]
    assert set(found(world, "q=港")) == {market["flow"]}  # of the provider's name
    assert found(world, "q=value 設置") == [market["aed"]]  # a column
    assert found(world, "q=場避") == []
    assert found(world, "q=%F0%9F%8D%A3") == []
    assert len(found(world, "q=%20")) == 3


def test_a_title_counts_more_than_a_keyword(world: Any, market: Any) -> None:
    assert found(world, "q=避難") == [market["shelters"], market["flow"]]


@pytest.mark.parametrize("q", ["'", "\\", "a' & b", "!(", ":*", "<->", "%", "_", "'' OR 1=1 --", "𠮷野家", "が"])
def test_no_words_break_the_search(world: Any, market: Any, q: str) -> None:
    assert world.app.test_client().get("/api/v1/listings", query_string={"q": q}).status_code == 200


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("theme=disaster", {"shelters"}), ("kind=municipality", {"shelters", "aed"}), ("kind=company", {"flow"}),
        ("pricing=free", {"shelters", "aed"}), ("pricing=one_off", {"flow"}), ("format=csv", {"shelters", "aed", "flow"}),
        ("format=xlsx", set()), ("area=13", {"shelters"}), ("area=131032", {"shelters"}), ("area=27", {"aed"}),
        ("data_class=non_personal&kind=company", {"flow"}), ("theme=disaster&pricing=one_off", set()),
    ],
)  # fmt: skip
def test_filters(world: Any, market: Any, query: str, expected: set[str]) -> None:
    assert set(found(world, query)) == {market[key] for key in expected}


@pytest.mark.parametrize(
    "query", ["theme=weather", "kind=operator", "sort=random", "area=x", "limit=0", "limit=101", "limit=x"]
)
def test_filters_that_mean_nothing_are_refused(world: Any, query: str) -> None:
    assert world.app.test_client().get(f"/api/v1/listings?{query}").status_code == 422


@pytest.mark.parametrize("sort", search.SORTS)
def test_pages_follow_each_other_in_every_order(world: Any, market: Any, sort: str) -> None:
    client, seen, cursor = world.app.test_client(), [], ""
    while cursor is not None:
        page = client.get(f"/api/v1/listings?q=地区&sort={sort}&limit=1" + (f"&cursor={cursor}" if cursor else "")).json
        seen += [item["id"] for item in page["items"]]
        assert page["total"] == 3
        cursor = page["next_cursor"]
    assert sorted(seen) == sorted(market.values())


def test_a_cursor_of_another_order_is_refused(world: Any, market: Any) -> None:
    client = world.app.test_client()
    cursor = client.get("/api/v1/listings?sort=price&limit=1").json["next_cursor"]
    assert client.get(f"/api/v1/listings?sort=title&limit=1&cursor={cursor}").status_code == 422


def test_counts_beside_a_filter_ignore_that_filter_alone(world: Any, market: Any) -> None:
    counted = search.search(search.Search(theme="disaster"), member=None, facets=True)
    assert counted.total == 1
    assert counted.facets["theme"] == {"disaster": 1, "health": 1, "mobility": 1}
    assert counted.facets["kind"] == {"municipality": 1}


def test_listings_for_invited_organizations_alone(world: Any, city: Any) -> None:
    guest, other = world.organization("招待された会社"), world.organization("よその会社")
    listing = world.listing(city, visibility="invited", invited=[guest.organization_id])
    world.file(city, listing)
    offered(listing)
    publish(world, city, listing)
    assert seen_by(world, listing, guest, city, world.admin) == [200, 200, 200]
    assert seen_by(world, listing, other, None) == [404, 404]
    assert [len(p.get("/listings").json["items"]) for p in (guest, other, city)] == [1, 0, 1]
    assert city.call("PATCH", f"/listings/{listing['id']}", {"invited": []}).status_code == 200
    assert seen_by(world, listing, guest) == [404]


def test_listings_for_ones_own_members_alone(world: Any, city: Any) -> None:
    listing = world.listing(city, visibility="organization")
    world.file(city, listing)
    offered(listing)
    publish(world, city, listing)
    colleague = world.colleague(city, "viewer")
    assert seen_by(world, listing, colleague, world.admin) == [200, 200]
    assert seen_by(world, listing, world.organization("よその会社"), None) == [404, 404]


def seen_by(world: Any, listing: Any, *people: Any) -> list[int]:
    path = f"/listings/{listing['id']}"
    return [p.get(path).status_code if p else world.app.test_client().get("/api/v1" + path).status_code for p in people]


def test_the_holder_of_a_contract_sees_what_was_withdrawn(world: Any, city: Any, ready: Any, monkeypatch: Any) -> None:
    from listings import registries

    buyer = world.organization("契約者")
    publish(world, city, ready)
    city.post(f"/listings/{ready['id']}/withdraw", {"reason": "終了"})
    assert buyer.get(f"/listings/{ready['id']}").status_code == 404
    monkeypatch.setattr(registries, "SUBSCRIBERS", [lambda listing_id: [buyer.organization_id]])
    assert buyer.get(f"/listings/{ready['id']}").status_code == 200
