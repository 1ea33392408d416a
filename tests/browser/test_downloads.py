"""Several files at once in the browser: a list that tells how far each is, resumes, retries, and saves under the own name."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.live import Live
from tests.stories.test_main_job import Market

pytestmark = pytest.mark.browser

FILES = {"人口 一覧.csv": "名称,数\n" + "".join(f"第{n}公園,{n}\n" for n in range(500)), "it's 50%.csv": "a,b\n1,2\n"}


@pytest.fixture(scope="module")
def contract(live: Live) -> str:
    """A contract in force on two files, free of charge."""
    market, ((name, words), *others) = Market(live), FILES.items()
    _, _, offer = market.publish(name, words.encode(), {"model": "free"}, {n: w.encode() for n, w in others})
    return str(market.contract(offer)["id"])


@pytest.fixture
def page(visitor: Any, live: Live, contract: str) -> Any:
    """The contract's page, as the buyer sees it."""
    page = visitor("buyer")
    page.goto(f"{live.url}/desk/contracts/{contract}")
    return page


def test_chosen_files_come_as_a_list_under_their_own_names(page: Any) -> None:
    page.get_by_label("すべて選ぶ").check()
    saved: list[Any] = []
    page.on("download", lambda download: saved.append(download))
    page.get_by_role("button", name="選んだファイルをまとめて受け取る").click()
    for name in FILES:
        page.get_by_text(f"{name}: 保存しました。内容が元のファイルと同じ").wait_for()
    assert page.get_by_text(re.compile(r"B / .*B · .*B/s")).count() == len(FILES)
    assert {each.suggested_filename: Path(each.path()).read_text() for each in saved} == FILES


def test_a_lost_connection_goes_on_and_a_refusal_says_why_and_can_be_tried_again(page: Any, live: Live) -> None:
    name, tried = next(iter(FILES)), []

    def broken(route: Any) -> None:
        tried.append(route.request.headers.get("range"))
        route.fulfill(status=200, body=FILES[name].encode()[:1000]) if len(tried) == 1 else route.fallback()

    page.route("**/objects/**", broken)
    page.get_by_label(f"まとめて受け取る：{name}").check()
    page.get_by_role("button", name="選んだファイルをまとめて受け取る").click()
    page.get_by_text("接続が切れました").wait_for()
    page.get_by_text(f"{name}: 保存しました").wait_for()
    assert tried == [None, "bytes=1000-"]

    page.route("**/link", lambda route: route.fulfill(status=429, json={"detail": "月の上限を超えます。"}), times=1)
    page.get_by_label(f"まとめて受け取る：{name}").check()
    page.get_by_role("button", name="選んだファイルをまとめて受け取る").click()
    page.get_by_text(f"{name}: 月の上限を超えます。").wait_for()
    page.get_by_role("button", name=f"もう一度 {name}").click()
    page.get_by_text(f"{name}: 保存しました").nth(1).wait_for()


def test_without_scripts_each_file_has_its_button(browser: Any, live: Live, contract: str) -> None:
    from tests.browser.walk import sign_in

    context = browser.new_context(locale="ja-JP", java_script_enabled=False, accept_downloads=True)
    page = context.new_page()
    sign_in(page, live.url, "buyer")
    page.goto(f"{live.url}/desk/contracts/{contract}")
    assert not page.get_by_text("すべて選ぶ").is_visible()
    for name, words in FILES.items():
        with page.expect_download() as coming:
            page.get_by_role("button", name=f"{name} をダウンロードする").click()
        assert coming.value.suggested_filename == name and Path(coming.value.path()).read_text() == words
    context.close()


def test_the_lines_to_copy_do_what_they_say(page: Any, live: Live, tmp_path: Path) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true; })")
    env = os.environ | {"TOKEN": live.token("buyer")}
    for name, words in FILES.items():
        for kind, run in (("curl", ["bash", "-c"]), ("Python", [sys.executable, "-c"])):
            lines = page.get_by_label(f"{kind}：{name}", exact=True).inner_text()
            subprocess.run([*run, lines], cwd=tmp_path, env=env, check=True, timeout=30, capture_output=True)
            assert (tmp_path / name).read_text() == words
            (tmp_path / name).unlink()
