"""The short form, the contract for data created together with its table of rights, and the annexes the facts attach."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts import guideline, pricing
from contracts.guideline import parts
from contracts.guideline.annexes import ANNEXES
from contracts.guideline.co_creation import MATRIX
from contracts.guideline.co_creation import TEMPLATE as CREATION
from contracts.guideline.parts import Deal, Said, Template, Value
from contracts.guideline.short_form import TEMPLATE as SHORT
from exchange.errors import Invalid

KINDS = ("company", "municipality", "npo", "university")
CLASSES = ("non_personal", "statistics", "anonymized", "person_related", "personal", "sensitive")
FACTS = {
    key: Said(f"〈{key}〉", f"<{key}>")
    for key in ("provider", "buyer", "operator", "listing_title", "purpose", "price", "price_details")
}
DEAL = Deal("subscription", "company", "non_personal", "company")


def any_value(v: parts.Variable) -> st.SearchStrategy[Any]:
    if v.type == "choice":
        return st.sampled_from([c.key for c in v.choices])
    if v.type == "number":
        return st.integers(v.least, v.most)
    if v.type == "date":
        return st.sampled_from(["", "2027-04-01"])
    return st.sampled_from(
        ["", "東京地方裁判所", "観測データ", "稼働記録"] if v.empty.ja else ["大阪地方裁判所", "画像"]
    )


def written(template: Template, values: dict[str, Value], deal: Deal) -> str:
    """The whole text in both languages, once it was seen to be whole."""
    clauses = parts.write(template, values, FACTS, standard=parts.defaults(template, deal))
    assert [c.article for c in clauses] == list(range(1, len(template.clauses) + 1))
    annexes = parts.write_annexes(template, ANNEXES, values, FACTS, deal)
    for sheet in (*clauses, *annexes):
        assert sheet.paragraphs and all(p.ja and p.en for p in sheet.paragraphs)
    text = "\n".join(p.ja + "\n" + p.en for sheet in (*clauses, *annexes) for p in sheet.paragraphs)
    assert "{" not in text and "}" not in text
    return text


def attached(values: dict[str, Value], deal: Deal) -> list[str]:
    return [a.key for a in parts.write_annexes(CREATION, ANNEXES, values, FACTS, deal) if a.key != "usage-rights"]


def refused(template: Template, values: dict[str, Any], deal: Deal = DEAL) -> list[str]:
    with pytest.raises(Invalid) as refusal:
        parts.complete(template, values, deal=deal)
    return list(refusal.value.errors)


@pytest.mark.parametrize("template", [SHORT, CREATION], ids=lambda t: t.key)
@settings(max_examples=80, deadline=None)
@given(st.data())
def test_any_choice_is_refused_by_a_named_rule_or_written_out(template: Template, data: st.DataObject) -> None:
    values = data.draw(st.fixed_dictionaries({}, optional={v.key: any_value(v) for v in template.variables}))
    drawn = (data.draw(st.sampled_from(options)) for options in (pricing.MODELS, KINDS, CLASSES, KINDS))
    deal = Deal(*drawn)
    try:
        complete = parts.complete(template, values, deal=deal)
    except Invalid:
        assert parts.broken_rules(template, parts.defaults(template, deal) | values, deal)
        return
    text = written(template, complete, deal)
    for v in template.variables:
        if v.type in ("text", "date") and not v.key.startswith("category_"):
            assert v.in_clause(complete[v.key]).ja in text


@pytest.mark.parametrize("buyer", ["", *KINDS])
@pytest.mark.parametrize("provider", KINDS)
@pytest.mark.parametrize("model", pricing.MODELS)
def test_defaults_are_lawful_under_every_price_and_for_everyone(model: str, provider: str, buyer: str) -> None:
    for template, classes in ((CREATION, CLASSES), (SHORT, ("non_personal", "statistics"))):
        for data_class in classes:
            deal = Deal(model, provider, data_class, buyer)
            if template is SHORT and model == "revenue_share":
                continue
            assert parts.complete(template, deal=deal) == parts.defaults(template, deal)
            written(template, parts.defaults(template, deal), deal)


@pytest.mark.parametrize("template", [SHORT, CREATION], ids=lambda t: t.key)
def test_every_variable_is_explained_and_has_its_place(template: Template) -> None:
    cells = {key for line in (template.matrix.lines if template.matrix else ()) for key in (line.name, *line.cells)}
    assert len({v.key for v in template.variables}) == len(template.variables)
    for v in template.variables:
        assert v.label.ja and v.label.en and v.help.ja and v.help.en
        clause = next(c for c in template.clauses if c.article == v.article)
        nested = "".join(c.said().ja + c.said().en for other in template.of_article(v.article) for c in other.choices)
        places = "".join(p.ja + p.en for p in clause.paragraphs) + nested
        assert v.key in cells or places.count(f"{{{v.key}}}") >= 2, v.key  # in both languages


def test_nothing_is_called_official() -> None:
    for template in (SHORT, CREATION):
        assert guideline.template(template.key) is template
        assert not any(sheet.confirmed for sheet in (*template.clauses, *template.annexes))
        assert all("未確認" in clause.source.ja for clause in template.clauses)


@pytest.mark.parametrize("data_class", ["anonymized", "person_related", ""])
def test_the_short_form_is_for_low_risk_alone(data_class: str) -> None:
    assert refused(SHORT, {}, Deal("free", "company", data_class)) == ["variables.template"]
    assert refused(SHORT, {}, Deal("revenue_share", "company", "statistics")) == ["variables.template"]


# ── the table of rights ──────────────────────────────────────────────────────────────────────────────────────────────


def test_no_cell_of_the_table_can_be_blank() -> None:
    assert all(len(line.cells) == len(MATRIX.columns) == 8 for line in MATRIX.lines)
    values = parts.complete(CREATION, {"category_2": "稼働記録"}, deal=DEAL)
    for line in MATRIX.lines:
        assert all(CREATION.variable(key).shown(values[key]).ja for key in line.cells)
    assert refused(CREATION, {"category_1_buyer_supply": ""}) == ["variables.category_1_buyer_supply"]
    assert refused(CREATION, {"category_1": " "}) == ["variables.category_1"]


@pytest.mark.parametrize(
    "names",
    [
        {"category_2": "観測データ"},
        {"category_2": "データA", "category_3": "データＡ "},
        {"category_3": "画像"},
        {"category_2": "画像", "category_4": "音声"},
        {"category_2": "　"},
    ],
)
def test_categories_are_named_once_and_without_gaps(names: dict[str, str]) -> None:
    assert refused(CREATION, names) == ["variables.category_2"]


def test_a_municipality_keeps_the_use_of_its_data() -> None:
    city = Deal("free", "municipality", "non_personal", "company")
    for given_up in ({"category_1_provider_use": "prohibited"}, {"unlisted_data": "buyer"}):
        assert refused(CREATION, given_up, city) == ["variables.category_1_provider_use"]
        assert parts.complete(CREATION, given_up, deal=DEAL)
    assert parts.complete(CREATION, {"category_3_provider_use": "prohibited"}, deal=city)


# ── annexes ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("facts", "choices", "expected"),
    [
        ({}, {}, []),
        ({"data_class": "person_related"}, {}, ["personal"]),
        ({"data_class": "anonymized"}, {}, ["anonymized"]),
        ({}, {"storage_country": "worldwide"}, ["cross-border"]),
        ({}, {"territory": "worldwide"}, ["cross-border"]),
        ({}, {"commissioned": "yes"}, ["commissioned"]),
        ({"provider_kind": "municipality"}, {}, ["municipal-provider"]),
        ({"buyer_kind": "municipality"}, {}, ["municipal-buyer"]),
        (
            {"data_class": "sensitive", "provider_kind": "municipality", "buyer_kind": "municipality"},
            {"territory": "worldwide", "commissioned": "yes"},
            ["personal", "cross-border", "municipal-provider", "municipal-buyer", "commissioned"],
        ),
    ],
)
def test_annexes_attach_themselves_where_the_facts_require(
    facts: dict[str, str], choices: dict[str, Any], expected: list[str]
) -> None:
    known = {"pricing_model": "free", "provider_kind": "company", "data_class": "statistics", "buyer_kind": "company"}
    deal = Deal(**(known | facts))
    assert attached(parts.complete(CREATION, choices, deal=deal), deal) == expected


def test_annexes_stand_by_themselves_and_name_the_law() -> None:
    for annex in ANNEXES:
        assert "法" in annex.source.ja and re.search(r"第[0-9]+条", annex.source.ja)
        assert not any(re.search(r"\{\w+\}", p.ja + p.en) for p in annex.paragraphs)
