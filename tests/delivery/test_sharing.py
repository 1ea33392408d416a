"""Delta Sharing as its protocol has it: names, pages, versions, capabilities, refusals. The client itself: tests/stories."""

from __future__ import annotations

import io
import json
import time
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import func, select, update

from delivery import actions
from delivery.models import Grant, SharingProfile
from exchange import clock, storage
from exchange.database import new_id, session
from exchange.errors import Forbidden
from listings.models import File, Release
from tests.delivery.deals import SHA, deal
from tests.world import csrf

PEOPLE = pa.table(
    {
        "番号": pa.array([1, 2, 3], pa.int64()),
        "地区": ["北", "南", None],
        "割合": [0.5, 1.5, 2.5],
        "基準日": pa.array([date(2026, 4, d) for d in (1, 2, 3)]),
        "更新": pa.array([datetime(2026, 4, 1, 9)] * 3, pa.timestamp("us")),
    }
)


class Share:
    """A contract whose files have Parquet forms, and a client of its share."""

    def __init__(self, world: Any, *names: str, **terms: Any) -> None:
        self.world, self.deal = world, deal(world, files=0, **terms)
        self.add(self.deal.release, *(names or ("人口 令和8年.csv",)))
        self.id = self.deal.contract.id
        self.root = f"/shares/{self.id}/schemas/default/tables"
        self.path = f"/contracts/{self.id}/profile"

    def add(self, release: Release, *names: str, table: pa.Table = PEOPLE) -> None:
        """Files of a release, with their Parquet forms in the store."""
        written = io.BytesIO()
        pq.write_table(table, written)
        for name in names:
            key = f"files/{new_id()}/twin.parquet"
            storage.put(key, written.getvalue())
            size = len(written.getvalue())
            told = {"object_key": f"{key}.csv", "sha256": SHA, "parquet_key": key, "parquet_size": size}
            at, maker = clock.now(), self.deal.provider.id
            where = {"listing_id": release.listing_id, "release_id": release.id, "created_at": at, "created_by": maker}
            session.add(
                File(
                    id=new_id(), name=name, media_type="text/csv", size=9, state="ready", upload_key="u",
                    parquet_sha256=SHA, column_notes={"番号": "通し番号"}, **told, **where,
                )
            )  # fmt: skip
            session.flush()
        session.commit()

    def release(self, *names: str, table: pa.Table = PEOPLE) -> None:
        """The next release of the listing, published a day later."""
        number = (session.scalar(select(func.max(Release.number))) or 0) + 1
        at = clock.now() + timedelta(days=number - 1)
        held = {"listing_id": self.deal.listing.id, "number": number, "state": "published"}
        release = Release(id=new_id(), created_at=at, published_at=at, **held)
        session.add(release)
        session.flush()
        self.add(release, *names, table=table)

    @property
    def token(self) -> str:
        """The token of a profile, issued on first use."""
        if not hasattr(self, "_token"):
            answer = self.deal.buyer.post(self.path)
            assert answer.status_code == 201, answer.json
            self._token = answer.json["bearerToken"]
        return self._token

    def call(self, method: str, path: str, *, token: str | None = None, **options: Any) -> Any:
        """One request with the profile's token."""
        headers = {"Authorization": f"Bearer {token or self.token}"} | options.pop("headers", {})
        session.remove()
        return self.world.app.test_client().open(f"/delta-sharing{path}", method=method, headers=headers, **options)

    def get(self, path: str, **options: Any) -> Any:
        return self.call("GET", path, **options)

    def query(self, table: str = "人口_令和8年", body: Any = None, **options: Any) -> Any:
        return self.call("POST", f"{self.root}/{table}/query", json=body or {}, **options)


def lines(answer: Any) -> list[Any]:
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert answer.content_type == "application/x-ndjson; charset=utf-8"
    return [json.loads(line) for line in answer.get_data(as_text=True).splitlines()]


def grants() -> int:
    return session.scalar(select(func.count()).select_from(Grant)) or 0


def names(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.json
    return [item["name"] for item in answer.json["items"]]


def refusal(answer: Any) -> tuple[int, str]:
    assert set(answer.json) == {"errorCode", "message"} and answer.json["message"], answer.get_data(as_text=True)
    return answer.status_code, answer.json["errorCode"]


# ── profiles ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_profile_is_issued_to_the_buyer_shown_once_and_replaced_by_the_next(world):
    share = Share(world, ends_on=date(2099, 3, 31))
    answer = share.deal.buyer.post(share.path)
    assert answer.status_code == 201
    first = answer.json
    assert (first["shareCredentialsVersion"], first["expirationTime"]) == (1, "2099-03-31T15:00:00Z")
    assert first["endpoint"].startswith("http") and first["endpoint"].endswith("/delta-sharing")
    assert share.get("/shares", token=first["bearerToken"]).status_code == 200
    second = share.deal.buyer.post(share.path).json
    assert refusal(share.get("/shares", token=first["bearerToken"])) == (401, "UNAUTHENTICATED")
    assert share.get("/shares", token=second["bearerToken"]).status_code == 200
    kept = [profile.digest for profile in session.scalars(select(SharingProfile))]
    assert not {first["bearerToken"], second["bearerToken"]} & set(kept)


def test_only_the_buyers_owners_and_data_officers_hold_a_profile(world):
    share = Share(world)
    assert world.organization("他社").post(share.path).status_code == 404
    assert share.deal.provider.post(share.path).status_code == 403
    assert world.colleague(share.deal.buyer, "viewer").post(share.path).status_code == 403
    assert share.deal.buyer.call("DELETE", share.path).status_code == 404
    assert share.get("/shares").status_code == 200
    assert world.colleague(share.deal.buyer, "viewer").call("DELETE", share.path).status_code == 403
    assert share.deal.buyer.call("DELETE", share.path).status_code == 204
    assert refusal(share.get("/shares")) == (401, "UNAUTHENTICATED")


def test_a_profile_ends_with_what_it_stands_on(world):
    share = Share(world)
    assert share.get("/shares").status_code == 200
    share.deal.contract.state = "suspended"
    session.merge(share.deal.contract)
    session.commit()
    assert refusal(share.get("/shares")) == (403, "PERMISSION_DENIED")
    assert share.deal.buyer.post(share.path).status_code == 409
    session.execute(update(SharingProfile).values(expires_at=clock.real_now()))
    session.commit()
    assert refusal(share.get("/shares")) == (401, "UNAUTHENTICATED")


def test_a_profile_taken_back_ends_the_links_drawn_with_it(world):
    share = Share(world)
    url = urlsplit(lines(share.query())[2]["file"]["url"])
    read = {"host": url.netloc, "remote": None, "at": clock.now()}
    actions.let_read("GET", f"{url.path}?{url.query}", **read)
    share.deal.buyer.call("DELETE", share.path)
    with pytest.raises(Forbidden):
        actions.let_read("GET", f"{url.path}?{url.query}", **read)


def test_made_up_tokens_open_nothing(world):
    for header in ("", "Bearer", "Bearer nkd_share_made-up", "Basic eDp5", "Bearer " + "x" * 5000):
        answer = world.app.test_client().get("/delta-sharing/shares", headers={"Authorization": header})
        assert refusal(answer) == (401, "UNAUTHENTICATED"), header[:40]


def test_an_api_token_is_no_profile_and_a_profile_no_api_token(world):
    share = Share(world)
    assert refusal(share.get("/shares", token=share.deal.buyer.token)) == (401, "UNAUTHENTICATED")
    answer = world.app.test_client().get("/api/v1/me", headers={"Authorization": f"Bearer {share.token}"})
    assert answer.status_code == 401


# ── what there is ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_share_holds_its_contracts_tables_and_no_others(world):
    share, other = Share(world, "人口 令和8年.csv", "人口.令和8年.xlsx"), Share(world)
    assert names(share.get("/shares")) == [share.id]
    assert share.get(f"/shares/{share.id}").json["share"]["name"] == share.id
    assert names(share.get(f"/shares/{share.id}/schemas")) == ["default"]
    assert names(share.get(share.root)) == ["人口_令和8年", "人口_令和8年_2"]
    (item, _) = share.get(f"/shares/{share.id}/all-tables").json["items"]
    assert (item["share"], item["schema"]) == (share.id, "default")
    for path in (f"/shares/{other.id}", f"/shares/{other.id}/schemas", f"{other.root}/人口_令和8年/metadata"):
        assert refusal(share.get(path)) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert refusal(share.get(f"{share.root}/nothing/metadata")) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert refusal(share.get(f"/shares/{share.id}/schemas/other/tables")) == (404, "RESOURCE_DOES_NOT_EXIST")


def test_names_are_one_name_in_any_case_of_letters(world):
    share = Share(world, "Stops.csv", "STOPS.csv")
    assert names(share.get(share.root)) == ["Stops", "STOPS_2"]
    root = f"/shares/{share.id.upper()}/schemas/DEFAULT/tables"
    assert len(lines(share.get(f"{root}/sToPs/metadata"))) == 2
    assert share.call("HEAD", f"{root}/STOPS").headers["Delta-Table-Version"] == "1"


def test_lists_come_in_pages_whose_tokens_cannot_be_made_up(world):
    share = Share(world, *(f"表{n}.csv" for n in range(5)))
    found, path, token, rounds = [], share.root, "", 0
    while rounds == 0 or token:
        page = share.get(f"{path}?maxResults=2&pageToken={token}")
        found, token, rounds = found + names(page), page.json.get("nextPageToken"), rounds + 1
    assert (found, rounds) == ([f"表{n}" for n in range(5)], 3)
    none = share.get(f"{path}?maxResults=0").json
    assert none["items"] == [] and none["nextPageToken"]
    elsewhere = share.get(f"/shares/{share.id}/all-tables?maxResults=2").json["nextPageToken"]
    for query in (f"pageToken={elsewhere}", "pageToken=Mg", "pageToken=2", "maxResults=-1", "maxResults=x",
                  "maxResults=2147483648", "maxResults=２"):  # fmt: skip
        assert refusal(share.get(f"{path}?{query}")) == (400, "INVALID_PARAMETER_VALUE"), query


# ── one table ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_metadata_tells_the_schema_in_sparks_words_and_costs_nothing(world):
    share = Share(world)
    answer = share.get(f"{share.root}/人口_令和8年/metadata")
    protocol, metadata = lines(answer)
    told = metadata["metaData"]
    assert answer.headers["Delta-Table-Version"] == "1"
    assert protocol == {"protocol": {"minReaderVersion": 1}}
    assert (told["format"], told["partitionColumns"], told["numFiles"]) == ({"provider": "parquet"}, [], 1)
    fields = json.loads(told["schemaString"])["fields"]
    assert [(field["name"], field["type"]) for field in fields] == [
        ("番号", "long"), ("地区", "string"), ("割合", "double"), ("基準日", "date"), ("更新", "timestamp"),
    ]  # fmt: skip
    assert fields[0]["metadata"] == {"comment": "通し番号"}
    assert grants() == 0


def test_a_query_hands_out_one_link_that_is_recorded_like_every_other(world):
    share = Share(world)
    answer = share.query()
    _, _, file = (next(iter(line.values())) for line in lines(answer))
    (grant,) = session.scalars(select(Grant)).all()
    assert f"x-grant={grant.id}" in file["url"] and "X-Amz-Expires=900" in file["url"]
    assert (grant.contract_id, grant.member_id, grant.variant) == (share.id, share.deal.buyer.id, "parquet")
    assert (file["id"], file["size"], file["partitionValues"]) == (grant.file_id, grant.size, {})
    assert file["expirationTimestamp"] == int(grant.expires_at.timestamp() * 1000)
    stats = json.loads(file["stats"])
    assert (stats["numRecords"], stats["minValues"]["番号"], stats["nullCount"]["地区"]) == (3, 1, 1)
    assert (stats["minValues"]["基準日"], stats["maxValues"]["更新"]) == ("2026-04-01", "2026-04-01T09:00:00Z")
    assert answer.get_data().isascii()  # clients break lines at U+2028, too
    assert answer.headers["delta-sharing-capabilities"] == "responseformat=parquet"


def test_releases_are_versions_the_newest_by_default(world):
    share = Share(world, "人口.csv")
    first = clock.now()
    share.release("世帯.csv", "人口.csv", table=PEOPLE.append_column("備考", [["", "", ""]]))
    share.release("世帯.csv")
    assert names(share.get(share.root)) == ["人口", "世帯"]
    table = f"{share.root}/人口"
    assert share.get(f"{table}/version").headers["Delta-Table-Version"] == "2"
    old = lines(share.query("人口", {"version": 1}))
    assert (old[1]["metaData"]["version"], old[2]["file"]["version"]) == (1, 1)
    assert "備考" not in old[1]["metaData"]["schemaString"]
    assert "備考" in lines(share.query("人口"))[1]["metaData"]["schemaString"]
    stamp = {"timestamp": first.isoformat()}
    assert lines(share.query("人口", stamp))[2]["file"]["version"] == 1
    assert share.get(f"{table}/metadata", query_string=stamp).headers["Delta-Table-Version"] == "1"
    since = {"startingTimestamp": first.isoformat()}
    assert share.get(f"{table}/version", query_string=since).headers["Delta-Table-Version"] == "2"
    for bad in (
        {"version": 3},
        {"version": 1} | stamp,
        {"timestamp": "2000-01-01T00:00:00Z"},
        {"timestamp": "2099-01-01"},
    ):
        assert refusal(share.query("人口", bad)) == (400, "INVALID_PARAMETER_VALUE"), bad
    assert refusal(share.get(f"{table}/version?startingTimestamp=2099-01-01T00:00:00Z"))[0] == 400


def test_a_release_the_contract_does_not_cover_is_no_version(world):
    share = Share(world, "人口.csv", variables={"updates": "excluded"})
    share.release("人口.csv", "世帯.csv")
    assert names(share.get(share.root)) == ["人口"]
    assert share.get(f"{share.root}/人口/version").headers["Delta-Table-Version"] == "1"


JSON_HINT = {
    "op": "and",
    "children": [
        {
            "op": "not",
            "children": [{"op": "isNull", "children": [{"op": "column", "name": "番号", "valueType": "long"}]}],
        },
        {
            "op": "greaterThan",
            "children": [
                {"op": "column", "name": "番号", "valueType": "long"},
                {"op": "literal", "value": "3", "valueType": "long"},
            ],
        },
    ],
}


SKIPPING = (
    {"predicateHints": ["番号 > 3"]},
    {"predicateHints": ["4 <= `番号`"]},
    {"predicateHints": ["番号 IS NULL"]},
    {"predicateHints": ["割合 > 0", "基準日 = '2026-05-01'"]},
    {"predicateHints": ["地区 < 'a'"]},
    {"jsonPredicateHints": json.dumps(JSON_HINT)},
    {"limitHint": 0},
)
KEEPING = (
    {"predicateHints": ["番号 >= 3", "地区 IS NULL", "割合 > 9.5 OR 1 = 1", "nothing = 1", "地区 = 5", "("]},
    {"jsonPredicateHints": "[" * 100_000},
    {"jsonPredicateHints": json.dumps(JSON_HINT | {"op": "or"})},
    {"limitHint": 1, "unknown": True},
)


def test_hints_leave_a_file_out_only_where_that_is_certain(world):
    share = Share(world, "人口.csv")
    for hint in SKIPPING:
        assert len(lines(share.query("人口", hint))) == 2, hint
    assert grants() == 0
    for hint in KEEPING:
        assert len(lines(share.query("人口", hint))) == 3, hint


def test_the_end_of_the_stream_is_told_to_those_who_ask_and_refreshes_the_same_version(world):
    share = Share(world, "人口.csv")
    assert "endStreamAction" not in lines(share.query("人口"))[-1]
    asks = {"headers": {"delta-sharing-capabilities": "ResponseFormat=Delta,Parquet;includeEndStreamAction=TRUE"}}
    answer = share.query("人口", **asks)
    end = lines(answer)[-1]["endStreamAction"]
    assert "includeEndStreamAction=true" in answer.headers["delta-sharing-capabilities"]
    assert end["minUrlExpirationTimestamp"] > clock.real_now().timestamp() * 1000
    share.release("人口.csv", "世帯.csv")
    again = {"includeRefreshToken": True, "refreshToken": end["refreshToken"]}
    assert share.query("人口", again).headers["Delta-Table-Version"] == "1"
    for token in ("made up", end["refreshToken"][:-2]):
        assert refusal(share.query("人口", {"refreshToken": token})) == (400, "INVALID_PARAMETER_VALUE")
    assert refusal(share.query("世帯", again)) == (400, "INVALID_PARAMETER_VALUE")


def test_what_this_server_does_not_speak_is_said(world):
    share = Share(world, "人口.csv")
    delta = {"headers": {"delta-sharing-capabilities": "responseformat=delta;readerfeatures=deletionvectors"}}
    unsupported = (400, "UNSUPPORTED_OPERATION")
    assert refusal(share.query("人口", **delta)) == unsupported
    assert refusal(share.get(f"{share.root}/人口/metadata", **delta)) == unsupported
    assert refusal(share.get(f"{share.root}/人口/changes?startingVersion=1")) == unsupported
    assert refusal(share.query("人口", {"startingVersion": 1})) == unsupported
    assert refusal(share.call("POST", f"{share.root}/人口/temporary-table-credentials", json={})) == unsupported
    assert refusal(share.get(f"{share.root}/人口")) == (405, "UNSUPPORTED_OPERATION")
    assert refusal(share.get("/nothing")) == (404, "RESOURCE_DOES_NOT_EXIST")
    echoed = share.query("人口", headers={"fileidhash": "Delta"})
    assert echoed.headers["fileidhash"] == "delta"
    assert refusal(share.query("人口", headers={"fileidhash": "md5"})) == (400, "INVALID_PARAMETER_VALUE")


BODIES = (
    (b"{", (400, "MALFORMED_REQUEST")),
    (b"[]", (400, "MALFORMED_REQUEST")),
    (b"\xff\xfe{}", (400, "MALFORMED_REQUEST")),
    (b"[" * 200_000, (400, "MALFORMED_REQUEST")),
    (b'{"limitHint": -1}', (400, "INVALID_PARAMETER_VALUE")),
    (b'{"limitHint": true}', (400, "INVALID_PARAMETER_VALUE")),
    (b'{"version": "1"}', (400, "INVALID_PARAMETER_VALUE")),
    (b'{"predicateHints": "x"}', (400, "INVALID_PARAMETER_VALUE")),
    (b'{"jsonPredicateHints": {}}', (400, "INVALID_PARAMETER_VALUE")),
    (b'{"timestamp": "0001-01-01T00:00:00+14:00"}', (400, "INVALID_PARAMETER_VALUE")),
    (b'{"predicateHints": ["' + b"x" * 1_000_000 + b'"]}', (413, "REQUEST_TOO_LARGE")),
)
LONG = 200_000


def test_a_long_predicate_is_passed_over_and_costs_no_time(world):
    share = Share(world, "人口.csv")
    hints = ["a" * LONG, " " * LONG + "!", "'" * LONG, "1" * LONG + " < id", "(" * LONG]
    for hint in hints:
        started = time.monotonic()
        assert len(lines(share.query("人口", {"predicateHints": [hint], "jsonPredicateHints": hint[:20_000]}))) == 3
        assert time.monotonic() - started < 2


def test_a_page_token_used_again_gives_the_same_page_and_every_next_one_lies_further_on(world):
    share = Share(world, *(f"表{n}.csv" for n in range(4)))
    first = share.get(f"{share.root}?maxResults=2").json["nextPageToken"]
    pages = [share.get(f"{share.root}?maxResults=1&pageToken={first}") for _ in range(2)]
    assert names(pages[0]) == names(pages[1]) == ["表2"]
    last = pages[0].json["nextPageToken"]
    assert last != first and "nextPageToken" not in share.get(f"{share.root}?maxResults=1&pageToken={last}").json


def test_a_body_that_cannot_be_taken_is_refused_with_its_reason(world):
    share = Share(world, "人口.csv")
    for body, told in BODIES:
        assert refusal(share.call("POST", f"{share.root}/人口/query", data=body)) == told, body[:40]
    assert grants() == 0


def test_a_limit_and_a_recall_are_403_which_clients_do_not_retry(world):
    share = Share(world, "人口.csv")
    share.deal.buyer.call("PUT", f"/contracts/{share.id}/limits", {"bytes": 10})
    assert refusal(share.query("人口")) == (403, "LIMIT_REACHED")
    assert grants() == 0
    session.execute(update(File).values(recalled_at=clock.now()))
    session.commit()
    assert refusal(share.query("人口")) == (403, "PERMISSION_DENIED")
    assert refusal(share.get(f"{share.root}/人口/metadata")) == (403, "PERMISSION_DENIED")


def test_the_page_gives_the_profile_as_a_file_and_takes_it_back(world):
    provider, buyer = world.organization("提供社"), world.organization("利用社")
    _, _, offer = world.published(provider, {"model": "free"})
    contract = world.contract(buyer, provider, offer)
    page = f"/desk/contracts/{contract['id']}"
    assert f".share#{contract['id']}.default.人口" in buyer.see(page)
    form = {"csrf_token": csrf(buyer.browser.get(page))}
    file = buyer.browser.post(f"{page}/profile", data=form)
    assert file.headers["Content-Disposition"].startswith("attachment; filename=")
    token = file.get_json()["bearerToken"]
    headers = {"Authorization": f"Bearer {token}"}
    shares = world.app.test_client().get("/delta-sharing/shares", headers=headers)
    assert names(shares) == [contract["id"]]
    assert token not in buyer.see(page)
    assert buyer.browser.post(f"{page}/profile/revoke", data=form).status_code == 303
    assert world.app.test_client().get("/delta-sharing/shares", headers=headers).status_code == 401
    assert "共有プロファイルを発行する" not in provider.see(page)
