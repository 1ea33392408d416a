"""From draft to published, released anew, recalled, withdrawn: over the API, as a provider and an administrator do."""

from __future__ import annotations

from typing import Any

from tests.listings.conftest import offered, publish


def test_a_provider_lists_and_an_administrator_publishes(world: Any, city: Any, ready: Any) -> None:
    assert world.app.test_client().get(f"/api/v1/listings/{ready['id']}").status_code == 404
    submitted = city.post(f"/listings/{ready['id']}/submit")
    assert (submitted.status_code, submitted.json["state"]) == (200, "submitted")

    published = world.admin.post(f"/listings/{ready['id']}/publish")
    assert (published.status_code, published.json["state"]) == (200, "published")

    seen = world.app.test_client().get(f"/api/v1/listings/{ready['id']}").json
    assert seen["files"][0]["state"] == "ready"
    assert [c["name"] for c in seen["columns"]] == ["id", "value"]
    assert seen["files"][0]["variants"]["original"]["size"] == 13
    assert seen["formats"] == ["csv"]
    assert seen["releases"][0]["state"] == "published"


def test_two_administrators_cannot_both_publish(world: Any, city: Any, ready: Any) -> None:
    publish(world, city, ready)
    again = world.administrator(1).post(f"/listings/{ready['id']}/publish")
    assert again.status_code == 409
    assert again.json["state"] == "published"
    assert "release" in again.json["allowed"]


def test_what_is_returned_is_a_draft_again_and_the_provider_is_told_why(world: Any, city: Any, ready: Any) -> None:
    city.post(f"/listings/{ready['id']}/submit")
    returned = world.admin.post(f"/listings/{ready['id']}/return", {"reason": "出典を書いてください。"})
    assert (returned.status_code, returned.json["state"]) == (200, "draft")
    from exchange.identity import queries

    assert any("出典を書いてください" in notice.body for notice in queries.notices_of(city.member).items)
    assert city.post(f"/listings/{ready['id']}/submit").json["state"] == "submitted"


def test_a_new_release_leaves_the_published_files_alone(world: Any, city: Any, ready: Any) -> None:
    first = publish(world, city, ready)["files"][0]
    made = city.post(f"/listings/{ready['id']}/releases", {"note": "2026年度分を追加"})
    assert (made.status_code, made.json["number"], made.json["state"]) == (201, 2, "draft")
    second = world.file(city, ready, "人口2.csv", b"id,value\n3,4\n5,6\n")
    stranger = world.app.test_client()
    assert [f["id"] for f in stranger.get(f"/api/v1/listings/{ready['id']}").json["files"]] == [first["id"]]

    now = publish(world, city, ready)
    assert [f["id"] for f in now["files"]] == [second["id"]]
    assert [r["number"] for r in now["releases"]] == [2, 1]
    assert city.get(f"/listings/{ready['id']}/files/{first['id']}").json["sha256"] == first["sha256"]
    assert city.call("DELETE", f"/listings/{ready['id']}/files/{first['id']}").status_code == 409


def test_a_second_draft_release_is_refused(world: Any, city: Any, ready: Any) -> None:
    publish(world, city, ready)
    city.post(f"/listings/{ready['id']}/releases", {"note": "次"})
    again = city.post(f"/listings/{ready['id']}/releases", {"note": "次の次"})
    assert (again.status_code, again.json["state"]) == (409, "draft")


def test_a_recalled_file_is_moved_away_from_issued_links(world: Any, city: Any, ready: Any) -> None:
    from exchange import storage
    from exchange.database import session
    from listings.models import File

    file = publish(world, city, ready)["files"][0]
    key = session.get_one(File, file["id"]).object_key
    recalled = city.post(f"/listings/{ready['id']}/files/{file['id']}/recall", {"reason": "誤って公開した"})
    assert recalled.status_code == 200, recalled.json
    assert recalled.json["recalled_at"] and recalled.json["recipients"] == []
    world.work()
    assert storage.head(key) is None
    session.expire_all()
    kept = session.get_one(File, file["id"])
    assert storage.head(kept.object_key) is not None
    assert not kept.is_deliverable
    again = city.post(f"/listings/{ready['id']}/files/{file['id']}/recall", {"reason": "もう一度"})
    assert again.status_code == 409


def test_a_draft_file_is_removed_not_recalled(world: Any, city: Any, ready: Any) -> None:
    file = city.get(f"/listings/{ready['id']}").json["files"][0]
    assert city.post(f"/listings/{ready['id']}/files/{file['id']}/recall", {"reason": "x"}).status_code == 409
    assert city.call("DELETE", f"/listings/{ready['id']}/files/{file['id']}").status_code == 204
    assert city.get(f"/listings/{ready['id']}").json["files"] == []


def test_a_withdrawn_listing_is_gone_for_strangers_and_stays_withdrawn(world: Any, city: Any, ready: Any) -> None:
    publish(world, city, ready)
    withdrawn = city.post(f"/listings/{ready['id']}/withdraw", {"reason": "提供を終えるため"})
    assert (withdrawn.status_code, withdrawn.json["state"]) == (200, "withdrawn")
    assert world.app.test_client().get(f"/api/v1/listings/{ready['id']}").status_code == 404
    assert city.get(f"/listings/{ready['id']}").status_code == 200
    assert city.post(f"/listings/{ready['id']}/submit").status_code == 409


def test_findings_need_an_answer_each(world: Any, city: Any) -> None:
    listing = world.listing(city)
    rows = "".join(f"{n},担当{n},03-1234-{n:04}\n" for n in range(1000, 1040))
    file = world.file(city, listing, "連絡先.csv", ("id,氏名,電話番号\n" + rows).encode())
    offered(listing)
    assert file["findings"], file
    refused = city.post(f"/listings/{listing['id']}/submit")
    assert refused.status_code == 409
    assert refused.json["type"] == "/problems/findings-unanswered"
    assert {f["file_id"] for f in refused.json["findings"]} == {file["id"]}

    answers = [
        {"file_id": file["id"], "kind": f["kind"], "column": f["column"], "answer": "施設の代表番号です。"}
        for f in refused.json["findings"]
    ]
    unknown = city.post(f"/listings/{listing['id']}/submit", {"answers": [{**answers[0], "kind": "nothing"}]})
    assert unknown.status_code == 422
    assert city.post(f"/listings/{listing['id']}/submit", {"answers": answers[:-1]}).status_code == 409
    done = city.post(f"/listings/{listing['id']}/submit", {"answers": answers})
    assert done.status_code == 200, done.json
    assert all(f["answer"] for f in done.json["files"][0]["findings"])


def test_what_is_missing_is_named(world: Any, city: Any) -> None:
    listing = world.listing(city)
    refused = city.post(f"/listings/{listing['id']}/submit")
    assert refused.status_code == 409
    assert set(refused.json["missing"]) == {"files", "offers"}


def test_the_sample_is_shown_only_as_far_as_released(world: Any, city: Any, ready: Any) -> None:
    file = city.get(f"/listings/{ready['id']}").json["files"][0]
    assert "example" not in file["columns"][0]
    path = f"/listings/{ready['id']}/files/{file['id']}"
    body = {"columns": [{"name": "value", "description": "人数"}], "released_rows": 1, "released_columns": ["value"]}
    described = city.call("PATCH", path, body)
    assert described.status_code == 200, described.json
    publish(world, city, ready)
    seen = world.app.test_client().get(f"/api/v1{path}").json
    assert seen["preview"] == [["2"]]
    assert [c.get("example") for c in seen["columns"]] == [None, "2"]
    assert seen["columns"][1]["description"] == "人数"
    assert city.call("PATCH", path, body).status_code == 409
