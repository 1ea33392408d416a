"""A real Chromium, where there is one: `CHROMIUM` names it, or it is found. `REQUIRE_BROWSER=1` makes its lack a failure."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MISSING = "no Chromium found (set CHROMIUM to its path, or REQUIRE_BROWSER=1 to fail instead)"


def chromium() -> str | None:
    """The path of the browser, if there is one."""
    named = os.environ.get("CHROMIUM")
    return shutil.which(named) if named else next((path for name in NAMES if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """The browser, one for the run."""
    path = chromium()
    if path is None:
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail(MISSING, pytrace=False)
        pytest.skip(MISSING)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Containers have no user namespaces to make a sandbox of; the pages are our own. Every page runs axe anew, and
        # is gone before optimizing it would pay.
        args = ["--no-sandbox", "--disable-dev-shm-usage", "--js-flags=--no-opt"]
        running = playwright.chromium.launch(executable_path=path, args=args)
        yield running
        running.close()


@pytest.fixture
def visitor(browser: Any, live: Any) -> Iterator[Any]:
    """Opens windows with cookies of their own; what their scripts got wrong fails the test."""
    contexts, wrong = [], list[str]()

    def open_window(who: str | None = None) -> Any:
        from tests.browser.walk import WIDE, sign_in

        context = browser.new_context(locale="ja-JP", timezone_id="Asia/Tokyo", viewport=WIDE, accept_downloads=True)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: wrong.append(f"{page.url}: {error}"))
        page.on("console", lambda said: "Content Security Policy" in said.text and wrong.append(said.text))
        if who:
            sign_in(page, live.url, who)
        return page

    yield open_window
    for context in contexts:
        context.close()
    assert not wrong, "\n".join(wrong)
