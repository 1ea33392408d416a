"""The document: one content, three forms, one SHA-256; a draft says so on every page."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from typing import Any

import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts import guideline, queries
from contracts.documents import printable
from contracts.guideline import parts
from contracts.guideline.parts import Deal, Said
from exchange.errors import Invalid
from tests.contracts.conftest import at_state
from tests.world import Person, World

Act = Callable[..., Any]
LICENCE = guideline.template("provision-licence")


def fetch(person: Person, contract: dict[str, Any], media_type: str) -> Any:
    return person.get(f"/contracts/{contract['id']}/document", headers={"Accept": media_type})


def pages(answer: Any) -> list[str]:
    assert answer.data.startswith(b"%PDF")
    return [page.extract_text().replace(" ", "") for page in pypdf.PdfReader(io.BytesIO(answer.data)).pages]


def test_a_draft_says_so_on_every_page_and_a_sealed_contract_nowhere(ask: Act, act: Act, buyer: Person) -> None:
    contract = ask().json
    draft = pages(fetch(buyer, contract, "application/pdf"))
    assert len(draft) > 2 and all("案（承認前" in page for page in draft)
    assert all(contract["document"]["sha256"] in page and contract["number"] in page for page in draft)
    act(contract, "provider", "accept", approval_reference="情政第123号", approved_on="2026-11-20", signatory="市長 𠮷")
    act(contract, "operator", "approve")
    sealed = pages(fetch(buyer, contract, "application/pdf"))
    assert not any("案（承認前" in page for page in sealed)
    whole = "".join(sealed)
    for words in (
        "第21条（紛争解決）",
        "情政第123号",
        "2026年11月20日",
        "運営者の承認",
        "地図制作株式会社",
        "みなとデータ株式会社",
    ):
        assert words in whole


def test_the_sha256_is_that_of_the_kept_content_and_the_sealed_pdf_stays(ask: Act, act: Act, buyer: Person) -> None:
    contract = at_state("active", ask, act)
    kept = queries.contract_by_id(contract["id"])
    terms, sealed = queries.round_of(kept), queries.sealed(kept.id)
    assert sealed is not None
    assert hashlib.sha256(terms.content.encode()).hexdigest() == contract["document"]["sha256"] == sealed.sha256
    assert hashlib.sha256(sealed.pdf).hexdigest() == sealed.pdf_sha256
    act(contract, "buyer", "terminate", reason="終了")
    assert fetch(buyer, contract, "application/pdf").data == sealed.pdf


def test_the_three_forms_agree(ask: Act, act: Act, buyer: Person) -> None:
    contract = at_state("active", ask, act, purpose="地図「A&B」<i>")
    page = fetch(buyer, contract, "text/html").get_data(as_text=True)
    policy = json.loads(fetch(buyer, contract, "application/ld+json").data)
    assert "地図「A&amp;B」&lt;i&gt;" in page and contract["document"]["sha256"] in page
    assert policy["@context"] == "http://www.w3.org/ns/odrl.jsonld" and policy["@type"] == "Agreement"
    purpose = policy["permission"][0]["constraint"][0]
    assert purpose == {"leftOperand": "purpose", "operator": "eq", "rightOperand": "地図「A&B」<i>"}
    assert "10000" in json.dumps(policy["permission"][0]["duty"])
    assert policy["assigner"]["uid"].endswith(contract["provider"]["id"])


def test_before_approval_the_policy_is_an_offer(ask: Act, buyer: Person) -> None:
    assert json.loads(fetch(buyer, ask().json, "application/ld+json").data)["@type"] == "Offer"


def test_the_document_by_accept_header(ask: Act, buyer: Person, world: World) -> None:
    contract = ask().json
    assert fetch(buyer, contract, "*/*").mimetype == "application/pdf"
    assert fetch(buyer, contract, "text/html").mimetype == "text/html"
    assert fetch(buyer, contract, "image/png").status_code == 406
    assert fetch(world.organization("無関係"), contract, "application/pdf").status_code == 404


def test_a_listing_renamed_later_does_not_change_what_was_agreed(
    ask: Act, act: Act, buyer: Person, company: Person
) -> None:
    contract = at_state("accepted", ask, act)
    company.call("PATCH", f"/listings/{contract['listing_id']}", {"title": "改題しました"})
    active = act(contract, "operator", "approve").json
    assert active["document"] == contract["document"]
    assert "改題しました" not in fetch(buyer, contract, "text/html").get_data(as_text=True).split("<article")[1]


@pytest.mark.parametrize("character", ["😀", "\u202e", "\u200b", "\ue000", "\x07"])
def test_what_cannot_be_printed_is_named(character: str) -> None:
    with pytest.raises(Invalid) as refused:
        printable.require({"purpose": f"地図{character}"})
    assert f"U+{ord(character):04X}" in str(refused.value.errors["purpose"][0])
    assert printable.printed(f"地図{character}") == "地図〓"


def test_everyday_japanese_is_printable() -> None:
    assert printable.unprintable("髙橋﨑①㈱～－Ⅲ℃Tokyo 100%\n「」・") == []


def test_the_house_font_has_no_yoshi_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printable, "INSTALLED", ())
    printable.font_files.cache_clear()
    printable._printable.cache_clear()
    try:
        assert printable.unprintable("𠮷田") == ["𠮷"]
    finally:
        printable.font_files.cache_clear()
        printable._printable.cache_clear()


# ── the template ─────────────────────────────────────────────────────────────────────────────────────────────────────


def any_value(v: parts.Variable) -> st.SearchStrategy[Any]:
    if v.type == "choice":
        return st.sampled_from([c.key for c in v.choices])
    if v.type == "number":
        return st.integers(v.least, v.most)
    if v.type == "date":
        return st.sampled_from(["", "2027-04-01"])
    return st.text("東京大阪地方裁判所", min_size=1, max_size=30)


any_values = st.fixed_dictionaries({v.key: any_value(v) for v in LICENCE.variables})
FACTS = {
    key: Said(f"〈{key}〉{{court}}", f"<{key}>{{court}}")
    for key in ("provider", "buyer", "operator", "listing_title", "purpose", "price", "price_details")
}


@settings(max_examples=60, deadline=None)
@given(any_values, st.sampled_from(["free", "one_off", "subscription", "metered", "revenue_share"]))
def test_any_choice_is_refused_by_a_named_rule_or_written_out(values: dict[str, Any], model: str) -> None:
    deal = Deal(model, "company", "non_personal")
    try:
        complete = parts.complete(LICENCE, values, deal=deal)
    except Invalid as refusal:
        assert parts.broken_rules(LICENCE, values, deal) and refusal.errors
        return
    written = parts.write(LICENCE, complete, FACTS, standard=parts.defaults(LICENCE, deal))
    assert [clause.article for clause in written] == list(range(1, 22))
    ja = "\n".join(p.ja for clause in written for p in clause.paragraphs)
    for v in LICENCE.variables:
        if v.type == "choice":
            spoken = v.in_clause(complete[v.key]).ja
            assert spoken.split("{")[0] in ja
    # What a person typed is put in as it is: the braces inside the facts above are still there.
    assert "〈purpose〉{court}" in ja and str(complete["court"]) in ja
    assert all(p.ja and p.en for clause in written for p in clause.paragraphs)


def test_defaults_are_lawful_under_every_price_model() -> None:
    for model in ("free", "one_off", "subscription", "metered", "revenue_share"):
        deal = Deal(model, "company", "non_personal")
        assert parts.complete(LICENCE, deal=deal) == parts.defaults(LICENCE, deal)


def test_every_variable_is_explained_and_stands_in_its_article() -> None:
    for v in LICENCE.variables:
        assert v.label.ja and v.label.en and v.help.ja and v.help.en
        clause = next(c for c in LICENCE.clauses if c.article == v.article)
        places = "".join(p.ja + p.en for p in clause.paragraphs)
        nested = "".join((c.clause or c.label).ja for other in LICENCE.of_article(v.article) for c in other.choices)
        assert f"{{{v.key}}}" in places or f"{{{v.key}}}" in nested, v.key
