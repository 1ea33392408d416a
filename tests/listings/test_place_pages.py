"""The pages and doors of storage places: registered, checked, changed, files registered, closed."""

from __future__ import annotations

import pytest

from exchange.database import session
from listings.models import StoragePlace
from tests.holder import BUCKET, KEY, PREFIX, ROLE, SECRET
from tests.listings.test_places import CSV, PROBE, fields, registered, role


@pytest.fixture
def owner(world):
    return world.organization("提供社")


def test_an_owner_registers_a_place_sees_what_is_wrong_mends_it_and_registers_a_file(holder, world, owner):
    holder.put(PROBE, CSV)
    holder.may_list = True
    told = fields(holder, log_source="", log_location="")
    made = owner.fill("/desk/places/new", **told)
    assert made.status_code == 303
    path = made.location
    assert "確認しています" in owner.see(path)
    world.work()
    page = owner.see(path)
    assert "使えません" in page and "s3:ListBucket を許可しないか" in page and SECRET not in page

    holder.may_list = False
    assert owner.fill(path, f"{path}/check").status_code == 303
    world.work()
    assert "使えます" in owner.see(path)

    listing = world.listing(owner)
    form = f"/desk/listings/{listing['id']}/files/held"
    place_id = path.rpartition("/")[2]
    refused = owner.fill(form, place_id=place_id, keys="elsewhere/x.csv")
    assert refused.status_code == 422 and "登録した場所" in refused.get_data(as_text=True)
    assert owner.fill(form, place_id=place_id, keys=f"{PROBE}\r\n").status_code == 303
    world.work()
    assert "確認.csv" in owner.see(f"/desk/listings/{listing['id']}/files")
    closing = owner.fill(f"{path}/close")
    assert closing.status_code == 422 and "掲載に使われています" in closing.get_data(as_text=True)


def test_the_page_of_a_role_shows_what_to_write_into_its_trust_policy(holder, owner):
    place = registered(holder, owner, **role())
    page = owner.see(f"/desk/places/{place.id}")
    assert place.external_id in page and "arn:aws:iam::111111111111:root" in page
    assert f"arn:aws:s3:::{BUCKET}/{PREFIX}*" in page and "PutObject" not in page


def test_strangers_administrators_and_colleagues_find_no_door(holder, world, owner):
    place = registered(holder, owner)
    for person in (world.organization("他社"), world.admin):
        assert person.browser.get(f"/desk/places/{place.id}").status_code in (403, 404)
        assert person.get(f"/places/{place.id}").status_code in (403, 404)
    officer = world.colleague(owner, "data_officer")
    assert officer.get("/places").json["items"][0]["id"] == place.id
    assert place.name in officer.see("/desk/places")
    assert officer.post("/places", fields(holder)).status_code == 403
    assert officer.call("PATCH", f"/places/{place.id}", {"name": "x"}).status_code == 403
    assert officer.call("DELETE", f"/places/{place.id}").status_code == 403
    assert world.colleague(owner, "viewer").get("/places").status_code == 403
    assert world.app.test_client().get("/desk/places").status_code in (302, 303, 401)


def test_the_api_registers_checks_changes_and_closes_a_place(holder, world, owner):
    holder.put(PROBE, CSV)
    body = fields(holder, **role())
    made = owner.post("/places", body)
    assert (made.status_code, made.json["state"], made.json["access_key"]) == (201, "checking", None)
    holder.external_ids[ROLE] = made.json["external_id"]
    world.work()
    path = f"/places/{made.json['id']}"
    found = owner.get(path).json
    assert found["state"] == "usable" and all(check["passed"] for check in found["checks"])
    assert owner.call("PATCH", path, {"name": "別名"}).json["name"] == "別名"
    assert owner.post(f"{path}/check").status_code == 202
    assert owner.call("DELETE", path).status_code == 204
    assert owner.post(f"{path}/check").status_code == 409
    assert owner.get("/places").json["items"] == []
    assert session.get_one(StoragePlace, made.json["id"]).external_id


@pytest.mark.parametrize(
    "change",
    [
        {"kind": []},
        {"endpoint_url": "https://10.0.0.1"},
        {"prefix": "\0"},
        {"bucket": "x" * 64},
        {"extra": 1},
        {"name": 5},
    ],
)
def test_bad_input_is_refused_with_what_to_do(holder, owner, change, monkeypatch):
    from exchange.config import config

    monkeypatch.delenv("BUCKETS_ON_PRIVATE_NETWORKS")
    config.cache_clear()
    refused = owner.post("/places", fields(holder, endpoint_url="https://s3.example.jp") | change)
    assert refused.status_code in (400, 422) and refused.json["errors"]
    assert owner.post("/places", ["x"]).status_code in (400, 422)
    assert owner.fill("/desk/places/new", kind="key", access_key=KEY).status_code == 422
