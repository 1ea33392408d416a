"""What administrators see of files, and what the site says of itself: no more than is true."""

from __future__ import annotations

import pytest

from exchange import clock, database
from exchange.database import session
from listings import actions, queries
from listings.models import File
from tests.holder import PREFIX
from tests.listings.test_places import holds, registered
from tests.world import ONE_OFF

# Values of every kind that inspection quotes: a phone number, a date that cannot be read, an era, a blank at the end.
ROWS = [
    ("氏名", "電話番号", "日付", "和暦", "メモ"),
    *((f"山内{n}", f"03-1234-56{n:02}", f"2026-01-{n % 28 + 1:02}", f"令和5年{n % 12 + 1}月1日", f"秘密の値{n} ") for n in range(40)),
    ("山内40", "03-1234-5699", "2026/99/99", "令和5年1月1日", "秘密の値40"),
]  # fmt: skip
DATA = "\n".join(",".join(row) for row in ROWS).encode()
SECRETS = [cell.strip() for row in ROWS[1:] for cell in row]
CLAIM = "中立な取引市場の基準"


def told(text):
    """Which values of the file a text gives away."""
    return sorted({value for value in SECRETS if value in text})


@pytest.fixture
def submitted(world):
    """A listing handed in for review, nothing of its file released."""
    owner = world.organization("提供社")
    listing = world.listing(owner)
    file = world.file(owner, listing, data=DATA)
    offer = {"name": "標準", "template": "provision-licence", "pricing": ONE_OFF, "variables": {}}
    assert owner.post(f"/listings/{listing['id']}/offers", offer).status_code == 201
    found = queries.file_seen_by(owner.member, listing["id"], file["id"]).findings
    answers = [{"file_id": f.file_id, "kind": f.kind, "column": f.column, "answer": "確認済み"} for f in found]
    answer = owner.post(f"/listings/{listing['id']}/submit", {"answers": answers})
    assert answer.status_code == 200, answer.json
    return owner, listing["id"], file["id"]


def test_an_administrator_sees_nothing_of_a_file_that_its_provider_did_not_release(submitted, world):
    owner, listing_id, file_id = submitted
    assert told(owner.see(f"/desk/listings/{listing_id}/files/{file_id}"))  # its provider does
    admin = world.admin
    pages = [f"/desk/reviews/listings/{listing_id}", f"/listings/{listing_id}", "/desk/reviews", "/desk/audit", "/desk"]
    for path in pages:
        assert told(admin.see(path)) == [], path
    assert admin.browser.get(f"/desk/listings/{listing_id}/files/{file_id}").status_code in (403, 404)
    for path in (f"/listings/{listing_id}", f"/listings/{listing_id}/files/{file_id}"):
        assert told(admin.get(path).get_data(as_text=True)) == [], path
    released = owner.post(f"/listings/{listing_id}/return", {"reason": "x"})
    assert released.status_code == 403
    assert admin.post(f"/listings/{listing_id}/publish").status_code == 200
    for path in (f"/listings/{listing_id}/files/{file_id}/content", "/contracts"):
        assert told(admin.get(path).get_data(as_text=True)) == []
    recalled = admin.post(f"/listings/{listing_id}/files/{file_id}/recall", {"reason": "確認"})
    assert recalled.status_code == 200 and told(recalled.get_data(as_text=True)) == []


def test_no_command_shows_a_file(app):
    """Commands name listings and counts; none takes a file or prints rows."""
    groups = {name for name in app.cli.commands}
    assert not groups & {"files", "file", "objects", "listings", "data"}


def test_the_claim_of_a_neutral_operator_stands_on_listings_in_the_holders_own_bucket_alone(holder, world):
    owner = world.organization("提供社")
    managed, _, _ = world.published(owner, {"model": "free"})
    assert CLAIM not in world.admin.see(f"/listings/{managed['id']}")
    assert "保管委託" in world.admin.see(f"/listings/{managed['id']}")

    place, listing = registered(holder, owner), world.listing(owner)
    holder.put(f"{PREFIX}人口.csv", DATA)
    made = holds(world, owner, place, listing, f"{PREFIX}人口.csv")
    file_id = made.json["items"][0]["id"]
    publish(world, owner, listing["id"], file_id)
    page = world.app.test_client().get(f"/listings/{listing['id']}").get_data(as_text=True)
    assert CLAIM in page and "提供者の保管場所" in page
    assert owner.get(f"/listings/{listing['id']}/files/{file_id}").json["storage"] == "own"
    for path in ("/", "/listings", "/terms/providers", "/terms/users", "/privacy", "/contact", "/recognition"):
        assert CLAIM not in world.admin.see(path), path


def publish(world, owner, listing_id, file_id):
    """With one row and one column released."""
    with database.transaction():
        file = queries.file_seen_by(owner.member, listing_id, file_id)
        actions.describe_file(file, released_rows=2, released_columns=["日付"], by=owner.member, at=clock.now())
        answers = [actions.Answer(f.file_id, f.kind, f.column, "確認済み") for f in file.findings]
    offer = {"name": "標準", "template": "provision-licence", "pricing": {"model": "free"}, "variables": {}}
    assert owner.post(f"/listings/{listing_id}/offers", offer).status_code == 201
    with database.transaction():
        actions.submit(queries.listing_by_id(listing_id), answers=answers, by=owner.member, at=clock.now())
    assert world.admin.post(f"/listings/{listing_id}/publish").status_code == 200


def test_of_a_file_in_its_holders_own_bucket_only_what_was_released_stays_here(holder, world):
    owner = world.organization("提供社")
    place, listing = registered(holder, owner), world.listing(owner)
    holder.put(f"{PREFIX}人口.csv", DATA)
    file_id = holds(world, owner, place, listing, f"{PREFIX}人口.csv").json["items"][0]["id"]
    publish(world, owner, listing["id"], file_id)
    file = session.get_one(File, file_id, populate_existing=True)
    assert [[cell for cell in row if cell] for row in file.sample] == [["2026-01-01"], ["2026-01-02"]]
    assert [c["name"] for c in file.columns if c.get("example")] == ["日付"]
    assert owner.get(f"/listings/{listing['id']}/files/{file_id}").json["preview"] == [["2026-01-01"], ["2026-01-02"]]
