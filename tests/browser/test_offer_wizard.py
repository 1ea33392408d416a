"""The offer wizard in a real browser: every page in order, the text follows what is chosen, both templates' kinds."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.browser.walk import look

pytestmark = pytest.mark.browser


def listing_with_a_contract(page: Any, url: str) -> str:
    """A listing of the company's whose offers are contracts."""
    page.goto(f"{url}/desk/listings")
    links = page.eval_on_selector_all("main a[href*='/desk/listings/']", "all => all.map(a => a.getAttribute('href'))")
    for link in dict.fromkeys(link for link in links if re.fullmatch(r"/desk/listings/[0-9a-z]{20,}", link)):
        page.goto(f"{url}{link}/offers/choose")
        if page.locator("a[href*='template=provision-licence']").count():
            return str(link)
    raise AssertionError("no listing of the company takes a contract")


def draft(page: Any, url: str, template: str, model: str, listing: str | None = None) -> str:
    page.goto(f"{url}{listing or listing_with_a_contract(page, url)}/offers/new?template={template}")
    page.locator(f"input[name=model][value={model}]").check()
    page.get_by_role("button", name="下書きを作る").click()
    page.wait_for_url("**/topics/price")
    return str(page.url.removeprefix(url).rsplit("/topics", 1)[0])


def test_every_page_of_the_wizard_is_in_order(visitor: Any, live: Any) -> None:
    page, template = visitor("company"), "provision-licence"
    base = draft(page, live.url, template, "metered")
    page.goto(live.url + base + "?lang=ja")
    steps = page.eval_on_selector_all("ol.steps a", "all => all.map(a => new URL(a.href).pathname)")
    assert len(steps) >= 10
    choose = base.rsplit("/", 1)[0] + "/choose"
    for path in (base, *steps, f"{base}/discard", choose, f"{choose.removesuffix('choose')}new?template={template}"):
        _, faults = look(page, live.url, path)
        assert not faults, (path, faults)


def test_the_table_of_usage_rights_is_in_order(visitor: Any, live: Any) -> None:
    page = visitor("company")
    base = draft(page, live.url, "co-creation", "free")
    _, faults = look(page, live.url, f"{base}/topics/matrix")
    assert not faults


def test_the_text_beside_follows_what_is_chosen(visitor: Any, live: Any) -> None:
    page = visitor("company")
    base = draft(page, live.url, "provision-licence", "one_off")
    page.goto(f"{live.url}{base}/topics/use")
    reading = page.locator("#reading")
    assert "標準と異なる条文" not in reading.inner_text()
    page.locator("[name='variables.ai_training'][value=permitted]").check()
    reading.get_by_text("標準と異なる条文：第3条").wait_for()
    assert reading.get_by_text("機械学習モデルの学習に用いることができる").is_visible()
    page.reload()  # nothing was saved yet
    assert "標準と異なる条文" not in reading.inner_text()


def test_a_refused_topic_shows_the_field_of_another_page_to_mend_it(visitor: Any, live: Any) -> None:
    page = visitor("company")
    base = draft(page, live.url, "provision-licence", "one_off")
    page.goto(f"{live.url}{base}/topics/term")
    page.locator("[name='variables.term'][value=indefinite]").check()
    page.get_by_role("button", name="保存して手順の一覧に戻る").click()
    page.goto(f"{live.url}{base}/topics/use")
    page.locator("[name='variables.exclusivity'][value=exclusive]").check()
    page.get_by_role("button", name="次へ").click()
    page.locator(".error-summary a").first.click()
    assert page.evaluate("document.activeElement.name") == "variables.term"
    page.locator("[name='variables.term'][value=fixed]").check()
    page.get_by_role("button", name="次へ").click()
    page.wait_for_url(re.compile("/topics/warranty"))  # a browser keeps the fragment over the redirect
