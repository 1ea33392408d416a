"""Who gets a link, and who does not: one test a refusal."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from delivery import queries
from delivery.models import Grant
from exchange import clock
from exchange.database import session
from listings.models import File, Listing, Release
from tests.delivery.deals import METERED, deal, log_line
from tests.delivery.test_metering import draw, log, read

_ = log  # the fixture


def ask(made, person=None, **body):
    person = person or made.buyer
    return person.post(f"/contracts/{made.contract.id}/links", {"file_id": made.file.id} | body)


def test_the_buyer_gets_a_link_with_its_grant_written_first(world):
    made = deal(world)
    answer = ask(made)
    assert answer.status_code == 201, answer.json
    link = answer.json
    assert f"x-grant={link['id']}" in link["url"] and "X-Amz-Expires=300" in link["url"]
    assert "filename%2A%3DUTF-8%27%27" in link["url"]
    assert (link["method"], link["size"], link["name"]) == ("GET", 1000, made.file.name)
    assert link["expires_at"].endswith("+09:00")
    grant = session.get_one(Grant, link["id"])
    assert (grant.contract_id, grant.member_id, grant.size) == (made.contract.id, made.buyer.id, 1000)


def test_a_stranger_learns_nothing_and_the_provider_gets_nothing(world):
    made = deal(world)
    assert ask(made, world.organization("他社")).status_code == 404
    assert ask(made, made.provider).status_code == 403
    assert ask(made, world.admin).status_code == 403
    assert ask(made, world.colleague(made.buyer, "viewer")).status_code == 403
    assert world.app.test_client().post(f"/api/v1/contracts/{made.contract.id}/links", json={}).status_code == 401
    assert session.scalar(select(func.count()).select_from(Grant)) == 0


@pytest.mark.parametrize("state", ["requested", "suspended", "terminated", "ended"])
def test_a_contract_not_in_force_delivers_nothing(world, state):
    answer = ask(deal(world, state=state))
    assert answer.status_code == 409
    assert answer.json["state"] == state and isinstance(answer.json["allowed"], list)


def test_before_after_and_unpaid_terms_deliver_nothing(world):
    today = clock.today()
    for terms in (
        {"starts_on": today + timedelta(days=1)},
        {"starts_on": today - timedelta(days=9), "ends_on": today - timedelta(days=1)},
        {"payment": "prepaid"},
    ):
        assert ask(deal(world, **terms)).status_code == 409
    assert ask(deal(world, payment="prepaid", paid_at=clock.now())).status_code == 201


def test_only_files_of_the_contracted_releases(world):
    made, other = deal(world), deal(world)
    assert ask(made, file_id=other.file.id).status_code == 404
    assert ask(made, file_id="nothing").status_code == 404
    session.execute(update(Release).where(Release.id == made.release.id).values(published_at=None, state="draft"))
    session.commit()
    assert ask(made).status_code == 404


def test_a_recalled_file_is_not_delivered(world):
    made = deal(world)
    session.execute(update(File).where(File.id == made.file.id).values(recalled_at=clock.now()))
    session.commit()
    answer = ask(made)
    assert answer.status_code == 409 and answer.json["type"] == "/problems/file-recalled"


@pytest.mark.parametrize(
    "body",
    [
        {"expires_in": 901},
        {"expires_in": 0},
        {"variant": "parquet"},
        {"variant": "zip"},
        {"file_id": 5},
        {"more": 1},
    ],
)
def test_what_cannot_be_taken_is_named(world, body):
    answer = ask(deal(world), **body)
    assert answer.status_code == 422
    assert answer.json["errors"]


def test_a_batch_is_all_or_nothing(world):
    made = deal(world, files=3)
    path = f"/contracts/{made.contract.id}/links/batch"
    ids = [file.id for file in made.files]
    answer = made.buyer.post(path, {"file_ids": [*ids, ids[0]]})
    assert answer.status_code == 201
    assert [item["name"] for item in answer.json["items"]] == [f.name for f in (*made.files, made.files[0])]
    assert made.buyer.post(path, {"file_ids": [*ids, "nothing"]}).status_code == 404
    assert made.buyer.post(path, {"file_ids": []}).status_code == 422
    assert session.scalar(select(func.count()).select_from(Grant)) == 4


def test_a_limit_refuses_with_the_figures(world, log):
    made = deal(world, files=3, size=1000)
    path = f"/contracts/{made.contract.id}/limits"
    assert made.provider.call("PUT", path, {"bytes": 1}).status_code == 403
    assert made.buyer.call("PUT", path, {"bytes": 2500}).json == {"bytes": 2500, "downloads": None, "amount_jpy": None}
    first, second, third = (ask(made, file_id=file.id) for file in made.files)
    assert (first.status_code, second.status_code, third.status_code) == (201, 201, 429)
    assert int(third.headers["Retry-After"]) > 0
    assert third.json["limit"] == "bytes"
    assert (third.json["held"]["bytes"], third.json["wanted"]["bytes"]) == (2000, 3000)
    # Reading the same file again costs nothing more, so it passes no limit.
    assert ask(made).status_code == 201


@pytest.mark.parametrize("limits", [{"downloads": 1}, {"amount_jpy": 1}])
def test_downloads_and_yen_have_limits_too(world, limits):
    price = METERED | {"unit": "download", "tiers": [{"up_to": None, "unit_price_jpy": "1"}]}
    made = deal(world, files=2, pricing=price)
    made.buyer.call("PUT", f"/contracts/{made.contract.id}/limits", limits)
    statuses = [ask(made, file_id=file.id).status_code for file in made.files]
    assert statuses == [201, 429]


def test_an_expired_link_holds_only_what_was_read(world, log):
    made = deal(world, files=2, size=1000)
    read(log, [log_line("r1", draw(made), sent=100)])
    now = clock.real_now()
    month = clock.month_of(clock.now())
    held = queries.held(made.contract.id, month=month, real_at=now, asked={})
    assert (held.used_bytes, held.bytes) == (100, 1000)
    held = queries.held(made.contract.id, month=month, real_at=now + timedelta(minutes=6), asked={"new": 1000})
    assert (held.bytes, held.asked_bytes) == (100, 1000)


def test_usage_shows_the_lines_behind_the_figures_to_both_parties(world, log):
    made = deal(world)
    link = draw(made)
    read(log, [log_line("r1", link, sent=500, status=206, asked="bytes=0-499"), log_line("r2", link, status=403)])
    for person in (made.buyer, made.provider, world.admin):
        answer = person.get(f"/contracts/{made.contract.id}/usage")
        assert answer.status_code == 200
    (item,) = answer.json["items"]
    assert (item["link_id"], item["delivered_bytes"], item["billable_bytes"], item["downloads"]) == (
        link.id,
        500,
        500,
        0,
    )
    assert [(r["request_id"], r["range"], r["bytes_sent"]) for r in item["requests"]] == [
        ("r1", "bytes=0-499", 500),
        ("r2", None, 0),
    ]
    assert answer.json["totals"] == {
        "links": 1,
        "delivered_bytes": 500,
        "billable_bytes": 500,
        "downloads": 0,
        "amount_jpy": 0,
    }
    assert world.organization("他社").get(f"/contracts/{made.contract.id}/usage").status_code == 404


def test_usage_of_a_period_and_its_price(world, log):
    price = METERED | {"tiers": [{"up_to": None, "unit_price_jpy": "1000000000"}]}  # a yen a byte
    made = deal(world, pricing=price)
    read(log, [log_line("r1", draw(made), sent=500)])
    path = f"/contracts/{made.contract.id}/usage"
    today = clock.today()
    assert made.buyer.get(f"{path}?from={today}&to={today}").json["totals"]["amount_jpy"] == 500
    before = today - timedelta(days=60)
    assert made.buyer.get(f"{path}?from={before}&to={before}").json["totals"]["links"] == 0
    assert made.buyer.get(f"{path}?from={today}&to={before}").status_code == 422
    assert made.buyer.get(f"{path}?from=x").status_code == 422
    assert made.buyer.get(f"{path}?cursor=x").status_code == 422


def test_open_data_needs_nobody(world):
    made = deal(world)
    listing_id = made.listing.id
    path = f"/api/v1/listings/{listing_id}/files/{made.file.id}/content"
    browser = world.app.test_client()
    assert browser.get(path).status_code == 403
    session.execute(update(Listing).where(Listing.id == listing_id).values(is_open=True))
    session.commit()
    answer = browser.get(path)
    assert answer.status_code == 307 and "x-grant=" in answer.location
    assert browser.get(path + "?variant=parquet").status_code == 422
    assert browser.get(f"/api/v1/listings/{listing_id}/files/nothing/content").status_code == 404
    (grant,) = session.scalars(select(Grant)).all()
    assert (grant.contract_id, grant.member_id, grant.pool) == (None, None, grant.id)
