"""What these tests do over and over, through the pages: open, fill in, read the mail."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import select

from exchange.database import session
from exchange.mail import Letter
from tests.world import csrf

COMPANY = {
    "kind": "company",
    "name": "みほん工業株式会社",
    "corporate_number": "7000012050002",
    "address": "東京都千代田区1-1",
    "representative": "代表取締役 見本 花子",
    "person_name": "見本 花子",
    "email": "hanako@mihon.example",
    "password": "correct horse battery",
    "may_bind": "y",
    "accept_terms": "y",
}
CITY = {
    **COMPANY,
    "kind": "municipality",
    "name": "見本区",
    "corporate_number": "8000020131032",
    "municipality_code": "131032",
    "email": "yakuba@city.mihon.lg.jp",
}


def send(browser: Any, path: str, **fields: Any) -> Any:
    """Fill in the form of a page and send it."""
    session.remove()
    token = csrf(browser.get(path))
    session.remove()
    return browser.post(path, data={"csrf_token": token, **fields})


def sign_in(browser: Any, email: str, password: str, **fields: Any) -> Any:
    """Try to sign in."""
    return send(browser, "/sign-in", email=email, password=password, **fields)


def letters(to: str) -> list[Letter]:
    """Mail to someone, the newest first."""
    session.remove()
    return list(session.scalars(select(Letter).where(Letter.to == to).order_by(Letter.id.desc())))


def link_for(to: str, purpose: str) -> str:
    """The path of the newest link of a purpose in someone's mail."""
    for letter in letters(to):
        if found := re.search(rf"/{purpose}/[\w-]+", letter.body):
            return found.group(0)
    raise AssertionError(f"no {purpose} link for {to}")


def words(answer: Any) -> str:
    """The text of a page, without the CSRF token and request id, so that pages can be compared."""
    page = str(answer.get_data(as_text=True))
    return re.sub(r'name="csrf_token" value="[^"]+"', "", page)


def is_signed_in(browser: Any) -> bool:
    """Whether the desk opens."""
    session.remove()
    return bool(browser.get("/desk").status_code == 200)
