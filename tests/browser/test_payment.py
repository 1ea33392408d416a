"""A buyer pays an invoice by card: the button, Stripe's page, and back; the pages of payment in order."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.walk import look

pytestmark = pytest.mark.browser


def test_an_invoice_is_paid_by_card_and_the_page_says_so(visitor: Any, live: Any) -> None:
    unpaid = [i for i in live.call("buyer", "GET", "/invoices?limit=100").json["items"] if i["due_jpy"]]
    invoice = unpaid[0]
    page = visitor("buyer")
    page.goto(f"{live.url}/desk/invoices/{invoice['id']}")
    assert "ミホンギンコウ(カクウ)" in page.inner_text("main")  # the demo's account for transfers, plainly invented
    page.click("button:has-text('カード・コンビニで支払う')")
    assert page.url.startswith(live.stripe.base), page.url  # the security policy let it through
    assert page.inner_text("h1") == f"{invoice['due_jpy']}円"
    page.click("button")
    assert "お支払いの手続きを受け付けました" in page.inner_text("main")

    assert set(live.stripe.tell(live)) == {200}
    asked = f"/invoices/{invoice['id']}"
    seen = live.until(lambda: live.call("buyer", "GET", asked).json, lambda i: i["state"] == "paid")
    assert (seen["state"], seen["due_jpy"]) == ("paid", 0)
    page.reload()
    assert "お支払いを確認しました" in page.inner_text("main")


@pytest.mark.parametrize(("who", "path"), [("buyer", "/desk/payment-card"), ("admin", "/desk/ledger/online")])
def test_the_pages_of_payment_are_in_order(who: str, path: str, visitor: Any, live: Any) -> None:
    _, faults = look(visitor(who), live.url, path)
    assert not faults, "\n".join(faults)
