"""Links on the running exchange end with their contract, and one for a single use is used once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stories.test_main_job import FILES, Market

NAME = "公共施設_utf8.csv"


@pytest.fixture(scope="module")
def market(live: Any) -> Market:
    return Market(live)


@pytest.fixture(scope="module")
def sold(market: Market) -> tuple[Any, Any]:
    _, file, offer = market.publish("失効.csv", FILES[NAME], {"model": "free"})
    return file, offer


def link(market: Market, contract: Any, file: Any, **body: Any) -> Any:
    return market.ok("buyer", "POST", f"/contracts/{contract['id']}/links", {"file_id": file["id"], **body}, 201)


def test_a_link_issued_before_stops_at_the_moment_of_suspension_and_of_termination(market: Market, sold: Any) -> None:
    file, offer = sold
    contract = market.contract(offer)
    url, path = link(market, contract, file)["url"], f"/contracts/{contract['id']}"
    assert market.live.get(url).body == FILES[NAME]

    market.ok("admin", "POST", f"{path}/suspend", {"reason": "確認のため"}, 200)
    assert market.live.get(url).status_code == 403
    market.ok("admin", "POST", f"{path}/resume", {"reason": "確認済み"}, 200)
    assert market.live.get(url).status_code == 200
    market.ok("buyer", "POST", f"{path}/terminate", {"reason": "検証終了"}, 200)
    refused = market.live.get(url, headers={"Range": "bytes=0-9"})
    assert refused.status_code == 403 and b"<Code>AccessDenied</Code>" in refused.body

    def asked() -> Any:
        usage = market.usage(contract, 2 * len(FILES[NAME]))
        return usage, sorted(r["status"] for item in usage["items"] for r in item["requests"])

    usage, lines = market.live.until(asked, lambda told: len(told[1]) == 4)
    assert lines == [200, 200, 403, 403]
    assert usage["totals"]["billable_bytes"] == len(FILES[NAME])


def test_a_link_for_one_use_is_used_once_and_a_tampered_one_does_not_use_it_up(market: Market, sold: Any) -> None:
    file, offer = sold
    made = link(market, market.contract(offer), file, once=True)
    url = made["url"]
    assert made["once"] == "enforced"
    assert market.live.get(url[:-1] + ("0" if url[-1] != "0" else "1")).status_code == 403
    assert market.live.request("HEAD", url).status_code == 403
    assert market.live.get(url).body == FILES[NAME]
    assert market.live.get(url).status_code == 403


def test_a_stranger_does_not_reach_the_gate(live: Any) -> None:
    told = {"X-Gate-Key": "guess", "X-Gate-Method": "GET", "X-Gate-Uri": "/objects/x", "X_Gate_Key": "guess"}
    for path in ("/gate", "//gate", "/gate/", "/%67ate", "/objects/../gate"):
        assert live.get(path, headers=told).status_code in (403, 404)
