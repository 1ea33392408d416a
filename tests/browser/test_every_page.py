"""Every kind of page, as everybody sees it: axe finds nothing, nothing scrolls sideways, in both languages."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.walk import faults_of, look, walk

pytestmark = pytest.mark.browser

PUBLIC = ["/", "/listings?q=zzzz", "/needs", "/recognition", "/sign-in", "/sign-up", "/contact", "/problems/not-found"]


def told(path: str, faults: list[str]) -> list[str]:
    return [f"{path} {fault}" for fault in faults]


def test_a_visitor_finds_every_public_page_in_order(visitor: Any, live: Any) -> None:
    wrong, seen = [], 0
    for path, faults in walk(visitor(), live.url, PUBLIC):
        wrong += told(path, faults)
        seen += 1
    assert seen >= 20
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("who", ["city", "company", "buyer", "admin"])
def test_each_finds_every_page_of_the_desk_in_order(who: str, visitor: Any, live: Any) -> None:
    wrong, seen = [], 0
    for path, faults in walk(visitor(who), live.url, ["/desk"], under="/desk"):
        wrong += told(path, faults)
        seen += 1
    assert seen >= 12
    assert not wrong, "\n".join(wrong)


def test_the_pages_between_the_catalogue_and_the_desk_are_in_order(visitor: Any, live: Any) -> None:
    page = visitor("buyer")
    page.goto(f"{live.url}/listings?pricing=one_off")
    page.click(".results h2 a")
    apply = page.locator("a[href$='/apply']").first.get_attribute("href")
    for path in (apply, "/needs/new"):
        _, faults = look(page, live.url, path)
        assert not faults, "\n".join(told(path, faults))


def test_an_error_page_is_in_order(visitor: Any, live: Any) -> None:
    page = visitor()
    answer = page.goto(f"{live.url}/listings/nothing-of-this-name")
    assert answer.status == 404
    assert not faults_of(page)
    assert "参照番号" in page.inner_text("main")


def test_a_refused_form_says_so_first_and_keeps_what_was_typed(visitor: Any, live: Any) -> None:
    page = visitor()
    page.goto(f"{live.url}/sign-up")
    page.fill("input[name=name]", "港区みらい研究会")
    page.click("main button[type=submit]")
    assert page.title().startswith("エラー:")
    assert page.evaluate("document.activeElement.className") == "error-summary"
    assert page.input_value("input[name=name]") == "港区みらい研究会"
    assert not faults_of(page)
    page.locator(".error-summary a").first.click()
    assert page.evaluate("document.activeElement.tagName") == "INPUT"


def test_the_menus_of_a_narrow_screen_open_by_keyboard(visitor: Any, live: Any) -> None:
    page = visitor("company")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{live.url}/desk/contracts")
    page.focus(".site-menu summary")
    page.keyboard.press("Enter")
    assert page.is_visible(".site-menu a[href='/needs']")
    page.keyboard.press("Escape")
    assert not page.is_visible(".site-menu a[href='/needs']")
    page.click(".desk-menu-small summary")
    page.click(".desk-menu-small a[href='/desk/usage']")
    page.wait_for_url("**/desk/usage")


def test_the_language_switch_keeps_the_page_and_its_query(visitor: Any, live: Any) -> None:
    page = visitor()
    page.goto(f"{live.url}/listings?theme=transport&sort=title")
    page.click(".account .language")
    assert "theme=transport" in page.url and "sort=title" in page.url
    assert page.get_attribute("html", "lang") == "en"
