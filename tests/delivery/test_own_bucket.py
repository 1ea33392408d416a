"""Data in a holder's own bucket: links signed with that place's keys, its log, and sessions that end with a contract."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from datetime import timedelta
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from sqlalchemy import func, select, update

from contracts.models import Contract
from delivery import actions, identities, reconciling, revoking
from delivery.models import Difference, IdentityRevocation, RequestLine, SetAside
from exchange import clock, database, storage, sts
from exchange.config import config
from exchange.database import session
from exchange.identity.models import Member, Notice
from listings import actions as listing_actions
from listings.models import File, Release, StoragePlace
from tests.delivery.deals import deal
from tests.delivery.test_links import ask
from tests.delivery.test_metering import draw, totals
from tests.holder import BUCKET, EXCHANGE_ROLE, LOGS, PREFIX, ROLE
from tests.listings.test_places import CSV, registered, role

KEY = f"{PREFIX}人口 2026+1.csv"
BODY = CSV * 30


@pytest.fixture
def sold(holder, world):
    """Sells the object in a holder's own bucket, of which the exchange has a key or a role."""

    def sell(*, body=BODY, key=KEY, **more):
        made = deal(world, size=len(body))
        owner = world.colleague(made.provider, "owner")
        place = registered(holder, owner, **more)
        holder.put(key, body)
        found = {"place_id": place.id, "object_key": key, "etag": storage_etag(holder, place, key)}
        change(made.file, **found)
        return made, place

    return sell


def change(file, **values):
    """Before it was published: a published file never moves."""
    for state, changed in (("draft", values), ("published", {})):
        session.execute(update(Release).where(Release.id == file.release_id).values(state=state))
        if changed:
            session.execute(update(File).where(File.id == file.id).values(**changed))
    session.commit()


def storage_etag(holder, place, key):
    from listings import held

    head = held.head(place, key)
    assert head is not None
    return head.etag


def get(url, **headers):
    """A GET as any client sends it: status and body."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read()


def tokens(url):
    return parse_qs(urlsplit(url).query).get("X-Amz-Security-Token")


# ── links ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_link_leads_to_the_holders_own_bucket_and_is_signed_with_its_key(holder, sold):
    made, _ = sold()
    url = ask(made).json["url"]
    assert url.startswith(f"{holder.url}/{BUCKET}/{quote(KEY)}?x-grant=") and tokens(url) is None
    assert get(url) == (200, BODY)
    assert get(url[:-1] + ("0" if url[-1] != "0" else "1"))[0] == 403


def test_a_role_signs_for_each_contract_with_a_session_of_its_own_and_for_its_objects_alone(holder, sold, world):
    made, _ = sold(**role())
    holder.asked.clear()
    first, second = ask(made).json["url"], ask(made).json["url"]
    assert get(first) == (200, BODY) and tokens(first) == tokens(second) and holder.asked == ["AssumeRole"]
    found = holder.sessions[tokens(first)[0]]
    assert (found.name, found.role) == (f"contract-{made.contract.id}", ROLE)
    assert found.resources == [f"arn:aws:s3:::{BUCKET}/{KEY}"]
    assert found.expires_at - found.issued_at == timedelta(minutes=15)
    other = next(token for token in holder.sessions if token != tokens(first)[0])
    assert get(first.replace(quote(tokens(first)[0], safe=""), quote(other, safe="")))[0] == 403


def test_no_link_is_said_to_live_longer_than_its_session(holder, sold):
    made, _ = sold(**role())
    link = ask(made, expires_in=900).json
    seconds = int(parse_qs(urlsplit(link["url"]).query)["X-Amz-Expires"][0])
    assert 880 <= seconds <= 890


def test_in_the_browser_a_page_leads_on_to_the_holders_bucket_because_a_form_may_not(sold):
    made, _ = sold()
    path = f"/desk/contracts/{made.contract.id}/files/{made.file.id}/download"
    answer = made.buyer.fill("/desk/usage", path, variant="original")
    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store"
    assert get(answer.headers["Refresh"].removeprefix("0; url=")) == (200, BODY)
    assert "ダウンロードする" in answer.get_data(as_text=True)


def test_a_session_is_asked_for_anew_near_its_end(holder, sold, monkeypatch):
    made, _ = sold(**role())
    first = tokens(ask(made).json["url"])
    real = clock.real_now
    monkeypatch.setattr(clock, "real_now", lambda: real() + timedelta(minutes=11))
    assert tokens(ask(made).json["url"]) != first


def test_a_link_of_a_bucket_with_versions_names_the_version_that_was_looked_at(sold):
    made, _ = sold()
    change(made.file, version_id="3/L4kqtJ+lcpXrof3")
    assert parse_qs(urlsplit(ask(made).json["url"]).query)["versionId"] == ["3/L4kqtJ+lcpXrof3"]


def test_a_batch_of_both_kinds_is_signed_each_for_its_own_place(holder, world, sold):
    made, _ = sold()
    release = made.file.release_id
    managed = File(
        **{
            c.name: getattr(made.file, c.name)
            for c in File.__table__.columns
            if c.name not in ("id", "place_id", "etag", "object_key", "name")
        },
        name="預かり.csv",
        object_key=f"files/{made.listing.id}/{release}/x.csv",
    )
    session.add(managed)
    session.commit()
    storage.put(managed.object_key, b"kept by us")
    answer = made.buyer.post(
        f"/contracts/{made.contract.id}/links/batch", {"file_ids": [made.file.id, managed.id], "once": True}
    )
    own, ours = answer.json["items"]
    assert (get(own["url"])[1], get(ours["url"])[1]) == (BODY, b"kept by us")
    assert own["once"] == ours["once"] == "short_lived"


@pytest.mark.parametrize("why", ["role", "key"])
def test_a_place_that_lets_us_in_no_more_is_a_refusal_with_a_reason(holder, sold, why):
    made, place = sold(**(role() if why == "role" else {}))
    if why == "role":
        sts.forget()
        holder.external_ids[ROLE] = "another"
    else:
        session.execute(update(StoragePlace).where(StoragePlace.id == place.id).values(secret_sealed="1:AAAA"))
        session.commit()
    answer = ask(made)
    assert answer.status_code in (409, 503) and answer.json["type"] in (
        "/problems/role-refused",
        "/problems/secret-lost",
    )


def test_a_role_changed_to_one_of_the_exchanges_own_account_signs_nothing(holder, sold):
    made, place = sold(**role())
    holder.external_ids["arn:aws:iam::111111111111:role/other"] = None
    with database.transaction():
        fields = {"role_arn": "arn:aws:iam::111111111111:role/other"}
        owner = session.get_one(Member, place.created_by)
        listing_actions.change_place(session.get_one(StoragePlace, place.id), fields, by=owner, at=clock.now())
    assert ask(made).json["type"] == "/problems/role-refused"


# ── managed storage on AWS: an identity for each contract ────────────────────────────────────────────────────────────


@pytest.fixture
def identified(holder, monkeypatch):
    """Managed storage behind sessions of the exchange's own role, ended contracts denied."""
    for name, value in {
        "STS_ROLE_ARN": EXCHANGE_ROLE,
        "STS_REVOKE_SESSIONS": "1",
        "S3_PUBLIC_URL": holder.url,
    }.items():
        monkeypatch.setenv(name, value)
    config.cache_clear()
    revoking._client.cache_clear()
    return holder


def put(made):
    storage.put(made.file.object_key, b"x" * made.file.size)


def end(contract, state="terminated"):
    session.execute(update(Contract).where(Contract.id == contract.id).values(state=state))
    session.commit()


def revoke():
    with database.transaction():
        return actions.revoke_identities(at=clock.now())


def test_ending_a_contract_ends_its_links_at_once_and_no_others(identified, world):
    made, other = deal(world), deal(world)
    put(made), put(other)
    url, theirs = ask(made).json["url"], ask(other).json["url"]
    assert get(url)[0] == 200 and get(theirs)[0] == 200
    assert identified.sessions[tokens(url)[0]].resources == [f"arn:aws:s3:::objects/{made.file.object_key}"]
    assert revoke() == []
    end(made.contract)
    assert revoke() == [made.contract.id] and revoke() == []
    assert get(url)[0] == 403 and get(theirs)[0] == 200


def test_a_contract_that_goes_on_gets_a_new_session(identified, world, monkeypatch):
    made = deal(world)
    put(made)
    url = ask(made).json["url"]
    end(made.contract, "suspended")
    assert revoke() == [made.contract.id]
    end(made.contract, "active")
    real = clock.real_now
    monkeypatch.setattr(clock, "real_now", lambda: real() + timedelta(seconds=2))
    again = ask(made).json["url"]
    assert tokens(again) != tokens(url) and get(url)[0] == 403
    identified.sessions[tokens(again)[0]].issued_at += timedelta(seconds=2)
    assert get(again)[0] == 200


def test_one_contracts_session_reads_no_other_contracts_object(identified, world):
    made, other = deal(world), deal(world)
    put(made), put(other)
    url = ask(made).json["url"]
    reach = sts.reach("objects", [other.file.object_key], within=f"files/{other.listing.id}/")
    keys = sts.session(EXCHANGE_ROLE, name="contract-other", reach=reach, seconds=60).keys
    swapped = url.replace(quote(tokens(url)[0], safe=""), quote(keys.token, safe=""))
    assert get(swapped)[0] == 403


def test_too_many_denials_to_name_deny_every_session_issued_before_now():
    at = clock.real_now()
    few = json.loads(revoking.policy([IdentityRevocation(contract_id="c1", revoked_at=at)], real_at=at))
    assert few["Statement"][0]["Condition"]["StringLike"] == {"aws:userid": "*:contract-c1"}
    many = [IdentityRevocation(contract_id=f"{n:026}", revoked_at=at) for n in range(100)]
    told = revoking.policy(many, real_at=at)
    assert len(told) < revoking.POLICY_LENGTH_MAX
    assert json.loads(told)["Statement"][0]["Condition"]["StringLike"] == {"aws:userid": "*"}


def test_a_session_policy_keeps_to_what_sts_takes():
    keys = [f"files/長い名前{n}*?${{x}}.csv" for n in range(40)]
    reach = sts.reach("objects", keys, within="files/")
    assert reach.beside(None) == frozenset(["arn:aws:s3:::objects/files/*"])
    few = sts.policy(sts.reach("objects", keys[:2], within="files/").beside(None))
    assert few.isascii() and len(few) <= sts.POLICY_LENGTH_MAX
    assert "files/\\u9577\\u3044\\u540d\\u524d0${*}${?}${$}{x}.csv" in few


# ── the log of a holder's own bucket ─────────────────────────────────────────────────────────────────────────────────


def line(request_id, link, *, sent, bucket=BUCKET, key=KEY):
    parts, key = urlsplit(link.url), quote(quote(key))
    return (
        f"79a5 {bucket} [24/Nov/2026:06:00:00 +0000] 203.0.113.9 - {request_id} REST.GET.OBJECT {key}"
        f' "GET {parts.path}?{parts.query} HTTP/1.1" 200 - {sent} 1000 70 10 "-" "curl/8" - host SigV4 x QueryString h TLSv1.3 - -\n'
    )


def read(holder, place, name, text):
    holder.put(f"access/{name}", text.encode(), LOGS)
    with database.transaction():
        actions.read_place_log(place.id, at=clock.now())


def test_what_leaves_a_holders_own_bucket_is_counted_from_its_own_log_once(holder, sold):
    made, place = sold()
    link = draw(made)
    for name in ("a", "b", "b"):
        read(holder, place, name, line("R1", link, sent=600))
    read(holder, place, "c", line("R2", link, sent=600))
    found = totals(made)
    assert (found.billable_bytes, found.delivered_bytes) == (len(BODY), 1200)
    assert sorted(session.scalars(select(RequestLine.request_id))) == [f"{place.id}:R1", f"{place.id}:R2"]


def test_a_holders_log_changes_no_figure_of_anybody_else_and_its_own_traffic_is_its_own_affair(holder, sold, world):
    made, place = sold()
    other = deal(world)
    theirs, mine = draw(other), draw(made)
    forged = line("R1", theirs, sent=600).replace(quote(quote(KEY)), quote(quote(other.file.object_key)))
    private = line("R3", mine, sent=9).replace(f"x-grant={mine.id}&", "")
    junk = "not a line\n" * 300
    read(holder, place, "a", forged + private + junk + line("R2", mine, sent=100))
    assert (totals(other).billable_bytes, totals(made).billable_bytes) == (0, 100)
    reasons = dict(session.execute(select(SetAside.reason, func.count()).group_by(SetAside.reason)).all())
    assert reasons["unknown-grant"] == 1 and reasons["malformed"] <= 100 and "no-grant" not in reasons


def test_the_clock_has_every_place_with_a_log_read_by_the_worker(holder, sold, world):
    made, _ = sold()
    holder.put("access/a", line("R1", draw(made), sent=100).encode(), LOGS)
    world.tick("read-place-logs")
    world.work()
    assert totals(made).billable_bytes == 100


def test_metered_offers_are_refused_where_the_log_is_off_with_the_reason(holder, world):
    owner = world.organization("提供社")
    holder.logging = "<BucketLoggingStatus/>"
    place = registered(holder, owner)
    listing = world.listing(owner)
    made = owner.post(f"/listings/{listing['id']}/files/held", {"place_id": place.id, "keys": [f"{PREFIX}確認.csv"]})
    assert made.status_code == 202
    offer = {"name": "従量", "template": "provision-licence", "variables": {}}
    offer["pricing"] = {"model": "metered", "unit": "gigabyte", "tiers": [{"up_to": None, "unit_price_jpy": "1000"}]}
    refused = owner.post(f"/listings/{listing['id']}/offers", offer)
    assert refused.status_code == 422 and "アクセスログ" in refused.json["errors"]["pricing"][0]
    assert owner.post(f"/listings/{listing['id']}/offers", offer | {"pricing": {"model": "free"}}).status_code == 201


def test_from_a_holders_bucket_to_the_buyers_bill(holder, world):
    owner, buyer = world.organization("提供社"), world.organization("利用社")
    place, listing = registered(holder, owner, **role()), world.listing(owner)
    files = f"/listings/{listing['id']}/files/held"
    file = owner.post(files, {"place_id": place.id, "keys": [f"{PREFIX}確認.csv"]}).json["items"][0]
    world.work()
    offer = {"name": "従量", "template": "provision-licence", "variables": {}}
    offer["pricing"] = {"model": "metered", "unit": "gigabyte", "tiers": [{"up_to": None, "unit_price_jpy": "1000"}]}
    offered = owner.post(f"/listings/{listing['id']}/offers", offer).json
    assert owner.post(f"/listings/{listing['id']}/submit", {"answers": []}).status_code == 200
    assert world.admin.post(f"/listings/{listing['id']}/publish").status_code == 200
    contract = world.contract(buyer, owner, offered)
    assert "長くても15分" in buyer.see(f"/desk/contracts/{contract['id']}")

    link = buyer.post(f"/contracts/{contract['id']}/links", {"file_id": file["id"]}).json
    assert (link["size"], get(link["url"])) == (len(CSV), (200, CSV))
    told = actions.Link(link["id"], link["url"], clock.now(), link["size"], link["sha256"], link["name"])
    read(holder, place, "a", line("R1", told, sent=len(CSV), key=f"{PREFIX}確認.csv"))
    usage = buyer.get(f"/contracts/{contract['id']}/usage").json
    assert usage["totals"]["billable_bytes"] == len(CSV)
    assert usage["items"][0]["requests"][0]["request_id"] == f"{place.id}:R1"

    recalled = owner.post(f"/listings/{listing['id']}/files/{file['id']}/recall", {"reason": "誤り"})
    world.work()
    assert recalled.status_code == 200 and (holder.folder / BUCKET / f"{PREFIX}確認.csv").exists()
    assert buyer.post(f"/contracts/{contract['id']}/links", {"file_id": file["id"]}).status_code == 409


def test_nobody_contracts_by_use_while_the_log_is_off(holder, world):
    owner, buyer = world.organization("提供社"), world.organization("利用社")
    place, listing = registered(holder, owner), world.listing(owner)
    made = owner.post(f"/listings/{listing['id']}/files/held", {"place_id": place.id, "keys": [f"{PREFIX}確認.csv"]})
    world.work()
    offer = {"name": "従量", "template": "provision-licence", "variables": {}}
    offer["pricing"] = {"model": "metered", "unit": "gigabyte", "tiers": [{"up_to": None, "unit_price_jpy": "1000"}]}
    offered = owner.post(f"/listings/{listing['id']}/offers", offer)
    assert (made.status_code, offered.status_code) == (202, 201)
    assert owner.post(f"/listings/{listing['id']}/submit", {"answers": []}).status_code == 200
    assert world.admin.post(f"/listings/{listing['id']}/publish").status_code == 200
    session.execute(update(StoragePlace).where(StoragePlace.id == place.id).values(is_logged=False))
    session.commit()
    body = {"offer_id": offered.json["id"], "purpose": "検証", "variables": {}, "accept_terms": True}
    refused = buyer.post("/contracts", body)
    assert refused.status_code == 409 and "アクセスログ" in refused.json["detail"]


def test_a_file_of_a_place_without_a_log_is_refused_where_the_listing_is_sold_by_use(holder, world):
    owner = world.organization("提供社")
    holder.logging = "<BucketLoggingStatus/>"
    place, listing = registered(holder, owner), world.listing(owner)
    offer = {"name": "従量", "template": "provision-licence", "variables": {}}
    offer["pricing"] = {"model": "metered", "unit": "gigabyte", "tiers": [{"up_to": None, "unit_price_jpy": "1000"}]}
    assert owner.post(f"/listings/{listing['id']}/offers", offer).status_code == 201
    made = owner.post(f"/listings/{listing['id']}/files/held", {"place_id": place.id, "keys": [f"{PREFIX}確認.csv"]})
    assert made.status_code == 422 and "アクセスログ" in made.json["errors"]["keys"][0]


# ── changed objects ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_object_that_changed_or_went_away_is_found_and_its_holder_told(holder, sold):
    _, place = sold()
    with database.transaction():
        assert reconciling.compare_place(place.id, at=clock.now()) == 0
    holder.put(KEY, BODY + b"x")
    with database.transaction():
        assert reconciling.compare_place(place.id, at=clock.now()) == 1
        assert reconciling.compare_place(place.id, at=clock.now()) == 0
    assert session.scalar(select(Difference.kind)) == "object-changed"
    assert session.scalar(select(func.count()).where(Notice.title.contains("登録したときと違います"))) >= 1
    (holder.folder / BUCKET / KEY).unlink()
    with database.transaction():
        assert reconciling.compare_place(place.id, at=clock.now()) == 1


def test_sessions_are_named_after_what_they_are_for():
    assert identities.session_name("c1", "l1") == "contract-c1" and identities.session_name(None, "l1") == "listing-l1"
