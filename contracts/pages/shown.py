"""How terms are shown: clauses written out, variables in rows, prices in words, the steps to a contract."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

from contracts import guideline, pricing, queries, rules
from contracts.documents import content as documents
from contracts.guideline import parts
from contracts.guideline.parts import Deal, Said, Template
from contracts.models import Contract, Offer, Round
from contracts.pricing import Pricing
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


def deal_of(offer: Offer) -> Deal:
    """The facts of an offer that rules look at."""
    return Deal(offer.pricing["model"], offer.listing.provider.kind, offer.listing.data_class or "")


def offer_clauses(offer: Offer, buyer_name: str) -> list[dict[str, Any]]:
    """The clauses of an offer as they would stand in a contract."""
    template, deal = guideline.template(offer.template_key), deal_of(offer)
    values = parts.complete(template, offer.variables, deal=deal)
    facts = _facts(offer, buyer_name, pricing.parse(offer.pricing))
    written = parts.write(template, values, facts, standard=parts.defaults(template, deal))
    return [_clause(clause) for clause in written]


def _facts(offer: Offer, buyer_name: str, parsed: Pricing) -> dict[str, Said]:
    purpose = Said("（申込みの画面に入力する利用目的）", "(the purpose typed in the application)")
    operator = settings.current().operator_name
    return {
        "provider": Said(offer.listing.provider.name, offer.listing.provider.name),
        "buyer": Said(buyer_name, buyer_name),
        "operator": Said(operator, operator),
        "listing_title": Said(offer.listing.title, offer.listing.title),
        "purpose": purpose,
        "price": documents.price_said(parsed),
        "price_details": Said("".join(pricing.details(parsed)), " ".join(pricing.details(parsed, "en"))),
    }


def _clause(clause: parts.WrittenClause) -> dict[str, Any]:
    return {
        "article": clause.article,
        "title": said(clause.title),
        "paragraphs": [said(p) for p in clause.paragraphs],
        "deviates": clause.deviates,
    }


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


def changes(before: Round, after: Round) -> list[tuple[str, str, str]]:
    """Two rounds side by side, variable by variable, those alone that differ."""
    left = {v["key"]: v for v in json.loads(before.content)["variables"]}
    right = {v["key"]: v for v in json.loads(after.content)["variables"]}
    return [
        (said(right[key]["label"]), said(left[key]["shown"]), said(right[key]["shown"]))
        for key in right
        if key in left and left[key]["value"] != right[key]["value"]
    ]


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


# ── where a contract stands ──────────────────────────────────────────────────────────────────────────────────────────


def sentence(contract: Contract, side: str | None) -> str:
    """Where it stands and whose turn it is, in a sentence."""
    if contract.state in ("requested", "countered"):
        return _turn_sentence(contract, side)
    days = settings.current().approval_days
    if contract.state == "accepted":
        left = contract.approvals_needed - contract.approvals_given
        if contract.approvals_needed > 1:
            return _(
                "管理者の承認待ちです。あと%(n)s名の承認が必要です。通常 %(days)s 営業日かかります。", n=left, days=days
            )
        return _("管理者の承認待ちです。通常 %(days)s 営業日かかります。", days=days)
    if contract.state == "active" and contract.payment == "prepaid" and contract.paid_at is None:
        return _("契約は成立しました。前払いのため、入金の確認後にデータを取得できます。")
    if contract.state == "active" and contract.terminates_at:
        return _("契約は有効ですが、解約が予告されています。")
    return {
        "active": _("契約は有効です。データを取得できます。"),
        "suspended": _("契約は停止されています。停止した側が再開するまで、データは取得できません。"),
        "terminated": _("契約は解約されました。提供データは期限までに消去してください。"),
        "declined": _("申込みは辞退されました。"),
        "rejected": _("管理者が承認しませんでした。"),
        "expired": _("期限までに回答がなかったため、申込みは失効しました。"),
        "ended": _("契約期間が満了しました。提供データは期限までに消去してください。"),
    }[contract.state]


def _turn_sentence(contract: Contract, side: str | None) -> str:
    if contract.turn == side:
        return _("あなたの組織の回答を待っています。内容を確かめて、承諾、提案、または辞退をしてください。")
    who = contract.provider.name if contract.turn == "provider" else contract.buyer.name
    return _("%(who)s の回答を待っています。", who=who)


def steps(contract: Contract | None = None) -> list[dict[str, Any]]:
    """The way to a contract: what is done, what is next, who must act, how long it usually takes."""
    days = settings.current().approval_days
    labels = [
        (_("申込み"), _("利用者"), ""),
        (_("条件の承諾"), _("提供者"), _("提供者が内容を確かめます。")),
        (_("承認"), _("運営者"), _("通常 %(days)s 営業日", days=days)),
        (_("データの取得"), _("利用者"), _("契約の成立後すぐに取得できます。")),
    ]
    now = _position(contract)
    return [
        {"label": label, "who": who, "note": note, "state": "done" if n < now else "now" if n == now else "todo"}
        for n, (label, who, note) in enumerate(labels)
    ]


def _position(contract: Contract | None) -> int:
    if contract is None:
        return 0
    if contract.activated_at is not None:
        return 3 if contract.state in ("active", "suspended") else 4
    return {"requested": 1, "countered": 1, "accepted": 2}.get(contract.state, 1)


EVENT_TITLES = {
    "request": lambda: _("申し込みました"),
    "accept": lambda: _("条件を承諾しました"),
    "counter": lambda: _("条件を提案しました"),
    "approve": lambda: _("承認しました"),
    "return": lambda: _("差し戻しました"),
    "reject": lambda: _("承認しませんでした"),
    "decline": lambda: _("辞退しました"),
    "suspend": lambda: _("停止しました"),
    "resume": lambda: _("再開しました"),
    "announce": lambda: _("解約を予告しました"),
    "terminate": lambda: _("解約しました"),
    "pay": lambda: _("入金を確認しました"),
    "expire": lambda: _("回答の期限が過ぎて失効しました"),
    "end": lambda: _("契約期間が満了しました"),
}


def timeline(contract: Contract) -> list[dict[str, Any]]:
    """The history for a timeline, the newest first."""
    return [
        {
            "at": event.at,
            "title": EVENT_TITLES[event.deed](),
            "text": event.reason,
            "actor": event.actor.organization.name if event.actor else _("自動"),
        }
        for event in reversed(contract.history)
    ]


def state_label(contract: Contract) -> tuple[str, str]:
    """The state's title and the kind of its label."""
    return _(rules.STATE_TITLES[contract.state]), rules.STATE_KINDS[contract.state]


def key_terms(contract: Contract, content: dict[str, Any]) -> list[tuple[str, str]]:
    """What people look up: price, purpose, releases, term, derived data."""
    shown = {v["key"]: said(v["shown"]) for v in content["variables"]}
    labels = {v["key"]: said(v["label"]) for v in content["variables"]}
    wanted = ("updates", "sublicense", "ai_training", "territory", "derived_data", "report_cycle", "delete_days")
    agreed = price(contract.pricing)
    rows = [(_("対価"), agreed.words), (_("利用目的"), contract.purpose)]
    return rows + [(labels[key], shown[key]) for key in wanted if key in shown]
