"""How terms are shown: clauses written out, variables in rows, prices in words, the steps to a contract."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

from contracts import guideline, pricing, queries
from contracts.guideline import parts
from contracts.guideline.parts import Deal, Said, Template
from contracts.models import Contract
from exchange import settings
from exchange.web.presentation import locale


@dataclass(frozen=True)
class Price:
    """A price for a page."""

    model: str
    words: str
    details: list[str]
    example_jpy: int
    example_words: str
    is_free: bool
    is_once: bool


def price(given: dict[str, Any]) -> Price:
    """A price in the reader's language, with its example month."""
    parsed, lang = pricing.parse(given), locale()
    return Price(
        parsed.model,
        pricing.words(parsed, lang),
        pricing.details(parsed, lang),
        pricing.example_month_jpy(parsed),
        pricing.example_words(parsed, lang),
        pricing.is_free(parsed),
        parsed.model == "one_off",
    )


def said(words: Said | dict[str, str]) -> str:
    """Words that carry both languages, in the reader's."""
    return words[locale()] if isinstance(words, dict) else words.in_(locale())


def contract_content(contract: Contract) -> dict[str, Any]:
    """What the version on the table says."""
    content: dict[str, Any] = json.loads(queries.round_of(contract).content)
    return content


def content_clauses(content: dict[str, Any]) -> list[dict[str, Any]]:
    """The clauses of a stored content, in the reader's language."""
    return [
        {
            "article": c["article"],
            "title": said(c["title"]),
            "paragraphs": [said(p) for p in c["paragraphs"]],
            "deviates": c["deviates"],
        }
        for c in content["clauses"]
    ]


def deviations(content: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Variables that stand elsewhere than the template's default: label, standard, agreed."""
    template = guideline.template(content["template"]["key"])
    model = content["pricing"]["model"]
    found = []
    for v in content["variables"]:
        if v["deviates"]:
            variable = template.variable(v["key"])
            standard = said(variable.shown(variable.default_under(model)))
            found.append((said(v["label"]), standard, said(v["shown"])))
    return found


def variable_rows(content: dict[str, Any]) -> list[dict[str, Any]]:
    """Every variable of a content, for a table."""
    return [
        {
            "article": v["article"],
            "label": said(v["label"]),
            "shown": said(v["shown"]),
            "deviates": v["deviates"],
        }
        for v in content["variables"]
    ]


def example_of(template: Template, lang: str) -> list[dict[str, Any]]:
    """A template's clauses with its defaults, parties and data left as blanks to be filled."""
    blank = {
        "provider": Said("［提供者］", "[provider]"),
        "buyer": Said("［利用者］", "[buyer]"),
        "operator": Said("［運営者］", "[operator]"),
        "listing_title": Said("［データの名称］", "[title of the data]"),
        "purpose": Said("［利用目的］", "[purpose]"),
        "price": Said("［対価］", "[price]"),
        "price_details": Said("", ""),
    }
    values = parts.defaults(template, Deal("metered", "company", "non_personal"))
    written = parts.write(template, values, blank, standard=values)
    return [
        {
            "article": w.article,
            "title": w.title.in_(lang),
            "paragraphs": [p.in_(lang) for p in w.paragraphs],
            "source": clause.source.in_(lang),
            "confirmed": clause.confirmed,
            "variables": template.of_article(w.article),
        }
        for w, clause in zip(written, template.clauses, strict=True)
    ]


def steps() -> list[dict[str, Any]]:
    """The way to a contract, for those who apply: who acts when, and how long it usually takes."""
    days = settings.current().approval_days
    labels = [
        (_("申込み"), _("利用者"), ""),
        (_("条件の承諾"), _("提供者"), _("提供者が内容を確かめます。")),
        (_("承認"), _("運営者"), _("通常 %(days)s 営業日", days=days)),
        (_("データの取得"), _("利用者"), _("契約の成立後すぐに取得できます。")),
    ]
    return [
        {"label": label, "who": who, "note": note, "state": "todo" if n else "now"}
        for n, (label, who, note) in enumerate(labels)
    ]


LOOKED_UP = (
    *("term", "exclusivity", "updates", "sublicense", "ai_training", "territory"),
    *("derived_data", "report_cycle", "delete_days"),
)


def key_terms(contract: Contract, content: dict[str, Any]) -> list[tuple[str, str]]:
    """What people look up: price, purpose, term, releases, derived data."""
    shown = {v["key"]: said(v["shown"]) for v in content["variables"]}
    labels = {v["key"]: said(v["label"]) for v in content["variables"]}
    if contract.variables.get("term") in ("fixed", "renewing"):
        shown["term"] = _("%(term)s（%(months)s）", term=shown["term"], months=shown["term_months"])
    agreed = price(contract.pricing)
    rows = [(_("対価"), agreed.words), (_("利用目的"), contract.purpose)]
    return rows + [(labels[key], shown[key]) for key in LOOKED_UP if key in shown]
