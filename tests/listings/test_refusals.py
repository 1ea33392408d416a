"""One refusal each: what comes in wrong gives a clear answer and changes nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.listings.conftest import offered, publish
from tests.world import LISTING

FILE = {"name": "人口.csv", "size": 10, "media_type": "text/csv"}


@pytest.mark.parametrize("data_class", ["personal", "sensitive", "pseudonymized", "my_number"])
def test_unlawful_classes_are_refused_with_the_article(city: Any, data_class: str) -> None:
    refused = city.post("/listings", {**LISTING, "data_class": data_class})
    assert refused.status_code == 422
    assert refused.json["errors"]["data_class"]
    assert "第" in refused.json["detail"] and "条" in refused.json["detail"]


def test_a_draft_cannot_be_changed_to_an_unlawful_class(world: Any, city: Any) -> None:
    listing = world.listing(city)
    changed = city.call("PATCH", f"/listings/{listing['id']}", {"data_class": "personal"})
    assert changed.status_code == 422


def test_a_municipality_cannot_list_anonymized_data(city: Any) -> None:
    assert city.post("/listings", {**LISTING, "data_class": "anonymized"}).status_code == 422


@pytest.mark.parametrize("data_class", ["anonymized", "person_related"])
def test_gated_classes_stay_drafts(world: Any, data_class: str) -> None:
    company = world.organization("みなと商事")
    listing = world.listing(company, data_class=data_class)
    world.file(company, listing)
    offered(listing)
    refused = company.post(f"/listings/{listing['id']}/submit")
    assert (refused.status_code, refused.json["state"]) == (409, "draft")
    assert "条" in refused.json["detail"]
    assert company.get(f"/listings/{listing['id']}").json["state"] == "draft"


def test_an_unverified_organization_may_not_list(world: Any) -> None:
    refused = world.organization("未確認商店", verified=False).post("/listings", LISTING)
    assert refused.status_code == 403
    assert "確認" in refused.json["detail"]


def test_the_operator_lists_nothing(world: Any) -> None:
    assert world.admin.post("/listings", LISTING).status_code == 403


def test_a_viewer_may_not_list(world: Any, city: Any) -> None:
    assert world.colleague(city, "viewer").post("/listings", LISTING).status_code == 403


def test_a_stranger_is_asked_for_a_token(world: Any) -> None:
    assert world.app.test_client().post("/api/v1/listings", json=LISTING).status_code == 401


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""), ("title", "あ" * 201), ("title", "二行\nの題"), ("title", 5), ("title", None),
        ("summary", "あ" * 401), ("description", "あ" * 10_001), ("theme", "weather"), ("update_frequency", "hourly"),
        ("keywords", ["k"] * 31), ("keywords", "文字列"), ("keywords", [""]), ("area_codes", ["99"]),
        ("area_codes", ["131033"]), ("period_start", "2026-13-01"), ("period_start", "2027-01-01"),
        ("declaration", False), ("declaration", "yes"), ("visibility", "secret"), ("invited", ["nobody"]),
        ("contact", {"email": "no address"}), ("contact", {"phone": "電話"}), ("data_class", "secret"), ("unknown", 1),
        ("title", "a\u0000b"), ("title", "a\u0007b"), ("licence", ""),
    ],
)  # fmt: skip
def test_fields_that_cannot_be_taken(city: Any, field: str, value: Any) -> None:
    refused = city.post("/listings", {**LISTING, field: value})
    assert refused.status_code == 422, refused.json
    assert refused.json["errors"]


def test_half_a_character_is_refused(city: Any) -> None:
    body = json.dumps({**LISTING, "title": "a\ud800b"}).encode()  # escaped, as a program may send it
    refused = city.call("POST", "/listings", data=body, content_type="application/json")
    assert refused.status_code == 422


@pytest.mark.parametrize("field", ["title", "summary", "description", "theme", "data_class", "source", "declaration"])
def test_required_fields(city: Any, field: str) -> None:
    body = {key: value for key, value in LISTING.items() if key != field}
    refused = city.post("/listings", body)
    assert (refused.status_code, list(refused.json["errors"])) == (422, [field])


def test_markup_is_text_like_any_other(world: Any, city: Any) -> None:
    words = "<script>alert(1)</script>"
    listing = world.listing(city, title=words, summary=words, description=words, source=words, keywords=[words])
    assert listing["title"] == words


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", "../a.csv"), ("name", "a/b.csv"), ("name", ""), ("name", "あ" * 151), ("size", -1), ("size", 10**11 + 1),
     ("size", "10"), ("size", 1.5), ("media_type", "csv"), ("media_type", "text/csv\r\nx: y"), ("multipart", "yes")],
)  # fmt: skip
def test_files_that_cannot_be_announced(world: Any, city: Any, field: str, value: Any) -> None:
    listing = world.listing(city)
    refused = city.post(f"/listings/{listing['id']}/files", {**FILE, field: value})
    assert refused.status_code == 422, refused.json


def test_more_than_five_gigabytes_go_in_parts(world: Any, city: Any) -> None:
    listing = world.listing(city)
    big = {**FILE, "size": 6 * 10**9}
    assert city.post(f"/listings/{listing['id']}/files", big).status_code == 422
    made = city.post(f"/listings/{listing['id']}/files", {**big, "multipart": True})
    assert made.status_code == 201
    assert made.json["upload"]["parts"] * made.json["upload"]["part_size"] >= big["size"]


def test_anothers_draft_is_unknown_and_anothers_listing_untouchable(world: Any, city: Any, ready: Any) -> None:
    other = world.organization("よその会社")
    assert other.post(f"/listings/{ready['id']}/files", FILE).status_code == 404
    assert other.get(f"/listings/{ready['id']}").status_code == 404
    publish(world, city, ready)
    assert other.post(f"/listings/{ready['id']}/files", FILE).status_code == 403
    assert other.post(f"/listings/{ready['id']}/releases", {"note": "x"}).status_code == 403
    assert other.post(f"/listings/{ready['id']}/withdraw", {"reason": "x"}).status_code == 403
    assert other.call("PATCH", f"/listings/{ready['id']}", {"title": "x"}).status_code == 403
    file_id = city.get(f"/listings/{ready['id']}").json["files"][0]["id"]
    assert other.post(f"/listings/{ready['id']}/files/{file_id}/recall", {"reason": "x"}).status_code == 403
    assert other.post(f"/listings/{ready['id']}/publish").status_code == 403


def test_nobody_changes_what_is_under_review(world: Any, city: Any, ready: Any) -> None:
    city.post(f"/listings/{ready['id']}/submit")
    changed = city.call("PATCH", f"/listings/{ready['id']}", {"title": "別の題"})
    assert (changed.status_code, changed.json["state"]) == (409, "submitted")
    assert city.post(f"/listings/{ready['id']}/files", FILE).status_code == 409


def test_a_published_listing_keeps_its_class(world: Any, city: Any, ready: Any) -> None:
    publish(world, city, ready)
    assert city.call("PATCH", f"/listings/{ready['id']}", {"data_class": "statistics"}).status_code == 409
    changed = city.call("PATCH", f"/listings/{ready['id']}", {"summary": "新しい説明"})
    assert (changed.status_code, changed.json["summary"]) == (200, "新しい説明")


def test_a_period_that_ends_before_it_starts_is_refused_in_a_change_too(world: Any, city: Any) -> None:
    listing = world.listing(city)
    assert city.call("PATCH", f"/listings/{listing['id']}", {"period_end": "2020-01-01"}).status_code == 422


def test_a_made_up_cursor_is_refused(world: Any) -> None:
    answer = world.app.test_client().get("/api/v1/listings?cursor=bWFkZSB1cA")
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["cursor"])


def test_a_return_needs_its_reason(world: Any, city: Any, ready: Any) -> None:
    city.post(f"/listings/{ready['id']}/submit")
    assert world.admin.post(f"/listings/{ready['id']}/return", {}).status_code == 422
    assert world.admin.post(f"/listings/{ready['id']}/return", {"reason": " "}).status_code == 422


def test_the_same_request_with_the_same_key_makes_one_listing(city: Any) -> None:
    headers = {"Idempotency-Key": "the-same"}
    first = city.post("/listings", LISTING, headers=headers)
    again = city.post("/listings", LISTING, headers=headers)
    assert first.json["id"] == again.json["id"]
    assert again.headers["Idempotency-Replayed"] == "true"


def test_columns_that_look_personal_are_not_shown_as_sample(world: Any, city: Any) -> None:
    listing = world.listing(city)
    rows = "".join(f"{n},03-1234-{n}\n" for n in range(1000, 1040))
    file = world.file(city, listing, "連絡先.csv", ("id,電話番号\n" + rows).encode())
    column = file["findings"][0]["column"]
    path = f"/listings/{listing['id']}/files/{file['id']}"
    refused = city.call("PATCH", path, {"released_rows": 3, "released_columns": [column]})
    assert (refused.status_code, list(refused.json["errors"])) == (422, ["released_columns"])


def test_files_of_published_releases_are_held_by_the_database(world: Any, city: Any, ready: Any) -> None:
    from sqlalchemy import exc, text

    from exchange.database import session

    publish(world, city, ready)
    with pytest.raises(exc.DBAPIError, match="never change"):
        session.execute(text("UPDATE file SET sha256 = 'x'"))
    session.rollback()
