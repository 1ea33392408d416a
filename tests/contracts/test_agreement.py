"""From any choices: either named rules refuse, or page, PDF and ODRL are made, hold every chosen value, and agree."""

from __future__ import annotations

import html
import io
import json
import re
import unicodedata
from typing import Any

import pypdf
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts import guideline, pricing
from contracts.documents import content as documents
from contracts.documents import odrl, page, pdf, sheets
from contracts.guideline import parts
from contracts.guideline.parts import Deal
from exchange.errors import Invalid
from listings.models import Listing, Release
from tests.contracts.test_odrl import ACTIVE, BASE, CONTRACTS, DRAFT, PRICES, any_value, organization

KINDS = ["company", "municipality", "npo", "university"]
CLASSES = ["non_personal", "statistics", "person_related", "anonymized"]


@st.composite
def any_terms(draw: st.DrawFn) -> dict[str, Any]:
    """A template, a price, the parties' kinds, a data class, and some of the variables chosen, each lawful by itself."""
    template = draw(st.sampled_from(CONTRACTS))
    chosen = draw(st.lists(st.sampled_from(template.variables), max_size=6, unique_by=lambda v: v.key))
    return {
        "template": template,
        "price": draw(st.sampled_from(PRICES)),
        "provider": draw(st.sampled_from(KINDS)),
        "buyer": draw(st.sampled_from(KINDS)),
        "data_class": draw(st.sampled_from(CLASSES)),
        "chosen": {v.key: draw(any_value(v)) for v in chosen},
        "evidence": draw(st.sampled_from([DRAFT, ACTIVE])),
    }


def squeezed(text: str) -> str:
    """Without white space and with composed signs: where lines break differs from form to form."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))


HEADS_AND_FEET = re.compile(
    r"市場運営者Ⅹ\s*(契約書|案（承認前.*)?|契約書|案|案（承認前.*|契約番号.*|\d+ / \d+ ページ|内容のSHA-256.*"
)


def printed(document: bytes) -> str:
    """The text of a PDF without its running heads and feet, so that a paragraph may go over the end of a page."""
    pages = pypdf.PdfReader(io.BytesIO(document)).pages
    lines = [line.strip() for page_ in pages for line in page_.extract_text().splitlines()]
    return squeezed("".join(line for line in lines if not HEADS_AND_FEET.fullmatch(line)))


@given(any_terms())
@settings(max_examples=12, deadline=None)
def test_rules_refuse_by_name_or_three_forms_agree(app: Any, terms: dict[str, Any]) -> None:
    template, price = terms["template"], terms["price"]
    deal = Deal(price["model"], terms["provider"], terms["data_class"], terms["buyer"])
    try:
        values = parts.complete(template, terms["chosen"], deal=deal)
    except Invalid as refusal:
        broken = parts.broken_rules(template, parts.defaults(template, deal) | terms["chosen"], deal)
        told = [str(message) for messages in refusal.errors.values() for message in messages]
        assert told and all(message.strip() for message in told)
        assert len(told) == len(broken) and all(rule.key and rule.source.ja for rule in broken)
        return

    said = written(template, values, deal, price, terms)
    made = sheets.sheet(said, terms["evidence"])
    with app.test_request_context("/"):
        shown = squeezed(html.unescape(re.sub(r"<[^>]+>", " ", page.html(said, terms["evidence"]))))
    on_paper = printed(pdf.pdf(made))
    policy = odrl.odrl(said, terms["evidence"], base_url=BASE, contract_id="K1")
    for variable in said["variables"]:
        value = squeezed(variable["shown"]["ja"])
        assert value in shown, variable
        assert value in on_paper, variable
        assert policy[f"{BASE}/contract-templates/{template.key}#{variable['key']}"] == variable["value"], variable
    for clause in said["clauses"]:
        for paragraph in clause["paragraphs"]:
            assert squeezed(paragraph["ja"]) in shown and squeezed(paragraph["ja"]) in on_paper
    for annex in said["annexes"]:
        assert squeezed(annex["title"]["ja"]) in shown and squeezed(annex["title"]["ja"]) in on_paper
    assert squeezed(said["price"]["ja"]) in shown and squeezed(said["price"]["ja"]) in on_paper
    assert terms["evidence"].sha256 in json.dumps(policy) and terms["evidence"].sha256 in shown


def written(template: parts.Template, values: Any, deal: Deal, price: Any, terms: dict[str, Any]) -> Any:
    provider, buyer = organization("provider"), organization("buyer")
    provider.kind, buyer.kind = terms["provider"], terms["buyer"]
    said = documents.content(
        documents.Terms(
            number="C-2026-000001",
            version=1,
            template=template,
            values=values,
            deal=deal,
            price=pricing.parse(price),
            purpose="地図に示すため",
            provider=provider,
            buyer=buyer,
            listing=Listing(id="L1", title="地区別人口", summary="人口", source="検証", data_class=deal.data_class),
            release=Release(id="R1", number=2),
            operator_name="市場運営者Ⅹ",
        )
    )
    return json.loads(documents.canonical(said))


def test_every_template_of_the_guidelines_is_there() -> None:
    keys = {"provision-licence", "provision-assignment", "provision-joint", "co-creation", "short-form"}
    assert {t.key for t in CONTRACTS} == keys
    participation = {t.key for t in guideline.TEMPLATES.values() if t.kind == "participation"}
    assert participation == {"platform-participation"}
    for key in ("provision-licence", "provision-assignment", "provision-joint"):
        assert [c.article for c in guideline.template(key).clauses] == list(range(1, 22))
