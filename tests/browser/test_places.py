"""The pages of a holder's own storage place, looked at wide and narrow, in both languages."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.walk import faults_of, look

pytestmark = pytest.mark.browser


def test_the_pages_of_a_storage_place_are_in_order(visitor: Any, live: Any) -> None:
    page = visitor("company")
    page.goto(f"{live.url}/desk/places/new")
    page.fill("input[name=name]", "オープンデータ用バケット")
    page.click("main button[type=submit]")
    assert page.title().startswith("エラー:") and not faults_of(page)
    page.check("input[name=kind][value=key]")
    told = {"endpoint_url": "https://store.invalid", "bucket": "open-data", "prefix": "data/open/"}
    told |= {"probe_key": "data/open/確認.csv", "access_key": "holder-key", "secret_key": "holder-secret"}
    for name, value in told.items():
        page.fill(f"input[name={name}]", value)
    page.click("main button[type=submit]")
    page.wait_for_url("**/desk/places/0*")
    path = page.url.removeprefix(live.url).partition("?")[0]
    page.wait_for_selector("text=接続先が応答しません", timeout=60_000)
    for each in (path, f"{path}/edit", f"{path}/close", "/desk/places"):
        _, faults = look(page, live.url, each)
        assert not faults, (each, faults)
