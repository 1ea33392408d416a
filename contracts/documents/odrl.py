"""The contract for machines: an ODRL 2.2 policy in JSON-LD (W3C Recommendation, 2018-02-15).

An active contract is an Agreement between assigner and assignee; before it is active it is an Offer to that assignee.
Only terms of the ODRL vocabulary are used; what ODRL has no word for stays in the document itself, which is linked.
"""

from __future__ import annotations

from typing import Any

from contracts.documents.content import Content
from contracts.documents.sheets import Evidence

CONTEXT = "http://www.w3.org/ns/odrl.jsonld"
_COUNTRY = "https://www.iso.org/obp/ui/#iso:code:3166:JP"


def odrl(said: Content, evidence: Evidence, *, base_url: str) -> dict[str, Any]:
    """The policy of a contract."""
    values = {v["key"]: v["value"] for v in said["variables"]}
    policy: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "Offer" if evidence.draft else "Agreement",
        "uid": f"{base_url}/desk/contracts/{said['number']}",
        "profile": f"{base_url}/contract-templates/{said['template']['key']}",
        "assigner": _party(said["provider"], base_url),
        "assignee": _party(said["buyer"], base_url),
        "target": f"{base_url}/listings/{said['data']['listing_id']}",
        "permission": [_permission(said, values, evidence)],
        "prohibition": _prohibitions(values),
        "obligation": _obligations(values, evidence),
    }
    return policy


def _party(party: Content, base_url: str) -> dict[str, str]:
    return {"@type": "Party", "uid": f"{base_url}/providers/{party['id']}"}


def _permission(said: Content, values: dict[str, Any], evidence: Evidence) -> dict[str, Any]:
    constraints = [_constraint("purpose", "eq", said["purpose"])]
    if values.get("territory") == "japan":
        constraints.append(_constraint("spatial", "eq", {"@id": _COUNTRY}))
    if evidence.starts_on:
        constraints.append(_constraint("dateTime", "gteq", _date(evidence.starts_on.isoformat())))
    if evidence.ends_on:
        constraints.append(_constraint("dateTime", "lteq", _date(evidence.ends_on.isoformat())))
    permission: dict[str, Any] = {"action": "use", "constraint": constraints}
    duty = _payment(said)
    return permission | ({"duty": [duty]} if duty else {})


def _payment(said: Content) -> dict[str, Any] | None:
    """The duty to pay; the rate in ODRL's terms where it is one amount, in words besides."""
    price = said["pricing"]
    amount = price.get("price_jpy")
    if price["model"] == "free":
        return None
    refinement: dict[str, Any] = {
        "leftOperand": "payAmount",
        "operator": "eq",
        "unit": "http://dbpedia.org/resource/Japanese_yen",
        "rightOperand": _decimal(str(amount)) if amount is not None else said["price"]["ja"],
    }
    return {"action": [{"rdf:value": {"@id": "odrl:compensate"}, "refinement": [refinement]}]}


def _prohibitions(values: dict[str, Any]) -> list[dict[str, Any]]:
    prohibited = ["sell", "distribute"]
    if values.get("sublicense") == "none":
        prohibited.append("grantUse")
    if values.get("derived_supply") == "prohibited":
        prohibited.append("derive")
    return [{"action": action} for action in prohibited]


def _obligations(values: dict[str, Any], evidence: Evidence) -> list[dict[str, Any]]:
    """Delete at the end, report as agreed."""
    found: list[dict[str, Any]] = []
    if "delete_days" in values:
        elapsed = f"P{values['delete_days']}D"
        after = _constraint("delayPeriod", "lteq", {"@value": elapsed, "@type": "xsd:duration"})
        found.append({"action": "delete", "constraint": [after]})
    if values.get("report_cycle", "none") != "none":
        found.append({"action": "inform"})
    return found


def _constraint(left: str, operator: str, right: Any) -> dict[str, Any]:
    return {"leftOperand": left, "operator": operator, "rightOperand": right}


def _date(value: str) -> dict[str, str]:
    return {"@value": value, "@type": "xsd:date"}


def _decimal(value: str) -> dict[str, str]:
    return {"@value": value, "@type": "xsd:decimal"}
