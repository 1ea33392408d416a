"""Walks the site by its own links, as a visitor or as somebody signed in, and looks at each kind of page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import axe_core_python

PASSWORD = "exchange-demo"
AXE = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text()
AXE_RULES = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
}
# 1280 at 400 % zoom, a tablet, a small window, a phone: nothing may scroll sideways. English words need more room where
# there is little of it.
WIDTHS = {"ja": (1000, 768, 390, 320), "en": (390,)}
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}

# Pages that come in many copies: of each kind so many are looked at. Contracts and listings differ by their state.
KINDS = {
    r"/problems/[^/]+": 1,
    r"/contract-templates/[^/]+": 1,
    r"/terms/[^/]+/versions/[^/]+": 1,
    r"/desk/(contracts|listings)/[^/]+": 2,
    r".*/offers/new": 1,
}
# The same for everyone who signs in: looked at once a run, by whoever comes there first. Other kinds of pages differ by
# who looks, but not in their colors or in the length of English words.
SHARED = re.compile(r"/desk/(account|notices|tokens|organization)\b.*")
_seen: set[str] = set()
IDENTIFIER = re.compile(r"/(?=[^/]*\d)[0-9A-Za-z_-]{8,}(?=/|$)|/\d{4}-\d{2}(?=/|$)")
NOT_PAGES = re.compile(
    r"^/(static|objects|api|metrics|healthz|readyz|sitemap|catalog|delta-sharing)\b"
    r"|\.(pdf|csv|xml|jsonld|ttl|txt|json|hledger|zip)$|/content$"
)


def sign_in(page: Any, url: str, who: str) -> None:
    """Sign in as somebody of the demo market, by the form."""
    page.goto(f"{url}/sign-in")
    page.fill("input[name=email]", f"{who}@demo.exchange.example")
    page.fill("input[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url("**/desk**")


def walk(page: Any, url: str, start: list[str], *, under: str = "/") -> Iterator[tuple[str, list[str]]]:
    """Every kind of page that links lead to from `start`, with its faults; links are followed below `under`."""
    waiting, met, left = list(start), set(start), dict(KINDS)
    while waiting:
        path = waiting.pop(0)
        kind = kind_of(path)
        is_known = kind in _seen
        if (left.setdefault(kind, 1) < 1 and path not in start) or (is_known and SHARED.fullmatch(kind)):
            continue
        left[kind] -= 1
        links, faults = look(page, url, path, again=is_known)
        _seen.add(kind)
        yield path, faults
        for link in links:
            if link.startswith(under) and link not in met and not NOT_PAGES.search(link.partition("?")[0]):
                met.add(link)
                waiting.append(link)


def kind_of(path: str) -> str:
    """What a hundred listings have in common: the pattern of `KINDS`, or the path with its identifiers taken out."""
    bare = IDENTIFIER.sub("/*", path.partition("?")[0])
    return next((pattern for pattern in KINDS if re.fullmatch(pattern, bare)), bare)


def look(page: Any, url: str, path: str, *, again: bool = False) -> tuple[list[str], list[str]]:
    """The links of a page and what is wrong with it, in Japanese at both widths.

    The English page has the same markup, so that axe has nothing new to find there; longer words need more room. A kind
    of page that was looked at before shows other rows to somebody else: in Japanese, as wide and as narrow as it gets.
    """
    faults, links = [], list[str]()
    for language, widths in ({"ja": (320,)} if again else WIDTHS).items():
        page.set_viewport_size(WIDE if language == "ja" else NARROW)
        answer = page.goto(f"{url}{path}{'&' if '?' in path else '?'}lang={language}")
        faults += [f"answers {answer.status}"] if answer.status >= 400 else []
        if language == "ja":
            links = _links(page)
            faults += [f"wide: {fault}" for fault in faults_of(page, of="main" if again else None)]
        for width in widths:
            page.set_viewport_size({"width": width, "height": 844})
            faults += [f"{language} {width}: {fault}" for fault in sideways(page)]
            if language == "ja" and width == NARROW["width"]:
                faults += [f"narrow: {fault}" for fault in faults_of(page, of="main")]
    return links, faults


def _links(page: Any) -> list[str]:
    hrefs = page.eval_on_selector_all("a[href]:not([download])", "all => all.map(a => a.href)")
    here = urlsplit(page.url)
    found = [urlsplit(href) for href in hrefs]
    return [
        part.path + (f"?{part.query}" if part.query else "")
        for part in found
        if part.netloc == here.netloc and "lang=" not in part.query
    ]


def faults_of(page: Any, *, of: str | None = None) -> list[str]:
    """What is wrong with the open page, all of it unfolded: axe's findings, scrolling sideways, headings.

    Of a part, what may differ there: colors are the same at every width, and half of axe's time.
    """
    page.evaluate("document.querySelectorAll('main details').forEach(fold => { fold.open = true; })")
    if page.evaluate("!window.axe"):
        page.evaluate(AXE)
    options = AXE_RULES | {"rules": {"color-contrast": {"enabled": of is None}}}
    found = page.evaluate("([of, options]) => axe.run(of || document, options)", [of, options])["violations"]
    told = [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"][:3]]
    headings = page.locator("h1").count()
    return told + sideways(page) + ([f"{headings} h1"] if headings != 1 else [])


def sideways(page: Any) -> list[str]:
    """Whether the page is wider than its window, and by what."""
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [f"scrolls sideways by {wide} px: {page.evaluate(WIDEST)}"] if wide > 0 else []


WIDEST = """() => [...document.querySelectorAll('body *')]
    .filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .slice(0, 2).map(e => e.outerHTML.slice(0, 120)).join(' … ')"""
