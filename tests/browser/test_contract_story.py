"""A contract by hand: made in the wizard, countered twice, approved by two, its sealed PDF checked by pyHanko itself."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from asn1crypto import pem, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import SignatureCoverageLevel, validate_pdf_signature
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import ValidationContext

from tests.browser.test_main_job import follow, press
from tests.browser.test_offer_wizard import draft

pytestmark = pytest.mark.browser
TOPICS = ("price", "use", "warranty", "handling", "secrecy", "term", "general", "reach", "checklist")


def test_a_deal_away_from_the_standard_is_negotiated_approved_by_two_and_sealed(visitor: Any, live: Any) -> None:
    provider, buyer = visitor("company"), visitor("buyer")
    contract = live.url + applied(buyer, live.url, offered(provider, live.url))

    countered(provider, contract, cure_days="7")
    countered(buyer, contract, cure_days="10")
    provider.goto(contract)
    assert "第3版" in provider.inner_text("main")
    follow(provider, "承諾する")
    press(provider, "承諾する")

    review = contract.replace("/desk/contracts/", "/desk/reviews/contracts/")
    first = approved(visitor("admin"), review)
    assert "標準から変わった重要な条件がある" in first
    buyer.goto(contract)
    assert "管理者の承認待ち" in buyer.inner_text("main") and "あと1名" in buyer.inner_text("main")
    approved(visitor("admin2"), review)

    buyer.goto(contract)
    assert "契約は有効です" in buyer.inner_text("main")
    sealed = buyer.request.get(contract + "/document.pdf").body()
    assert is_sealed_by(sealed, live.home / "keys" / "seal.pem")
    assert not is_sealed_by(sealed.replace(b"/Reason", b"/reason", 1), live.home / "keys" / "seal.pem")


def offered(page: Any, url: str) -> str:
    """An offer made step by step that lets AI be trained; its id."""
    page.goto(f"{url}/listings?pricing=one_off")
    listing = page.locator(".results h2 a").first.get_attribute("href")
    base = draft(page, url, "provision-licence", "free", listing=f"/desk{listing}")
    for topic in TOPICS:
        page.wait_for_url(f"**/topics/{topic}")
        if topic == "use":
            page.locator("[name='variables.ai_training'][value=permitted]").check()
        press(page, "次へ")
    press(page, "この提供条件を公開する")
    page.wait_for_url(re.compile(r"/offers$"))
    return base.rsplit("/", 1)[1]


def applied(page: Any, url: str, offer_id: str) -> str:
    """The path of the contract that the buyer applied for."""
    page.goto(f"{url}/offers/{offer_id}/apply")
    assert "標準" in page.inner_text("main")
    page.get_by_label(re.compile("^利用目的")).fill("歩道の広さを検討するため")
    page.locator("input[name=accept_terms]").check()
    press(page, "申し込む")
    page.wait_for_url("**/desk/contracts/*")
    return str(page.url.removeprefix(url))


def countered(page: Any, contract: str, *, cure_days: str) -> None:
    page.goto(contract + "/counter")
    page.get_by_label(re.compile("^相手への説明|^説明|^メッセージ")).first.fill(
        f"是正の期間を {cure_days} 日にしたいです。"
    )
    page.evaluate("document.querySelectorAll('main details').forEach(fold => { fold.open = true; })")
    page.locator("[name='variables.cure_days']").fill(cure_days)
    press(page, "提案する")
    page.wait_for_url(contract)


def approved(page: Any, review: str) -> str:
    """What the administrator saw before approving."""
    page.goto(review)
    seen = str(page.inner_text("main"))
    press(page, "承認する")
    page.wait_for_load_state()
    assert not page.locator(".error-summary").count(), page.inner_text("main")[:500]
    return seen


def is_sealed_by(pdf: bytes, certificate: Any) -> bool:
    """Whether pyHanko finds the whole file signed, unchanged, by this certificate. It runs a loop, so in its thread."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(_checked, pdf, certificate.read_bytes()).result()


def _checked(pdf: bytes, kept: bytes) -> bool:
    roots = [x509.Certificate.load(der) for kind, _, der in pem.unarmor(kept, multiple=True) if kind == "CERTIFICATE"]
    try:
        [signature] = PdfFileReader(io.BytesIO(pdf)).embedded_signatures
        usage = KeyUsageConstraints(key_usage={"digital_signature"})
        status = validate_pdf_signature(signature, ValidationContext(trust_roots=roots), key_usage_settings=usage)
    except Exception:  # whatever a changed file makes of itself, it is not the sealed one
        return False
    whole = status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    return bool(status.intact and status.valid and status.trusted and whole)
