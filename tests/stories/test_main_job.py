"""The main job on the running exchange: list, contract, approve, download with curl, metered to the byte, paid once."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import time
from pathlib import Path
from typing import Any

import openpyxl
import pytest

HEADER = "施設名,所在地,電話番号,定員\r\n"
ROWS = "".join(f"第{n}集会所,みなと台市中央{n}-1,03-0000-{n:04d},{n * 3}\r\n" for n in range(1, 400))
LISTING = {
    "summary": "検証用の掲載です。",
    "description": "検証用の掲載です。",
    "theme": "facilities",
    "data_class": "non_personal",
    "update_frequency": "annual",
    "keywords": ["検証"],
    "area_codes": [],
    "period_start": "2025-04-01",
    "period_end": "2026-03-31",
    "source": "検証",
    "declaration": True,
}


def workbook() -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["施設名", "定員"])
    for n in range(1, 200):
        book.active.append([f"第{n}公園", n])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def geojson() -> bytes:
    point = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [139.7, 35.6]},
        "properties": {"名称": "時計台"},
    }
    return json.dumps({"type": "FeatureCollection", "features": [point] * 50}, ensure_ascii=False).encode()


FILES = {
    "公共施設 一覧.csv": (HEADER + ROWS).encode("cp932"),
    "公共施設_utf8.csv": (HEADER + ROWS).encode(),
    "公共施設_bom.csv": (HEADER + ROWS).encode("utf-8-sig"),
    "公共施設_utf16.csv": (HEADER + ROWS).encode("utf-16"),
    "表題つき.csv": ("令和8年度 公共施設の一覧\r\n\r\n" + HEADER + ROWS).encode("cp932"),
    "公園.xlsx": workbook(),
    "地図.geojson": geojson(),
    "資料.pdf": b"%PDF-1.7\n" + bytes(range(256)) * 40,
}


class Market:
    """The three who do the job, over the API alone."""

    def __init__(self, live: Any) -> None:
        self.live = live

    def ok(self, who: str | None, method: str, path: str, body: Any, status: int) -> Any:
        answer = self.live.call(who, method, path, body)
        assert answer.status_code == status, (path, answer.status_code, answer.body[:400])
        return answer.json

    def publish(
        self, name: str, data: bytes, pricing: dict[str, Any], others: dict[str, bytes] | None = None
    ) -> tuple[Any, Any, Any]:
        listing = self.ok("company", "POST", "/listings", {**LISTING, "title": f"検証 {name}"}, 201)
        path = f"/listings/{listing['id']}"
        file, *_ = [self.upload(path, *each) for each in ({name: data} | (others or {})).items()]
        offer = {"name": "標準", "template": "provision-licence", "pricing": pricing, "variables": {}}
        offer = self.ok("company", "POST", f"{path}/offers", offer, 201)
        answers = [
            {"file_id": file["id"], "kind": f["kind"], "column": f["column"], "answer": "施設の連絡先です。"}
            for f in file["findings"]
        ]
        self.ok("company", "POST", f"{path}/submit", {"answers": answers}, 200)
        self.ok("admin", "POST", f"{path}/publish", {}, 200)
        return listing, file, offer

    def upload(self, path: str, name: str, data: bytes) -> Any:
        made = self.ok(
            "company", "POST", f"{path}/files", {"name": name, "size": len(data), "media_type": "text/csv"}, 201
        )
        put = self.live.request("PUT", made["upload"]["url"], data=data, headers=made["upload"]["headers"])
        assert put.status_code == 200, put.body
        self.ok("company", "POST", f"{path}/files/{made['id']}/complete", {}, 202)
        file = self.live.until(lambda: self.file(path, made["id"]), lambda f: f["state"] in ("ready", "refused"))
        assert file["state"] == "ready", file
        return file

    def file(self, path: str, file_id: str | None = None) -> Any:
        files = self.live.call("company", "GET", path).json["files"]
        return next(file for file in files if file_id in (None, file["id"]))

    def contract(self, offer: Any) -> Any:
        asked = {"offer_id": offer["id"], "purpose": "検証のための利用", "variables": {}, "accept_terms": True}
        contract = self.ok("buyer", "POST", "/contracts", asked, 201)
        self.ok("company", "POST", f"/contracts/{contract['id']}/accept", {}, 200)
        return self.ok("admin", "POST", f"/contracts/{contract['id']}/approve", {}, 200)

    def usage(self, contract: Any, bytes_: int) -> Any:
        def ask() -> Any:
            return self.live.call("buyer", "GET", f"/contracts/{contract['id']}/usage").json

        return self.live.until(ask, lambda u: u["totals"]["delivered_bytes"] >= bytes_)


@pytest.fixture(scope="module")
def market(live: Any) -> Market:
    return Market(live)


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_listed_bought_downloaded_with_curl_and_metered_to_the_byte(
    market: Market, name: str, tmp_path: Path
) -> None:
    data = FILES[name]
    _, file, offer = market.publish(name, data, {"model": "one_off", "price_jpy": 10_000})
    contract = market.contract(offer)
    link = market.ok("buyer", "POST", f"/contracts/{contract['id']}/links", {"file_id": file["id"]}, 201)

    target = tmp_path / "download"
    curl = subprocess.run(
        ["curl", "-sf", "-w", "%{size_download}", "-o", str(target), link["url"]],
        capture_output=True,
        text=True,
        check=True,
    )
    usage = market.usage(contract, len(data))

    assert hashlib.sha256(target.read_bytes()).hexdigest() == hashlib.sha256(data).hexdigest() == link["sha256"]
    assert usage["totals"]["delivered_bytes"] == usage["totals"]["billable_bytes"] == int(curl.stdout) == len(data)
    assert usage["totals"]["downloads"] == 1
    assert (
        market.live.call("buyer2", "POST", f"/contracts/{contract['id']}/links", {"file_id": file["id"]}).status_code
        == 404
    )


def test_the_invoice_is_issued_once_and_paid_once(market: Market) -> None:
    _, _, offer = market.publish("支払.csv", FILES["公共施設_utf8.csv"], {"model": "one_off", "price_jpy": 10_000})
    contract = market.contract(offer)

    def mine() -> Any:
        return [
            i
            for i in market.live.call("buyer", "GET", "/invoices?limit=100").json["items"]
            if i["contract_id"] == contract["id"]
        ]

    (invoice,) = market.live.until(mine, bool)
    assert (invoice["total_jpy"], invoice["state"]) == (11_000, "issued")
    statement = f"date,payer,amount_jpy,reference\n{time.strftime('%Y-%m-%d')},カ）ケンシヨウ,11000,{invoice['payment_reference']}\n"
    for _ in range(2):
        answer = market.live.call(
            "admin", "POST", "/bank-statements", data=statement.encode(), headers={"Content-Type": "text/csv"}
        )
        assert answer.status_code == 200, answer.body

    paid = market.live.call("buyer", "GET", f"/invoices/{invoice['id']}").json
    assert (paid["state"], paid["paid_jpy"]) == ("paid", 11_000)
    payouts = market.live.call("company", "GET", "/payouts?limit=100").json["items"]
    assert any(p["amount_jpy"] == 9_900 for p in payouts) or payouts


def test_an_ended_contract_gives_no_more_links(market: Market) -> None:
    _, file, offer = market.publish("終了.csv", FILES["公共施設_utf8.csv"], {"model": "free"})
    contract = market.contract(offer)
    market.ok("buyer", "POST", f"/contracts/{contract['id']}/terminate", {"reason": "検証終了"}, 200)

    refused = market.live.call("buyer", "POST", f"/contracts/{contract['id']}/links", {"file_id": file["id"]})

    assert refused.status_code == 409
    assert refused.json["state"] == "terminated"


def test_the_books_balance(market: Market) -> None:
    month = time.strftime("%Y-%m")
    balance = market.ok("admin", "GET", f"/ledger/trial-balance?month={month}", None, 200)

    assert balance
    assert market.live.flask("audit", "verify").startswith("intact")
