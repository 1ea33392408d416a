"""Bought data read into pandas by the official Delta Sharing client, with the three lines from the contract's page."""

from __future__ import annotations

import html
import http.cookiejar
import json
import random
import re
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import delta_sharing
import pytest

from tests.stories.test_main_job import Market
from tests.world import PASSWORD

ROWS = 100_000  # more than one block of the client's (5 MB), so that it reads ranges
METERED = {"model": "metered", "unit": "gigabyte", "tiers": [{"up_to": None, "unit_price_jpy": "1000000"}]}


class Browser:
    """A signed-in browser on the running exchange, without scripts."""

    def __init__(self, live: Any, who: str) -> None:
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.url, self.opener = live.url, urllib.request.build_opener(cookies)
        self.send("/sign-in", "/sign-in", email=f"{who}@demo.exchange.example", password=PASSWORD)

    def open(self, path: str, data: bytes | None = None) -> Any:
        return self.opener.open(self.url + path, data, timeout=60)

    def send(self, page: str, action: str, **fields: str) -> Any:
        """Open a page and send its form."""
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.open(page).read().decode())
        assert found
        return self.open(action, urllib.parse.urlencode({"csrf_token": found[1], **fields}).encode())


def counted(market: Market, contract: Any, links: int, bytes_: int) -> Any:
    """The contract's usage once so many bytes of each of its links were counted."""

    def ask() -> Any:
        return market.live.call("buyer", "GET", f"/contracts/{contract['id']}/usage").json

    def holds(usage: Any) -> bool:
        items = usage["items"]
        return (
            len(items) == links
            and all(sum(r["bytes_sent"] for r in i["requests"] if r["status"] < 300) >= bytes_ for i in items)
            and usage["totals"]["billable_bytes"] >= bytes_
        )

    return market.live.until(ask, holds)["totals"]


@pytest.fixture(scope="module")
def market(live: Any) -> Market:
    return Market(live)


@pytest.fixture(scope="module")
def bought(market: Market) -> tuple[Any, int]:
    """An offer on a table of several megabytes, and the size of its Parquet form."""
    draw = random.Random(7)
    rows = "".join(f"第{n}集会所,{n},{draw.random() * 50:.12f},{draw.getrandbits(512):x}\n" for n in range(ROWS))
    listing, _, offer = market.publish("公共施設 一覧.csv", f"施設名,定員,緯度,備考\n{rows}".encode(), METERED)
    file = market.file(f"/listings/{listing['id']}")
    return offer, file["variants"]["parquet"]["size"]


def test_three_lines_from_the_page_read_a_table_which_is_billed_once(
    market: Market, bought: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (offer, size), browser = bought, Browser(market.live, "buyer")
    contract = market.contract(offer)
    page = f"/desk/contracts/{contract['id']}"
    given = browser.send(page, f"{page}/profile")
    (tmp_path / given.headers.get_filename()).write_bytes(given.read())
    shown = re.findall(r"<code>(import delta_sharing.*?)</code>", browser.open(page).read().decode(), re.DOTALL)
    lines = html.unescape(shown[0])
    assert len(lines.splitlines()) == 3
    monkeypatch.chdir(tmp_path)
    read: dict[str, Any] = {}
    exec(lines, read)

    assert list(read["df"].columns) == ["施設名", "定員", "緯度", "備考"]
    assert (len(read["df"]), read["df"]["施設名"][1], read["df"]["定員"].sum()) == (ROWS, "第1集会所", sum(range(ROWS)))
    assert counted(market, contract, 1, size)["billable_bytes"] == size

    again = delta_sharing.load_as_pandas(read["table"], convert_in_batches=True)
    assert len(again) == ROWS
    usage = counted(market, contract, 2, size)
    assert (usage["billable_bytes"], usage["downloads"]) == (size, 1)


def test_the_client_lists_looks_and_reads_a_few_rows(market: Market, bought: Any, tmp_path: Path) -> None:
    offer, size = bought
    contract = market.contract(offer)
    profile = tmp_path / "profile.share"
    profile.write_text(json.dumps(market.ok("buyer", "POST", f"/contracts/{contract['id']}/profile", {}, 201)))
    (table,) = delta_sharing.SharingClient(str(profile)).list_all_tables()
    url = f"{profile}#{table.share}.{table.schema}.{table.name}"

    assert (table.share, table.schema, table.name) == (contract["id"], "default", "公共施設_一覧")
    assert delta_sharing.get_table_version(url) == 1
    assert '"name": "緯度", "type": "double"' in str(delta_sharing.get_table_metadata(url).schema_string)
    assert counted(market, contract, 0, 0)["links"] == 0  # looking costs nothing

    few = delta_sharing.load_as_pandas(url, limit=10)
    assert list(few["定員"]) == list(range(10))
    assert 0 < counted(market, contract, 1, 1)["billable_bytes"] <= size

    market.ok("company", "POST", f"/contracts/{contract['id']}/suspend", {"reason": "検証"}, 200)
    with pytest.raises(Exception, match="PERMISSION_DENIED"):
        delta_sharing.load_as_pandas(url)
