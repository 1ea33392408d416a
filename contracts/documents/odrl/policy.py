"""The policy as a whole: what stands around the rules, and which form of contract makes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from contracts.documents.content import Content
from contracts.documents.odrl.assignment import assignment
from contracts.documents.odrl.creation import creation
from contracts.documents.odrl.licences import joint, licence
from contracts.documents.odrl.parties import Contract, Side
from contracts.documents.odrl.words import JAPAN, Node, Rules, if_any, in_language, typed
from contracts.documents.sheets import Evidence

CONTEXT = "http://www.w3.org/ns/odrl.jsonld"


_FORMS: dict[str, Callable[[Contract], Rules]] = {
    "provision-assignment": assignment,
    "provision-joint": joint,
    "co-creation": creation,
}


def odrl(said: Content, evidence: Evidence, *, base_url: str, contract_id: str) -> Node:
    """The policy of a contract."""
    contract = Contract(said, evidence, base_url, f"{base_url}/desk/contracts/{contract_id}")
    rules = list(_FORMS.get(said["template"]["key"], licence)(contract))
    return {
        "@context": CONTEXT,
        "@type": "Offer" if evidence.draft else "Agreement",
        "uid": f"{contract.url}/versions/{said['version']}" if evidence.draft else contract.url,
        "profile": contract.template,
        **_about(contract),
        **_parties(contract, [rule for _, rule in rules]),
        "conflict": "prohibit",
        **if_any("permission", [rule for kind, rule in rules if kind == "permission"]),
        **if_any("prohibition", [rule for kind, rule in rules if kind == "prohibition"]),
        **if_any("obligation", [rule for kind, rule in rules if kind == "obligation"]),
        **_vocabulary(contract),
    }


def _about(contract: Contract) -> Node:
    """Metadata in Dublin Core, as 2.8 of the model asks for."""
    said, evidence = contract.said, contract.evidence
    found: Node = {
        "dct:identifier": said["number"],
        "dct:title": [in_language(lang, said["template"]["name"][lang]) for lang in ("ja", "en")],
        "dct:description": [in_language(lang, _summary(said, lang)) for lang in ("ja", "en")],
        "dct:coverage": JAPAN,
        "dct:hasFormat": [{"@id": f"{contract.url}/document"}, {"@id": f"{contract.url}/document.pdf"}],
    }
    if evidence.activated_at:
        found["dct:issued"] = typed(evidence.activated_at.isoformat(), "dateTime")
    return found


def _summary(said: Content, lang: str) -> str:
    """Purpose, price and every variable in words, as they stand on the page."""
    purpose, price = ("利用目的", "対価") if lang == "ja" else ("Purpose", "Price")
    details = "".join(f"\n{detail[lang]}" for detail in said["price_details"])
    lines = [f"{v['label'][lang]}: {v['shown'][lang]}" for v in said["variables"]]
    return "\n".join([f"{purpose}: {said['purpose']}", f"{price}: {said['price'][lang]}{details}", *lines])


def _parties(contract: Contract, rules: list[Node]) -> Node:
    """Who they are; as assigner and assignee only where that is what they are in every rule."""
    turned = any(rule["assignee"] != contract.party("buyer") for rule in rules)
    names = ("contractingParty", "contractedParty") if turned else ("assigner", "assignee")
    return dict(zip(names, (_party(contract, "provider"), _party(contract, "buyer")), strict=True))


def _party(contract: Contract, side: Side) -> Node:
    who = contract.said[side]
    known: Node = {"@type": ["Party", "vcard:Organization"], "uid": contract.party(side), "vcard:fn": who["name"]}
    return known | ({"dct:identifier": who["corporate_number"]} if who["corporate_number"] else {})


def _vocabulary(contract: Contract) -> Node:
    """Every variable and every figure of the price, and which text this is, in the exchange's own words."""
    said = contract.said
    facts = {
        **contract.values,
        **_flat("pricing", said["pricing"]),
        "template.version": said["template"]["version"],
        "contract.version": said["version"],
        "contract.sha256": contract.evidence.sha256,
    }
    return {contract.term(name): value for name, value in facts.items()}


def _flat(name: str, value: Any) -> dict[str, str | int]:
    """Plain values under dotted names, as the API names its fields: `pricing.tiers.0.up_to`. What is null is not said."""
    if isinstance(value, Mapping | list):
        inside = value.items() if isinstance(value, Mapping) else enumerate(value)
        return {k: v for key, each in inside for k, v in _flat(f"{name}.{key}", each).items()}
    return {} if value is None else {name: value}
