"""A holder's own storage place: who may register what, what is found there over the wire, what becomes of its files."""

from __future__ import annotations

import io
import ipaddress
import logging
import socket

import pytest
from sqlalchemy import select, text

from exchange import buckets, clock, database, jobs, outside, vault
from exchange.config import config
from exchange.database import session
from exchange.errors import Conflict, Forbidden, Invalid, NotFound, WrongState
from exchange.identity.models import Notice
from listings import actions, places, queries
from listings.models import File, StoragePlace
from tests.holder import BUCKET, KEY, PREFIX, ROLE, SECRET

PROBE = f"{PREFIX}確認.csv"
CSV = "地区,人口\n港,1200\n台,800\n".encode()


@pytest.fixture
def city(world):
    return world.organization("みなと台市", kind="municipality")


def fields(holder, **more):
    told = {"name": "庁内の保管庫", "kind": "key", "endpoint_url": holder.url, "region": "ap-northeast-1"}
    told |= {"bucket": BUCKET, "prefix": PREFIX, "probe_key": PROBE, "access_key": KEY, "secret_key": SECRET}
    return told | more


def registered(holder, person, **more):
    """A place as its owner registers it, and as the check finds it."""
    holder.put(PROBE, CSV)
    with database.transaction():
        place = actions.register_place(fields(holder, **more), by=person.member, at=clock.now())
        if place.kind == "role":
            holder.external_ids[ROLE] = place.external_id
    jobs.run_all_tasks()
    return session.get_one(StoragePlace, place.id, populate_existing=True)


def role(**more):
    return {"kind": "role", "role_arn": ROLE, "access_key": None, "secret_key": None} | more


def found(place):
    return {each["check"]: each["found"] for each in place.checks}


# ── what is found ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_key_kept_to_its_prefix_may_be_used_and_the_buckets_own_word_says_where_its_log_is(holder, city):
    place = registered(holder, city)
    assert found(place) == {
        "read": "passed",
        "list": "passed",
        "write": "passed",
        "logging": "on",
        "log_read": "passed",
    }
    assert (place.state, place.is_logged, place.log_location) == ("usable", True, "s3://holder-logs/access/")


def test_a_role_lets_us_in_with_the_external_id_we_made_and_nobody_without(holder, city):
    place = registered(holder, city, **role())
    assert place.state == "usable" and found(place) | {"role": "passed", "external_id": "passed"} == found(place)
    holder.external_ids[ROLE] = None  # trusts anybody now
    with database.transaction():
        actions.check_place(place.id, at=clock.now())
    assert place.state == "refused" and found(place)["external_id"] == "open"
    assert session.scalar(select(Notice.title).where(Notice.title.contains("保管場所の確認"))) is not None


def test_a_role_of_the_exchanges_own_account_would_open_managed_storage_and_is_refused(holder, city):
    place = registered(holder, city, **role(role_arn="arn:aws:iam::111111111111:role/links"))
    assert place.state == "refused" and found(place) == {"role": "own-account"}


@pytest.mark.parametrize(
    ("change", "check", "answer", "state"),
    [
        ({"may_read": False}, "read", "refused", "refused"),
        ({"may_list": True}, "list", "wide", "refused"),
        ({"may_write": True}, "write", "wide", "refused"),
        ({"logging": "<BucketLoggingStatus/>"}, "logging", "off", "usable"),
        ({"logging": None}, "logging", "unknown", "usable"),
    ],
)
def test_what_is_wrong_is_found_and_what_to_do_is_said(holder, city, change, check, answer, state):
    vars(holder).update(change)
    place = registered(holder, city)
    assert found(place)[check] == answer and place.state == state
    told = next(each for each in places.told(place.checks) if each["check"] == check)
    assert not told["passed"] and str(told["words"])
    assert not place.is_logged or check in ("list", "write")


def test_dangers_may_be_accepted_and_a_log_may_be_stated_where_the_store_cannot_say(holder, city):
    holder.may_list = holder.may_write = True
    holder.logging = None
    log = {"log_source": "s3-access", "log_location": "s3://holder-logs/access/"}
    place = registered(holder, city, accepts_wide=True, **log)
    assert found(place) | {"list": "accepted", "write": "accepted", "logging": "stated"} == found(place)
    assert place.state == "usable" and place.is_logged
    assert not any("exchange-check" in path.name for path in (holder.folder / BUCKET).rglob("*"))


def test_a_wrong_key_a_missing_file_and_a_store_that_is_not_there_are_told_apart(holder, city):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        silent = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        answers = [
            found(registered(holder, city, **more))["read"]
            for more in (
                {"secret_key": "another-secret-key"},
                {"probe_key": f"{PREFIX}ない.csv"},
                {"endpoint_url": silent},
            )
        ]
    assert answers == ["refused", "missing", "unreachable"] or answers == ["wrong-key", "missing", "unreachable"]


# ── who may, and what is refused ─────────────────────────────────────────────────────────────────────────────────────


def test_only_owners_of_verified_organizations_register_and_nobody_else_sees_a_place(holder, world, city):
    place = registered(holder, city)
    officer = world.colleague(city, "data_officer")
    for person in (officer, world.organization("未確認", verified=False), world.admin):
        with pytest.raises(Forbidden):
            actions.register_place(fields(holder), by=person.member, at=clock.now())
    for person in (world.organization("他社"), world.admin):
        with pytest.raises(NotFound):
            queries.place_seen_by(person.member, place.id)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prefix", ""), ("prefix", "data"), ("prefix", "/"), ("prefix", "a//"), ("prefix", "a/../"),
        ("bucket", "Big_Bucket"), ("bucket", "x"), ("bucket", "objects"), ("region", "東京"), ("region", "x.evil.example#"),
        ("probe_key", "elsewhere/確認.csv"), ("probe_key", f"{PREFIX}../secret"), ("access_key", ""), ("secret_key", "短い"),
        ("kind", "other"), ("name", ""), ("log_location", "/var/log"), ("endpoint_url", "ftp://s3.example"),
        ("endpoint_url", "https://s3.example/path"), ("endpoint_url", "https://user@s3.example"), ("endpoint_url", "https://["),
        ("endpoint_url", "https://s3.example:99999"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_refused_on_its_field(holder, city, field, value):
    told = fields(holder) | {field: value}
    if value == "objects":
        told["endpoint_url"] = config().s3_endpoint_url
    with pytest.raises(Invalid) as refusal:
        actions.register_place(told, by=city.member, at=clock.now())
    assert refusal.value.errors.keys() <= {field, "log_source", "probe_key"}


INSIDE = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
    "::1", "fe80::1", "fd00::1", "::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "64:ff9b::7f00:1", "2002:7f00:1::", "::",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_no_address_inside_is_called(app, address):
    assert not outside.may_call(ipaddress.ip_address(address))
    host = f"[{address}]" if ":" in address else address
    assert outside.complaint(f"https://{host}")
    assert outside.complaint("http://s3.example.jp") and outside.complaint("https://s3.example.jp") is None
    assert outside.may_call(ipaddress.ip_address("52.219.0.1"))


def test_a_name_that_leads_inside_is_not_connected_to_whatever_it_said_before(holder, app, monkeypatch):
    """The guard is at the connection itself: botocore has no other way out, over http or https."""
    place = buckets.Bucket(holder.url.replace("127.0.0.1", "localhost"), "us-east-1", BUCKET)
    keys = buckets.Keys(KEY, SECRET)
    buckets.head(place, keys, f"{PREFIX}x")  # allowed by the setting
    monkeypatch.delenv("BUCKETS_ON_PRIVATE_NETWORKS")
    config.cache_clear()
    buckets.client.cache_clear()
    monkeypatch.setenv("HTTPS_PROXY", holder.url)
    for scheme in ("http", "https"):
        inside = buckets.Bucket(f"{scheme}://localhost:{holder.url.rpartition(':')[2]}", "us-east-1", BUCKET)
        with pytest.raises(buckets.BucketUnavailable, match=r"EndpointConnectionError"):
            buckets.head(inside, keys, f"{PREFIX}x")
    buckets.client.cache_clear()


# ── the secret ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_secret_is_sealed_for_its_place_alone_and_shown_nowhere(holder, city, caplog):
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    logging.getLogger().addHandler(handler)
    place = registered(holder, city)
    made = city.post("/places", fields(holder, name="もう一つ"), headers={"Idempotency-Key": "k1"})
    assert made.status_code == 201 and "secret" not in made.get_data(as_text=True)
    edited = city.fill(f"/desk/places/{place.id}/edit", name="", access_key=KEY, secret_key=SECRET, probe_key=PROBE)
    assert edited.status_code == 422 and SECRET not in edited.get_data(as_text=True)
    logging.getLogger().removeHandler(handler)
    assert vault.unseal(place.secret_sealed, of=f"storage_place/{place.id}") == SECRET
    with pytest.raises(vault.SecretLost):
        vault.unseal(place.secret_sealed, of="storage_place/other")
    rows = " ".join(
        str(row)
        for table in database.Base.metadata.tables
        for row in session.execute(text(f"SELECT to_jsonb(t)::text FROM {table} t"))
    )
    pages = city.see(f"/desk/places/{place.id}") + city.see(f"/desk/places/{place.id}/edit") + city.see("/desk/places")
    answers = city.get("/places").get_data(as_text=True)
    for told in (rows, pages, answers, log.getvalue(), caplog.text, repr(place), repr(buckets.Keys(KEY, SECRET))):
        assert SECRET not in told


def test_another_secret_key_of_the_exchange_says_that_the_key_has_to_be_entered_again(holder, city, monkeypatch):
    place = registered(holder, city)
    monkeypatch.setenv("SECRET_KEY", "another " * 8)
    config.cache_clear()
    with database.transaction():
        actions.check_place(place.id, at=clock.now())
    assert found(place) == {"read": "key-lost"} and place.state == "refused"


def test_a_key_may_be_renewed_and_one_that_is_left_out_stays(holder, city):
    place = registered(holder, city)
    sealed = place.secret_sealed
    with database.transaction():
        actions.change_place(place, {"name": "新しい名前", "secret_key": ""}, by=city.member, at=clock.now())
    assert (place.name, place.secret_sealed, place.state) == ("新しい名前", sealed, "checking")
    with pytest.raises(Invalid):
        actions.change_place(place, {"access_key": "other-key"}, by=city.member, at=clock.now())
    session.rollback()
    with database.transaction():
        actions.change_place(place, {"secret_key": "renewed-secret"}, by=city.member, at=clock.now())
    assert place.secret_sealed != sealed


# ── its files ────────────────────────────────────────────────────────────────────────────────────────────────────────


def holds(world, person, place, listing, *keys):
    made = person.post(f"/listings/{listing['id']}/files/held", {"place_id": place.id, "keys": list(keys)})
    if made.status_code == 202:
        world.work()
    return made


def test_a_file_that_stays_with_its_holder_is_read_once_and_no_copy_is_kept(holder, world, city):
    place, listing = registered(holder, city), world.listing(city)
    holder.put(f"{PREFIX}人口.csv", CSV)
    before = set((holder.folder / BUCKET).rglob("*"))
    made = holds(world, city, place, listing, f"{PREFIX}人口.csv")
    assert made.status_code == 202, made.json
    file = session.get_one(File, made.json["items"][0]["id"])
    assert file.reason is None
    assert (file.state, file.name, file.size, file.rows) == ("ready", "人口.csv", len(CSV), 2)
    assert file.etag and file.sha256 and file.parquet_key is None
    assert set((holder.folder / BUCKET).rglob("*")) == before
    from exchange import storage

    assert [key for key in storage.keys() if file.id in key] == []  # noqa: SIM118

    with database.transaction():
        actions.remove_file(queries.file_seen_by(city.member, listing["id"], file.id), by=city.member, at=clock.now())
    world.work()
    assert (holder.folder / BUCKET / file.object_key).exists()


@pytest.mark.parametrize("key", ["elsewhere/人口.csv", f"{PREFIX}../人口.csv", f"{PREFIX}", f"{PREFIX}a//b.csv", "\0"])
def test_keys_outside_the_place_are_refused(holder, world, city, key):
    place, listing = registered(holder, city), world.listing(city)
    assert holds(world, city, place, listing, key).status_code == 422


def test_a_file_that_is_not_there_or_may_not_be_read_is_refused_with_the_reason(holder, world, city):
    place, listing = registered(holder, city), world.listing(city)
    made = holds(world, city, place, listing, f"{PREFIX}ない.csv")
    assert "ありません" in session.get_one(File, made.json["items"][0]["id"]).reason
    holder.put(f"{PREFIX}人口.csv", CSV)
    holder.may_read = False
    made = holds(world, city, place, listing, f"{PREFIX}人口.csv")
    assert "断りました" in session.get_one(File, made.json["items"][0]["id"]).reason


def test_a_place_that_is_not_in_order_or_is_anothers_takes_no_files(holder, world, city):
    listing = world.listing(city)
    theirs = registered(holder, world.organization("他社"))
    assert holds(world, city, theirs, listing, PROBE).status_code == 404
    holder.may_list = True
    mine = registered(holder, city)
    assert holds(world, city, mine, listing, PROBE).status_code == 409


def test_a_place_closes_when_nothing_is_offered_from_it_and_forgets_its_secret(holder, world, city):
    place, listing = registered(holder, city), world.listing(city)
    made = holds(world, city, place, listing, PROBE)
    place = queries.place_seen_by(city.member, place.id)
    with pytest.raises(Conflict):
        actions.close_place(place, by=city.member, at=clock.now())
    session.rollback()
    with database.transaction():
        file = queries.file_seen_by(city.member, listing["id"], made.json["items"][0]["id"])
        actions.remove_file(file, by=city.member, at=clock.now())
        actions.close_place(place, by=city.member, at=clock.now())
    assert (place.state, place.secret_sealed) == ("closed", None)
    with pytest.raises(WrongState):
        actions.look_again(place, by=city.member, at=clock.now())
