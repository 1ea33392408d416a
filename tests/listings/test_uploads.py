"""Bytes on their way: straight to the store, in one piece or in parts, completed, swept, refused, replaced."""

from __future__ import annotations

import urllib.error
import urllib.request
from datetime import timedelta
from typing import Any

import pytest

from exchange import clock, database, jobs, storage
from exchange.database import session
from listings import actions, rules
from listings.models import File
from tests.world import put

CSV = b"id,value\n1,2\n"


def announced(provider: Any, listing: Any, **fields: Any) -> Any:
    body = {"name": "人口.csv", "size": len(CSV), "media_type": "text/csv", **fields}
    made = provider.post(f"/listings/{listing['id']}/files", body)
    assert made.status_code == 201, made.json
    return made.json


def test_completing_before_the_bytes_arrive_is_refused(world: Any, city: Any) -> None:
    listing = world.listing(city)
    file = announced(city, listing)
    refused = city.post(f"/listings/{listing['id']}/files/{file['id']}/complete")
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/upload-missing")
    assert city.get(f"/listings/{listing['id']}/files/{file['id']}").json["state"] == "uploading"


def test_completing_twice_changes_nothing(world: Any, city: Any) -> None:
    listing = world.listing(city)
    file = announced(city, listing)
    put(file["upload"]["url"], CSV, file["upload"]["headers"])
    path = f"/listings/{listing['id']}/files/{file['id']}/complete"
    assert [city.post(path).status_code for _ in range(2)] == [202, 202]
    world.work()
    assert city.post(path).json["state"] == "ready"


def test_a_put_after_completion_does_not_change_the_file(world: Any, city: Any) -> None:
    listing = world.listing(city)
    file = announced(city, listing)
    upload = file["upload"]
    put(upload["url"], CSV, upload["headers"])
    city.post(f"/listings/{listing['id']}/files/{file['id']}/complete")
    world.work()
    put(upload["url"], b"id,value\n9,9\n", upload["headers"])
    key = session.get_one(File, file["id"]).object_key
    assert key and storage.read(key) == CSV


def test_a_file_of_another_size_than_announced_is_refused_and_replaced(world: Any, city: Any) -> None:
    listing = world.listing(city)
    file = announced(city, listing, size=5)
    put(file["upload"]["url"], CSV, file["upload"]["headers"])
    city.post(f"/listings/{listing['id']}/files/{file['id']}/complete")
    world.work()
    refused = city.get(f"/listings/{listing['id']}/files/{file['id']}").json
    assert refused["state"] == "refused"
    assert "大きさ" in refused["reason"]

    again = world.file(city, listing)
    assert again["state"] == "ready"
    assert [f["id"] for f in city.get(f"/listings/{listing['id']}").json["files"]] == [again["id"]]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("空.xlsx", b""),
        ("壊れた.xlsx", b"PK\x03\x04 truncated"),
        ("error.csv", b"<!DOCTYPE html><html><body>404</body></html>"),
    ],
)
def test_broken_files_are_refused_with_a_reason(world: Any, city: Any, name: str, data: bytes) -> None:
    listing = world.listing(city)
    file = world.file(city, listing, name, data)
    assert file["state"] == "refused"
    assert file["reason"]


def test_two_files_of_one_name_are_refused(world: Any, city: Any) -> None:
    listing = world.listing(city)
    world.file(city, listing)
    body = {"name": "人口.csv", "size": 1, "media_type": "text/csv"}
    assert city.post(f"/listings/{listing['id']}/files", body).status_code == 422


def test_an_upload_in_parts(world: Any, city: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    part_size = 5 * 1024 * 1024
    monkeypatch.setattr(rules, "PART_SIZE_MIN", part_size)
    row = b"1," + b"x" * 1021 + b"\n"
    data = b"id,value\n" + row * (part_size // len(row) + 100)
    listing = world.listing(city)
    file = announced(city, listing, size=len(data), multipart=True)
    assert file["upload"] == {"part_size": part_size, "parts": 2}
    base = f"/listings/{listing['id']}/files/{file['id']}"
    assert city.post(base + "/complete", {"parts": []}).status_code == 422

    # The connection was lost after the first part; the second is asked for again.
    etags = {1: send(city, base, 1, data[:part_size])}
    etags[2] = send(city, base, 2, data[part_size:])
    parts = [{"number": number, "etag": etag} for number, etag in etags.items()]
    assert city.post(base + "/complete", {"parts": parts[:1]}).status_code == 422
    done = city.post(base + "/complete", {"parts": parts})
    assert done.status_code == 202, done.json
    world.work()
    ready = city.get(base).json
    assert (ready["state"], ready["size"], ready["rows"]) == ("ready", len(data), part_size // len(row) + 100)


def send(provider: Any, base: str, number: int, data: bytes) -> str:
    answer = provider.post(base + "/parts", {"numbers": [number]})
    assert answer.status_code == 200, answer.json
    url = answer.json["parts"][0]["url"]
    with urllib.request.urlopen(urllib.request.Request(url, data=data, method="PUT"), timeout=30) as sent:
        return str(sent.headers["ETag"]).strip('"')


def test_where_the_store_forgot_the_upload_it_starts_again(world: Any, city: Any) -> None:
    listing = world.listing(city)
    file = announced(city, listing, multipart=True)
    base = f"/listings/{listing['id']}/files/{file['id']}"
    send(city, base, 1, CSV)
    row = session.get_one(File, file["id"])
    storage.abort_multipart(row.upload_key, upload_id=str(row.upload_id))

    lost = city.post(base + "/complete", {"parts": [{"number": 1, "etag": "x"}]})
    assert (lost.status_code, lost.json["type"]) == (409, "/problems/upload-forgotten")
    again = city.post(base + "/parts", {"numbers": [1], "restart": True}).json["parts"][0]["url"]
    with urllib.request.urlopen(urllib.request.Request(again, data=CSV, method="PUT"), timeout=30) as sent:
        etag = sent.headers["ETag"].strip('"')
    assert city.post(base + "/complete", {"parts": [{"number": 1, "etag": etag}]}).status_code == 202


def test_parts_beyond_the_file_are_refused(world: Any, city: Any) -> None:
    listing = world.listing(city)
    file = announced(city, listing, multipart=True)
    base = f"/listings/{listing['id']}/files/{file['id']}"
    assert city.post(base + "/parts", {"numbers": [2]}).status_code == 422
    assert city.post(base + "/parts", {"numbers": []}).status_code == 422


def test_an_upload_never_completed_is_swept_after_a_day(world: Any, city: Any) -> None:
    listing = world.listing(city)
    file = announced(city, listing)
    put(file["upload"]["url"], CSV, file["upload"]["headers"])
    with database.transaction():
        assert actions.sweep_uploads(at=clock.now() + timedelta(hours=23)) == 0
        assert actions.sweep_uploads(at=clock.now() + timedelta(hours=25)) == 1
    world.work()
    with database.transaction():
        jobs.HANDLERS["discard-file"]({"file_id": file["id"]}, at=clock.now())
    assert storage.head(f"uploads/{file['id']}") is None
    assert city.get(f"/listings/{listing['id']}").json["files"] == []


def test_a_file_that_kills_its_reader_is_not_read_for_ever(world: Any, city: Any) -> None:
    listing = world.listing(city)
    file = announced(city, listing)
    put(file["upload"]["url"], CSV, file["upload"]["headers"])
    city.post(f"/listings/{listing['id']}/files/{file['id']}/complete")
    with database.transaction():
        session.get_one(File, file["id"]).read_attempts = 3
    world.work()
    assert city.get(f"/listings/{listing['id']}/files/{file['id']}").json["state"] == "refused"


def test_a_presigned_upload_cannot_be_turned_to_another_key(world: Any, city: Any) -> None:
    file = announced(city, world.listing(city))
    elsewhere = file["upload"]["url"].replace(file["id"], "0" * 26)
    with pytest.raises(urllib.error.HTTPError) as refused:
        put(elsewhere, CSV, file["upload"]["headers"])
    assert refused.value.code == 403
