"""Uploads in the browser live through a lost connection, a closed page and a store that has forgotten them."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.test_main_job import describe, listing

pytestmark = pytest.mark.browser

MEGABYTE = 1024 * 1024
FIELD = "[data-upload] input[type=file]"
KEPT = "Object.values(localStorage).map(v => JSON.parse(v)).find(v => v && v.done)"


@pytest.fixture
def files_page(visitor: Any, live: Any) -> Any:
    """The files of a new listing."""
    page = visitor("company")
    describe(page, live.url)
    listing(page, "/files")
    return page


@pytest.fixture
def big_file(tmp_path: Path) -> Iterator[Path]:
    """More than one part, of zeros that take no room on the disk."""
    file = tmp_path / "測量.bin"
    with file.open("wb") as stream:
        stream.truncate(130 * MEGABYTE)
    yield file
    file.unlink()


def arrived(page: Any, name: str) -> None:
    page.get_by_role("row", name=re.compile(f"{name}.*読取済み")).wait_for(timeout=60_000)


def test_a_lost_connection_is_told_and_the_upload_goes_on(files_page: Any, tmp_path: Path) -> None:
    file = tmp_path / "一覧.csv"
    file.write_text("名称,数\n" + "".join(f"第{n}公園,{n}\n" for n in range(50)))
    files_page.context.set_offline(True)
    files_page.set_input_files(FIELD, file)
    files_page.get_by_text("接続が切れました").wait_for()
    files_page.context.set_offline(False)
    arrived(files_page, "一覧.csv")


def test_a_closed_page_goes_on_where_it_stopped(files_page: Any, big_file: Path) -> None:
    sent = parts_sent(files_page)
    hurry = slow(files_page, big_file)
    before = files_page.evaluate(f"({KEPT}).count")
    done = files_page.evaluate(f"Object.keys(({KEPT}).done).length")
    files_page.on("dialog", lambda dialog: dialog.accept())
    files_page.reload()
    hurry()
    sent.clear()
    files_page.set_input_files(FIELD, big_file)
    arrived(files_page, "測量.bin")
    assert before == 3
    assert len(sent) == before - done < before
    assert not files_page.evaluate(KEPT)


def test_a_forgotten_upload_starts_again(files_page: Any, big_file: Path) -> None:
    os.utime(big_file, (1_000_000_000, 1_000_000_000))
    begun = files_page.get_attribute("[data-upload]", "data-create-url")
    key = f"upload {begun} {big_file.name} {130 * MEGABYTE} 1000000000000"
    files_page.evaluate(REMEMBER, [key, {"id": FORGOTTEN, "size": 64 * MEGABYTE, "count": 3, "done": {"1": "-"}}])
    asked = list[str]()
    files_page.on("request", lambda request: asked.append(request.url))
    files_page.set_input_files(FIELD, big_file)
    arrived(files_page, "測量.bin")
    assert any(FORGOTTEN in url for url in asked), "it tried to go on first"
    assert not files_page.evaluate(KEPT)


# As after a day, when what never completed is swept away: the browser remembers a file that the site does not know.
FORGOTTEN = "0" * 26
REMEMBER = "([key, kept]) => localStorage.setItem(key, JSON.stringify(kept))"


def parts_sent(page: Any) -> list[str]:
    """The parts that reach the store from now on."""
    sent = list[str]()
    page.on("requestfinished", lambda r: sent.append(r.url) if r.method == "PUT" and "partNumber" in r.url else None)
    return sent


def slow(page: Any, file: Path) -> Callable[[], None]:
    """Send over a line so thin that the first part has arrived and the rest cannot have; gives back how to widen it."""
    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    thin = {"offline": False, "latency": 5, "downloadThroughput": 50 * MEGABYTE, "uploadThroughput": 6 * MEGABYTE}
    line.send("Network.emulateNetworkConditions", thin)
    page.set_input_files(FIELD, file)
    page.get_by_text("MB/s").wait_for()
    until = time.monotonic() + 60
    while not page.evaluate(f"Object.keys(({KEPT})?.done ?? {{}}).length") and time.monotonic() < until:
        page.wait_for_timeout(100)

    def hurry() -> None:
        line.send("Network.emulateNetworkConditions", {**thin, "uploadThroughput": -1})
        line.detach()

    return hurry
