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


def test_a_card_is_authorized_while_the_contract_waits_and_freed_when_it_comes_to_nothing(
    visitor: Any, live: Any
) -> None:
    contract = requested(live)
    path = f"/desk/contracts/{contract}"
    page = visitor("buyer")
    page.goto(live.url + path)
    page.click("button:has-text('カードで与信枠を確保する')")
    assert page.url.startswith(live.stripe.base), page.url
    page.click("button")
    assert "カード会社の確認を待っています" in page.inner_text("#card")
    assert set(live.stripe.tell(live)) == {200}
    shown = live.until(lambda: reloaded(page, live.url + path), lambda text: "確保済み" in text)
    assert "まで確保しています" in shown and "解放する" in shown
    _, faults = look(page, live.url, path)
    assert not faults, "\n".join(faults)

    live.call("buyer", "POST", f"/contracts/{contract}/decline", {"reason": "見送ります"})
    live.until(lambda: reloaded(page, live.url + path), lambda text: "解放済み" in text)
    assert {i["status"] for i in live.stripe.all_of("payment_intent") if i["capture_method"] == "manual"} == {
        "canceled"
    }


def requested(live: Any) -> str:
    """A contract on a company's one-off offer that waits for its provider."""
    for listing in live.call("buyer", "GET", "/listings?pricing=one_off&limit=100").json["items"]:
        shown = live.call("buyer", "GET", f"/listings/{listing['id']}").json
        for offer in shown["offers"]:
            if offer["pricing"]["model"] == "one_off" and shown["provider"]["kind"] == "company":
                body = {"offer_id": offer["id"], "purpose": "検証のための利用", "variables": {}, "accept_terms": True}
                answer = live.call("buyer", "POST", "/contracts", body)
                if answer.status_code == 201:
                    return str(answer.json["id"])
    raise AssertionError("the demo has no such offer")


def reloaded(page: Any, url: str) -> str:
    page.goto(url)
    return str(page.inner_text("#card"))


@pytest.mark.parametrize(("who", "path"), [("buyer", "/desk/payment-card"), ("admin", "/desk/ledger/online")])
def test_the_pages_of_payment_are_in_order(who: str, path: str, visitor: Any, live: Any) -> None:
    _, faults = look(visitor(who), live.url, path)
    assert not faults, "\n".join(faults)
