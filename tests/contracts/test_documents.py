"""The document: one content, three forms, one SHA-256; a draft says so on every page."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Callable
from typing import Any

import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts import guideline, pricing, queries
from contracts.documents import printable
from contracts.guideline import parts
from contracts.guideline.parts import Deal, Said
from exchange.errors import Invalid
from tests.contracts.conftest import at_state
from tests.world import Person, World

Act = Callable[..., Any]


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


# ── the three forms of data provision ─────────────────────────────────────────────────────────────────────────────────

MODELS = {
    "provision-licence": pricing.MODELS,
    "provision-assignment": ("free", "one_off"),
    "provision-joint": ("free", "one_off", "subscription"),
}
FORMS = [guideline.template(key) for key in MODELS]
KINDS = ("company", "municipality", "npo", "university")
each_form = pytest.mark.parametrize("form", FORMS, ids=lambda form: form.key)


def any_value(v: parts.Variable) -> st.SearchStrategy[Any]:
    if v.type == "choice":
        return st.sampled_from([c.key for c in v.choices])
    if v.type == "number":
        return st.integers(v.least, v.most)
    if v.type == "date":
        return st.sampled_from(["", "2027-04-01"])
    return st.text("東京大阪地方裁判所", min_size=0 if v.empty.ja else 1, max_size=30)


FACTS = {
    key: Said(f"〈{key}〉{{court}}", f"<{key}>{{court}}")
    for key in ("provider", "buyer", "operator", "listing_title", "purpose", "price", "price_details")
}


@each_form
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_choice_is_refused_by_a_named_rule_or_written_out(form: parts.Template, data: st.DataObject) -> None:
    model, kind = data.draw(st.sampled_from(pricing.MODELS)), data.draw(st.sampled_from(KINDS))
    deal = Deal(model, kind, "non_personal", data.draw(st.sampled_from(("", *KINDS))))
    changed = data.draw(st.fixed_dictionaries({}, optional={v.key: any_value(v) for v in form.variables}))
    values = parts.defaults(form, deal) | changed
    try:
        complete = parts.complete(form, values, deal=deal)
    except Invalid as refusal:
        broken = parts.broken_rules(form, values, deal)
        assert broken and set(refusal.errors) == {f"variables.{rule.fields[0]}" for rule in broken}
        return
    written = parts.write(form, complete, FACTS, standard=parts.defaults(form, deal))
    assert [clause.article for clause in written] == list(range(1, 22))
    sheets = parts.write_annexes(form, (), complete, FACTS, deal)
    ja = "\n".join(p.ja for sheet in (*written, *sheets) for p in sheet.paragraphs)
    for v in form.variables:
        if v.type == "choice":
            spoken = v.in_clause(complete[v.key]).ja
            assert spoken.split("{")[0] in ja
        if v.type == "text":
            assert v.in_clause(complete[v.key]).ja in ja
    # What a person typed is put in as it is: the braces inside the facts above are still there, and no others.
    assert "〈purpose〉{court}" in ja and "{" not in ja.replace("{court}", "")
    assert all(p.ja and p.en for sheet in (*written, *sheets) for p in sheet.paragraphs)
    assert not re.search(r"[()]", ja)


@each_form
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("model", pricing.MODELS)
def test_defaults_are_lawful_wherever_a_form_is_open(form: parts.Template, kind: str, model: str) -> None:
    deal = Deal(model, kind, "non_personal")
    if model in MODELS[form.key] and (form.key != "provision-assignment" or kind != "municipality"):
        assert parts.complete(form, deal=deal) == parts.defaults(form, deal)
    else:
        with pytest.raises(Invalid):
            parts.complete(form, deal=deal)


@each_form
def test_every_variable_is_explained_and_stands_in_its_article(form: parts.Template) -> None:
    annexes = "".join(p.ja + p.en for annex in form.annexes for p in annex.paragraphs)
    for v in form.variables:
        assert v.label.ja and v.label.en and v.help.ja and v.help.en
        clause = next(c for c in form.clauses if c.article == v.article)
        places = "".join(p.ja + p.en for p in clause.paragraphs) + annexes
        nested = "".join((c.clause or c.label).ja for other in form.of_article(v.article) for c in other.choices)
        assert f"{{{v.key}}}" in places or f"{{{v.key}}}" in nested, v.key


@each_form
def test_every_rule_names_its_variables_its_reason_and_its_source(form: parts.Template) -> None:
    keys = {v.key for v in form.variables}
    assert len({rule.key for rule in form.rules}) == len(form.rules)
    for rule in form.rules:
        assert set(rule.fields) <= keys and rule.message.ja and rule.message.en and rule.source.ja and rule.source.en


YEAR = {"term": "fixed", "term_months": 12}


@pytest.mark.parametrize(
    ("key", "values", "deal", "rule"),
    [
        ("licence", {"exclusivity": "sole"} | YEAR, Deal("free", "municipality", ""), "public_data_are_not_exclusive"),
        ("licence", {"exclusivity": "sole"} | YEAR, Deal("free", "company", ""), None),
        ("licence", {"exclusivity": "exclusive"}, Deal("one_off", "company", ""), "exclusive_use_ends"),
        ("licence", {"exclusivity": "exclusive", "term": "renewing"}, Deal("free", "company", ""), None),
        (
            "licence",
            {"term": "renewing", "term_months": 1},
            Deal("free", "company", ""),
            "renewal_notice_fits_the_term",
        ),
        (
            "licence",
            {"term": "renewing", "term_months": 1, "renewal_notice_days": 27},
            Deal("free", "company", ""),
            None,
        ),
        ("licence", {"term_months": 1}, Deal("free", "company", ""), None),
        (
            "licence",
            {"commissioned": "yes", "transfer_fee_bearer": "provider"},
            Deal("free", "company", ""),
            "commission_is_paid_in_full",
        ),
        (
            "licence",
            {"leak_notice_hours": 48, "leak_report_days": 1},
            Deal("free", "company", ""),
            "leak_report_follows_the_notice",
        ),
        (
            "licence",
            {"derived_profit": "percent", "derived_profit_percent": 5, "derived_supply": "prohibited"},
            Deal("free", "company", ""),
            "profit_share_needs_supply",
        ),
        ("assignment", {}, Deal("metered", "company", ""), "assignment_has_one_price"),
        ("assignment", {}, Deal("free", "municipality", ""), "public_data_are_not_assigned"),
        ("assignment", {"provider_deletion": "residual_use"}, Deal("free", "company", ""), "residual_use_is_stated"),
        ("assignment", {"residual_use": "統計の作成"}, Deal("free", "company", ""), "residual_use_is_stated"),
        ("joint", {}, Deal("revenue_share", "company", ""), "joint_use_has_a_settled_price"),
        ("joint", {}, Deal("free", "company", "", "npo"), "buyers_data_are_described"),
        ("joint", {"netting": "difference"}, Deal("free", "company", ""), "netting_needs_a_price"),
        ("joint", {"liability_cap": "fees_total"}, Deal("free", "company", ""), "cap_needs_a_price"),
        ("joint", {"security_level": "L3"}, Deal("one_off", "municipality", ""), None),
    ],
)
def test_what_does_not_go_together(key: str, values: dict[str, Any], deal: Deal, rule: str | None) -> None:
    form = guideline.template(f"provision-{key}")
    broken = parts.broken_rules(form, parts.defaults(form, deal) | values, deal)
    assert [found.key for found in broken] == ([rule] if rule else [])


def test_only_the_licence_forms_articles_are_confirmed() -> None:
    confirmed = {form.key: [c.article for c in form.clauses if c.confirmed] for form in FORMS}
    assert confirmed == {"provision-licence": [1, 3, 5, 8, 11], "provision-assignment": [], "provision-joint": []}


def test_in_joint_use_each_party_provides_and_receives() -> None:
    form, deal = guideline.template("provision-joint"), Deal("free", "company", "non_personal", "company")
    named = {"buyer_data_name": "販売実績", "buyer_data_description": "月別の販売数"}
    values = parts.defaults(form, deal) | named
    clauses = parts.write(form, values, FACTS, standard=parts.defaults(form, deal))
    mutual = [p.ja for clause in clauses if clause.article in (5, 7, 8, 9) for p in clause.paragraphs]
    assert mutual and not any("甲" in words or "乙" in words for words in mutual)
    a, b = parts.write_annexes(form, (), values, FACTS, deal)
    assert "〈listing_title〉" in a.paragraphs[0].ja
    assert "販売実績" in b.paragraphs[0].ja and "月別の販売数" in b.paragraphs[1].ja
