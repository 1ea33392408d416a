"""The main job by hand: uploaded, published, applied for, accepted, approved, downloaded, and seen in the usage."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser

TITLE = f"湾岸地区の歩行者数 {time.time_ns()}"
ROWS = "".join(f"2026-04-{n % 28 + 1:02d},交差点{n},{n * 7}\r\n" for n in range(1, 300))
FILE = ("調査日,地点,歩行者数\r\n" + ROWS).encode("cp932")


def test_a_file_goes_from_its_provider_to_its_buyer_by_forms_alone(visitor: Any, live: Any, tmp_path: Path) -> None:
    file = tmp_path / "歩行者数.csv"
    file.write_bytes(FILE)
    provider, administrator, buyer = visitor("company"), visitor("admin"), visitor("buyer")

    describe(provider, live.url)
    upload(provider, file)
    offer(provider)
    submit(provider)
    decide(administrator, live.url, TITLE, "公開する")
    apply(buyer, live.url)
    accept(provider, live.url)
    decide(administrator, live.url, TITLE, "承認する")

    assert download(buyer, live.url).read_bytes() == FILE
    assert delivered(buyer) == f"{len(FILE):,}"


def press(page: Any, label: str) -> None:
    page.get_by_role("button", name=label, exact=True).click()


def follow(page: Any, label: str) -> None:
    page.get_by_role("link", name=label).first.click()


def describe(page: Any, url: str) -> None:
    page.goto(f"{url}/desk/listings")
    follow(page, "新しいデータを掲載する")
    for label, words in {
        "データの名前": TITLE,
        "一文での説明": "交差点ごとの1日の歩行者数です。",
        "くわしい説明": "センサーで数えた人数です。個人を識別する情報は含みません。",
        "出典・作成元": "自社のセンサー",
        "担当部署": "データ事業部",
    }.items():
        page.get_by_label(re.compile(f"^{label}")).fill(words)
    page.get_by_label(re.compile("^テーマ")).select_option("transport")
    page.get_by_label(re.compile("^更新頻度")).select_option("monthly")
    page.locator("main form button.primary").last.click()
    page.wait_for_url(re.compile(r"/desk/listings/(?!new)"))


def upload(page: Any, file: Path) -> None:
    """Send the file and wait, without touching the page, until it has been read."""
    listing(page, "/files")
    page.set_input_files("[data-upload] input[type=file]", file)
    page.get_by_role("row", name=re.compile("歩行者数.csv.*読取済み.*299行 3列")).wait_for()


def offer(page: Any) -> None:
    listing(page, "/class")
    page.get_by_label(re.compile("^個人に関しない情報")).check()
    page.locator("main form button.primary").click()
    listing(page, "/offers/choose")
    follow(page, "データ提供型・利用許諾")
    page.get_by_label(re.compile("^無料")).check()
    press(page, "下書きを作る")
    for topic in ("price", "use", "warranty", "handling", "secrecy", "term", "general", "reach", "checklist"):
        page.wait_for_url(f"**/topics/{topic}")
        press(page, "次へ")
    press(page, "この提供条件を公開する")
    page.get_by_role("row", name=re.compile("標準.*無料.*受付中")).wait_for()


def submit(page: Any) -> None:
    listing(page, "/submit")
    page.locator("input[name=declaration]").check()
    press(page, "審査に提出する")


def listing(page: Any, part: str) -> None:
    """A step of the listing at hand."""
    here = re.match(r".*/desk/listings/[0-9a-z]+", page.url)
    assert here, page.url
    page.goto(here.group(0) + part)


def decide(page: Any, url: str, title: str, decision: str) -> None:
    page.goto(f"{url}/desk/reviews")
    follow(page, title)
    press(page, decision)
    page.wait_for_load_state()
    assert not page.locator(".error-summary").count(), page.inner_text("main")[:500]


def apply(page: Any, url: str) -> None:
    page.goto(f"{url}/listings?q=歩行者数")
    follow(page, TITLE)
    follow(page, "申し込む")
    page.get_by_label(re.compile("^利用目的")).fill("歩道の広さを検討するため")
    page.locator("input[name=accept_terms]").check()
    press(page, "申し込む")
    page.wait_for_url("**/desk/contracts/*")


def accept(page: Any, url: str) -> None:
    page.goto(f"{url}/desk/contracts")
    contract = page.get_by_role("row").filter(has_text=TITLE)
    contract.get_by_role("link").first.click()
    follow(page, "承諾する")
    press(page, "承諾する")
    page.get_by_text("承認待ち").first.wait_for()


def download(page: Any, url: str) -> Path:
    page.reload()
    with page.expect_download() as coming:
        page.get_by_role("button", name="歩行者数.csv をダウンロードする").click()
    return Path(coming.value.path())


def delivered(page: Any) -> str:
    """The bytes delivered as the contract's usage page tells them, once the gateway's log has been read."""
    until = time.monotonic() + 20
    while True:
        page.goto(re.sub(r"(/desk/contracts/[0-9a-z]+).*", r"\1/usage", page.url))
        told = page.locator("td[data-label='引渡し']")
        if (told.count() and told.first.inner_text().strip() != "0") or time.monotonic() > until:
            return str(told.first.inner_text().strip())
        time.sleep(0.5)
